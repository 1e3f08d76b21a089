"""Linear rows: shape, sums, joins, casts.  One transpose each; the tangent is the row itself."""

import functools
from math import prod
from typing import Any

import numpy as np

from wengert.core.mode import Value
from wengert.core.primitive import Primitive as row
from wengert.core.types import Shape, dtype_of, shape_of, unbroadcast_axes
from wengert.ir.program import Extent

# ---------------------------------------------------------------- helpers that rules share


def unbroadcast(ct: Any, shape: Shape) -> Any:
    """Sum out the axes that broadcasting added: the transpose of broadcasting `shape` to that of `ct`."""
    have = shape_of(ct)
    if have == shape:
        return ct
    if len(have) < len(shape) or any(n != 1 and m == 1 for n, m in zip(reversed(shape), reversed(have))):
        return broadcast_to(ct, shape=shape)  # a constant partial times a scalar cotangent
    axes, reshaped = unbroadcast_axes(have, shape)
    out = collapse(ct, axes=axes) if axes else ct
    if reshaped:
        return reshape(out, shape=shape)
    return labelled(out, shape)


def labelled(x: Any, shape: Shape) -> Any:
    """x, which is known to have this shape; in a program its type may have to be told."""
    return x if shape_of(x) == shape else relabel(x, shape=shape)


def zeros_like(x: Any) -> Any:
    """An array of zeros of the shape and dtype of any value; a plain one where its lengths are known."""
    return zeros(shape_of(x), dtype_of(x))


def zeros(shape: Shape, dtype: np.dtype[Any]) -> Any:
    if any(isinstance(n, Value) for n in shape):
        return broadcast_to(dtype.type(0), shape=shape)
    return np.zeros(shape, dtype)


def count(n: Any) -> Any:
    """0, 1, ..., n - 1; plain numbers where n is known."""
    return cumsum(broadcast_to(1, shape=(n,)), axis=0) - 1 if isinstance(n, Value) else np.arange(n)


def cast(ct: Any, dtype: np.dtype[Any]) -> Any:
    """To `dtype`, a complex cotangent of a real value keeping its real part (pairing Re(ct * t))."""
    return ct if dtype_of(ct) == dtype else convert(ct, dtype=dtype)


# in a program, the same array by a type whose extents have other names
relabel = row(
    "relabel",
    lambda x, *, shape: x,
    transposes=(lambda ct, x_shape: relabel(ct, shape=x_shape),),
    lift=lambda lanes, shape: {"shape": (lanes, *shape)},
    types=lambda ins, shape: [ins[0]._replace(shape=tuple([getattr(n, "extent", n) for n in shape]))],
    examples=[(((2, 3),), {"shape": (2, 3)})],
)

# ---------------------------------------------------------------- casts


def convert_evaluate(x: Any, *, dtype: Any) -> Any:
    x = np.real(x) if np.iscomplexobj(x) and np.dtype(dtype).kind != "c" else x
    return np.asarray(x, dtype) if isinstance(x, np.ndarray) else np.dtype(dtype).type(x)


def convert_transpose(ct: Any) -> Any:
    return ct  # the engine casts every contribution to the dtype of its operand


convert = row(
    "convert",
    convert_evaluate,
    transposes=(convert_transpose,),
    elementwise=True,
    examples=[(((2, 3),), {"dtype": np.float64})],
)

# the same values in storage of their own, in every mode (a product by 1.0 may share a tangent)
duplicate = row(
    "duplicate",
    lambda x: np.array(x, order="C")[()],
    transposes=(lambda ct: ct,),
    elementwise=True,
    examples=[(((2, 3),), {}), (((),), {})],
)

# ---------------------------------------------------------------- sums and broadcasting


def reduce_sum_evaluate(x: Any, *, axes: tuple[int, ...]) -> Any:
    if type(x) is np.ndarray and axes == (x.ndim - 1,) and 0 < x.shape[-1] < 16 < x.size >> 6 and x.flags.c_contiguous:
        return sum_of_columns([x[..., i] for i in range(x.shape[-1])])
    return np.add.reduce(x, axis=axes if len(axes) != 1 else axes[0])


def sum_of_columns(columns: list[Any]) -> Any:
    """What NumPy's sum over a short last axis gives to the last bit, up to 15 times sooner.

    NumPy adds one row after the other, up to seven terms in order, the first eight of more in pairs; whole columns can
    be added in the same order.
    """
    if len(columns) >= 8:
        a, b, c, d, e, f, g, h, *rest = columns
        columns = [((a + b) + (c + d)) + ((e + f) + (g + h)), *rest]
    return functools.reduce(np.add, columns)


def spread_evaluate(x: Any, *, axes: tuple[int, ...], shape: Shape) -> Any:
    if shape_of(x) != ():
        x = x.reshape([1 if i in axes else n for i, n in enumerate(shape)])
    return broadcast_to_evaluate(x, shape=shape)


def shifted_axes(axes: tuple[int, ...]) -> dict[str, Any]:
    return {"axes": tuple(a + 1 for a in axes)}


reduce_sum = row(
    "reduce_sum",
    reduce_sum_evaluate,
    transposes=(lambda ct, x_shape, axes: spread(ct, axes=axes, shape=x_shape),),
    lift=shifted_axes,
    examples=[
        (((2, 3),), {"axes": (1,)}),
        (((2, 3),), {"axes": (0, 1)}),
        (((0, 3),), {"axes": (0,)}),
        (((),), {"axes": ()}),
        *[(((30, 40, n),), {"axes": (2,)}) for n in (2, 7, 8, 11, 15)],
    ],
)


# each value repeated along new axes: what a sum has for a transpose
spread = row(
    "spread",
    spread_evaluate,
    transposes=(lambda ct, axes: reduce_sum(ct, axes=axes),),
    lift=lambda lanes, axes, shape: {**shifted_axes(axes), "shape": (lanes, *shape)},
    examples=[(((2,),), {"axes": (1,), "shape": (2, 3)}), (((),), {"axes": (0, 1), "shape": (2, 3)})],
)


def collapse_evaluate(x: Any, *, axes: tuple[int, ...]) -> Any:
    """As a product with ones where the summed axes stand together: BLAS is up to 20 times faster than NumPy's sum over
    an axis that is short or has a short one behind it."""
    first, last = axes[0], axes[-1] + 1
    before, summed, after = x.shape[:first], prod(x.shape[first:last]), x.shape[last:]
    columns = prod(after)
    short = columns < 16 if columns > 1 else summed < 64
    if x.size < 1024 or not short or last - first != len(axes) or not x.flags.c_contiguous or x.dtype.kind not in "fc":
        return reduce_sum_evaluate(x, axes=axes)
    if columns == 1:
        return (x.reshape(-1, summed) @ np.ones(summed, x.dtype)).reshape(before + after)[()]
    return (np.ones(summed, x.dtype) @ x.reshape(-1, summed, columns)).reshape(before + after)


# a sum whose order of additions is free
collapse = row(
    "collapse",
    collapse_evaluate,
    transposes=(lambda ct, x_shape, axes: spread(ct, axes=axes, shape=x_shape),),
    lift=shifted_axes,
    examples=[
        (((2, 3),), {"axes": (1,)}),
        (((20, 40, 2),), {"axes": (0,)}),
        (((20, 40, 2),), {"axes": (1,)}),
        (((20, 40, 2),), {"axes": (2,)}),
        (((20, 40, 2),), {"axes": (0, 2)}),
        (((20, 40, 2),), {"axes": (0, 1, 2)}),
    ],
)


def broadcast_to_batch(size: int, batched: Any, operands: Any, *, shape: Shape) -> Any:
    (x,) = operands
    extra = len(shape) - (len(shape_of(x)) - 1)
    x = reshape(x, shape=(size, *(1,) * extra, *shape_of(x)[1:])) if extra else x
    return broadcast_to(x, shape=(size, *shape))


SMALL = 4096  # elements; below, filling an array costs less than arranging for a view


def broadcast_to_evaluate(x: Any, *, shape: Shape) -> Any:
    if prod(shape) <= SMALL:
        out = np.empty(shape, dtype_of(x))
        out[...] = x
        return out
    x = np.asarray(x)
    if x.ndim == len(shape) and x.shape[:-1] == shape[:-1] and x.shape[-1] == 1 < shape[-1] < 8:
        return np.repeat(x, shape[-1], axis=-1)  # what is multiplied by it then runs in order: twice as fast in all
    return np.broadcast_to(x, shape)


broadcast_to = row(
    "broadcast_to",
    broadcast_to_evaluate,
    transposes=(lambda ct, x_shape: unbroadcast(ct, x_shape),),
    batch=broadcast_to_batch,
    shows=lambda x, *, shape: np.broadcast_to(x, shape),
    examples=[(((1, 3),), {"shape": (2, 3)}), (((),), {"shape": (2,)}), (((3, 1),), {"shape": (2, 3, 4)})],
)

# ---------------------------------------------------------------- shape


def batched_shape(lanes: int, shape: Shape) -> dict[str, Any]:
    return {"shape": (lanes, *shape)}


def batched_axes(axes: tuple[int, ...]) -> dict[str, Any]:
    return {"axes": (0, *(a + 1 for a in axes))}


def inverse_permutation(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(range(len(axes)), key=axes.__getitem__))


def reshaped_types(ins: list[Any], shape: Shape) -> list[Any] | None:
    """Where only the run knows lengths, the type that is asked for: samples need not have as many elements."""
    wanted = tuple([getattr(n, "extent", n) for n in shape])
    if not any(isinstance(n, Extent) for n in (*ins[0].shape, *wanted)):
        return None
    return [ins[0]._replace(shape=wanted, form="array")]


reshape = row(
    "reshape",
    lambda x, *, shape: np.asarray(x).reshape(shape),
    transposes=(lambda ct, x_shape: reshape(ct, shape=x_shape),),
    lift=batched_shape,
    view=True,
    types=reshaped_types,
    examples=[(((2, 3),), {"shape": (6,)}), (((2, 3),), {"shape": (3, 1, 2)}), (((0, 3),), {"shape": (0,)})],
)
transpose = row(
    "transpose",
    lambda x, *, axes: np.asarray(x).transpose(axes),
    transposes=(lambda ct, axes: transpose(ct, axes=inverse_permutation(axes)),),
    lift=batched_axes,
    view=True,
    examples=[(((2, 3, 4),), {"axes": (2, 0, 1)}), (((2, 3),), {"axes": (0, 1)})],
)
flip = row(
    "flip",
    lambda x, *, axes: np.flip(x, axes),
    transposes=(lambda ct, axes: flip(ct, axes=axes),),
    lift=shifted_axes,
    view=True,
    examples=[(((2, 3),), {"axes": (1,)}), (((2, 3),), {"axes": (0, 1)})],
)


def swap_last(x: Any) -> Any:
    """The matrix transpose of the last two axes."""
    n = len(shape_of(x))
    return transpose(x, axes=(*range(n - 2), n - 1, n - 2))


# ---------------------------------------------------------------- running sums


def running_sum_batch(axis: int) -> dict[str, Any]:
    return {"axis": axis + 1}


cumsum = row(
    "cumsum",
    lambda x, *, axis: np.cumsum(x, axis=axis),
    transposes=(lambda ct, axis: flip(cumsum(flip(ct, axes=(axis,)), axis=axis), axes=(axis,)),),
    lift=running_sum_batch,
    examples=[(((4,),), {"axis": 0}), (((2, 3),), {"axis": 1}), (((0,),), {"axis": 0})],
)
