"""Elementwise rows of whole arrays: a formula for an element, which is stored, or left to its only reader."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.backends.llvm.arrays import Array, Lazy, Reads, Stored, accessed, in_pieces, is_light, piece_of, seams
from wengert.backends.llvm.formulas import Call, formula_of, single_call, traced_element
from wengert.backends.llvm.frame import Frame, Value, assign, bytes_of, limits_of, type_as, whole
from wengert.backends.llvm.in_python import IN_PYTHON
from wengert.backends.llvm.loops import call_loop, loop_of
from wengert.backends.llvm.lower import lowers
from wengert.backends.llvm.scalars import (
    ELEMENTWISE,
    by_instructions,
    cast,
    compared,
    element,
    is_finite,
    negated,
    operation,
    sech2_exponent,
    sech2_of,
)
from wengert.backends.llvm.text import BOOL, INT, Function, Number, Word, constant
from wengert.core.primitive import TABLE
from wengert.ir.program import Equation, Type, Var, numeric
from wengert.passes.ranges import learn

# where a loop of NumPy's over neighbours takes a tenth of the time that a call for each of them takes
IN_VECTORS = frozenset(["exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sinh", "cosh", "tanh"])
LONG = 8  # elements, from which on that pays
STRIP = 1024  # elements that stay in the fastest cache

OneElement = Callable[[Function, Sequence[Number]], Number]


@lowers(*ELEMENTWISE, *[row.name for row in TABLE.values() if row.elementwise and row.name not in IN_PYTHON])
def elementwise(frame: Frame, e: Equation) -> Value:
    out, k = numeric(e.outs[0].type), frame.kernel
    types = [type_as(x) for x in e.ins[: e.count]]
    params = frame.params(e) if e.params else {}
    if e.row.name in IN_VECTORS and is_long(out):
        return in_strips(frame, e.row.name, converted(frame.array(e.ins[0]), out.dtype), out, e.outs[0])
    if e.row.name == "sech2" and is_long(out):
        x = frame.array(e.ins[0])
        exponent = mapped_elements(x, out.dtype, lambda k, y: sech2_exponent(k, cast(k, y, out.dtype)))
        lazy = mapped_elements(in_strips(frame, "exp", exponent, out), out.dtype, sech2_of)
        return lazy if e.outs[0] in frame.plan.lazy else frame.copied(lazy, out, e.outs[0])
    if by_instructions(e.row.name, [t.dtype for t in types]):
        if out.shape == () and e.row.name in ("add", "sub", "mul") and out.dtype == INT:
            params = {"exact": is_small(frame, e)}
        rule: OneElement = lambda k, xs: element(k, e.row.name, xs, types, out, params)
    else:
        formula = formula_of(e.row.name, types, params, out)
        call = single_call(formula)
        if call is not None and out.shape != ():
            return looped(frame, e, types, out, *call)
        rule = lambda k, xs: traced_element(k, formula, xs)
    if out.shape == ():
        number = rule(k, [frame.number(x) for x in e.ins[: e.count]])
        if e.row.name in ("pow", "ipow") and out.form == "weak" and out.dtype.kind == "c":
            k.require(is_finite(k, [number], out).text)  # where it is not, Python may raise
        return number
    lengths = broadcast_lengths([frame.array(x).lengths for x in e.ins[: e.count]], types, out)
    for x, t in zip(e.ins, types):
        fit(k, frame.array(x), t, lengths)
    xs = [steady(frame, frame.array(x), t, lengths) for x, t in zip(e.ins, types)]
    out = out._replace(form="array")
    lazy = evaluated(rule, xs, out.dtype, lengths, reads_in_place(xs, out))
    return lazy if e.outs[0] in frame.plan.lazy else frame.copied(lazy, out, e.outs[0])


def evaluated(rule: OneElement, xs: Sequence[Array], dtype: np.dtype[Any], lengths: list[Word], reads: Reads) -> Lazy:
    """rule(function, elements) -> element; in pieces where an operand of as many rows is."""
    along = [x for x in xs if len(x.lengths) == len(lengths) and x.lengths[0] == lengths[0]]
    cuts = seams(along)
    if not cuts:
        return Lazy(dtype, lengths, lambda k, index: rule(k, [at(k, x, index) for x in xs]), reads)

    def some(row: int) -> Lazy:
        return evaluated(rule, [piece_of(x, row) if x in along else x for x in xs], dtype, lengths, {})

    return in_pieces(lengths, cuts, some, reads)


def looped(frame: Frame, e: Equation, types: Sequence[Type], out: Type, call: Call, place: int) -> Value:
    """A function of NumPy or SciPy for whole rows at once: one call for each row, not for each element."""
    k, loop = frame.kernel, call.loop
    lengths = broadcast_lengths([frame.array(x).lengths for x in e.ins[: e.count]], types, out)
    xs = []
    for x, dtype in zip(call.xs, loop.dtypes):
        i = x.source
        array = converted(frame.array(e.ins[i]), dtype)
        xs.append(frame.stored(array, types[i]._replace(dtype=dtype)))
    results = [out._replace(dtype=t) for t in loop.dtypes[loop.inputs :]]
    # what a loop reads and writes may be the same element, and never overlaps in another way
    to = [
        frame.place_for(e.outs[0], t, lengths, reads_in_place(xs, t))
        if i == place and t.dtype == out.dtype
        else whole(frame.buffer(bytes_of(t)), t, lengths)
        for i, t in enumerate(results)
    ]
    accessed(k, xs, to)

    def row(index: Sequence[Word]) -> None:
        starts, steps = [], []
        for x in [*xs, *to]:
            lead = len(lengths) - len(x.lengths)
            inside = [0 if n == 1 else i for i, n in zip([*index, 0][lead:], x.lengths)]
            starts.append(x.place(k, inside))
            steps.append(k.times(x.strides[-1], x.dtype.itemsize) if x.lengths and x.lengths[-1] != 1 else 0)
        call_loop(k, loop, starts, [lengths[-1]], steps)

    k.nest(lengths[:-1], row)
    found = to[place]
    return found if found.dtype == out.dtype else frame.copied(converted(found, out.dtype), out, e.outs[0])


def is_long(out: Type) -> bool:
    is_array = out.shape != () and all(isinstance(n, int) for n in out.shape)
    return is_array and out.dtype.kind == "f" and math.prod(out.shape) >= LONG


def in_strips(frame: Frame, name: str, x: Array, out: Type, var: Var | None = None) -> Stored:
    """A function of NumPy: a strip of its operand is evaluated where the result will be, and replaced there."""
    k, loop = frame.kernel, loop_of(getattr(np, name), [out.dtype])
    lengths, size = x.lengths, out.dtype.itemsize
    to = frame.place_for(var, out, lengths, reads_in_place([x], out))
    if to.is_contiguous and (not isinstance(lengths[-1], int) or lengths[-1] <= STRIP):
        assign(k, to, x)
        accessed(k, [to], [to])
        call_loop(k, loop, [to.start, to.start], [k.product(lengths)], [size, size])
        return to

    def row(index: Sequence[Word]) -> None:
        def strip(i: Word, carried: Sequence[Number]) -> Sequence[Number]:
            first = k.times(i, STRIP)
            count = k.least(STRIP, k.minus(lengths[-1], first))

            def one(inside: Sequence[Word]) -> None:
                place = [*index, k.plus(first, inside[0])]
                k.store(x.element(k, place), to.place(k, place))

            k.nest([count], one)
            start = to.place(k, [*index, first])
            call_loop(k, loop, [start, start], [count], [size, size])
            return carried

        k.repeat(strips(k, lengths[-1]), strip)

    k.nest(lengths[:-1], row)
    accessed(k, [to], [to])
    return to


def strips(k: Function, n: Word) -> Word:
    return -(-n // STRIP) if isinstance(n, int) else k.value(f"sdiv i64 {k.plus(n, STRIP - 1)}, {STRIP}")


def converted(x: Array, dtype: np.dtype[Any]) -> Array:
    return x if x.dtype == dtype else mapped_elements(x, dtype, lambda k, y: cast(k, y, dtype))


def mapped_elements(x: Array, dtype: np.dtype[Any], change: Callable[[Function, Number], Number]) -> Array:
    is_free = isinstance(x, Lazy) and x.is_free
    return Lazy(dtype, list(x.lengths), lambda k, i: change(k, x.element(k, i)), x.reads, is_free)


@lowers("refuse")
def refuse(frame: Frame, e: Equation) -> Value:
    """A cotangent that is not zero where there is no derivative ends the call."""
    k, out = frame.kernel, numeric(e.outs[0].type)
    types = [type_as(x) for x in e.ins[:2]]
    xs = [frame.stored(frame.array(x), t) if t.shape else frame.array(x) for x, t in zip(e.ins, types)]
    lengths = broadcast_lengths([x.lengths for x in xs], types, out)

    def one(index: Sequence[Word]) -> None:
        bar, undefined = (at(k, x, index) for x in xs)
        used = compared(k, "une" if bar.dtype.kind in "fc" else "ne", bar, constant(0, bar.dtype))
        k.require(negated(k, [operation(k, "and", used, cast(k, undefined, BOOL))], out).text)

    k.nest(lengths, one)
    return frame.copied(xs[0], out, e.outs[0]) if out.shape else xs[0].element(k, ())


def fit(k: Function, x: Array, type: Type, lengths: Sequence[Word]) -> None:
    """The call fails where x, which has an axis of that length, cannot be repeated to these lengths."""
    for n, m, to in zip(reversed(x.lengths), reversed(type.shape), reversed(lengths)):
        if m != 1:
            k.agree(n, to)


def at(k: Function, x: Array, index: Sequence[Word]) -> Number:
    """An element of x, which is repeated along axes of length 1 and those that it lacks."""
    lead = len(index) - len(x.lengths)
    return x.element(k, [0 if n == 1 else i for i, n in zip(index[lead:], x.lengths)])


def is_small(frame: Frame, e: Equation) -> bool:
    """Whether the result is known to lie far from where integers end."""
    known = dict(frame.known)
    learn(e, known)
    return e.outs[0] in known


def broadcast_lengths(all: Sequence[Sequence[Word]], types: Sequence[Type], out: Type) -> list[Word]:
    """Of the result: along each axis, of an operand that is not repeated there."""
    found: list[Word] = []
    for axis in range(-len(out.shape), 0):
        mine = [(x[axis], t.shape[axis]) for x, t in zip(all, types) if len(x) >= -axis]
        found.append(next((n for n, m in mine if m != 1), 1))
    return found


def steady(frame: Frame, x: Array, type: Type, lengths: Sequence[Word]) -> Array:
    """x, in memory where its formula would be evaluated more than once for an element."""
    repeated = not is_light(x) and list(x.lengths) != list(lengths)
    return frame.temporary(x, type) if repeated else x


def reads_in_place(xs: Sequence[Array], out: Type) -> dict[Any, bool]:
    """Which buffers an elementwise result reads, and whether always at the place that it writes itself."""
    found: dict[Any, bool] = {}
    for x in xs:
        for b, same in x.reads.items():
            alike = x.dtype.itemsize == out.dtype.itemsize and (
                x.limits == limits_of(out) if isinstance(x, Stored) else len(x.lengths) == len(out.shape)
            )
            found[b] = found.get(b, True) and same and alike
    return found
