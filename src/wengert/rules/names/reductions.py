"""Fewer numbers from many: sums, extrema, products, running ones."""

import builtins
import math
from typing import Any

import numpy as np

from wengert.core.mode import read_only
from wengert.core.primitive import Primitive
from wengert.core.types import dtype_of, shape_of
from wengert.rules import elementwise, indexing, linear, reduce
from wengert.rules.elementwise import where as select
from wengert.rules.names.operands import (
    arrayed,
    axes_of,
    convert_to,
    given,
    kept,
    masked,
    no_keywords,
    one_axis,
    plain_numbers,
    write_out,
)
from wengert.rules.names.shape import moveaxis, ravel, reshape, shape
from wengert.rules.names.table import NAMES, name


@name(np.sum)
def sum_(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    if out is not None:
        return write_out(out, sum_(a, axis, dtype, None, keepdims, initial, where), True)
    a = masked(arrayed(a), where, 0.0)
    a = a if dtype is None else convert_to(a, dtype)
    axes = axes_of(axis, len(shape_of(a)))
    total = kept(linear.reduce_sum(a, axes=axes), shape_of(a), axes, given(keepdims))
    return total if initial is None or initial is np._NoValue else total + initial


@name(np.mean)
def mean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True
) -> Any:
    a = arrayed(a)
    total = sum_(a, axis, dtype, None, keepdims, None, where)
    average = total / count(a, axis, keepdims, where)
    return average if out is None else write_out(out, average, True)


def count(a: Any, axis: Any, keepdims: Any, where: Any) -> Any:
    if where is True or where is np._NoValue:
        return math.prod(shape_of(a)[i] for i in axes_of(axis, len(shape_of(a))))
    counted = np.sum(np.broadcast_to(plain_numbers(where), shape_of(a)), axis=axis, keepdims=given(keepdims))
    return counted.astype(dtype_of(a)) if dtype_of(a).kind == "f" else counted


@name(np.var)
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
    no_keywords("numpy.var", out=out)
    a = arrayed(a)
    centre = NAMES[np.mean](a, axis, dtype, None, True, where=where) if mean is None or mean is np._NoValue else mean
    deviation = elementwise.abs_(a - centre) if dtype_of(a).kind == "c" else a - centre
    freedom = ddof if correction in (None, np._NoValue) else correction
    squares = sum_(elementwise.square(deviation), axis, None, None, keepdims, None, where)
    return squares / not_negative(count(a, axis, keepdims, where) - freedom)


def not_negative(degrees: Any) -> Any:
    """As NumPy has it: nan or inf, and no negative variance, where `ddof` is larger than the count."""
    return np.maximum(degrees, 0) if isinstance(degrees, np.ndarray) else builtins.max(degrees, 0)


@name(np.std)
def std(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False, **options: Any
) -> Any:
    """The root of the variance; where that is 0, the derivative is 0 (least norm), as for the norm."""
    return safe_root(var(a, axis, dtype, out, ddof, keepdims, **options))


def safe_root(x: Any) -> Any:
    """sqrt with derivative 0 at 0."""
    positive = elementwise.not_equal(x, 0)
    return select(positive, elementwise.sqrt(select(positive, x, 1.0)), 0.0)


@name(np.max, np.amax)
def max_(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None, where: Any = True
) -> Any:
    return extremum(reduce.reduce_max, elementwise.maximum, -np.inf, a, axis, out, keepdims, initial, where)


@name(np.min, np.amin)
def min_(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None, where: Any = True
) -> Any:
    return extremum(reduce.reduce_min, elementwise.minimum, np.inf, a, axis, out, keepdims, initial, where)


def extremum(
    row: Primitive,
    pair: Primitive,
    neutral: float,
    a: Any,
    axis: Any,
    out: Any,
    keepdims: Any,
    initial: Any,
    where: Any,
) -> Any:
    no_keywords(f"numpy.{row.name.removeprefix('reduce_')}", out=out)
    a = masked(arrayed(a), where, neutral)
    axes = axes_of(axis, len(shape_of(a)))
    found = kept(row(a, axes=axes), shape_of(a), axes, given(keepdims))
    return found if initial is None or initial is np._NoValue else pair(found, initial)


@name(np.prod)
def prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    no_keywords("numpy.prod", out=out)
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
def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return running(linear.cumsum, "numpy.cumsum", a, axis, dtype, out)


@name(np.cumprod)
def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return running(reduce.cumprod, "numpy.cumprod", a, axis, dtype, out)


def running(row: Primitive, called: str, a: Any, axis: Any, dtype: Any, out: Any) -> Any:
    no_keywords(called, out=out)
    a = arrayed(a)
    a, axis = (ravel(a), 0) if axis is None else (a, one_axis(axis, len(shape_of(a))))
    return row(a if dtype is None else convert_to(a, dtype), axis=axis)


@name(np.argmax)
def argmax(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
    no_keywords("numpy.argmax", out=out)
    return position(reduce.argmax, a, axis, keepdims)


@name(np.argmin)
def argmin(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
    no_keywords("numpy.argmin", out=out)
    return position(reduce.argmin, a, axis, keepdims)


def position(row: Primitive, a: Any, axis: Any, keepdims: Any) -> Any:
    a = arrayed(a)
    where_kept = axes_of(axis, len(shape_of(a)))
    found = row(ravel(a) if axis is None else a, axis=0 if axis is None else one_axis(axis, len(shape_of(a))))
    return kept(found, shape_of(a), where_kept, given(keepdims))


@name(np.any)
def any_(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True) -> Any:
    no_keywords("numpy.any", out=out)
    a, axes = masked(arrayed(a), where, False), axes_of(axis, len(shape(a)))
    return kept(reduce.reduce_any(a, axes=axes), shape_of(a), axes, given(keepdims))


@name(np.all)
def all_(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True) -> Any:
    no_keywords("numpy.all", out=out)
    a, axes = masked(arrayed(a), where, True), axes_of(axis, len(shape(a)))
    return kept(reduce.reduce_all(a, axes=axes), shape_of(a), axes, given(keepdims))


@name(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> Any:
    return sum_(diagonal(a, offset, axis1, axis2), -1, dtype, out)


@name(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    a = moveaxis(a, (axis1, axis2), (-2, -1))
    rows, columns = shape_of(a)[-2:]
    places = np.diagonal(np.arange(rows * columns).reshape(rows, columns), offset)
    return read_only(
        indexing.getitem(reshape(a, (*shape_of(a)[:-2], -1)), index=(*(slice(None),) * (len(shape_of(a)) - 2), places))
    )
