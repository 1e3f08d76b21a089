"""What nested loops keep for the way back stands in one array or list, not in rows that are put together.

A program keeps a row in the inner loop, and the row in the outer one.  Here the inner loop writes `x_kept[i, j]`, and
lists of lists are one list: what the way back pops has the opposite order of what was appended.
"""

from dataclasses import replace
from typing import Any

from wengert.inspect.source.inlining import is_place, wishes
from wengert.inspect.source.statements import Block, Statement, all_statements, blocks_in, renamed, variables_in
from wengert.ir.program import Hole, Stack, Var

Groups = dict[Var, set[Var]]


def keep_in_one(block: Block) -> None:
    while any(rows_in_place(inner) or lists_in_one(inner, block) for inner in blocks_in(block)):
        pass


def grouped(block: Block) -> Groups:
    """Versions of one array or list: what becomes of it by writes, and what loops carry."""
    groups: Groups = {}
    for x, y in wishes(block):
        together = groups.get(x, {x}) | groups.get(y, {y})
        groups.update(dict.fromkeys(together, together))
    return groups


def maker_of(x: Any, block: Block, row: str) -> Statement | None:
    found = [s for s in block if x in s.outs and s.kind == "let" and s.e is not None and s.e.row.name == row]
    return found[0] if found else None


def is_only_kept(group: set[Var], block: Block, last: Statement) -> bool:
    """Whether the versions are only written and carried, and the last statement alone reads one."""
    for s in all_statements(block):
        for i, x in enumerate(s.ins):
            if s is last and i == 1:
                continue
            is_root = s.kind in ("update", "push", "pop") and i == 0
            is_carried = s.kind == "move" and s.outs[i] in group
            if not (is_root or is_carried) and group.intersection(variables_in([x])):
                return False
    return True


def started(s: Statement, block: Block, row: str, groups: Groups) -> Statement | None:
    """Where the row or list begins that a statement keeps, if it is empty then and nobody else reads it."""
    group = groups.get(s.ins[1]) if isinstance(s.ins[1], Var) else None
    if group is None or not isinstance(s.ins[0], Var) or not s.outs[0].name.endswith("_kept"):
        return None
    makers = [m for x in group if (m := maker_of(x, block, row)) is not None]
    if len(makers) != 1 or not is_only_kept(group, block, s):
        return None
    between = block[block.index(makers[0]) : block.index(s)]
    whole = groups.get(s.ins[0], {s.ins[0]})
    is_untouched = not any(whole.intersection([*t.outs, *variables_in(t.ins)]) for t in all_statements(between))
    return makers[0] if is_untouched else None


def rows_in_place(block: Block) -> bool:
    groups = grouped(block)
    for s in block:
        if s.kind != "update" or s.e is None or s.e.row.name != "write" or s.e.params.get("steps") or not is_place(s.e):
            continue
        first = started(s, block, "full", groups)
        if first is None or first.e is None or first.e.params["value"] != 0:
            continue
        old, new, group = s.ins[0], s.outs[0], groups[s.ins[1]]
        for t in all_statements(block):
            if t.kind == "update" and t.outs[0] in group:
                nest(t, s)
        names = {x: Var(new.name, new.type) for x in group} | {s.ins[1]: new, first.outs[0]: old}
        block[:] = [t for t in block if t is not first and t is not s]
        renamed(block, names)
        return True
    return False


def nest(inner: Statement, outer: Statement) -> None:
    """row[j] = v becomes all[i, j] = v."""
    assert inner.e is not None and outer.e is not None
    index = []
    for part in outer.e.params["index"]:
        if isinstance(part, Hole):
            inner.ins.append(outer.ins[part.operand])
            part = Hole(len(inner.ins) - 1)
        index.append(part)
    inner.e = replace(inner.e, params={**inner.e.params, "index": (*index, *inner.e.params["index"])})


def lists_in_one(block: Block, function: Block) -> bool:
    groups = grouped(function)
    for s in block:
        if s.kind != "push" or not isinstance(s.ins[1], Var) or not isinstance(s.ins[1].type, Stack):
            continue
        first = started(s, block, "empty_stack", groups)
        whole = groups.get(s.ins[0], set())
        pops = [(b, t) for b in blocks_in(function) for t in b if t.kind == "pop" and t.ins[0] in whole]
        pushes = [t for t in all_statements(function) if t.kind == "push" and t.ins[0] in whole]
        if first is None or pushes != [s] or any(not is_popped(t, b, groups) for b, t in pops):
            continue
        for x in whole:
            x.type = s.ins[1].type
        for b, t in pops:
            left = last_of(groups[t.outs[1]], b)
            b.remove(t)
            renamed(b, {t.outs[1]: t.ins[0], t.outs[0]: left})
        block[:] = [t for t in block if t is not first and t is not s]
        renamed(block, {first.outs[0]: s.ins[0], s.ins[1]: s.outs[0]})
        return True
    return False


def is_popped(s: Statement, block: Block, groups: Groups) -> bool:
    """Whether a list that is popped is emptied itself, and no more."""
    group = groups.get(s.outs[1])
    zeros = s.e.params.get("zeros") if s.e is not None else None
    return group is not None and zeros is None and s.outs[1] in group and is_only_kept(group, block, s)


def last_of(group: set[Var], block: Block) -> Var:
    return [o for s in block for o in s.outs if o in group][-1]
