"""Where NumPy raises, so do traced calls, eager and staged, and never give another number."""

import operator

import numpy as np
import pytest

import wengert as wg

V, W, A, B, CUBE = np.ones(3), np.ones(2), np.ones((2, 3)), np.ones((3, 2)), np.ones((2, 3, 2))
NUMBER = np.array(2.0)

CALLS = {
    "tensordot of other lengths": (np.tensordot, A, B, ([0, 1], [0, 1])),
    "tensordot of another count of axes": (np.tensordot, A, B, ([0, 1], [0])),
    "inner": (np.inner, V, W),
    "vecdot of other lengths": (np.vecdot, V, W),
    "vecdot with one element": (np.vecdot, V, V[:1]),
    "vecdot of a number": (np.vecdot, NUMBER, V),
    "matmul of a number": (np.matmul, NUMBER, V),
    "matmul of other lengths": (np.matmul, A, A),
    "trapezoid": (np.trapezoid, V, np.ones(5)),
    "trapezoid over an axis that is not there": (np.trapezoid, V, V, 1.0, 1),
    "interp between points of two axes": (lambda x, y: np.interp(0.5, x, y), A, A),
    "interp between other counts": (lambda x, y: np.interp(0.5, x, y), V, W),
    "vander": (np.vander, V, -2),
    "a gradient along an axis twice": (lambda x: np.gradient(np.ones((4, 5)) * x, axis=(-1, 1))[0], NUMBER),
    "swapaxes": (np.swapaxes, A, 0, 2),
    "moveaxis": (np.moveaxis, A, 0, 2),
    "a repeated axis": (np.sum, CUBE, (0, 0)),
    "a repeated axis of a product": (np.prod, CUBE, (0, 0)),
    "a repeated axis of a maximum": (np.max, CUBE, (1, -2)),
    "a percentile of complex numbers": (np.percentile, 1j * V, 50),
    "cross": (np.cross, V, np.ones(4)),
    "convolve with nothing": (np.convolve, V, V[:0]),
    "take": (np.take, V, 9),
    "a trace of a vector": (np.trace, V),
    "reshape": (np.reshape, V, (2, 2)),
    "broadcast_to": (np.broadcast_to, V, (3, 2)),
    "concatenate": (lambda x, y: np.concatenate([x, y]), A, B),
    "stack": (lambda x, y: np.stack([x, y]), V, W),
    "split": (lambda x: np.split(x, 2)[0], V),
    "sorted along an axis that is not there": (np.sort, V, 1),
    "solve": (np.linalg.solve, np.eye(3), W),
    "fill with an array": (lambda x, y: (x * 1.0).fill(y), V, W),
    "a write into a number": (lambda x: operator.setitem(np.sum(x), ..., 1.0), V),
    "C's order and Fortran's": (lambda x: np.require(x, requirements="CF"), A),
    "isin with other names": (lambda x, y: np.isin(x, y, axis=0), V, V),
}


@pytest.mark.parametrize("case", CALLS)
@pytest.mark.parametrize(
    "way",
    [
        pytest.param(lambda f: wg.jit(f, backend="numpy"), id="staged"),
        pytest.param(lambda f: lambda *xs: wg.jvp(f, xs, [1.0 * x for x in xs]), id="forward"),
        pytest.param(lambda f: lambda *xs: wg.vjp(f, *xs), id="reverse"),
    ],
)
def test_bad_arguments_are_errors(case, way):
    f, *args = CALLS[case]
    arrays = [x for x in args if isinstance(x, np.ndarray)]
    rest = args[len(arrays) :]
    g = lambda *xs: f(*xs, *rest)
    with pytest.raises((ValueError, TypeError, IndexError)) as expected:
        g(*arrays)
    with pytest.raises((ValueError, TypeError, IndexError)) as found:
        way(g)(*arrays)
    assert isinstance(found.value, type(expected.value)) or isinstance(expected.value, type(found.value))


@pytest.mark.parametrize("f", [np.sum, np.prod, np.max, np.min, np.any, np.all], ids=lambda f: f.__name__)
@pytest.mark.parametrize("axis", [0, -1])
def test_a_number_has_an_axis_to_reduce(f, axis):
    """As in NumPy's ufunc.reduce."""
    g = lambda x: f(x, axis=axis)
    assert wg.jit(g)(NUMBER) == g(NUMBER) and wg.jit(g, backend="numpy")(NUMBER) == g(NUMBER)


@pytest.mark.parametrize("f", [np.nanmax, np.nanmin], ids=lambda f: f.__name__)
def test_whole_numbers_stay_whole(f):
    for i in (np.arange(4), np.arange(6, dtype=np.int8).reshape(2, 3), np.array([True, False])):
        found = wg.jit(lambda x: f(x, axis=0))(i)
        assert found.dtype == i.dtype
        np.testing.assert_array_equal(found, f(i, axis=0))
