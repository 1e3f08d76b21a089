"""An array that a loop fills for a place in a larger one is filled there.

    a = full(m)
    for j in range(m): a[j] = v       ->      for j in range(m): A[i, j] = v
    A[i] = a

So each number that a nest of loops keeps for the way back is written once, however deep the nest.  Of the user's own
writes none moves: one that is out of range names its line.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from wengert.ir.program import Equation, Makers, Program, Type, Var, has_extents, makers, reads_of, substituted, type_in
from wengert.passes.affine import is_whole
from wengert.passes.privatise import covers
from wengert.passes.promote import indexed, parts_of
from wengert.passes.rewrite import everywhere, place, rebuilt, times
from wengert.passes.traps import is_users
from wengert.rules.control import full
from wengert.rules.indexing import write


def embed_block(program: Program) -> Program:
    maker, uses = makers(program), reads_of(program)
    order = {e: n for n, e in enumerate(program.equations)}
    changed: dict[Equation, Equation | None] = {}
    for e in program.equations:
        loop = filling(e, maker, uses)
        if loop is not None and all(x not in maker or order[maker[x]] < order[loop] for x in (e.ins[0], *e.ins[2:])):
            start = start_of(loop, e.ins[1])
            now = embedded(changed.get(loop) or loop, start, e.outs[0], e.ins[0], parts_of(e))
            changed.update({loop: now, maker[start]: None, e: None})
    equations = [new for e in program.equations if (new := changed.get(e, e)) is not None]
    return rebuilt(program, equations, program.results)


embed = everywhere(embed_block)


def filling(e: Equation, maker: Makers, uses: Counter[Var]) -> Equation | None:
    """The loop that fills what e writes, if that is all that it is for."""
    if e.row is not write or e.params["steps"] or is_users(e) or not is_part(e):
        return None
    whole, part = e.ins[:2]
    loop = maker.get(part)
    if loop is None or loop.row.name != "for_" or uses[part] != 1 or uses[whole] != 1:
        return None
    start = start_of(loop, part)
    is_new = isinstance(start, Var) and uses[start] == 1 and start in maker and maker[start].row is full
    return loop if is_new and covers(loop, place(part, loop.outs), ()) else None


def start_of(loop: Equation, out: Var) -> Any:
    """What the carry that becomes `out` begins with."""
    return loop.ins[3 + loop.params["consts"] + place(out, loop.outs)]


def is_part(e: Equation) -> bool:
    """Whether what it writes is all of the array at an index of numbers."""
    whole, index = type_in(e.ins[0]), parts_of(e)
    if not isinstance(whole, Type) or has_extents(whole) or len(index) >= len(whole.shape):
        return False
    are_numbers = all(isinstance(p, Var | int) and is_whole(p) for p in index)
    return are_numbers and type_in(e.ins[1]) == whole._replace(shape=whole.shape[len(index) :])


def embedded(e: Equation, old: Var, out: Var, whole: Var, parts: Sequence[Any]) -> Equation:
    """The loop, or the write, where this part of the whole stands for `old`; the whole becomes `out`."""
    if e.row is write:
        ins, how = indexed([whole, e.ins[1]], [*parts, *parts_of(e)], {"steps": (), "inplace": False})
        return replace(e, outs=[out], ins=ins, params=how)
    body, first = e.params["body"], 3 + e.params["consts"]
    constants, k = e.ins[3:first], place(old, e.ins) - first
    more = list(dict.fromkeys(x for x in parts if isinstance(x, Var) and not times(x, constants)))
    own = [*body.params[1 : first - 2], *(Var(x.name, x.type) for x in more)]
    carries, result = body.params[first - 2 :], body.results[k]
    now, after = Var(carries[k].name, whole.type), Var(result.name, whole.type)
    user = next(q for q in body.equations if times(carries[k], q.ins))
    inside = substituted(list(parts), dict(zip([*constants, *more], own)))
    new = embedded(user, carries[k], after, now, inside)
    inner = Program(
        [body.params[0], *own, *exchanged(carries, k, now)],
        [new if q is user else q for q in body.equations],
        exchanged(body.results, k, after),
        body.name,
    )
    ins = [*e.ins[:first], *more, *exchanged(e.ins[first:], k, whole)]
    return replace(
        e, outs=exchanged(e.outs, k, out), ins=ins, count=len(ins), params={"body": inner, "consts": len(own)}
    )


def exchanged(xs: list[Any], k: int, new: Any) -> list[Any]:
    """The list with `new` at position k."""
    return [*xs[:k], new, *xs[k + 1 :]]
