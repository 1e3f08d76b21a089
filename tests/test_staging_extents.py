"""Slices whose bounds the run decides: loops with them stay loops, and are differentiated as loops."""

import functools

import numpy as np
import pytest

import wengert as wg
from programs.linear_algebra import householder, lu_slices
from programs.names import masked
from staging import agree

RANDOM = np.random.default_rng(7)
A = RANDOM.standard_normal((5, 5)) + 5.0 * np.eye(5)
X = RANDOM.standard_normal(6)


def cholesky(a):
    n = len(a)
    factor = np.zeros_like(a)
    for j in range(n):
        factor[j, j] = np.sqrt(a[j, j] - factor[j, :j] @ factor[j, :j])
        for i in range(j + 1, n):
            factor[i, j] = (a[i, j] - np.dot(factor[i, :j], factor[j, :j])) / factor[j, j]
    return factor


def gaussian_elimination(a):
    a = a.copy()
    for k in range(len(a) - 1):
        a[k + 1 :, k] /= a[k, k]
        a[k + 1 :, k + 1 :] -= np.outer(a[k + 1 :, k], a[k, k + 1 :])
    return a


def substitution(a):
    x = np.ones(len(a))
    for i in range(len(a) - 1, -1, -1):
        x[i] = (x[i] - a[i, i + 1 :] @ x[i + 1 :]) / a[i, i]
    return x


def running(x):
    out = np.zeros((7, len(x)))
    for j in range(1, len(x) + 1):
        part = x[:j]
        out[0, j - 1] = part.sum()
        out[1, j - 1] = np.mean(part * part)
        out[2, j - 1] = np.max(part)
        out[3, j - 1] = np.prod(part)
        out[4, j - 1] = np.linalg.norm(part)
        out[5, j - 1] = np.sum(np.exp(part) / (1.0 + part[0] ** 2))
        out[6, j - 1] = len(part) * part[-1] + part.shape[0]
    return out


def windows(x):
    total = np.zeros(3)
    for i in range(len(x)):
        total[0] += np.sum(x[i : i + 2] ** 2)
        total[1] += np.sum(x[max(i - 1, 0) : i + 1 : 1])
        total[2] += np.sum(np.sin(x[i::2]))
    return total


def from_behind(x):
    total = 0.0
    for i in range(1, len(x)):
        total += np.sum(x[-i:] ** 3) + np.sum(x[:-i]) * x[0]
    return total


def parts_of_parts(x):
    total = 0.0
    for i in range(len(x)):
        part = x[i:]
        total += np.sum(part[1:] * part[:-1]) + np.sum(part[:2] ** 2) + np.sum(part[::-1] * part)
    return total


def joined(x):
    total = 0.0
    for i in range(len(x)):
        turned = np.concatenate([x[i:], x[:i]])
        total += np.sum(np.concatenate((x[:i], np.ones(2), x[:i] ** 2))) + np.sum(turned)
    return total


def written(x):
    y = np.zeros(len(x))
    for i in range(len(x)):
        y[:i] += x[i] * x[:i]
        y[i:] = y[i:] * x[i]
        y[i // 2 : i] = x[0]
    return y


def through_views(a):
    a = a.copy()
    for i in range(len(a)):
        row = a[i, :i]
        row *= 2.0
        row[:] = row + a[0, 0]
        below = a[i:, i]
        below[0] = below[0] ** 2
        a.T[:i, i] -= row
    return a


def rows_of_a_part(x):
    total = 0.0
    for i in range(len(x)):
        for v in x[:i]:
            total = total * 0.5 + v * v
        for k, v in enumerate(x[i:]):
            total += k * np.sin(v)
    return total


def until(x):
    n, total = 0, 0.0
    while n < len(x) and total < 2.0:
        n += 1
        total = np.sum(x[:n] ** 2)
    return total * x[0]


def in_branches(x):
    total = 0.0
    for i in range(len(x)):
        if x[i] > 0:
            total += np.sum(x[:i] ** 2) * x[i]
        elif i > 2:
            part = x[i:]
            total -= np.sum(part * np.cos(part))
    return total


def chosen_in_branches(x):
    total = 0.0
    for i in range(1, len(x)):
        part = x[:i] if x[i] > 0 else x[i:]
        total += np.sum(part**2) * len(part)
    return total


def kept_from_before(x):
    total = 0.0
    for i in range(len(x)):
        part = np.exp(x[:i])
        for _ in range(2):
            total = total + np.sum(part * np.sin(total + part))
    return total


def products(a):
    total = 0.0
    for k in range(len(a)):
        total += np.sum(a[:k] @ a[:, :k]) + np.sum(a[k:, :k].T) + np.sum(a[:k, k] @ a[:k])
    return total


def of_other_bounds(x):
    total = 0.0
    for i in range(len(x)):
        total += np.sum(x[i::-1] * x[: i + 1])
    return total


def diagonals(a):
    total = 0.0
    for k in range(len(a)):
        total += np.trace(a[:k, :k])
    return total


def shorter_than_nothing(x):
    """An empty part less its first is empty: with one element more it has another length than the part."""
    total = 0.0
    for i in range(len(x)):
        part = x[:i]
        other = np.concatenate([part[1:], x[:1]])
        total += np.sum(other * other) + len(other) * x[1] + np.sum(part[1:][1:] * part[2:])
    return total


def squeezed(x):
    total = 0.0
    for i in range(1, len(x)):
        out = np.squeeze(x[:i])
        total += np.sum(out) * (1 + out.ndim)
    return total


def stretched(x):
    """A part of one element fits arrays of any length."""
    total, y = 0.0, np.zeros(len(x))
    for i in range(1, len(x)):
        y[i - 1 :] += x[i - 1 : i]
        total += np.sum(x[i - 1 : i] * x) * np.sum(y)
    return total


def products_with_zeros(x):
    x = x * (np.arange(len(x)) != 2)
    total = 0.0
    for i in range(len(x) + 1):
        total += np.prod(x[:i]) + np.prod(x[i:])
    return total


def read_in_one_branch(x):
    """Where the name is not read again, the array may be written."""
    y = x.copy()
    for i in range(1, len(x)):
        total = 0.0
        if x[i] > 0:
            part = y[i:]
            total = np.sum(part)
        y[i - 1] = total
    return y


# nothing tells that the lengths agree, or whether they are one
UNROLLED = [(of_other_bounds, X), (diagonals, A), (squeezed, X), (stretched, X)]
FUNCTIONS = [
    (cholesky, A @ A.T),
    *((f, A) for f in (gaussian_elimination, substitution, through_views, products)),
    *((f, X) for f in (running, windows, from_behind, parts_of_parts, joined, written, rows_of_a_part, until)),
    *((f, X) for f in (in_branches, chosen_in_branches, kept_from_before)),
    *((f, X) for f in (shorter_than_nothing, products_with_zeros, read_in_one_branch)),
]


@pytest.mark.parametrize(("f", "x"), FUNCTIONS + UNROLLED, ids=[f.__name__ for f, _ in FUNCTIONS + UNROLLED])
def test_agrees_with_python(f, x):
    agree(f, x)
    np.testing.assert_allclose(wg.jit(f)(x.astype(np.float32)), f(x.astype(np.float32)), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("f", "x"), FUNCTIONS, ids=[f.__name__ for f, _ in FUNCTIONS])
def test_loops_stay_loops(f, x):
    """The program does not grow with the array."""
    size = lambda n: str(wg.program(f, np.resize(x, (n,) * x.ndim))).count("\n")
    assert size(30) == size(40)


WAYS = [wg.jacfwd, wg.jacrev, lambda f: wg.jacfwd(wg.jacrev(f)), lambda f: wg.jacrev(wg.jacfwd(f))]


@pytest.mark.parametrize("way", WAYS, ids=["forward", "reverse", "forward over reverse", "reverse over forward"])
@pytest.mark.parametrize("f, x", [(lu_slices, A), (householder, A[:3, :3]), (masked, X)])
def test_all_rows_of_a_jacobian_at_once(f, x, way):
    """The lanes of a batch know the lengths by the names that they had."""
    f = functools.partial(f, n=2) if f is masked else f
    np.testing.assert_allclose(wg.jit(way(f))(x), way(f)(x), rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(way(wg.jit(f))(x), way(f)(x), rtol=1e-9, atol=1e-10)


def written_where_chosen(x):
    y = x.copy()
    for i in range(1, len(x)):
        part = y[i:] if x[i] > 0 else y[:i]
        part *= 2.0
    return y


def written_after_a_branch(x):
    y = x.copy()
    if x[0] < -9.0:
        raise ValueError("too small")
    else:
        part = y[2:]
    part *= 2.0
    return y


def read_after_a_write(x):
    y = x.copy()
    part = y[2:4] if x[0] > 0 else y[:2]
    y[2] = 7.0
    return part * 2.0


@pytest.mark.parametrize("f", [written_where_chosen, written_after_a_branch, read_after_a_write])
def test_views_that_a_branch_chose_are_not_lost(f):
    agree(f, X)
    agree(f, -X)


def test_parts_that_do_not_fit_raise_as_in_python():
    def f(x):
        total = 0.0
        for i in range(1, len(x)):
            total += np.sum(x[:i] * x[i:])
        return total

    agree(f, X)
