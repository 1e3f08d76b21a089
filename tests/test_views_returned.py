"""Views that are results, and views of one element: what is written after they were taken shows in them."""

import numpy as np
import pytest

import wengert as wg
from wengert.core.tree import flatten

X = np.array([1.0, 2.0, 3.0])


def written_through_the_view(x):
    z = x[1:]
    z += x[0]
    return z


def written_beside_the_view(x):
    y = 1.0 * x
    z = y[::-1]
    y *= x
    return z


def view_and_root(x):
    y = np.outer(x, x)
    z = y[1, 2:3]
    z[...] = x[0]
    return {"root": y, "view": z, "both": (z, [y[1]])}


def element(x):
    y = 2.0 * x
    z = y[..., 0]
    z[...] = x[1] ** 2
    return y, z


def element_in_front(x):
    y = 2.0 * x
    z = y[1, ...]
    z += x[0]
    np.add(y[-1, ...], 1.0, out=y[-1, ...])
    return y


def element_of_an_argument(x):
    z = x[-1, ...]
    z *= 2.0
    return x * z


VIEWS = [written_through_the_view, written_beside_the_view, view_and_root]
ELEMENTS = [element, element_in_front, element_of_an_argument]


def leaves(tree):
    return flatten(tree)[0]


@pytest.mark.parametrize("f", [*VIEWS, *ELEMENTS])
def test_values_are_those_of_python(f):
    expected = leaves(f(X.copy()))
    ways = [
        lambda x: wg.jvp(f, (x,), (x,))[0],
        lambda x: wg.vjp(f, x)[0],
        lambda x: wg.linearize(f, x)[0],
        lambda x: wg.grad(lambda x: (np.sum(x), f(x)), has_aux=True)(x)[1],
        lambda x: wg.jvp(lambda x: wg.jvp(f, (x,), (x,))[0], (x,), (x,))[0],
        wg.jit(f),
        wg.jit(f, backend="numpy"),
        wg.jit(lambda x: wg.jvp(f, (x,), (x,))[0]),
    ]
    if f in VIEWS:  # a batch takes an array of no axes for a number, into which nobody writes
        ways.append(lambda x: wg.vmap(f)(x[None]))
    for k, way in enumerate(ways):
        for found, wanted in zip(leaves(way(X.copy())), expected, strict=True):
            np.testing.assert_allclose(np.reshape(found, np.shape(wanted)), wanted, rtol=1e-14, err_msg=str(k))


@pytest.mark.parametrize("f", [*VIEWS, *ELEMENTS])
def test_derivatives_are_right(f):
    wg.check_grads(f, X, order=2)


def test_an_element_beside_an_ellipsis_is_in_range():
    def g(x):
        return 2.0 * x[..., 1]

    assert wg.jvp(g, (X,), (X,))[0] == g(X)
    for way in (g, wg.jit(g), wg.grad(g)):
        with pytest.raises(IndexError):
            way(X[:1])
