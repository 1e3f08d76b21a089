"""Compiled and interpreted, what is written, and what looks into it, is as in Python: also where that is an error."""

import numpy as np
import pytest
import scipy.linalg

import wengert as wg
from staging import outcome, same

X, A = np.arange(4.0), np.arange(9.0).reshape(3, 3)
each_backend = pytest.mark.parametrize("backend", ["llvm", "numpy"])


def as_in_python(f, backend, *args):
    """Results, what arguments hold afterwards, and kinds of exceptions."""
    found, expected = (outcome(g, args, {}) for g in (wg.jit(f, backend=backend), f))
    raises = isinstance(expected[0], tuple) and expected[0] and isinstance(expected[0][0], type)
    same(found[1], expected[1])
    if raises:
        assert found[0][0] is expected[0][0]
    else:
        same(found[0], expected[0])


BOXES = [
    *[slice(1, None), slice(None, -1), slice(1, 3), slice(None), slice(3, 1), slice(9, None), slice(-9, 2)],
    *[0, -1, 2, (slice(1, None), 1), (0, slice(None)), (slice(1, 2), slice(None)), (1, slice(1, None)), (..., 0)],
    *[slice(None, None, 2), slice(None, None, -1), (slice(1, None), None)],
]


@each_backend
@pytest.mark.parametrize("box", BOXES, ids=str)
@pytest.mark.parametrize("n", [0, 1, 4])
def test_parts_written_into_a_copy(box, n, backend):
    x = np.arange(3.0 * n).reshape(n, 3)

    def copied(x):
        y = x.copy()
        y[box] = 7.0
        return x, y

    def from_itself(x):
        y = x.copy()
        y[box] *= np.sin(x[box]) - 2.0
        return y, x + y

    def of_a_formula(x):
        y, z = np.sin(x), np.cos(x)
        w = y * z
        w[box] = y[box] - z[box]
        return w * y

    def again_and_again(x):
        z = x * 1.0
        for _ in range(3):
            y = z.copy()
            y[box] += 1.0
            z = y + z[::-1]
        return z

    for f in (copied, from_itself, of_a_formula, again_and_again):
        as_in_python(f, backend, x)
        if n:
            as_in_python(wg.grad(lambda x, f=f: sum(np.sum(np.sin(y)) for y in [*f(x)])), backend, x)


# index arrays that cannot be repeated to one shape, and some that can
PAIRS = [
    *[([0] * 40, [1, 2]), ([0, 1], [0, 1, 2]), ([0] * 3, [1, 2]), ([0] * 50_000, [1, 2])],
    *[([0, 1], [[0], [1], [2]]), ([1], [0, 1]), ([[0], [1]], [[0, 1, 2]]), ([], [1, 2]), ([0], [])],
]


@each_backend
@pytest.mark.parametrize("first, second", PAIRS, ids=lambda p: str(np.shape(p)))
def test_index_arrays_are_repeated_or_refused(first, second, backend):
    index = np.array(first, int), np.array(second, int)

    def write(x):
        x = x.copy()
        x[index] = 5.0
        return x

    def add(x):
        x = x.copy()
        np.add.at(x, index, 1.0)
        return x

    def take(x):
        x = x.copy()
        x[index] = x[2, 2]
        return x

    for f in (write, add, take):
        as_in_python(f, backend, A)


@each_backend
@pytest.mark.parametrize("n, m", [(2, 3), (3, 2), (1, 3), (3, 1), (3, 3)])
def test_index_arrays_of_lengths_that_the_run_knows(n, m, backend):
    def f(x, i, j, n, m):
        y = x.copy()
        y[i[:n], j[:m]] = 7.0
        return y

    as_in_python(f, backend, A, np.array([0, 1, 2]), np.array([2, 1, 0]), n, m)


@each_backend
@pytest.mark.parametrize(
    "value", [lambda x: x[:3], lambda x: x[:1], lambda x: x[None, :1], lambda x: x[:0], lambda x: x[1]]
)
def test_an_element_takes_a_number(value, backend):
    def write(x):
        y = x.copy()
        y[1] = value(x)
        return y

    def add(x):
        y = x.copy()
        y[1] += value(x)
        return y

    def write_many(x):
        y = x.copy()
        y[::2] = value(x)
        return y

    for f in (write, add, write_many):
        as_in_python(f, backend, X)


LOOKING = [
    lambda x: x[[0, 1, 2, 3]],
    lambda x: x[[3, 2, 1, 0]],
    lambda x: x[[-4, -3, -2, -1]].reshape(2, 2),
    lambda x: x[[0, 2]],
    lambda x: x * 1.0,
    lambda x: x[1:].copy(),
    lambda x: np.where(x[0] < 1.0, x, 2.0 * x),
    lambda x: np.reshape(x, (2, 2)).T.copy(),
]


@each_backend
@pytest.mark.parametrize("look", LOOKING)
def test_a_result_is_what_was_there_before_the_write(look, backend):
    def f(x):
        z = look(x)
        x[1:] = 2.0
        x *= 3.0
        return z

    def in_a_loop(x):
        z = look(x)
        for i in range(3):
            x[i] += 1.0
        return z, x[0]

    for g in (f, in_a_loop):
        as_in_python(g, backend, X)


NUMBERS = [np.array([100, 120], np.int8), np.array([1, 1, 1, 0, 1, 1, 0, 0], bool), np.array([[3, 1, 2], [5, 4, 9]])]


@each_backend
@pytest.mark.parametrize("x", [*NUMBERS, np.array([200, 201], np.uint8), np.array([1.5, 2.0], np.float32)], ids=repr)
@pytest.mark.parametrize("f", [np.median, np.nanmedian])
def test_the_median_of_whole_numbers_need_be_none(f, x, backend):
    for axis in (None, -1):
        found, expected = wg.jit(lambda x: f(x, axis=axis), backend=backend)(x), f(x, axis=axis)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


@each_backend
@pytest.mark.parametrize("n", range(1, 10))
def test_a_banded_matrix_of_ones_is_singular_for_some_sizes(n, backend):
    """Staging must not take a matrix of samples for the user's."""
    bands = np.stack([np.ones(n), np.full(n, 5.0), np.ones(n)])

    def solved(bands, b):
        return scipy.linalg.solve_banded((1, 1), bands, b)

    b = np.arange(1.0, n + 1)
    np.testing.assert_allclose(wg.jit(solved, backend=backend)(bands, b), solved(bands, b), rtol=1e-12)
