"""Rewrites of statements that make them shorter."""

from dataclasses import replace
from typing import Any

import numpy as np

from wengert.inspect.source.statements import (
    Block,
    Statement,
    all_statements,
    blocks_in,
    renamed,
    sets,
    type_of_in,
    variables_in,
)
from wengert.inspect.source.words import stem_of
from wengert.ir.program import Type, Var
from wengert.rules.indexing import add_at
from wengert.rules.linear import duplicate


def drop_unread(block: Block) -> None:
    """Values that nobody reads, which stand in a program since their rows may raise, and loops that do no more."""
    size = -1
    while size != (size := sum(1 for _ in all_statements(block))):
        read = {x for s in all_statements(block) for x in variables_in(s.ins)}
        for inner in blocks_in(block):
            inner[:] = [s for s in inner if not is_idle(s, read)]
            for s in inner:
                if s.kind == "move":
                    pairs = [(o, x) for o, x in zip(s.outs, s.ins) if o in read]
                    s.outs, s.ins = [o for o, _ in pairs], [x for _, x in pairs]


def is_idle(s: Statement, read: set[Var]) -> bool:
    if s.kind in ("for", "if"):
        return not any(s.blocks)
    idle = s.kind == "move" or (s.kind == "let" and not s.e.row.effect)  # type: ignore[union-attr]
    return idle and not read.intersection(s.outs)


def keep_early(block: Block) -> None:
    """What is kept for the way back is kept as soon as it is known, so that its name may be used again."""
    for s in [*block]:
        if s.kind not in ("push", "update") or not stem_of(s.outs[0].name)[1].endswith("_kept"):
            continue
        read = set(variables_in(s.ins))
        i = block.index(s)
        if any(x is s.ins[0] for other in block[:i] for x in variables_in(other.ins)):
            continue
        early = next((k + 1 for k in reversed(range(i)) if read.intersection(sets(block[k]))), 0)
        while early < i and block[early].kind in ("unpack", "pop"):
            early += 1
        block.insert(early, block.pop(i))


def start_with_terms(block: Block) -> None:
    """x + 0 is x, where zeros stand for a sum that nothing was added to yet."""
    zeros = {s.outs[0] for s in all_statements(block) if is_zeros(s)}
    made = {o for s in all_statements(block) for o in s.outs}
    carried = {x for s in all_statements(block) if s.kind != "let" for x in variables_in(s.ins)}
    names: dict[Any, Any] = {}
    for inner in blocks_in(block):
        for s in [*inner]:
            term = other_term(s, zeros - carried)
            if term is not None and term not in made:
                s.ins, s.e = [term], replace(s.e, row=duplicate, ins=[term], params={}, count=1)  # type: ignore[type-var]
            elif term is not None:
                names[s.outs[0]] = term
                inner.remove(s)
    renamed(block, names)


def is_zeros(s: Statement) -> bool:
    return s.kind == "let" and s.e is not None and s.e.row.name == "full" and s.e.params["value"] == 0


def other_term(s: Statement, zeros: set[Var]) -> Var | None:
    if s.kind != "let" or s.e is None or s.e.row.name != "add":
        return None
    for x, y in (s.ins, s.ins[::-1]):
        if isinstance(x, Var) and x in zeros and isinstance(y, Var) and y.type == s.outs[0].type:
            return y
    return None


def add_in_place(block: Block) -> None:
    """Cotangents of arrays are summed in place: x_bar += y for x_bar = x_bar + y."""
    for inner in blocks_in(block):
        moved = {x for s in inner if s.kind == "move" for x in s.ins if isinstance(x, Var)}
        for s in inner:
            if s.kind == "let" and s.e is not None and s.e.row.name == "add" and s.outs[0] in moved:
                terms = [x for x in s.ins if isinstance(x, Var) and is_sum(x, s.outs[0], inner)]
                if terms:
                    (x,) = terms[:1]
                    (y,) = [y for y in s.ins if y is not x] or [x]
                    s.kind, s.ins = "update", [x, y]
                    s.e = replace(s.e, row=add_at, ins=s.ins, params={"index": ()}, count=2)


def is_sum(x: Var, total: Var, block: Block) -> bool:
    """Whether the total is carried to where x was."""
    is_array = isinstance(x.type, Type) and x.type.form == "array" and x.type == total.type
    carries = [o for s in block if s.kind == "move" for o, y in zip(s.outs, s.ins) if y is total]
    return is_array and x.name.endswith("_bar") and x in carries


def write_numbers(block: Block) -> None:
    """A number in place of an array of it, where it meets an array of the same shape."""
    numbers: dict[Any, float] = {}
    for s in all_statements(block):
        x = repeated_number(s, numbers)
        if x is not None:
            numbers[s.outs[0]] = x
    for s in all_statements(block):
        if s.kind == "let" and s.e is not None and s.e.row.elementwise:
            type = s.outs[0].type
            others = [x for x in s.ins if not (isinstance(x, Var) and x in numbers)]
            if any(type_of_in(x) == type for x in others):
                s.ins = [numbers.get(x, x) if isinstance(x, Var) else x for x in s.ins]


def repeated_number(s: Statement, numbers: dict[Any, float]) -> float | None:
    if s.kind != "let" or s.e is None or not isinstance(s.outs[0].type, Type) or s.outs[0].type.dtype != np.float64:
        return None
    if s.e.row.name == "neg" and isinstance(s.ins[0], Var) and s.ins[0] in numbers:
        return -numbers[s.ins[0]]
    if s.e.row.name in ("spread", "broadcast_to") and isinstance(s.ins[0], float):
        return s.ins[0]
    return float(s.e.params["value"]) if s.e.row.name == "full" and s.outs[0].type.shape else None
