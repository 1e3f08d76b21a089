"""Operands, containers and comparisons that several tests share."""

import collections
import dataclasses
import gc
import itertools
import typing

import numpy as np

from wengert.core.tree import flatten
from wengert.modes.reverse import Record

X = np.array([0.3, -0.7, 1.2])
Y = np.array([1.5, 0.4, -0.2])
M = np.array([[0.5, -0.3, 0.8], [1.1, 0.2, -0.6]])

Point = collections.namedtuple("Point", "x y")


class Typed(typing.NamedTuple):
    weight: object
    bias: object = None


@dataclasses.dataclass(frozen=True)
class Model:
    layers: list
    scale: object
    nothing: object = None

    def total(self):
        return sum(np.sum(layer**2) for layer in self.layers) * self.scale


def close(got, expected, rtol=1e-12):
    """Same structure, shapes and dtypes; values up to rounding."""
    got, expected = flatten(got), flatten(expected)
    assert got[1] == expected[1]
    for g, e in zip(got[0], expected[0]):
        assert isinstance(g, float | complex | int | np.ndarray | np.generic)
        assert np.shape(g) == np.shape(e) and np.asarray(g).dtype == np.asarray(e).dtype
        np.testing.assert_allclose(g, e, rtol=rtol, atol=rtol)


def close_and_alike(got, expected, rtol=1e-12):
    """As `close`, and the leaves are of the same types: float, np.float32, arrays without axes, ..."""
    close(got, expected, rtol)
    assert [type(g) for g in flatten(got)[0]] == [type(e) for e in flatten(expected)[0]]


def owned(*trees):
    """All arrays writeable, owners of their memory, and apart from each other."""
    arrays = [x for tree in trees for x in flatten(tree)[0] if isinstance(x, np.ndarray)]
    assert all(a.flags.writeable and a.base is None for a in arrays)
    assert not any(np.shares_memory(a, b) for a, b in itertools.combinations(arrays, 2))


def loop(f, *lanes):
    """What vmap means."""
    return np.stack([f(*lane) for lane in zip(*lanes)])


def live_records():
    """How many operations the tapes hold."""
    gc.collect()
    return sum(issubclass(type(o), Record) for o in gc.get_objects())  # not o.__class__: asking may run code
