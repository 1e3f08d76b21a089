"""The same numbers in another arrangement, and joins."""

import math
from typing import Any

import numpy as np

from wengert.core.mode import plain, read_only
from wengert.core.types import Shape, shape_of
from wengert.rules import join, linear
from wengert.rules.linear import reshape as reshape_row
from wengert.rules.linear import transpose as transpose_row
from wengert.rules.names.operands import arrayed, axes_of, convert_to, each, fills_out, no_keywords, one_axis
from wengert.rules.names.table import name


@name(np.shape)
def shape(a: Any) -> Shape:
    return shape_of(arrayed(a))


@name(np.ndim)
def ndim(a: Any) -> int:
    return len(shape(a))


@name(np.size)
def size(a: Any, axis: Any = None) -> int:
    return math.prod(shape(a)) if axis is None else shape(a)[axis]


@name(np.reshape)
def reshape(a: Any, /, shape: Any = None, order: str = "C", *, newshape: Any = None, copy: Any = None) -> Any:
    wanted = shape if shape is not None else newshape
    a = arrayed(a)
    if order not in ("C", None):
        turned = transpose(reshape(transpose(a), tuple(resolved(wanted, shape_of(a)))[::-1]))
        return turned if order == "F" else no_keywords("numpy.reshape", order=order)
    return reshape_row(a, shape=resolved(wanted, shape_of(a)))


def resolved(wanted: Any, have: Shape) -> Shape:
    """The target shape with -1 filled in."""
    wanted = tuple(int(n) for n in wanted) if isinstance(wanted, tuple | list | np.ndarray) else (int(wanted),)
    return np.empty(have, np.void).reshape(wanted).shape if -1 in wanted else wanted


@name(np.ravel)
def ravel(a: Any, order: str = "C") -> Any:
    """Contiguous: a copy where reshaping would give a view with gaps."""
    flat = reshape(a, (-1,), order)
    content = plain(flat)
    return linear.duplicate(flat) if isinstance(content, np.ndarray) and not content.flags.c_contiguous else flat


@name(np.transpose, np.permute_dims)
def transpose(a: Any, axes: Any = None) -> Any:
    n = len(shape(a))
    axes = tuple(range(n))[::-1] if axes is None else tuple(one_axis(i, n) for i in axes)
    return transpose_row(arrayed(a), axes=axes)


@name(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    order = list(range(len(shape(a))))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return transpose(a, order)


@name(np.linalg.matrix_transpose, np.matrix_transpose)
def matrix_transpose(x: Any) -> Any:
    return swapaxes(x, -1, -2)


@name(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    return transpose(a, moved(len(shape(a)), source, destination))


def moved(n: int, source: Any, destination: Any) -> list[int]:
    """The permutation of np.moveaxis, found by moving an array whose sizes are its axis numbers."""
    sizes = np.broadcast_to(False, tuple(range(1, n + 1)))
    return [s - 1 for s in np.moveaxis(sizes, source, destination).shape]


@name(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    chosen = axis if isinstance(axis, tuple | list) else (axis,)
    n = len(shape(a)) + len(chosen)
    places = {one_axis(i, n) for i in chosen}
    rest = iter(shape(a))
    return reshape(a, tuple(1 if i in places else next(rest) for i in range(n)))


@name(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Any:
    have = shape(a)
    axes = [i for i, n in enumerate(have) if n == 1] if axis is None else axes_of(axis, len(have))
    if any(have[i] != 1 for i in axes):
        raise ValueError("cannot select an axis to squeeze out which has size not equal to one")
    return reshape(a, tuple(n for i, n in enumerate(have) if i not in axes))


@name(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    wanted = tuple(shape) if isinstance(shape, tuple | list) else (int(shape),)
    return read_only(linear.broadcast_to(arrayed(array), shape=wanted))


@name(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    common = np.broadcast_shapes(*[shape(a) for a in args])
    return tuple(broadcast_to(a, common) for a in args)


@name(np.atleast_1d)
def atleast_1d(*arrays: Any) -> Any:
    return each(arrays, lambda a: reshape(a, shape(a) or (1,)))


@name(np.atleast_2d)
def atleast_2d(*arrays: Any) -> Any:
    return each(arrays, lambda a: reshape(a, (1,) * (2 - len(shape(a))) + shape(a)) if len(shape(a)) < 2 else a)


@name(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    return linear.flip(arrayed(m), axes=axes_of(axis, len(shape(m))))


# ---------------------------------------------------------------- joins


@name(np.concatenate)
@fills_out
def concatenate(arrays: Any, axis: Any = 0, out: Any = None, dtype: Any = None, casting: Any = None) -> Any:
    parts = [arrayed(a) for a in arrays]
    if axis is None:
        parts, axis = [ravel(p) for p in parts], 0
    joined = join.concatenate(*parts, axis=one_axis(axis, len(shape_of(parts[0]))))
    return joined if dtype is None else convert_to(joined, dtype)


@name(np.stack)
@fills_out
def stack(arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: Any = None) -> Any:
    parts = [arrayed(a) for a in arrays]
    stacked = join.stack(*parts, axis=one_axis(axis, len(shape_of(parts[0])) + 1))
    return stacked if dtype is None else convert_to(stacked, dtype)


@name(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: Any = None) -> Any:
    parts = [atleast_1d(a) for a in tup]
    return concatenate(parts, 0 if len(shape_of(parts[0])) == 1 else 1, dtype=dtype)


@name(np.vstack)
def vstack(tup: Any, *, dtype: Any = None, casting: Any = None) -> Any:
    return concatenate([atleast_2d(a) for a in tup], 0, dtype=dtype)


@name(np.column_stack)
def column_stack(tup: Any) -> Any:
    return concatenate([a if len(shape(a)) > 1 else reshape(a, (-1, 1)) for a in tup], 1)
