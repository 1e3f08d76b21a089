"""Constants are evaluated, and exact algebra is done: what holds bit for bit, NaN, infinities and -0.0 included.

    x * 1, 1 * x, x / 1, x - 0.0, x + -0.0       x, where its type stays (complex: inf * (1 + 0j) is not inf)
    x + 0.0, 0.0 + x                             x, where x is never -0.0
    x + 0, x - 0                                 x for integers
    (i + 2) - 1                                  i + 1 for integers
    -(-x);  x - (-y);  x + (-y)                  x;  x + y;  x - y
    convert, reshape, transpose, broadcast_to    x, where they change nothing; two of a kind become one
    where(c, x, x)                               x
    x[1:][3];  x[[1, 3, 5]]                      x[4];  x[1:7:2], where the numbers are known
    trip_count(0, n, 1)                          n, where that is a number of trips
    stayed(v, index=positions(mask))             v: a mask chooses each place once
    a[:] = v                                     v, where it has the type of a
    if_ with a constant condition                its side; inside each side, the condition is known
    for_ without iterations, with one            its inits, its body
    parts of a full                              a full, a number

0 * x stays: it is NaN where x is.  The table RULES holds one function for each row and law.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive
from wengert.ir.keys import key_of
from wengert.ir.program import Equation, Makers, Program, Type, Var, dtype_in, has_extents, numeric, type_in, type_of
from wengert.passes.ranges import range_of
from wengert.passes.rewrite import (
    Final,
    Names,
    apart,
    fits,
    is_plain,
    rebuilt,
    refilled,
    renamed,
    spliced,
    stands_for,
    with_operands,
    with_regions,
)
from wengert.passes.traps import INDEXED, axes_of, can_trap, inside, is_users
from wengert.rules.control import full, literal
from wengert.rules.elementwise import add, neg, sub

# a rule gives what stands for the result: a variable, a number, an equation; None where it does not apply
Rule = Callable[[Equation, Makers], Any]


def fold(program: Program) -> Program:
    new = Fold().shared(program)
    return program if new is program else apart(new)


final = Final()  # where nothing is known of the parameters


class Fold:
    def __init__(self) -> None:
        # of a program that is called, maybe from several places
        self.shared = cache(lambda program: self.block(program, program.params, {}, {}))

    def block(self, program: Program, params: list[Var], names: Names, makers: Makers) -> Program:
        """The program for these parameters; the others are in `names`.  `makers` knows some of the parameters."""
        is_general = not names and not makers
        if is_general and final.has(program):
            return program
        names, makers, equations = dict(names), dict(makers), list[Equation]()
        todo = program.equations[::-1]
        while todo:
            e = self.inside(filled(renamed(todo.pop(), names)), makers)
            found = replacement(e, makers)
            if found is None:
                equations.append(e)
                makers.update((o, e) for o in e.outs)
            elif isinstance(found, Equation):
                todo.append(found)
            else:
                inner, results = found
                todo += inner[::-1]
                names.update(zip(e.outs, results))
        new = rebuilt(program, equations, [stands_for(x, names) for x in program.results], params)
        return final.note(program, new) if is_general else new

    def inside(self, e: Equation, makers: Makers) -> Equation:
        """The equation with its programs folded, which learn of constant operands."""
        match e.row.name:
            case "call":
                return with_regions(e, self.shared)
            case "for_":
                return self.narrowed(e, makers, ["body"], 3, 1, e.params["consts"])
            case "while_":
                return self.narrowed(e, makers, ["test", "body"], 0, 0, e.params["consts"])
            case "if_":
                return self.narrowed(e, makers, ["then", "orelse"], 1, 0, len(e.ins) - 1)
        return e

    def narrowed(self, e: Equation, makers: Makers, keys: list[str], head: int, skip: int, consts: int) -> Equation:
        """What is known of the constants of a region moves inside."""
        first = e.params[keys[0]]
        operands = e.ins[head : head + consts]
        inside = {key: [told(x, e, key, makers) for x in operands] for key in keys}
        moved = [is_plain(x) and type_of(x) == p.type for x, p in zip(inside[keys[0]], first.params[skip:])]
        params = {key: self.region(e.params[key], inside[key], moved, skip, makers) for key in keys}
        if all(params[key] is e.params[key] for key in keys):
            return e
        if "consts" in e.params:
            params["consts"] = consts - sum(moved)
        left = [x for x, m in zip(operands, moved) if not m]
        return with_operands(e, e.outs, [*e.ins[:head], *left, *e.ins[head + consts :]], params)

    def region(self, p: Program, operands: list[Any], moved: list[bool], skip: int, makers: Makers) -> Program:
        own = p.params[skip : skip + len(operands)]
        names = {q: x for q, x, m in zip(own, operands, moved) if m}
        known = {q: makers[x] for q, x in zip(own, operands) if isinstance(x, Var) and is_full(makers.get(x))}
        return self.block(p, [q for q in p.params if q not in names], names, known)


def told(x: Any, e: Equation, key: str, makers: Makers) -> Any:
    """The operand; on a side of `if_`, the truth that led there."""
    if e.row.name != "if_" or not isinstance(x, Var) or not isinstance(x.type, Type):
        return x
    condition, truth = e.ins[0], key == "then"
    negated = maker(condition, makers, "logical_not")
    opposite = negated is not None and negated.ins[0] is x
    if x.type.dtype != np.bool_ or x.type.form == "array" or not (x is condition or opposite):
        return x
    return (truth != opposite) if x.type.form == "weak" else np.bool_(truth != opposite)


def filled(e: Equation) -> Equation:
    """Known numbers move from the operands into the index."""
    if not e.has_holes:
        return e
    axes = (
        axes_of(e.params["index"], numeric(type_in(e.ins[0])).shape) if e.row.name in INDEXED and not steps(e) else None
    )
    lengths = {hole.operand: n for hole, n in axes or ()}
    fills = iter(range(e.count, len(e.ins)))

    def number(x: Any) -> int | None:
        n = lengths.get(next(fills))
        return int(x) if is_plain(x) and n is not None and inside(range_of(x, {}), n) else None

    return refilled(e, number)


def steps(e: Equation) -> Any:
    return e.params.get("steps")


# ---------------------------------------------------------------- one equation


def replacement(e: Equation, makers: Makers) -> Any:
    """None, an equation in place of e, or (equations, results) in its place."""
    region = REGIONS.get(e.row.name)
    if region is not None:
        return region(e)
    if e.row.name == "check" and is_plain(e.ins[0]) and e.ins[0]:
        return [], [np.True_]  # it never raises
    if e.row.name == "unpack":
        packed = maker(e.ins[0], makers, "pack")
        return None if packed is None else ([], packed.ins)
    if e.row.several or e.row.effect:
        return None
    for rule in (*RULES.get(e.row.name, ()), constant, uniform):
        found = rule(e, makers)
        if isinstance(found, Equation):
            return found
        if found is not None and type_in(found) == e.outs[0].type:
            return [], [found]
    return None


def made(e: Equation, row: Primitive, *ins: Any, **params: Any) -> Equation | None:
    return replace(e, row=row, ins=list(ins), count=len(ins), params=params)


def maker(x: Any, makers: Makers, name: str) -> Equation | None:
    e = makers.get(x) if isinstance(x, Var) else None
    return e if e is not None and e.row.name == name else None


def is_full(e: Equation | None) -> bool:
    return e is not None and e.row.name == "full"


def number(x: Any, makers: Makers) -> Any:
    """The number that all elements of x are; None where it is not known."""
    if not isinstance(x, Var):
        return x if isinstance(x, int | float | complex | np.generic) else None
    e = maker(x, makers, "full")
    return None if e is None else np.dtype(e.params["dtype"]).type(e.params["value"])


def kind(x: Any) -> str:
    return dtype_in(type_in(x)).kind


def is_zero(x: Any, makers: Makers, negative: bool) -> bool:
    """Whether x is the zero of this sign; an integer has one that will do for both."""
    value = number(x, makers)
    if value is None or value != 0 or kind(x) not in "fi":
        return False
    return kind(x) == "i" or bool(np.signbit(value)) == negative


def is_one(x: Any, makers: Makers) -> bool:
    value = number(x, makers)
    return value is not None and bool(value == 1)


# ---------------------------------------------------------------- laws


def times_one(e: Equation, makers: Makers) -> Any:
    x, y = e.ins
    if kind(e.outs[0]) not in "fi":
        return None
    return x if is_one(y, makers) else y if is_one(x, makers) else None


def over_one(e: Equation, makers: Makers) -> Any:
    return e.ins[0] if kind(e.outs[0]) == "f" and is_one(e.ins[1], makers) else None


def plus_zero(e: Equation, makers: Makers) -> Any:
    """x + -0.0 is x; x + 0.0 turns -0.0 into 0.0, and so is x only where that cannot be."""
    for x, y in (e.ins, e.ins[::-1]):
        if kind(x) not in "fi":
            continue
        # the zero of an integer, and a weak one, is 0.0 beside a float
        if kind(x) == "f" and not (kind(y) == "f" and is_zero(y, makers, negative=True)):
            if is_zero(y, makers, negative=False) and not maybe_negative_zero(x, makers):
                return x
        elif is_zero(y, makers, negative=True):
            return x
    return None


def minus_zero(e: Equation, makers: Makers) -> Any:
    x, y = e.ins
    return x if kind(x) in "fi" and is_zero(y, makers, negative=False) else None


def maybe_negative_zero(x: Any, makers: Makers, depth: int = 3) -> bool:
    """A sum is -0.0 only where both terms are."""
    value = number(x, makers)
    if value is not None:
        return bool(value == 0 and np.signbit(value))
    e = makers.get(x)
    if e is None or not depth:
        return True
    match e.row.name:
        case "exp" | "exp2" | "abs" | "square" | "cosh" | "sech2" | "hypot":
            return False
        case "add":
            return all(kind(y) == "f" and maybe_negative_zero(y, makers, depth - 1) for y in e.ins)
        case "mul":
            return e.ins[0] is not e.ins[1]
        case "convert":
            return kind(e.ins[0]) == "f" and maybe_negative_zero(e.ins[0], makers, depth - 1)
        case "reshape" | "transpose" | "broadcast_to" | "getitem" | "spread" | "flip":
            return maybe_negative_zero(e.ins[0], makers, depth - 1)
    return True


def whole_sum(e: Equation, makers: Makers) -> Any:
    """(i + a) + b = i + (a + b) and the like: integers wrap around, and so agree."""
    inner = maker(e.ins[0], makers, "add") or maker(e.ins[0], makers, "sub")
    b = e.ins[1]
    if inner is None or not is_plain(b) or not is_plain(inner.ins[1]) or not all_weak(e.ins[0], b, *inner.ins):
        return None
    a = inner.ins[1] if inner.row is add else -inner.ins[1]
    c = a + (b if e.row is add else -b)
    return made(e, add, inner.ins[0], c) if c >= 0 else made(e, sub, inner.ins[0], -c)


def all_weak(*xs: Any) -> bool:
    """Python integers: they have no bounds."""
    return all(type_in(x) == WHOLE for x in xs)


WHOLE = type_of(0)


def swapped(e: Equation, makers: Makers) -> Any:
    """The number stands second, for the laws above."""
    x, y = e.ins
    return made(e, e.row, y, x) if all_weak(x, y) and is_plain(x) and not is_plain(y) else None


def negative_sum(e: Equation, makers: Makers) -> Any:
    """x - (-y) = x + y, and x + (-y) = x - y, which have the same zeros."""
    x, y = e.ins
    minus = maker(y, makers, "neg")
    if minus is None and e.row is add:
        x, y = y, x
        minus = maker(y, makers, "neg")
    if minus is None or not signed(minus.ins[0]) or type_in(minus.ins[0]) != type_in(y):
        return None
    return made(e, sub if e.row is add else add, x, minus.ins[0])


def signed(x: Any) -> bool:
    return kind(x) in "fi"


def negated_twice(e: Equation, makers: Makers) -> Any:
    inner = maker(e.ins[0], makers, "neg")
    return inner and inner.ins[0]


def times_minus_one(e: Equation, makers: Makers) -> Any:
    for x, y in (e.ins, e.ins[::-1]):
        value = number(y, makers)
        if value is not None and kind(x) == "f" and value == -1 and type_in(x) == e.outs[0].type:
            return made(e, neg, x)
    return None


def power_of_one(e: Equation, makers: Makers) -> Any:
    return e.ins[0] if e.params["n"] == 1 and kind(e.ins[0]) == "f" else None


def unchanged(e: Equation, makers: Makers) -> Any:
    """The type says it all: what is converted, reshaped or stretched to its own type stays."""
    return e.ins[0]


def identity_order(e: Equation, makers: Makers) -> Any:
    return e.ins[0] if e.params["axes"] == tuple(range(len(e.params["axes"]))) else None


def no_axes(e: Equation, makers: Makers) -> Any:
    return e.ins[0] if not e.params["axes"] else None


def reshaped_twice(e: Equation, makers: Makers) -> Any:
    inner = maker(e.ins[0], makers, "reshape")
    return inner and replace(e, ins=[inner.ins[0], *e.ins[1:]])


def transposed_twice(e: Equation, makers: Makers) -> Any:
    inner = maker(e.ins[0], makers, "transpose")
    axes = inner and tuple(inner.params["axes"][a] for a in e.params["axes"])
    return inner and made(e, e.row, inner.ins[0], axes=axes)


def weak_again(e: Equation, makers: Makers) -> Any:
    """A Python number, as it came or stored and read back as one."""
    inner = maker(e.ins[0], makers, "convert")
    return e.ins[0] if type_in(e.ins[0]) == e.outs[0].type else inner and inner.ins[0]


def not_weak(e: Equation, makers: Makers) -> Any:
    """The opposite of a truth value is the same for Python's and for NumPy's."""
    inner = maker(e.ins[0], makers, "weak")
    return made(e, e.row, inner.ins[0]) if inner is not None and kind(inner.ins[0]) == "b" else None


def or_false(e: Equation, makers: Makers) -> Any:
    return stays_truth(e, False, makers)


def and_true(e: Equation, makers: Makers) -> Any:
    return stays_truth(e, True, makers)


def stays_truth(e: Equation, neutral: bool, makers: Makers) -> Any:
    """The other operand, as it was before it became Python's."""
    for x, y in (e.ins, e.ins[::-1]):
        if is_plain(y) and kind(y) == "b" and bool(y) == neutral and not is_plain(x):
            inner = maker(x, makers, "weak")
            return x if inner is None else inner.ins[0]
    return None


def part_of_part(e: Equation, makers: Makers) -> Any:
    """x[1:][3, :2] = x[4, :2]: the part of a view, where the numbers are known."""
    inner = maker(e.ins[0], makers, "getitem")
    if inner is None or e.has_holes or inner.has_holes or has_extents(type_in(inner.ins[0])):
        return None
    shape, first, second = numeric(type_in(inner.ins[0])).shape, inner.params["index"], e.params["index"]
    if not all(isinstance(p, slice) for p in first) or not all(map(names_places, second)):
        return None
    views = [*first, *[slice(None)] * (len(shape) - len(first))]
    parts = [*second, *[slice(None)] * (len(shape) - len(second))]
    try:
        index = tuple([part_at(v, range(n)[v], p) for v, n, p in zip(views, shape, parts)])
    except IndexError:
        return None
    return replace(e, ins=[inner.ins[0]], params={**e.params, "index": index})


def names_places(part: Any) -> bool:
    """Of an index: of one axis, and by numbers."""
    return part.dtype.kind in "iu" if isinstance(part, np.ndarray) else type(part) is int or isinstance(part, slice)


def part_at(view: slice, places: range, part: Any) -> Any:
    """The index that names what `part` names of the view, which has these places."""
    if isinstance(part, np.ndarray):
        return part if view == slice(None) else np.array(places, int)[part]
    if isinstance(part, int):
        return places[part]
    return view if part == slice(None) else slice_of(places[part])


def slice_of(places: range) -> slice:
    if not places:
        return slice(0, 0)
    return slice(places.start, places.stop if places.stop >= 0 else None, places.step if places.step != 1 else None)


def evenly_spaced(e: Equation, makers: Makers) -> Any:
    """x[[1, 3, 5]] = x[1:7:2]: what a slice names is not copied."""
    index = e.params["index"]
    arrays = [i for i, part in enumerate(index) if isinstance(part, np.ndarray)]
    if len(arrays) != 1 or e.has_holes or steps(e):
        return None
    (i,) = arrays
    places = spaced(index[i], numeric(type_in(e.ins[0])).shape[sum(part is not None for part in index[:i])])
    return places and replace(e, params={**e.params, "index": (*index[:i], slice_of(places), *index[i + 1 :])})


def spaced(positions: Any, length: Any) -> range | None:
    """The places that these positions name in an axis, if each is as far from the next."""
    if positions.ndim != 1 or positions.dtype.kind not in "iu" or not positions.size or not isinstance(length, int):
        return None
    if not inside((int(positions.min()), int(positions.max())), length):
        return None
    places = positions % length
    first, last, step = int(places[0]), int(places[-1]), int(places[1] - places[0]) if len(places) > 1 else 1
    found = range(first, last + (1 if step > 0 else -1), step or 1)
    return found if np.array_equal(found, places) else None


def same_sides(e: Equation, makers: Makers) -> Any:
    _, x, y = e.ins
    return x if key_of(x) == key_of(y) else None


def overwritten(e: Equation, makers: Makers) -> Any:
    """a[:] = v: nothing of a is left."""
    everything = all(isinstance(p, slice) and p == slice(None) for p in e.params["index"])
    return e.ins[1] if everything and not steps(e) else None


def count_again(e: Equation, makers: Makers) -> Any:
    """From 0 to the number of trips of a loop there are as many."""
    lo, hi, step = e.ins
    return hi if is_plain(lo) and lo == 0 and is_plain(step) and step == 1 and maker(hi, makers, "trip_count") else None


def chosen_once(e: Equation, makers: Makers) -> Any:
    places = [maker(x, makers, "positions") for x in e.ins[1:]]
    is_choice = places and places[0] is not None and all(place is places[0] for place in places)
    return e.ins[0] if is_choice and places[0].outs == e.ins[1:] else None  # type: ignore[union-attr]


# ---------------------------------------------------------------- constants


def constant(e: Equation, makers: Makers) -> Any:
    """Evaluated now; what warns or raises does so in its place."""
    if e.row is full or not all(map(is_plain, e.ins)) or any(isinstance(x, np.ndarray) for x in e.ins):
        return None
    if can_trap(e, {}) or not isinstance(e.outs[0].type, Type) or e.outs[0].type.form == "array":
        return None
    try:
        with np.errstate(divide="raise", over="raise", invalid="raise", under="ignore"):
            return e.row.evaluate(*e.ins[: e.count], **e.params)
    except Exception:  # noqa: BLE001  whatever it is, it is the run's
        return None


# NumPy rounds these the same way in an array as alone
EXACT = frozenset(["add", "sub", "mul", "neg", "convert"])
MOVING = frozenset(["reshape", "transpose", "flip", "broadcast_to", "spread", "getitem", "duplicate"])


def uniform(e: Equation, makers: Makers) -> Any:
    """What is made of a `full` only is one."""
    out = e.outs[0].type
    if e.row.name in MOVING and (not e.has_holes or not (is_users(e) and can_trap(e, {}))):
        value = number(e.ins[0], makers)
        same_kind = value is not None and isinstance(e.ins[0], Var) and dtype_in(e.ins[0].type) == dtype_in(out)
        return full_of(e, value) if same_kind else None
    if e.row.name in EXACT and isinstance(out, Type) and out.form == "array":
        values = [number(x, makers) for x in e.ins]
        if all(v is not None for v in values):
            return evaluated_once(e, values)
    return None


def evaluated_once(e: Equation, values: list[Any]) -> Any:
    """For one element: an array of one is computed as a longer one."""
    ones = [np.full(1, v, numeric(x.type).dtype) if isinstance(x, Var) else x for x, v in zip(e.ins, values)]
    try:
        with np.errstate(all="raise"):
            out = e.row.evaluate(*ones, **e.params)
    except FloatingPointError:
        return None
    same = isinstance(out, np.ndarray) and out.dtype == numeric(e.outs[0].type).dtype
    return full_of(e, out[0]) if same else None


def full_of(e: Equation, value: Any) -> Any:
    """The constant of the type of e's result."""
    type = numeric(e.outs[0].type)
    if has_extents(type):
        return None
    if type.form != "array":
        return type.dtype.type(value) if type.form == "scalar" else None
    return made(e, full, shape=type.shape, value=value.item(), dtype=type.dtype.str)


def written_short(e: Equation, makers: Makers) -> Any:
    """A constant array whose elements are all equal is a `full`."""
    x = e.ins[0]
    if not isinstance(x, np.ndarray):
        return x if is_plain(x) else None
    row, _, params = literal(x)
    return made(e, row, **params) if row is full else None


RULES: dict[str, tuple[Rule, ...]] = {
    "add": (plus_zero, whole_sum, swapped, negative_sum),
    "sub": (minus_zero, whole_sum, negative_sum),
    "mul": (times_one, times_minus_one),
    "div": (over_one,),
    "neg": (negated_twice,),
    "ipow": (power_of_one,),
    "convert": (unchanged,),
    "reshape": (unchanged, reshaped_twice),
    "broadcast_to": (unchanged,),
    "transpose": (identity_order, transposed_twice),
    "flip": (no_axes,),
    "weak": (weak_again,),
    "logical_not": (not_weak,),
    "logical_or": (or_false,),
    "logical_and": (and_true,),
    "where": (same_sides,),
    "write": (evenly_spaced, overwritten),
    "add_at": (evenly_spaced,),
    "getitem": (evenly_spaced, part_of_part),
    "array": (written_short,),
    "trip_count": (count_again,),
    "stayed": (chosen_once,),
}


# ---------------------------------------------------------------- control flow


def chosen_side(e: Equation) -> Any:
    condition, *operands = e.ins
    if not is_plain(condition):
        return None
    side = e.params["then" if condition else "orelse"]
    return spliced(side, operands, e) if fits(operands, side.params) else None


def few_iterations(e: Equation) -> Any:
    if not all(map(is_plain, e.ins[:3])) or e.ins[2] == 0:
        return None
    lo, hi, step = map(int, e.ins[:3])
    trips, body, carries = len(range(lo, hi, step)), e.params["body"], e.ins[3 + e.params["consts"] :]
    if trips == 0 and [type_in(x) for x in carries] == [o.type for o in e.outs]:
        return [], carries
    operands = [lo, *e.ins[3:]]
    return spliced(body, operands, e) if trips == 1 and fits(operands, body.params) else None


def no_iteration(e: Equation) -> Any:
    (going,) = e.params["test"].results
    carries = e.ins[e.params["consts"] :]
    done = is_plain(going) and not going and not e.params["test"].equations
    return ([], carries) if done and [type_in(x) for x in carries] == [o.type for o in e.outs] else None


REGIONS: dict[str, Callable[[Equation], Any]] = {
    "if_": chosen_side,
    "for_": few_iterations,
    "while_": no_iteration,
    "call": lambda e: None,
    "recur": lambda e: None,
}
