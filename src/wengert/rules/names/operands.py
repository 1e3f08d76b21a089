"""What the compositions share: operands as values, axes, `out=` and `where=`."""

import functools
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.layout import memory_order
from wengert.core.mode import (
    Buffer,
    Value,
    buffer,
    content_of,
    decide,
    is_array,
    is_open,
    is_staged,
    lane_of,
    plain,
    unbuffer,
)
from wengert.core.primitive import positional
from wengert.core.tree import flatten, unflatten
from wengert.core.types import Shape, agree, dtype_of, shape_of
from wengert.rules import control, elementwise, indexing, join, linear, reduce
from wengert.rules.elementwise import where as select
from wengert.rules.names.foreign import holds_objects, missing

# ---------------------------------------------------------------- values and dtypes


def in_double(x: Any) -> Any:
    return convert_to(x, np.result_type(dtype_of(x), np.float64))


def strong(x: Any) -> Any:
    """As an array that NumPy makes of it: a Python number is no longer weak."""
    return (
        arrayed(x)
        if isinstance(x, Value | list | tuple | np.ndarray) and type(content_of(x)) is not float
        else in_double(x)
    )


def convert_to(x: Any, dtype: Any) -> Any:
    dtype = np.dtype(dtype)
    if dtype.kind not in "fc":
        return buffer(elementwise.truncate(x, dtype=dtype))
    return x if dtype_of(x) == dtype and type(content_of(x)) is not float else linear.convert(x, dtype=dtype)


def plain_numbers(x: Any) -> Any:
    """The numbers behind a value whose derivative is cut on purpose (a cast to int is a step function)."""
    return decide(x)


def refuse_where(wrong: Any, error: type[Exception], *arguments: Any) -> None:
    """Raise if any of these truth values is true; in a program, when it runs."""
    if is_staged(wrong):
        flat = linear.reshape(wrong, shape=(-1,)) if shape_of(wrong) == () else wrong
        axes = tuple(range(len(shape_of(flat))))
        control.check(elementwise.logical_not(reduce.reduce_any(flat, axes=axes)), error=error, arguments=arguments)
    elif np.any(plain(wrong)):
        raise error(*arguments)


def truth(x: Any) -> Any:
    """Python's bool; in a program the variable that will be one."""
    return control.weak(x) if is_staged(x) else bool(x)


def whole(x: Any) -> Any:
    """The integer of a value without fraction, as Python's int."""
    return control.weak(elementwise.truncate(x, dtype=np.int64))


def plain_index(x: Any) -> Any:
    """Positions and counts as they were given, with the integers of values in them."""
    return plain_numbers(arrayed(x)) if holds_value(x) else x


def from_objects(x: Any) -> Any:
    """One value for an object array of values, which NumPy makes of np.array([x[0], x[1]]) where it is not routed."""
    if holds_objects(x):
        return linear.reshape(join.stack(*x.flat, axis=0), shape=x.shape)
    return x


def operand_of(x: Any) -> Any:
    """An argument of a ufunc: lists and object arrays become values or arrays."""
    return arrayed(x) if isinstance(x, list | tuple | np.ndarray) else x


def arrayed(x: Any) -> Any:
    """A value for anything that NumPy would read as an array: lists of values are stacked."""
    if isinstance(x, Value):
        return x
    x = from_objects(x)
    if isinstance(x, list | tuple):
        return join.stack(*[arrayed(item) for item in x], axis=0) if holds_value(x) else np.asarray(x)
    return x


def holds_value(x: Any) -> bool:
    if isinstance(x, list | tuple):
        return any(holds_value(item) for item in x)
    return isinstance(x, Value) or (isinstance(x, np.ndarray) and x.dtype == object)


def representative(x: Any) -> Any:
    return content_of(x) if not isinstance(x, Value) or type(content_of(x)) is float else x.dtype


def each(arrays: tuple[Any, ...], f: Callable[[Any], Any]) -> Any:
    return f(arrays[0]) if len(arrays) == 1 else tuple(f(a) for a in arrays)


# ---------------------------------------------------------------- axes


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """All axes for None; non-negative, in order.  A number may be reduced along its axis 0, as NumPy has it."""
    if axis is None or (ndim == 0 and type(axis) is int and axis in (0, -1)):
        return tuple(range(ndim))
    if type(axis) is int:
        return (one_axis(axis, ndim),)
    chosen = axis if isinstance(axis, tuple | list) else (axis,)
    found = tuple(sorted(one_axis(a, ndim) for a in chosen))
    if len(set(found)) < len(found):
        raise ValueError("duplicate value in 'axis'")
    return found


def one_axis(axis: Any, ndim: int) -> int:
    axis = int(axis)
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    return axis % ndim


def kept(out: Any, shape: Shape, axes: tuple[int, ...], keepdims: bool) -> Any:
    return reduce.keep_axes(out, shape, axes) if keepdims else out


# ---------------------------------------------------------------- elements by their numbers


def flat(x: Any) -> Any:
    return x if len(shape_of(x)) == 1 else linear.reshape(x, shape=(math.prod(shape_of(x)),))


def gather(x: Any, places: Any) -> Any:
    """The elements at these places of the flattened array."""
    return indexing.take(flat(x), places)


def gather_along(x: Any, places: Any, axis: int) -> Any:
    """out[.., j, ..] = x[.., places[.., j, ..], ..]; places count from the front."""
    last = len(shape_of(x)) - 1
    if last == 0:
        return indexing.take(x, places)
    x, places = axis_last(x, axis), axis_last(places, axis)
    *lead, n = shape_of(x)
    starts = n * linear.reshape(linear.count(math.prod(lead)), shape=(*lead, 1))
    return axis_back(gather(x, starts + places), axis)


def axis_last(x: Any, axis: int) -> Any:
    n = len(shape_of(x))
    return x if axis == n - 1 else linear.transpose(x, axes=(*range(axis), *range(axis + 1, n), axis))


def axis_back(x: Any, axis: int) -> Any:
    n = len(shape_of(x))
    return x if axis == n - 1 else linear.transpose(x, axes=(*range(axis), n - 1, *range(axis, n - 1)))


def arranged(arrange: Callable[..., Any], *operands: Any) -> Any:
    """The result of a function that only moves elements: it is run on their numbers, then they are gathered.

    `operands` may be nested lists of arrays, as np.block takes them.
    """
    leaves, structure = flatten(operands)
    parts = [flat(arrayed(x)) for x in leaves]
    ends = np.cumsum([shape_of(p)[0] for p in parts])
    numbers = [np.arange(e - shape_of(p)[0], e).reshape(shape_of(x)) for e, p, x in zip(ends, parts, leaves)]
    joined = parts[0] if len(parts) == 1 else join.concatenate(*parts, axis=0)
    return indexing.take(joined, arrange(*unflatten(structure, numbers)))


def arranged_along(axis: Any, arrange: Callable[[Any], Any], x: Any) -> Any:
    """The same for a function that only moves what stands along an axis; along None, of the flat array."""
    x, axis = (flat(x), 0) if axis is None else (x, one_axis(axis, len(shape_of(x))))
    return indexing.getitem(x, index=(*[slice(None)] * axis, arrange(np.arange(shape_of(x)[axis]))))


def arranged_in_zeros(arrange: Callable[..., Any], x: Any) -> Any:
    """The same for a function that puts zeros beside the elements: number 0."""
    joined = join.concatenate(np.zeros(1, dtype_of(x)), flat(x), axis=0)
    return indexing.take(joined, arrange(np.arange(1, shape_of(joined)[0]).reshape(shape_of(x))))


# ---------------------------------------------------------------- options


def no_keywords(called: str, **kwargs: Any) -> None:
    for key, value in kwargs.items():
        if value is not None and value is not np._NoValue:
            raise missing(f"{called}({key}=...)", (value,))


def given(flag: Any) -> bool:
    return flag is not np._NoValue and bool(flag)


def masked(a: Any, where: Any, neutral: float) -> Any:
    return a if where is True or where is np._NoValue else select(where, a, neutral)


def fills_out(composition: Callable[..., Any]) -> Callable[..., Any]:
    """Give a composition the option `out`, which stands in its signature as in NumPy's, but never reaches it."""
    names = positional(composition)
    place = names.index("out") if "out" in names else sys.maxsize

    @functools.wraps(composition)
    def call(*args: Any, **kwargs: Any) -> Any:
        out = args[place] if len(args) > place else kwargs.get("out")
        if out is None or out is np._NoValue:
            return composition(*args, **kwargs)
        if len(args) > place:
            result = composition(*args[:place], None, *args[place + 1 :], **kwargs)
        else:
            result = composition(*args, **{**kwargs, "out": None})
        out = out[0] if isinstance(out, tuple) else out
        check_fit(result, out)
        return write_out(out, result, True)

    return call


def in_order(x: Value, order: str) -> Value:
    """A copy whose elements lie in this order, C, F, A or K, as in NumPy's copies."""
    lane = lane_of(x)
    return x.snapshot() if order in "CK" and lane.flags.c_contiguous else laid(x, memory_order(lane, order))


def laid(x: Value, axes: tuple[int, ...]) -> Value:
    """A copy in whose memory the axes have this order."""
    if lane_of(x).transpose(axes).flags.c_contiguous:
        return x.snapshot()
    if axes == tuple(range(len(axes))):
        return linear.duplicate(x)
    copy = linear.duplicate(linear.transpose(x, axes=axes))
    return linear.transpose(copy, axes=linear.inverse_permutation(axes))


def lies(order: str) -> Callable[..., Any]:
    """Let the results of a composition lie in memory as NumPy's do: as in C, or as the first operand ("K", "A")."""

    def decorate(composition: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(composition)
        def call(*args: Any, **kwargs: Any) -> Any:
            out = composition(*args, **kwargs)
            first = lane_of(arrayed(args[0])) if order != "C" and args else None
            return tuple([lying(x, first, order) for x in out]) if isinstance(out, tuple) else lying(out, first, order)

        return call

    return decorate


def lying(x: Any, first: Any, order: str = "K") -> Any:
    """x, or a copy that lies as the first operand; as in C where that has other axes."""
    if not isinstance(x, Value) or len(shape_of(x)) < 2 or not is_array(x):
        return x
    n = len(shape_of(x))
    axes = memory_order(first, order) if np.ndim(first) == n else tuple(range(n))
    return x if lane_of(x).transpose(axes).flags.c_contiguous else laid(x, axes)


def lengths_of(shape: Any) -> tuple[Any, ...]:
    """A shape as a user writes it; what only the run knows is the length that a program has for it."""
    lengths = tuple(shape) if isinstance(shape, tuple | list) else (shape,)
    return tuple([n.mode.length_of(n) if is_open(n) else n for n in lengths])


def check_fit(result: Any, out: Any) -> None:
    if not agree(shape_of(result), shape_of(out)):
        raise ValueError(f"output array has shape {shape_of(out)}, but the result has shape {shape_of(result)}")
    if not np.can_cast(dtype_of(result), dtype_of(out), "same_kind"):
        raise TypeError(f"cannot cast the result from {dtype_of(result)} to {dtype_of(out)}, the dtype of `out`")


def write_out(out: Any, result: Any, mask: Any) -> Any:
    """The `out=` and `where=` of ufuncs: the array keeps its names."""
    if not isinstance(out, Value):
        if isinstance(result, Value) and not isinstance(result, Buffer):
            raise indexing.refused_write()
        out[...] = result if mask is True else np.where(unbuffer(mask), unbuffer(result), out)
        return out
    out[...] = result if mask is True else select(mask, result, out)
    return out
