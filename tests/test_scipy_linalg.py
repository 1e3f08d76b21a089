"""scipy.linalg beyond the generated calls: what is read, branch cuts, repeated and zero eigenvalues, sizes 0 and 1."""

import numpy as np
import pytest
import scipy
import scipy.linalg
import scipy.linalg as sl
from scipy import linalg
from scipy.linalg import expm

import wengert as wg
from calls.call import DEFINITE, SQUARE, A, B, V
from wengert.rules import solvers

JORDAN = np.array([[0.7, 1.0, 0.0], [0.0, 0.7, 1.0], [0.0, 0.0, 0.7]])
NEGATIVE = np.array([[-1.3, 0.4, 0.1], [0.2, 1.5, 0.2], [0.1, 0.3, 2.5]])
ROTATION = np.array([[0.0, 1.0], [-1.0, 0.0]])


def power(a):
    return sl.fractional_matrix_power(a, 0.4)


# ---------------------------------------------------------------- names


def imported_inside(x):
    from scipy.linalg import expm as imported

    return imported(x)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: linalg.expm(x),
        lambda x: sl.expm(x),
        lambda x: scipy.linalg.expm(x),
        lambda x: expm(x),
        imported_inside,
        expm,
    ],
)
def test_every_way_to_name_a_function_is_routed(f):
    expected = sl.expm_frechet(SQUARE.T, np.ones((3, 3)), compute_expm=False)
    np.testing.assert_allclose(wg.grad(lambda x: np.sum(f(x)))(SQUARE), expected, rtol=1e-13)


@pytest.mark.parametrize(
    "f, called",
    [
        (lambda a: sl.funm(a, np.exp), "scipy.linalg.funm"),
        (lambda a: sl.null_space(a), "scipy.linalg.null_space"),
        (lambda a: sl.schur(a), "scipy.linalg.schur"),
        (lambda a: sl.ldl(a), "scipy.linalg.ldl"),
        (lambda a: sl.subspace_angles(a, DEFINITE), "scipy.linalg.subspace_angles"),
        (lambda a: sl.sqrtm(a, disp=False), "disp=False"),
        (lambda a: sl.inv(a, assume_a="sym"), "assume_a='sym'"),
        (lambda a: sl.solve_circulant(a[0], V, singular="lstsq"), "with options"),
        (lambda a: sl.solve_circulant(a, V), "stacks"),
        (lambda a: sl.solve_continuous_are(a, a, np.eye(3), np.eye(3), e=a), "with e or s"),
        (lambda a: sl.toeplitz(a), "more than one axis"),
    ],
)
def test_what_has_no_rule_is_refused(f, called):
    with pytest.raises(wg.Diagnostic, match=called) as refused:
        wg.jvp(f, (SQUARE,), (SQUARE,))
    assert refused.value.code == "W301"


# ---------------------------------------------------------------- what is read, and what is left alone


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize(
    "f",
    [
        lambda a, lower: sl.solve(a, V, assume_a="sym", lower=lower),
        lambda a, lower: sl.solve(a, V, assume_a="pos", lower=lower),
        lambda a, lower: sl.solve(a, V, assume_a="lower triangular" if lower else "upper triangular"),
        lambda a, lower: sl.solve_triangular(a, V, lower=lower),
        lambda a, lower: sl.solve_triangular(a, V, trans="T", lower=lower),
        lambda a, lower: sl.cholesky(a, lower=lower),
        lambda a, lower: sl.cho_solve(sl.cho_factor(a, lower=lower), V),
        lambda a, lower: sl.cho_solve((a, lower), V),
    ],
)
def test_the_triangle_that_scipy_does_not_read_has_derivative_zero(f, lower):
    unread = np.triu(np.ones((3, 3)), 1) if lower else np.tril(np.ones((3, 3)), -1)
    gradient = wg.grad(lambda a: np.sum(f(a, lower)))(DEFINITE)
    assert np.all(gradient[unread > 0] == 0) and np.all(gradient[unread == 0] != 0)
    changed = DEFINITE + 5.0 * unread
    np.testing.assert_array_equal(f(changed, lower), f(DEFINITE, lower))
    np.testing.assert_array_equal(
        wg.jvp(lambda a: f(a, lower), (changed,), (unread,))[1], np.zeros_like(f(DEFINITE, lower))
    )


def test_a_unit_diagonal_is_not_read():
    gradient = wg.grad(lambda a: np.sum(sl.solve_triangular(a, V, lower=True, unit_diagonal=True)))(SQUARE)
    assert np.all(np.triu(gradient) == 0) and np.all(gradient[np.tril_indices(3, -1)] != 0)


@pytest.mark.parametrize("f", [lambda ab: sl.solve_banded((1, 1), ab, V), lambda ab: sl.solveh_banded(ab[:2], V)])
def test_places_outside_a_band_have_derivative_zero(f):
    gradient = wg.grad(lambda ab: np.sum(f(ab)))(SQUARE[[1, 0, 2]] + np.array([[0.0], [3.0], [0.0]]))
    assert gradient[0, 0] == 0 and gradient[2, 2] == 0 and gradient[0, 1] != 0


def test_operands_that_may_be_overwritten_are_not():
    a, b = SQUARE.copy(), V.copy()
    wg.grad(lambda a, b: np.sum(sl.solve(a, b, overwrite_a=True, overwrite_b=True)), (0, 1))(a, b)
    wg.grad(lambda a: np.sum(sl.lu_factor(a, overwrite_a=True)[0]))(a)
    wg.grad(lambda a: np.sum(sl.cho_factor(a, overwrite_a=True)[0]))(DEFINITE)
    np.testing.assert_array_equal(a, SQUARE)
    np.testing.assert_array_equal(b, V)

    def program(a):
        k = 1.0 * a
        x = sl.solve(k, V, overwrite_a=True)
        return np.sum(x) + np.sum(k)

    wg.check_grads(program, (SQUARE,))


# ---------------------------------------------------------------- what SciPy refuses is refused


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_inf_and_nan_are_refused_where_scipy_looks_for_them(bad):
    broken = np.where(np.eye(3) > 0, SQUARE, bad)
    functions = [sl.inv, sl.cholesky, sl.lu_factor, sl.lu, lambda a: sl.solve(a, V), lambda a: sl.solve(SQUARE, a[0])]
    for f in [*functions, lambda a: sl.solve_triangular(a, V), lambda a: sl.cho_solve((a, True), V), sl.norm]:
        for call in (f, lambda a, f=f: wg.jvp(f, (a,), (a,))):
            with pytest.raises(ValueError, match="infs or NaNs"):
                call(broken)
    found = wg.grad(lambda b: np.sum(sl.solve_triangular(SQUARE, b, check_finite=False)))(np.array([bad, 1.0, 1.0]))
    assert np.all(np.isfinite(found))


def test_singular_matrices_are_refused_or_visible():
    singular = np.ones((2, 2))
    with pytest.raises(np.linalg.LinAlgError):
        wg.grad(lambda a: np.sum(sl.solve(a, np.ones(2))))(singular)
    with pytest.raises(np.linalg.LinAlgError):
        wg.grad(lambda a: np.sum(sl.solve_triangular(a, np.ones(2))))(np.array([[0.0, 1.0], [0.0, 1.0]]))
    with pytest.raises(np.linalg.LinAlgError):
        wg.grad(lambda a: np.sum(sl.solve(a, np.ones(2), assume_a="pos")))(-np.eye(2))
    with pytest.raises(np.linalg.LinAlgError):
        wg.grad(lambda c: np.sum(sl.solve_circulant(c, np.ones(2))))(np.ones(2))
    with pytest.raises(ValueError, match="symmetric"):
        wg.grad(lambda q: np.sum(sl.solve_continuous_are(SQUARE, SQUARE, q, np.eye(3))))(SQUARE)
    with pytest.warns(sl.LinAlgWarning):
        assert np.all(np.isnan(wg.grad(lambda a: np.sum(sl.sqrtm(a)))(np.diag([0.0, 1.0]))))


def test_eigenvalues_that_cancel_leave_nothing_to_solve():
    assert np.all(
        np.isnan(wg.jvp(lambda q: sl.solve_sylvester(np.eye(2), -np.eye(2), q), (np.eye(2),), (np.eye(2),))[1])
    )


# ---------------------------------------------------------------- eigenvalues that repeat, vanish or lie on the cut


def test_the_derivative_of_expm_is_exact_at_zero_and_identity():
    np.testing.assert_array_equal(wg.jvp(expm, (np.zeros((3, 3)),), (SQUARE,))[1], SQUARE)
    np.testing.assert_allclose(wg.jvp(expm, (np.eye(3),), (SQUARE,))[1], np.e * SQUARE, rtol=1e-14)
    second = wg.jvp(lambda a: wg.jvp(expm, (a,), (SQUARE,))[1], (np.zeros((3, 3)),), (SQUARE,))[1]
    np.testing.assert_allclose(second, SQUARE @ SQUARE, rtol=1e-14)


@pytest.mark.parametrize("f", [expm, sl.logm, sl.sqrtm, power, sl.sinm, sl.coshm, sl.tanhm])
@pytest.mark.parametrize("a", [JORDAN, JORDAN.T, 0.7 * np.eye(3), np.diag([0.7, 0.7, 0.4])], ids=range(4))
def test_a_polynomial_of_a_matrix_with_repeated_eigenvalues(f, a):
    """Along a polynomial of A everything commutes: the derivative is that of the scalar function, f'(A) E."""
    direction = a @ a - 0.3 * a
    step = 1e-4
    central = lambda h: (f(a + h * direction) - f(a - h * direction)) / (2.0 * h)
    expected = (4.0 * central(step / 2.0) - central(step)) / 3.0
    np.testing.assert_allclose(wg.jvp(f, (a,), (direction,))[1], expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(wg.jacobian(f)(a), wg.jacfwd(f)(a), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("f, slope", [(sl.logm, 1.0), (sl.sqrtm, 0.5), (power, 0.4)])
def test_functions_of_the_identity(f, slope):
    np.testing.assert_allclose(wg.jvp(f, (np.eye(3),), (SQUARE,))[1], slope * SQUARE, rtol=1e-13, atol=1e-14)


def test_a_product_of_a_matrix_function_is_differentiated_to_order_three():
    for f in (expm, sl.sqrtm):
        along = lambda t, f=f: np.sum(f(SQUARE + t * DEFINITE))
        third = wg.derivative(wg.derivative(wg.derivative(along)))
        np.testing.assert_allclose(
            third(0.1), wg.numerical.derivative(wg.derivative(wg.derivative(along)), 0.1), rtol=1e-6
        )


@pytest.mark.parametrize("f", [sl.logm, sl.sqrtm, power])
def test_negative_eigenvalues_make_a_real_matrix_complex(f):
    """The derivative is that of the branch of the value, at every order."""
    assert np.iscomplexobj(f(NEGATIVE))
    wg.check_grads(f, (NEGATIVE,), order=2)
    wg.check_grads(lambda a: np.sum(np.imag(f(a)) ** 2), (NEGATIVE,), order=2)
    assert wg.grad(lambda a: np.sum(np.abs(f(a)) ** 2))(NEGATIVE).dtype == np.float64
    turned = NEGATIVE * np.exp(-0.3j)
    wg.check_grads(f, (turned,), order=2)


def test_a_double_eigenvalue_on_the_branch_cut():
    """log(-A) = log(A) + iπ near the identity."""
    np.testing.assert_allclose(wg.jvp(sl.logm, (-np.eye(3),), (SQUARE,))[1], -SQUARE, atol=1e-14)
    np.testing.assert_allclose(wg.jvp(sl.sqrtm, (-np.eye(3),), (SQUARE,))[1], -0.5j * SQUARE, atol=1e-14)
    at_minus_one = np.exp(1j * np.pi * 0.4) * -0.4
    np.testing.assert_allclose(wg.jvp(power, (-np.eye(3),), (SQUARE,))[1], at_minus_one * SQUARE, atol=1e-13)


def test_lanes_may_turn_complex():
    lanes = np.stack([SQUARE, NEGATIVE, JORDAN])
    for f in (sl.logm, sl.sqrtm, power):
        looped = np.stack([f(a) for a in lanes])
        np.testing.assert_allclose(wg.vmap(lambda a, f=f: f(a))(lanes), looped, rtol=1e-13)
        gradient = wg.grad(lambda a, f=f: np.sum(np.abs(f(a)) ** 2))
        np.testing.assert_allclose(wg.vmap(gradient)(lanes), np.stack([gradient(a) for a in lanes]), rtol=1e-11)


def test_the_sign_does_not_change_between_eigenvalues():
    np.testing.assert_allclose(wg.jvp(sl.signm, (DEFINITE,), (SQUARE,))[1], np.zeros((3, 3)), atol=1e-14)
    wg.check_grads(sl.signm, (NEGATIVE,), order=2)


def test_a_long_direction_costs_no_accuracy():
    large = 1e12 * SQUARE
    second = lambda e: wg.jvp(lambda a: wg.jvp(expm, (a,), (e,))[1], (DEFINITE,), (SQUARE,))[1]
    np.testing.assert_allclose(second(large), 1e12 * second(SQUARE), rtol=1e-13)


def test_a_power_that_is_differentiated():
    t = 0.3
    slope = wg.derivative(lambda t: sl.fractional_matrix_power(SQUARE, t))(t)
    np.testing.assert_allclose(slope, sl.fractional_matrix_power(SQUARE, t) @ sl.logm(SQUARE), rtol=1e-12)
    wg.check_grads(lambda a, t: sl.fractional_matrix_power(a, t), (SQUARE, t))


# ---------------------------------------------------------------- sizes

FUNCTIONS = [expm, sl.sqrtm, sl.cosm, sl.sinm, sl.coshm, sl.sinhm, sl.tanhm, sl.inv]
FACTORS = [sl.cholesky, lambda a: sl.cho_factor(a)[0], lambda a: sl.lu_factor(a)[0], lambda a: sl.polar(a)[1]]


@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize("f", FUNCTIONS + [sl.logm, sl.signm, power] + FACTORS)
def test_matrices_of_size_0_and_1(f, n):
    a = np.full((n, n), 0.4)
    value, tangent = wg.jvp(f, (a,), (a,))
    assert value.shape == tangent.shape == (n, n) == wg.grad(lambda a: np.sum(f(a)))(a).shape
    if n:
        np.testing.assert_allclose(value, f(a), rtol=1e-15)
        wg.check_grads(f, (a,))


@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize(
    "f",
    [
        sl.solve,
        sl.solve_triangular,
        lambda a, b: sl.lu_solve(sl.lu_factor(a), b),
        lambda a, b: sl.cho_solve((a, True), b),
        lambda a, b: sl.solve_sylvester(a, a, a) @ b,
        lambda a, b: sl.solve_continuous_lyapunov(a, a) @ b,
        lambda a, b: sl.solve_discrete_lyapunov(a, a) @ b,
    ],
)
def test_equations_of_size_0_and_1(f, n):
    a, b = np.full((n, n), 0.4), np.full(n, 0.3)
    wg.jvp(f, (a, b), (a, b))
    assert [g.shape for g in wg.grad(lambda a, b: np.sum(f(a, b)), (0, 1))(a, b)] == [(n, n), (n,)]
    wg.check_grads(f, (a, b))


def test_a_stack_of_no_matrices():
    for f in (expm, sl.sqrtm, sl.logm, lambda a: sl.solve_sylvester(a, a, a)):
        assert wg.grad(lambda a, f=f: np.sum(f(a)))(np.zeros((0, 3, 3))).shape == (0, 3, 3)


# ---------------------------------------------------------------- factors


@pytest.mark.parametrize(
    "a", [SQUARE[[2, 0, 1]], A, A.T, SQUARE[::-1] + 0.3j * DEFINITE], ids=["3x3", "2x3", "3x2", "complex"]
)
def test_the_factors_of_a_moving_matrix_stay_its_factors(a):
    direction = np.cos(np.arange(a.size).reshape(a.shape)).astype(a.dtype)

    def product(a):
        p, lower, upper = sl.lu(a)
        return p @ lower @ upper

    np.testing.assert_allclose(wg.jvp(product, (a,), (direction,))[1], direction, atol=1e-14)
    lower_dot = wg.jvp(lambda a: sl.lu(a)[1], (a,), (direction,))[1]
    assert np.all(np.triu(lower_dot) == 0)
    rows = lambda a: np.sum(np.abs(sl.lu(a, p_indices=True)[1][sl.lu(a, p_indices=True)[0]]) ** 2)
    wg.check_grads(rows, (a,))
    unitary_dot = wg.jvp(lambda a: sl.polar(a)[0], (a,), (direction,))[1]
    u = sl.polar(a)[0]
    gram_dot = (
        unitary_dot.conj().T @ u + u.conj().T @ unitary_dot if a.shape[0] >= a.shape[1] else unitary_dot @ u.conj().T
    )
    expected = np.zeros_like(gram_dot) if a.shape[0] >= a.shape[1] else -gram_dot.conj().T
    np.testing.assert_allclose(gram_dot, expected, atol=1e-14)


def test_lanes_may_exchange_different_rows():
    lanes = np.stack([SQUARE, SQUARE[::-1], SQUARE[[1, 2, 0]]])
    solve = lambda a: sl.lu_solve(sl.lu_factor(a), V)
    np.testing.assert_allclose(wg.vmap(solve)(lanes), np.stack([solve(a) for a in lanes]), rtol=1e-14)
    looped = np.stack([wg.jacobian(solve)(a) for a in lanes])
    np.testing.assert_allclose(wg.vmap(wg.jacobian(solve))(lanes), looped, rtol=1e-13)
    np.testing.assert_array_equal(wg.vmap(lambda a: sl.lu_factor(a)[1])(lanes), [sl.lu_factor(a)[1] for a in lanes])


def test_factors_solve_their_equation():
    inverse = lambda a: sl.cho_solve(sl.cho_factor(a @ a.T, lower=True), V)
    wg.check_grads(inverse, (SQUARE,))
    for trans in (0, 1, 2):
        solve = lambda a, trans=trans: sl.lu_solve(sl.lu_factor(a), V, trans)
        wg.check_grads(solve, (SQUARE[::-1] + 0.2j * DEFINITE,))
        wg.check_grads(solve, (SQUARE[::-1],))


def test_factors_of_stacks():
    stack = np.stack([SQUARE, DEFINITE[::-1]])
    for f in (
        lambda a: sl.lu_factor(a)[0],
        lambda a: sl.polar(a)[0],
        lambda a: sl.cho_factor(a @ np.swapaxes(a, 1, 2))[0],
    ):
        value, tangent = wg.jvp(f, (stack,), (stack[::-1],))
        each = [wg.jvp(f, (a[None],), (t[None],)) for a, t in zip(stack, stack[::-1])]
        np.testing.assert_allclose(value, np.concatenate([v for v, _ in each]), rtol=1e-13)
        np.testing.assert_allclose(tangent, np.concatenate([t for _, t in each]), rtol=1e-12, atol=1e-13)


# ---------------------------------------------------------------- equations


@pytest.mark.parametrize("solve", [sl.solve_continuous_are, sl.solve_discrete_are])
@pytest.mark.parametrize("shift", [0.0, 0.2j], ids=["real", "complex"])
def test_riccati_equations_in_every_operand(solve, shift):
    hermitian = lambda x: 0.5 * (x + np.conj(x).T)
    b = A.T + shift

    def f(a, b, q, r):
        return solve(a, b, hermitian(q), hermitian(r))

    wg.check_grads(f, (SQUARE + shift * DEFINITE, b, DEFINITE + shift * SQUARE, np.eye(2) + shift * B[:, :2]), order=2)
    gradient = wg.grad(lambda q: np.real(np.sum(f(SQUARE, b, q, np.eye(2)))))(DEFINITE)
    np.testing.assert_allclose(gradient, gradient.T, rtol=1e-12)


def test_real_and_complex_operands_of_one_equation():
    """SciPy 1.17 joins a real Schur form with a complex one, and is wrong here."""
    c, q = np.array([[1.0 + 1.0j, 2.0], [0.5, 3.0j]]), np.eye(2)
    x = wg.jvp(lambda q: sl.solve_sylvester(ROTATION, c, q), (q,), (q,))[0]
    np.testing.assert_allclose(ROTATION @ x + x @ c, q, atol=1e-14)
    a = ROTATION + np.eye(2)
    x = wg.jvp(lambda c: sl.solve_continuous_lyapunov(a, c), (c,), (c,))[0]
    np.testing.assert_allclose(a @ x + x @ a.T, c, atol=1e-14)


def test_right_hand_sides_of_one_matrix_are_solved_at_once(monkeypatch):
    calls, original = [], sl.solve
    monkeypatch.setattr(scipy.linalg, "solve", lambda *args, **kwargs: calls.append(1) or original(*args, **kwargs))
    many = np.arange(30.0).reshape(10, 3)
    got = wg.vmap(lambda b: solvers.solve_as(SQUARE, b[:, None], assume_a=None, lower=False)[:, 0])(many)
    np.testing.assert_allclose(got, original(SQUARE, many.T).T, rtol=1e-13)
    assert len(calls) == 1


# ---------------------------------------------------------------- eigenvectors


@pytest.mark.parametrize("lower", [False, True])
def test_the_eigenvectors_of_a_pair_satisfy_their_equation_as_it_moves(lower):
    read = np.tri(3, 3, -1) if lower else np.tri(3, 3, -1).T
    symmetric = lambda x: read * x + (read * x).T + np.eye(3) * x
    b = DEFINITE + np.eye(3)

    def residual(a, b):
        w, v = sl.eigh(a, b, lower=lower)
        return symmetric(a) @ v - symmetric(b) @ v * w, v.T @ symmetric(b) @ v

    (gap, gram), (gap_dot, gram_dot) = wg.jvp(residual, (SQUARE, b), (DEFINITE, SQUARE))
    np.testing.assert_allclose(gap, 0.0, atol=1e-13)
    np.testing.assert_allclose(gap_dot, 0.0, atol=1e-12)
    np.testing.assert_allclose(gram, np.eye(3), atol=1e-14)
    np.testing.assert_allclose(gram_dot, 0.0, atol=1e-13)
    np.testing.assert_allclose(
        wg.jvp(lambda a: sl.eigh(a, b, lower=lower)[1], (SQUARE,), (SQUARE,))[0],
        sl.eigh(SQUARE, b, lower=lower)[1],
        rtol=1e-12,
    )


def test_pivoted_columns_are_those_of_the_value():
    q, r, order = wg.jvp(lambda a: sl.qr(a, pivoting=True), (SQUARE,), (SQUARE,))[0]
    np.testing.assert_allclose(q @ r, SQUARE[:, order], rtol=1e-14)
    wg.check_grads(lambda a: sl.qr(a, pivoting=True)[1], (SQUARE,))


@pytest.mark.parametrize(
    "f",
    [
        lambda a: sl.eigh(a, DEFINITE, type=2),
        lambda a: sl.eigh(a, subset_by_value=[0.0, 1.0]),
        lambda a: sl.eig(a, DEFINITE),
        lambda a: sl.eig(a, left=True),
        lambda a: sl.pinv(a, return_rank=True),
        lambda a: sl.svd(a, lapack_driver="gesvd"),
        lambda a: sl.qr(a, mode="raw"),
        lambda a: sl.lstsq(a, V, lapack_driver="gelsy"),
    ],
)
def test_options_without_a_rule_are_refused(f):
    with pytest.raises(wg.Diagnostic, match="W301"):
        wg.jvp(f, (SQUARE,), (SQUARE,))


@pytest.mark.parametrize("unit", [False, True])
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_stacks_of_triangles_are_solved_as_each_one(unit, lower, dtype):
    random = np.random.default_rng(0)
    a, b = (random.standard_normal((4, *shape)) + 3 * np.eye(*shape) for shape in ((3, 3), (3, 2)))
    a, b = a.astype(dtype), b.astype(dtype)
    found = solvers.triangular_solve(a, b, lower=lower, unit_diagonal=unit)
    each = [solvers.triangular_solve(x, y, lower=lower, unit_diagonal=unit) for x, y in zip(a, b)]
    assert found.dtype == dtype
    np.testing.assert_allclose(found, each, rtol=1e-4 if dtype == np.float32 else 1e-12)
    a[2, 1, 1] = 0.0
    if not unit:
        with pytest.raises(np.linalg.LinAlgError, match="singular"):
            solvers.triangular_solve(a, b, lower=lower, unit_diagonal=unit)


def test_factors_of_stacks_have_the_derivative_of_each():
    random = np.random.default_rng(1)
    stack = np.array([x @ x.T + np.eye(3) for x in random.standard_normal((5, 3, 3))])
    f = lambda a: np.sum(np.sin(np.linalg.cholesky(a)))
    np.testing.assert_allclose(wg.grad(f)(stack), [wg.grad(f)(a) for a in stack], rtol=1e-12, atol=1e-14)
    assert wg.grad(f)(stack.astype(np.float32)).dtype == np.float32
