"""The same numbers in another arrangement, and joins."""

import itertools
import math
from typing import Any

import numpy as np

from wengert.core.mode import Value, content_of, is_array, is_open, lies_in, read_only
from wengert.core.types import Shape, dtype_of, shape_of
from wengert.rules import indexing, join, linear
from wengert.rules.elementwise import where as select
from wengert.rules.linear import reshape as reshape_row
from wengert.rules.linear import transpose as transpose_row
from wengert.rules.names.foreign import missing, name_on_traced
from wengert.rules.names.operands import (
    arranged,
    arranged_along,
    arranged_in_zeros,
    arrayed,
    axes_of,
    convert_to,
    each,
    fills_out,
    flat,
    in_order,
    lengths_of,
    lies,
    no_keywords,
    one_axis,
    plain_index,
    plain_numbers,
    representative,
)
from wengert.rules.names.table import NAMES, in_numpy, name


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
    a = in_order(a, "C") if copy and isinstance(a, Value) and is_array(a) else arrayed(a)
    if order not in ("C", None):
        turned = transpose(reshape(transpose(a), tuple(resolved(wanted, shape_of(a)))[::-1]))
        return turned if order == "F" else no_keywords("numpy.reshape", order=order)
    return reshape_row(a, shape=resolved(wanted, shape_of(a)))


def reduced(x: Any, shape: Shape) -> Any:
    """In the shape that a reduction leaves: of no axes, NumPy makes it a number."""
    found = reshape(x, shape)
    return found if shape_of(found) else found[()]


def resolved(wanted: Any, have: Shape) -> Shape:
    """The target shape with -1 filled in."""
    wanted = lengths_of(wanted if isinstance(wanted, tuple | list | np.ndarray) else (wanted,))
    wanted = tuple(n if is_open(n) else int(n) for n in wanted)
    if -1 not in wanted:
        return wanted
    if any(map(is_open, have)):
        return tuple(only_other(have, wanted) if n == -1 else n for n in wanted)
    return np.empty(have, np.void).reshape(wanted).shape


def only_other(have: Shape, wanted: Shape) -> Any:
    """What stands for -1 in `wanted`, of lengths that are known when a program runs."""
    left, others = [n for n in have if n != 1], []
    for n in wanted:
        if n in left:
            left.remove(n)
        elif n not in (-1, 1):
            others.append(n)
    count = left[0] if len(left) == 1 else math.prod(left)
    return count // math.prod(others) if others else count


@name(np.ravel)
def ravel(a: Any, order: str = "C") -> Any:
    """Contiguous: a copy where reshaping would give a view with gaps."""
    flat = reshape(a, (-1,), order)
    return flat if lies_in(flat, "C") else linear.duplicate(flat)


@name(np.transpose, np.permute_dims)
def transpose(a: Any, axes: Any = None) -> Any:
    n = len(shape(a))
    axes = (axes,) if isinstance(axes, int | np.integer) else axes
    axes = tuple(range(n))[::-1] if axes is None else tuple(one_axis(i, n) for i in axes)
    return transpose_row(arrayed(a), axes=axes)


@name(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    order = list(range(len(shape(a))))
    axis1, axis2 = one_axis(axis1, len(order)), one_axis(axis2, len(order))
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
    # a length that only the run knows may be one
    axes = [i for i, n in enumerate(have) if int(n) == 1] if axis is None else axes_of(axis, len(have))
    if any(int(have[i]) != 1 for i in axes):
        raise ValueError("cannot select an axis to squeeze out which has size not equal to one")
    return reshape(a, tuple(n for i, n in enumerate(have) if i not in axes))


@name(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    wanted = tuple(shape) if isinstance(shape, tuple | list) else (int(shape),)
    return read_only(arrayed(array), (linear.broadcast_to, {"shape": wanted}))


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


@name(np.vstack, *in_numpy("row_stack"))  # the second is deprecated since NumPy 2.0
def vstack(tup: Any, *, dtype: Any = None, casting: Any = None) -> Any:
    return concatenate([atleast_2d(a) for a in tup], 0, dtype=dtype)


@name(np.column_stack)
def column_stack(tup: Any) -> Any:
    return concatenate([a if len(shape(a)) > 1 else reshape(a, (-1, 1)) for a in tup], 1)


@name(np.dstack)
def dstack(tup: Any) -> Any:
    return concatenate([atleast_3d(a) for a in tup], 2)


@name_on_traced(np.append)
def append(arr: Any, values: Any, axis: Any = None) -> Any:
    return concatenate([arr, values], axis)


def joined_by(concatenator: Any, key: Any) -> Any:
    """np.r_[key] and np.c_[key] with values in the key."""
    parts = [plain_range(p) if isinstance(p, slice) else p for p in (key if isinstance(key, tuple) else (key,))]
    if isinstance(parts[0], str) and parts[0] in ("r", "c"):
        raise missing("numpy.r_ (making a matrix)", (parts[1:],))
    chosen = [i for i, p in enumerate(parts) if not isinstance(p, str)]
    operands = [arrayed(parts[i]) for i in chosen]
    dtype = np.result_type(*[representative(x) for x in operands])

    def arrange(*numbers: Any) -> Any:
        filled: list[Any] = [p if isinstance(p, str) else None for p in parts]
        for i, number in zip(chosen, numbers):
            filled[i] = number
        return concatenator[tuple(filled)]

    return arranged(arrange, *[convert_to(x, dtype) for x in operands])


def plain_range(key: slice) -> Any:
    """start:stop:step as numbers; an imaginary step is their count."""
    start, step = 0 if key.start is None else key.start, 1 if key.step is None else key.step
    if isinstance(step, complex):
        return NAMES[np.linspace](start, key.stop, int(abs(step)))
    return NAMES[np.arange](start, key.stop, step)


@name_on_traced(np.block)
def block(arrays: Any) -> Any:
    return arranged(np.block, arrays)


# ---------------------------------------------------------------- views of another shape


@name(np.atleast_3d)
def atleast_3d(*arrays: Any) -> Any:
    shapes = {0: lambda s: (1, 1, 1), 1: lambda s: (1, *s, 1), 2: lambda s: (*s, 1)}
    return each(arrays, lambda a: reshape(a, shapes[ndim(a)](shape(a))) if ndim(a) < 3 else a)


@name(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    sizes = np.broadcast_to(False, tuple(range(1, ndim(a) + 1)))
    return transpose(a, [s - 1 for s in np.rollaxis(sizes, axis, start).shape])


@name(np.fliplr)
def fliplr(m: Any) -> Any:
    if ndim(m) < 2:
        raise ValueError("Input must be >= 2-d.")
    return flip(m, 1)


@name(np.flipud)
def flipud(m: Any) -> Any:
    if ndim(m) < 1:
        raise ValueError("Input must be >= 1-d.")
    return flip(m, 0)


@name(np.rot90)
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    np.rot90(np.broadcast_to(False, shape(m)), k, axes)  # NumPy's errors
    first, second = [one_axis(i, ndim(m)) for i in axes]
    if k % 4 in (0, 2):
        return flip(m, (first, second) if k % 4 else ())
    return swapaxes(flip(m, second), first, second) if k % 4 == 1 else flip(swapaxes(m, first, second), second)


@name(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    return parts_of(np.array_split, ary, indices_or_sections, axis)


@name(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    return parts_of(np.split, ary, indices_or_sections, axis)


def parts_of(divide: Any, ary: Any, indices_or_sections: Any, axis: int) -> list[Any]:
    """Slices; where they begin and end is found by dividing the element numbers of the axis."""
    ary = arrayed(ary)
    axis = one_axis(axis, len(shape_of(ary)))
    before = (slice(None),) * axis
    sizes = [len(part) for part in divide(np.arange(shape_of(ary)[axis]), plain_index(indices_or_sections))]
    bounds = range_bounds(sizes, indices_or_sections, shape_of(ary)[axis])
    return [indexing.getitem(ary, index=(*before, bound)) for bound in bounds]


def range_bounds(sizes: list[int], sections: Any, n: int) -> list[slice]:
    if isinstance(sections, int | np.integer):
        ends = np.cumsum(sizes)
        return [slice(int(end) - size, int(end)) for size, end in zip(sizes, ends)]
    edges = [0, *[int(i) for i in plain_index(sections)], n]
    return [slice(a, b) for a, b in itertools.pairwise(edges)]


@name(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    if ndim(ary) < 2:
        raise ValueError("vsplit only works on arrays of 2 or more dimensions")
    return split(ary, indices_or_sections, 0)


@name(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    if ndim(ary) == 0:
        raise ValueError("hsplit only works on arrays of 1 or more dimensions")
    return split(ary, indices_or_sections, 1 if ndim(ary) > 1 else 0)


@name(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    if ndim(ary) < 3:
        raise ValueError("dsplit only works on arrays of 3 or more dimensions")
    return split(ary, indices_or_sections, 2)


@name(*in_numpy("unstack"))  # NumPy 2.1
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    if ndim(x) == 0:
        raise ValueError("Input array must be at least 1-d.")
    before = (slice(None),) * one_axis(axis, ndim(x))
    return tuple(indexing.getitem(x, index=(*before, i)) for i in range(shape(x)[axis]))


@name(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Any, ...]:
    grids = np.meshgrid(*[np.empty(size(x), np.bool_) for x in xi], sparse=True, indexing=indexing)
    seen = [reshape(arrayed(x), grid.shape) for x, grid in zip(xi, grids)]
    if not sparse:
        common = np.broadcast_shapes(*[grid.shape for grid in grids])
        seen = [broadcast_to(x, common) for x in seen]
    return tuple(linear.duplicate(x) if copy else x for x in seen)


# ---------------------------------------------------------------- the same elements, moved, repeated or left out


@name_on_traced(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    a = arrayed(a)
    if axis is None:
        return reshape(roll(flat(a), shift, 0), shape_of(a))
    return rolled_along(a, shift, axis)


@lies("K")
def rolled_along(a: Any, shift: Any, axis: Any) -> Any:
    for by, along in np.broadcast(plain_numbers(shift), axis):
        i = one_axis(along, len(shape_of(a)))
        a = rolled(a, int(by) % max(shape_of(a)[i], 1), i)
    return a


def rolled(a: Any, by: int, axis: int) -> Any:
    before, cut = (slice(None),) * axis, shape_of(a)[axis] - by
    parts = (slice(cut, None), slice(0, cut))
    return join.concatenate(*[indexing.getitem(a, index=(*before, part)) for part in parts], axis=axis)


@name_on_traced(np.tile)
def tile(A: Any, reps: Any) -> Any:
    return arranged(lambda numbers: np.tile(numbers, reps), arrayed(A))


@name_on_traced(np.repeat)
@lies("C")
def repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    return arranged_along(axis, lambda numbers: np.repeat(numbers, plain_index(repeats)), arrayed(a))


@name_on_traced(np.resize)
def resize(a: Any, new_shape: Any) -> Any:
    a = arrayed(a)
    return (
        arranged(lambda numbers: np.resize(numbers, new_shape), a) if size(a) else np.resize(content_of(a), new_shape)
    )


@name_on_traced(np.insert)
@lies("A")
def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    arr = arrayed(arr)
    values = convert_to(arrayed(values), dtype_of(arr))
    return arranged(lambda numbers, new: np.insert(numbers, plain_index(obj), new, axis), arr, values)


@name_on_traced(np.delete)
@lies("A")
def delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    return arranged_along(axis, lambda numbers: np.delete(numbers, plain_index(obj)), arrayed(arr))


@name(np.trim_zeros)
def trim_zeros(filt: Any, trim: str = "fb", *axis: Any, **axes: Any) -> Any:
    filt = arrayed(filt)
    numbers = np.arange(1, size(filt) + 1).reshape(shape_of(filt))
    left = np.trim_zeros(np.where(plain_numbers(filt) != 0, numbers, 0), trim, *axis, **axes)
    inside = np.argwhere(left)[:1].ravel()
    starts = [0] * left.ndim
    if inside.size:
        starts = np.array(np.unravel_index(left[tuple(inside)] - 1, shape_of(filt))) - inside
    return indexing.getitem(filt, index=tuple(slice(int(s), int(s) + n) for s, n in zip(starts, left.shape)))


@name(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    v = arrayed(v)
    if len(shape_of(v)) == 2:
        return diagonal(v, k)
    return arranged_in_zeros(lambda numbers: np.diag(numbers, k), v)


@name(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    n = len(shape(a))
    if n < 2:
        raise ValueError("diag requires an array of at least two dimensions")
    if one_axis(axis1, n) == one_axis(axis2, n):
        raise ValueError("axis1 and axis2 cannot be the same")
    a = moveaxis(a, (axis1, axis2), (-2, -1))
    rows, columns = shape_of(a)[-2:]
    start, count = (offset if offset >= 0 else -offset * columns), rows
    if offset or rows != columns:
        count = max(min(rows + min(offset, 0), columns - max(offset, 0)), 0)
    stop = start if type(count) is int and count == 0 else start + count * (columns + 1) - columns
    places = slice(start, stop, columns + 1)
    around = shape_of(a)[:-2]
    flat = linear.reshape, {"shape": (*around, rows * columns)}
    return read_only(a, flat, (indexing.getitem, {"index": (*(slice(None),) * len(around), places)}))


@name_on_traced(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    return arranged_in_zeros(lambda numbers: np.diagflat(numbers, k), arrayed(v))


@name_on_traced(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    return triangle(np.tril, arrayed(m), k)


@name_on_traced(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    return triangle(np.triu, arrayed(m), k)


def triangle(cut: Any, m: Any, k: int) -> Any:
    m = linear.broadcast_to(m, shape=shape_of(m) * 2) if len(shape_of(m)) == 1 else m
    rows, columns = shape_of(m)[-2:]
    if not is_open(rows) and not is_open(columns):
        return select(cut(np.ones((rows, columns), np.bool_), k), m, 0)
    from_diagonal = linear.count(columns) - linear.reshape(linear.count(rows), shape=(rows, 1))
    return select(from_diagonal <= k if cut is np.tril else from_diagonal >= k, m, 0)
