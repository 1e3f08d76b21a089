"""A program becomes LLVM text: equation after equation, each row by its rule in `rows`."""

from collections.abc import Callable
from typing import Any

from wengert.backends.llvm.arrays import Lazy, Stored
from wengert.backends.llvm.call import Unsupported
from wengert.backends.llvm.frame import Frame, refuse_dtype
from wengert.ir.program import Equation, Program, Type, Var, dtype_in, type_in, variables
from wengert.passes.ranges import learn

Rule = Callable[[Frame, Equation], Any]
RULES: dict[str, Rule] = {}
CUSTOM = "custom"  # in place of the names of rows that are not in the table: the user's own


def lowers(*names: str) -> Callable[[Rule], Rule]:
    def note(rule: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, rule))
        return rule

    return note


def run(frame: Frame) -> None:
    """Lower all equations."""
    frame.release(frame.program.params)
    for i, e in enumerate(frame.program.equations):
        frame.position = i
        frame.kernel.note("begin", e)
        try:
            equation(frame, e)
        except Unsupported as problem:
            problem.equation = problem.equation or e
            raise
        frame.kernel.note("end", e)
    frame.position = len(frame.program.equations)


def refuse_operands(program: Program) -> None:
    """Where they are read first."""
    readers = {x: e for e in reversed(program.equations) for x in variables(e)}
    for x in [*program.params, *program.results]:
        try:
            refuse_dtype(dtype_in(type_in(x)))
        except Unsupported as problem:
            problem.equation = readers.get(x) if isinstance(x, Var) else None
            raise


def by_rule(frame: Frame, e: Equation) -> Any:
    """What the rule of the row gives; Python is asked for what the rule cannot do, as for rows without one."""
    rule, block = RULES.get(e.row.name, RULES[CUSTOM]), frame.kernel.block
    try:
        return rule(frame, e)
    except Unsupported as problem:
        if problem.equation is not None or frame.kernel.block != block:  # not this row, or not before it has begun
            raise
        return RULES[CUSTOM](frame, e)


def equation(frame: Frame, e: Equation) -> None:
    for type in [*map(type_in, e.ins), *(x.type for x in e.outs)]:
        if isinstance(type, Type):  # what is in a stack was an operand, or becomes a result
            refuse_dtype(type.dtype)
    outs = by_rule(frame, e)
    for var, x in zip(e.outs, outs if e.row.several else [outs]):
        if isinstance(x, Stored | Lazy) and not x.lengths:
            x = x.element(frame.kernel, ())  # an array of no axes is a number, too
        frame.bind(var, x)
        frame.kernel.note("result", var, x)
    if len(e.outs) == 1:
        learn(e, frame.known)
    frame.release([*frame.plan.ends.get(frame.position, ()), *e.outs])
