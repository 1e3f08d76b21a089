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

from wengert.ir.program import Equation, Program, Type, Var, has_extents, makers, substituted, type_in
from wengert.passes.accumulate import reads_of
from wengert.passes.affine import is_whole
from wengert.passes.privatise import carry_of, covers
from wengert.passes.promote import indexed, parts_of
from wengert.passes.rewrite import everywhere, place, rebuilt, times
from wengert.passes.traps import is_users
from wengert.rules.control import full
from wengert.rules.indexing import write


def embed_block(program: Program) -> Program:
    maker, uses = makers(program), reads_of(program)
    places = {e: n for n, e in enumerate(program.equations)}
    changed: dict[Equation, Equation | None] = {}
    for e in program.equations:
        loop = filling(e, maker, uses)
        if loop is not None and all(x not in maker or places[maker[x]] < places[loop] for x in (e.ins[0], *e.ins[2:])):
            now, k = changed.get(loop) or loop, place(e.ins[1], loop.outs)
            start = maker[now.ins[3 + now.params["consts"] + k]]
            changed.update({loop: embedded(now, k, e.outs[0], e.ins[0], parts_of(e)), start: None, e: None})
    equations = [new for e in program.equations if (new := changed.get(e, e)) is not None]
    return rebuilt(program, equations, program.results)


embed = everywhere(embed_block)


def filling(e: Equation, maker: dict[Var, Equation], uses: Counter[Var]) -> Equation | None:
    """The loop that fills what e writes, if that is all that it is for."""
    if e.row is not write or e.params["steps"] or is_users(e) or not all(map(is_number, parts_of(e))):
        return None
    whole, part = e.ins[:2]
    loop = maker.get(part) if isinstance(part, Var) else None
    if loop is None or loop.row.name != "for_" or uses[part] != 1 or uses[whole] != 1 or not is_part(part, e):
        return None
    k = place(part, loop.outs)
    start = loop.ins[3 + loop.params["consts"] + k]
    is_new = isinstance(start, Var) and uses[start] == 1 and start in maker and maker[start].row is full
    return loop if is_new and covers(loop, k, ()) else None


def is_number(part: Any) -> bool:
    return isinstance(part, Var | int) and is_whole(part)


def is_part(part: Var, e: Equation) -> bool:
    """Whether the index names a part of this type."""
    whole = type_in(e.ins[0])
    if not isinstance(whole, Type) or has_extents(whole):
        return False
    return part.type == whole._replace(shape=whole.shape[len(e.params["index"]) :])


def embedded(e: Equation, k: int, out: Var, whole: Var, parts: Sequence[Any]) -> Equation:
    """The loop, or the write, where operand k of its carries is this part of the whole, which becomes `out`."""
    if e.row is write:
        ins, how = indexed([whole, e.ins[1]], [*parts, *parts_of(e)], {"steps": (), "inplace": False})
        return replace(e, outs=[out], ins=ins, params=how)
    body, consts = e.params["body"], e.params["consts"]
    constants = e.ins[3 : 3 + consts]
    more = list(dict.fromkeys(x for x in parts if isinstance(x, Var) and not times(x, constants)))
    own = [*body.params[1 : 1 + consts], *(Var(x.name, x.type) for x in more)]
    inside = dict(zip([*constants, *more], own))
    p, result = body.params[1 + consts + k], body.results[k]
    now, after = Var(p.name, whole.type), Var(result.name, whole.type)
    user = next(q for q in body.equations if times(p, q.ins))
    place_in_user = (carry_of(user, p) or 0) if user.row is not write else 0
    new = embedded(user, place_in_user, after, now, substituted(list(parts), inside))
    params = [body.params[0], *own, *(now if q is p else q for q in body.params[1 + consts :])]
    equations = [new if q is user else q for q in body.equations]
    inner = Program(params, equations, [after if x is result else x for x in body.results], body.name)
    carries = [whole if i == k else x for i, x in enumerate(e.ins[3 + consts :])]
    ins = [*e.ins[:3], *constants, *more, *carries]
    outs = [out if i == k else x for i, x in enumerate(e.outs)]
    return replace(e, outs=outs, ins=ins, count=len(ins), params={"body": inner, "consts": len(own)})
