"""Branches that only choose a value stand in an expression: `x if c else y`, `a and b`; a check stands once."""

from typing import Any

import numpy as np

from wengert.core.primitive import Primitive
from wengert.inspect.source.inlining import WIDTH, weight
from wengert.inspect.source.statements import Block, Statement, blocks_in
from wengert.ir.program import Equation, Stack, Var

choose = Primitive("choose", lambda c, x, y: x if c else y, register=False)


def simplify_branches(block: Block) -> None:
    for inner in reversed([*blocks_in(block)]):
        inner[:] = [chosen(s) or s for s in inner]


def chosen(s: Statement) -> Statement | None:
    """The statement `out = x if c else y`, where the branch does no more than that."""
    if s.kind != "if" or [[t.kind for t in inner] for inner in s.blocks] != [["move"], ["move"]]:
        return None
    moves = [inner[0] for inner in s.blocks]
    if len(moves[0].outs) != 1 or isinstance(moves[0].outs[0].type, Stack) or moves[0].outs[0].type.form == "array":
        return None
    (out,), ins = moves[0].outs, [s.ins[0], moves[0].ins[0], moves[1].ins[0]]
    if sum(map(weight, ins)) > WIDTH:
        return None
    origin = s.e.origin if s.e is not None else None
    e = Equation([out], choose, ins, {}, 3, s.e.where if s.e is not None else None, origin)
    return Statement("let", [out], ins, e, depth=s.depth)


def check_once(block: Block) -> None:
    """A condition that was checked holds as long as it is the same value."""
    for inner in blocks_in(block):
        seen: set[Any] = set()
        kept = []
        for s in inner:
            is_known = s.kind == "check" and isinstance(s.ins[0], Var) and s.ins[0] in seen
            if s.kind == "check" and isinstance(s.ins[0], Var):
                seen.add(s.ins[0])
            if not is_known:
                kept.append(s)
        inner[:] = kept


def is_truth(x: Any, truth: bool) -> bool:
    return isinstance(x, bool | np.bool_) and bool(x) == truth
