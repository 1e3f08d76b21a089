"""What the compositions share: operands as values, axes, `out=` and `where=`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.mode import Buffer, Value, buffer, decide, plain, unbuffer
from wengert.core.types import Shape, dtype_of
from wengert.rules import elementwise, indexing, join, linear, reduce
from wengert.rules.elementwise import where as select
from wengert.rules.names.foreign import holds_objects, missing

# ---------------------------------------------------------------- values and dtypes


def in_double(x: Any) -> Any:
    return convert_to(x, np.result_type(dtype_of(x), np.float64))


def strong(x: Any) -> Any:
    """As an array that NumPy makes of it: a Python number is no longer weak."""
    return (
        arrayed(x) if isinstance(x, Value | list | tuple | np.ndarray) and type(plain(x)) is not float else in_double(x)
    )


def convert_to(x: Any, dtype: Any) -> Any:
    dtype = np.dtype(dtype)
    if dtype.kind not in "fc":
        return buffer(elementwise.truncate(x, dtype=dtype))
    return x if dtype_of(x) == dtype and type(plain(x)) is not float else linear.convert(x, dtype=dtype)


def plain_numbers(x: Any) -> Any:
    """The numbers behind a value whose derivative is cut on purpose (a cast to int is a step function)."""
    return decide(x)


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
    return plain(x) if not isinstance(x, Value) or type(plain(x)) is float else x.dtype


def each(arrays: tuple[Any, ...], f: Callable[[Any], Any]) -> Any:
    return f(arrays[0]) if len(arrays) == 1 else tuple(f(a) for a in arrays)


# ---------------------------------------------------------------- axes


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """All axes for None; non-negative, in order."""
    if axis is None:
        return tuple(range(ndim))
    if type(axis) is int:
        return (one_axis(axis, ndim),)
    chosen = axis if isinstance(axis, tuple | list) else (axis,)
    return tuple(sorted(one_axis(a, ndim) for a in chosen))


def one_axis(axis: Any, ndim: int) -> int:
    axis = int(axis)
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    return axis % ndim


def kept(out: Any, shape: Shape, axes: tuple[int, ...], keepdims: bool) -> Any:
    return reduce.keep_axes(out, shape, axes) if keepdims else out


# ---------------------------------------------------------------- options


def no_keywords(called: str, **kwargs: Any) -> None:
    for key, value in kwargs.items():
        if value is not None and value is not np._NoValue:
            raise missing(f"{called}({key}=...)", (value,))


def given(flag: Any) -> bool:
    return flag is not np._NoValue and bool(flag)


def masked(a: Any, where: Any, neutral: float) -> Any:
    return a if where is True or where is np._NoValue else select(where, a, neutral)


def write_out(out: Any, result: Any, mask: Any) -> Any:
    """The `out=` and `where=` of ufuncs: the array keeps its names."""
    if not isinstance(out, Value):
        if isinstance(result, Value) and not isinstance(result, Buffer):
            raise indexing.refused_write()
        out[...] = result if mask is True else np.where(unbuffer(mask), unbuffer(result), out)
        return out
    out[...] = result if mask is True else select(mask, result, out)
    return out
