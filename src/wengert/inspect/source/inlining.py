"""What is read once moves to where it is read."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from wengert.inspect.source.statements import Apply, Block, Statement, all_statements, sets, variables_in
from wengert.inspect.source.words import is_derived_from_row
from wengert.ir.program import (
    Stack,
    Var,
)

WIDTH = 60  # of an expression, about: longer ones are not made by moving what is read once


def inline(block: Block, weight: "Callable[[Any], int]") -> None:
    """Where nothing that it reads is changed on the way there; names that the user gave stay."""
    counts = Counter(x for s in all_statements(block) for x in variables_in(s.ins))
    inline_block(block, counts, partners_in(block), weight)


def inline_block(
    block: Block, counts: "Counter[Var]", partners: dict[Var, set[Var]], weight: Any, asked: Statement | None = None
) -> None:
    """`asked`: the loop whose test the block computes."""
    for s in block:
        for inner in s.blocks if s.kind != "while" else s.blocks[1:]:
            inline_block(inner, counts, partners, weight)
        if s.kind == "while" and s is not asked:
            asking = [*s.blocks[0], s]
            inline_block(asking, counts, partners, weight, s)
            s.blocks[0] = asking[:-1]
    set_by = [set(sets(s)) for s in block]
    gone: set[int] = set()
    for i, s in enumerate(block):
        if s.kind != "let" or len(s.outs) != 1 or counts[s.outs[0]] != 1 or not may_move(s):
            continue
        out, expression = s.outs[0], Apply(s.e, s.ins)  # type: ignore[arg-type]
        for j in range(i + 1, len(block)):
            target = block[j]
            places = [k for k, x in enumerate(target.ins) if x is out]
            if places and (target.kind != "while" or target is asked) and fits(target, places[0], expression, weight):
                target.ins[places[0]] = expression
                gone.add(i)
            if places or is_changed(expression, set_by[j], partners):
                break
    block[:] = [s for i, s in enumerate(block) if i not in gone]


def may_move(s: Statement) -> bool:
    """Values that the user named stand on lines of their own; so do those that hold memory which is written."""
    assert s.e is not None
    name = s.outs[0].name
    return is_derived_from_row(name) and not s.e.row.several and not s.e.row.effect


def fits(target: Statement, place: int, expression: Apply, weight: Any) -> bool:
    """What is updated has a name; and lines do not get long."""
    if target.kind in ("update", "push", "pop") and place == 0:
        return False
    if target.kind == "call" and isinstance(expression.e.outs[0].type, Stack):
        return False
    return sum(map(weight, target.ins)) + weight(expression) <= WIDTH


def is_changed(expression: Apply, now: set[Var], partners: dict[Var, set[Var]]) -> bool:
    return any(partners.get(x, set()) & now for x in variables_in([expression]))


def partners_in(block: Block) -> dict[Var, set[Var]]:
    """Values that should share a name: of updates, carries, results of branches."""
    found: dict[Var, set[Var]] = {}
    for out, source in wishes(block):
        found.setdefault(out, set()).add(source)
        found.setdefault(source, set()).add(out)
    return found


def wishes(block: Block) -> Iterator[tuple[Var, Var]]:
    """Pairs of values, the latter of which becomes the former."""
    for s in all_statements(block):
        if s.kind == "move":
            yield from ((o, x) for o, x in zip(s.outs, s.ins) if isinstance(x, Var))
        elif s.kind in ("update", "push", "pop") and isinstance(s.ins[0], Var):
            yield s.outs[0], s.ins[0]
