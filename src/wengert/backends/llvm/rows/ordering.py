"""Rows that compare elements: sorting, looking up in a table, places of extrema so far."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.backends.llvm.arrays import Array, Stored
from wengert.backends.llvm.frame import Frame, Value, bytes_of, type_as, whole
from wengert.backends.llvm.lower import lowers
from wengert.backends.llvm.rows.reductions import digits
from wengert.backends.llvm.rows.updates import apart_if_lazy
from wengert.backends.llvm.scalars import cast, chosen, common, compared, operation, unsigned
from wengert.backends.llvm.text import INT, Function, Number, Word, constant
from wengert.ir.program import Equation, Type, numeric


def before(k: Function, x: Number, y: Number) -> Number:
    """Whether x stands before y in an order, in which nan is the last."""
    if x.dtype.kind == "c":
        return complex_before(k, k.real_and_imag(x), k.real_and_imag(y))
    if x.dtype.kind != "f":
        return compared(k, unsigned("slt", x), x, y)
    last = operation(k, "and", compared(k, "uno", y, y), compared(k, "ord", x, x))
    return operation(k, "or", compared(k, "olt", x, y), last)


def complex_before(k: Function, x: Sequence[Number], y: Sequence[Number]) -> Number:
    """By the real parts, then by the imaginary ones; first those without nan, then those with a real part, and those
    with an imaginary one."""
    (a, b), (c, d) = x, y
    a_is_nan, c_is_nan, d_is_nan = (compared(k, "uno", v, v) for v in (a, c, d))
    if_less = operation(k, "or", compared(k, "ord", b, b), d_is_nan)
    if_more = operation(k, "and", compared(k, "ord", b, b), d_is_nan)
    alike = operation(k, "or", compared(k, "oeq", a, c), operation(k, "and", a_is_nan, c_is_nan))
    found = chosen(k, alike, before(k, b, d), c_is_nan)
    found = chosen(k, compared(k, "ogt", a, c), if_more, found)
    return chosen(k, compared(k, "olt", a, c), if_less, found)


def read_often(frame: Frame, x: Any) -> Array:
    return apart_if_lazy(frame, frame.array(x), type_as(x))


def halved(k: Function, n: Word) -> Word:
    return n // 2 if isinstance(n, int) else k.value(f"lshr i64 {n}, 1")


# ---------------------------------------------------------------- sorting


@lowers("argsort")
def argsort(frame: Frame, e: Equation) -> Value:
    """Equal elements stay in their order, whatever kind of sort was asked for."""
    x = read_often(frame, e.ins[0])
    axis = e.params["axis"]
    key = lambda k, rest, i: x.element(k, [*rest[:axis], i, *rest[axis:]])
    return sorted_places(frame, e, x, x.lengths, axis, [key])


@lowers("lexsort")
def lexsort(frame: Frame, e: Equation) -> Value:
    """One stable sort for each key; the last counts first."""
    x = read_often(frame, e.ins[0])
    lengths = x.lengths[1:]
    axis = e.params["axis"] % len(lengths)
    count = x.lengths[0]
    assert isinstance(count, int)
    keys = [lambda k, rest, i, j=j: x.element(k, [j, *rest[:axis], i, *rest[axis:]]) for j in range(count)]
    return sorted_places(frame, e, x, lengths, axis, keys)


def sorted_places(
    frame: Frame, e: Equation, x: Array, lengths: Sequence[Word], axis: int, keys: Sequence[Any]
) -> Stored:
    k, out = frame.kernel, numeric(e.outs[0].type)
    to = frame.place_for(e.outs[0], out, lengths, dict.fromkeys(x.reads, False))
    n = lengths[axis]
    limit = out.shape[axis] if isinstance(out.shape[axis], int) else out.shape[axis].bound
    pairs = [Type(dtype, (2, limit)) for dtype in (INT, x.dtype)]
    work, values = (whole(frame.buffer(bytes_of(pair)), pair, [2, n]) for pair in pairs)

    def one(rest: Sequence[Word]) -> None:
        k.repeat(n, lambda i, c: stored(k, work, [0, i], Number(str(i), INT)))
        side: Word = 0
        for key in keys:

            def read(i: Word, nothing: Sequence[Number], key: Any = key, side: Word = side) -> Sequence[Number]:
                return stored(k, values, [side, i], key(k, rest, work.element(k, [side, i]).text))

            k.repeat(n, read)
            side = merge_sort(k, work, values, side, n)
        k.repeat(n, lambda i, c: stored(k, to, [*rest[:axis], i, *rest[axis:]], work.element(k, [side, i])))

    k.nest([m for a, m in enumerate(lengths) if a != axis], one)
    return to


def stored(k: Function, to: Stored, index: Sequence[Word], x: Number) -> Sequence[Number]:
    k.store(cast(k, x, to.dtype), to.place(k, index))
    return ()


def merge_sort(k: Function, work: Stored, values: Stored, side: Word, n: Word) -> Word:
    """Sort the places work[side] by values[side]; pairs of sorted runs are merged into the other side, and so on.
    Returns the side where they end.

    Values go with their places, so that memory is read in order.
    """
    passes = digits(k, k.minus(k.most(n, 1), 1))

    def level(depth: Word, carried: Sequence[Number]) -> Sequence[Number]:
        here, width = carried[0].text, carried[1].text
        there, double = k.minus(1, here), k.plus(width, width)
        pairs = k.value(f"sdiv i64 {k.minus(k.plus(n, double), 1)}, {double}")

        def merge(pair: Word, nothing: Sequence[Number]) -> Sequence[Number]:
            low = k.times(pair, double)
            middle, high = k.least(k.plus(low, width), n), k.least(k.plus(low, double), n)

            def take(offset: Word, heads: Sequence[Number]) -> Sequence[Number]:
                left, right = heads
                heads_at = k.least(left.text, k.minus(middle, 1)), k.least(right.text, k.minus(high, 1))
                first, second = (values.element(k, [here, i]) for i in heads_at)
                place, other = (work.element(k, [here, i]) for i in heads_at)
                none_left = Number(k.compare("sge", left.text, middle), np.dtype(bool))
                some_right = Number(k.compare("slt", right.text, high), np.dtype(bool))
                sooner = operation(k, "or", none_left, before(k, second, first))
                from_right = operation(k, "and", some_right, sooner)
                at = [there, k.plus(low, offset)]
                stored(k, values, at, chosen(k, from_right, second, first))
                stored(k, work, at, chosen(k, from_right, other, place))
                step = cast(k, from_right, INT)
                left = operation(k, "add", left, operation(k, "sub", constant(1, INT), step))
                return [left, operation(k, "add", right, step)]

            k.repeat(k.minus(high, low), take, [Number(str(low), INT), Number(str(middle), INT)])
            return ()

        k.repeat(pairs, merge)
        return [Number(str(there), INT), Number(str(double), INT)]

    return k.repeat(passes, level, [Number(str(side), INT), constant(1, INT)])[0].text


# ---------------------------------------------------------------- in a table


@lowers("searchsorted")
def searchsorted(frame: Frame, e: Equation) -> Value:
    return looked_up(frame, e, e.params["side"] == "left")


@lowers("digitize")
def digitize(frame: Frame, e: Equation) -> Value:
    """In bins that grow; others are left to NumPy."""
    k, table = frame.kernel, read_often(frame, e.ins[0])

    def grows(i: Word, nothing: Sequence[Number]) -> Sequence[Number]:
        up = compared(
            k, "ole" if table.dtype.kind in "fc" else "sle", *(table.element(k, [j]) for j in (i, k.plus(i, 1)))
        )
        k.require(up.text)
        return ()

    k.repeat(k.most(k.minus(table.lengths[0], 1), 0), grows)
    return looked_up(frame, e, e.params["right"])


def looked_up(frame: Frame, e: Equation, left: bool) -> Value:
    """How many elements of the table stand before x; `left`: or else before x or beside it."""
    k, out = frame.kernel, numeric(e.outs[0].type)
    table, x = (read_often(frame, v) for v in e.ins[:2])
    dtype = common([type_as(v) for v in e.ins[:2]])
    n = table.lengths[0]

    def place(x: Number) -> Number:
        def step(i: Word, bounds: Sequence[Number]) -> Sequence[Number]:
            low, high = (b.text for b in bounds)
            open_ = Number(k.compare("slt", low, high), np.dtype(bool))
            middle = halved(k, k.plus(low, high))
            element = cast(k, table.element(k, [k.least(middle, k.minus(n, 1))]), dtype)
            beyond = before(k, element, x) if left else inverse(k, before(k, x, element))
            up, down = operation(k, "and", open_, beyond), operation(k, "and", open_, inverse(k, beyond))
            return [
                chosen(k, up, Number(str(k.plus(middle, 1)), INT), bounds[0]),
                chosen(k, down, Number(str(middle), INT), bounds[1]),
            ]

        return k.repeat(digits(k, n), step, [constant(0, INT), Number(str(n), INT)])[0]

    if not out.shape:
        return cast(k, place(cast(k, x.element(k, ()), dtype)), out.dtype)
    to = frame.place_for(e.outs[0], out, x.lengths, dict.fromkeys([*table.reads, *x.reads], False))
    k.nest(x.lengths, lambda index: none(stored(k, to, index, place(cast(k, x.element(k, index), dtype)))))
    return to


def none(x: Any) -> None:
    """For what is done, and not given."""


def inverse(k: Function, x: Number) -> Number:
    return operation(k, "xor", x, constant(True, x.dtype))


# ---------------------------------------------------------------- places


@lowers("running_place")
def running_place(frame: Frame, e: Equation) -> Value:
    """Where the extremum so far was first attained; a nan stays."""
    k, out, axis = frame.kernel, numeric(e.outs[0].type), e.params["axis"]
    x = read_often(frame, e.ins[0])
    to = frame.place_for(e.outs[0], out, x.lengths, dict.fromkeys(x.reads, False))
    if x.lengths[axis] == 0:
        return to
    further = ("olt", "slt") if e.params["beyond"] is np.greater else ("ogt", "sgt")

    def one(rest: Sequence[Word]) -> None:
        def at(i: Word) -> list[Word]:
            return [*rest[:axis], i, *rest[axis:]]

        def step(i: Word, carried: Sequence[Number]) -> Sequence[Number]:
            best, place = carried
            new = x.element(k, at(i))
            if x.dtype.kind in "fc":
                changes = operation(k, "or", compared(k, further[0], best, new), compared(k, "uno", new, new))
                changes = operation(k, "and", changes, compared(k, "ord", best, best))
            else:
                changes = compared(k, unsigned(further[1], new), best, new)
            place = chosen(k, changes, Number(str(i), INT), place)
            stored(k, to, at(i), place)
            return [chosen(k, changes, new, best), place]

        k.repeat(x.lengths[axis], step, [x.element(k, at(0)), constant(0, INT)])

    k.nest([n for a, n in enumerate(x.lengths) if a != axis], one)
    return to


@lowers("order")
def order(frame: Frame, e: Equation) -> Value:
    """Which row stands where after the exchanges of a factorisation; or the inverse of that."""
    k, out, rows = frame.kernel, numeric(e.outs[0].type), e.params["rows"]
    pivots = read_often(frame, e.ins[0])
    to = frame.place_for(e.outs[0], out, [*pivots.lengths[:-1], rows], dict.fromkeys(pivots.reads, False))
    line = Type(INT, (rows,))
    places = whole(frame.buffer(bytes_of(line)), line, [rows])

    def one(stack: Sequence[Word]) -> None:
        k.repeat(rows, lambda i, c: stored(k, places, [i], Number(str(i), INT)))

        def exchange(i: Word, nothing: Sequence[Number]) -> Sequence[Number]:
            j = cast(k, pivots.element(k, [*stack, i]), INT).text
            mine, other = places.element(k, [i]), places.element(k, [j])
            stored(k, places, [i], other)
            return stored(k, places, [j], mine)

        k.repeat(pivots.lengths[-1], exchange)

        def put(i: Word, nothing: Sequence[Number]) -> Sequence[Number]:
            place = places.element(k, [i])
            if e.params["inverse"]:
                return stored(k, to, [*stack, place.text], Number(str(i), INT))
            return stored(k, to, [*stack, i], place)

        k.repeat(rows, put)

    k.nest(pivots.lengths[:-1], one)
    return to
