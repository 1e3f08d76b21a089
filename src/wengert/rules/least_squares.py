"""Pseudoinverse and least squares.  Bars: as in `eigenvalues`.

The rank is taken for constant: NumPy's result is continuous along such matrices only.
"""

from typing import Any

import numpy as np

from wengert.core.primitive import Primitive as row
from wengert.core.types import dtype_of, shape_of
from wengert.rules.contract import matmul
from wengert.rules.degenerate import SPREAD, TALL, WIDE, Reason, adjoint, conjugate, refuse, resolution, sum_rows, total
from wengert.rules.elementwise import real, where
from wengert.rules.linalg import complete, complete_transpose
from wengert.rules.singular_values import svdvals_pull, svdvals_push

CUT_OFF = Reason(
    "the derivative of a pseudoinverse is used that leaves out singular values which are not zero",
    "the formula for matrices of constant rank does not hold for it",
    "take it apart with u, s, vh = np.linalg.svd(a, full_matrices=False), choose among s, and multiply again",
)


def cuts_off_evaluate(a: Any, *, rcond: Any, hermitian: bool) -> Any:
    """(..., 1, 1): whether singular values below the limit are larger than rounding errors."""
    s = np.linalg.svd(a, compute_uv=False, hermitian=hermitian)
    largest = s[..., :1]
    noise = resolution(max(a.shape[-2:]), s.dtype) * largest
    return np.any((s <= np.asarray(rcond)[..., None] * largest) & (s > noise), axis=-1)[..., None, None]


cuts_off = row(
    "cuts_off",
    cuts_off_evaluate,
    lift=lambda rcond, hermitian: {"rcond": rcond, "hermitian": hermitian},
    examples=[((SPREAD,), {"rcond": limit, "hermitian": False}) for limit in (1e-15, 0.3)],
)


def left_out(a: Any, rcond: Any, hermitian: bool) -> Any:
    """False where the limit lies within rounding anyway, which costs nothing to see."""
    if np.all(np.asarray(rcond) <= resolution(max(shape_of(a)[-2:]), np.finfo(dtype_of(a)).dtype)):
        return np.array(False)
    return cuts_off(a, rcond=rcond, hermitian=hermitian)


def triple(x: Any, y: Any, z: Any) -> Any:
    """x y z by the cheaper of two ways: of a tall or wide matrix, one goes through a large square."""
    m, n, p, q = *shape_of(x)[-2:], *shape_of(z)[-2:]
    if m * p * (n + q) < n * q * (p + m):
        return matmul(matmul(x, y), z)
    return matmul(x, matmul(y, z))


def pinv_push(a: Any, a_dot: Any, out: Any, rcond: Any, hermitian: bool) -> Any:
    """P_dot = -P A_dot P + P Pᴴ A_dotᴴ (I - A P) + (I - P A) A_dotᴴ Pᴴ P.  Golub and Pereyra 1973, equation 4.12."""
    undefined = left_out(a, rcond, hermitian)
    if hermitian:
        a, a_dot = complete(a), complete(a_dot)
    p, ph, back = out, adjoint(out), adjoint(a_dot)
    first, second = triple(p, ph, back), triple(back, ph, p)
    out_dot = first - triple(first, a, p) + second - triple(p, a, second) - triple(p, a_dot, p)
    return where(undefined, np.nan, out_dot)


def pinv_pull(ct: Any, a: Any, out: Any, rcond: Any, hermitian: bool) -> tuple[Any]:
    """Ā = -Pᴴ P̄ Pᴴ + (I - A P) P̄ᴴ P Pᴴ + Pᴴ P P̄ᴴ (I - P A): `pinv_push` turned round."""
    ct = refuse(ct, left_out(a, rcond, hermitian), reason=CUT_OFF)
    a = complete(a) if hermitian else a
    p, ph, back = out, adjoint(out), adjoint(conjugate(ct))
    first, second = triple(back, p, ph), triple(ph, p, back)
    a_bar = first - triple(a, p, first) + second - triple(second, p, a)
    a_bar = conjugate(a_bar - triple(ph, adjoint(back), ph))
    return (complete_transpose(a_bar) if hermitian else a_bar,)


DEFICIENT = np.array([[1.0, 2.0], [2.0, 4.0], [-1.0, -2.0]])

pinv = row(
    "pinv",
    lambda a, *, rcond, hermitian: np.linalg.pinv(a, rcond=rcond, hermitian=hermitian),
    push=pinv_push,
    pull=pinv_pull,
    lift=lambda rcond, hermitian: {"rcond": rcond, "hermitian": hermitian},
    examples=[((x,), {"rcond": 1e-15, "hermitian": False}) for x in (SPREAD, TALL, WIDE, np.stack([TALL, 2.0 + TALL]))]
    + [((SPREAD,), {"rcond": 1e-15, "hermitian": True}), ((np.zeros((0, 3)),), {"rcond": 1e-15, "hermitian": False})],
)

# ---------------------------------------------------------------- least squares


def lstsq_parts(a: Any, b: Any, x: Any, rcond: float) -> tuple[Any, Any, Any]:
    """(pseudoinverse, its adjoint, what remains of b)."""
    p = pinv(a, rcond=rcond, hermitian=False)
    return p, adjoint(p), b - matmul(a, x)


def lstsq_push(a: Any, b: Any, a_dot: Any, b_dot: Any, out: Any, rcond: float) -> tuple[Any, ...]:
    """x = P b with `pinv_push`, r = b - A x:  x_dot = P (b_dot - A_dot x) + P Pᴴ A_dotᴴ r + (I - P A) A_dotᴴ Pᴴ x.

    |r|² moves as if x stood still, since r is orthogonal to the columns of A.
    """
    x, remaining, _, _ = out
    p, ph, r = lstsq_parts(a, b, x, rcond)
    moved = total(b_dot, None if a_dot is None else -matmul(a_dot, x))
    x_dot = matmul(p, moved)
    if a_dot is not None:
        z = matmul(adjoint(a_dot), matmul(ph, x))
        x_dot = x_dot + matmul(p, matmul(ph, matmul(adjoint(a_dot), r))) + z - matmul(p, matmul(a, z))
    remaining_dot = 2.0 * real_inner(r, moved) if shape_of(remaining) != (0,) else None
    s_dot = None if a_dot is None else svdvals_push(a, a_dot, False)
    return x_dot, remaining_dot, None, s_dot


def real_inner(x: Any, y: Any) -> Any:
    product = sum_rows(conjugate(x) * y)
    return real(product) if dtype_of(product).kind == "c" else product


def lstsq_pull(ct: Any, a: Any, b: Any, out: Any, rcond: float, traced: tuple[bool, bool]) -> tuple[Any, Any]:
    """b̄ = Pᴴ x̄, Ā = -b̄ xᴴ + r (P b̄)ᴴ + Pᴴ x ((I - P A) x̄)ᴴ; and ± 2 r for each |r|²."""
    (x_ct, remaining_ct, _, s_ct), x = ct, out[0]
    p, ph, r = lstsq_parts(a, b, x, rcond)
    b_bar, a_bar = None, None
    if x_ct is not None:
        x_bar = conjugate(x_ct)
        b_bar = matmul(ph, x_bar)
        free = x_bar - matmul(p, matmul(a, x_bar))
        a_bar = matmul(r, adjoint(matmul(p, b_bar))) + matmul(matmul(ph, x), adjoint(free))
    if remaining_ct is not None and shape_of(remaining_ct) != (0,):
        b_bar = total(b_bar, 2.0 * r * remaining_ct[None, :])
    if b_bar is not None:
        a_bar = total(a_bar, -matmul(b_bar, adjoint(x)))
    a_ct = None if a_bar is None else conjugate(a_bar)
    if s_ct is not None:
        a_ct = total(a_ct, svdvals_pull(s_ct, a, False)[0])
    return a_ct if traced[0] else None, conjugate(b_bar) if traced[1] and b_bar is not None else None


def lstsq_evaluate(a: Any, b: Any, *, rcond: Any, fixed: bool = False) -> Any:
    """NumPy leaves out what remains of b where the columns of a are dependent; with `fixed` it is there, too."""
    x, remaining, rank, s = np.linalg.lstsq(a, b, rcond)
    if fixed and a.shape[0] > a.shape[1] and remaining.size == 0:
        remaining = np.sum(np.abs(b - a @ x) ** 2, axis=0)
    return x, remaining, rank, s


lstsq = row(
    "lstsq",
    lstsq_evaluate,
    staged={"fixed": True},
    push=lstsq_push,
    pull=lstsq_pull,
    several=True,
    absent={"batch": "NumPy has none for stacks: lane by lane"},
    examples=[((x, (shape_of(x)[0], 2)), {"rcond": 1e-15}) for x in (SPREAD, TALL, WIDE)],
)

# ---------------------------------------------------------------- rank: a step function

matrix_rank = row(
    "matrix_rank",
    lambda a, *, tol, hermitian, rtol: np.linalg.matrix_rank(a, tol, hermitian, rtol=rtol),
    lift=lambda tol, hermitian, rtol: {"tol": tol, "hermitian": hermitian, "rtol": rtol},
    examples=[((x,), {"tol": None, "hermitian": False, "rtol": None}) for x in (DEFICIENT, TALL)],
)
