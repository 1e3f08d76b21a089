"""Loops whose arrays exchange names run two iterations at once in machine code: the same numbers."""

import numpy as np
import pytest

import wengert as wg
from staging import interpreted
from wengert.ir.program import walk
from wengert.passes.exchange import FEW, exchange

CELLS = 2 * FEW


def heat(u, n):
    old, new = u.copy(), u.copy()
    for _ in range(n):
        for i in range(1, len(u) - 1):
            new[i] = old[i] + 0.2 * (old[i - 1] - 2.0 * old[i] + old[i + 1])
        old, new = new, old
    return np.sum(old * np.arange(len(u))) + np.sum(new**2)


def wave(u, n):
    before, now = u, 0.9 * u
    for i in range(n):
        after = 2.0 * now - before + 0.1 * np.sin(now) * i
        before, now = now, after
    return np.sum(now * before)


def down_by_three(u, n):
    a, b = u.copy(), np.cos(u)
    for i in range(3 * n, 0, -3):
        b = b * 0.5 + i * a[0]
        a, b = b, a
    return np.sum(a) - 2.0 * np.sum(b)


def with_numbers(u, n):
    a, b, s, last = u.copy(), np.sin(u), 0.0, 1.0
    for i in range(n):
        b[i % len(u)] = s + a[1]
        s, last = last + a[0], s
        a, b = b, a
    return np.sum(a) * s + np.sum(b * last)


def nested(u, n):
    a, b = u.copy(), u + 1.0
    for _ in range(n):
        for j in range(n):
            b = b * 0.9 + 0.3 * a[j]
            a, b = b, a
        a, b = b, a + 1.0
    return np.sum(a * u) + np.sum(b)


EXCHANGING = [heat, wave, down_by_three, with_numbers, nested]


def rotating(u, n):
    a, b, c = u.copy(), u + 1.0, u - 1.0
    for _ in range(n):
        c[0] = c[0] + a[0] * b[1]
        a, b, c = b, c, a
    return np.sum(a * b - c)


def few_elements(u, n):
    a, b = u[:3].copy(), u[3:6].copy()
    for i in range(n):
        b[0] = b[1] + a[2] * i
        a, b = b, a
    return np.sum(a) - np.sum(b)


def one_array(u, n):
    a = u.copy()
    for i in range(n):
        a[i] = a[i] + a[i + 1]
    return np.sum(a)


def close(found, expected):
    assert type(found) is type(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("n", range(6))
@pytest.mark.parametrize("f", [*EXCHANGING, rotating, few_elements, one_array])
def test_values(f, n):
    u = np.linspace(-1.0, 2.0, CELLS)
    close(wg.jit(f)(u, n), interpreted(f)(u, n))
    close(wg.jit(lambda u: f(u, n))(u), interpreted(lambda u: f(u, n))(u))  # the number of trips is known


@pytest.mark.parametrize("n", [0, 1, 4, 5])
@pytest.mark.parametrize("f", EXCHANGING)
def test_derivatives(f, n):
    u = np.linspace(-1.0, 2.0, CELLS)
    np.testing.assert_allclose(wg.jit(wg.grad(f))(u, n), wg.grad(f)(u, n), rtol=1e-13, atol=1e-13)
    along = lambda u: wg.jvp(lambda u: f(u, n), (u,), (np.cos(u),))[1]
    np.testing.assert_allclose(wg.jit(wg.grad(along))(u), wg.grad(along)(u), rtol=1e-12, atol=1e-12)
    lanes = np.stack([u, 0.5 * u])
    found = wg.jit(wg.vmap(wg.grad(lambda u: f(u, n))))(lanes)
    np.testing.assert_allclose(found, [wg.grad(f)(lane, n) for lane in lanes], rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.complex128, np.int64, bool])
def test_other_dtypes(dtype):
    def f(u, n):
        a, b = u.copy(), u[::-1].copy()
        for i in range(n):
            b[i] = a[i + 1]
            a, b = b, a
        return a, b

    u = np.arange(CELLS).astype(dtype)
    for x, y in zip(wg.jit(f)(u, 5), f(u, 5)):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("failing", [3, 4])
def test_exceptions_come_from_the_iteration_that_raises(failing):
    def f(u, places, n):
        a, b = u.copy(), u + 1.0
        for i in range(n):
            b[places[i]] = a[0]
            a, b = b, a
        return np.sum(a)

    u, places = np.ones(CELLS), np.arange(6)
    close(wg.jit(f)(u, places, 6), f(u, places, 6))
    places[failing] = CELLS
    with pytest.raises(IndexError, match=f"index {CELLS} is out of bounds"):
        wg.jit(f)(u, places, 6)
    close(wg.jit(f)(u, places, failing), f(u, places, failing))


def loops(program):
    return sum(e.row.name == "for_" for e in walk(program))


@pytest.mark.parametrize("f", EXCHANGING)
def test_what_is_left_of_an_odd_number_has_a_loop_of_its_own(f):
    program = wg.program(f, np.ones(CELLS), 3)
    assert loops(exchange(program)) > loops(program)
    even = wg.program(lambda u: wave(u, 4), np.ones(CELLS))
    assert loops(exchange(even)) == loops(even) == 1


@pytest.mark.parametrize("f", [rotating, few_elements, one_array])
def test_other_loops_stay(f):
    program = wg.program(f, np.ones(CELLS), 3)
    assert exchange(program) is program
