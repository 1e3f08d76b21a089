"""Functions that NumPy evaluates for neighbours at once: strips of long arrays, bit for bit what NumPy gives."""

import numpy as np
import pytest

import lifetimes
import wengert as wg
from machine_code import agree, staged
from wengert.backends.llvm.program import lowered
from wengert.backends.llvm.rows import elementwise

LONG, STRIP = elementwise.LONG, elementwise.STRIP
SHAPES = [(LONG - 1,), (LONG,), (3, 5), (STRIP,), (STRIP + 1,), (2, 1500)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", sorted(elementwise.IN_VECTORS))
def test_values_are_those_of_numpy(name, shape):
    f = getattr(np, name)
    x = np.random.default_rng(0).uniform(0.1, 2.0, shape)
    jitted = wg.jit(lambda x: (f(x), f(2.0 * x), f(x[..., ::-1])), backend="llvm")
    neighbours = np.ascontiguousarray(x[..., ::-1])  # of others NumPy may round otherwise
    for found, wanted in zip(jitted(x), (f(x), f(2.0 * x), f(neighbours))):
        if np.size(x) >= LONG:
            np.testing.assert_array_equal(found, wanted)
        np.testing.assert_allclose(found, wanted, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64, np.int8])
def test_other_dtypes(dtype):
    x = (np.arange(1200) % 7 + 1).astype(dtype)
    found = wg.jit(lambda x: np.log(x), backend="llvm")(x)
    np.testing.assert_array_equal(found, np.log(x))
    assert found.dtype == np.log(x).dtype


def layers(x):
    y = np.exp(np.tanh(x) * 0.5)
    y[1:] = np.tanh(y[:-1]) + np.exp(y[::-1])[1:]
    return np.sum(np.log1p(y) * np.tanh(y + x))


@pytest.mark.parametrize("n", [9, 2500])
def test_derivatives_and_lifetimes(n):
    x = np.linspace(-2.0, 2.0, n)
    for f in (layers, wg.grad(layers)):
        program, operands = staged(f, x)
        agree(program, operands, checked=True)
        lifetimes.verify(lowered(program, checked=True))
    np.testing.assert_allclose(wg.jit(wg.grad(layers), backend="llvm")(x), wg.grad(layers)(x), rtol=1e-11, atol=1e-12)
