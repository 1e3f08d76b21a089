"""Singular values and vectors.  Bars, equal values and vectors without derivative: as in `eigenvalues`."""

from typing import Any

import numpy as np

from wengert.core.primitive import Primitive as row
from wengert.core.types import dtype_of, shape_of
from wengert.rules.contract import matmul
from wengert.rules.degenerate import (
    FREE_PHASE,
    SPREAD,
    SQUARES,
    TALL,
    WIDE,
    Reason,
    adjoint,
    conjugate,
    imaginary_part,
    inner_columns,
    inverse_gaps,
    mean_of_ties,
    negligible,
    real_part,
    refuse,
    refuse_phase,
    repeated,
    sum_rows,
    ties,
    times_columns,
    total,
    without_phase,
)
from wengert.rules.elementwise import abs_ as modulus
from wengert.rules.elementwise import imag, logical_and, logical_or, where
from wengert.rules.join import concatenate
from wengert.rules.linalg import complete, complete_transpose
from wengert.rules.linear import swap_last
from wengert.rules.reduce import reduce_any

EQUAL_SINGULAR_VALUES = Reason(
    "the derivative of a singular vector is used that is not unique: its singular value is repeated or zero, or it is "
    "one of those that full_matrices=True adds",
    "such vectors are an arbitrary basis, which jumps when the matrix moves",
    "use the singular values alone (np.linalg.svdvals), np.linalg.pinv or lstsq, full_matrices=False, or add a small "
    "matrix that separates the singular values",
)


class Spectrum:
    """Of one matrix: what all rules of the singular value decomposition ask for.

    u, v: the first k columns; s: (..., k); equal, zero: which values are equal or zero.
    """

    def __init__(self, out: Any) -> None:
        u, s, vh = out
        self.rows, self.columns, self.count = shape_of(u)[-2], shape_of(vh)[-1], shape_of(s)[-1]
        size = max(self.rows, self.columns)
        self.s, self.u, self.v = s, u[..., : self.count], adjoint(vh[..., : self.count, :])
        self.equal, self.zero = ties(s, n=size), negligible(s, n=size)
        self.inverse = where(self.zero, 0.0, 1.0 / where(self.zero, 1.0, s))

    def inverse_sums(self) -> Any:
        """1 / (s_i + s_j), and 0 where both are zero."""
        both = logical_and(self.zero[..., None, :], self.zero[..., :, None])
        return where(both, 0.0, 1.0 / where(both, 1.0, self.s[..., None, :] + self.s[..., :, None]))

    def undefined(self, length: int) -> Any:
        """(..., 1, k): which of the first vectors, of this length, have no derivative."""
        twice = repeated(self.equal)
        return logical_or(twice, self.zero[..., None, :]) if length > self.count else twice

    def undefined_rest(self, length: int) -> Any:
        """(..., 1, length - k): a single vector that completes the basis is unique, if no singular value is zero."""
        some = reduce_any(self.zero, axes=(len(shape_of(self.zero)) - 1,))[..., None, None]
        return logical_or(some, np.full((1, length - self.count), length - self.count > 1))

    def values_dot(self, moved: Any) -> Any:
        """|s| has the derivative 0 at 0, equal values share theirs."""
        return mean_of_ties(self.equal, where(self.zero, 0.0, real_part(inner_columns(self.u, moved))))

    def values_bar(self, s_bar: Any) -> Any:
        return where(self.zero, 0.0, mean_of_ties(self.equal, s_bar))


def svd_push(a_dot: Any, out: Any, full: bool, hermitian: bool) -> tuple[Any, Any, Any]:
    """From A = U diag(s) Vᴴ, with P = Uᴴ A_dot V, its Hermitian part H and the rest K, and G_ij = 1 / (s_i + s_j):

    s_dot = Re diag P,  U_dot = U (F ∘ H + G ∘ K) + (I - U Uᴴ) A_dot V / s,  V_dot = V (F ∘ H - G ∘ K) + ... likewise.

    Townsend 2016, "Differentiating the singular value decomposition", with his
    (P s + s Pᴴ) / (s_j² - s_i²) split, so that nothing is squared.  A phase is free for each pair of complex vectors:
    diag(G ∘ K) moves half of it in each.
    """
    spectrum = Spectrum(out)
    a_dot = complete(a_dot) if hermitian else a_dot
    moved = matmul(a_dot, spectrum.v)
    p = matmul(adjoint(spectrum.u), moved)
    back = matmul(adjoint(a_dot), spectrum.u)
    even = inverse_gaps(spectrum.s, spectrum.equal) * (p + adjoint(p)) * 0.5
    odd = spectrum.inverse_sums() * (p - adjoint(p)) * 0.5
    u_dot = vectors_dot(spectrum, out[0], spectrum.u, even + odd, moved, p)
    v_dot = vectors_dot(spectrum, adjoint(out[2]), spectrum.v, even - odd, back, adjoint(p))
    return u_dot, spectrum.values_dot(moved), adjoint(v_dot)


def vectors_dot(spectrum: Spectrum, u_full: Any, u: Any, turn: Any, moved: Any, p: Any) -> Any:
    """U_dot for the first vectors, and -U U_dotᴴ U2 for those that complete the basis."""
    length = shape_of(u)[-2]
    u_dot = matmul(u, turn)
    if length > spectrum.count:
        u_dot = u_dot + times_columns(moved - matmul(u, p), spectrum.inverse)
    known = where(spectrum.undefined(length), np.nan, u_dot)
    if shape_of(u_full) == shape_of(u):
        return known
    rest = -matmul(u, matmul(adjoint(u_dot), u_full[..., spectrum.count :]))
    rest = where(spectrum.undefined_rest(length), np.nan, rest)
    return concatenate(known, rest, axis=len(shape_of(u)) - 1)


def svd_pull(ct: Any, out: Any, hermitian: bool) -> tuple[Any]:
    """The adjoint of `svd_push`:  Ā = U (P̄ + diag s̄) Vᴴ + (I - U Uᴴ) Ū / s Vᴴ + U (V̄ / s)ᴴ (I - V Vᴴ),

    with P̄ the Hermitian part of F ∘ (Uᴴ Ū + Vᴴ V̄) and the rest of G ∘ (Uᴴ Ū - Vᴴ V̄).
    """
    (u_ct, s_ct, vh_ct), spectrum = ct, Spectrum(out)
    u, v = spectrum.u, spectrum.v
    u_ct = settled(spectrum, out[0], u, u_ct)
    v_ct = settled(spectrum, adjoint(out[2]), v, None if vh_ct is None else adjoint(vh_ct))
    u_bar, v_bar = [None if c is None else conjugate(c) for c in common_phase(spectrum, u_ct, v_ct)]
    left = None if s_ct is None else times_columns(u, spectrum.values_bar(s_ct))
    right = None
    if u_bar is not None or v_bar is not None:
        left = total(left, matmul(u, products_bar(spectrum, u_bar, v_bar)))
        left = total(left, outside(spectrum, u, u_bar))
        right = outside(spectrum, v, v_bar)
    a_bar = matmul(left, adjoint(v))
    a_bar = conjugate(a_bar if right is None else a_bar + matmul(u, adjoint(right)))
    return (complete_transpose(a_bar) if hermitian else a_bar,)


def settled(spectrum: Spectrum, u_full: Any, u: Any, ct: Any) -> Any:
    """The cotangent of the first vectors, all that do not exist refused; those that complete the basis add
    Ū1 = -U2 Ū2ᴴ U1."""
    if ct is None:
        return None
    count, length = spectrum.count, shape_of(u)[-2]
    first = refuse(ct[..., :count], spectrum.undefined(length), reason=EQUAL_SINGULAR_VALUES)
    if shape_of(u_full) == shape_of(u):
        return first
    rest, others = ct[..., count:], u_full[..., count:]
    rest = refuse(rest, spectrum.undefined_rest(length), reason=EQUAL_SINGULAR_VALUES)
    rest = without_phase(rest, imaginary_part(sum_rows(rest * others)))
    return first - conjugate(matmul(others, matmul(swap_last(rest), u)))


def common_phase(spectrum: Spectrum, u_ct: Any, v_ct: Any) -> tuple[Any, Any]:
    """A pair of complex vectors turns together; where the singular value is zero, each by itself."""
    cts = [c for c in (u_ct, v_ct) if c is not None]
    if not cts or dtype_of(spectrum.u).kind != "c":
        return u_ct, v_ct
    turns = [imag(sum_rows(c * x)) for c, x in ((u_ct, spectrum.u), (v_ct, spectrum.v)) if c is not None]
    turn = where(spectrum.zero, total(*[modulus(t) for t in turns]), total(*turns))
    joined = refuse_phase(concatenate(*cts, axis=len(shape_of(cts[0])) - 2), turn, reason=FREE_PHASE)
    first = 0 if u_ct is None else shape_of(u_ct)[-2]
    return (
        None if u_ct is None else joined[..., :first, :],
        None if v_ct is None else joined[..., first:, :],
    )


def products_bar(spectrum: Spectrum, u_bar: Any, v_bar: Any) -> Any:
    x = None if u_bar is None else matmul(adjoint(spectrum.u), u_bar)
    y = None if v_bar is None else matmul(adjoint(spectrum.v), v_bar)
    even = inverse_gaps(spectrum.s, spectrum.equal) * total(x, y)
    odd = spectrum.inverse_sums() * total(x, None if y is None else -y)
    return (even + adjoint(even) + odd - adjoint(odd)) * 0.5


def outside(spectrum: Spectrum, u: Any, u_bar: Any) -> Any:
    """(I - U Uᴴ) Ū / s, None where U is square."""
    if u_bar is None or shape_of(u)[-2] == spectrum.count:
        return None
    scaled = times_columns(u_bar, spectrum.inverse)
    return scaled - matmul(u, matmul(adjoint(u), scaled))


svd = row(
    "svd",
    lambda a, *, full, hermitian: tuple(np.linalg.svd(a, full, hermitian=hermitian)),
    push=svd_push,
    pull=svd_pull,
    lift=lambda full, hermitian: {"full": full, "hermitian": hermitian},
    several=True,
    examples=[
        ((SPREAD,), {"full": True, "hermitian": False}),
        ((SQUARES,), {"full": False, "hermitian": True}),
        ((TALL,), {"full": False, "hermitian": False}),
        ((WIDE,), {"full": False, "hermitian": False}),
        ((TALL[:3],), {"full": True, "hermitian": False}),
        ((WIDE[:, :3],), {"full": True, "hermitian": False}),
        ((np.zeros((0, 3)),), {"full": False, "hermitian": False}),
    ],
)


def svdvals_push(a: Any, a_dot: Any, hermitian: bool) -> Any:
    spectrum = Spectrum(svd(a, full=False, hermitian=hermitian))
    return spectrum.values_dot(matmul(complete(a_dot) if hermitian else a_dot, spectrum.v))


def svdvals_pull(ct: Any, a: Any, hermitian: bool) -> tuple[Any]:
    return svd_pull((None, ct, None), svd(a, full=False, hermitian=hermitian), hermitian)


svdvals = row(
    "svdvals",
    lambda a, *, hermitian: np.linalg.svd(a, compute_uv=False, hermitian=hermitian),
    push=svdvals_push,
    pull=svdvals_pull,
    lift=lambda hermitian: {"hermitian": hermitian},
    examples=[((x,), {"hermitian": h}) for x, h in ((SPREAD, False), (SQUARES, True), (TALL, False), (WIDE, False))],
)
