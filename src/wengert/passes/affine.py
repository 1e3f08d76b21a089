"""Whole numbers as linear forms of what is not known of them: loop indices, bounds, arguments.

    i + add,  add = k + 1          ->   1 + k + i
    i of for_(lo, hi, 1)           ->   a symbol between lo and hi - 1, which are forms, too

So two places of an array are known to be apart, in whichever iterations they are touched: the least value that the
difference of two forms can have follows by putting for each symbol, from the latest to the first, the form that bounds
it (Banerjee 1988, chapter 4).
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from wengert.ir.program import Equation, Hole, Program, Type, Var, makers, numeric, type_in
from wengert.passes.rewrite import is_plain, place, times

_numbers = itertools.count()


class Symbol:
    """A whole number between two forms of earlier symbols, where these are known.

    trips  of a number of iterations: what it is where there are any
    """

    __slots__ = ("high", "low", "number", "trips")

    def __init__(self, low: "Form | None" = None, high: "Form | None" = None, trips: "Form | None" = None) -> None:
        self.low, self.high, self.trips, self.number = low, high, trips, next(_numbers)


class Form(NamedTuple):
    """A constant, and so many times each symbol."""

    constant: int
    terms: Mapping[Symbol, int]

    def plus(self, other: "Form", factor: int = 1) -> "Form":
        terms = dict(self.terms)
        for s, n in other.terms.items():
            terms[s] = terms.get(s, 0) + factor * n
        return Form(self.constant + factor * other.constant, {s: n for s, n in terms.items() if n})

    def minus(self, other: "Form") -> "Form":
        return self.plus(other, -1)


Forms = dict[Var, Form]  # of whole numbers of a program


def number(n: int) -> Form:
    return Form(n, {})


def of_symbol(s: Symbol) -> Form:
    return Form(0, {s: 1})


def form_of(x: Any, forms: Forms) -> Form:
    """Of an operand that is a whole number; of one that nothing is known of, a symbol of its own."""
    if is_plain(x):
        return number(int(x))
    if x not in forms:
        forms[x] = of_symbol(Symbol())
    return forms[x]


def least(x: Form) -> int | None:
    """A number that x is never below."""
    while x.terms:
        s = max(x.terms, key=lambda s: s.number)
        n = x.terms[s]
        bound = s.low if n > 0 else s.high
        if bound is None:
            return None
        x = x.plus(of_symbol(s), -n).plus(bound, n)
    return x.constant


def is_at_least(n: int, x: Form) -> bool:
    found = least(x)
    return found is not None and found >= n


# ---------------------------------------------------------------- equations


def is_whole(x: Any) -> bool:
    """Of 64 bits: smaller ones wrap around."""
    type = type_in(x)
    return isinstance(type, Type) and type.shape == () and type.dtype == np.int64


def learn(e: Equation, forms: Forms) -> None:
    """Add the form of what one equation gives."""
    if len(e.outs) != 1 or not is_whole(e.outs[0]) or not all(map(is_whole, e.ins)):
        return
    xs = [form_of(x, forms) for x in e.ins]
    match e.row.name:
        case "add":
            found = xs[0].plus(xs[1])
        case "sub":
            found = xs[0].minus(xs[1])
        case "neg":
            found = number(0).minus(xs[0])
        case "mul" if not xs[0].terms or not xs[1].terms:
            factor, x = (xs[0], xs[1]) if not xs[0].terms else (xs[1], xs[0])
            found = number(0).plus(x, factor.constant)
        case "convert" | "weak":
            found = xs[0]
        case "trip_count":
            found = of_symbol(Symbol(low=number(0), trips=span(*xs)))
        case _:
            return
    forms[e.outs[0]] = found


def span(lo: Form, hi: Form, step: Form) -> Form | None:
    """How many iterations there are, if any."""
    if step == number(1):
        return hi.minus(lo)
    return lo.minus(hi) if step == number(-1) else None


def forms_in(program: Program, given: Forms) -> Forms:
    forms = dict(given)
    for e in program.equations:
        learn(e, forms)
    return forms


def index_between(lo: Form, hi: Form, step: int) -> Form:
    """The index of an iteration that takes place."""
    low, high = (lo, hi.plus(number(-1))) if step > 0 else (hi.plus(number(1)), lo)
    return of_symbol(Symbol(low, with_trips(low, high)))


def with_trips(low: Form, high: Form) -> Form:
    """`high`, where a number of iterations in it is known to be at least 1, since low <= high."""
    for s, n in high.terms.items():
        rest = high.plus(of_symbol(s), -n)
        if n == 1 and s.trips is not None and is_at_least(1, low.minus(rest)):
            return rest.plus(s.trips)
    return high


# ---------------------------------------------------------------- places of arrays

Place = tuple[tuple[Form, Form] | None, ...]  # for each of the first axes: between which indices; None: anywhere
ANYWHERE: Place = ()


def are_apart(p: Place, q: Place) -> bool:
    """Whether no element is in both."""
    sides = [(a, b) for a, b in zip(p, q) if a and b]
    return any(is_at_least(1, a[0].minus(b[1])) or is_at_least(1, b[0].minus(a[1])) for a, b in sides)


def place_of(e: Equation, forms: Forms) -> Place:
    """What a `getitem`, `write` or `add_at` touches of its first operand."""
    if e.params.get("steps"):
        return ANYWHERE
    lengths = iter(numeric(type_in(e.ins[0])).shape)
    found: list[tuple[Form, Form] | None] = []
    for part in e.params["index"]:
        if part is None:
            continue
        n = next(lengths)
        if isinstance(part, slice):
            found.append(None)
            continue
        x = e.ins[part.operand] if isinstance(part, Hole) else part
        if isinstance(x, bool | np.bool_ | np.ndarray) or not is_whole(x):
            return ANYWHERE
        i = form_of(x, forms)
        if not i.terms and i.constant < 0 and isinstance(n, int):
            i = i.plus(number(n))
        found.append((i, i) if is_at_least(0, i) else None)  # else it may count from the end
    return tuple(found)


def origin(e: Equation, out: Var) -> Any:
    """The operand that this result is an update of; None where it is something else."""
    if e.row.name in ("write", "add_at"):
        return e.ins[0]
    k = place(out, e.outs)
    match e.row.name:
        case "for_":
            body, first = e.params["body"], 1 + e.params["consts"]
            return e.ins[2 + first + k] if steps_to(body, body.params[first + k], body.results[k]) is not None else None
        case "if_":
            sides = [beginning(side, side.results[k]) for side in e.regions]
            return e.ins[1 + sides[0]] if sides[0] is not None and sides[0] == sides[1] else None
    return None


def beginning(program: Program, result: Any) -> int | None:
    """The parameter that a result is an update of, by position."""
    maker = makers(program)
    while isinstance(result, Var) and result in maker:
        result = origin(maker[result], result)
    return place(result, program.params) if isinstance(result, Var) and times(result, program.params) else None


def steps_to(program: Program, p: Var, result: Any) -> list[tuple[Equation, Var, Var]] | None:
    """How p becomes the result by updates alone: (equation, before, after); None where it does not."""
    maker, found = makers(program), list[tuple[Equation, Var, Var]]()
    while result is not p:
        e = maker.get(result) if isinstance(result, Var) else None
        before = None if e is None else origin(e, result)
        if e is None or not isinstance(before, Var):
            return None
        found.append((e, before, result))
        result = before
    return found[::-1]


def written(e: Equation, out: Var, forms: Forms) -> Iterator[Place]:
    """What one step may change."""
    if e.row.name in ("write", "add_at"):
        yield place_of(e, forms)
        return
    k = place(out, e.outs)
    if e.row.name == "if_":
        for side in e.regions:
            start = beginning(side, side.results[k])
            assert start is not None
            inner = forms_in(side, given(side.params, e.ins[1:], forms))
            yield from written_by(side, side.params[start], side.results[k], inner)
        return
    lo, hi, step = e.ins[:3]
    body, consts = e.params["body"], e.params["consts"]
    if not is_plain(step):
        yield ANYWHERE
        return
    index = index_between(form_of(lo, forms), form_of(hi, forms), int(step))
    yield from written_inside(body, consts, k, index, given(body.params[1 : 1 + consts], e.ins[3:], forms))


def written_inside(body: Program, consts: int, k: int, index: Form, constants: Forms) -> Iterator[Place]:
    """What the iteration of a loop with this index may change of carry k."""
    forms = forms_in(body, {**constants, body.params[0]: index})
    yield from written_by(body, body.params[1 + consts + k], body.results[k], forms)


def written_by(program: Program, p: Var, result: Any, forms: Forms) -> Iterator[Place]:
    for e, _, out in steps_to(program, p, result) or ():
        yield from written(e, out, forms)


def given(params: list[Var], operands: list[Any], forms: Forms) -> Forms:
    """Forms of those parameters of a region that are whole numbers."""
    return {p: form_of(x, forms) for p, x in zip(params, operands) if is_whole(p) and is_whole(x)}
