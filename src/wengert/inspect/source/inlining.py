"""What is read once moves to where it is read."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from wengert.inspect.source.statements import Apply, Block, Statement, all_statements, applications, sets, variables_in
from wengert.inspect.source.words import is_derived_from_row, shown
from wengert.ir.program import (
    Equation,
    Hole,
    Stack,
    Type,
    Var,
)

WIDTH = 76  # of an expression, about: longer ones are not made by moving what is read once


def inline(block: Block) -> None:
    """Where nothing that it reads is changed on the way there; names that the user gave stay."""
    counts = Counter(x for s in all_statements(block) for x in variables_in(s.ins))
    partners = partners_in(block)
    inline_block(block, counts, partners)
    repeat_block(block, partners)


def inline_block(
    block: Block, counts: "Counter[Var]", partners: dict[Var, set[Var]], asked: Statement | None = None
) -> None:
    """`asked`: the loop whose test the block computes."""
    for s in block:
        for inner in s.blocks if s.kind != "while" else s.blocks[1:]:
            inline_block(inner, counts, partners)
        if s.kind == "while" and s is not asked:
            asking = [*s.blocks[0], s]
            inline_block(asking, counts, partners, s)
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
            if places and (target.kind != "while" or target is asked) and fits(target, places[0], expression):
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


def fits(target: Statement, place: int, expression: Apply) -> bool:
    """What is updated has a name; and lines do not get long."""
    if target.kind in ("update", "push", "pop") and place == 0:
        return False
    if target.kind == "call" and isinstance(expression.e.outs[0].type, Stack):
        return False
    line = target.ins[place : place + 1] if target.kind == "move" else target.ins
    return sum(map(weight, line)) + weight(expression) <= WIDTH


# ---------------------------------------------------------------- what costs nothing is written again


def repeat_block(block: Block, partners: dict[Var, set[Var]]) -> None:
    """Elements of arrays and changed signs are written wherever they are read, as long as nothing changes them."""
    for i, s in reversed([*enumerate(block)]):
        for inner in s.blocks:
            repeat_block(inner, partners)
        if is_cheap(s) or is_row(s, block):
            out, expression = s.outs[0], Apply(s.e, s.ins)  # type: ignore[arg-type]
            if may_repeat(block[i + 1 :], out, expression, partners):
                for other in all_statements(block[i + 1 :]):
                    other.ins = [replaced(x, out, expression) for x in other.ins]
                del block[i]


def is_cheap(s: Statement) -> bool:
    if s.kind != "let" or len(s.outs) != 1 or not may_move(s):
        return False
    assert s.e is not None
    if s.e.row.name == "getitem":
        return s.outs[0].type.shape == () and is_place(s.e)  # type: ignore[union-attr]
    return s.e.row.name == "neg" and isinstance(s.ins[0], Var) and s.outs[0].type.shape == ()  # type: ignore[union-attr]


def is_row(s: Statement, block: Block) -> bool:
    """Whether it is a row of what is kept, of which only elements are read."""
    is_kept = s.kind == "let" and len(s.outs) == 1 and s.outs[0].name.endswith("_kept")
    if not is_kept or s.e is None or s.e.row.name != "getitem" or not is_place(s.e):
        return False
    out = s.outs[0]
    return all(
        x is not out or (reader is not None and reader.row.name == "getitem" and i == 0)
        for t in all_statements(block)
        for reader, ins in readers(t)
        for i, x in enumerate(ins)
    )


def readers(s: Statement) -> Iterator[tuple[Any, list[Any]]]:
    """What reads operands in a statement: its equation, and the applications in its expressions."""
    yield s.e, s.ins
    yield from ((x.e, x.ins) for x in applications(s.ins))


def is_place(e: Equation) -> bool:
    """Whether the index is of whole numbers alone."""
    return all(isinstance(part, int | Hole) for part in e.params["index"])


def may_repeat(after: Block, out: Var, expression: Apply, partners: dict[Var, set[Var]]) -> bool:
    """Whether all statements that read the value may have the expression in its place."""
    is_old = False
    for s in after:
        changes = is_changed(expression, set(sets(s)), partners)
        is_loop = s.kind in ("for", "while")
        for t in all_statements([s]):
            if out in variables_in(t.ins) and (is_old or (changes and (is_loop or s.blocks)) or not fits_again(t, out)):
                return False
        is_old = is_old or changes
    return True


def fits_again(s: Statement, out: Var) -> bool:
    if isinstance(out.type, Type) and out.type.shape:
        return True
    is_root = s.kind in ("update", "push", "pop") and out is s.ins[0]
    return not is_root and sum(map(weight, s.ins)) <= WIDTH


def replaced(x: Any, out: Var, expression: Apply) -> Any:
    if x is out:
        return expression
    return Apply(x.e, [replaced(y, out, expression) for y in x.ins]) if isinstance(x, Apply) else x


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


def weight(x: Any) -> int:
    """About how many characters an operand takes."""
    if isinstance(x, Apply):
        inside = sum(map(weight, x.ins)) + 3 * (len(x.ins) - 1)
        return inside + (1 if x.e.row.name in SHORT_FORMS else len(x.e.row.name) + 2)
    return len(shown(x.name)) if isinstance(x, Var) else min(len(str(x)), 8)


SHORT_FORMS = {"add", "sub", "mul", "div", "neg", "getitem", "weak", "pow", "ipow", "square", "matmul"}
