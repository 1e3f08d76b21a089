"""Functions of a matrix, by SciPy, with their derivatives; factors that are unique.

The derivative of a matrix function f at A along E is L(A, E), linear in E.  For every analytic f it stands in the
upper right corner of a function of twice the size (Mathias 1996, SIAM J. Matrix Anal. Appl. 17, theorem 2.1):

    f([[A, E], [0, A]]) = [[f(A), L(A, E)], [0, f(A)]]

and its transpose is that of the transposed matrix, since f(Aᵀ) = f(A)ᵀ:  sum(ct * L(A, E)) = sum(L(Aᵀ, ct) * E).
A derivative costs up to 8 times a function; there are no divisions by differences of eigenvalues, so that repeated
ones (also at the zero matrix) are no special case.
"""

import warnings
from typing import Any

import numpy as np

from wengert.core.lazy import lazy
from wengert.core.primitive import Primitive as row
from wengert.core.types import dtype_of, shape_of
from wengert.ir.program import Type
from wengert.rules.contract import matmul
from wengert.rules.degenerate import adjoint, conjugate
from wengert.rules.elementwise import where
from wengert.rules.indexing import getitem
from wengert.rules.join import concatenate, stretch
from wengert.rules.linear import swap_last
from wengert.rules.solvers import (
    hermitian_part,
    solve_as,
    sylvester,
    triangle,
    triangular_solve,
    well_conditioned,
)
from wengert.rules.stacks import in_precision_of, over_stack, zeros_beside

scipy_linalg = lazy("scipy.linalg")

Function = tuple[Any, ...]  # ("expm",), ("logm",) or ("power", exponent)

# ---------------------------------------------------------------- blocks


def blocks(upper_left: Any, upper_right: Any, lower_right: Any) -> Any:
    """[[upper_left, upper_right], [0, lower_right]]"""
    columns, rows = len(shape_of(upper_left)) - 1, len(shape_of(upper_left)) - 2
    upper = concatenate(upper_left, upper_right, axis=columns)
    return concatenate(upper, concatenate(zeros_beside(upper_left), lower_right, axis=columns), axis=rows)


def block(x: Any, i: int, j: int) -> Any:
    n = shape_of(x)[-1] // 2
    halves = (slice(None, n), slice(n, None))
    return getitem(x, index=(*(slice(None),) * (len(shape_of(x)) - 2), halves[i], halves[j]))


def magnitude_evaluate(x: Any, *, axes: tuple[int, int] = (-2, -1)) -> Any:
    """A power of two as large as the largest element, one for each matrix; 1 where that is 0, inf or nan."""
    largest = np.max(np.abs(x), axis=axes, keepdims=True, initial=0.0)
    regular = np.isfinite(largest) & (largest > 0)
    return np.where(regular, np.exp2(np.floor(np.log2(np.where(regular, largest, 1.0)))), 1.0).astype(largest.dtype)


# What a direction is divided by before it joins a block: L is linear in it, and a large block would need more steps.
magnitude = row("magnitude", magnitude_evaluate, lift=lambda: {}, examples=[((well_conditioned(2),), {})])

# ---------------------------------------------------------------- functions with a series


def value_of(a: Any, f: Function) -> Any:
    """Of a single-precision matrix in double precision, as SciPy gives it."""
    a = a.astype(np.result_type(a, np.float64), copy=False)
    return scipy_linalg.fractional_matrix_power(a, f[1]) if f[0] == "power" else getattr(scipy_linalg, f[0])(a)


def function_evaluate(a: Any, *, f: Function) -> Any:
    if f == ("expm",):
        return scipy_linalg.expm(a)  # takes stacks
    return over_stack(lambda a: in_precision_of((a,), value_of(a, f)), (2,), a)


def has_cut(f: Function) -> bool:
    return f[0] == "logm" or (f[0] == "power" and f[1] != int(f[1]))


def angle_evaluate(a: Any, *, f: Function) -> Any:
    """The middle of the arguments of the eigenvalues, one for each matrix; 0 where the function has no branch cut.

    A real matrix has negative eigenvalues on the upper side of the cut, also where rounding splits double ones.
    """
    shape = (*a.shape[:-2], 1, 1)
    if not has_cut(f) or 0 in a.shape:
        return np.zeros(shape, np.float64)
    arguments = np.angle(np.linalg.eigvals(a))
    if not np.iscomplexobj(a):
        arguments = np.where(arguments < 1e-6 - np.pi, arguments + 2.0 * np.pi, arguments)
    return (0.5 * (arguments.max(axis=-1) + arguments.min(axis=-1))).reshape(shape)


# By how much a matrix is turned before a block is made of it.  A double eigenvalue on the branch cut would be split by
# rounding, to both sides; turned by this angle, all eigenvalues are as far from the cut as they can be.
angle = row(
    "angle_of_spectrum",
    angle_evaluate,
    lift=lambda f: {"f": f},
    examples=[((-well_conditioned(2),), {"f": f}) for f in (("logm",), ("expm",))],
)


def frechet_of_one(a: Any, e: Any, angle: Any, f: Function) -> Any:
    if f == ("expm",):  # Al-Mohy and Higham 2009, algorithm 6.4: three times the cost of expm
        return in_precision_of((a, e), scipy_linalg.expm_frechet(a, e, compute_expm=False, check_finite=False))
    size, turn, back = magnitude_evaluate(e), 1.0, 1.0
    if angle.item():  # log(A) = log(c A) - log(c) 1, and A**t = (c A)**t c**-t
        turn, back = np.exp(-1j * angle.item()), np.exp(1j * angle.item() * (f[1] if f[0] == "power" else 0.0))
    with warnings.catch_warnings():  # the value was computed, and warned, before
        warnings.simplefilter("ignore", RuntimeWarning)
        whole = value_of(turn * blocks(a, e / size, a), f)
    return in_precision_of((a, e), block(whole, 0, 1) * (size * back))


def frechet_evaluate(a: Any, e: Any, angle: Any, *, f: Function, fixed: bool = False) -> Any:
    out = over_stack(lambda angle, a, e: frechet_of_one(a, e, angle, f), (2, 2, 2), angle, a, e)
    return of_one_kind(out, fixed, a, e)


def frechet_push(a: Any, e: Any, angle: Any, a_dot: Any, e_dot: Any, f: Function) -> Any:
    """L(A, E) is a corner of f of a block matrix, and its tangent the same corner of the tangent of that."""
    if a_dot is None:
        return frechet(a, e_dot, angle, f=f)
    size = magnitude(e)
    direction = zeros_beside(a_dot) if e_dot is None else e_dot / size
    return size * block(frechet(blocks(a, e / size, a), blocks(a_dot, direction, a_dot), angle, f=f), 0, 1)


def frechet_pull(ct: Any, a: Any, e: Any, angle: Any, traced: Any, f: Function) -> tuple[Any, Any, None]:
    if not traced[0]:
        return None, frechet(swap_last(a), ct, angle, f=f), None
    size, zeros = magnitude(e), zeros_beside(ct)
    whole = frechet(swap_last(blocks(a, e / size, a)), blocks(zeros, ct, zeros), angle, f=f)
    return size * (block(whole, 0, 0) + block(whole, 1, 1)), block(whole, 0, 1), None


def fixed_function(a: Any, *, f: Function, fixed: bool = False) -> Any:
    return of_one_kind(function_evaluate(a, f=f), fixed, a)


def of_one_kind(out: Any, fixed: bool, *operands: Any) -> Any:
    """In a program, a function of real matrices is real: a result has one type for all runs."""
    if not fixed or not np.iscomplexobj(out) or any(map(np.iscomplexobj, operands)):
        return out
    if np.abs(out.imag).max() > np.sqrt(np.finfo(out.dtype).eps) * np.abs(out).max():  # more than rounding leaves
        raise ValueError(
            "a function of this real matrix is complex; a program has one type for all runs: make it a.astype(complex)"
        )
    return out.real


SERIES = [("expm",), ("logm",), ("power", 0.3), ("power", -2)]

matrix_function = row(
    "matrix_function",
    fixed_function,
    staged={"fixed": True},
    types=lambda ins, f, fixed: [Type(np.result_type(ins[0].dtype, np.float32), ins[0].shape)],
    push=lambda a, a_dot, f: frechet(a, a_dot, angle(a, f=f), f=f),
    pull=lambda ct, a, f: (frechet(swap_last(a), ct, angle(a, f=f), f=f),),
    batch=lambda size, batched, operands, **params: matrix_function(*operands, **params),
    examples=[((well_conditioned(3),), {"f": f}) for f in SERIES],
)
frechet = row(
    "frechet",
    frechet_evaluate,
    staged={"fixed": True},
    types=lambda ins, f, fixed: [Type(np.result_type(ins[0].dtype, ins[1].dtype), ins[1].shape)],
    push=frechet_push,
    pull=frechet_pull,
    batch=lambda size, batched, operands, **params: frechet(*stretch(size, batched, operands), **params),
    examples=[((well_conditioned(2), (2, 2), np.zeros((1, 1), int)), {"f": f}) for f in SERIES],
)

# ---------------------------------------------------------------- functions with an equation


def root_push(a_dot: Any, out: Any) -> Any:
    """From X X = A:  X X_dot + X_dot X = A_dot.  nan where two eigenvalues of X cancel, as for a singular A."""
    return sylvester(out, out, a_dot)


sqrtm = row(
    "sqrtm",
    lambda a, *, fixed=False: of_one_kind(over_stack(lambda a: scipy_linalg.sqrtm(a), (2,), a), fixed, a),
    staged={"fixed": True},
    push=root_push,
    pull=lambda ct, out: (sylvester(swap_last(out), swap_last(out), ct),),
    batch=lambda size, batched, operands, **params: sqrtm(*operands, **params),
    examples=[((well_conditioned(3),), {}), ((np.stack([well_conditioned(2)] * 2),), {})],
)


def sign_push(a: Any, a_dot: Any, out: Any) -> Any:
    """N S_dot + S_dot N = A_dot - S A_dot S with N = S A = (A²)^½, from A S = S A and S S = I.

    Kenney and Laub 1991, SIAM J. Matrix Anal. Appl. 12.
    """
    size = matmul(out, a)
    return sylvester(size, size, a_dot - matmul(out, matmul(a_dot, out)))


def sign_pull(ct: Any, a: Any, out: Any) -> tuple[Any]:
    size, sign = swap_last(matmul(out, a)), swap_last(out)
    right = sylvester(size, size, ct)
    return (right - matmul(sign, matmul(right, sign)),)


signm = row(
    "signm",
    lambda a, *, fixed=False: of_one_kind(over_stack(lambda a: scipy_linalg.signm(a), (2,), a), fixed, a),
    staged={"fixed": True},
    push=sign_push,
    pull=sign_pull,
    batch=lambda size, batched, operands, **params: signm(*operands, **params),
    examples=[((np.array([[2.0, 0.4, 0.1], [0.3, -1.0, 0.5], [0.2, 0.6, 1.5]]),), {})],
)

# ---------------------------------------------------------------- polar factor
#
# A = U P, with U of orthonormal columns and P Hermitian and positive definite: unique for a matrix of full rank that
# is not wide.  P = Uᴴ A is left to the names.


def from_right(x: Any, p: Any) -> Any:
    """x p⁻¹"""
    return swap_last(solve_as(swap_last(p), swap_last(x), assume_a=None, lower=False))


def polar_parts(a: Any, u: Any) -> Any:
    return hermitian_part(matmul(adjoint(u), a))


def unitary_push(a: Any, a_dot: Any, out: Any) -> Any:
    """U_dot = U Ω + (A_dot - U Uᴴ A_dot) P⁻¹, where Ω is skew:  P Ω + Ω P = Uᴴ A_dot - A_dotᴴ U.

    From A_dot = U_dot P + U P_dot times Uᴴ, and its adjoint subtracted, which removes P_dot.
    """
    p, inner = polar_parts(a, out), matmul(adjoint(out), a_dot)
    return matmul(out, sylvester(p, p, inner - adjoint(inner))) + from_right(a_dot - matmul(out, inner), p)


def unitary_pull(ct: Any, a: Any, out: Any) -> tuple[Any]:
    """`unitary_push` step by step from the result back."""
    p, turned = polar_parts(a, out), swap_last(out)
    skew = sylvester(swap_last(p), swap_last(p), matmul(turned, ct))
    outside = from_right(ct, swap_last(p))
    inner = skew - adjoint(skew) - matmul(turned, outside)
    return (outside + matmul(conjugate(out), inner),)


polar_unitary = row(
    "polar_unitary",
    lambda a: over_stack(lambda a: scipy_linalg.polar(a)[0], (2,), a),
    push=unitary_push,
    pull=unitary_pull,
    lift=lambda: {},
    examples=[((well_conditioned(3),), {}), ((np.array([[1.0, 0.2], [0.3, 2.0], [0.5, 0.1]]),), {})],
)

# ---------------------------------------------------------------- P A = L U, partial pivoting
#
# Which rows are exchanged is a step function of A: constant rows.  L and U lie in one array, as LAPACK stores them.


def pivots_evaluate(a: Any, *, check_finite: bool) -> Any:
    """Row i was exchanged with row pivots[i], in this order."""
    *stack, m, n = a.shape
    each = [scipy_linalg.lu_factor(a[lane], check_finite=check_finite)[1] for lane in np.ndindex(*stack)]
    return np.array(each, np.int32).reshape(*stack, min(m, n))


def order_evaluate(pivots: Any, *, rows: int, inverse: bool) -> Any:
    """Which row of A is row i of P A; or the inverse of that."""
    order = np.empty((*pivots.shape[:-1], rows), np.int32)
    for lane in np.ndindex(pivots.shape[:-1]):
        places = np.arange(rows, dtype=np.int32)
        for i, j in enumerate(pivots[lane]):
            places[[i, j]] = places[[j, i]]
        order[lane] = np.argsort(places) if inverse else places
    return order


pivots = row(
    "pivots",
    pivots_evaluate,
    lift=lambda check_finite: {"check_finite": check_finite},
    examples=[((well_conditioned(3)[[1, 2, 0], :2],), {"check_finite": True})],
)
order = row("order", order_evaluate, lift=lambda rows, inverse: {"rows": rows, "inverse": inverse})
exchange = row(
    "exchange",
    lambda order, *, dtype: np.eye(order.shape[-1], dtype=dtype)[order],  # P
    lift=lambda dtype: {"dtype": dtype},
)


def padded(x: Any, n: int, corner: Any) -> Any:
    """x of shape (..., rows, columns) as the first rows or columns of an n x n matrix; `corner` fills the diagonal.

    If P A = L U is tall, [P A, [0, I]] = [L, [0, I]] [[U, 0], [0, I]]; likewise if it is wide.
    """
    *stack, rows, columns = shape_of(x)
    if rows == columns:
        return x
    added = (corner * np.eye(n, dtype=dtype_of(x)))[:, columns:] if rows > columns else (corner * np.eye(n))[rows:]
    added = np.broadcast_to(added.astype(dtype_of(x)), (*stack, *added.shape))
    return concatenate(x, added, axis=len(stack) + (rows > columns))


def first(x: Any, rows: int, columns: int) -> Any:
    index = (*(slice(None),) * (len(shape_of(x)) - 2), slice(None, rows), slice(None, columns))
    return x if shape_of(x)[-2:] == (rows, columns) else getitem(x, index=index)


def lower_part(x: Any) -> Any:
    return where(triangle(shape_of(x)[-1], True, True), x, 0.0)


def upper_part(x: Any) -> Any:
    return where(triangle(shape_of(x)[-1], False, False), x, 0.0)


def unit_lower(x: Any) -> Any:
    n = shape_of(x)[-1]
    return where(triangle(n, True, True), x, np.eye(n, dtype=dtype_of(x)))


def packed_push(a_dot: Any, p: Any, out: Any) -> Any:
    """L_dot = L F₋ and U_dot = F₊ U, where F = L⁻¹ P A_dot U⁻¹, F₋ lies below the diagonal and F₊ is the rest.

    From P A_dot = L_dot U + L U_dot, times L⁻¹ and U⁻¹.  De Hoog, Anderssen and Lukas 2011, Math. Comp. 80.
    """
    m, n = shape_of(out)[-2:]
    packed, change = (padded(x, max(m, n), c) for x, c in ((out, 1.0), (matmul(p, a_dot), 0.0)))
    inner = triangular_solve(packed, change, lower=True, unit_diagonal=True)
    f = swap_last(triangular_solve(swap_last(packed), swap_last(inner), lower=True, unit_diagonal=False))
    return first(matmul(unit_lower(packed), lower_part(f)) + matmul(upper_part(f), upper_part(packed)), m, n)


def packed_pull(ct: Any, p: Any, out: Any) -> tuple[Any, None]:
    """`packed_push` step by step from the result back."""
    m, n = shape_of(out)[-2:]
    packed, ct = padded(out, max(m, n), 1.0), padded(ct, max(m, n), 0.0)
    f_bar = lower_part(matmul(swap_last(unit_lower(packed)), ct)) + upper_part(
        matmul(ct, swap_last(upper_part(packed)))
    )
    inner = swap_last(triangular_solve(packed, swap_last(f_bar), lower=False, unit_diagonal=False))
    change = triangular_solve(swap_last(packed), inner, lower=False, unit_diagonal=True)
    return matmul(swap_last(p), first(change, m, n)), None


def packed_evaluate(a: Any, p: Any) -> Any:
    return over_stack(lambda p, a: scipy_linalg.lu_factor(a, check_finite=False)[0], (2, 2), p, a)


# p is what `pivots` finds for a, which NumPy's floats determine: factoring twice gives the same
packed_lu = row(
    "packed_lu",
    packed_evaluate,
    push=packed_push,
    pull=packed_pull,
    batch=lambda size, batched, operands: packed_lu(*stretch(size, batched, operands)),
    examples=[
        ((well_conditioned(3), np.eye(3, dtype=int)), {}),
        ((well_conditioned(3)[[1, 2, 0], :2], np.eye(3, dtype=int)[[2, 0, 1]]), {}),
        ((well_conditioned(3)[:2], np.eye(2, dtype=int)), {}),
    ],
)


# ---------------------------------------------------------------- what LAPACK chooses


def phases_evaluate(v: Any, *operands: Any, solver: str, options: dict[str, Any]) -> Any:
    """The factors, of modulus 1, that make SciPy's eigenvectors of `operands` of NumPy's in the columns of v."""
    stack = v.shape[:-2]
    out = np.ones((*stack, v.shape[-1]), v.dtype)
    for lane in np.ndindex(stack) if v.size else ():
        matrices = [np.broadcast_to(x, stack + x.shape[-2:])[lane] for x in operands]
        wanted = getattr(scipy_linalg, solver)(*matrices, check_finite=False, **options)[1]
        inner = np.sum(np.conj(v[lane]) * wanted, axis=0)
        inner = inner if np.iscomplexobj(v) else inner.real
        size = np.abs(inner)
        out[lane] = np.where(size > 0, inner, 1.0) / np.where(size > 0, size, 1.0)
    return out


phases = row(
    "phases",
    phases_evaluate,
    batch=lambda size, batched, operands, **params: phases(*stretch(size, batched, operands), **params),
    examples=[((np.eye(3), well_conditioned(3)), {"solver": "eigh", "options": {}})],
)
column_order = row(
    "column_order",
    lambda a: scipy_linalg.qr(a, mode="r", pivoting=True, check_finite=False)[1],
    absent={"batch": "lane by lane"},
    examples=[((well_conditioned(3),), {})],
)
