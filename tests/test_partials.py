"""Partial derivatives in the forward sweep: less is kept, and every value is the one of eager mode."""

import numpy as np
import pytest

import wengert as wg


def recurrence(step):
    def f(x):
        s = 0.0 * x[0]
        for i in range(len(x)):
            s = step(s, x[i])
        return s * s

    return f


def bytes_of(step, n=6):
    return wg.kept(recurrence(step), np.linspace(0.5, 2.0, n)).inner[0].bytes


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (lambda s, x: np.maximum(np.sin(s), x * s), 2),  # s and sin(s): the products read s as well
        (lambda s, x: np.minimum(s + x, s - x), 1),  # the winner
        (lambda s, x: np.hypot(s + x, s - x), 2),  # both quotients, in place of the radius and the sides
        (lambda s, x: np.sin(s) + x, 1),  # s
        (lambda s, x: s * x + 1.0, 1),  # s
    ],
)
def test_what_is_kept(step, expected):
    assert bytes_of(step) == 8 * expected


X = np.array([0.7, 1.0, 1.0, -0.3, 2.0, 2.0])
STEPS = {
    "minimum": lambda s, x: np.minimum(s + x, 2.0 * s - x),
    "maximum": lambda s, x: np.maximum(s * x, x - s),
    "both": lambda s, x: np.maximum(np.minimum(s + x, 1.0), s - x),
    "hypot": lambda s, x: np.hypot(s + x, s * x + 1.0),
}


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("x", [X, np.zeros(6), np.array([1.0, np.nan, 2.0, 0.0, 1.0, 1.0])])
def test_values_are_those_of_eager_mode(name, x, dtype):
    f, x = recurrence(STEPS[name]), x.astype(dtype)
    found, expected = wg.jit(wg.grad(f))(x), wg.grad(f)(x)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-5 if dtype == "f4" else 1e-13, atol=1e-30)


@pytest.mark.parametrize("name", STEPS)
def test_second_derivatives(name):
    f = recurrence(STEPS[name])
    np.testing.assert_allclose(wg.jit(wg.hessian(f))(X), wg.hessian(f)(X), rtol=1e-12, atol=1e-12)


def test_ties_are_shared_and_nan_stays():
    def f(x, y):
        total = 0.0
        for i in range(len(x)):
            total = np.minimum(x[i], y[i]) * 2.0 + total
        return total

    x_bar, y_bar = wg.jit(wg.grad(f, argnums=(0, 1)))(np.array([1.0, 2.0, np.nan]), np.array([1.0, 3.0, 1.0]))
    np.testing.assert_array_equal(x_bar, [1.0, 2.0, np.nan])
    np.testing.assert_array_equal(y_bar, [1.0, 0.0, np.nan])


def test_shortest_paths_keep_one_number_for_each_step():
    def relax(d):
        for k in range(3):
            for i in range(3):
                for j in range(3):
                    d[i, j] = np.minimum(d[i, j], d[i, k] + d[k, j])
        return d.sum()

    report = wg.kept(lambda d: relax(d.copy()), np.ones((3, 3)))
    assert report.inner[0].inner[0].inner[0].bytes == 8


def test_arrays_on_a_branch():
    def f(x, y, flag):
        if flag > 0:
            z = np.hypot(x, y)
        else:
            z = np.minimum(x, y)
        return np.sum(z * z)

    x, y = np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0])
    g = wg.jit(wg.grad(f, argnums=(0, 1)))
    for flag in (1.0, -1.0):
        for found, expected in zip(g(x, y, flag), wg.grad(f, argnums=(0, 1))(x, y, flag)):
            np.testing.assert_allclose(found, expected, rtol=1e-14)
