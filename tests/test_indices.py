"""Every index of up to three parts reads what NumPy reads, or is an error; and so in a program."""

import itertools

import numpy as np
import pytest

import wengert as wg
from staging import interpreted

CUBE = np.arange(27.0).reshape(3, 3, 3)
PARTS = [0, -1, slice(None), slice(1, None), None, Ellipsis, [0, 1], np.array([2, 0]), np.array([[0], [1]]), True]
REFUSED = "True beside positions is not supported"


def agree(read, x, index):
    """Whether there was a value to compare."""
    try:
        expected = x[index]
    except IndexError:
        with pytest.raises(IndexError):
            read(x)
        return False
    try:
        found = read(x)
    except IndexError as error:
        assert str(error).startswith(REFUSED) and any(part is True for part in index)
        return False
    assert np.shape(found) == np.shape(expected), index
    np.testing.assert_array_equal(found, expected)
    return True


@pytest.mark.parametrize("x", [CUBE, CUBE[0], CUBE[0, 0]], ids=lambda x: f"{x.ndim}d")
@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_index(count, x):
    compared = 0
    for index in itertools.product(PARTS, repeat=count):
        compared += agree(lambda x: wg.jvp(lambda v: 1.0 * v[index], (x,), (x,))[1], x, index)
    assert compared > 5


@pytest.mark.parametrize("count", [1, 2])
def test_every_index_in_a_program(count):
    for index in itertools.product(PARTS, repeat=count):
        for x in (CUBE, CUBE[0, 0]):
            agree(interpreted(lambda x: 1.0 * x[index]), x, index)
