"""The whole of a program as one module of LLVM text, with the entry that everything outside sees:

    i32 @run(ptr inputs, ptr outputs, ptr arena)

inputs   a word for each parameter: the number itself, or the address of an array, or of a number larger than a word;
         then a word for each length that only the run knows, for whose bound the array has room; in the word before
         these, the address of an i32 that is not zero when the call should end
outputs  a word for each result: where the number goes, or the address of such memory; then a word for each length that
         only the run knows
arena    memory for all buffers; its content means nothing before and after
returns  0; or 1 where a check failed, and nothing is done that counts; or 3 where the call was told to end
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import wengert.backends.llvm.rows  # noqa: F401  fills the table of rules
from wengert.backends.llvm.call import Unsupported, by_address
from wengert.backends.llvm.engine import OPTIMISED, SCALAR
from wengert.backends.llvm.frame import Kernel
from wengert.backends.llvm.lower import refuse_operands
from wengert.backends.llvm.rows.calls import Called, write_body
from wengert.backends.llvm.runtime import DECLARED, addresses, needed
from wengert.backends.llvm.slots import Slot
from wengert.backends.llvm.text import STOP, Module, llvm_type, stored_type
from wengert.ir.program import Equation, Program, Stack, Type, extents_of, parameter_types, result_types
from wengert.passes.optimise import for_machine


@dataclass
class Lowered:
    """
    arena    bytes;  symbols  addresses that the text names;  kept  what lives there
    shared   those of them that every process finds by their names
    level    how it should be compiled
    log      of a build that checks memory: what was lowered to what
    in_python  equations for which Python is called
    """

    text: str
    arena: int
    symbols: dict[str, int]
    shared: list[str]
    kept: list[Any]
    buffers: int
    level: int
    log: list[Any]
    in_python: list[Equation]


def lowered(program: Program, checked: bool = False) -> Lowered:
    """checked: every load and store asks first whether it lies in the memory it is meant for; status 9 if not."""
    module = Module(checked)
    kernel = Kernel(module, "@kernel")
    types = result_types(program)
    if any(isinstance(t, Stack) for t in [*types, *parameter_types(program)]):
        raise Unsupported("what a loop keeps does not leave machine code")
    refuse_operands(program)
    program = for_machine(program)
    called = Called("@kernel", [False] * len(program.params), [None] * len(types))
    _, slots, starts, arena = write_body(kernel, program, called)
    end = "call void @free_all(ptr %context)" if needed("".join(module.functions)) else ""
    module.functions.append(entry(parameter_types(program), slots, starts, end))
    module.declare("llvm.memcpy.p0.p0.i64", "void", "ptr, ptr, i64, i1")
    module.declare("llvm.memset.p0.i64", "void", "ptr, i8, i64, i1")
    text = module.text()
    used = needed(text)
    text = "\n".join([text, *used.values()])
    shared = list(dict.fromkeys([*module.shared, *(name for name in used if name in DECLARED)]))
    symbols = {**module.symbols, **addresses(shared)}
    level, buffers = OPTIMISED if module.vectors else SCALAR, len(kernel.buffers)
    return Lowered(text, arena, symbols, shared, module.kept, buffers, level, module.log, module.in_python)


def entry(params: Sequence[Any], slots: Sequence[Slot], starts: Sequence[int], end: str) -> str:
    """`run`: what stands in the words becomes arguments of their own.  `end` gives back what the program asked for."""
    lines = [
        "%context = alloca [4 x ptr]",
        "store ptr %context, ptr %context",
        "%last = getelementptr inbounds i8, ptr %context, i64 8",
        "store ptr %context, ptr %last",
        "%base = getelementptr inbounds i8, ptr %context, i64 16",
        "store ptr %context, ptr %base",
        "%stop.from = getelementptr inbounds i64, ptr %inputs, i64 -1",
        "%stop = load ptr, ptr %stop.from",
        f"%stop.to = getelementptr inbounds i8, ptr %context, i64 {STOP}",
        "store ptr %stop, ptr %stop.to",
    ]
    arguments = ["ptr %context"]

    def word(base: str, i: int) -> str:
        lines.append(f"%{base}.a{i} = getelementptr inbounds i64, ptr %{base}, i64 {i}")
        return f"%{base}.a{i}"

    after = len(params)
    for i, t in enumerate(params):
        place = word("inputs", i)
        if by_address(t):
            lines.append(f"%x{i}.at = load ptr, ptr {place}")
            place = f"%x{i}.at"
        if t.shape:
            arguments.append(f"ptr {place}")
            for _ in extents_of(t):
                lines.append(f"%x.n{after} = load i64, ptr {word('inputs', after)}")
                arguments.append(f"i64 %x.n{after}")
                after += 1
            continue
        lines.append(f"%x{i} = load {stored_type(t.dtype)}, ptr {place}")
        name = f"%x{i}"
        if t.dtype.kind == "b":
            lines.append(f"%x{i}.bit = trunc i8 %x{i} to i1")
            name = f"%x{i}.bit"
        arguments.append(f"{llvm_type(t.dtype)} {name}")
    after = len(slots)
    for i, s in enumerate(slots):
        place = word("outputs", i)
        if isinstance(s.type, Type) and by_address(s.type):
            lines.append(f"%r{i} = load ptr, ptr {place}")
            place = f"%r{i}"
        arguments.append(f"ptr {place}")
        for _ in s.registers() if s.buffer else ():
            arguments.append(f"ptr {word('outputs', after)}")
            after += 1
    for i, start in enumerate(starts):
        lines.append(f"%b{i} = getelementptr inbounds i8, ptr %arena, i64 {start}")
        arguments.append(f"ptr %b{i}")
    lines.append(f"%status = call i32 @kernel({', '.join(arguments)})")
    head = "define i32 @run(ptr %inputs, ptr %outputs, ptr %arena) #2 {"
    return "\n".join([head, *lines, end, "ret i32 %status", "}"])
