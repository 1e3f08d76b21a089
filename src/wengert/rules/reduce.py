"""Reductions that are not linear: extrema and products."""

from typing import Any

import numpy as np

from wengert.core.mode import is_open, is_staged, plain
from wengert.core.primitive import Primitive as row
from wengert.core.types import Shape, dtype_of, shape_of
from wengert.rules.elementwise import equal, less_equal, scale, where
from wengert.rules.indexing import getitem, put_add, take
from wengert.rules.join import concatenate, stack, stretch
from wengert.rules.linear import (
    count,
    cumsum,
    flip,
    inverse_permutation,
    labelled,
    reduce_sum,
    reshape,
    shifted_axes,
    transpose,
    zeros,
    zeros_like,
)

# ---------------------------------------------------------------- extrema: ties share the derivative


def keep_axes(x: Any, shape: Shape, axes: tuple[int, ...]) -> Any:
    """A reduced value with the reduced axes back as length one."""
    return reshape(x, shape=tuple(1 if i in axes else n for i, n in enumerate(shape)))


def share_evaluate(x: Any, out: Any, *, axes: tuple[int, ...], beyond: np.ufunc) -> Any:
    x = np.asarray(x)
    attained = ~beyond(x, np.asarray(out).reshape([1 if i in axes else n for i, n in enumerate(x.shape)]))
    return attained / np.add.reduce(attained, axis=axes, keepdims=True, dtype=x.dtype)


# The share of each place in an extremum: equal where several attain it, 0 elsewhere; where the extremum is nan, all
# places attain it.
share = row(
    "share",
    share_evaluate,
    batch=lambda size, batched, operands, *, axes, beyond: share(
        *stretch(size, batched, operands), axes=tuple(a + 1 for a in axes), beyond=beyond
    ),
)


def extremum_push(beyond: np.ufunc, x: Any, x_dot: Any, out: Any, axes: tuple[int, ...]) -> Any:
    return reduce_sum(scale(x_dot, share(x, out, axes=axes, beyond=beyond)), axes=axes)


def extremum_pull(ct: Any, beyond: np.ufunc, x: Any, out: Any, axes: tuple[int, ...]) -> tuple[Any]:
    return (scale(keep_axes(ct, shape_of(x), axes), share(x, out, axes=axes, beyond=beyond)),)


reduce_max = row(
    "reduce_max",
    lambda x, *, axes: np.maximum.reduce(x, axis=axes),
    push=lambda x, x_dot, out, axes: extremum_push(np.less, x, x_dot, out, axes),
    pull=lambda ct, x, out, axes: extremum_pull(ct, np.less, x, out, axes),
    lift=shifted_axes,
    examples=[
        (((2, 3),), {"axes": (1,)}),
        (((2, 3),), {"axes": (0, 1)}),
        ((np.array([3.0, 1.0, 2.0]),), {"axes": (0,)}),
    ],
)
reduce_min = row(
    "reduce_min",
    lambda x, *, axes: np.minimum.reduce(x, axis=axes),
    push=lambda x, x_dot, out, axes: extremum_push(np.greater, x, x_dot, out, axes),
    pull=lambda ct, x, out, axes: extremum_pull(ct, np.greater, x, out, axes),
    lift=shifted_axes,
    examples=[
        (((2, 3),), {"axes": (1,)}),
        (((2, 3),), {"axes": (0, 1)}),
        ((np.array([3.0, 1.0, 2.0]),), {"axes": (0,)}),
    ],
)

# ---------------------------------------------------------------- sums over ranges


def sum_of_ranges_transpose(ct: Any, x_shape: Shape, starts: Any, axis: int) -> Any:
    """Each place adds up the cotangents of the ranges that it is in; ranges may overlap."""
    ends = np.append(starts[1:], x_shape[axis])
    lengths = np.where(ends > starts, ends - starts, 1)
    ranges = np.repeat(np.arange(len(starts)), lengths)
    places = np.arange(len(ranges)) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    ct = transpose(ct, axes=first_axis(len(x_shape), axis))
    shape = (x_shape[axis], *x_shape[:axis], *x_shape[axis + 1 :])
    x_bar = put_add(take(ct, ranges), places, shape=shape)
    return transpose(x_bar, axes=inverse_permutation(first_axis(len(x_shape), axis)))


def first_axis(ndim: int, axis: int) -> tuple[int, ...]:
    return (axis, *range(axis), *range(axis + 1, ndim))


sum_of_ranges = row(
    "sum_of_ranges",
    lambda x, *, starts, axis: np.add.reduceat(x, starts, axis=axis),
    transposes=(sum_of_ranges_transpose,),
    lift=lambda starts, axis: {"starts": starts, "axis": axis + 1},
    examples=[
        (((5,),), {"starts": np.array([0, 2, 3]), "axis": 0}),
        (((5,),), {"starts": np.array([3, 1, 1, 4, 0]), "axis": 0}),
        (((2, 4),), {"starts": np.array([1, 3]), "axis": 1}),
    ],
)

# ---------------------------------------------------------------- products: no division by an operand that is 0


def has_zero(x: Any) -> bool:
    return 0 not in shape_of(x) and (is_staged(x) or bool((plain(x) == 0).any()))


def along(axis: int, part: Any) -> tuple[Any, ...]:
    return (*(slice(None),) * axis, part)


def products_of_others(x: Any, axis: int) -> Any:
    """For each element the product of all others along `axis`: what is before times what is after."""
    ones = zeros(one_along(shape_of(x), axis), dtype_of(x)) + 1

    def before(x: Any) -> Any:
        others = getitem(concatenate(ones, x, axis=axis), index=along(axis, slice(0, -1)))
        return cumprod(labelled(others, shape_of(x)), axis=axis)

    return before(x) * flip(before(flip(x, axes=(axis,))), axes=(axis,))


def one_along(shape: Shape, axis: int) -> Shape:
    return tuple(1 if i == axis else n for i, n in enumerate(shape))


def prod_partial(x: Any, out: Any, axis: int) -> Any:
    if shape_of(x)[axis] == 0:
        return zeros_like(x)
    if has_zero(x):
        return products_of_others(x, axis)
    return keep_axes(out, shape_of(x), (axis,)) / x


def prod_pull(ct: Any, x: Any, out: Any, axis: int) -> tuple[Any]:
    return (keep_axes(ct, shape_of(x), (axis,)) * prod_partial(x, out, axis),)


def shifted_axis(axis: int) -> dict[str, Any]:
    return {"axis": axis + 1}


reduce_prod = row(
    "reduce_prod",
    lambda x, *, axis: np.multiply.reduce(x, axis=axis),
    push=lambda x, x_dot, out, axis: reduce_sum(x_dot * prod_partial(x, out, axis), axes=(axis,)),
    pull=prod_pull,
    lift=shifted_axis,
    examples=[
        (((4,),), {"axis": 0}),
        (((2, 3),), {"axis": 1}),
        ((np.array([2.0, 0.0, 3.0]),), {"axis": 0}),
        ((np.array([[2.0, 0.0, 0.0], [1.0, 2.0, 0.0]]),), {"axis": 1}),
        (((0,),), {"axis": 0}),
    ],
)


def cumprods_without(x: Any, axis: int) -> Any:
    """[..., i, j, ...]: the product of the elements up to j but the i-th, 0 where that comes later."""
    before, n, after = shape_of(x)[:axis], shape_of(x)[axis], shape_of(x)[axis + 1 :]
    i, j = (reshape(count(n), shape=(*shape, *(1,) * len(after))) for shape in ((n, 1), (1, n)))
    others = where(equal(i, j), 1.0, reshape(x, shape=(*before, 1, n, *after)))
    return where(less_equal(i, j), cumprod(others, axis=axis + 1), 0.0)


def beside(x: Any, axis: int) -> Any:
    """With one more axis before this one."""
    return reshape(x, shape=(*shape_of(x)[:axis], 1, *shape_of(x)[axis:]))


def cumprod_push(x: Any, x_dot: Any, out: Any, axis: int) -> Any:
    """out_dot_j = out_dot_(j-1) x_j + out_(j-1) x_dot_j; without zeros, out cumsum(x_dot / x)."""
    if not has_zero(x):
        return out * cumsum(x_dot / x, axis=axis)
    length = shape_of(x)[axis]
    if is_open(length):
        return reduce_sum(cumprods_without(x, axis) * beside(x_dot, axis + 1), axes=(axis,))
    columns = [getitem(x_dot, index=along(axis, 0))]
    for j in range(1, length):
        here, before = along(axis, j), along(axis, j - 1)
        columns.append(columns[-1] * getitem(x, index=here) + getitem(out, index=before) * getitem(x_dot, index=here))
    return stack(*columns, axis=axis)


def cumprod_pull(ct: Any, x: Any, out: Any, axis: int) -> tuple[Any]:
    """x_bar_i = out_(i-1) s_i with s_i = ct_i + x_(i+1) s_(i+1); without zeros, a reversed sum of ct out over x."""
    if not has_zero(x):
        return (flip(cumsum(flip(ct * out, axes=(axis,)), axis=axis), axes=(axis,)) / x,)
    length = shape_of(x)[axis]
    if is_open(length):
        return (reduce_sum(cumprods_without(x, axis) * beside(ct, axis), axes=(axis + 1,)),)
    s = getitem(ct, index=along(axis, length - 1))
    columns = []
    for i in reversed(range(length)):
        columns.append(s * getitem(out, index=along(axis, i - 1)) if i else s)
        if i:
            s = getitem(ct, index=along(axis, i - 1)) + getitem(x, index=along(axis, i)) * s
    return (stack(*columns[::-1], axis=axis),)


cumprod = row(
    "cumprod",
    lambda x, *, axis: np.cumprod(x, axis=axis),
    push=cumprod_push,
    pull=cumprod_pull,
    lift=shifted_axis,
    examples=[
        (((4,),), {"axis": 0}),
        (((2, 3),), {"axis": 1}),
        ((np.array([2.0, 0.0, 0.0, 3.0]),), {"axis": 0}),
        ((np.array([[0.0, 2.0], [1.0, 0.0]]),), {"axis": 0}),
        (((0,),), {"axis": 0}),
    ],
)

# ---------------------------------------------------------------- positions: no derivative

argmax = row("argmax", lambda x, *, axis: np.argmax(x, axis=axis), lift=shifted_axis)
argmin = row("argmin", lambda x, *, axis: np.argmin(x, axis=axis), lift=shifted_axis)
reduce_any = row("reduce_any", lambda x, *, axes: np.logical_or.reduce(x, axis=axes), lift=shifted_axes)
reduce_all = row("reduce_all", lambda x, *, axes: np.logical_and.reduce(x, axis=axes), lift=shifted_axes)
