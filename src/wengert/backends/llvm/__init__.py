"""A program as machine code, by LLVM: a program becomes text, the text becomes code, Python calls the code.

llvmlite is imported when the first program is compiled.
"""
