"""Machine code by LLVM: programs become LLVM text, text becomes code, Python calls it."""
