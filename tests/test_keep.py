"""What a loop keeps and what is evaluated again: least is kept, and results are those of eager mode."""

import numpy as np
import pytest

import machine_code
import wengert as wg
from wengert.passes import optimise

random = np.random.default_rng(3)


def stages(x, n):
    """Each step needs the one before, shifted: slices of a carry, and of what follows from it."""
    y = x * 1.0
    for _ in range(n):
        k1 = x.copy()
        k1[1:] *= y[:-1]
        k2 = x.copy()
        k2[1:] *= (y + 0.1 * k1)[:-1]
        y = y + 0.05 * (k1 + k2)
    return np.sum(y**2)


def one_part(x, n):
    """Half of the carry is all that is needed."""
    y = x * 1.0
    for _ in range(n):
        half = y[: len(x) // 2]
        y = y + 0.1 * np.sum(half * half * half)
    return np.sum(y)


def both_parts(x, n):
    y = x * 1.0
    for _ in range(n):
        y = y + 0.1 * np.sin(y[0]) * np.cos(y[-1]) + 0.01 * np.sum(y[1:] * y[:-1])
    return np.sum(y)


def overwritten(x, n):
    y = x * 1.0
    for _ in range(n):
        before = y.copy()
        y[1:-1] = np.sin(before[2:]) * before[:-2]
        y *= 0.9
    return np.sum(y)


def shared_chain(x, n):
    """One long chain of cheap steps, of which every value is needed."""
    y = x * 1.0
    for _ in range(n):
        a = y * x + 1.0
        b = a * y - x
        c = b * a + y
        d = c * b - a
        e = d * c + b
        y = 0.01 * e * d * c
    return np.sum(y)


EACH = [stages, one_part, both_parts, overwritten, shared_chain]


@pytest.mark.parametrize("f", EACH, ids=lambda f: f.__name__)
@pytest.mark.parametrize("n", [0, 1, 5])
@pytest.mark.parametrize("dtype", [float, np.float32, complex])
def test_derivatives_are_those_of_eager_mode(f, n, dtype):
    x = (random.uniform(0.5, 1.0, 6) + (0.1j if dtype is complex else 0.0)).astype(dtype)
    g = (lambda x, n: np.real(f(x, n))) if dtype is complex else f
    for d in (wg.grad(g), wg.grad(lambda x, n: np.sum(np.real(np.sin(wg.grad(g)(x, n)))))):
        expected = d(x, n)
        for backend in ("llvm", "numpy"):
            rtol = 1e-4 if dtype is np.float32 else 1e-10
            np.testing.assert_allclose(wg.jit(d, backend=backend)(x, n), expected, rtol=rtol, atol=rtol)


def kept_each(f, x):
    """What is kept in each iteration: shapes, by wg.kept's words."""
    lines = str(wg.kept(f, x, 3)).split("in each iteration")[1].splitlines()
    return [line.split()[1] for line in lines if " kept " in line]


@pytest.mark.parametrize("n", [3, 5, 30])
def test_an_array_is_kept_whole_where_that_keeps_less(n):
    assert kept_each(stages, np.ones(n)) == [f"f64[{n}]"]


def test_a_part_is_kept_where_all_leads_to_nothing_more():
    assert kept_each(one_part, np.ones(8)) == ["f64[4]"]


def test_what_is_evaluated_again_for_one_value_is_there_for_the_next():
    assert kept_each(shared_chain, np.ones(4)) == ["f64[4]"]


@pytest.mark.parametrize("f", EACH, ids=lambda f: f.__name__)
def test_what_is_kept_early(f):
    program, operands = machine_code.staged(wg.grad(f), np.linspace(0.5, 1.0, 6), 4)
    machine_code.agree(program, operands, checked=True)
    early = optimise.for_machine(program)
    assert optimise.soon(early) is early


def test_a_carry_that_is_kept_early_is_changed_in_place(monkeypatch):
    def f(x, n):
        for _ in range(n):
            x = x + 0.1 * np.sin(x)
        return np.sum(x)

    text = lambda: machine_code.lowered(program).text
    program, _ = machine_code.staged(wg.grad(f), np.ones(600), 4)
    early = text().count("@llvm.memcpy")
    monkeypatch.setattr(optimise, "soon", lambda program: program)
    assert early < text().count("@llvm.memcpy")
