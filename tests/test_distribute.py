"""Derivatives of stencils: what iterations add to neighbouring elements is added by arrays, in machine code."""

from dataclasses import replace

import numpy as np
import pytest

import wengert as wg
from staging import interpreted
from wengert.ir.evaluate import evaluate
from wengert.ir.program import Program, walk
from wengert.ir.verify import verify
from wengert.passes.distribute import FEW, MANY, distribute

CELLS = FEW + 9


def diffuse(u, c):
    new = np.zeros(len(u))
    for i in range(1, len(u) - 1):
        new[i] = u[i] + c * (u[i - 1] - 2.0 * u[i] + u[i + 1])
    return np.sum(new**2)


def far_neighbours(u, c):
    s = 0.0
    for i in range(3, len(u) - 5):
        s = s + c * np.sin(u[i - 3]) * u[i + 5] - u[i]
    return s


def downwards(u, c):
    s = 0.0
    for i in range(len(u) - 2, 0, -1):
        s = s + u[i + 1] * u[i] * c
    return s


def of_rows(u, c):
    a = np.outer(u, u[:4])
    s = 0.0
    for i in range(1, len(u)):
        s = s + a[i, 2] * a[i - 1, 2] + c * a[i, 1]
    return s * np.sum(a)


def from_the_second(u, c):
    s = 0.0
    for i in range(2, len(u)):
        s = s + (u[i] - c * u[i - 1]) ** 2
    return s


def three_ranges(u, c):
    """Places that no two of the terms share; and two that all share."""
    long = np.concatenate([u, 2.0 * u, c * u, u, u, u])
    s = 0.0
    for i in range(FEW + 2):
        s = s + long[i] * long[i + 50] * np.cos(long[i + 100]) + long[i + 16] * long[i + 32]
    return s


def in_steps(u, c):
    for _ in range(4):
        new = u.copy()
        for i in range(1, len(u) - 1):
            new[i] = c * u[i - 1] + u[i + 1] * u[i]
        u = new
    return np.sum(np.cos(u))


STENCILS = [diffuse, far_neighbours, of_rows, from_the_second, three_ranges, in_steps]


def one_neighbour(u, c):
    s = 0.0
    for i in range(len(u) - 1):
        s = s + c * u[i + 1] ** 2
    return s


def needs_what_was_added(u, c):
    u = u.copy()
    for i in range(1, len(u) - 1):
        u[i] = u[i - 1] + c * u[i + 1]
    return np.sum(u)


def by_every_second(u, c):
    s = 0.0
    for i in range(1, len(u) - 1, 2):
        s = s + u[i - 1] * u[i + 1] * c
    return s


def along_a_list(u, c):
    s = 0.0
    for i in range(len(u) - 1):
        s = s + u[PLACES[i]] * u[i + 1] * c
    return s


PLACES = np.arange(CELLS)[::-1].copy()


def stays(u, c):
    s = 0.0
    for i in range(FEW - 4):
        s = s + u[i + 1] * u[i] * c
    return s


OTHERS = [downwards, one_neighbour, needs_what_was_added, by_every_second, along_a_list, stays]


def point(dtype=float):
    return np.linspace(0.2, 1.4, CELLS).astype(dtype), dtype(0.7)


def gradient(f):
    return wg.value_and_grad(f, argnums=(0, 1))


def agree(found, expected, rtol=1e-13):
    for x, y in zip(found, expected, strict=True):
        assert np.asarray(x).dtype == np.asarray(y).dtype
        np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("f", STENCILS)
def test_sums_leave_the_loop(f):
    args = point()
    program = wg.program(gradient(f), *args)
    new = distribute(program)
    verify(new)
    assert any(x.name == "terms" for e in walk(new) for x in e.outs)
    agree(evaluate(new, list(args)), evaluate(program, list(args)))


@pytest.mark.parametrize("f", [*STENCILS, *OTHERS])
def test_machine_code_agrees(f):
    for dtype, rtol in ((float, 1e-13), (np.float32, 1e-4)):
        args = point(dtype)
        value, slopes = wg.jit(gradient(f))(*args)
        expected, wanted = gradient(f)(*args)
        agree([value, *slopes], [expected, *wanted], rtol)


@pytest.mark.parametrize("f", STENCILS)
def test_second_order_and_batches(f):
    u, c = point()
    along = lambda u, c: wg.jvp(lambda u: wg.grad(f)(u, c), (u,), (np.cos(u),))[1]
    np.testing.assert_allclose(wg.jit(along)(u, c), along(u, c), rtol=1e-11, atol=1e-11)
    lanes = np.stack([u, 0.5 * u, np.zeros(CELLS)])
    batch = wg.vmap(lambda u: wg.grad(f)(u, c))
    np.testing.assert_allclose(wg.jit(batch)(lanes), batch(lanes), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("f", OTHERS)
def test_other_loops_stay(f):
    program = wg.program(gradient(f), *point())
    assert distribute(program) is program


def test_the_user_s_own_sums_keep_their_order():
    def f(u, a):
        a = a.copy()
        for i in range(1, len(u) - 1):
            a[i - 1] += u[i]
            a[i + 1] += 2.0 * u[i]
        return a

    program = wg.program(f, point()[0], point()[0])
    assert distribute(program) is program


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_stays_where_it_belongs(bad):
    u, c = point()
    u[7] = bad
    with np.errstate(all="ignore"):
        for found, expected in zip(wg.jit(gradient(diffuse))(u, c)[1], gradient(diffuse)(u, c)[1]):
            np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("n", [MANY + 2, MANY + 3])
def test_long_loops(n):
    u = np.linspace(0.2, 1.4, n)
    for found, expected in zip(wg.jit(gradient(diffuse))(u, 0.1)[1], interpreted(gradient(diffuse))(u, 0.1)[1]):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


def without_the_last(program, trips):
    """The same, where loops that count down to 0 stop so many iterations before."""
    equations = [
        replace(e, ins=[e.ins[0], e.ins[1] + trips, *e.ins[2:]]) if e.row.name == "for_" and e.ins[2] == -1 else e
        for e in program.equations
    ]
    return Program(program.params, equations, program.results, program.name)


@pytest.mark.parametrize("f", [far_neighbours, of_rows, from_the_second])
def test_loops_that_do_not_begin_at_zero(f):
    args = np.linspace(0.2, 1.4, 2 * CELLS), 0.7
    program = without_the_last(wg.program(gradient(f), *args), 5)
    new = distribute(program)
    verify(new)
    assert new is not program
    agree(evaluate(new, list(args)), evaluate(program, list(args)))
