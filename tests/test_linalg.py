"""Linear algebra where it is delicate: equal and zero eigenvalues, missing rank, signs and phases of vectors."""

import itertools
import math

import mpmath
import numpy as np
import pytest

import wengert as wg
from wengert.core.tree import flatten
from wengert.rules import degenerate, determinant, eigenvalues

RANDOM = np.random.default_rng(0)
Q = np.linalg.qr(RANDOM.standard_normal((4, 4)))[0]
U = np.linalg.qr(RANDOM.standard_normal((5, 5)))[0]
TWICE = (Q * [1.0, 1.0, 2.0, -0.5]) @ Q.T  # an eigenvalue that LAPACK finds twice, some roundings apart
WEIGHTS = RANDOM.standard_normal((4, 4))
COMPLEX = RANDOM.standard_normal((4, 4)) + 1j * RANDOM.standard_normal((4, 4))
HERMITIAN = COMPLEX + COMPLEX.conj().T
JORDAN = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 3.0]])


def refused(f, *args):
    with pytest.raises(wg.Diagnostic) as caught:
        wg.grad(f)(*args)
    assert caught.value.code == "W303"
    assert caught.value.where.filename == __file__
    return str(caught.value)


def symmetric(a):
    return 0.5 * (a + a.T)


def weighted_exponential(a):
    w, v = np.linalg.eigh(symmetric(a))
    return np.sum(WEIGHTS * ((v * np.exp(w)) @ v.T))


def derivative_of_exponential(w, v, weights):
    """Of tr(weightsᵀ V exp(w) Vᵀ) by divided differences: Daleckii and Krein."""
    differences = np.array([[math.exp(a) if a == b else (math.exp(a) - math.exp(b)) / (a - b) for a in w] for b in w])
    return v @ (differences * (v.T @ symmetric(weights) @ v)) @ v.T


# ---------------------------------------------------------------- equal eigenvalues


@pytest.mark.parametrize("a", [np.eye(4), 2.0 * np.eye(3), np.zeros((2, 2)), TWICE, np.diag([1.0, 1.0, 2.0])])
@pytest.mark.parametrize("eigenvalues_of", [np.linalg.eigvalsh, lambda a: np.linalg.eigh(a)[0], np.linalg.eigvals])
def test_a_symmetric_function_of_equal_eigenvalues(a, eigenvalues_of):
    w, v = np.linalg.eigh(a)
    expected = (v * np.exp(w)) @ v.T

    def f(x):
        return np.sum(np.real(np.exp(eigenvalues_of(symmetric(x)))))

    np.testing.assert_allclose(wg.grad(f)(a), expected, rtol=1e-12, atol=1e-12)
    direction = RANDOM.standard_normal(a.shape)
    np.testing.assert_allclose(wg.jvp(f, (a,), (direction,))[1], np.sum(expected * direction), rtol=1e-12)


def test_float32_knows_equal_eigenvalues_too():
    a = TWICE.astype(np.float32)
    f = lambda x: np.sum(np.linalg.eigvalsh(x) ** 2)
    np.testing.assert_allclose(wg.grad(lambda x: f(symmetric(x)))(a), 2 * a, atol=1e-5)
    refused(lambda x: np.sum(np.linalg.eigh(symmetric(x))[1][:, 1]), a)


def test_the_largest_of_equal_eigenvalues_shares():
    """The subgradient of least norm, whatever basis LAPACK chose."""
    a = (Q * [2.0, 1.0, 2.0, -0.5]) @ Q.T
    expected = 0.5 * (np.outer(Q[:, 0], Q[:, 0]) + np.outer(Q[:, 2], Q[:, 2]))
    for f in (lambda x: np.max(np.linalg.eigvalsh(symmetric(x))), lambda x: np.linalg.eigh(symmetric(x))[0][-1]):
        np.testing.assert_allclose(wg.grad(f)(a), expected, atol=1e-12)


@pytest.mark.parametrize("a", [TWICE, np.eye(4), np.diag([1.0, 1.0, 2.0, 2.0])])
@pytest.mark.parametrize("weights", [WEIGHTS, np.diag([1.0, 2.0, 3.0, 4.0])])
def test_eigenvectors_of_equal_eigenvalues_are_refused_and_nan_in_forward_mode(a, weights):
    def f(x):
        w, v = np.linalg.eigh(symmetric(x))
        return np.sum(weights * ((v * np.exp(w)) @ v.T))

    assert "np.linalg.eigvalsh" in refused(f, a)
    assert np.isnan(wg.jvp(f, (a,), (RANDOM.standard_normal((4, 4)),))[1])


def test_the_other_eigenvectors_keep_their_derivative():
    """Eigenvalue 2 and -0.5 of TWICE are single: the projector on the first is smooth."""

    def projector(x):
        v = np.linalg.eigh(symmetric(x))[1][:, 3]
        return np.outer(v, v)

    wg.check_grads(projector, (TWICE,), order=1)
    assert np.isnan(wg.jvp(lambda a: wg.jvp(projector, (a,), (WEIGHTS,))[1], (TWICE,), (WEIGHTS,))[1]).all()


def test_second_derivatives_at_equal_eigenvalues_are_no_numbers():
    """Right ones would need the derivative of the basis."""
    f = lambda x: np.sum(np.exp(np.linalg.eigvalsh(symmetric(x))))
    a, direction = np.eye(3), RANDOM.standard_normal((3, 3))
    assert np.isnan(wg.jvp(wg.grad(f), (a,), (direction,))[1]).any()
    with pytest.raises(wg.Diagnostic, match="W303"):
        wg.grad(lambda x: np.sum(wg.grad(f)(x) * direction))(a)


def test_close_eigenvalues_that_can_be_told_apart_are_differentiated():
    for gap, tolerance in ((1e-3, 1e-11), (1e-6, 1e-8), (1e-9, 1e-5)):
        w = np.array([1.0, 1.0 + gap, 3.0, -0.5])
        found = wg.grad(weighted_exponential)((Q * w) @ Q.T)
        np.testing.assert_allclose(found, derivative_of_exponential(w, Q, WEIGHTS), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("n", [2, 5, 30, 100])
def test_roundings_between_equal_eigenvalues_are_recognised(n):
    for _ in range(20 if n < 50 else 2):
        basis = np.linalg.qr(RANDOM.standard_normal((n, n)))[0]
        w = np.where(np.arange(n) < n // 2 + 1, 1.0, RANDOM.uniform(1.5, 3.0, n))
        found = np.linalg.eigvalsh((basis * w) @ basis.T)
        shares = degenerate.ties(found, n=n)
        assert np.count_nonzero(shares[0]) == n // 2 + 1


@pytest.mark.parametrize("n", [10, 100, 300])
def test_eigenvalues_of_random_matrices_are_not_taken_for_equal(n):
    for dtype in (np.float32, np.float64):
        w = np.linalg.eigvalsh(symmetric(RANDOM.standard_normal((n, n))).astype(dtype))
        assert np.count_nonzero(degenerate.ties(w, n=n)) == n


def test_unused_eigenvectors_in_a_batch_with_one_degenerate_lane():
    stack = np.stack([TWICE, np.diag([1.0, 2.0, 3.0, 4.0])])
    f = lambda x: np.sum(np.linalg.eigh(x)[0] ** 3)
    looped = np.stack([wg.grad(f)(a) for a in stack])
    np.testing.assert_allclose(wg.vmap(wg.grad(f))(stack), looped, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(wg.grad(lambda x: np.sum(np.linalg.eigvalsh(x) ** 3))(stack), looped, atol=1e-12)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.linalg.eigh(x)[0],
        np.linalg.eigvalsh,
        np.linalg.cholesky,
        lambda x: np.linalg.pinv(x, hermitian=True),
        lambda x: np.linalg.svd(x, hermitian=True)[1],
    ],
)
def test_the_triangle_that_is_not_read_may_hold_anything(f):
    a = WEIGHTS @ WEIGHTS.T + np.eye(4)
    full = lambda x: np.sum(f(np.tril(np.ones((4, 4))) * x + np.triu(np.ones((4, 4)), 1) * x.T) ** 3)
    expected = wg.grad(full)(a)
    garbage = np.where(np.tri(4, dtype=bool), a, np.nan)
    found = wg.grad(lambda x: np.sum(f(x) ** 3))(garbage)
    np.testing.assert_allclose(np.tril(found), np.tril(expected + np.triu(expected, 1).T), rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(np.triu(found, 1), 0.0)


# ---------------------------------------------------------------- phases


def spectral_projectors(a):
    w, v = np.linalg.eigh(a)
    return w, np.abs(v), np.einsum("ij,kj->jik", v, np.conj(v))


@pytest.mark.parametrize("uplo", ["L", "U"])
def test_complex_hermitian_matrices(uplo):
    def f(x):
        w, v = np.linalg.eigh(x, uplo)
        return w, np.abs(v), np.real((v * np.exp(w)) @ np.conj(v.T))

    wg.check_grads(f, (HERMITIAN,), order=2)
    wg.check_grads(lambda x: np.linalg.eigvalsh(x, uplo), (HERMITIAN,), order=2)


def test_what_depends_on_a_phase_is_refused_in_reverse_mode():
    assert "phase" in refused(lambda x: np.sum(np.real(np.linalg.eigh(x)[1])), HERMITIAN)
    assert "phase" in refused(lambda x: np.sum(np.real(np.linalg.svd(x)[0])), COMPLEX)


@pytest.mark.parametrize("a", [COMPLEX, COMPLEX[:3], COMPLEX[:, :2]])
def test_complex_singular_vectors(a):
    def f(x):
        u, s, vh = np.linalg.svd(x, full_matrices=False)
        return s, np.abs(u), np.abs(vh), np.real(u @ vh), np.imag((u * s**2) @ vh)

    wg.check_grads(f, (a,), order=2)


def test_complex_factorisations_keep_the_normalisation_of_lapack():
    """QR has a real diagonal, eigenvectors have length 1 and a real largest component: no phase is free."""
    wg.check_grads(lambda x: tuple(np.linalg.eig(x)), (COMPLEX,), order=2)
    wg.check_grads(lambda x: tuple(np.linalg.qr(x)), (COMPLEX,), order=2)
    wg.check_grads(np.linalg.cholesky, (HERMITIAN @ HERMITIAN + np.eye(4),), order=2)
    wg.check_grads(lambda x: np.linalg.lstsq(x, COMPLEX[:, 1])[0], (COMPLEX[:, 1:3],), order=2)


# ---------------------------------------------------------------- general eigenvalues


def test_powers_of_a_matrix_through_its_eigenvalues():
    a = RANDOM.standard_normal((5, 5))
    f = lambda x: np.real(np.sum(np.linalg.eigvals(x) ** 3))
    np.testing.assert_allclose(wg.grad(f)(a), 3 * (a @ a).T, atol=1e-12)
    wg.check_grads(f, (a,), order=2)

    def cube(x):
        w, v = np.linalg.eig(x)
        return np.real((v * w**3) @ np.linalg.inv(v))

    np.testing.assert_allclose(wg.jacobian(cube)(a), wg.jacobian(lambda x: x @ x @ x)(a), atol=1e-10)


def test_defective_matrices_are_refused_and_nan_in_forward_mode():
    for f in (
        lambda x: np.sum(np.exp(np.linalg.eigvals(x))),
        lambda x: np.sum(np.linalg.eig(x)[0] ** 2),
        lambda x: np.sum(np.abs(np.linalg.eig(x)[1])),
    ):
        assert "defective" in refused(f, JORDAN)
        assert np.isnan(wg.jvp(f, (JORDAN,), (np.ones((3, 3)),))[1])
    assert not np.any(wg.grad(lambda x: 0.0 * np.sum(x) + np.sum(np.linalg.eigvals(x).shape))(JORDAN))


@pytest.mark.parametrize("offset", 10.0 ** -np.arange(4, 17))
def test_near_a_defective_matrix_numbers_are_right_or_refused(offset):
    a = JORDAN.copy()
    a[1, 0] = offset
    try:
        found = wg.grad(lambda x: np.real(np.sum(np.linalg.eigvals(x) ** 2)))(a)
    except wg.Diagnostic as error:
        assert error.code == "W303"
        assert offset < 1e-13
    else:
        np.testing.assert_allclose(found, 2 * a.T, atol=1e-4)


def test_eigenvectors_of_equal_eigenvalues_of_a_general_matrix():
    basis = RANDOM.standard_normal((3, 3)) + 2 * np.eye(3)
    a = basis @ np.diag([1.0, 1.0, 2.0]) @ np.linalg.inv(basis)
    refused(lambda x: np.sum(np.abs(np.linalg.eig(x)[1])), a)
    found = wg.grad(lambda x: np.real(np.sum(np.linalg.eigvals(x) ** 3)))(a)
    np.testing.assert_allclose(found, 3 * (a @ a).T, atol=1e-10)


def test_values_of_the_two_algorithms_are_matched_by_value():
    np.testing.assert_array_equal(
        eigenvalues.nearest(np.array([1.0, 2.0, 3.0]), np.array([3.0, 1.0, 2.0]), n=3), np.eye(3)[[1, 2, 0]]
    )
    a = RANDOM.standard_normal((60, 60))
    w, left = np.linalg.eigvals(a), np.linalg.eig(a.T)
    i = int(np.argmax(w.real))
    j = int(np.argmin(abs(left[0] - w[i])))
    k = int(np.argmin(abs(np.linalg.eig(a)[0] - w[i])))
    right, y = np.linalg.eig(a)[1][:, k], left[1][:, j]
    expected = np.outer(y, right) / (y @ right)  # d w_i = yᵀ dA x / yᵀ x
    np.testing.assert_allclose(wg.grad(lambda x: np.real(np.linalg.eigvals(x)[i]))(a), expected.real, atol=1e-9)


# ---------------------------------------------------------------- singular values

LOW_RANK = (U[:, :3] * [3.0, 1.0, 0.0]) @ Q[:, :3].T  # (5, 4), rank 2


@pytest.mark.parametrize("ord", ["nuc", 2, -2, "fro"])
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4)])
def test_norms_of_the_zero_matrix_have_derivative_zero(ord, shape):
    found = wg.grad(lambda x: np.linalg.norm(x, ord))(np.zeros(shape))
    np.testing.assert_array_equal(found, np.zeros(shape))


def test_the_nuclear_norm_without_full_rank_has_the_subgradient_of_least_norm():
    expected = U[:, :2] @ Q[:, :2].T
    for a, e in ((LOW_RANK, expected), (LOW_RANK.T, expected.T)):
        np.testing.assert_allclose(wg.grad(lambda x: np.linalg.norm(x, "nuc"))(a), e, atol=1e-12)
        np.testing.assert_allclose(wg.jvp(lambda x: np.linalg.norm(x, "nuc"), (a,), (e,))[1], 2.0, atol=1e-12)


def test_the_spectral_norm_shares_among_equal_singular_values():
    a = (U[:, :4] * [2.0, 2.0, 2.0, 1.0]) @ Q.T
    expected = U[:, :3] @ Q[:, :3].T / 3
    np.testing.assert_allclose(wg.grad(lambda x: np.linalg.norm(x, 2))(a), expected, atol=1e-12)
    np.testing.assert_allclose(wg.grad(lambda x: np.linalg.norm(x, 2))(np.eye(4)), np.eye(4) / 4, atol=1e-15)


@pytest.mark.parametrize("a", [LOW_RANK, LOW_RANK.T, np.eye(3), np.zeros((2, 3))])
def test_squares_of_singular_values_are_smooth_everywhere(a):
    for f in (
        lambda x: np.sum(np.linalg.svdvals(x) ** 2),
        lambda x: np.sum(np.linalg.svd(x)[1] ** 2),
        lambda x: np.sum(np.linalg.svd(x, full_matrices=False).S ** 2),
    ):
        np.testing.assert_allclose(wg.grad(f)(a), 2 * a, atol=1e-12)


def test_singular_vectors_without_derivative_are_refused_and_nan_in_forward_mode():
    for a, f in (
        (LOW_RANK, lambda x: np.sum(np.linalg.svd(x, full_matrices=False)[0])),
        (LOW_RANK, lambda x: np.sum(np.linalg.svd(x, full_matrices=False)[2])),
        (np.eye(3), lambda x: np.sum(np.linalg.svd(x)[0])),
        (WEIGHTS[:, :2], lambda x: np.sum(np.linalg.svd(x)[0])),
        (WEIGHTS[:2], lambda x: np.sum(np.linalg.svd(x)[2])),
    ):
        assert "full_matrices=False" in refused(f, a)
        assert np.isnan(wg.jvp(f, (a,), (RANDOM.standard_normal(a.shape),))[1])


def test_a_null_vector_has_a_derivative_where_it_is_unique():
    """The last row of Vᴴ of a (3, 4) matrix, as in fitting a homography; and of a tall matrix that has one."""

    def null_projector(x):
        v = np.linalg.svd(x)[2][-1]
        return np.outer(v, v)

    wg.check_grads(null_projector, (WEIGHTS[:3],), order=2)
    wg.check_grads(lambda x: np.abs(np.linalg.svd(x)[2]), (WEIGHTS[:3],), order=2)
    exact = (U[:, :4] * [3.0, 1.0, 0.5, 0.0]) @ Q.T
    a_plus = np.linalg.pinv(exact)
    direction = RANDOM.standard_normal((5, 4))
    v = np.linalg.svd(exact, full_matrices=False)[2][-1]
    v_dot = wg.jvp(lambda x: np.linalg.svd(x, full_matrices=False)[2][-1], (exact,), (direction,))[1]
    np.testing.assert_allclose(v_dot, -a_plus @ direction @ v, atol=1e-12)  # from A v = 0


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (2, 0, 3)])
@pytest.mark.parametrize(
    "f",
    [
        *[lambda x, o=o: np.linalg.norm(x, o, axis=(-2, -1)) for o in ("nuc", 2, 1, np.inf)],
        *[np.linalg.svdvals, np.linalg.pinv, lambda x: tuple(np.linalg.qr(x)), lambda x: tuple(np.linalg.qr(x.T))],
    ],
)
def test_empty_matrices(f, shape):
    x = np.zeros(shape)
    try:
        expected = f(x)
    except ValueError:
        pytest.skip("not defined by this version of NumPy")
    out, pullback = wg.vjp(f, x)
    (bar,) = pullback(out)
    assert bar.shape == shape and not np.any(bar)
    assert [np.shape(o) for o in flatten(out)[0]] == [np.shape(e) for e in flatten(expected)[0]]


# ---------------------------------------------------------------- determinants


def cofactors(a):
    """By minors, in 30 digits."""
    n = len(a)
    with mpmath.workdps(30):
        minor = lambda i, j: mpmath.det(mpmath.matrix(np.delete(np.delete(a, i, 0), j, 1).tolist())) if n > 1 else 1
        return np.array([[float((-1) ** (i + j) * minor(i, j)) for j in range(n)] for i in range(n)])


def matrix_with(singular):
    n = len(singular)
    left, right = (np.linalg.qr(RANDOM.standard_normal((n, n)))[0] for _ in range(2))
    return (left * np.asarray(singular)) @ right


SPECTRA = [
    (3, 2, 0),
    (3, 0, 0),
    (0, 0, 0),
    (3, 2, 1e-3),
    (3, 2, 1e-8),
    (3, 2, 1e-15),
    (3, 1e-5, 1e-5),
    (3, 1e-9, 1e-14),
]
SPECTRA += [(1, 2, 3, 0), (1, 2, 0, 0), (2, 0), (5e-3, 1), (0,), (1e5, 1, 1e-5), (1, 1, 1, 1, 0)]


@pytest.mark.parametrize("singular", SPECTRA, ids=str)
def test_the_derivative_of_the_determinant_is_the_cofactors(singular):
    a = matrix_with(np.array(singular, float))
    expected = cofactors(a)
    np.testing.assert_allclose(wg.grad(np.linalg.det)(a), expected, rtol=0, atol=1e-11 * max(1, abs(expected).max()))
    moved = wg.jvp(np.linalg.det, (a,), (np.ones_like(a),))[1]
    np.testing.assert_allclose(moved, expected.sum(), atol=1e-11 * max(1, abs(expected).max()))


@pytest.mark.parametrize("singular", SPECTRA, ids=str)
def test_the_second_derivative_of_the_determinant(singular):
    a = matrix_with(np.array(singular, float))
    n = len(a)
    hessian = wg.hessian(np.linalg.det)(a)
    for i, j, k, m in itertools.product(range(n), repeat=4):
        if i == k or j == m:
            expected = 0.0
        else:
            rest = np.delete(np.delete(a, [i, k], 0), [j, m], 1)
            sign = (-1) ** (i + j + k + m) * np.sign((k - i) * (m - j))
            expected = sign * (np.linalg.det(rest) if n > 2 else 1.0)
        assert abs(hessian[i, j, k, m] - expected) <= 1e-11 * max(1.0, np.abs(a).max() ** max(n - 2, 0))


def test_the_third_derivative_of_the_determinant_is_right_or_nan():
    def along(a):
        return wg.derivative(wg.derivative(wg.derivative(lambda t: np.linalg.det(a + t * np.eye(len(a))))))(0.0)

    for n in (3, 4):  # det(A + t I) is a polynomial in t: its third derivative is 6 e_(n-3)
        a = RANDOM.standard_normal((n, n)) + 3 * np.eye(n)
        np.testing.assert_allclose(along(a), 6.0 * (1.0 if n == 3 else np.trace(a)), rtol=1e-9)
    assert np.isnan(along(matrix_with([3.0, 2.0, 0.0])))
    assert np.isnan(along(matrix_with([3.0, 2.0, 1e-10])))
    assert along(matrix_with([3.0, 0.0])) == 0.0
    wg.check_grads(lambda a: wg.grad(np.linalg.det)(a), (RANDOM.standard_normal((4, 4)),), order=2)


def test_determinants_of_a_stack_with_a_singular_lane_and_of_numbers_that_are_none():
    stack = np.stack([matrix_with([3.0, 2.0, 0.0]), matrix_with([3.0, 2.0, 1.0])])
    found = wg.grad(lambda x: np.sum(np.linalg.det(x)))(stack)
    np.testing.assert_allclose(found, [cofactors(a) for a in stack], atol=1e-12)
    with np.errstate(invalid="ignore"):
        assert np.isnan(wg.grad(np.linalg.det)(np.array([[np.nan, 1.0], [1.0, 2.0]]))).any()
    complex_singular = np.outer([1.0, 2j, 1 + 1j], [1j, 0.5, 2.0])
    wg.check_grads(np.linalg.det, (complex_singular,), order=2)
    np.testing.assert_allclose(determinant.cofactor(2.0 * np.eye(3, dtype=np.float32)), 4 * np.eye(3), rtol=1e-6)


def test_the_logarithm_of_a_zero_determinant():
    with np.errstate(all="ignore"):
        assert np.isnan(wg.grad(lambda a: np.linalg.slogdet(a)[1])(np.ones((2, 2)))).all()
        found = wg.grad(lambda a: np.sum(np.where(np.isfinite(a[:, 0, 0]), 1.0, 0.0) * np.linalg.slogdet(a)[0]))(
            np.ones((2, 2, 2))
        )
        guarded = wg.grad(lambda a: np.sum(np.where(np.array([True, False]), np.linalg.slogdet(a).logabsdet, 0.0)))(
            np.stack([2.0 * np.eye(2), np.ones((2, 2))])
        )
    np.testing.assert_array_equal(found, np.zeros((2, 2, 2)))
    np.testing.assert_array_equal(guarded, [0.5 * np.eye(2), np.zeros((2, 2))])


# ---------------------------------------------------------------- QR, pseudoinverse, least squares


def test_dependent_columns_have_no_qr_derivative():
    a = np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]])
    for f in (lambda x: np.sum(np.linalg.qr(x)[0]), lambda x: np.sum(np.linalg.qr(x, "r"))):
        assert "linearly dependent" in refused(f, a)
        assert np.isnan(wg.jvp(f, (a,), (np.ones_like(a),))[1])
    assert "mode='complete'" in refused(lambda x: np.sum(np.linalg.qr(x, "complete")[0]), WEIGHTS[:, :2])
    with pytest.raises(wg.Diagnostic, match="W301"):
        wg.grad(lambda x: np.sum(np.linalg.qr(x, "raw")[0]))(a)


def test_r_of_a_complete_factorisation_needs_no_column_that_completes():
    wg.check_grads(lambda x: np.linalg.qr(x, "complete")[1], (WEIGHTS[:, :2],), modes=("reverse",), order=1)
    wg.check_grads(lambda x: np.linalg.qr(x, "complete")[0][:, :2], (WEIGHTS[:, :2],), order=1)


@pytest.mark.parametrize("a", [LOW_RANK, LOW_RANK.T])
def test_the_pseudoinverse_at_constant_rank(a):
    """Along matrices of rank 2 the rule agrees with differences; in other directions the function is not continuous."""
    left, _, right = np.linalg.svd(a)
    left, right = left[:, :2], right[:2]

    def along(core, turn):
        return (left + turn[: len(a), :2]) @ core @ (right + turn[:2, : a.shape[1]])

    turn, core = 0.1 * RANDOM.standard_normal((5, 5)), np.diag([3.0, 1.0])
    for f in (
        lambda core, turn: np.linalg.pinv(along(core, turn), 1e-10),
        lambda core, turn: np.linalg.lstsq(along(core, turn), U[: len(a), 0], 1e-10)[0],
    ):
        wg.check_grads(f, (core, turn), order=2)


def test_a_pseudoinverse_that_cuts_real_singular_values_is_refused():
    a = matrix_with([3.0, 1.0, 0.01])
    refused(lambda x: np.sum(np.linalg.pinv(x, 0.1)), a)
    assert np.isnan(wg.jvp(lambda x: np.linalg.pinv(x, 0.1), (a,), (a,))[1]).all()
    wg.check_grads(lambda x: np.linalg.pinv(x, 1e-3), (matrix_with([3.0, 1.0, 0.5]),), order=2)

    def regularised(x):  # what the message recommends
        u, s, vh = np.linalg.svd(x, full_matrices=False)
        return np.swapaxes(vh, -1, -2) @ (np.where(s > 0.1, 1.0 / s, 0.0)[:, None] * u.T)

    np.testing.assert_allclose(regularised(a), np.linalg.pinv(a, 0.1 / 3), atol=1e-12)
    wg.check_grads(regularised, (a,), order=2)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4)])
@pytest.mark.parametrize("part", [0, 1, 3])
@pytest.mark.parametrize("columns", [(), (2,)])
def test_parts_of_least_squares(shape, part, columns):
    a, b = RANDOM.standard_normal(shape), RANDOM.standard_normal((shape[0], *columns))
    wg.check_grads(lambda a, b: np.linalg.lstsq(a, b)[part], (a, b), order=2)
    lanes = np.stack([a, 2.0 * a, a + 1.0]), np.stack([b, b, 3.0 * b])
    looped = np.stack([np.linalg.lstsq(*lane)[part] for lane in zip(*lanes)])
    np.testing.assert_allclose(wg.vmap(lambda a, b: np.linalg.lstsq(a, b)[part])(*lanes), looped)


def test_the_rank_is_a_number_to_branch_on():
    def f(a, b):
        x, residuals, rank, _ = np.linalg.lstsq(a, b)
        return np.sum(x) + (np.sum(residuals) if rank == 2 else 0.0) + rank

    a, b = WEIGHTS[:, :2], WEIGHTS[:, 3]
    wg.check_grads(f, (a, b), order=1)
    assert wg.grad(lambda a: np.sum(a) * np.linalg.matrix_rank(a))(a)[0, 0] == 2.0


# ---------------------------------------------------------------- condition, products


def test_condition_numbers_of_singular_matrices_are_numpys():
    a = np.ones((2, 2))
    with np.errstate(all="ignore"):
        for p in (None, 1, np.inf, "fro", -1):
            value = wg.vjp(lambda x, p=p: np.linalg.cond(x, p), a)[0]
            np.testing.assert_array_equal(value, np.linalg.cond(a, p))
        stack = np.stack([a, np.eye(2)])
        np.testing.assert_array_equal(wg.vjp(lambda x: np.linalg.cond(x, 1), stack)[0], [np.inf, 1.0])
        nan = np.array([[np.nan, 1.0], [0.0, 1.0]])
        assert np.isnan(wg.vjp(lambda x: np.linalg.cond(x, 1), nan)[0])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.linalg.matrix_power(x, 2),
        lambda x: np.linalg.matrix_power(x[0], 2),
        np.linalg.det,
        np.linalg.inv,
        np.linalg.eigh,
        np.linalg.eigvals,
        lambda x: np.linalg.multi_dot([x, x.T, x[None]]),
        lambda x: np.linalg.tensorsolve(x, x[0]),
        lambda x: np.linalg.cond(x[:0]),
        lambda x: np.linalg.cond(x, 1),
        lambda x: np.linalg.svd(x[0]),
    ],
)
def test_what_numpy_refuses_is_refused_in_the_same_way(f):
    a = WEIGHTS[:3]
    with pytest.raises(np.linalg.LinAlgError) as expected:
        f(a)
    with pytest.raises(np.linalg.LinAlgError) as found:
        wg.vjp(f, a)
    assert str(found.value).split() == str(expected.value).split()


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.linalg.eigh(x, "X"),
        lambda x: np.linalg.norm(x, "nuclear"),
        lambda x: np.linalg.norm(x[0], "fro", axis=0),
        lambda x: np.linalg.norm(x, 3),
        lambda x: np.linalg.norm(x, 2, axis=(0, 0)),
        lambda x: np.linalg.norm(x[None], 2),
        lambda x: np.linalg.pinv(x, 0.1, rtol=0.1),
        lambda x: np.linalg.tensorinv(x, 0),
        lambda x: np.linalg.outer(x, x[0]),
        lambda x: np.linalg.multi_dot([x]),
    ],
)
def test_wrong_options_raise_as_in_numpy(f):
    with pytest.raises(ValueError) as expected:
        f(WEIGHTS)
    with pytest.raises(ValueError) as found:
        wg.vjp(f, WEIGHTS)
    assert str(found.value) == str(expected.value)
