"""Arrays from scratch."""

import builtins
from typing import Any

import numpy as np

from wengert.core.layout import memory_order
from wengert.core.mode import Value, buffer, is_array, is_open, lane_of, lies_in
from wengert.core.types import dtype_of, shape_of
from wengert.rules import elementwise, indexing, join, linear, solvers
from wengert.rules.elementwise import floor
from wengert.rules.elementwise import where as select
from wengert.rules.names.foreign import buffered, holds_traced, missing, name_on_traced
from wengert.rules.names.operands import (
    arrayed,
    convert_to,
    in_double,
    in_order,
    laid,
    lengths_of,
    plain_numbers,
    refuse_where,
    representative,
)
from wengert.rules.names.shape import moveaxis, reshape
from wengert.rules.names.table import name


@name(np.array)
def array(
    x: Any,
    dtype: Any = None,
    *,
    copy: Any = True,
    order: Any = "K",
    subok: bool = False,
    ndmin: int = 0,
    like: Any = None,
) -> Any:
    out = arrayed(x)
    if isinstance(out, Value):
        is_new = out is not x  # of a list
        out = out if is_array(out) else linear.broadcast_to(out, shape=())
        out = converted(out, dtype, "C" if is_new and order != "F" else order, copy and not is_new)
    else:
        out = np.array(out, dtype=dtype, copy=copy, order=order, ndmin=ndmin)
        out = out if dtype is None else convert_to(out, dtype)
    missing_axes = ndmin - len(shape_of(out))
    return buffer(out) if missing_axes <= 0 else reshape(out, (1,) * missing_axes + shape_of(out))


def converted(x: Value, dtype: Any, order: Any, copy: Any) -> Any:
    """An array with this dtype, its elements in this order: x itself where that is so, unless a copy is wanted."""
    if dtype is not None and np.dtype(dtype) != x.dtype:
        order = "F" if order == "A" and lies_in(x, "F") and not lies_in(x, "C") else "C" if order == "A" else order
        x, copy = convert_to(x, dtype), False
    return in_order(x, order) if copy or (order in ("C", "F") and not lies_in(x, order)) else x


@name(np.asarray, np.asanyarray)
def asarray(x: Any, dtype: Any = None, order: Any = None, *, copy: Any = None, **options: Any) -> Any:
    return array(x, dtype, copy=copy, order=order or "K")


@name(np.require)
def require(a: Any, dtype: Any = None, requirements: Any = None, *, like: Any = None) -> Any:
    if not isinstance(a, Value):
        return buffered(np.require(a, dtype, requirements))
    wanted = {requirement.upper()[0] for requirement in requirements or ()}  # "F", "FORTRAN", ..., or a text of letters
    if wanted >= {"C", "F"}:
        raise ValueError("Cannot specify both 'C' and 'F' order")
    found = asarray(a, dtype, next((order for order in "CF" if order in wanted), None))
    is_view, is_writable = found.link is not None, found.link is None or found.link.writable
    return in_order(found, "A") if ("O" in wanted and is_view) or ("W" in wanted and not is_writable) else found


@name(np.ascontiguousarray)
def ascontiguousarray(a: Any, dtype: Any = None, **options: Any) -> Any:
    return asarray(a, dtype, "C")


@name(np.asfortranarray)
def asfortranarray(a: Any, dtype: Any = None, **options: Any) -> Any:
    return asarray(a, dtype, "F")


@name_on_traced(np.asarray_chkfinite)
def asarray_chkfinite(a: Any, dtype: Any = None, order: Any = None) -> Any:
    solvers.finite(arrayed(a))
    return asarray(a, dtype)


if hasattr(np, "astype"):  # NumPy 2.1

    @name_on_traced(np.astype)
    def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
        return array(x, dtype) if copy else asarray(x, dtype)


@name(np.diag_indices_from)
def diag_indices_from(arr: Any) -> Any:
    return buffered(np.diag_indices_from(np.broadcast_to(False, shape_of(arr))))


@name(np.tril_indices_from)
def tril_indices_from(arr: Any, k: int = 0) -> Any:
    return buffered(np.tril_indices_from(np.broadcast_to(False, shape_of(arr)), k))


@name(np.triu_indices_from)
def triu_indices_from(arr: Any, k: int = 0) -> Any:
    return buffered(np.triu_indices_from(np.broadcast_to(False, shape_of(arr)), k))


@name(np.copy)
def copy(a: Any, order: Any = "K", subok: bool = False) -> Any:
    return array(a, order=order)


@name(np.zeros_like)
def zeros_like(a: Any, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None) -> Any:
    return full_like(a, 0, dtype, order, subok, shape)


@name(np.ones_like)
def ones_like(a: Any, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None) -> Any:
    return full_like(a, 1, dtype, order, subok, shape)


@name(np.empty_like)
def empty_like(prototype: Any, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None) -> Any:
    return full_like(prototype, 0, dtype, order, subok, shape)


@name(np.full_like)
def full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None
) -> Any:
    lane = lane_of(a)
    kind = dtype_of(a) if dtype is None else dtype
    wanted = shape_of(a) if shape is None else tuple(shape) if isinstance(shape, tuple | list) else (shape,)
    if not isinstance(lane, np.ndarray) or len(wanted) != lane.ndim or (lane.flags.c_contiguous and order != "F"):
        return full(wanted, fill_value, kind, "F" if order == "F" else "C")
    return laid(full(wanted, fill_value, kind), memory_order(lane, order))


def is_of_run(shape: Any) -> bool:
    return any(is_open(n) for n in (shape if isinstance(shape, tuple | list) else (shape,)))


@name(np.full)
def full(
    shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C", *, device: Any = None, like: Any = None
) -> Any:
    if not isinstance(fill_value, Value) and not is_of_run(shape):
        return buffer(np.full(shape, fill_value, dtype, order))
    value = arrayed(fill_value) if isinstance(fill_value, Value) else np.full((), fill_value, dtype)[()]
    value = value if dtype is None else convert_to(value, dtype)
    shape = lengths_of(shape) if is_of_run(shape) or isinstance(shape, tuple) else (int(shape),)
    return in_order(linear.broadcast_to(value, shape=shape), order)


@name_on_traced(np.zeros)
def zeros(shape: Any, dtype: Any = float, order: Any = "C", **options: Any) -> Any:
    return full(shape, 0, float if dtype is None else dtype, order)


@name_on_traced(np.ones)
def ones(shape: Any, dtype: Any = None, order: Any = "C", **options: Any) -> Any:
    return full(shape, 1, float if dtype is None else dtype, order)


@name_on_traced(np.empty)
def empty(shape: Any, dtype: Any = float, order: Any = "C", **options: Any) -> Any:
    return zeros(shape, dtype, order)


@name(np.linspace)
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0
) -> Any:
    if not (isinstance(start, Value) or isinstance(stop, Value)):
        return buffered(np.linspace(start, stop, num, endpoint, retstep, dtype, axis))
    start, stop = arrayed(start), arrayed(stop)
    intervals = num - 1 if endpoint else num
    step = (stop - start) / intervals if intervals > 0 else np.nan
    place = np.arange(num).reshape((num,) + (1,) * builtins.max(len(shape_of(start)), len(shape_of(stop))))
    place = place.astype(np.result_type(representative(start), representative(stop), 0.0))
    points = place * (step if intervals > 0 else stop - start) + start
    if endpoint and num > 1:
        points = select(place == num - 1, stop, points)  # to the digit
    points = moveaxis(points, 0, axis) if axis else points
    if dtype is not None:
        points = convert_to(floor(points) if np.dtype(dtype).kind in "iu" else points, dtype)
    return (points, step) if retstep else points


@name_on_traced(np.logspace)
def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: int = 0
) -> Any:
    start, stop, base = arrayed(start), arrayed(stop), arrayed(base)
    if shape_of(base) != ():
        rank = builtins.max(len(shape_of(x)) for x in (start, stop, base))
        wide = [reshape(x, (1,) * (rank - len(shape_of(x))) + shape_of(x)) for x in (start, stop, base)]
        start, stop, base = wide[0], wide[1], moveaxis(reshape(wide[2], (1, *shape_of(wide[2]))), 0, axis)
    exponents = linspace(start, stop, num, endpoint, axis=axis)
    points = elementwise.pow_(base, exponents)
    return points if dtype is None else convert_to(points, dtype)


@name_on_traced(np.geomspace)
def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    """Powers between; the first and the last point are `start` and `stop` to the digit."""
    start, stop = in_double(arrayed(start)), in_double(arrayed(stop))
    for end in (start, stop):
        refuse_where(elementwise.equal(end, 0), ValueError, "Geometric sequence cannot include zero")
    if "c" in (dtype_of(start).kind, dtype_of(stop).kind):
        raise missing("numpy.geomspace (between complex numbers)", (start, stop))
    common = np.broadcast_shapes(shape_of(start), shape_of(stop))
    start, stop = [linear.broadcast_to(x, shape=common) for x in (start, stop)]
    sign = elementwise.sign(start)
    logarithms = elementwise.log10(start * sign), elementwise.log10(stop * sign)
    points = logspace(*logarithms, num, endpoint) * sign
    first, last = reshape(start, (1, *common)), reshape(stop, (1, *common))
    if num == 1:
        points = first
    elif num > 1:
        points = join.concatenate(first, points[1 : num - endpoint], *([last] if endpoint else []), axis=0)
    points = moveaxis(points, 0, axis) if axis else points
    return points if dtype is None else convert_to(points, dtype)


def counted(length: Any, dtype: Any) -> Any:
    """0, 1, ... where only the run knows how many."""
    places = np.arange(length.extent.bound, dtype=dtype)
    return linear.labelled(indexing.getitem(places, index=(slice(None, length, None),)), (length,))


@name(np.arange)
def arange(*args: Any, dtype: Any = None, **options: Any) -> Any:
    if len(args) == 1 and is_open(args[0]) and dtype_of(args[0]).kind in "iu":
        length = args[0].mode.length_of(args[0])
        if isinstance(length, Value):
            return counted(length, np.int64 if dtype is None else dtype)
    numbers = [plain_numbers(a) if isinstance(a, Value) else a for a in args]
    start, step = (0, 1) if len(args) == 1 else (args[0], args[2] if len(args) > 2 else 1)
    if not holds_traced((start, step)):  # the number of points is a step function of `stop`
        return buffer(np.arange(*numbers, dtype=dtype))
    place = np.arange(len(np.arange(*numbers)))
    return select(place == 0, start, start + ((start + step) - start) * place)  # rounded as NumPy does
