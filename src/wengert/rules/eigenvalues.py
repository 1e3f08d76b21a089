"""Eigenvalues and eigenvectors, of Hermitian and of general matrices.

X̄ is the cotangent of X under ⟨X̄, X_dot⟩ = Re tr(X̄ᴴ X_dot), which suits adjoints; the engine pairs without a conjugate,
so every pull begins and ends with one.  ∘ is the product by elements, F_ij = 1 / (w_j - w_i) and 0 on the diagonal.

Vectors that belong to equal values have no derivative: they jump to another basis when the matrix moves.  In forward
mode they are nan; in reverse mode their cotangents must be zero, or W303 is raised.  The values themselves share their
derivative with their equals: right for every function that treats equal values alike, and the subgradient of least
norm for the largest one.
"""

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
    Reason,
    adjoint,
    conjugate,
    imaginary_part,
    inner_columns,
    inverse_gaps,
    mean_of_ties,
    real_part,
    refuse,
    repeated,
    resolution,
    shares,
    sum_last,
    sum_rows,
    ties,
    times_columns,
    total,
    without_phase,
)
from wengert.rules.elementwise import imag, logical_or, real, where
from wengert.rules.linalg import complete, complete_transpose, solve

# ---------------------------------------------------------------- Hermitian eigenvalues

EQUAL_EIGENVALUES = Reason(
    "the derivative of an eigenvector is used, and its eigenvalue is a repeated one",
    "eigenvectors of equal eigenvalues are an arbitrary basis, which jumps when the matrix moves",
    "use the eigenvalues alone (np.linalg.eigvalsh), scipy.linalg.expm or sqrtm for a function of the matrix, or add a "
    "small matrix that separates the eigenvalues",
)


def eigh_push(a_dot: Any, out: Any, lower: bool) -> tuple[Any, Any]:
    """From A V = V diag(w), Vᴴ V = I, with M = Vᴴ A_dot V:  w_dot = diag M,  V_dot = V (F ∘ M).

    Giles 2008, section 3.1.  A phase is free for each complex vector: here diag(Vᴴ V_dot) = 0.
    """
    w, v = out
    moved, equal = matmul(complete(a_dot, lower), v), ties(w, n=shape_of(w)[-1])
    v_dot = matmul(v, inverse_gaps(w, equal) * matmul(adjoint(v), moved))
    return eigenvalues_dot(v, moved, equal), where(repeated(equal), np.nan, v_dot)


def eigenvalues_dot(v: Any, moved: Any, equal: Any) -> Any:
    return mean_of_ties(equal, real_part(inner_columns(v, moved)))


def eigh_pull(ct: Any, out: Any, lower: bool) -> tuple[Any]:
    """Ā = V (diag w̄ + F ∘ (Vᴴ V̄)) Vᴴ, brought to the triangle that is read.  Giles 2008, section 3.1."""
    (w_bar, v_bar), (w, v) = ct, out
    equal = ties(w, n=shape_of(w)[-1])
    left = None if w_bar is None else times_columns(v, mean_of_ties(equal, w_bar))
    if v_bar is not None:
        v_bar = refuse(v_bar, repeated(equal), reason=EQUAL_EIGENVALUES)
        v_bar = conjugate(without_phase(v_bar, imaginary_part(sum_rows(v_bar * v))))
        left = total(left, matmul(v, inverse_gaps(w, equal) * matmul(adjoint(v), v_bar)))
    return (complete_transpose(conjugate(matmul(left, adjoint(v))), lower),)


eigh = row(
    "eigh",
    lambda a, *, lower: tuple(np.linalg.eigh(a, "L" if lower else "U")),
    push=eigh_push,
    pull=eigh_pull,
    lift=lambda lower: {"lower": lower},
    several=True,
    examples=[
        ((SPREAD,), {"lower": True}),
        ((SPREAD,), {"lower": False}),
        ((np.stack([SPREAD, SPREAD.T]),), {"lower": True}),
        (((0, 0),), {"lower": True}),
    ],
)


def eigvalsh_push(a: Any, a_dot: Any, lower: bool) -> Any:
    w, v = eigh(a, lower=lower)
    return eigenvalues_dot(v, matmul(complete(a_dot, lower), v), ties(w, n=shape_of(w)[-1]))


eigvalsh = row(
    "eigvalsh",
    lambda a, *, lower: np.linalg.eigvalsh(a, "L" if lower else "U"),
    push=eigvalsh_push,
    pull=lambda ct, a, lower: eigh_pull((ct, None), eigh(a, lower=lower), lower),
    lift=lambda lower: {"lower": lower},
    examples=[((SPREAD,), {"lower": True}), ((SPREAD,), {"lower": False}), (((0, 0),), {"lower": True})],
)

# ---------------------------------------------------------------- general eigenvalues

DEFECTIVE = Reason(
    "the derivative of eigenvalues of a matrix without a basis of eigenvectors is used",
    "at such a (defective) matrix eigenvalues move with the root of a change: they have no derivative",
    "use np.linalg.det, np.trace of powers or scipy.linalg.expm for a function of the matrix, or np.linalg.eigvalsh if "
    "it is symmetric",
)


def without_basis_evaluate(v: Any, *, n: int) -> Any:
    """(..., 1, 1): whether eigenvectors are so close to dependent that products with the inverse, twice, lose all."""
    if n == 0:
        return np.zeros((*v.shape[:-2], 1, 1), bool)
    s = np.linalg.svd(v, compute_uv=False)
    return (s[..., -1] ** 2 <= n * np.finfo(s.dtype).eps * s[..., 0] ** 2)[..., None, None]


def scattered_ties_evaluate(w: Any, v: Any, *, n: int, close: bool) -> Any:
    """`ties` for eigenvalues in no order.  With `close`, those are equal whose vectors cannot be told apart: the
    distance that matters grows with the condition of V."""
    limit = resolution(n, w.dtype) * np.max(np.abs(w), axis=-1, initial=0)
    if close and n:
        s = np.linalg.svd(v, compute_uv=False)
        limit = limit * s[..., 0] / np.maximum(s[..., -1], np.finfo(s.dtype).tiny)
    equal = np.abs(w[..., :, None] - w[..., None, :]) <= limit[..., None, None]
    return shares(transitive(equal), w.real.dtype)


def transitive(equal: Any) -> Any:
    while True:
        wider = equal @ equal
        if np.array_equal(wider, equal):
            return equal
        equal = wider


def anchor_evaluate(v: Any, *, n: int) -> Any:
    """Which component of each vector LAPACK made real: the largest one among those without an imaginary part."""
    place = np.argmax(np.where(v.imag == 0, np.abs(v), -1.0), axis=-2) if n else np.zeros(v.shape[:-1], np.intp)
    return np.arange(n)[:, None] == place[..., None, :]


def nearest_evaluate(w: Any, other: Any, *, n: int) -> Any:
    """(..., n, n): entry ij is 1 where other_j is the value nearest to w_i: two algorithms may differ in the order."""
    if n == 0:
        return np.zeros((*w.shape, 0), w.real.dtype)
    place = np.argmin(np.abs(w[..., :, None] - other[..., None, :]), axis=-1)
    return (np.arange(n) == place[..., None]).astype(w.real.dtype)


without_basis = row("without_basis", without_basis_evaluate, lift=lambda n: {"n": n}, examples=[((AWAY,), {"n": 3})])
scattered_ties = row(
    "scattered_ties",
    scattered_ties_evaluate,
    lift=lambda n, close: {"n": n, "close": close},
    examples=[((np.array([2.0, 1.0, 2.0]), AWAY), {"n": 3, "close": close}) for close in (False, True)],
)
anchor = row("anchor", anchor_evaluate, lift=lambda n: {"n": n}, examples=[((AWAY,), {"n": 3})])
nearest = row(
    "nearest",
    nearest_evaluate,
    lift=lambda n: {"n": n},
    examples=[((np.array([1.0, 2.0, 3.0]), np.array([3.0, 1.0, 2.0])), {"n": 3})],
)


class Basis:
    """The eigenvectors as a basis: what both rules of `eig` ask for.

    lost: whether they are none (`safe` is then the identity); equal: equal eigenvalues; close: those whose vectors
    cannot be told apart.
    """

    def __init__(self, out: Any) -> None:
        self.w, self.v = w, v = out
        n = shape_of(w)[-1]
        self.identity = np.eye(n, dtype=dtype_of(v))
        self.lost = without_basis(v, n=n)
        self.safe = where(self.lost, self.identity, v)
        self.equal = scattered_ties(w, v, n=n, close=False)
        self.gaps = scattered_ties(w, v, n=n, close=True)
        self.held = anchor(v, n=n) if dtype_of(v).kind == "c" else None

    def held_component(self, x: Any) -> Any:
        return sum_rows(where(self.held, x, 0.0))


def eig_push(a_dot: Any, out: Any) -> tuple[Any, Any]:
    """From A V = V diag(w), with M = V⁻¹ A_dot V:  w_dot = diag M,  V_dot = V (F ∘ M) - V diag(c).

    Giles 2008, section 3.1, without the normalisation of the vectors.  c keeps NumPy's:
    unit length, so Re c = Re diag(Vᴴ V (F ∘ M)), and the largest component of each vector real, which fixes Im c.
    """
    basis, v = Basis(out), out[1]
    m = solve(basis.safe, matmul(a_dot, v))
    w_dot = mean_of_ties(basis.equal, sum_last(m * basis.identity))
    turned = matmul(v, inverse_gaps(basis.w, basis.gaps) * m)
    scaling = real_part(inner_columns(v, turned))
    if basis.held is not None:
        scaling = scaling + 1j * (imag(basis.held_component(turned)) / real(basis.held_component(v)))
    v_dot = turned - times_columns(v, scaling)
    undefined = logical_or(basis.lost, repeated(basis.gaps))
    return where(basis.lost[..., 0], np.nan, w_dot), where(undefined, np.nan, v_dot)


def eig_pull(ct: Any, out: Any) -> tuple[Any]:
    """Ā = V⁻ᴴ (diag w̄ + conj(F) ∘ (Vᴴ Z)) Vᴴ, where Z is V̄ without what the normalisation takes.

    Giles 2008, section 3.1, and the adjoint of c in `eig_push`.
    """
    (w_ct, v_ct), basis, v = ct, Basis(out), out[1]
    m_bar = None
    if w_ct is not None:
        w_ct = refuse(w_ct, basis.lost[..., 0], reason=DEFECTIVE)
        m_bar = times_columns(basis.identity, mean_of_ties(basis.equal, conjugate(w_ct)))
    if v_ct is not None:
        v_ct = refuse(v_ct, basis.lost, reason=DEFECTIVE)
        v_bar = conjugate(refuse(v_ct, repeated(basis.gaps), reason=EQUAL_EIGENVALUES))
        gaps = conjugate(inverse_gaps(basis.w, basis.gaps))
        m_bar = total(m_bar, gaps * matmul(adjoint(v), unscaled_bar(basis, v_bar)))
    return (conjugate(solve(adjoint(basis.safe), matmul(m_bar, adjoint(v)))),)


def unscaled_bar(basis: Basis, v_bar: Any) -> Any:
    along = inner_columns(v_bar, basis.v)
    out = v_bar - times_columns(basis.v, real_part(along))
    if basis.held is None:
        return out
    return out + where(basis.held, (1j * (imag(along) / real(basis.held_component(basis.v))))[..., None, :], 0.0)


def as_complex(x: Any, fixed: bool) -> Any:
    """In a program, eigenvalues are complex at each run, and not only where they must be."""
    return x.astype(np.result_type(x, np.complex64)) if fixed else x


eig = row(
    "eig",
    lambda a, *, fixed=False: tuple(as_complex(x, fixed) for x in np.linalg.eig(a)),
    staged={"fixed": True},
    push=eig_push,
    pull=eig_pull,
    batch=lambda size, batched, operands, **params: eig(*operands, **params),
    several=True,
    examples=[((SPREAD,), {}), ((SQUARES,), {}), ((ROTATING,), {}), ((SPREAD + 1j * ROTATING,), {}), (((0, 0),), {})],
)


def eigvals_push(a: Any, a_dot: Any, out: Any) -> Any:
    w, v = eig(a)
    order = nearest(out, w, n=shape_of(w)[-1])
    return sum_last(order * eig_push(a_dot, (w, v))[0][..., None, :])


def eigvals_pull(ct: Any, a: Any, out: Any) -> tuple[Any]:
    w, v = eig(a)
    order = nearest(out, w, n=shape_of(w)[-1])
    return eig_pull((sum_rows(order * ct[..., :, None]), None), (w, v))


eigvals = row(
    "eigvals",
    lambda a, *, fixed=False: as_complex(np.linalg.eigvals(a), fixed),
    staged={"fixed": True},
    push=eigvals_push,
    pull=eigvals_pull,
    batch=lambda size, batched, operands, **params: eigvals(*operands, **params),
    examples=[((SPREAD,), {}), ((SQUARES,), {}), ((ROTATING,), {}), ((SPREAD + 1j * ROTATING,), {}), (((0, 0),), {})],
)
