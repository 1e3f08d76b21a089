"""Loops count as the user counts, and whole numbers stand where they are read.

A program counts the passes of each loop from 0, and says `i = k + 1` in it.  Here i itself counts: `range(1, n)`.  What
follows from it by sums and multiples is written where it is read: `x[i - 1]`, not `x[k]`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive
from wengert.inspect.source.statements import Apply, Block, Statement, all_statements, type_of_in, variables_in
from wengert.inspect.source.words import is_derived_from_row
from wengert.ir.program import Equation, Var, type_of
from wengert.rules.elementwise import add, mul, neg, sub

WHOLE = type_of(0)
ROWS = {"add", "sub", "mul", "neg"}


@dataclass(frozen=True)
class Form:
    """A sum of multiples of whole numbers, and a constant."""

    terms: dict[Var, Fraction] = field(default_factory=dict)
    constant: Fraction = Fraction(0)

    def plus(self, other: "Form", factor: Fraction | int = 1) -> "Form":
        terms = dict(self.terms)
        for v, c in other.terms.items():
            terms[v] = terms.get(v, Fraction(0)) + c * factor
        return Form({v: c for v, c in terms.items() if c}, self.constant + other.constant * factor)

    def times(self, factor: Fraction) -> "Form":
        return Form().plus(self, factor)

    @property
    def is_one(self) -> bool:
        """Whether it is a number of the program."""
        return list(self.terms.values()) == [1] and not self.constant

    def without(self, v: Var) -> "Form":
        return Form({x: c for x, c in self.terms.items() if x is not v}, self.constant)


ONE, MINUS_ONE = Form({}, Fraction(1)), Form({}, Fraction(-1))


def only(v: Var) -> Form:
    return Form({v: Fraction(1)})


def count_as_written(block: Block) -> None:
    changing = {o for s in all_statements(block) if s.kind == "move" for o in s.outs}
    Counting(changing).block(block)


class Counting:
    """
    changing  numbers that loops carry around
    forms     of whole numbers, by the indices of loops and other numbers that stay
    trips     number of passes -> (lo, hi, step) of what it counts
    """

    def __init__(self, changing: set[Var]) -> None:
        self.changing = changing
        self.forms: dict[Var, Form] = {}
        self.lasts: dict[Var, Form] = {}
        self.trips: dict[Var, tuple[Form, Form, Form]] = {}

    def block(self, block: Block) -> None:
        kept = []
        for s in block:
            if s.kind == "for":
                self.loop(s)
            elif s.kind != "let" or not self.noted(s):
                s.ins = [self.shown(x) for x in s.ins]
                for inner in s.blocks:
                    self.block(inner)
            else:
                continue
            kept.append(s)
        block[:] = kept

    def noted(self, s: Statement) -> bool:
        """Whether the statement only makes a whole number that is written where it is read."""
        assert s.e is not None
        found = self.made(s, self.form)
        last = self.made(s, self.last)
        if last is not None:
            self.lasts[s.outs[0]] = last
        if found is None and s.e.row.name == "trip_count":
            lo, hi, step = map(self.form, s.ins)
            if lo is not None and hi is not None and step is not None:
                self.trips[s.outs[0]] = lo, hi, step
                self.forms[s.outs[0]] = only(s.outs[0])
        if found is None:
            return False
        is_named = not is_derived_from_row(s.outs[0].name) and not found.is_one
        self.forms[s.outs[0]] = only(s.outs[0]) if is_named else found
        return not is_named

    def made(self, s: Statement, form: Callable[[Any], Form | None]) -> Form | None:
        assert s.e is not None
        return combined(s.e, s.ins, form)

    def form(self, x: Any) -> Form | None:
        if isinstance(x, Var):
            is_known = x in self.forms or x in self.changing or x.type != WHOLE
            return self.forms.get(x) if is_known else only(x)
        return Form({}, Fraction(int(x))) if isinstance(x, int | np.integer) else None

    def last(self, x: Any) -> Form | None:
        """Of a bound of a loop, which may be counted by a loop before."""
        if isinstance(x, Var) and x.type == WHOLE and x not in self.forms:
            return self.lasts.get(x) or only(x)
        return self.form(x)

    # ------------------------------------------------------------ loops

    def loop(self, s: Statement) -> None:
        (k,) = s.outs
        lo, hi, step = map(self.last, s.ins)
        s.ins = [self.shown(x) for x in s.ins]
        self.forms[k] = only(k)
        if step == ONE and lo == Form() and hi is not None:
            self.recount(s, k, hi)
        elif step == hi == MINUS_ONE and lo is not None:
            s.text = "reversed"
            self.recount(s, k, lo.plus(ONE))
        self.block(s.blocks[0])

    def recount(self, s: Statement, k: Var, count: Form) -> None:
        """The passes from 0 to `count`, by the user's index where there is one."""
        chosen = self.users_index(s, k)
        trips = self.trips.get(next(iter(count.terms))) if len(count.terms) == 1 and not count.constant else None
        start, step = Form(), ONE
        if chosen is not None:
            form = self.dry(s.blocks[0], k)[chosen]
            step = Form({}, form.terms[k])
            start = form.without(k)
            index = Var(chosen.name, WHOLE)
            s.outs = [index]
            self.forms[index] = only(index)
            self.forms[k] = self.forms[index].plus(start, -1).times(1 / step.constant)
        elif trips is not None and not is_read(k, s.blocks[0]):
            start, step = trips[0], trips[2]
        end = trips[1] if trips is not None and trips[::2] == (start, step) else start.plus(count.times(step.constant))
        if s.text and step == MINUS_ONE:
            s.text, start, end, step = "", end.plus(ONE), start.plus(ONE), ONE
        s.ins = [expression(start), expression(end), expression(step)]

    def users_index(self, s: Statement, k: Var) -> Var | None:
        """A number that the user named and that counts with the passes, if all that follows from k follows from it."""
        forms = self.dry(s.blocks[0], k)
        named = [v for v, form in forms.items() if k in form.terms and not is_derived_from_row(v.name)]
        for v in named:
            step = forms[v].terms[k]
            if abs(step) == 1 or all(
                s.outs[0] in forms and (forms[s.outs[0]].terms.get(k, Fraction(0)) / step).denominator == 1
                for s in all_statements(s.blocks[0])
                if k in variables_in(s.ins)
            ):
                return v
        return None

    def dry(self, block: Block, k: Var) -> dict[Var, Form]:
        """The whole numbers that the statements of a block make of k."""
        before, found = dict(self.forms), dict[Var, Form]()
        for s in block:
            form = self.made(s, self.form) if s.kind == "let" else None
            if form is not None:
                self.forms[s.outs[0]] = found[s.outs[0]] = form
        self.forms = before
        return found

    # ------------------------------------------------------------ as expressions

    def shown(self, x: Any) -> Any:
        form = self.forms.get(x) if isinstance(x, Var) else None
        return x if form is None else expression(form)


def combined(e: Equation, ins: list[Any], form: Callable[[Any], Form | None]) -> Form | None:
    """Of a sum or a multiple of whole numbers."""
    if e.row.name not in ROWS or any(type_of_in(x) != WHOLE for x in [*e.outs, *ins]):
        return None
    forms = [form(x) for x in ins]
    x, y = forms[0], forms[-1]
    if x is None or y is None:
        return None
    match e.row.name:
        case "neg":
            return x.times(Fraction(-1))
        case "add":
            return x.plus(y)
        case "sub":
            return x.plus(y, -1)
    return x.times(y.constant) if not y.terms else y.times(x.constant) if not x.terms else None


def countdown(ins: list[Any]) -> list[Any] | None:
    """The bounds of a loop that counts up by one, counting down."""
    lo, hi, step = map(whole, ins)
    if lo is None or hi is None or step != ONE:
        return None
    return [expression(x) for x in (hi.plus(MINUS_ONE), lo.plus(MINUS_ONE), MINUS_ONE)]


def whole(x: Any) -> Form | None:
    """The form of an expression of whole numbers."""
    if isinstance(x, Apply):
        return combined(x.e, x.ins, whole)
    return only(x) if isinstance(x, Var) else Form({}, Fraction(int(x)))


def is_read(v: Var, block: Block) -> bool:
    return any(v in variables_in(s.ins) for s in all_statements(block))


def expression(form: Form) -> Any:
    """Positive terms first, as in `i + 1` and `3 - j`."""
    whole = int(form.constant)
    positive = [multiple(v, c) for v, c in form.terms.items() if c > 0]
    negative = [multiple(v, -c) for v, c in form.terms.items() if c < 0]
    if not positive and (whole or not negative):
        positive, whole = [whole], 0
    result = positive[0] if positive else applied(neg, negative.pop(0))
    for x in positive[1:]:
        result = applied(add, result, x)
    for x in negative:
        result = applied(sub, result, x)
    return applied(add if whole > 0 else sub, result, abs(whole)) if whole else result


def multiple(v: Var, c: Fraction) -> Any:
    return v if c == 1 else applied(mul, int(c), v)


def applied(row: Primitive, *ins: Any) -> Apply:
    return Apply(Equation([Var(row.name, WHOLE)], row, list(ins), {}, len(ins)), list(ins))
