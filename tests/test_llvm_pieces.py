"""Zeros with parts added, which machine code evaluates where they are read: each piece has a formula of its own."""

import numpy as np
import pytest

import wengert as wg
from machine_code import staged
from test_llvm_random import verify
from wengert.backends import schedule
from wengert.backends.llvm import arrays
from written import defined

SHAPES = [(1,), (2,), (5,), (9,), (3, 4), (6, 1), (2, 2, 3)]


def random_function(r, n):
    """Of arrays with n rows: each step makes an array of that shape from those before it."""
    names, lines = ["x", "h"], ["h = x * 0.5 + 1.0"]
    for i in range(r.integers(3, 12)):
        a, b = r.choice(names, 2)
        names.append(f"y{i}")
        lines += [line.replace("new", names[-1]) for line in step(r, a, b, n)]
    a, b = r.choice(names, 2)
    if r.random() < 0.3:
        lines.append(f"if np.sum(np.abs({a})) > 1e6:\n        raise ValueError({b!r})")
    text = f"return {names[-1]}, {a} + {b}, np.sum({names[-1]} * {a})"
    return "".join(["def f(x):\n", *(f"    {line}\n" for line in [*lines, text])])


def step(r, a, b, n):
    """Lines that make `new` of a and b: every other one is a sum of parts."""
    if r.random() < 0.5:
        return ["new = np.zeros_like(x)", *(added(r, a if k % 2 else b, n) for k in range(r.integers(1, 4)))]
    plain = ["{a} * {b} * 0.5", "{a} - 2.0 * {b}", "np.sin({a}) + {b}", "{a}[::-1] * 0.5 + np.mean({b})"]
    return [f"new = {r.choice([*plain, '({a} + {b}) / 3.0 + {a}[0]'])}".format(a=a, b=b)]


def added(r, part, n):
    """A slice of the part, or one of its rows, added to some rows or one."""
    count = r.integers(0, n + 1)
    to, start = (r.integers(0, n - count + 1) for _ in range(2))
    match r.integers(0, 6):
        case 0:
            return f"new[{r.integers(-n, n)}] += {part}[{r.integers(-n, n)}]"
        case 1:
            return f"new[{to}:{to + count}] += {part}[-1]"
        case _:
            return f"new[{to}:{to + count}] += {part}[{start}:{start + count}]"


def close(found, expected):
    tolerance = 1e-3 if found.dtype == np.float32 else 1e-10
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max(initial=0.0))


def drawn(seed, dtype):
    """(a random function, an argument of it, the gradient of the sum of squares of its results)"""
    r, shape = np.random.default_rng(seed), SHAPES[seed % len(SHAPES)]
    f = defined(random_function(r, shape[0]), f"<pieces {seed} {dtype.__name__}>", np=np)["f"]
    x = (r.standard_normal(shape) + (1j * r.standard_normal(shape) if dtype is np.complex128 else 0.0)).astype(dtype)
    return f, x, wg.grad(lambda x: sum(np.sum(np.real(y * np.conj(y))) for y in f(x)))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128], ids=lambda d: d.__name__)
@pytest.mark.parametrize("seed", range(60))
def test_random_sums_of_parts(seed, dtype):
    f, x, gradient = drawn(seed, dtype)
    for found, expected in zip(wg.jit(f)(x), f(x)):
        close(found, expected)
    for backend in ("llvm", "numpy"):
        close(wg.jit(gradient, backend=backend)(x), gradient(x))
    if seed % 3 == 0:
        verify(*staged(gradient, x), seed=1, rtol=1e-3 if dtype is np.float32 else 1e-10)


@pytest.mark.parametrize("dtype", [np.float64, np.complex128], ids=lambda d: d.__name__)
def test_readers_in_another_order(dtype, monkeypatch):
    """None is left to evaluate an element of which it does not know the piece; it could."""
    asked = []
    monkeypatch.setattr(schedule, "times_for", lambda *_: 1)
    monkeypatch.setattr(arrays, "element_in", lambda *args, found=arrays.element_in: asked.append(1) or found(*args))
    monkeypatch.setenv("WENGERT_CACHE", "off")
    for seed in range(60):
        f, x, gradient = drawn(seed, dtype)
        close(wg.jit(f)(x)[0], f(x)[0])
        close(wg.jit(gradient)(x), gradient(x))
    assert asked
