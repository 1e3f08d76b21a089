"""The way back through a stencil adds to several neighbours in each iteration; arrays add them up, one after the other.

for k: ...; a[k + 2] += u; a[k] += v; s = s + w        for k: ...; U[k] = u; V[k] = v; W[k] = w
                                                       a[2 : n + 2] += U;  a[:n] += V;  s = s + sum(W)

An iteration that adds to an element waits for the one before, which has just added to it; and a sum waits for itself.
Without these, a machine runs several iterations at once.  The terms are added in another order, so that this is done in
derivatives only, where no order is the user's (loop distribution: Kennedy and McKinley 1990).
"""

from dataclasses import replace
from typing import Any, NamedTuple

from wengert.ir.order import has_effect
from wengert.ir.program import Equation, Program, Type, Var, has_extents, numeric, type_in, variables
from wengert.passes.affine import Forms, Symbol, form_of, forms_in, of_symbol, steps_to
from wengert.passes.promote import indexed, is_number, parts_of
from wengert.passes.rewrite import everywhere, is_plain, rebuilt, times
from wengert.rules.control import full
from wengert.rules.elementwise import add, sub
from wengert.rules.indexing import add_at, getitem, write
from wengert.rules.linear import reduce_sum

FEW, MANY = 16, 4096  # iterations: too few for a second loop; so many that terms leave the nearest cache


class Term(NamedTuple):
    """What each iteration adds to a carry.

    e, value       the equation that adds it, and what is added
    before, after  in arrays: the parts of the index before and after the one that moves; that is the loop's and `shift`
    """

    e: Equation
    value: Any
    before: tuple[int, ...] = ()
    shift: int = 0
    after: tuple[int, ...] = ()

    @property
    def row(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Along which its elements lie."""
        return self.before, self.after


def distribute_block(program: Program) -> Program:
    equations = [new for e in program.equations for new in (distributed(e) if e.row.name == "for_" else [e])]
    return rebuilt(program, equations, program.results)


distribute = everywhere(distribute_block)


def distributed(e: Equation) -> list[Equation]:
    body, first = e.params["body"], 1 + e.params["consts"]
    bounds = e.ins[:3]
    if not all(map(is_plain, bounds)) or bounds[2] not in (1, -1) or not FEW <= len(range(*bounds)) <= MANY:
        return [e]
    if any(q.regions or has_effect(q) for q in body.equations):
        return [e]
    forms = forms_in(body, {body.params[0]: of_symbol(Symbol())})
    found = {k: terms(body, k, first, range(*bounds), forms) for k in range(len(body.results))}
    places = {(k, t.row, t.shift) for k, each in found.items() for t in each}
    if len({place[:2] for place in places}) == len(places):  # no row gets terms of two iterations
        return [e]
    return apart(e, {k: each for k, each in found.items() if each})


def terms(body: Program, k: int, first: int, trips: range, forms: Forms) -> list[Term]:
    """Of carry k, where all that becomes of it is that terms are added; else none."""
    p, result = body.params[first + k], body.results[k]
    if not isinstance(p.type, Type) or p.type.dtype.kind != "f" or has_extents(p.type):
        return []
    if p.type.shape == ():
        return total(body, p, result) if p.type.form == "scalar" else []
    steps = steps_to(body, p, result)
    if not steps:
        return []
    versions = [p, *(out for _, _, out in steps)]
    if any(sum(times(x, variables(q)) for q in body.equations) + times(x, body.results) != 1 for x in versions):
        return []
    each = [shifted(q, body, trips, forms) for q, _, _ in steps]
    return [t for t in each if t] if all(each) else []


def total(body: Program, p: Var, result: Any) -> list[Term]:
    readers = [q for q in body.equations if times(p, q.ins)]
    if len(readers) != 1 or times(p, body.results) or times(result, body.results) != 1:
        return []
    [q] = readers
    is_sum = q.row is add and q.origin is not None and times(p, q.ins) == 1 and times(result, q.outs)
    if not is_sum or any(times(result, r.ins) for r in body.equations):
        return []
    value = q.ins[1 - [x is p for x in q.ins].index(True)]
    return [Term(q, value)] if type_in(value) == p.type == q.outs[0].type else []


def shifted(q: Equation, body: Program, trips: range, forms: Forms) -> Term | None:
    """An `add_at` of one number, where one part of the index is the loop's with a shift, and no other changes."""
    if q.row is not add_at or q.origin is None or not is_number(q):
        return None
    parts, shape = parts_of(q), numeric(q.outs[0].type).shape
    if len(parts) != len(shape):
        return None
    index, moving = form_of(body.params[0], forms), []
    for axis, (part, n) in enumerate(zip(parts, shape)):
        if type(part) is int and 0 <= part < n:
            continue
        if not isinstance(part, Var) or not isinstance(type_in(part), Type) or part not in forms:
            return None
        shift = forms[part].minus(index)
        if shift.terms or not (min(trips) + shift.constant >= 0 and max(trips) + shift.constant < n):
            return None
        moving.append((axis, shift.constant))
    if len(moving) != 1:
        return None
    [(axis, by)] = moving
    return Term(q, q.ins[1], tuple(parts[:axis]), by, tuple(parts[axis + 1 :]))


def apart(e: Equation, found: dict[int, list[Term]]) -> list[Equation]:
    """The loop without these carries, and what adds up their terms."""
    body, first, trips = e.params["body"], 1 + e.params["consts"], range(*e.ins[:3])
    start, count = min(trips), len(trips)
    gone = {t.e for each in found.values() for t in each}
    inner = [q for q in body.equations if q not in gone]
    place: Any = body.params[0]
    if start:
        place = Var("k", place.type)
        inner.append(Equation([place], sub, [body.params[0], start], {}, 2, e.where, e.origin))
    before = list[Equation]()
    params, results, ins, outs = list[Var](), list[Any](), list[Any](), list[Var]()
    written: dict[Any, Var] = {}
    for t in [t for each in found.values() for t in each]:
        if t.value in written:
            continue
        dtype = numeric(type_in(t.value)).dtype
        type = Type(dtype, (count,))
        empty, own, new, left = (Var("terms", type) for _ in range(4))
        shape = {"shape": (count,), "value": 0.0, "dtype": dtype.str}
        before.append(Equation([empty], full, [], shape, 0, e.where, e.origin))
        ends = indexed([own, t.value], [place], {"steps": (), "inplace": False})
        inner.append(Equation([new], write, *ends, 2, e.where, e.origin))
        written[t.value] = left
        params, results, ins, outs = [*params, own], [*results, new], [*ins, empty], [*outs, left]
    stays = [k for k in range(len(body.results)) if k not in found]
    loop_body = Program(
        [*body.params[:first], *(body.params[first + k] for k in stays), *params],
        inner,
        [*(body.results[k] for k in stays), *results],
        body.name,
    )
    carries = e.ins[2 + first :]
    operands = [*e.ins[: 2 + first], *(carries[k] for k in stays), *ins]
    outs = [*(e.outs[k] for k in stays), *outs]
    loop = replace(e, outs=outs, ins=operands, params={**e.params, "body": loop_body}, count=len(operands))
    after = [q for k, each in found.items() for q in added(e, k, carries[k], each, written, start, count)]
    return [*before, loop, *after]


def added(
    e: Equation, k: int, carried: Any, each: list[Term], written: dict[Any, Var], start: int, count: int
) -> list[Equation]:
    """The carry after the loop."""
    out = e.outs[k]
    if numeric(out.type).shape == ():
        sum = Var("sum", out.type)
        [t] = each
        return [
            Equation([sum], reduce_sum, [written[t.value]], {"axes": (0,)}, 1, e.where, t.e.origin),
            replace(t.e, outs=[out], ins=[carried, sum]),
        ]
    equations, now = list[Equation](), carried

    def part(t: Term, places: range) -> Any:
        """Of its terms, those that go to these places."""
        begin, array = start + t.shift, written[t.value]
        found = Var("getitem", numeric(array.type)._replace(shape=(len(places),)))
        params = {"index": (slice(places.start - begin, places.stop - begin),)}
        equations.append(Equation([found], getitem, [array], params, 1, e.where, t.e.origin))
        return found

    def put(now: Any, t: Term, value: Any, places: range) -> Any:
        new, index = Var(out.name, out.type), (*t.before, slice(places.start, places.stop), *t.after)
        params = {"index": index, "inplace": False}
        equations.append(replace(t.e, outs=[new], ins=[now, value], params=params, count=2))
        return new

    for row in dict.fromkeys(t.row for t in each):
        mine = [t for t in each if t.row == row]
        begins = [start + t.shift for t in mine]
        middle = range(max(begins), min(begins) + count)  # where all are added, in one go
        for t, begin in zip(mine, begins):
            end = begin + count
            rest = (range(begin, middle.start), range(middle.stop, end)) if middle else (range(begin, end),)
            for places in filter(None, rest):
                now = put(now, t, part(t, places), places)
        if middle:
            values = [part(t, middle) for t in mine]
            while len(values) > 1:
                both = Var("add", values[0].type)
                equations.append(replace(mine[0].e, outs=[both], row=add, ins=values[:2], params={}, count=2))
                values = [both, *values[2:]]
            now = put(now, mine[0], values[0], middle)
    equations[-1] = replace(equations[-1], outs=[out])
    return equations
