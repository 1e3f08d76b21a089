"""Linear algebra: derivations from the defining equation of each factorisation or solve."""

from typing import Any

import numpy as np

from wengert.core.primitive import Primitive as row
from wengert.core.types import Shape, dtype_of, shape_of
from wengert.rules.contract import matmul
from wengert.rules.elementwise import conj, where
from wengert.rules.indexing import align
from wengert.rules.linear import convert, swap_last, unbroadcast
from wengert.rules.solvers import triangular_solve
from wengert.rules.triangles import identity, lower_triangle

# ---------------------------------------------------------------- solve


def solve_push(a: Any, a_dot: Any, b_dot: Any, out: Any) -> Any:
    """From a x = b:  a x_dot = b_dot - a_dot x."""
    right = 0.0 if b_dot is None else b_dot
    return solve(a, right if a_dot is None else right - matmul(a_dot, out))


def solve_pull(ct: Any, a: Any, out: Any, b_shape: Shape, traced: tuple[bool, bool]) -> tuple[Any, Any]:
    """b_bar solves aᵀ b_bar = ct, and a_bar = -b_bar xᵀ.  Giles 2008, section 2.3.1."""
    b_bar = solve(swap_last(a), ct)
    a_bar = unbroadcast(-matmul(b_bar, swap_last(out)), shape_of(a)) if traced[0] else None
    return a_bar, unbroadcast(b_bar, b_shape) if traced[1] else None


def solve_batch(size: int, batched: Any, operands: Any) -> Any:
    rank = max(len(shape_of(x)) - b for x, b in zip(operands, batched))
    return solve(*[align(x, rank) if b else x for x, b in zip(operands, batched)])


def well_conditioned(n: int) -> Any:
    return np.eye(n) * n + np.arange(n * n).reshape(n, n) / (n * n)


solve = row(
    "solve",
    lambda a, b: np.linalg.solve(a, b),  # b has at least two axes: names.py adds one to a vector
    push=solve_push,
    pull=solve_pull,
    batch=solve_batch,
    examples=[((well_conditioned(3), (3, 2)), {}), ((np.stack([well_conditioned(2)] * 3), (2, 1)), {})],
)


# ---------------------------------------------------------------- cholesky


def lower_half(x: Any, lower: bool = True) -> Any:
    """φ: the lower triangle with the diagonal halved; or the upper one.  What stands in the other is not read."""
    n = shape_of(x)[-1]
    chosen = lower_triangle(n) if lower else swap_last(lower_triangle(n))
    return where(chosen, x, 0.0) * convert(1.0 - 0.5 * identity(n, np.dtype(float)), dtype=dtype_of(x))


def cholesky_push(a_dot: Any, out: Any) -> Any:
    """Tangent of L where A = L Lᴴ.

    A, A_dot: (..., n, n) Hermitian; returns (..., n, n) lower triangular.
    From A_dot = L_dot Lᴴ + L L_dotᴴ:  L_dot = L φ(L⁻¹ A_dot L⁻ᴴ), φ = lower triangle, diagonal halved.
    Murray 2016, arXiv:1602.07527, equation 8.  NumPy reads the lower triangle of A only, so A_dot is completed from it.
    """
    symmetric = complete(a_dot)
    inner = solve_factor(out, swap_last(conj(solve_factor(out, symmetric))))
    return matmul(out, lower_half(swap_last(conj(inner))))


def complete(a: Any, lower: bool = True) -> Any:
    """The Hermitian matrix that NumPy makes of one triangle of `a`."""
    half = lower_half(a, lower)
    return half + swap_last(conj(half))


def complete_transpose(ct: Any, lower: bool = True) -> Any:
    """The other triangle gets 0, since NumPy does not read it."""
    return lower_half(ct + swap_last(conj(ct)), lower)


def cholesky_pull(ct: Any, out: Any) -> tuple[Any]:
    """The transpose of `cholesky_push`, in four steps from the result back.

    K = L⁻ᵀ φ(Lᵀ L_bar) conj(L)⁻¹, and A_bar = φ-mask of K + Kᴴ.  Murray 2016, equation 10, without his last step: as
    NumPy reads the lower triangle only, the upper one gets 0.
    """
    inner = solve_factor(swap_last(out), lower_half(matmul(swap_last(out), ct)), lower=False)
    k = swap_last(solve_factor(swap_last(conj(out)), swap_last(inner), lower=False))
    return (complete_transpose(k),)


def solve_factor(triangle: Any, b: Any, lower: bool = True) -> Any:
    return triangular_solve(triangle, b, lower=lower, unit_diagonal=False)


cholesky = row(
    "cholesky",
    lambda a: np.linalg.cholesky(a),
    push=cholesky_push,
    pull=cholesky_pull,
    lift=lambda: {},
    examples=[((well_conditioned(3) @ well_conditioned(3).T,), {})],
)


# ---------------------------------------------------------------- inverse


inv = row(
    "inv",
    lambda a: np.linalg.inv(a),
    push=lambda a_dot, out: -matmul(out, matmul(a_dot, out)),  # from A A⁻¹ = I; Giles 2008, section 2.2.3
    pull=lambda ct, out: (-matmul(swap_last(out), matmul(ct, swap_last(out))),),
    lift=lambda: {},
    examples=[((well_conditioned(3),), {})],
)
