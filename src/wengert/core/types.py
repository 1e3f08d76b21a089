"""Shapes and dtypes of anything that can flow through user code: Python numbers, NumPy values, traced values."""

from operator import index
from typing import Any

import numpy as np

Shape = tuple[int, ...]

PYTHON_DTYPES: dict[type, np.dtype[Any]] = {
    float: np.dtype(np.float64),
    complex: np.dtype(np.complex128),
    int: np.dtype(np.int64),
    bool: np.dtype(np.bool_),
}


def shape_of(x: Any) -> Shape:
    if type(x) is float:  # the common case, and slow below
        return ()
    try:
        shape: Shape = x.shape
        return shape
    except AttributeError:
        return np.shape(x)


def dtype_of(x: Any) -> np.dtype[Any]:
    """The dtype; a Python number counts as the 64-bit type that NumPy would store it in."""
    try:
        dtype: np.dtype[Any] = x.dtype
        return dtype
    except AttributeError:
        return PYTHON_DTYPES.get(type(x)) or np.asarray(x).dtype


def agree(shape: Shape, other: Shape) -> bool:
    """Whether two shapes are the same.

    Lengths that only the run of a program knows agree by their names; of others Python needs the numbers.
    """
    return len(shape) == len(other) and all(n == m or index(n) == index(m) for n, m in zip(shape, other))


def unbroadcast_axes(from_shape: Shape, to_shape: Shape) -> tuple[tuple[int, ...], bool]:
    """Axes to sum so that an array of `from_shape` gets back `to_shape`, and whether a reshape must follow.

    The transpose of broadcasting `to_shape` to `from_shape`.
    """
    extra = len(from_shape) - len(to_shape)
    stretched = tuple(i + extra for i, n in enumerate(to_shape) if n == 1 and from_shape[i + extra] != 1)
    return tuple(range(extra)) + stretched, bool(stretched)


def random_like(random: np.random.Generator, x: Any) -> Any:
    """Standard normal numbers of the shape, dtype and kind of x."""
    values = random.standard_normal(shape_of(x))
    if dtype_of(x).kind == "c":
        values = values + 1j * random.standard_normal(shape_of(x))
    return float(values) if type(x) is float else np.asarray(values, dtype_of(x))[()]
