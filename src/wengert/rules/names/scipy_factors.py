"""scipy.linalg: determinants, eigenvalues, singular values, QR and least squares, by the rows of numpy.linalg."""

from typing import Any

import numpy as np

from wengert.core.mode import is_staged
from wengert.core.types import agree, dtype_of, shape_of
from wengert.rules import (
    contract,
    determinant,
    eigenvalues,
    indexing,
    least_squares,
    linear,
    orthogonal,
    singular_values,
)
from wengert.rules import matrix_functions as functions
from wengert.rules.degenerate import adjoint, times_columns
from wengert.rules.names import linalg
from wengert.rules.names.foreign import missing
from wengert.rules.names.operands import arrayed, convert_to, in_double, no_keywords, plain_numbers
from wengert.rules.names.scipy_linalg import checked, one_triangle, part
from wengert.rules.names.table import name
from wengert.rules.solvers import triangular_solve


@name("scipy.linalg.det")
def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """SciPy computes it in double precision."""
    return determinant.det(in_double(checked(a, check_finite)))


# ---------------------------------------------------------------- pseudoinverses


@name("scipy.linalg.pinv")
def pinv(a: Any, *, atol: Any = None, rtol: Any = None, return_rank: bool = False, check_finite: bool = True) -> Any:
    no_keywords("scipy.linalg.pinv", atol=atol, return_rank=return_rank or None)
    a = checked(a, check_finite)
    return least_squares.pinv(a, rcond=relative_limit(a, rtol), hermitian=False)


@name("scipy.linalg.pinvh")
def pinvh(
    a: Any,
    atol: Any = None,
    rtol: Any = None,
    lower: bool = True,
    return_rank: bool = False,
    check_finite: bool = True,
) -> Any:
    no_keywords("scipy.linalg.pinvh", atol=atol, return_rank=return_rank or None)
    a = one_triangle(checked(a, check_finite), lower, True)
    return least_squares.pinv(a, rcond=relative_limit(a, rtol), hermitian=True)


def relative_limit(a: Any, rtol: Any) -> Any:
    return max(shape_of(a)[-2:]) * np.finfo(dtype_of(a)).eps if rtol is None else plain_numbers(rtol)


@name("scipy.linalg.lstsq")
def lstsq(
    a: Any,
    b: Any,
    cond: Any = None,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    lapack_driver: Any = None,
) -> Any:
    a, b = checked(a, check_finite), checked(b, check_finite)
    if lapack_driver not in (None, "gelsd") or len(shape_of(a)) > 2 or len(shape_of(b)) > 2:
        raise missing("scipy.linalg.lstsq (with another driver, or for stacks)", (a, b))
    vector = len(shape_of(b)) == 1
    limit = np.finfo(np.result_type(dtype_of(a), dtype_of(b))).eps if cond is None else plain_numbers(cond)
    x, squares, rank, s = least_squares.lstsq(a, contract.column(b) if vector else b, rcond=limit)
    if vector:
        x, squares = x[:, 0], squares[0] if agree(shape_of(squares), (1,)) else squares
    return x, squares, rank if is_staged(rank) else int(plain_numbers(rank)), s


# ---------------------------------------------------------------- eigenvalues


@name("scipy.linalg.eigh")
def eigh(
    a: Any,
    b: Any = None,
    *,
    lower: bool = True,
    eigvals_only: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    type: int = 1,
    check_finite: bool = True,
    subset_by_index: Any = None,
    subset_by_value: Any = None,
    driver: Any = None,
) -> Any:
    """With b = L Lᴴ, a v = w b v is the equation of L⁻¹ a L⁻ᴴ and Lᴴ v.  SciPy reads one triangle of each."""
    no_keywords("scipy.linalg.eigh", subset_by_value=subset_by_value, type=None if type == 1 or b is None else type)
    a = one_triangle(checked(a, check_finite), lower, True)
    factor = None if b is None else linalg.cholesky(one_triangle(checked(b, check_finite), lower, True))
    reduced = a if factor is None else between_inverses(factor, a)
    first, last = (0, shape_of(a)[-1] - 1) if subset_by_index is None else (int(i) for i in subset_by_index)
    chosen = slice(first, last + 1)
    if eigvals_only:
        return part(eigenvalues.eigvalsh(reduced, lower=True), chosen)
    w, v = eigenvalues.eigh(reduced, lower=True)
    if factor is not None:
        v = triangular_solve(adjoint(factor), v, lower=False, unit_diagonal=False)
    subset = None if subset_by_index is None else (first, last)
    options = {"subset_by_index": subset, "driver": driver, "lower": bool(lower)}
    operands = (a,) if b is None else (a, one_triangle(arrayed(b), lower, True))
    w, v = part(w, chosen), part(v, slice(None), chosen)
    return w, times_columns(v, functions.phases(v, *operands, solver="eigh", options=options))


def between_inverses(factor: Any, a: Any) -> Any:
    """L⁻¹ a L⁻ᴴ of a Hermitian a."""
    left = triangular_solve(factor, a, lower=True, unit_diagonal=False)
    return triangular_solve(factor, adjoint(left), lower=True, unit_diagonal=False)


@name("scipy.linalg.eigvalsh")
def eigvalsh(a: Any, b: Any = None, **options: Any) -> Any:
    return eigh(a, b, eigvals_only=True, **options)


@name("scipy.linalg.eigvalsh_tridiagonal")
def eigvalsh_tridiagonal(
    d: Any,
    e: Any,
    select: Any = "a",
    select_range: Any = None,
    check_finite: bool = True,
    tol: Any = 0.0,
    lapack_driver: Any = "auto",
) -> Any:
    no_keywords("scipy.linalg.eigvalsh_tridiagonal", select=None if select in ("a", "all", 0) else select)
    d, e = checked(d, check_finite), checked(e, check_finite)
    n = shape_of(d)[-1]
    below = linear.convert(np.zeros((n, n)), dtype=np.result_type(dtype_of(d), dtype_of(e)))
    places = (np.arange(1, n), np.arange(n - 1))
    matrix = indexing.add_at(below, d, index=(np.arange(n), np.arange(n)), inplace=False)
    return eigenvalues.eigvalsh(indexing.add_at(matrix, e, index=places, inplace=False), lower=True)


@name("scipy.linalg.eig")
def eig(
    a: Any,
    b: Any = None,
    left: bool = False,
    right: bool = True,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> Any:
    no_keywords("scipy.linalg.eig", b=b, left=left or None, homogeneous_eigvals=homogeneous_eigvals or None)
    if not right:
        return eigvals(a, check_finite=check_finite)
    a = checked(a, check_finite)
    w, v = eigenvalues.eig(a)
    return as_complex(w), times_columns(v, functions.phases(v, a, solver="eig", options={}))


@name("scipy.linalg.eigvals")
def eigvals(
    a: Any, b: Any = None, overwrite_a: bool = False, check_finite: bool = True, homogeneous_eigvals: bool = False
) -> Any:
    no_keywords("scipy.linalg.eigvals", b=b, homogeneous_eigvals=homogeneous_eigvals or None)
    return as_complex(eigenvalues.eigvals(checked(a, check_finite)))


def as_complex(w: Any) -> Any:
    """SciPy's eigenvalues of a matrix are complex numbers, NumPy's where they must be."""
    return convert_to(w, np.result_type(dtype_of(w), np.complex64))


# ---------------------------------------------------------------- singular values and QR


@name("scipy.linalg.svd")
def svd(
    a: Any,
    full_matrices: bool = True,
    compute_uv: bool = True,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    if not compute_uv:
        return svdvals(a, overwrite_a, check_finite)
    no_keywords("scipy.linalg.svd", lapack_driver=None if lapack_driver == "gesdd" else lapack_driver)
    return tuple(singular_values.svd(checked(a, check_finite), full=bool(full_matrices), hermitian=False))


@name("scipy.linalg.svdvals")
def svdvals(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    return singular_values.svdvals(checked(a, check_finite), hermitian=False)


@name("scipy.linalg.qr")
def qr(
    a: Any,
    overwrite_a: bool = False,
    lwork: Any = None,
    mode: str = "full",
    pivoting: bool = False,
    check_finite: bool = True,
) -> Any:
    """With `pivoting`, of the columns in the order that LAPACK chooses, which is a step function."""
    if mode not in ("full", "qr", "r", "economic") or len(shape_of(arrayed(a))) > 2:
        raise missing(f"scipy.linalg.qr (mode={mode!r}, or for stacks)", (a,))
    a, order = checked(a, check_finite), ()
    if pivoting:
        order = (functions.column_order(a),)
        a = linear.swap_last(indexing.take(linear.swap_last(a), order[0]))
    q, r = orthogonal.qr(a, complete=mode != "economic")
    return (r, *order) if mode == "r" else (q, r, *order)
