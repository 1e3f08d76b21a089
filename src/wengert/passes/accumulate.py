"""What adds to a part of an array says so: its way back needs no clearing, and keeps nothing.

a[i][:] = v                   a[i] = v
a[i] = a[i] + v, v + a[i]     a = add_at(a, v, index=i)
a[i] = a[i] - v               a = add_at(a, -v, index=i)      exact: x - y = x + (-y)

And in a derivative, where the sign of a zero says nothing:

w + (a with a[1:] = 0)        add_at(w, a[:1], index=:1)
w + put_add(v, i)             add_at(w, v, index=i)
"""

from collections import Counter
from dataclasses import replace
from typing import Any

from wengert.ir.keys import key_of
from wengert.ir.program import (
    Equation,
    Hole,
    Makers,
    Program,
    Type,
    Var,
    dtype_in,
    has_extents,
    makers,
    numeric,
    reads_of,
    type_in,
)
from wengert.passes.common import is_one_place, shifted
from wengert.passes.rewrite import everywhere, is_plain, rebuilt
from wengert.rules.elementwise import neg
from wengert.rules.indexing import add_at, getitem, is_basic


def accumulate_block(program: Program) -> Program:
    program = rebuilt(program, list(map(directly, program.equations)), program.results)
    maker, uses = makers(program), reads_of(program)
    equations = [e for old in program.equations for e in RULES.get(old.row.name, unchanged)(old, maker, uses)]
    return rebuilt(program, equations, program.results)


accumulate = everywhere(accumulate_block)


def unchanged(e: Equation, maker: Makers, uses: Counter[Var]) -> list[Equation]:
    return [e]


def directly(e: Equation) -> Equation:
    """A write to the whole of a part, as a write to that."""
    if e.row.name != "write" or len(e.params["steps"]) != 1 or not all(map(is_everything, e.params["index"])):
        return e
    ((step, how),) = e.params["steps"]
    if step is not getitem or "extents" in how or not is_basic(how["index"]) or None in how["index"]:
        return e
    return replace(e, params={**e.params, "steps": (), "index": how["index"]})


def accumulation(e: Equation, maker: Makers, uses: Counter[Var]) -> list[Equation]:
    """The equations in place of e; the read and the sum are dead then."""
    if not is_one_place(e) or not isinstance(e.ins[1], Var):
        return [e]
    total = maker.get(e.ins[1])
    if total is None or total.row.name not in ("add", "sub") or uses[e.ins[1]] != 1:
        return [e]
    sides = (0, 1) if total.row.name == "add" else (0,)
    for k in sides:
        read, v = total.ins[k], total.ins[1 - k]
        if is_read_back(maker.get(read) if isinstance(read, Var) else None, e) and uses[read] == 1:
            if not keeps_type(read, v, e):
                return [e]
            return added(e, v) if total.row.name == "add" else subtracted(e, v, total)
    return [e]


def is_read_back(read: Equation | None, e: Equation) -> bool:
    """Whether it reads what e writes."""
    if read is None or read.row.name != "getitem" or read.ins[0] is not e.ins[0]:
        return False
    return shifted(read) == key_of(e.params["index"]) and list(map(key_of, read.ins[1:])) == list(
        map(key_of, e.ins[2:])
    )


def keeps_type(read: Var, v: Any, e: Equation) -> bool:
    """Whether the sum is one of the array's own elements: a wider one would be rounded at another place."""
    total, part, dtype = type_in(e.ins[1]), read.type, dtype_in(type_in(e.ins[0]))
    fits = isinstance(total, Type) and isinstance(part, Type) and isinstance(type_in(v), Type)
    return fits and total.shape == part.shape and total.dtype == dtype and dtype.kind in "fci"  # type: ignore[union-attr]


def added(e: Equation, v: Any) -> list[Equation]:
    params = {"index": e.params["index"], "inplace": False}
    return [replace(e, row=add_at, ins=[e.ins[0], v, *e.ins[2:]], params=params)]


def subtracted(e: Equation, v: Any, total: Equation) -> list[Equation]:
    if dtype_in(type_in(v)).kind not in "fci":
        return [e]
    minus = Var("neg", type_in(v))
    return [replace(total, outs=[minus], row=neg, ins=[v], count=1, params={}), *added(e, minus)]


# ---------------------------------------------------------------- zeros are not added


def is_everything(part: Any) -> bool:
    """Of an index: all of an axis."""
    return isinstance(part, slice) and part == slice(None)


def mostly_zero(e: Equation, maker: Makers, uses: Counter[Var]) -> list[Equation]:
    """A sum with an array of which the other equations read nothing, and that is zero but for some elements."""
    for k, x in reversed(list(enumerate(e.ins))) if e.origin is not None else ():
        made, w = maker.get(x) if isinstance(x, Var) and uses[x] == 1 else None, e.ins[1 - k]
        if made is None or type_in(w) != x.type or x.type != e.outs[0].type:
            continue
        if made.row.name == "put_add":
            return [replace(e, row=add_at, ins=[w, *made.ins], count=2, params={"index": (Hole(2),), "inplace": False})]
        rows = rows_left(made)
        if rows is not None:
            n = numeric(x.type).shape[0]
            part = Var("getitem", numeric(x.type)._replace(shape=(len(range(n)[rows]), *numeric(x.type).shape[1:])))
            read = replace(made, outs=[part], row=getitem, ins=made.ins[:1], count=1, params={"index": (rows,)})
            params = {"index": (rows,), "inplace": False}
            return [read, replace(e, row=add_at, ins=[w, part], count=2, params=params)]
    return [e]


def rows_left(e: Equation) -> slice | None:
    """Those that a `write` of zeros leaves, where it leaves few."""
    x = e.outs[0].type
    if e.row.name != "write" or e.has_holes or not is_plain(e.ins[1]) or e.ins[1] != 0 or e.params["steps"]:
        return None
    if not e.params["index"]:  # all there is of an array without axes
        return None
    rows, *others = e.params["index"]
    if not isinstance(rows, slice) or not all(map(is_everything, others)) or has_extents(x):
        return None
    n = numeric(x).shape[0]
    first, last, step = rows.indices(n)
    if step == 1 and first < last and (first == 0 or last == n) and 2 * (last - first) > n:
        return slice(last, None) if first == 0 else slice(None, first)
    return None


RULES = {"write": accumulation, "add": mostly_zero}
