"""Masks: what they choose has a length that only the run knows, which is an extent of the program."""

import numpy as np
import pytest

import wengert as wg
from staging import agree

RANDOM = np.random.default_rng(0)
X, A = RANDOM.standard_normal(7), RANDOM.standard_normal((4, 5))
NONE = -np.ones(4)


def chosen(x):
    return np.sum(x[x > 0.1] ** 2)


def written(x):
    y = x.copy()
    y[y > 0.2] -= 0.5
    y[y < 0] = 0.0
    return y * x


def in_a_loop(x):
    total = 0.0
    for i in range(len(x)):
        part = x[x > x[i]]
        if len(part) > 2:
            total += np.sum(part**2) * len(part)
        else:
            total -= np.sum(np.sin(part))
    return total


def of_two_axes(a):
    a = a.copy()
    a[a > 0] = a[a > 0] ** 2
    return np.sum(a[np.abs(a) < 1]) + np.mean(a[a < 0])


def rows(a):
    rows = a[a[:, 0] > 0]
    return np.sum(rows @ rows.T)


def by_positions(x):
    i = np.nonzero(x > 0)[0]
    j = np.flatnonzero(x < 0)
    return np.sum(x[i] ** 3) + np.prod(x[j])


def extracted(x):
    return (
        np.sum(np.extract(x > 0, x) ** 2) + np.sum(np.compress(x > 0.3, x)) + np.sum(x[np.argwhere(x > 0)[:, 0]] ** 2)
    )


def again_and_again(x, n):
    y = x.copy()
    for _ in range(n):
        y[y > 1.0] -= 0.5
        y = 1.3 * y
    return np.sum(y[y < 0.9] ** 2)


def without_nan(x):
    good = x[~np.isnan(x)]
    return np.sqrt(np.mean((good - good.mean()) ** 2))


def several(x):
    pos = x[x > 0]
    neg = x[x <= 0]
    return np.concatenate([np.sort(pos), neg]).sum() + np.max(pos) * np.min(neg) + np.dot(pos, pos)


def counted(x):
    k = np.count_nonzero(x > 0)
    y = np.zeros(k)
    y[:] = x[x > 0]
    n = int(np.sum(x < 0))
    return np.sum(y**2) + np.sum(np.ones(n) * x[0]) + np.sum(np.arange(k) * y) + np.sum(np.full((k, 2), x[1]))


def as_long_as_a_part(x):
    part = x[x > 0]
    n, weights = len(part), np.ones(part.size) / part.size
    total = np.sum(np.zeros(n) + part) + np.sum(np.arange(n) * part) + np.sum(np.zeros_like(part) + part)
    return total + weights @ part + np.sum(np.empty(part.shape) * 0.0 + part)


def distinct(x):
    values = np.unique(np.round(x))
    rounded, first, inverse, counts = np.unique(np.round(x), True, True, True)
    same = np.unique(np.where(x > 0, x, x[0]))
    return np.sum(values * values) + np.sum(rounded * counts) + x[first].sum() + np.sum(rounded[inverse] * x) + same[0]


def distinct_of_a_part(x):
    part = x[x < 0.5]
    return np.sum(np.unique(np.concatenate([part, part]), return_counts=True)[1] * np.unique(part)[0])


def of_other_length_in_branches(x):
    y = x[:2] if x[0] > 0 else x
    if x[1] > 0:
        z = np.concatenate([x, y])
    else:
        z = np.append(x, 1.0)
    return np.sum(y * y) + np.sum(z**2) * len(z)


def grown_in_a_loop(x):
    out = np.zeros(0)
    for v in x:
        if v > 0:
            out = np.append(out, v * v)
    return np.sum(out) + len(out) * x[0]


def rectangles(x):
    total = 0.0
    for i in range(1, len(x)):
        square = np.zeros((i, 2))
        square[:, 0] = x[:i]
        total += np.sum(square**2) + np.sum(np.arange(i) * x[:i])
    return total


FUNCTIONS = [counted, as_long_as_a_part, distinct, distinct_of_a_part, of_other_length_in_branches, grown_in_a_loop]
FUNCTIONS += [rectangles, chosen, written, in_a_loop, by_positions, extracted, without_nan, several, of_two_axes, rows]


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_agrees_with_python(f):
    x = A if f in (of_two_axes, rows) else X
    agree(f, x)
    np.testing.assert_allclose(wg.jit(f)(x.astype(np.float32)), f(x.astype(np.float32)), rtol=1e-5)


def test_lengths_below_zero_raise_as_in_python():
    def f(x):
        return np.sum(np.zeros(np.count_nonzero(x > 0) - 2)) + x[0]

    agree(f, X)
    agree(f, NONE)


def test_unique_takes_nan_for_one_value():
    def f(x):
        values, counts = np.unique(x, return_counts=True)
        return values, counts

    for x in (np.array([1.0, np.nan, 2.0, np.nan, 1.0]), np.zeros(0), np.zeros(1), np.full(3, np.nan)):
        agree(f, x, differentiable=False)


def test_a_length_without_a_bound():
    def f(x):
        k = 0
        while k * k < x[0]:
            k = k + 1
        return np.sum(np.ones(k)) * x[0]

    with pytest.raises(wg.Diagnostic, match="needs the number of `k`"):
        wg.jit(f)(X)


def test_in_loops():
    agree(again_and_again, X, 3)
    agree(again_and_again, X, 0)


def test_one_program_for_all_masks():
    f = wg.jit(chosen)
    for x in (X, -X, NONE, -NONE, np.zeros(7)):
        assert f(x) == chosen(x)
        np.testing.assert_array_equal(wg.grad(f)(x), wg.grad(chosen)(x))
    assert len(f.programs) == 2  # of seven elements, and of four


def test_the_empty_choice_is_pythons():
    agree(chosen, NONE)
    with pytest.raises(ValueError, match="zero-size array"):
        wg.jit(several)(NONE)


def test_values_of_other_length_are_refused_when_it_runs():
    def too_long(x):
        y = x.copy()
        y[y > 0] = np.ones(3)
        return y

    agree(too_long, np.array([1.0, 2.0, 3.0, -1.0]))
    with pytest.raises(ValueError, match="shape mismatch"):
        wg.jit(too_long)(X)


def test_a_mask_of_another_shape():
    def other(x):
        return x[np.ones(3) > x[0]]

    agree(other, X)
    for f in (other, wg.jit(other), wg.jacobian(other)):
        with pytest.raises(IndexError, match="size of axis is 7 but size of corresponding boolean axis is 3"):
            f(X)


def test_two_calls_give_different_lengths():
    """What one program names, another call of it names anew."""

    def positive(x):
        return x[x > 0]

    def long(x):
        y = np.sin(x) * np.cos(x) + np.exp(-(x * x)) - np.sqrt(1 + x * x) * np.tanh(x) + x**3 / (1 + x**2)
        return positive(y * np.sin(x) + np.cos(y) * y - y**2 + x)

    def joined(x):
        a, b, c = long(x), long(-x), long(x + 1.0)
        return np.concatenate([a, b, c])

    def calls(x):
        a, b = wg.jit(positive)(x), wg.jit(positive)(-x)
        return np.concatenate([a**2, b, a])

    def added(x):
        return wg.jit(positive)(x) + wg.jit(positive)(-x)

    agree(joined, X)
    agree(calls, X)
    with pytest.raises(wg.Diagnostic, match="lengths are known when the program runs only"):
        wg.jit(added)(X)
