import math

import numpy as np
import pytest

from wengert import numerical
from wengert.numerical import STENCILS, Estimate, derivative, directional, hessian, jacobian

METHODS = ("forward", "central", "richardson", "complex")
REAL_METHODS = METHODS[:3]  # for complex x
ORDERS = [*STENCILS, ("richardson", None), ("complex", None)]

# name: f, f', f''
SCALAR = {
    "sin": (np.sin, np.cos, lambda x: -np.sin(x)),
    "exp": (np.exp, np.exp, np.exp),
    "reciprocal": (lambda x: 1 / x, lambda x: -1 / x**2, lambda x: 2 / x**3),
    "polynomial": (lambda x: x**3 - 2 * x + 1, lambda x: 3 * x**2 - 2, lambda x: 6 * x),
    "tanh": (np.tanh, lambda x: np.cosh(x) ** -2.0, lambda x: -2 * np.tanh(x) * np.cosh(x) ** -2.0),
    "offset": (lambda x: 1e6 + np.sin(x), np.cos, lambda x: -np.sin(x)),
    "runge": (
        lambda x: 1 / (1 + 25 * x**2),
        lambda x: -50 * x / (1 + 25 * x**2) ** 2,
        lambda x: (3750 * x**2 - 50) / (1 + 25 * x**2) ** 3,
    ),
    "constant": (lambda x: 0 * x + 3, lambda x: 0 * x, lambda x: 0 * x),
}
POINTS = np.concatenate([np.linspace(-4.0, -0.5, 30), np.geomspace(0.5, 40.0, 50)])

# relative to max(1, |f'|), for well-scaled functions
ACCURACY = {"forward": 1e-6, "central": 1e-8, "richardson": 1e-11, "complex": 1e-14}
ACCURACY_HESSIAN = {"forward": 1e-3, "central": 1e-5, "richardson": 1e-9, "complex": 1e-11}
ACCURACY_FLOAT32 = {"forward": 1e-2, "central": 1e-3, "richardson": 3e-5, "complex": 1e-6}

A = np.array([[1.0, -2.0, 0.5], [0.3, 0.7, -1.1], [2.0, 0.1, 0.4], [-0.6, 1.5, 0.9]])
X = np.array([0.7, -1.3, 2.1])
DIRECTION = np.array([0.4, -1.5, 0.3])


def field(x):
    return np.sin(A @ x) * x[0]


def field_jacobian(x):
    return np.cos(A @ x)[:, None] * A * x[0] + np.outer(np.sin(A @ x), [1.0, 0.0, 0.0])


def energy(x):
    return np.sum(np.sin(A @ x)) + x[0] * x[1] ** 2


def energy_hessian(x):
    second = -A.T @ (np.sin(A @ x)[:, None] * A)
    second[0, 1] += 2 * x[1]
    second[1, 0] += 2 * x[1]
    second[1, 1] += 2 * x[0]
    return second


def assert_close(actual, expected, tolerance):
    assert np.shape(actual) == np.shape(expected)
    assert np.all(abs(actual - expected) <= tolerance * np.maximum(1, abs(expected)))


def assert_covers(estimate, expected, factor):
    """The true error is at most factor times the estimated one."""
    assert np.shape(estimate.value) == np.shape(estimate.error) == np.shape(expected)
    assert np.all(np.isfinite(estimate.error))
    assert np.all(abs(estimate.value - expected) <= factor * estimate.error)


# --- the table of stencils


@pytest.mark.parametrize("key", STENCILS)
def test_a_stencil_is_exact_up_to_its_order_and_no_further(key):
    _, order = key
    moments = [sum(w * o**power for o, w in STENCILS[key].items()) for power in range(order + 2)]
    assert moments[:-1] == pytest.approx([0, 1] + [0] * (order - 1), abs=1e-12)
    assert abs(moments[-1]) > 0.5


@pytest.mark.parametrize(("method", "order"), STENCILS)
def test_the_error_falls_with_the_order(method, order):
    coarse, fine = (abs(derivative(np.exp, 0.3, method=method, order=order, step=h) - np.exp(0.3)) for h in (0.2, 0.1))
    assert math.log2(coarse / fine) == pytest.approx(order, abs=0.35)


# --- values


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["sin", "exp", "polynomial", "tanh", "constant"])
def test_derivative_of_elementwise_functions(name, method):
    f, first, _ = SCALAR[name]
    x = np.linspace(-3.0, 3.0, 12).reshape(3, 4)
    assert_close(derivative(f, x, method=method), first(x), ACCURACY[method])


@pytest.mark.parametrize("method", METHODS)
def test_derivative_at_a_number(method):
    assert_close(derivative(lambda x: 1 / x, 0.5, method=method), -4.0, 10 * ACCURACY[method])
    assert_close(derivative(lambda t: np.stack([t, t**2]), 3.0, method=method), np.array([1.0, 6.0]), ACCURACY[method])


@pytest.mark.parametrize("method", METHODS)
def test_jacobian_and_directional_of_a_vector_field(method):
    expected = field_jacobian(X)
    assert_close(jacobian(field, X, method=method), expected, 10 * ACCURACY[method])
    assert_close(directional(field, X, DIRECTION, method=method), expected @ DIRECTION, 10 * ACCURACY[method])


@pytest.mark.parametrize("method", METHODS)
def test_hessian(method):
    actual = hessian(energy, X, method=method)
    assert_close(actual, energy_hessian(X), ACCURACY_HESSIAN[method])
    assert np.array_equal(actual, actual.T)


def test_entries_of_very_different_size_have_steps_of_their_own():
    x = np.array([1e-3, 1.0, 1e7])
    assert jacobian(lambda x: x**2, x) == pytest.approx(np.diag(2 * x), rel=1e-6)
    assert derivative(lambda x: x**2, x) == pytest.approx(2 * x, rel=1e-6)


def test_complex_step_keeps_the_digits_that_differences_lose():
    f, x = lambda x: 1e9 + np.exp(x), 0.1
    assert derivative(f, x, method="complex") == pytest.approx(np.exp(x), rel=1e-15)
    assert abs(derivative(f, x) - np.exp(x)) > 1e-6


def test_richardson_is_not_misled_by_steps_beyond_a_pole_or_over_a_period():
    assert derivative(lambda x: 1 / x, 3e-4, method="richardson") == pytest.approx(-1 / 9e-8, rel=1e-6)
    first_step = np.finfo(float).eps ** (1 / 9)
    frequency = 2 * np.pi / first_step
    actual = derivative(lambda x: np.sin(frequency * x), 0.1, method="richardson")
    assert actual == pytest.approx(frequency * np.cos(frequency * 0.1), rel=1e-9)


def test_step_is_the_step_that_is_taken():
    seen = []
    derivative(lambda x: seen.append(x) or x, 1.0, step=0.25)
    assert sorted(seen) == [0.75, 1.0, 1.25]
    seen.clear()
    derivative(lambda x: seen.append(x) or x, np.array([1.0, 2.0]), method="forward", step=np.array([0.25, 0.5]))
    assert np.array_equal(seen, [[1.0, 2.0], [1.0, 2.0], [1.25, 2.5]])
    seen.clear()
    derivative(lambda x: seen.append(x) or x, 1.0, method="complex", step=1e-20)
    assert seen == [1.0, 1.0 + 1e-20j]


def test_default_steps():
    seen = []
    derivative(lambda x: seen.append(x) or x, 0.1)
    x, low, high = seen[0], *sorted(seen[1:])
    assert high - x == x - low == pytest.approx(np.finfo(float).eps ** (1 / 3), rel=1e-6)


@pytest.mark.parametrize("step", [None, 1e-7])
def test_steps_are_exact_differences_of_floats(step):
    assert np.all(derivative(lambda x: x, POINTS, method="forward", step=step) == 1)


def test_step_of_a_complex_hessian_is_the_imaginary_one():
    assert_close(hessian(energy, X, method="complex", step=1e-20), energy_hessian(X), ACCURACY_HESSIAN["complex"])


@pytest.mark.parametrize(("method", "calls"), [("forward", 3), ("central", 3), ("complex", 2)])
def test_directional_takes_few_calls(method, calls):
    seen = []
    directional(lambda x: seen.append(1) or x @ x, X, DIRECTION, method=method)
    assert len(seen) == calls


# --- shapes and types


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (0, 2)])
def test_shapes_of_elementwise_derivatives(shape, method):
    value, error = derivative(np.sin, np.full(shape, 0.5), method=method, error=True)
    assert value.shape == error.shape == shape
    assert_close(value, np.full(shape, np.cos(0.5)), ACCURACY[method])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0)])
@pytest.mark.parametrize("out", [(), (4,), (0,), (2, 2)])
def test_shapes_of_jacobians(shape, out, method):
    x, weights = np.full(shape, 0.5), np.arange(1.0, 1 + math.prod(out + shape)).reshape(out + shape)
    f = lambda x: np.tensordot(weights, x**2, len(shape))
    value, error = jacobian(f, x, method=method, error=True)
    assert value.shape == error.shape == out + shape
    assert_close(value, weights, 1e-5)
    assert directional(f, x, x, method=method).shape == out


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(), (0,), (2, 2)])
def test_shapes_of_hessians(shape, method):
    value, error = hessian(lambda x: np.sum(x**2) + 0.0, np.full(shape, 0.5), method=method, error=True)
    assert value.shape == error.shape == shape * 2
    assert_close(
        value.reshape(math.prod(shape), -1) if value.size else value,
        2 * np.eye(math.prod(shape)) if value.size else value,
        1e-3,
    )


@pytest.mark.parametrize("x", [0.5, np.float64(0.5), np.array(0.5), np.array([0.5]), np.float32(0.5)])
def test_f_sees_the_type_that_it_would_be_called_with(x):
    seen = []
    derivative(lambda x: seen.append((type(x), getattr(x, "dtype", None))) or x, x, method="richardson", error=True)
    assert set(seen) == {(type(x), getattr(x, "dtype", None))}


def test_functions_of_the_math_module_and_lists():
    assert derivative(math.sin, 0.5) == pytest.approx(math.cos(0.5), rel=1e-9)
    assert jacobian(lambda x: [x[0] * x[1], x[1]], [2.0, 3.0]) == pytest.approx(np.array([[3, 2], [0, 1]]), abs=1e-8)


def test_integer_results_count_as_floats():
    assert derivative(lambda x: x > 0, 1.0) == 0.0
    assert derivative(lambda x: 7, 1.0).dtype == np.float64


@pytest.mark.parametrize("method", METHODS)
def test_float32(method):
    x = np.array([0.5, 1.5, 2.5], np.float32)
    value, error = derivative(np.sin, x, method=method, error=True)
    assert value.dtype == error.dtype == np.float32
    assert_close(value, np.cos(x), ACCURACY_FLOAT32[method])
    assert_covers(Estimate(value, error), np.cos(x.astype(np.float64)), 1.5)


def test_float32_values_are_combined_in_double_precision():
    x = np.arange(1, 100, dtype=np.float32)
    assert np.all(derivative(lambda x: x, x, order=8, step=0.25) == 1)


@pytest.mark.parametrize("method", REAL_METHODS)
def test_steps_fit_a_function_that_computes_in_float32(method):
    value = derivative(lambda x: np.sin(x.astype(np.float32)), np.array([0.5, 1.5]), method=method)
    assert value.dtype == np.float32
    assert_close(value, np.cos([0.5, 1.5]), ACCURACY_FLOAT32[method])


@pytest.mark.parametrize("method", METHODS)
def test_other_precisions(method):
    wide = derivative(np.sin, np.longdouble(1), method=method)
    assert wide.dtype == np.longdouble
    assert abs(wide - np.cos(np.longdouble(1))) < ACCURACY[method]
    assert derivative(lambda x: x**3, np.float16(1.5), method=method) == pytest.approx(6.75, abs=0.3)


# --- complex


@pytest.mark.parametrize("method", REAL_METHODS)
def test_holomorphic_functions(method):
    z = np.array([0.3 + 0.4j, -1.2 + 0.1j])
    assert_close(derivative(np.exp, z, method=method), np.exp(z), ACCURACY[method])
    assert_close(
        jacobian(lambda z: z[0] * z, z, method=method), np.array([[2 * z[0], 0], [z[1], z[0]]]), ACCURACY[method]
    )
    assert_close(derivative(lambda z: z**2, 1 + 2j, method=method), 2 + 4j, ACCURACY[method])


@pytest.mark.parametrize("method", REAL_METHODS)
def test_real_functions_of_complex_numbers(method):
    z = np.array([0.3 + 0.4j, -1.2 + 0.1j])
    assert_close(derivative(np.abs, z, method=method), z.conj() / abs(z), ACCURACY[method])
    assert_close(jacobian(lambda z: np.sum(abs(z) ** 2), z, method=method), 2 * z.conj(), ACCURACY[method])
    assert_close(derivative(np.imag, z, method=method), np.full(2, -1j), ACCURACY[method])


@pytest.mark.parametrize("method", REAL_METHODS)
def test_complex_functions_of_real_numbers(method):
    assert_close(derivative(lambda x: np.exp(1j * x), 0.7, method=method), 1j * np.exp(0.7j), ACCURACY[method])


@pytest.mark.parametrize("method", REAL_METHODS)
def test_directional_derivative_at_complex_points_has_no_convention(method):
    z, direction = np.array([1 + 2j, 3.0]), np.array([0.5 - 1j, 2j])
    expected = 2 * np.sum(z.conj() * direction).real
    assert_close(directional(lambda z: np.sum(abs(z) ** 2), z, direction, method=method), expected, ACCURACY[method])


def test_complex64():
    value, error = derivative(np.exp, np.array([0.3 + 0.4j], np.complex64), error=True)
    assert (value.dtype, error.dtype) == (np.complex64, np.float32)
    assert_close(value, np.exp(np.array([0.3 + 0.4j])), 1e-3)


def test_a_function_that_is_not_holomorphic_shows_in_the_error():
    assert derivative(np.conj, 1 + 2j, error=True).error >= 1
    assert derivative(np.exp, 1 + 2j, error=True).error < 1e-8


# --- error estimates


@pytest.mark.parametrize(("method", "order"), ORDERS)
@pytest.mark.parametrize("name", SCALAR)
def test_the_estimate_covers_the_true_error(name, method, order):
    f, first, _ = SCALAR[name]
    assert_covers(derivative(f, POINTS, method=method, order=order, error=True), first(POINTS), 4)


@pytest.mark.parametrize(("method", "order"), ORDERS)
@pytest.mark.parametrize("seed", range(5))
def test_the_estimate_covers_the_true_error_of_several_variables(seed, method, order):
    generator = np.random.default_rng(seed)
    options = {"method": method, "order": order, "error": True}
    x, direction = generator.normal(size=(2, 3)) * 10 ** generator.uniform(-1, 1)
    assert_covers(jacobian(field, x, **options), field_jacobian(x), 3)
    assert_covers(directional(field, x, direction, **options), field_jacobian(x) @ direction, 3)
    assert_covers(hessian(energy, x, **options), energy_hessian(x), 3)


@pytest.mark.parametrize("method", METHODS)
def test_the_estimate_is_no_wild_overestimate(method):
    assert np.all(derivative(np.exp, POINTS[:40], method=method, error=True).error < 100 * ACCURACY[method])
    assert np.all(hessian(energy, X, method=method, error=True).error < 10 * ACCURACY_HESSIAN[method])


@pytest.mark.parametrize("method", METHODS)
def test_the_estimate_has_the_rounding_of_the_result(method):
    assert_covers(derivative(lambda x: x / 3, np.float32(0), method=method, error=True), np.float64(1) / 3, 1)


def test_the_estimate_sees_the_noise_of_f():
    noisy = lambda x: np.sin(x) + 1e-9 * np.sin(1e15 * x)
    for method in REAL_METHODS:
        value, error = derivative(noisy, np.linspace(0.1, 2.0, 20), method=method, error=True)
        assert np.all(abs(value - np.cos(np.linspace(0.1, 2.0, 20))) <= 3 * error)


def test_a_complex_step_through_a_function_that_is_not_analytic_shows_in_the_error():
    f = lambda x: x * np.real(x)
    value, error = derivative(f, 1.5, method="complex", error=True)
    assert value == 1.5
    assert error >= 1.49


def test_without_error_the_value_is_the_same_and_plain():
    for method in METHODS:
        value, _ = derivative(np.sin, POINTS, method=method, error=True)
        assert np.array_equal(derivative(np.sin, POINTS, method=method), value)
        assert isinstance(derivative(np.sin, 0.5, method=method), float)


# --- what may go wrong


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(), (3,)])
def test_a_function_that_writes_into_its_argument_is_harmless(shape, method):
    def destructive(x):
        result = np.sum(x**2)
        x[...] = 1e3
        return result

    x = np.full(shape, 0.5)
    for differentiate, expected in [(jacobian, np.full(shape, 1.0)), (hessian, 2 * np.eye(x.size).reshape(shape * 2))]:
        assert_close(differentiate(destructive, x, method=method), expected, 1e-3)
    assert np.all(x == 0.5)


@pytest.mark.parametrize("method", METHODS)
def test_a_function_that_returns_the_same_buffer_is_harmless(method):
    buffer = np.zeros(3, np.complex128 if method == "complex" else np.float64)

    def reusing(x):
        buffer[...] = x**2
        return buffer if np.iscomplexobj(x) else buffer.real

    for actual, expected in zip(*(jacobian(f, X, method=method, error=True) for f in (reusing, lambda x: x**2))):
        assert np.array_equal(actual, expected)


@pytest.mark.parametrize("differentiate", [derivative, jacobian, hessian])
@pytest.mark.parametrize("x", [2, True, np.int64(2), [1, 2], np.arange(3), np.zeros(0, int)])
def test_integers_are_refused(differentiate, x):
    with pytest.raises(
        TypeError, match=r"x has dtype \w+, derivatives need floats: pass 2.0 for 2, or x.astype\(float\)"
    ):
        differentiate(np.sum, x)
    with pytest.raises(TypeError, match="derivatives need floats"):
        directional(np.sum, x, x)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("x", [np.inf, -np.inf, np.nan])
def test_points_that_are_not_finite(x, method):
    value, error = derivative(lambda x: x**2, x, method=method, error=True)
    assert not np.isfinite(value)
    assert error == np.inf
    assert jacobian(lambda x: x @ x, np.array([1.0, x]), method=method).shape == (2,)
    assert hessian(lambda x: x @ x, np.array([1.0, x]), method=method).shape == (2, 2)


@pytest.mark.parametrize("method", METHODS)
def test_a_step_that_is_nan(method):
    value, error = derivative(np.sin, 1.0, step=np.nan, method=method, error=True)
    assert np.isnan(value)
    assert error == np.inf


def test_leaving_the_domain_gives_an_infinite_error_and_no_warning():
    assert derivative(np.log, 1e-6, error=True).error == np.inf
    assert derivative(np.log, 1e-6, step=1e-9) == pytest.approx(1e6, rel=1e-5)


def test_zero_direction():
    assert directional(np.sin, X, np.zeros(3)).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda: derivative(np.sin, 1.0, method="best"),
            ValueError,
            "expected one of forward, central, richardson, complex",
        ),
        (lambda: derivative(np.sin, 1.0, order=3), ValueError, "no order 3 of 'central'"),
        (lambda: derivative(np.sin, 1.0, method="complex", order=2), ValueError, "no order 2 of 'complex'"),
        (lambda: derivative(np.sin, 1.0, step=0.0), ValueError, "expected a positive number"),
        (lambda: derivative(np.sum, X), ValueError, r"x has shape \(3,\), f\(x\) \(\); use jacobian"),
        (lambda: hessian(np.sin, X), ValueError, r"f\(x\) has shape \(3,\)"),
        (lambda: hessian(np.abs, 1j), TypeError, "x is complex"),
        (lambda: directional(np.sum, X, np.ones(2)), ValueError, r"x has shape \(3,\), direction \(2,\)"),
        (lambda: directional(np.sum, X, 1j * X), TypeError, "direction is complex where x is real"),
        (lambda: derivative(np.sin, 1j, method="complex"), TypeError, "needs real x and real f"),
        (lambda: derivative(lambda x: 1j * x, 1.0, method="complex"), TypeError, "needs real x and real f"),
        (lambda: derivative(np.abs, 1.0, method="complex"), TypeError, "f drops the imaginary part of x"),
        (lambda: derivative(lambda x: "text", 1.0), TypeError, "expected numbers"),
        (lambda: jacobian(lambda x: x[x > 1], np.ones(2)), ValueError, r"shape \(0,\), but \(1,\) near x"),
    ],
)
def test_messages(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_the_public_names():
    assert sorted(numerical.__all__) == ["Estimate", "derivative", "directional", "hessian", "jacobian"]
