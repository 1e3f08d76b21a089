"""wg.cost: what is counted is that of the programs, what is measured is measured."""

import numpy as np
import pytest

import wengert as wg


def accumulate(x, n):
    total = 0.0
    for i in range(n):
        total += np.sum(np.sin(x) * i)
    return total


def layers(A, b):
    x = np.zeros(3)
    for _ in range(5):
        x = np.tanh(A @ x + b)
    return x


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_counts_grow_with_the_loop_and_arguments_stay(backend):
    x = np.linspace(0.0, 1.0, 50)
    before = x.copy()
    few, many = (wg.cost(accumulate, x, n, backend=backend) for n in (20, 40))
    assert many.function.operations > 1.8 * few.function.operations
    assert few.derivative.operations < 6 * few.function.operations
    assert (few.function.compiling is None) is (backend == "numpy")
    assert few.what == "gradient" and few.ratio > 0.0 and few.function.running > 0.0
    np.testing.assert_array_equal(x, before)


def test_arrays_as_results_and_several_arguments():
    found = wg.cost(layers, np.eye(3), np.ones(3), argnums=(0, 1))
    assert found.what == "vjp"
    assert found.kept.inner[0].bytes == 48  # two arrays of three numbers in each iteration
    text = str(found)
    for word in ("operations", "bytes of new arrays", "staging", "compiling", "running", "ratio", "keeps 240 bytes"):
        assert word in text


def test_what_is_refused():
    with pytest.raises(wg.Diagnostic, match="W604"):
        wg.cost(lambda x: np.sum(np.abs(x)), np.ones(4, np.longdouble))
    with pytest.raises(ValueError, match="backend"):
        wg.cost(accumulate, np.ones(2), 3, backend="fortran")
