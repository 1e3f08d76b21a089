"""How the elements of an array lie in memory: it decides whether NumPy's reshape shows an array or copies it.

That matters where arrays are written: a write through a view arrives, one into a copy does not.  So each array has the
layout that it has in NumPy: copies of arguments, results of rows, and samples of the arrays that a program will have.
"""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

Layout = tuple[int, ...] | None


def layout_of(x: Any) -> Layout:
    """Strides in elements, gaps shortened to one element; None for numbers and where elements lie as in C.

    Windows that overlap lie apart here, with gaps between them; what is repeated along an axis is not.
    """
    if not isinstance(x, np.ndarray) or x.flags.c_contiguous:
        return None
    strides, end, next_end = [1] * x.ndim, 1, x.itemsize
    for axis in sorted(range(x.ndim), key=lambda i: (abs(x.strides[i]), -i)):
        stride, length = x.strides[axis], x.shape[axis]
        if length == 1:
            continue
        if stride == 0:
            strides[axis] = 0
            continue
        near = end if abs(stride) == next_end else end + 1
        strides[axis] = near if stride > 0 else -near
        end, next_end = near * length, abs(stride) * length
    return tuple(strides)


def zeros_laid(shape: tuple[int, ...], dtype: Any, layout: Layout) -> "np.ndarray[Any, Any]":
    """Zeros, in memory of their own."""
    if layout is None or 0 in shape:
        return np.zeros(shape, dtype)
    if is_reversed_order(shape, layout):
        return np.zeros(shape, dtype, "F")  # owns its memory, so that writes can be in place
    size = 1 + sum((n - 1) * abs(stride) for n, stride in zip(shape, layout))
    base = np.zeros(size, dtype)
    laid = as_strided(base, shape, [abs(stride) * base.itemsize for stride in layout])
    return laid[tuple([slice(None, None, -1 if stride < 0 else 1) for stride in layout])]


def zeros_apart(shape: tuple[int, ...], dtype: Any) -> "np.ndarray[Any, Any]":
    """Zeros with gaps between all elements."""
    return np.zeros([2 * n for n in shape], dtype)[(slice(None, None, 2),) * len(shape)]


def is_reversed_order(shape: tuple[int, ...], layout: tuple[int, ...]) -> bool:
    end = 1
    for n, stride in zip(shape, layout):
        if n > 1 and stride != end:
            return False
        end *= n
    return True


def copied(x: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """The same elements, which lie in the same way, in other memory; to be written where none is repeated."""
    return np.array(x) if x.flags.forc else filled(x, layout_of(x))


def laid_as(x: Any, like: Any) -> Any:
    """x, or, where another array of its shape lies in another way, a copy that does so, too."""
    if not isinstance(x, np.ndarray) or not isinstance(like, np.ndarray) or x.shape != like.shape:
        return x
    layout = layout_of(like)
    return x if layout_of(x) == layout else filled(x, layout)


def filled(x: "np.ndarray[Any, Any]", layout: Layout) -> "np.ndarray[Any, Any]":
    out = zeros_laid(x.shape, x.dtype, layout)
    out[...] = x
    return out


def memory_order(x: "np.ndarray[Any, Any]", order: str) -> tuple[int, ...]:
    """The axes of an array in the order of a copy's memory: C, F, A or K, as NumPy has them."""
    axes = tuple(range(x.ndim))
    if order == "A":
        order = "F" if x.flags.fnc else "C"
    if order == "F" or (order == "K" and x.flags.fnc):
        return axes[::-1]
    if order == "K":
        return tuple(sorted(axes, key=lambda i: -abs(x.strides[i])))
    return axes
