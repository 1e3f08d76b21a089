"""QR factorisation.  Bars: as in `eigenvalues`."""

from typing import Any

import numpy as np

from wengert.core.primitive import Primitive as row
from wengert.core.types import dtype_of, shape_of
from wengert.rules.contract import matmul
from wengert.rules.degenerate import (
    AWAY,
    ROTATING,
    SPREAD,
    SQUARES,
    TALL,
    WIDE,
    Reason,
    adjoint,
    beside,
    conjugate,
    imaginary_part,
    real_part,
    refuse,
    resolution,
    sum_rows,
    total,
    without_phase,
)
from wengert.rules.elementwise import where
from wengert.rules.join import concatenate
from wengert.rules.linalg import solve
from wengert.rules.linear import swap_last, zeros_like

DEPENDENT_COLUMNS = Reason(
    "the derivative of a QR factorisation is used, and the (first) columns of the matrix are linearly dependent",
    "the factors jump when such a matrix moves",
    "use np.linalg.pinv, lstsq or svdvals, or add a small matrix that makes the columns independent",
)
COMPLETING_COLUMNS = Reason(
    "the derivative of columns of Q is used that mode='complete' adds",
    "they are an arbitrary basis of what is orthogonal to the matrix",
    "use mode='reduced'; the projection on what is orthogonal to the columns of a is I - q q^H",
)


def dependent_evaluate(r: Any, *, n: int) -> Any:
    """(..., 1, 1): whether a diagonal entry of R is negligible."""
    sizes = np.abs(np.diagonal(r, axis1=-2, axis2=-1))
    low, high = np.min(sizes, axis=-1, initial=np.inf), np.max(sizes, axis=-1, initial=0)
    return (low <= resolution(n, sizes.dtype) * high)[..., None, None]


dependent = row("dependent", dependent_evaluate, lift=lambda n: {"n": n}, examples=[((AWAY,), {"n": 3})])


class Factors:
    """Q and R of one matrix: the first k columns of Q, the square block of R, and whether that is singular."""

    def __init__(self, out: Any) -> None:
        q, r = out
        self.rows, self.columns = shape_of(q)[-2], shape_of(r)[-1]
        self.count = k = min(self.rows, self.columns)
        self.q, self.others = q[..., :k], q[..., k:]
        self.r = r[..., :k, :k]
        self.lost = dependent(self.r, n=max(self.rows, self.columns))
        self.safe = where(self.lost, np.eye(k, dtype=dtype_of(r)), self.r)

    def undefined_rest(self) -> bool:
        """A single vector that completes the basis is unique."""
        return self.rows - self.count > 1


def triangle(n: int, diagonal: int, like: Any) -> Any:
    return np.triu(np.ones((n, n), np.finfo(dtype_of(like)).dtype), diagonal)


def upper_part(c: Any) -> Any:
    """T with C - T anti-Hermitian and a real diagonal: the upper triangle plus the lower one's adjoint."""
    n = shape_of(c)[-1]
    return (c + adjoint(c)) * triangle(n, 1, c) + real_part(c) * np.eye(n, dtype=dtype_of(c))


def upper_part_adjoint(t_bar: Any) -> Any:
    n = shape_of(t_bar)[-1]
    above = t_bar * triangle(n, 1, t_bar)
    return above + adjoint(above) + real_part(t_bar) * np.eye(n, dtype=dtype_of(t_bar))


def qr_push(a: Any, a_dot: Any, out: Any) -> tuple[Any, Any]:
    """From A = Q R, with C = Qᴴ A_dot R⁻¹ and T = `upper_part`(C):  R_dot = T R,  Q_dot = A_dot R⁻¹ - Q T.

    C - T = Qᴴ Q_dot is anti-Hermitian, T = R_dot R⁻¹ upper triangular with a real diagonal, as that of R is.  Of a wide
    matrix [A1 A2], Q belongs to A1, and R2 = Qᴴ A2.  Walter and Lehmann 2010 (arXiv:1001.1654).
    """
    factors, k = Factors(out), min(shape_of(a)[-2:])
    q, rest = factors.q, factors.others
    scaled = swap_last(solve(swap_last(factors.safe), swap_last(a_dot[..., :k])))
    t = upper_part(matmul(adjoint(q), scaled))
    q_dot, r_dot = scaled - matmul(q, t), matmul(t, factors.r)
    if factors.columns > k:
        r_dot = beside(r_dot, matmul(adjoint(q_dot), a[..., k:]) + matmul(adjoint(q), a_dot[..., k:]))
    if shape_of(rest)[-1]:
        rest_dot = -matmul(q, matmul(adjoint(q_dot), rest))
        q_dot = beside(q_dot, where(factors.undefined_rest(), np.nan, rest_dot))
        below = np.zeros((*shape_of(out[1])[:-2], shape_of(rest)[-1], factors.columns), dtype_of(out[1]))
        r_dot = concatenate(r_dot, below, axis=len(shape_of(r_dot)) - 2)
    return where(factors.lost, np.nan, q_dot), where(factors.lost, np.nan, r_dot)


def qr_pull(ct: Any, a: Any, out: Any) -> tuple[Any]:
    """Ā = (Q̄ + Q C̄) R⁻ᴴ with C̄ = upper_part* (R̄ Rᴴ - Qᴴ Q̄).  Walter and Lehmann 2010."""
    factors, k = Factors(out), min(shape_of(a)[-2:])
    q_bar, r_bar = [None if c is None else conjugate(refuse(c, factors.lost, reason=DEPENDENT_COLUMNS)) for c in ct]
    q = factors.q
    q_bar = None if q_bar is None else first_columns_bar(factors, q_bar)
    t_bar = None if r_bar is None else matmul(r_bar[..., :k, :k], adjoint(factors.r))
    last = None
    if factors.columns > k:
        last_r_bar = zeros_like(a[..., k:]) if r_bar is None else r_bar[..., k:]
        q_bar, last = total(q_bar, matmul(a[..., k:], adjoint(last_r_bar))), matmul(q, last_r_bar)
    if q_bar is not None:
        t_bar = total(t_bar, -matmul(adjoint(q), q_bar))
    whole = total(q_bar, matmul(q, upper_part_adjoint(t_bar)))
    a_bar = adjoint(solve(factors.safe, adjoint(whole)))
    return (conjugate(a_bar if last is None else beside(a_bar, last)),)


def first_columns_bar(factors: Factors, q_bar: Any) -> Any:
    """Columns that complete the basis: Q̄1 = -Q2 Q̄2ᴴ Q1, as their derivative is -Q1 Q1_dotᴴ Q2."""
    first, rest, others = q_bar[..., : factors.count], q_bar[..., factors.count :], factors.others
    if not shape_of(others)[-1]:
        return first
    rest = refuse(rest, np.array(factors.undefined_rest()), reason=COMPLETING_COLUMNS)
    rest = conjugate(without_phase(conjugate(rest), imaginary_part(sum_rows(conjugate(rest) * others))))
    return first - matmul(others, matmul(adjoint(rest), factors.q))


qr = row(
    "qr",
    lambda a, *, complete: tuple(np.linalg.qr(a, "complete" if complete else "reduced")),
    push=qr_push,
    pull=qr_pull,
    lift=lambda complete: {"complete": complete},
    several=True,
    examples=[
        *[((x,), {"complete": False}) for x in (SPREAD, SQUARES, TALL, WIDE, SPREAD + 1j * ROTATING)],
        *[((x,), {"complete": True}) for x in (SPREAD, TALL[:3], WIDE)],
    ],
)
