"""Loops that count down count up, where nobody can tell: machines read memory forwards.

    for_(n - 1, -1, -1)  ->  for_(0, n, 1)

Bit for bit, and so each carry must be one of

    an array that iteration i changes and reads at places of index i only (`write`, `add_at`, `getitem` at [.., i, ..])
    a sum of integers

and nothing in the body may raise.  Sums of floating point numbers round differently in another order, and stay.
"""

from dataclasses import replace
from typing import Any

from wengert.ir.order import has_effect
from wengert.ir.program import Equation, Hole, Program, Stack, Var, dtype_in
from wengert.passes.ranges import Ranges, learn, region_ranges
from wengert.passes.rewrite import everywhere, is_plain, rebuilt, times
from wengert.passes.traps import can_trap
from wengert.rules.elementwise import add


def ascend_block(program: Program) -> Program:
    equations: list[Equation] = []
    known: Ranges = {}
    for e in program.equations:
        equations += ascended(e, program, known) if e.row.name == "for_" else [e]
        learn(e, known)
    return rebuilt(program, equations, program.results)


ascend = everywhere(ascend_block)


def ascended(e: Equation, program: Program, known: Ranges) -> list[Equation]:
    lo, hi, step = e.ins[:3]
    if not is_plain(step) or step != -1 or not is_plain(hi) or not is_orderless(e, known):
        return [e]
    if is_plain(lo):
        return [replace(e, ins=[hi + 1, lo + 1, 1, *e.ins[3:]])]
    count = one_more(lo, program)
    return [e] if count is None else [replace(e, ins=[hi + 1, count, 1, *e.ins[3:]])]


def one_more(lo: Var, program: Program) -> Any:
    """n where lo is n - 1."""
    for e in program.equations:
        if times(lo, e.outs):
            if e.row.name == "sub" and is_plain(e.ins[1]) and e.ins[1] == 1:
                return e.ins[0]
            return e.ins[0] if e.row is add and is_plain(e.ins[1]) and e.ins[1] == -1 else None
    return None


def is_orderless(e: Equation, known: Ranges) -> bool:
    body, consts = e.params["body"], e.params["consts"]
    inner = dict(region_ranges(e, known)["body"])
    for q in body.equations:
        if has_effect(q) or can_trap(q, inner):
            return False
        learn(q, inner)
    carries = zip(body.params[1 + consts :], body.results)
    return all(is_own_place(body, p, r) or is_whole_sum(body, p, r) for p, r in carries)


def is_whole_sum(body: Program, p: Var, result: Any) -> bool:
    """Whether p is only added to, and its numbers are integers."""
    if isinstance(p.type, Stack) or dtype_in(p.type).kind != "i":
        return False
    users = readers(body, p)
    if len(users) != 1 or users[0].row is not add or times(p, users[0].ins) != 1:
        return False
    out = users[0].outs[0]
    return out is result and not readers(body, out) and times(out, body.results) == 1


def is_own_place(body: Program, p: Var, result: Any) -> bool:
    """Whether all that becomes of the array p is read and changed at index i, at one axis, only."""
    axes: set[int] = set()
    x: Any = p
    while True:
        users = readers(body, x)
        changes = [q for q in users if q.row.name in ("write", "add_at")]
        if any(not touches_own(q, x, body.params[0], axes) for q in users) or len(axes) > 1:
            return False
        if x is result:
            return not changes and times(x, body.results) == 1
        if len(changes) != 1 or times(x, body.results):
            return False
        x = changes[0].outs[0]


def touches_own(q: Equation, x: Var, i: Var, axes: set[int]) -> bool:
    if q.row.name not in ("getitem", "write", "add_at") or q.ins[0] is not x or times(x, q.ins) != 1 or q.regions:
        return False
    if q.params.get("steps") or times(None, q.params["index"]):
        return False
    found = [k for k, part in enumerate(q.params["index"]) if isinstance(part, Hole) and q.ins[part.operand] is i]
    axes.update(found[:1])
    return len(found) == 1


def readers(body: Program, x: Any) -> list[Equation]:
    return [q for q in body.equations if times(x, q.ins)]
