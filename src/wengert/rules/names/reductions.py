"""Fewer numbers from many: sums, extrema, products, running ones."""

import builtins
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.mode import is_open, is_staged
from wengert.core.primitive import Primitive
from wengert.core.types import agree, dtype_of, shape_of
from wengert.rules import contract, elementwise, join, linear, reduce
from wengert.rules.elementwise import where as select
from wengert.rules.names.foreign import name_on_traced
from wengert.rules.names.operands import (
    arrayed,
    axes_of,
    convert_to,
    fills_out,
    given,
    kept,
    masked,
    one_axis,
    plain_numbers,
    refuse_where,
)
from wengert.rules.names.shape import diagonal, ravel, reshape, shape, squeeze, transpose
from wengert.rules.names.table import NAMES, in_numpy, name


@name(np.sum)
@fills_out
def sum_(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    a = masked(arrayed(a), where, 0.0)
    a = a if dtype is None else convert_to(a, dtype)
    axes = axes_of(axis, len(shape_of(a)))
    total = kept(linear.reduce_sum(a, axes=axes), shape_of(a), axes, given(keepdims))
    return total if initial is None or initial is np._NoValue else total + initial


@name(np.mean)
@fills_out
def mean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True
) -> Any:
    a = arrayed(a)
    total = sum_(a, axis, dtype, None, keepdims, None, where)
    return total / count(a, axis, keepdims, where)


def count(a: Any, axis: Any, keepdims: Any, where: Any) -> Any:
    if where is True or where is np._NoValue:
        return math.prod(shape_of(a)[i] for i in axes_of(axis, len(shape_of(a))))
    if is_staged(where):
        counted = sum_(linear.broadcast_to(where, shape=shape_of(a)), axis, keepdims=keepdims)
    else:
        counted = np.sum(np.broadcast_to(plain_numbers(where), shape_of(a)), axis=axis, keepdims=given(keepdims))
    return counted.astype(dtype_of(a)) if dtype_of(a).kind == "f" else counted


@name(np.var)
@fills_out
def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    a = arrayed(a)
    centre = NAMES[np.mean](a, axis, dtype, None, True, where=where) if mean is None or mean is np._NoValue else mean
    deviation = elementwise.abs_(a - centre) if dtype_of(a).kind == "c" else a - centre
    freedom = ddof if correction in (None, np._NoValue) else correction
    squares = sum_(elementwise.square(deviation), axis, None, None, keepdims, None, where)
    return squares / not_negative(count(a, axis, keepdims, where) - freedom)


def not_negative(degrees: Any) -> Any:
    """As NumPy has it: nan or inf, and no negative variance, where `ddof` is larger than the count."""
    return elementwise.maximum(degrees, 0) if shape_of(degrees) or is_staged(degrees) else builtins.max(degrees, 0)


@name(np.std)
@fills_out
def std(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False, **options: Any
) -> Any:
    """The root of the variance; where that is 0, the derivative is 0 (least norm), as for the norm."""
    return safe_root(var(a, axis, dtype, None, ddof, keepdims, **options))


def safe_root(x: Any) -> Any:
    """sqrt with derivative 0 at 0."""
    positive = elementwise.not_equal(x, 0)
    return select(positive, elementwise.sqrt(select(positive, x, 1.0)), 0.0)


@name(np.max, np.amax)
@fills_out
def max_(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None, where: Any = True
) -> Any:
    return extremum(reduce.reduce_max, elementwise.maximum, -np.inf, a, axis, keepdims, initial, where)


@name(np.min, np.amin)
@fills_out
def min_(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None, where: Any = True
) -> Any:
    return extremum(reduce.reduce_min, elementwise.minimum, np.inf, a, axis, keepdims, initial, where)


def extremum(
    row: Primitive,
    pair: Primitive,
    neutral: float,
    a: Any,
    axis: Any,
    keepdims: Any,
    initial: Any,
    where: Any,
) -> Any:
    a = masked(arrayed(a), where, neutral)
    axes = axes_of(axis, len(shape_of(a)))
    is_given = initial is not None and initial is not np._NoValue
    if is_given and 0 in [n for i, n in enumerate(shape_of(a)) if i in axes and not is_open(n)]:
        return kept(linear.reduce_sum(a, axes=axes), shape_of(a), axes, given(keepdims)) + initial  # of nothing: zeros
    found = kept(row(a, axes=axes), shape_of(a), axes, given(keepdims))
    return pair(found, initial) if is_given else found


@name(np.prod)
@fills_out
def prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    a = masked(arrayed(a), where, 1.0)
    a = a if dtype is None else convert_to(a, dtype)
    have = shape_of(a)
    axes = axes_of(axis, len(have))
    product = a if axes else linear.duplicate(a)
    for i in reversed(axes):
        product = reduce.reduce_prod(product, axis=i)
    product = kept(product, have, axes, given(keepdims))
    return product if initial is None or initial is np._NoValue else product * initial


@name(np.cumsum)
@fills_out
def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return running(linear.cumsum, a, axis, dtype)


@name(np.cumprod)
@fills_out
def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return running(reduce.cumprod, a, axis, dtype)


def running(row: Primitive, a: Any, axis: Any, dtype: Any) -> Any:
    a = arrayed(a)
    a, axis = (ravel(a), 0) if axis is None else (a, one_axis(axis, len(shape_of(a))))
    return row(a if dtype is None else convert_to(a, dtype), axis=axis)


@name(np.argmax)
@fills_out
def argmax(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
    return position(reduce.argmax, a, axis, keepdims)


@name(np.argmin)
@fills_out
def argmin(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
    return position(reduce.argmin, a, axis, keepdims)


def position(row: Primitive, a: Any, axis: Any, keepdims: Any) -> Any:
    a = arrayed(a)
    where_kept = axes_of(axis, len(shape_of(a)))
    found = row(ravel(a) if axis is None else a, axis=0 if axis is None else one_axis(axis, len(shape_of(a))))
    return kept(found, shape_of(a), where_kept, given(keepdims))


@name(np.any)
@fills_out
def any_(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True) -> Any:
    a, axes = masked(arrayed(a), where, False), axes_of(axis, len(shape(a)))
    return kept(reduce.reduce_any(a, axes=axes), shape_of(a), axes, given(keepdims))


@name(np.all)
@fills_out
def all_(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True) -> Any:
    a, axes = masked(arrayed(a), where, True), axes_of(axis, len(shape(a)))
    return kept(reduce.reduce_all(a, axes=axes), shape_of(a), axes, given(keepdims))


@name(np.trace)
@fills_out
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> Any:
    return sum_(diagonal(a, offset, axis1, axis2), -1, dtype)


@name_on_traced(np.ptp)
@fills_out
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    """Between extremes, whose ties share."""
    return max_(a, axis, keepdims=keepdims) - min_(a, axis, keepdims=keepdims)


@name_on_traced(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    a = arrayed(a)
    axes = axes_of(axis, len(shape_of(a)))
    return kept(linear.reduce_sum(elementwise.not_equal(a, 0), axes=axes), shape_of(a), axes, keepdims)


@name_on_traced(np.average)
def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False) -> Any:
    a = arrayed(a)
    if weights is None:
        found = mean(a, axis, keepdims=keepdims)
        total = math.prod(shape_of(a)) / max(math.prod(shape_of(found)), 1)
        return (found, np.full(shape_of(found), total, dtype_of(found))[()]) if returned else found
    weights = fitted_weights(a, arrayed(weights), axis)
    least = np.float64 if dtype_of(a).kind in "iub" else dtype_of(a)
    dtype = np.result_type(dtype_of(a), dtype_of(weights), least)
    total = sum_(weights, axis, dtype, keepdims=keepdims)
    refuse_where(elementwise.equal(total, 0), ZeroDivisionError, "Weights sum to zero, can't be normalized")
    found = sum_(convert_to(a, dtype) * convert_to(weights, dtype), axis, keepdims=keepdims) / total
    return (found, linear.broadcast_to(total, shape=shape_of(found))) if returned else found


def fitted_weights(a: Any, weights: Any, axis: Any) -> Any:
    """Broadcast to the shape of `a`, if they are given for the axes alone."""
    have = shape_of(a)
    if agree(shape_of(weights), have):
        return weights
    if axis is None:
        raise TypeError("Axis must be specified when shapes of a and weights differ.")
    chosen = [one_axis(i, len(have)) for i in (axis if isinstance(axis, tuple) else (axis,))]
    if not agree(shape_of(weights), tuple([have[i] for i in chosen])):
        raise ValueError("Shape of weights must be consistent with shape of a along specified axis.")
    turned = transpose(weights, [int(i) for i in np.argsort(chosen)])
    wide = reshape(turned, tuple(n if i in chosen else 1 for i, n in enumerate(have)))
    return linear.broadcast_to(wide, shape=have)


# ---------------------------------------------------------------- running sums of the array standard


def cumulative(row: Primitive, neutral: float) -> Callable[..., Any]:
    @fills_out
    def composition(
        x: Any, /, *, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: bool = False
    ) -> Any:
        x = arrayed(x)
        if axis is None and len(shape_of(x)) > 1:
            raise ValueError("For arrays which have more than one dimension ``axis`` argument is required.")
        axis = 0 if axis is None else one_axis(axis, len(shape_of(x)))
        found = running(row, x, axis, dtype)
        if not include_initial:
            return found
        first = np.full((*shape_of(x)[:axis], 1, *shape_of(x)[axis + 1 :]), neutral, dtype_of(found))
        return join.concatenate(first, found, axis=axis)

    return composition


name_on_traced(*in_numpy("cumulative_sum"))(cumulative(linear.cumsum, 0))  # NumPy 2.1
name_on_traced(*in_numpy("cumulative_prod"))(cumulative(reduce.cumprod, 1))

# ---------------------------------------------------------------- reductions that leave nan out


def without_nan(a: Any, instead: float) -> Any:
    a = arrayed(a)
    return select(elementwise.isnan(a), instead, a) if dtype_of(a).kind in "fc" else a


def counted(a: Any, axis: Any, keepdims: Any, where: Any) -> Any:
    """How many are not nan, in the dtype of `a`."""
    there = elementwise.logical_not(elementwise.isnan(a))
    there = there if where is True or where is np._NoValue else elementwise.logical_and(there, where)
    return convert_to(sum_(there, axis, keepdims=keepdims), np.empty(0, dtype_of(a)).real.dtype)


@name_on_traced(np.nansum)
@fills_out
def nansum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    return sum_(without_nan(a, 0.0), axis, dtype, None, keepdims, initial, where)


@name_on_traced(np.nanprod)
@fills_out
def nanprod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    return prod(without_nan(a, 1.0), axis, dtype, None, keepdims, initial, where)


@name_on_traced(np.nancumsum)
@fills_out
def nancumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return cumsum(without_nan(a, 0.0), axis, dtype)


@name_on_traced(np.nancumprod)
@fills_out
def nancumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return cumprod(without_nan(a, 1.0), axis, dtype)


@name_on_traced(np.nanmean)
@fills_out
def nanmean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True
) -> Any:
    a = arrayed(a)
    return nansum(a, axis, dtype, None, keepdims, None, where) / counted(a, axis, keepdims, where)


@name_on_traced(np.nanvar)
@fills_out
def nanvar(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    a = arrayed(a)
    centre = nanmean(a, axis, dtype, None, True, where=where) if mean is None or mean is np._NoValue else mean
    deviation = select(elementwise.isnan(a), 0.0, a - centre)
    deviation = elementwise.abs_(deviation) if dtype_of(a).kind == "c" else deviation
    freedom = ddof if correction in (None, np._NoValue) else correction
    squares = sum_(elementwise.square(deviation), axis, dtype, None, keepdims, None, where)
    free = counted(a, axis, keepdims, where) - freedom
    return select(elementwise.greater(free, 0), squares / elementwise.nonzero(free), np.nan)


@name_on_traced(np.nanstd)
@fills_out
def nanstd(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False, **options: Any
) -> Any:
    return safe_root(nanvar(a, axis, dtype, None, ddof, keepdims, **options))


@name_on_traced(np.nanmax)
@fills_out
def nanmax(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None, where: Any = True
) -> Any:
    found = max_(without_nan(a, -np.inf), axis, None, keepdims, initial, where)
    return nan_where_nothing_else(found, a, axis, keepdims, initial, where)


@name_on_traced(np.nanmin)
@fills_out
def nanmin(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None, where: Any = True
) -> Any:
    found = min_(without_nan(a, np.inf), axis, None, keepdims, initial, where)
    return nan_where_nothing_else(found, a, axis, keepdims, initial, where)


def nan_where_nothing_else(found: Any, a: Any, axis: Any, keepdims: Any, initial: Any, where: Any) -> Any:
    whole = dtype_of(arrayed(a)).kind not in "fc"  # where nothing is nan
    if whole or (initial is not None and initial is not np._NoValue):
        return found
    return select(elementwise.equal(counted(arrayed(a), axis, keepdims, where), 0), np.nan, found)


@name_on_traced(np.nanargmax)
@fills_out
def nanargmax(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
    refuse_all_nan(a, axis)
    return argmax(without_nan(a, -np.inf), axis, keepdims=keepdims)


@name_on_traced(np.nanargmin)
@fills_out
def nanargmin(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
    refuse_all_nan(a, axis)
    return argmin(without_nan(a, np.inf), axis, keepdims=keepdims)


def refuse_all_nan(a: Any, axis: Any) -> None:
    refuse_where(all_(elementwise.isnan(arrayed(a)), axis), ValueError, "All-NaN slice encountered")


# ---------------------------------------------------------------- covariances


@name_on_traced(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: Any = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    x = samples(m, rowvar, dtype, single=len(shape_of(arrayed(m))) == 1)
    if y is not None:
        other = samples(y, rowvar, dtype, single=len(shape_of(arrayed(y))) < 2 or shape_of(arrayed(y))[0] == 1)
        x = join.concatenate(x, other, axis=0)
    ddof = ddof if ddof is not None else 0 if bias else 1
    weights = [convert_to(arrayed(w), np.float64) for w in (fweights, aweights) if w is not None]
    for given_name, values in (("fweights", fweights), ("aweights", aweights)):
        if values is not None:
            refuse_where(elementwise.less(arrayed(values), 0), ValueError, f"{given_name} cannot be negative")
    w = weights[0] * weights[-1] if len(weights) == 2 else weights[0] if weights else None
    centre = average(x, 1, w, keepdims=True)
    deviation = x - centre
    weighted = deviation if w is None else deviation * w
    product = contract.matmul(deviation, elementwise.conj(linear.swap_last(weighted)))
    return squeeze(product / degrees(shape_of(x)[1], ddof, w, aweights))


def samples(m: Any, rowvar: bool, dtype: Any, single: bool) -> Any:
    """One variable in each row."""
    m = arrayed(m)
    if len(shape_of(m)) > 2:
        raise ValueError("m has more than 2 dimensions")
    m = convert_to(m, np.result_type(dtype_of(m), np.float64) if dtype is None else dtype)
    m = reshape(m, (1, *(shape_of(m) or (1,)))) if len(shape_of(m)) < 2 else m
    return m if rowvar or single else linear.swap_last(m)


def degrees(n: int, ddof: Any, w: Any, aweights: Any) -> Any:
    """What the sum of products is divided by."""
    if w is None:
        free = n - ddof
    elif ddof == 0 or aweights is None:
        free = sum_(w) - ddof
    else:
        free = sum_(w) - ddof * sum_(w * aweights) / sum_(w)
    return select(elementwise.greater(free, 0), free, 0.0)


@name_on_traced(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    c = cov(x, y, rowvar, dtype=dtype)
    if shape_of(c) == ():
        return c / c
    d = diagonal(c)
    deviations = elementwise.sqrt(elementwise.real(d) if dtype_of(d).kind == "c" else d)
    c = c / reshape(deviations, (-1, 1)) / reshape(deviations, (1, -1))
    if dtype_of(c).kind != "c":
        return within_one(c)
    return within_one(elementwise.real(c)) + 1j * within_one(elementwise.imag(c))


def within_one(x: Any) -> Any:
    return elementwise.minimum(elementwise.maximum(x, -1.0), 1.0)
