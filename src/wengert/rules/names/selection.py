"""Elements chosen by positions and masks: read, and written in place."""

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.mode import Value, buffer, is_open, is_staged
from wengert.core.types import dtype_of, shape_of
from wengert.rules import elementwise, indexing, join, linear
from wengert.rules.elementwise import where as select_row
from wengert.rules.names.constructors import zeros_like
from wengert.rules.names.elementwise import nonzero
from wengert.rules.names.foreign import buffered, missing, name_on_traced, on_constants
from wengert.rules.names.operands import (
    arrayed,
    convert_to,
    fills_out,
    flat,
    gather,
    gather_along,
    lengths_of,
    lies,
    one_axis,
    plain_numbers,
    refuse_where,
    representative,
    write_out,
)
from wengert.rules.names.shape import broadcast_to, moveaxis, ravel, reshape, size
from wengert.rules.names.table import name

# ---------------------------------------------------------------- by position


def within(places: Any, n: int, mode: str) -> Any:
    """Positions counted from the front; what lies beyond the ends as `mode` says."""
    if mode == "wrap":
        return places % n
    if mode == "clip":
        return elementwise.minimum(elementwise.maximum(places, 0), n - 1)
    if mode != "raise":
        raise ValueError(f"clipmode must be one of 'clip', 'raise', or 'wrap' (got {mode!r})")
    return indexing.wrap_index(places, n=lengths_of(n)[0])


@name_on_traced(np.take)
@fills_out
@lies("C")
def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    a, indices = arrayed(a), arrayed(indices)
    if dtype_of(indices).kind not in "iub":
        raise TypeError(f"Cannot cast array data from {dtype_of(indices)} to int64 according to the rule 'safe'")
    if axis is None:
        return gather(a, within(indices, size(a), mode))
    axis = one_axis(axis, len(shape_of(a)))
    taken = indexing.take(moveaxis(a, axis, 0), within(indices, shape_of(a)[axis], mode))
    rank = len(shape_of(indices))
    return moveaxis(taken, tuple(range(rank)), tuple(range(axis, axis + rank))) if axis else taken


@name_on_traced(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    arr, indices = arrayed(arr), arrayed(indices)
    if axis is None:
        arr, axis = flat(arr), 0
    axis = one_axis(axis, len(shape_of(arr)))
    if len(shape_of(indices)) != len(shape_of(arr)):
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    arr, indices = stretched(arr, indices, axis)
    return gather_along(arr, indexing.wrap_index(indices, n=shape_of(arr)[axis]), axis)


def stretched(arr: Any, indices: Any, axis: int) -> tuple[Any, Any]:
    """Both with the same axes beside `axis`."""
    others = [(*s[:axis], 1, *s[axis + 1 :]) for s in (shape_of(arr), shape_of(indices))]
    common = np.broadcast_shapes(*others)
    wanted = [(*common[:axis], shape_of(x)[axis], *common[axis + 1 :]) for x in (arr, indices)]
    return tuple(x if shape_of(x) == s else linear.broadcast_to(x, shape=s) for x, s in zip((arr, indices), wanted))


@name_on_traced(np.choose)
@fills_out
def choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    a = arrayed(a)
    dtype = np.result_type(*[representative(c) for c in map(arrayed, choices)])
    choices = [convert_to(arrayed(c), dtype) for c in choices]
    common = np.broadcast_shapes(shape_of(a), *[shape_of(c) for c in choices])
    if mode == "raise":
        outside = elementwise.logical_or(elementwise.less(a, 0), elementwise.greater_equal(a, len(choices)))
        refuse_where(outside, ValueError, "invalid entry in choice array")
    layers = join.stack(*[linear.broadcast_to(c, shape=common) for c in choices], axis=0)
    chosen = linear.broadcast_to(within(a, len(choices), mode), shape=common)
    return gather(layers, chosen * int(np.prod(common)) + np.arange(int(np.prod(common))).reshape(common))


@name_on_traced(np.compress)
@fills_out
@lies("C")
def compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> Any:
    condition = arrayed(condition)
    if len(shape_of(condition)) != 1:
        raise ValueError("condition must be a 1-d array")
    return take(a, flatnonzero(condition), axis)


@name_on_traced(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    return take(arr, flatnonzero(condition))


@name(np.flatnonzero)
def flatnonzero(a: Any) -> Any:
    return nonzero(ravel(arrayed(a)))[0]


@name(np.argwhere)
def argwhere(a: Any) -> Any:
    a = arrayed(a)
    return join.stack(*nonzero(a), axis=1) if is_open(a) else buffered(np.argwhere(plain_numbers(a)))


# ---------------------------------------------------------------- by conditions


@name_on_traced(np.select)
@lies("C")
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    if not len(condlist):
        raise ValueError("select with an empty condition list is not possible")
    conditions = [arrayed(c) for c in condlist]
    for i, condition in enumerate(conditions):
        if dtype_of(condition).kind != "b":
            raise TypeError(f"invalid entry {i} in condlist: should be boolean ndarray")
    chosen = arrayed(default)
    for condition, choice in zip(conditions[::-1], list(choicelist)[::-1]):
        chosen = select_row(condition, arrayed(choice), chosen)
    return chosen


@name_on_traced(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """Each function sees the elements where its condition holds, and no others."""
    x = arrayed(x)
    masks = conditions_of(x, condlist)
    if len(funclist) == len(masks) + 1:
        masks.append(~np.any(masks, axis=0))
    elif len(funclist) != len(masks):
        n = len(masks)
        raise ValueError(f"with {n} condition(s), either {n} or {n + 1} functions are expected")
    y = zeros_like(x)
    y = y if isinstance(y, Value) else buffer(np.array(y))
    for mask, f in zip(masks, funclist):
        if not callable(f):
            y[mask] = f
        elif mask.any():
            y[mask] = f(take(x, mask.ravel().nonzero()[0]), *args, **kw)
    return y


def conditions_of(x: Any, condlist: Any) -> list[Any]:
    numbers = plain_numbers(arrayed(condlist))
    numbers = np.asarray(numbers if np.ndim(numbers) else [numbers], bool)
    nested = numbers.ndim > len(shape_of(x)) or (numbers.ndim == len(shape_of(x)) == 0)
    return list(numbers if nested else numbers[None])


# ---------------------------------------------------------------- written in place


def in_place(function: Any) -> Callable[..., Any]:
    """Registers what writes into its first argument, which must be an array that wengert sees."""

    def register(composition: Callable[..., Any]) -> Callable[..., Any]:
        def write(target: Any, *args: Any, **kwargs: Any) -> Any:
            if not isinstance(target, Value):
                if isinstance(target, np.ndarray) and not any(
                    isinstance(x, Value) and not x.mode.level < 0 for x in (*args, *kwargs.values())
                ):
                    return on_constants(function, (target, *args), kwargs)
                raise indexing.refused_write()
            return composition(target, *args, **kwargs)

        name(function)(write)
        return write

    return register


@in_place(np.copyto)
def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    src = arrayed(src)
    if not np.can_cast(dtype_of(src), dst.dtype, casting) and len(shape_of(src)):
        raise TypeError(f"Cannot cast array data from {dtype_of(src)} to {dst.dtype} according to the rule '{casting}'")
    write_out(dst, src, where if where is True else arrayed(where))


@in_place(np.put)
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    places = np.asarray(plain_numbers(within(arrayed(ind), a.size, mode))).ravel()
    if places.size and size(v):
        a[np.unravel_index(places, a.shape)] = cycled(v, places.size)


def cycled(values: Any, count: int) -> Any:
    """The values again and again."""
    return gather(arrayed(values), np.arange(count) % size(values))


@in_place(np.putmask)
def putmask(a: Any, mask: Any, values: Any) -> None:
    if size(values):
        a[...] = select_row(arrayed(mask), reshape(cycled(convert_to(arrayed(values), a.dtype), a.size), a.shape), a)


@in_place(np.place)
def place(arr: Any, mask: Any, vals: Any) -> None:
    places = np.flatnonzero(plain_numbers(arrayed(mask)))
    if not places.size:
        return
    if not size(vals):
        raise ValueError("Cannot insert from an empty array!")
    put(arr, places, vals)


@in_place(np.put_along_axis)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    indices = arrayed(indices) if is_staged(indices) else np.asarray(plain_numbers(arrayed(indices)))
    if axis is None:
        put(arr, indices, broadcast_to(values, indices.shape))
        return
    axis = one_axis(axis, arr.ndim)
    grid = [np.arange(n).reshape((-1,) + (1,) * (arr.ndim - 1 - i)) for i, n in enumerate(arr.shape)]
    grid[axis] = indices
    arr[tuple(grid)] = values


@in_place(np.fill_diagonal)
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    marked = np.zeros(a.shape, np.bool_)
    np.fill_diagonal(marked, True, wrap)
    put(a, np.flatnonzero(marked), val)


# ---------------------------------------------------------------- loops over parts


@name_on_traced(np.apply_along_axis)
def apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    arr = arrayed(arr)
    axis = one_axis(axis, len(shape_of(arr)))
    moved = moveaxis(arr, axis, -1)
    lead = shape_of(moved)[:-1]
    if 0 in lead:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    results = [arrayed(func1d(moved[place], *args, **kwargs)) for place in np.ndindex(lead)]
    inner = shape_of(results[0])
    out = reshape(join.stack(*results, axis=0), (*lead, *inner))
    back = tuple(range(len(lead), len(lead) + len(inner)))
    return moveaxis(out, back, tuple(range(axis, axis + len(inner)))) if inner else out


def vectorized(vectorize: np.vectorize, f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Each element by itself; the first result decides the dtype, as in NumPy."""
    if kwargs or vectorize.signature is not None or vectorize.excluded:
        raise missing("numpy.vectorize (with a signature, excluded or keyword arguments)", args)
    args = [arrayed(a) for a in args]
    common = np.broadcast_shapes(*[shape_of(a) for a in args])
    columns = [flat(linear.broadcast_to(a, shape=common)) for a in args]
    results = [f(*[column[i] for column in columns]) for i in range(int(np.prod(common)))]
    if not results:
        raise ValueError("cannot call `vectorize` on size 0 inputs unless `otypes` is set")
    several = isinstance(results[0], tuple)
    parts = list(zip(*results)) if several else [results]
    dtypes = list(vectorize.otypes) if vectorize.otypes else [dtype_of(part[0]) for part in parts]
    found = [reshape(convert_to(join.stack(*map(arrayed, p), axis=0), t), common) for p, t in zip(parts, dtypes)]
    return tuple(found) if several else found[0]


@name_on_traced(np.apply_over_axes)
def apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    out = arrayed(a)
    rank = len(shape_of(out))
    for axis in np.atleast_1d(axes):
        axis = one_axis(axis, rank)
        found = func(out, axis)
        if len(shape_of(found)) != rank:
            found = reshape(found, (*shape_of(found)[:axis], 1, *shape_of(found)[axis:]))
        out = found
    return out
