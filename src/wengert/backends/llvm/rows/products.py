"""Products of matrices and vectors."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.backends.llvm.arrays import Array, Lazy, Stored, filled
from wengert.backends.llvm.frame import Frame, Value, assign, limits_of, type_as
from wengert.backends.llvm.lower import lowers
from wengert.backends.llvm.rows.elementwise import broadcast_lengths
from wengert.backends.llvm.rows.library import apply
from wengert.backends.llvm.rows.reductions import is_long, sum_in_blocks, sum_step
from wengert.backends.llvm.rows.updates import apart_if_lazy
from wengert.backends.llvm.scalars import cast, operation
from wengert.backends.llvm.text import Function, Number, Word, constant
from wengert.ir.program import Equation, Type, numeric


@lowers("matmul")
def matmul(frame: Frame, e: Equation) -> Value:
    """Rows of the result as sums of rows of the second operand: neighbours in memory are added to neighbours."""
    k, out = frame.kernel, numeric(e.outs[0].type)
    types = [type_as(x) for x in e.ins[:2]]
    inner = frame.array(e.ins[0]).lengths[-1], frame.array(e.ins[1]).lengths[-2:][0]
    k.agree(*inner)
    x, y = (operand(frame, frame.array(v), t, out.dtype) for v, t in zip(e.ins, types))
    if len(x.lengths) == 1 and len(y.lengths) == 1:
        return dot(k, x, y, (), ())
    x_rows = [] if len(x.lengths) == 1 else [x.lengths[-2]]
    y_columns = [] if len(y.lengths) == 1 else [y.lengths[-1]]
    x_lead, y_lead = x.lengths[:-2], y.lengths[:-2]
    lead = broadcast_lengths(
        [x_lead, y_lead], [t._replace(shape=t.shape[:-2]) for t in types], lead_type(out, x_rows, y_columns)
    )
    reads = dict.fromkeys([*x.reads, *y.reads], False)
    if is_large(types, out):
        xs = in_memory(frame, x, types[0]), in_memory(frame, y, types[1])
        to = frame.place_for(e.outs[0], out, [*lead, *x_rows, *y_columns], {b: False for x in xs for b in x.reads})
        by_library(frame, *xs, to)
        return to
    to = frame.place_for(e.outs[0], out, [*lead, *x_rows, *y_columns], reads)
    if y_columns:
        assign(k, to, filled(constant(0, out.dtype), ()))

    def one(index: Sequence[Word]) -> None:
        outer, row = index[: len(lead)], list(index[len(lead) :])
        at_x, at_y = (own_index(outer, lengths) for lengths in (x_lead, y_lead))
        if not y_columns:
            k.store(dot(k, x, y, [*at_x, *row], at_y), to.place(k, index))
            return

        def term(j: Word, carried: Sequence[Number]) -> Sequence[Number]:
            factor = x.element(k, [*at_x, *row, j])

            def column(c: list[Word]) -> None:
                place = to.place(k, [*outer, *row, *c])
                product = multiply(k, factor, y.element(k, [*at_y, j, *c]))
                k.store(operation(k, adding(out), k.load(place, out.dtype), product), place)

            k.nest(y_columns, column)
            return carried

        k.repeat(x.lengths[-1], term)

    k.nest([*lead, *x_rows], one)
    return to


# From so many multiplications on NumPy's own product, which calls BLAS, is faster than a loop nest.  One thread of an
# Intel Xeon with AVX-512, double precision, in ns:
#     4 x 4 x 4         94     29 by loops        1000 x 4 x 4        1604      2556
#     8 x 8 x 8        105     30                 3 x 1000 x 3        1553     20642
#     12 x 12 x 12     221   1157                 100 x 100 x 1       1130      1190
#     64 x 64 x 64    9365  43577                 1 x 50 x 50          410      1080
LARGE = 1000


def is_large(types: Sequence[Type], out: Type) -> bool:
    (*_, rows, terms), (_, columns) = (limits_of(t)[-2:] if len(t.shape) > 1 else (1, *limits_of(t)) for t in types)
    if len(types[1].shape) == 1:
        columns = 1
    return out.dtype.kind == "f" and out.dtype.itemsize > 2 and rows * terms * columns > LARGE


def in_memory(frame: Frame, x: Array, type: Type) -> Stored:
    """As BLAS takes it: along one of the last two axes, neighbours lie beside each other."""
    stored = frame.stored(x, type._replace(dtype=x.dtype))
    *_, row, step = [1, *stored.strides] if len(stored.lengths) > 1 else [stored.lengths[0], *stored.strides]
    rows, columns = ([1] * 2 + stored.lengths)[-2:]
    dense = {(row, step): (rows, columns), (step, row): (columns, rows)}
    fits = any(b == 1 and isinstance(a, int) and isinstance(n, int) and a >= n for (a, b), (_, n) in dense.items())
    return stored if fits else frame.temporary(stored, type._replace(dtype=x.dtype))


def by_library(frame: Frame, x: Stored, y: Stored, to: Stored) -> None:
    """A vector is a matrix of one row, or of one column."""
    lengths, strides = list(to.lengths), list(to.strides)
    if len(x.lengths) == 1:
        at = len(lengths) - (len(y.lengths) > 1)
        lengths.insert(at, 1)
        strides.insert(at, functools.reduce(frame.kernel.times, lengths[at + 1 :], 1))
        x = Stored(x.dtype, [1, *x.lengths], x.start, [x.lengths[0], *x.strides], x.buffer)
    if len(y.lengths) == 1:
        lengths, strides = [*lengths, 1], [*strides, 1]
        y = Stored(y.dtype, [*y.lengths, 1], y.start, [*y.strides, 1], y.buffer)
    apply(frame, np.matmul, [x, y], [Stored(to.dtype, lengths, to.start, strides, to.buffer)])


def lead_type(out: Type, rows: Sequence[Word], columns: Sequence[Word]) -> Type:
    return out._replace(shape=out.shape[: len(out.shape) - len(rows) - len(columns)])


def own_index(index: Sequence[Word], lengths: Sequence[Word]) -> list[Word]:
    lead = len(index) - len(lengths)
    return [0 if n == 1 else i for i, n in zip(index[lead:], lengths)]


def operand(frame: Frame, x: Array, type: Type, dtype: np.dtype[Any]) -> Array:
    """Of a product: in memory, since each element is read many times, and of the dtype of the result."""
    if x.dtype != dtype:
        inner = x
        x = Lazy(dtype, list(x.lengths), lambda k, i: cast(k, inner.element(k, i), dtype), x.reads)
    return apart_if_lazy(frame, x, type._replace(dtype=dtype))


def multiply(k: Function, x: Number, y: Number) -> Number:
    return operation(k, {"f": "fmul", "b": "and"}.get(x.dtype.kind, "mul"), x, y)


def adding(out: Type) -> str:
    return {"f": "fadd", "b": "or"}.get(out.dtype.kind, "add")


def dot(k: Function, x: Array, y: Array, at_x: Sequence[Word], at_y: Sequence[Word]) -> Number:
    def term(j: Word, carried: Sequence[Number]) -> Sequence[Number]:
        product = multiply(k, x.element(k, [*at_x, j]), y.element(k, [*at_y, j]))
        return [sum_step(k, carried[0], product)]

    if x.dtype.kind == "f" and is_long(x.lengths[-1:]):
        product = lambda j: multiply(k, x.element(k, [*at_x, *j]), y.element(k, [*at_y, *j]))
        return sum_in_blocks(k, x.lengths[-1:], x.dtype, product)
    return k.repeat(x.lengths[-1], term, [constant(0, x.dtype)])[0]
