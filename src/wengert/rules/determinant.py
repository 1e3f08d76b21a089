"""Determinants.  The derivative of det is the matrix of cofactors, which exists at singular matrices as well."""

from typing import Any

import numpy as np

from wengert.core.primitive import Primitive as row
from wengert.core.types import dtype_of, shape_of
from wengert.rules.contract import matmul
from wengert.rules.degenerate import ROTATING, SPREAD, SQUARES
from wengert.rules.elementwise import imag, real, scale
from wengert.rules.linear import reduce_sum, reshape, swap_last, zeros_like

SINGULAR = np.array([[2.0, 1.0, 0.5], [0.3, -0.4, 0.7], [2.3, 0.6, 1.2]])  # the third line is the sum of the others
RANK_ONE = np.outer([1.0, 2.0, -1.0], [0.5, 0.3, 2.0])


def inner(x: Any, y: Any) -> Any:
    """The sum of x ∘ y over matrices."""
    n = len(shape_of(x))
    return reduce_sum(x * y, axes=(n - 2, n - 1))


def as_matrices(x: Any) -> Any:
    """Numbers, one for each matrix of a stack, with two more axes."""
    return reshape(x, shape=(*shape_of(x), 1, 1))


# ---------------------------------------------------------------- inverse, nan where there is none


def inverse_or_nan_evaluate(a: Any, *, trusted: bool) -> Any:
    inverse, condition, _ = inverted(a)
    limit = trusted_condition(a.dtype, 3) if trusted else np.finfo(condition.dtype).max
    return np.where((condition <= limit)[..., None, None], inverse, np.nan)


def inverted(a: Any) -> tuple[Any, Any, Any]:
    """(inverse, condition in the 1-norm, determinant); a singular matrix has condition inf, and nan has nan."""
    with np.errstate(all="ignore"):
        determinant = np.linalg.det(a)
        # the determinant of a large regular matrix may overflow or vanish, its logarithm does not
        regular = representable(determinant) or np.asarray(np.isfinite(np.linalg.slogdet(a)[1]))
        regular = np.broadcast_to(regular, a.shape[:-2])[..., None, None]
        inverse = np.linalg.inv(np.where(regular, a, np.eye(a.shape[-1], dtype=a.dtype)))
        condition = np.where(regular[..., 0, 0], one_norm(a) * one_norm(inverse), np.inf)
    return inverse, condition, determinant


def representable(determinant: Any) -> bool:
    return bool(np.all(np.isfinite(determinant) & (determinant != 0)))


def one_norm(a: Any) -> Any:
    return np.max(np.sum(np.abs(a), axis=-2), axis=-1, initial=0)


def trusted_condition(dtype: Any, inverses: int) -> float:
    """How badly conditioned a matrix may be for a product of so many inverses to keep a good third of its digits, at
    the very worst: 2e6 for one, 1e3 for three in double precision."""
    return float(np.finfo(dtype).eps ** {1: -0.4, 3: -0.2}[inverses])


inverse_or_nan = row(
    "inverse_or_nan",
    inverse_or_nan_evaluate,
    push=lambda a_dot, out: -matmul(out, matmul(a_dot, out)),  # as `inv`
    pull=lambda ct, out: (-matmul(swap_last(out), matmul(ct, swap_last(out))),),
    lift=lambda trusted: {"trusted": trusted},
    examples=[((SPREAD,), {"trusted": True}), ((SQUARES,), {"trusted": False})],
)

# ---------------------------------------------------------------- cofactors


def cofactor_evaluate(a: Any) -> Any:
    """det(A) A⁻ᵀ where A is well conditioned, else by singular values, which divides by nothing and costs much more."""
    inverse, condition, determinant = inverted(a)
    out = np.asarray(determinant)[..., None, None] * np.swapaxes(inverse, -1, -2)
    exact = np.isfinite(determinant) & (determinant != 0)
    doubtful = ~((condition <= trusted_condition(a.dtype, 1)) & exact)
    if doubtful.any():
        out[doubtful] = cofactor_by_singular_values(a[doubtful])
    return out


def cofactor_by_singular_values(a: Any) -> Any:
    """cof(U S Vᴴ) = det(U) det(Vᴴ) conj(U) diag(p) conj(Vᴴ), p_i the product of all singular values but the i-th."""
    u, s, vh, phase = turned(a)
    return phase * (u.conj() * products_without_one(s)[..., None, :]) @ vh.conj()


def turned(a: Any) -> tuple[Any, Any, Any, Any]:
    """(U, s, Vᴴ, det(U) det(Vᴴ)) in double precision; nan where A is not finite."""
    wide = a.astype(np.result_type(a.dtype, np.float64))
    finite = np.isfinite(wide).all(axis=(-2, -1), keepdims=True)
    u, s, vh = np.linalg.svd(np.where(finite, wide, 0.0))
    phase = (np.linalg.det(u) * np.linalg.det(vh))[..., None, None]
    return u, s, vh, np.where(finite, phase, np.nan)


def products_without_one(s: Any) -> Any:
    ones = np.ones_like(s[..., :1])
    before = np.cumprod(np.concatenate([ones, s[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([ones, s[..., :0:-1]], axis=-1), axis=-1)
    return before * after[..., ::-1]


def cofactor_dot_evaluate(a: Any, e: Any) -> Any:
    """The derivative of the cofactors along E.  With B = Uᴴ E V and p_ij the product of all singular values but two,

    it is det(U) det(Vᴴ) conj(U) K conj(Vᴴ),  K_ii = Σ_k p_ik B_kk,  K_ij = -p_ij B_ji:  the second derivative of the
    determinant of S + B, a sum of 2 x 2 minors.
    """
    u, s, vh, phase = turned(a)
    b = np.swapaxes(u.conj(), -1, -2) @ e @ np.swapaxes(vh.conj(), -1, -2)
    p = products_without_two(s)
    diagonal = np.einsum("...ij,...jj->...i", p, b)
    k = diagonal[..., None] * np.eye(a.shape[-1]) - p * np.swapaxes(b, -1, -2)
    return (phase * (u.conj() @ k @ vh.conj())).astype(np.result_type(a, e))


def products_without_two(s: Any) -> Any:
    """(..., n, n), zero on the diagonal."""
    n = s.shape[-1]
    if n == 0:
        return np.zeros((*s.shape, 0), s.dtype)
    mine = np.eye(n, dtype=bool)
    lines = [np.where(mine[i], 0.0, products_without_one(np.where(mine[i], 1.0, s))) for i in range(n)]
    return np.stack(lines, axis=-2)


def third_derivative(a: Any, e: Any, f: Any) -> Any:
    """Of the determinant along E and F: det times what d(⟨G, E⟩ G - G Eᵀ G) gives for G = A⁻ᵀ, dG = -G Fᵀ G.

    nan where A is not well conditioned.  A form of degree n <= 2 has none.
    """
    if shape_of(a)[-1] <= 2:
        return zeros_like(a)
    g = swap_last(inverse_or_nan(a, trusted=True))
    ge, gf = matmul(g, swap_last(e)), matmul(g, swap_last(f))
    along_e, along_f = inner(g, e), inner(g, f)
    geg, gfg = matmul(ge, g), matmul(gf, g)
    total = as_matrices(along_e * along_f - inner(gfg, e)) * g
    total = total - as_matrices(along_f) * geg - as_matrices(along_e) * gfg
    return as_matrices(det(a)) * (total + matmul(gf, geg) + matmul(ge, gfg))


def cofactor_dot_push(a: Any, e: Any, a_dot: Any, e_dot: Any) -> Any:
    terms = [] if a_dot is None else [third_derivative(a, e, a_dot)]
    terms += [] if e_dot is None else [cofactor_dot(a, e_dot)]
    return terms[0] if len(terms) == 1 else terms[0] + terms[1]


def cofactor_dot_pull(ct: Any, a: Any, e: Any, traced: tuple[bool, bool]) -> tuple[Any, Any]:
    """Derivatives of one function: symmetric in all directions, so that they are their own transposes."""
    return third_derivative(a, e, ct) if traced[0] else None, cofactor_dot(a, ct) if traced[1] else None


cofactor = row(
    "cofactor",
    cofactor_evaluate,
    push=lambda a, a_dot: cofactor_dot(a, a_dot),
    pull=lambda ct, a: (cofactor_dot(a, ct),),
    lift=lambda: {},
    examples=[((SPREAD,), {}), ((np.stack([SPREAD, SPREAD.T]),), {}), (((0, 0),), {}), ((np.eye(1) * 0.0,), {})],
)
cofactor_dot = row(
    "cofactor_dot",
    cofactor_dot_evaluate,
    push=cofactor_dot_push,
    pull=cofactor_dot_pull,
    lift=lambda: {},  # matrices of one stack
    examples=[((SPREAD, (3, 3)), {}), ((SPREAD[:2, :2], (2, 2)), {}), ((SQUARES, (2, 3, 3)), {})],
)

# ---------------------------------------------------------------- determinant and its logarithm

# Jacobi's formula, with the cofactors for det(A) A⁻ᵀ; Giles 2008, section 2.2.4, Petersen and Pedersen 2012, eq. 46
det = row(
    "det",
    lambda a: np.linalg.det(a),
    push=lambda a, a_dot: inner(cofactor(a), a_dot),
    pull=lambda ct, a: (as_matrices(ct) * cofactor(a),),
    lift=lambda: {},
    examples=[
        *[((x,), {}) for x in (SPREAD, SQUARES, SINGULAR, RANK_ONE, np.zeros((2, 2)), SPREAD + 1j * ROTATING)],
        (((0, 0),), {}),
    ],
)


def slogdet_push(a: Any, a_dot: Any, out: Any) -> tuple[Any, Any]:
    """d log det A = tr(A⁻¹ A_dot); its imaginary part turns the sign of a complex determinant.  Giles 2008, 2.2.4."""
    change = inner(swap_last(inverse_or_nan(a, trusted=False)), a_dot)
    if dtype_of(out[0]).kind != "c":
        return None, change
    return out[0] * (1j * imag(change)), real(change)


def slogdet_pull(ct: Any, a: Any, out: Any) -> tuple[Any]:
    sign_bar, log_bar = ct
    factor = log_bar
    if sign_bar is not None and dtype_of(out[0]).kind == "c":
        turn = -1j * real(1j * sign_bar * out[0])
        factor = turn if log_bar is None else log_bar + turn
    if factor is None:
        return (None,)
    return (scale(swap_last(inverse_or_nan(a, trusted=False)), as_matrices(factor)),)


slogdet = row(
    "slogdet",
    lambda a: tuple(np.linalg.slogdet(a)),
    push=slogdet_push,
    pull=slogdet_pull,
    lift=lambda: {},
    several=True,
    examples=[((SPREAD,), {}), ((SQUARES,), {}), ((SPREAD + 1j * ROTATING,), {}), (((0, 0),), {})],
)
