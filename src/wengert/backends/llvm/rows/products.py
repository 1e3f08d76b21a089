"""Products of matrices and vectors."""

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.backends.llvm.arrays import Array, Lazy, Stored, filled, transposed
from wengert.backends.llvm.frame import Frame, Value, assign, limits_of, type_as
from wengert.backends.llvm.lower import lowers
from wengert.backends.llvm.rows.elementwise import broadcast_lengths
from wengert.backends.llvm.rows.library import apply
from wengert.backends.llvm.rows.reductions import in_groups, in_pairs, is_long, sum_in_blocks, sum_step
from wengert.backends.llvm.rows.updates import apart_if_lazy
from wengert.backends.llvm.scalars import added, cast, multiplied
from wengert.backends.llvm.text import Function, Number, Word, constant
from wengert.ir.program import Equation, Type, Var, numeric
from wengert.rules.contract import split_spec


@lowers("matmul")
def matmul(frame: Frame, e: Equation) -> Value:
    """Rows of the result as sums of rows of the second operand, or element by element, as its numbers lie in memory."""
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
    by_dots = not y_columns
    if by_dots:  # the other way round: the vector by the transposed matrix
        x, y, x_lead, y_lead, x_rows, y_columns = y, turned(x), y_lead, x_lead, y_columns, x_rows
    if isinstance(y, Stored) and 1 in y.strides[-2:]:
        by_dots = y.strides[-1] != 1

    def one(index: Sequence[Word]) -> None:
        outer, row = index[: len(lead)], list(index[len(lead) : len(lead) + len(x_rows)])
        at_x, at_y = (own_index(outer, lengths) for lengths in (x_lead, y_lead))
        if by_dots:
            k.store(dot(k, x, turned(y), [*at_x, *row], [*at_y, index[-1]]), to.place(k, index))
            return

        def terms(places: Sequence[Word]) -> None:
            factors = [x.element(k, [*at_x, *row, j]) for j in places]

            def column(c: list[Word]) -> None:
                place = to.place(k, [*outer, *row, *c])
                products = [multiplied(k, f, y.element(k, [*at_y, j, *c])) for f, j in zip(factors, places)]
                k.store(added(k, k.load(place, out.dtype), in_pairs(k, added, products)), place)

            k.nest(y_columns, column)

        in_groups(k, x.lengths[-1], terms)

    if not by_dots:
        assign(k, to, filled(constant(0, out.dtype), ()))
    k.nest([*lead, *x_rows, *(y_columns if by_dots else [])], one)
    return to


def turned(x: Array) -> Array:
    """A matrix, or each of a stack, transposed."""
    *lead, rows, columns = range(len(x.lengths))
    return transposed(x, [*lead, columns, rows])


# From so many multiplications on NumPy's own product, which calls BLAS, is faster than a loop nest.  One thread of an
# Intel Xeon with AVX-512, double precision, in ns:
#     4 x 4 x 4         94     29 by loops        1000 x 4 x 4        1604      2556
#     8 x 8 x 8        105     30                 3 x 1000 x 3        1553     20642
#     12 x 12 x 12     221   1157
#     64 x 64 x 64    9365  43577
# and the same with a vector, on an AMD EPYC with AVX-512, with the call itself:
#     20 x 60 x 1      472    427                 1 x 20 x 60          432       344
#     100 x 100 x 1   1199   1198                 1 x 100 x 100       1229       835
# Complex numbers beside infinities come out of BLAS in another way, as NumPy has them.
LARGE, LARGE_WITH_VECTOR = 1000, 10_000


def is_large(types: Sequence[Type], out: Type) -> bool:
    (*_, rows, terms), (_, columns) = (limits_of(t)[-2:] if len(t.shape) > 1 else (1, *limits_of(t)) for t in types)
    if len(types[1].shape) == 1:
        columns = 1
    most = LARGE_WITH_VECTOR if 1 in (rows, columns) and out.dtype.kind == "f" else LARGE
    return out.dtype.kind in "fc" and out.dtype.itemsize > 2 and multiplications(out.dtype, rows, terms, columns) > most


def multiplications(dtype: np.dtype[Any], *lengths: int) -> int:
    """Of floats, in a product of matrices of these lengths."""
    return math.prod(lengths) * (4 if dtype.kind == "c" else 1)


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
        strides.insert(at, frame.kernel.product(lengths[at + 1 :]))
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


def dot(k: Function, x: Array, y: Array, at_x: Sequence[Word], at_y: Sequence[Word]) -> Number:
    def term(j: Word, carried: Sequence[Number]) -> Sequence[Number]:
        product = multiplied(k, x.element(k, [*at_x, j]), y.element(k, [*at_y, j]))
        return [sum_step(k, carried[0], product)]

    if x.dtype.kind in "fc" and is_long(x.lengths[-1:]):
        product = lambda j: multiplied(k, x.element(k, [*at_x, *j]), y.element(k, [*at_y, *j]))
        return sum_in_blocks(k, x.lengths[-1:], x.dtype, product)
    return k.repeat(x.lengths[-1], term, [constant(0, x.dtype)])[0]


# ---------------------------------------------------------------- convolution


@lowers("convolve")
def convolve(frame: Frame, e: Equation) -> Value:
    """out_i = sum_j x_(i + first - j) y_j, where both are; `valid` begins where y has come in."""
    k, out = frame.kernel, numeric(e.outs[0].type)
    x, y = (operand(frame, frame.array(v), type_as(v), out.dtype) for v in e.ins[:2])
    (n,), (m,) = x.lengths, y.lengths
    valid = e.params["mode"] == "valid"
    length = k.plus(k.minus(n, m), 1) if valid else k.minus(k.plus(n, m), 1)
    first = k.minus(m, 1) if valid else 0
    to = frame.place_for(e.outs[0], out, [length], dict.fromkeys([*x.reads, *y.reads], False))

    def one(index: Sequence[Word]) -> None:
        i = k.plus(index[0], first)
        low, high = k.most(0, k.plus(k.minus(i, n), 1)), k.least(m, k.plus(i, 1))

        def term(j: Word, carried: Sequence[Number]) -> Sequence[Number]:
            j = k.plus(low, j)
            return [sum_step(k, carried[0], multiplied(k, x.element(k, [k.minus(i, j)]), y.element(k, [j])))]

        k.store(k.repeat(k.minus(high, low), term, [constant(0, out.dtype)])[0], to.place(k, index))

    k.nest([length], one)
    return to


# ---------------------------------------------------------------- einsum


@lowers("einsum")
def einsum(frame: Frame, e: Equation) -> Value:
    """Two operands at a time, in the order that NumPy finds."""
    inputs, output = split_spec(e.params["spec"])
    out = numeric(e.outs[0].type)
    types = [type_as(x) for x in e.ins[: e.count]]
    terms = [(labels, operand(frame, frame.array(x), t, out.dtype)) for labels, x, t in zip(inputs, e.ins, types)]
    limits = {label: n for labels, t in zip(inputs, types) for label, n in zip(labels, limits_of(t))}
    samples = [np.broadcast_to(0.0, limits_of(t)) for t in types]
    path = np.einsum_path(e.params["spec"], *samples, optimize="greedy")[0][1:]
    for i, places in enumerate(path):
        chosen = [terms[p] for p in places]
        terms = [t for p, t in enumerate(terms) if p not in places]
        is_last = i == len(path) - 1
        needed = set(output).union(*(labels for labels, _ in terms))
        labels = output if is_last else "".join(sorted(needed.intersection(*[{c for t, _ in chosen for c in t}])))
        type = out if is_last else Type(out.dtype, tuple([limits[c] for c in labels]))
        terms.append((labels, contracted(frame, chosen, labels, type, e.outs[0] if is_last else None)))
    found = terms[0][1]
    return found if out.shape else found.element(frame.kernel, ())


def contracted(frame: Frame, terms: Sequence[tuple[str, Array]], output: str, out: Type, var: Var | None) -> Array:
    """The sum over all labels that are not in the output."""
    k = frame.kernel
    lengths: dict[str, Word] = {}
    for labels, x in terms:
        for label, n in zip(labels, x.lengths):
            if lengths.get(label, 1) == 1:
                lengths[label] = n
    reads = {b: False for _, x in terms for b in x.reads}
    to = frame.place_for(var, out, [lengths[c] for c in output], reads) if out.shape else None
    if to is not None and product_of_matrices(frame, terms, output, lengths, to):
        return to
    summed = [c for c in lengths if c not in output]
    sizes = [lengths[c] for c in summed]

    def element(k: Function, index: Sequence[Word]) -> Number:
        def term(inside: Sequence[Word]) -> Number:
            where = dict(zip([*output, *summed], [*index, *inside]))
            factors = [
                x.element(k, [0 if n == 1 else where[c] for c, n in zip(labels, x.lengths)]) for labels, x in terms
            ]
            return functools.reduce(lambda x, y: multiplied(k, x, y), factors)

        if out.dtype.kind in "fc" and is_long(sizes):
            return sum_in_blocks(k, sizes, out.dtype, term)

        def level(inside: list[Word], carried: Sequence[Number]) -> Sequence[Number]:
            if len(inside) == len(sizes):
                return [sum_step(k, carried[0], term(inside))]
            return k.repeat(sizes[len(inside)], lambda i, c: level([*inside, i], c), carried)

        return level([], [constant(0, out.dtype)])[0] if sizes else term(())

    if to is None:
        return filled(element(k, ()), ())
    assign(k, to, Lazy(out.dtype, list(to.lengths), element, reads))
    return to


def product_of_matrices(
    frame: Frame, terms: Sequence[tuple[str, Array]], output: str, lengths: dict[str, Word], to: Stored
) -> bool:
    """By BLAS, where two operands share one label that is summed, and each brings one of its own."""
    if len(terms) != 2 or to.dtype.kind not in "fc":
        return False
    (first, x), (second, y) = terms
    shared = [c for c in first if c in second]
    summed, stack = [c for c in shared if c not in output], [c for c in shared if c in output]
    own = [[c for c in labels if c not in shared] for labels in (first, second)]
    if len(summed) != 1 or any(len(o) != 1 or o[0] not in output for o in own):
        return False
    known = {c: n for c, n in lengths.items() if isinstance(n, int)}
    if (
        len(known) < len(lengths)
        or multiplications(to.dtype, *(known[c] for c in (*summed, *own[0], *own[1]))) <= LARGE
    ):
        return False
    if any(n == 1 != lengths[c] for labels, v in terms for c, n in zip(labels, v.lengths)):
        return False
    (rows,), (columns,), (terms_,) = own[0], own[1], summed
    views = []
    for labels, v, order in ((first, x, [*stack, rows, terms_]), (second, y, [*stack, terms_, columns])):
        type = Type(v.dtype, tuple(v.lengths))
        view = transposed(frame.stored(v, type), [labels.index(c) for c in order])
        assert isinstance(view, Stored)
        views.append(in_memory(frame, view, Type(v.dtype, tuple(view.lengths))))
    target = transposed(to, [output.index(c) for c in (*stack, rows, columns)])
    assert isinstance(target, Stored)
    apply(frame, np.matmul, views, [target])
    return True
