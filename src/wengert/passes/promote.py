"""An element of an array that each iteration of a loop changes is a number while the loop runs.

for j: ... a[i] += v ...     s = a[i]; for j: ... s = s + v ...; a[i] = s

Machines keep a number in a register, where an element goes through memory.  All else that the loop touches of the array
must be known to be another element (Carr, Callahan and Kennedy 1990, "Improving register allocation for subscripted
variables").

Machine code gets one more version: where all else is another element unless two numbers are equal, of which one is
another in each iteration, the iteration in which they are goes through memory.

for j: ... a[i] += a[j] ...     s = a[i]
                                for j: if j == i: a[i] = s; ... a[i] += a[j] ...; s = a[i]
                                       else:      ... s = s + a[j] ...
                                a[i] = s
"""

from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from wengert.ir.order import has_effect, needed
from wengert.ir.program import (
    Equation,
    Hole,
    Program,
    Type,
    Var,
    copied,
    has_extents,
    numeric,
    substituted,
    type_in,
    variables,
)
from wengert.passes.affine import (
    Forms,
    Place,
    are_apart,
    form_of,
    forms_in,
    given,
    index_between,
    is_at_least,
    is_whole,
    learn,
    number,
    place_of,
    steps_to,
)
from wengert.passes.rewrite import Names, apart, is_plain, place, rebuilt, renamed, stands_for, times, with_regions
from wengert.passes.traps import can_trap
from wengert.rules.control import if_
from wengert.rules.elementwise import add, equal
from wengert.rules.indexing import add_at, getitem, write

SHORT = 40  # equations of a body that may have a second version


def promote(program: Program) -> Program:
    return Promote(asks=False).run(program)


def versioned(program: Program) -> Program:
    """With loops that ask in each iteration whether it is the one that goes through memory."""
    return Promote(asks=True).run(program)


class Promote:
    def __init__(self, asks: bool) -> None:
        self.asks = asks
        self.shared = cache(lambda program: self.block(program, {}))

    def run(self, program: Program) -> Program:
        new = self.shared(program)
        return program if new is program else apart(new)

    def block(self, program: Program, around: Forms) -> Program:
        forms, equations = dict(around), list[Equation]()
        for old in program.equations:
            e = self.inside(old, forms)
            equations += promoted(e, forms, self.asks) if e.row.name == "for_" else [e]
            learn(e, forms)
        return rebuilt(program, equations, program.results)

    def inside(self, e: Equation, forms: Forms) -> Equation:
        match e.row.name:
            case "for_":
                body = self.block(e.params["body"], inside_loop(e, forms))
                return e if body is e.params["body"] else replace(e, params={**e.params, "body": body})
            case "if_":
                return with_regions(e, lambda side: self.block(side, given(side.params, e.ins[1:], forms)))
        return with_regions(e, self.shared)


def inside_loop(e: Equation, forms: Forms) -> Forms:
    """What is known of whole numbers in the body."""
    body, (lo, hi, step) = e.params["body"], e.ins[:3]
    found = given(body.params[1 : 1 + e.params["consts"]], e.ins[3:], forms)
    if is_plain(step) and step:
        found[body.params[0]] = index_between(form_of(lo, forms), form_of(hi, forms), int(step))
    return found


def promoted(e: Equation, forms: Forms, asks: bool) -> list[Equation]:
    body, first = e.params["body"], 1 + e.params["consts"]
    if any(q.regions or has_effect(q) for q in body.equations):
        return [e]
    inner = forms_in(body, inside_loop(e, forms))
    for k, (p, result) in enumerate(zip(body.params[first:], body.results)):
        found = fixed_element(body, p, result, set(body.params[1:first]), inner, asks)
        if found is not None:
            before, loop, after = as_number(e, k, found)
            return [before, *promoted(loop, forms, asks), after]
    return [e]


class Meeting(NamedTuple):
    """The iteration in which these numbers are equal, the first of which follows from the index by some equations."""

    own: Var
    part: Any
    made: list[Equation]


class Fixed(NamedTuple):
    """An update of an array at the same element in each iteration.

    meets  which iteration may touch the element in another way; None: none does
    """

    update: Equation
    meets: Meeting | None


def fixed_element(body: Program, p: Var, result: Any, fixed: set[Var], forms: Forms, asks: bool) -> Fixed | None:
    """Of the carry p, where all else is at that element or at another one; asks: for all indices but one."""
    if not isinstance(p.type, Type) or p.type.shape == () or has_extents(p.type) or p.type.dtype.kind != "f":
        return None
    steps = steps_to(body, p, result) or ()
    changes, versions = [q for q, _, _ in steps], {p, *(out for _, _, out in steps)}
    touching = [q for q in body.equations if versions.intersection(variables(q))]
    is_known = all(q in changes or (q.row is getitem and q.ins[0] in versions) for q in touching)
    if not is_known or any(times(x, body.results) != (x is result) for x in versions):
        return None
    places = [place_of(q, forms) for q in touching]
    may_ask = asks and len(body.equations) <= SHORT
    for q, here in zip(touching, places):
        if q in changes and is_fixed(q, fixed, forms):
            others = [(r, there) for r, there in zip(touching, places) if not (is_like(r, q) and is_number(r))]
            near = [(r, there) for r, there in others if not are_apart(here, there)]
            is_read = q.row is add_at or any(r.row is getitem and is_like(r, q) for r in touching)
            meets = common_meeting(body, fixed, q, near) if may_ask and near and is_read else None
            if not near or meets is not None:
                return Fixed(q, meets)
    return None


def common_meeting(body: Program, fixed: set[Var], q: Equation, near: list[tuple[Equation, Place]]) -> Meeting | None:
    """Where these may be at the element of q: each has the same number, another in each iteration, on one axis."""
    for k, part in enumerate(parts_of(q)):
        known = all(len(there) > k and there[k] is not None and not times(None, parts_of(r)) for r, there in near)
        own = [parts_of(r)[k] for r, _ in near] if known else []
        if own and isinstance(own[0], Var) and own[0] not in fixed and times(own[0], own) == len(own):
            made = needed(body.equations, own[:1])
            if all(is_whole(x) for e in made for x in e.ins) and not any(can_trap(e, {}) for e in made):
                return Meeting(own[0], part, made)
    return None


def parts_of(q: Equation) -> list[Any]:
    return [q.ins[p.operand] if isinstance(p, Hole) else p for p in q.params["index"]]


def is_fixed(q: Equation, fixed: set[Var], forms: Forms) -> bool:
    """Whether the index names one element, by numbers that no iteration changes, and that lie in range."""
    shape, parts = numeric(q.outs[0].type).shape, parts_of(q)
    if len(parts) != len(shape) or q.params.get("steps"):
        return False
    if not all(x in fixed and is_whole(x) if isinstance(x, Var) else type(x) is int and x >= 0 for x in parts):
        return False
    each = [form_of(x, forms) for x in parts]
    return all(is_at_least(0, i) and is_at_least(1, number(n).minus(i)) for i, n in zip(each, shape))


def is_like(q: Equation, r: Equation) -> bool:
    """Whether both name the same element in the same way."""
    xs, ys = parts_of(q), parts_of(r)
    return not q.params.get("steps") and len(xs) == len(ys) and all(is_equal(x, y) for x, y in zip(xs, ys))


def is_equal(x: Any, y: Any) -> bool:
    return x is y or (type(x) is int and type(y) is int and x == y)


def is_number(q: Equation) -> bool:
    """Whether what is read or written is a number of the array's own type."""
    type = Type(numeric(type_in(q.ins[0])).dtype, (), "scalar")
    return type_in(q.outs[0] if q.row is getitem else q.ins[1]) == type


def as_number(e: Equation, k: int, fixed: Fixed) -> tuple[Equation, Equation, Equation]:
    """(what reads the element, the loop with a number in its place, what writes it)"""
    like = fixed.update
    body, first = e.params["body"], 1 + e.params["consts"]
    p, result, array, out = body.params[first + k], body.results[k], e.ins[2 + first + k], e.outs[k]
    outside = dict(zip(body.params[1:first], e.ins[3:]))
    parts = [outside[x] if isinstance(x, Var) else x for x in parts_of(like)]
    number = Type(numeric(p.type).dtype, (), "scalar")
    begin, own, end, left = Var("getitem", number), Var(p.name, number), Var("getitem", number), Var(out.name, out.type)

    names: Names = {}
    now: Any = own
    versions, equations = {p}, list[Equation]()
    for q in body.equations:
        if q.ins and q.ins[0] in versions:
            versions.update(q.outs if q.row is not getitem else ())
            if is_like(q, like):
                value = stands_for(q.ins[1], names) if q.row is not getitem else None
                if q.row is add_at:
                    total = Var("add", number)
                    equations.append(replace(q, outs=[total], row=add, ins=[now, value], params={}, count=2))
                    now = total
                elif q.row is write:
                    now = value
                names[q.outs[0]] = now if q.row is getitem else stands_for(q.ins[0], names)
                continue
        equations.append(renamed(q, names))
    results = [*(stands_for(x, names) for x in body.results), now]
    inner = Program([*body.params, own], equations, results, body.name)
    if fixed.meets is not None:
        inner = asking(inner, through_memory(body, p, result, like), fixed.meets, e)
    ins = [*e.ins, begin]
    outs = [*e.outs[:k], left, *e.outs[k + 1 :], end]
    loop = replace(e, outs=outs, ins=ins, params={**e.params, "body": inner}, count=len(ins))
    before = Equation([begin], getitem, *indexed([array], parts, {}), 1, e.where, e.origin)
    after = Equation([out], write, *indexed([left, end], parts, {"steps": (), "inplace": False}), 2, e.where, e.origin)
    return before, loop, after


def through_memory(body: Program, p: Var, result: Var, like: Equation) -> Program:
    """The body with one more parameter and result, a number: what the element of p is, while the rest is in p."""
    number = Type(numeric(p.type).dtype, (), "scalar")
    own, end, whole = Var(p.name, number), Var("getitem", number), Var(p.name, p.type)
    parts = parts_of(like)
    start = Equation([whole], write, *indexed([p, own], parts, {"steps": (), "inplace": False}), 2, like.where, like)
    read = Equation([end], getitem, *indexed([result], parts, {}), 1, like.where, like)
    equations = [start, *(renamed(q, {p: whole}) for q in body.equations), read]
    return Program([*body.params, own], equations, [*body.results, end], body.name)


def asking(most: Program, one: Program, meets: Meeting, e: Equation) -> Program:
    """The program `one` where the numbers are equal, and `most` for the other iterations."""
    params = [Var(p.name, p.type) for p in most.params]
    names = dict(zip(most.params, params))
    made = [copied(q, names) for q in meets.made]
    answer = Var("equal", Type(np.dtype(bool), (), "scalar"))
    question = Equation([answer], equal, substituted([meets.own, meets.part], names), {}, 2, e.where, e)
    outs = [Var(p.name, p.type) for p in params[len(params) - len(most.results) :]]
    side = Equation(outs, if_, [answer, *params], {"then": one, "orelse": most}, 1 + len(params), e.where, e)
    return Program(params, [*made, question, side], outs, most.name)


def indexed(operands: list[Any], parts: list[Any], params: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Operands and parameters of a row with this index."""
    holes = [x for x in parts if isinstance(x, Var)]
    index = tuple([Hole(len(operands) + place(x, holes)) if isinstance(x, Var) else x for x in parts])
    return [*operands, *holes], {**params, "index": index}
