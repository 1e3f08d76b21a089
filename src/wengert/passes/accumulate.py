"""What adds to an element of an array says so: its way back needs no clearing, and keeps nothing.

a[i] = a[i] + v, v + a[i]     a = add_at(a, v, index=i)
a[i] = a[i] - v               a = add_at(a, -v, index=i)      exact: x - y = x + (-y)
"""

from collections import Counter
from dataclasses import replace
from typing import Any

from wengert.ir.keys import key_of
from wengert.ir.program import Equation, Program, Type, Var, dtype_in, makers, type_in
from wengert.passes.common import is_one_place, shifted
from wengert.passes.rewrite import everywhere, rebuilt
from wengert.rules.elementwise import neg
from wengert.rules.indexing import add_at


def accumulate_block(program: Program) -> Program:
    maker, uses = makers(program), reads_of(program)
    equations = [e for old in program.equations for e in accumulation(old, maker, uses)]
    return rebuilt(program, equations, program.results)


accumulate = everywhere(accumulate_block)


def reads_of(program: Program) -> Counter[Var]:
    found = Counter(x for e in program.equations for x in e.ins if isinstance(x, Var))
    found.update(x for x in program.results if isinstance(x, Var))
    return found


def accumulation(e: Equation, maker: dict[Var, Equation], uses: Counter[Var]) -> list[Equation]:
    """The equations in place of e; the read and the sum are dead then."""
    if e.row.name != "write" or not is_one_place(e) or not isinstance(e.ins[1], Var):
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
