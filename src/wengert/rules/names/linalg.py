"""numpy.linalg."""

from typing import Any

import numpy as np

from wengert.core.types import dtype_of, shape_of
from wengert.rules import contract, elementwise, indexing, linalg, linear
from wengert.rules.elementwise import where as select
from wengert.rules.names.foreign import missing
from wengert.rules.names.operands import arrayed, axes_of, convert_to
from wengert.rules.names.reductions import max_, min_, safe_root, sum_
from wengert.rules.names.table import name


@name(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    a, b = arrayed(a), arrayed(b)
    vector = len(shape_of(b)) == 1
    out = linalg.solve(a, contract.column(b) if vector else b)
    return indexing.getitem(out, index=(*(slice(None),) * (len(shape_of(out)) - 1), 0)) if vector else out


@name(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    a = arrayed(a)
    return conjugate_transpose(linalg.cholesky(conjugate_transpose(a))) if upper else linalg.cholesky(a)


def conjugate_transpose(a: Any) -> Any:
    return linear.swap_last(elementwise.conj(a) if dtype_of(a).kind == "c" else a)


@name(np.linalg.inv)
def inv(a: Any) -> Any:
    return linalg.inv(arrayed(a))


@name(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Vector norms of every order, and the Frobenius norm; 0 has derivative 0, the subgradient of least norm."""
    x = arrayed(x)
    if axis is None and (ord is None or len(shape_of(x)) != 1):
        if ord not in (None, "fro") and not (len(shape_of(x)) == 2 and ord in (1, -1, np.inf, -np.inf)):
            raise missing(f"numpy.linalg.norm(ord={ord!r})", (x,))
        if ord not in (None, "fro"):
            return matrix_norm(x, ord, keepdims)
        return root_of_squares(x, None, keepdims)
    axes = axes_of(axis, len(shape_of(x)))
    if len(axes) == 2 and ord not in (None, "fro"):
        raise missing(f"numpy.linalg.norm(ord={ord!r}, axis={axis!r})", (x,))
    if ord in (None, 2, "fro"):
        return root_of_squares(x, axes, keepdims)
    return vector_norm(x, ord, axes, keepdims)


def matrix_norm(x: Any, ord: Any, keepdims: bool) -> Any:
    sums = sum_(elementwise.abs_(x), 0 if abs(ord) == 1 else 1, keepdims=keepdims)
    return (max_ if ord > 0 else min_)(sums, keepdims=keepdims)


def vector_norm(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    size = elementwise.abs_(x)
    if ord == np.inf:
        return max_(size, axes, keepdims=keepdims)
    if ord == -np.inf:
        return min_(size, axes, keepdims=keepdims)
    if ord == 0:
        return sum_(convert_to(elementwise.not_equal(x, 0), size.dtype), axes, keepdims=keepdims)
    if ord == 1:
        return sum_(size, axes, keepdims=keepdims)
    total = sum_(size**ord, axes, keepdims=keepdims)
    positive = elementwise.not_equal(total, 0)
    return select(positive, select(positive, total, 1.0) ** (1.0 / ord), 0.0)


def root_of_squares(x: Any, axes: Any, keepdims: bool) -> Any:
    squares = elementwise.square(x) if dtype_of(x).kind != "c" else elementwise.real(x) ** 2 + elementwise.imag(x) ** 2
    return safe_root(sum_(squares, axes, keepdims=keepdims))
