"""numpy.linalg."""

import math
import operator
from typing import Any

import numpy as np

from wengert.core.mode import buffer
from wengert.core.types import agree, dtype_of, shape_of
from wengert.rules import (
    contract,
    determinant,
    eigenvalues,
    elementwise,
    indexing,
    least_squares,
    linalg,
    linear,
    orthogonal,
    singular_values,
)
from wengert.rules.elementwise import where as select
from wengert.rules.names.foreign import missing
from wengert.rules.names.operands import arrayed, convert_to, no_keywords, one_axis, plain_numbers
from wengert.rules.names.products import dot
from wengert.rules.names.products import outer as outer_product
from wengert.rules.names.products import tensordot as contraction
from wengert.rules.names.reductions import diagonal as diagonal_of
from wengert.rules.names.reductions import max_, min_, safe_root, sum_
from wengert.rules.names.reductions import trace as trace_of
from wengert.rules.names.shape import moveaxis, ravel, reduced, reshape, transpose
from wengert.rules.names.table import name

# the named tuples that NumPy returns
EighResult = type(np.linalg.eigh(np.eye(1)))
EigResult = type(np.linalg.eig(np.eye(1)))
SVDResult = type(np.linalg.svd(np.eye(1)))
QRResult = type(np.linalg.qr(np.eye(1)))
SlogdetResult = type(np.linalg.slogdet(np.eye(1)))

# ---------------------------------------------------------------- equations and inverses


@name(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    a, b = arrayed(a), arrayed(b)
    vector = len(shape_of(b)) == 1
    out = linalg.solve(a, contract.column(b) if vector else b)
    return indexing.getitem(out, index=(*(slice(None),) * (len(shape_of(out)) - 1), 0)) if vector else out


@name(np.linalg.inv)
def inv(a: Any) -> Any:
    return linalg.inv(arrayed(a))


@name(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = np._NoValue) -> Any:
    a = arrayed(a)
    if rcond is not None and rtol is not np._NoValue:
        raise ValueError("`rtol` and `rcond` can't be both set.")
    limit = 1e-15 if rcond is None and rtol is np._NoValue else rtol if rcond is None else rcond
    if limit is None:
        limit = max(shape_of(a)[-2:]) * np.finfo(dtype_of(a)).eps
    return least_squares.pinv(a, rcond=plain_numbers(limit), hermitian=hermitian)


@name(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    a, b = arrayed(a), arrayed(b)
    vector = len(shape_of(b)) == 1
    if rcond is None or plain_numbers(rcond) < 0:
        precision = np.finfo(np.result_type(dtype_of(a), dtype_of(b))).eps
        rcond = precision * (max(shape_of(a)) if rcond is None else 1)
    x, *others = least_squares.lstsq(a, contract.column(b) if vector else b, rcond=plain_numbers(rcond))
    return x[:, 0] if vector else x, *others


@name(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    a, b = arrayed(a), arrayed(b)
    n = len(shape_of(a))
    last = [] if axes is None else [one_axis(i, n) for i in (axes if isinstance(axes, tuple | list) else [axes])]
    a = transpose(a, [i for i in range(n) if i not in last] + last)
    unknowns = shape_of(a)[len(shape_of(b)) :]
    count = math.prod(unknowns)
    if math.prod(shape_of(a)) != count**2:
        raise np.linalg.LinAlgError(
            "Input arrays must satisfy the requirement prod(a.shape[b.ndim:]) == prod(a.shape[:b.ndim])"
        )
    return reshape(solve(reshape(a, (count, count)), ravel(b)), unknowns)


@name(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    shape = shape_of(a)
    count = math.prod(shape[ind:])
    return reshape(inv(reshape(a, (count, -1))), shape[ind:] + shape[:ind])


@name(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """The squarings and products that NumPy makes, in its order."""
    a, n = square(arrayed(a)), operator.index(n)
    if n == 0:
        return buffer(np.broadcast_to(np.eye(shape_of(a)[-1], dtype=dtype_of(a)), shape_of(a)).copy())
    a, n = (inv(a), -n) if n < 0 else (a, n)
    if n == 3:
        return (a @ a) @ a
    power, out = a, None
    while True:
        if n % 2:
            out = power if out is None else out @ power
        n //= 2
        if n == 0:
            return out
        power = power @ power


def square(a: Any) -> Any:
    shape = shape_of(a)
    if len(shape) < 2:
        raise np.linalg.LinAlgError(f"{len(shape)}-dimensional array given. Array must be at least two-dimensional")
    if not agree(shape[-1:], shape[-2:-1]):
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
    return a


# ---------------------------------------------------------------- determinants and ranks


@name(np.linalg.det)
def det(a: Any) -> Any:
    return determinant.det(arrayed(a))


@name(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    return SlogdetResult(*determinant.slogdet(arrayed(a)))


@name(np.linalg.matrix_rank)
def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """A step function."""
    A, tol, rtol = arrayed(A), plain_numbers(tol), plain_numbers(rtol)
    if len(shape_of(A)) < 2:
        return np.linalg.matrix_rank(plain_numbers(A))
    return least_squares.matrix_rank(A, tol=tol, hermitian=hermitian, rtol=rtol)


@name(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """NumPy's definition: inf where the inverse does not exist, nan where x holds nan."""
    x = arrayed(x)
    if math.prod(shape_of(x)[-2:]) == 0:
        raise np.linalg.LinAlgError("cond is not defined on empty arrays")
    with np.errstate(all="ignore"):
        if p in (None, 2, -2):
            s = singular_values.svdvals(x, hermitian=False)
            out = elementwise.div(*((s[..., -1], s[..., 0]) if p == -2 else (s[..., 0], s[..., -1])))
        else:
            inverse = determinant.inverse_or_nan(square(x), trusted=False)
            out = norm(x, p, (-2, -1)) * norm(inverse, p, (-2, -1))
    given_nan = linear.reduce_sum(elementwise.isnan(x), axes=(len(shape_of(x)) - 2, len(shape_of(x)) - 1))
    return select(elementwise.logical_and(elementwise.isnan(out), elementwise.equal(given_nan, 0)), np.inf, out)


# ---------------------------------------------------------------- factorisations


@name(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    a = arrayed(a)
    return conjugate_transpose(linalg.cholesky(conjugate_transpose(a))) if upper else linalg.cholesky(a)


def conjugate_transpose(a: Any) -> Any:
    return linear.swap_last(elementwise.conj(a) if dtype_of(a).kind == "c" else a)


@name(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:
    return EighResult(*eigenvalues.eigh(arrayed(a), lower=reads_lower(UPLO)))


@name(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    return eigenvalues.eigvalsh(arrayed(a), lower=reads_lower(UPLO))


def reads_lower(UPLO: str) -> bool:
    if UPLO.upper() not in ("L", "U"):
        raise ValueError("UPLO argument must be 'L' or 'U'")
    return UPLO.upper() == "L"


@name(np.linalg.eig)
def eig(a: Any) -> Any:
    return EigResult(*eigenvalues.eig(arrayed(a)))


@name(np.linalg.eigvals)
def eigvals(a: Any) -> Any:
    return eigenvalues.eigvals(arrayed(a))


@name(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    if not compute_uv:
        return singular_values.svdvals(arrayed(a), hermitian=hermitian)
    return SVDResult(*singular_values.svd(arrayed(a), full=full_matrices, hermitian=hermitian))


@name(np.linalg.svdvals)
def svdvals(x: Any, /) -> Any:
    return singular_values.svdvals(arrayed(x), hermitian=False)


@name(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    if mode not in ("reduced", "complete", "r"):
        raise missing(f"numpy.linalg.qr(mode={mode!r})", (a,))
    factors = orthogonal.qr(arrayed(a), complete=mode == "complete")
    return factors[1] if mode == "r" else QRResult(*factors)


# ---------------------------------------------------------------- norms


@name(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """0 has derivative 0, the subgradient of least norm."""
    x = arrayed(x)
    n = len(shape_of(x))
    if axis is None and (ord is None or (ord in ("f", "fro") and n == 2) or (ord == 2 and n == 1)):
        return root_of_squares(x, None, keepdims)
    chosen = range(n) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(one_axis(i, n) for i in chosen)
    if len(axes) not in (1, 2):
        raise ValueError("Improper number of dimensions to norm.")
    return (norm_of_vectors if len(axes) == 1 else norm_of_matrices)(x, ord, axes, keepdims)


def norm_of_matrices(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if axes[0] == axes[1]:
        raise ValueError("Duplicate axes given.")
    if ord in (None, "f", "fro"):
        return root_of_squares(x, axes, keepdims)
    if ord in (1, -1, np.inf, -np.inf):
        summed, rest = axes if abs(ord) == 1 else axes[::-1]
        out = (largest if ord > 0 else min_)(sum_(elementwise.abs_(x), summed, keepdims=True), rest, keepdims=True)
    elif ord in (2, -2, "nuc"):
        s = singular_values.svdvals(moveaxis(x, axes, (-2, -1)), hermitian=False)
        out = (sum_ if ord == "nuc" else largest if ord == 2 else min_)(s, -1)
    else:
        raise ValueError("Invalid norm order for matrices.")
    shape = tuple(1 if i in axes else n for i, n in enumerate(shape_of(x)))
    return reduced(out, shape if keepdims else tuple(n for i, n in enumerate(shape_of(x)) if i not in axes))


def largest(x: Any, axis: Any, keepdims: bool = False) -> Any:
    """Of no numbers, 0."""
    return (max_ if math.prod(shape_of(x)) else sum_)(x, axis, keepdims=keepdims)


@name(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return norm(x, ord, (-2, -1), keepdims)


@name(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    x = arrayed(x)
    n = len(shape_of(x))
    axes = tuple(one_axis(i, n) for i in (range(n) if axis is None else axis if isinstance(axis, tuple) else (axis,)))
    return norm_of_vectors(x, ord, axes, keepdims)


def norm_of_vectors(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    if ord in (None, 2):
        return root_of_squares(x, axes, keepdims)
    size = elementwise.abs_(x)
    if ord == np.inf:
        return largest(size, axes, keepdims=keepdims)
    if ord == -np.inf:
        return min_(size, axes, keepdims=keepdims)
    if ord == 0:
        return sum_(convert_to(elementwise.not_equal(x, 0), size.dtype), axes, keepdims=keepdims)
    if ord == 1:
        return sum_(size, axes, keepdims=keepdims)
    total = sum_(size**ord, axes, keepdims=keepdims)
    positive = elementwise.not_equal(total, 0)
    return select(positive, select(positive, total, 1.0) ** (1.0 / ord), 0.0)


def length(x: Any) -> Any:
    """The root of the sum of squares; the largest element is scaled to 1, so that no square overflows or vanishes."""
    if not shape_of(x)[0]:
        return norm(x)
    largest = max_(elementwise.abs_(elementwise.stop_gradient(x)))
    unit = select(elementwise.logical_and(largest > 0, elementwise.isfinite(largest)), largest, 1.0)
    return norm(x / unit) * unit


def root_of_squares(x: Any, axes: Any, keepdims: bool) -> Any:
    squares = elementwise.square(x) if dtype_of(x).kind != "c" else elementwise.real(x) ** 2 + elementwise.imag(x) ** 2
    return safe_root(sum_(squares, axes, keepdims=keepdims))


# ---------------------------------------------------------------- products and parts, as in the array API


@name(np.linalg.multi_dot)
def multi_dot(arrays: Any, *, out: Any = None) -> Any:
    """In the order that takes the fewest multiplications, which NumPy chooses too."""
    no_keywords("numpy.linalg.multi_dot", out=out)
    arrays = [arrayed(x) for x in arrays]
    if len(arrays) < 2:
        raise ValueError("Expecting at least two arrays.")
    if len(arrays) == 2:
        return dot(*arrays)
    first, last = len(shape_of(arrays[0])), len(shape_of(arrays[-1]))
    arrays[0] = reshape(arrays[0], (1, -1)) if first == 1 else arrays[0]
    arrays[-1] = reshape(arrays[-1], (-1, 1)) if last == 1 else arrays[-1]
    for x in arrays:
        if len(shape_of(x)) != 2:
            raise np.linalg.LinAlgError(f"{len(shape_of(x))}-dimensional array given. Array must be two-dimensional")
    split = cheapest_splits([shape_of(x)[0] for x in arrays] + [shape_of(arrays[-1])[1]])
    product = chain(arrays, split, 0, len(arrays) - 1)
    return reduced(product, (*shape_of(product)[first == 1 : 1], *shape_of(product)[1 : 1 + (last == 2)]))


def cheapest_splits(sizes: list[int]) -> dict[tuple[int, int], int]:
    """For each run i..j of matrices, after which one to split it.  Cormen, Leiserson, Rivest, Stein: matrix chains."""
    n = len(sizes) - 1
    cost = {(i, i): 0 for i in range(n)}
    split = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            costs = [cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1] for k in range(i, j)]
            cost[i, j] = min(costs)
            split[i, j] = i + costs.index(cost[i, j])
    return split


def chain(arrays: list[Any], split: dict[tuple[int, int], int], i: int, j: int) -> Any:
    if i == j:
        return arrays[i]
    return chain(arrays, split, i, split[i, j]) @ chain(arrays, split, split[i, j] + 1, j)


@name(np.linalg.trace)
def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return trace_of(arrayed(x), offset, -2, -1, dtype)


@name(np.linalg.diagonal)
def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return diagonal_of(arrayed(x), offset, -2, -1)


@name(np.linalg.outer)
def outer(x1: Any, x2: Any, /) -> Any:
    x1, x2 = arrayed(x1), arrayed(x2)
    if len(shape_of(x1)) != 1 or len(shape_of(x2)) != 1:
        raise ValueError(
            "Input arrays must be one-dimensional, but they are "
            f"x1.ndim={len(shape_of(x1))} and x2.ndim={len(shape_of(x2))}."
        )
    return outer_product(x1, x2)


@name(np.linalg.matmul)
def matmul(x1: Any, x2: Any, /) -> Any:
    return contract.matmul(arrayed(x1), arrayed(x2))


@name(np.linalg.tensordot)
def tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    return contraction(x1, x2, axes)


@name(np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    x1, x2 = moveaxis(x1, axis, -1), moveaxis(x2, axis, -1)
    x1 = elementwise.conj(x1) if dtype_of(x1).kind == "c" else x1
    return contract.matmul(contract.line(x1), contract.column(x2))[..., 0, 0]
