"""What staged functions read from outside is read at each call, however deep the function that reads it."""

import functools
import random

import numpy as np
import pytest

import wengert as wg

SCALE = 2.0
COUNT = 3
WEIGHTS = np.array([1.0, 2.0])
POSITIVE = True


def outside(v):
    return SCALE * v * v * COUNT * WEIGHTS[0] * (1.0 if POSITIVE else -100.0)


gradient_outside = wg.grad(outside)
jit_outside = wg.jit(outside)

READERS = {
    "itself": outside,
    "its gradient": wg.grad(outside),
    "gradient inside": lambda x: wg.grad(outside)(x),
    "gradient at a constant": lambda x: x * wg.grad(outside)(1.0),
    "gradient from outside": lambda x: gradient_outside(x),
    "jit inside": lambda x: x * jit_outside(x),
    "forward inside": lambda x: wg.jvp(outside, (x,), (1.0,))[1],
    "second order": lambda x: wg.grad(wg.grad(outside))(x),
    "called by a library": lambda x: functools.reduce(lambda a, b: a * outside(b), [x, x, x]),
}


@pytest.mark.parametrize("reader", READERS)
def test_facts_are_read_at_each_call(reader, monkeypatch):
    f = READERS[reader]
    staged, module = wg.jit(f), globals()
    changes = [("SCALE", 5.0), ("COUNT", 4), ("WEIGHTS", np.array([7.0, 1.0])), ("POSITIVE", False), ("SCALE", 2.0)]
    assert staged(1.5) == pytest.approx(f(1.5), rel=1e-14)
    for name, value in changes:
        monkeypatch.setitem(module, name, value)
        assert staged(1.5) == pytest.approx(f(1.5), rel=1e-14), name
    WEIGHTS[0] = 11.0
    assert staged(1.5) == pytest.approx(f(1.5), rel=1e-14)


def test_own_containers_are_read_as_they_are_now():
    def f(x):
        parts = [1.0, 2]
        first = wg.grad(lambda v: v * v * parts[0] * parts[1])(x)
        parts[0], parts[1] = 3.0, 5
        return first + wg.grad(lambda v: v * v * parts[0] * parts[1])(x)

    assert wg.jit(f)(1.0) == f(1.0) == 34.0


def test_whole_numbers_are_lengths_inside_derivatives():
    def f(x, n):
        table = np.zeros(n)
        for i in range(n):
            table[i] = x * i
        return np.sum(table)

    def around(x, n):
        return wg.jvp(lambda v: f(v, n), (x,), (1.0,))[1]

    for way in (wg.jit(wg.grad(f)), wg.jit(around), wg.grad(wg.jit(f))):
        assert [way(2.0, n) for n in (3, 5, 3)] == [3.0, 10.0, 3.0]


# ---------------------------------------------------------------- random numbers

rng = np.random.default_rng(0)


class Sampler:
    def __init__(self):
        self.rng = np.random.default_rng(3)

    def draw(self, x):
        return x * self.rng.normal()


sampler = Sampler()
noisy = wg.jit(lambda x: x * rng.normal())

DRAWS = {
    "two": lambda x: x * rng.standard_normal() + rng.uniform(0, 1),
    "array": lambda x: np.sum(x * rng.random(3)),
    "whole": lambda x: x * rng.integers(0, 10),
    "chosen": lambda x: x * rng.choice(np.array([1.0, 2.0, 3.0])),
    "legacy": lambda x: x * np.random.rand() + np.random.normal(0.0, 1.0) + np.random.randint(0, 9),
    "python": lambda x: x * random.random() + random.uniform(0.0, 1.0),
    "attribute": lambda x: sampler.draw(x),
    "seeded inside": lambda x: x * np.random.default_rng(7).normal(),
    "in a helper": lambda x: noisy(x) - noisy(x),
    "in a derivative": lambda x: wg.grad(lambda v: v * v * rng.normal())(x),
    "derivative": wg.grad(lambda x: x * x * rng.normal()),
}


@pytest.mark.parametrize("draw", DRAWS)
def test_draws_are_those_of_python(draw, monkeypatch):
    """The same numbers in the same order, from the first call on."""

    def three(f):
        monkeypatch.setitem(globals(), "rng", np.random.default_rng(1))
        sampler.rng = np.random.default_rng(3)
        np.random.seed(4)
        random.seed(5)
        return [float(f(1.5)) for _ in range(3)]

    assert three(wg.jit(DRAWS[draw])) == pytest.approx(three(DRAWS[draw]), rel=1e-14)


@pytest.mark.parametrize(
    "f, reason",
    [
        (lambda x: x * np.random.default_rng().normal(), "a generator of random numbers is made inside"),
        (lambda x: x * rng.normal(x), "random numbers with parameters of the program"),
        (lambda x: sum(rng.normal() * x for _ in range(3)) + np.zeros(int(x)), "the number of"),
    ],
)
def test_refusals_in_a_lambda_name_its_line(f, reason):
    with pytest.raises(wg.Diagnostic, match=f"W602(.|\n)*{reason}") as caught:
        wg.jit(f)(2.0)
    assert caught.value.where.filename == __file__


# ---------------------------------------------------------------- arrays from outside

TABLE = np.zeros(3)


def written_by_row(x):
    TABLE[0] = x
    return TABLE[0] * 2


def written_through_a_view(x):
    part = TABLE[1:]
    part[0] = x
    return TABLE[1]


def written_by_a_loop(x):
    for row in TABLE.reshape(3, 1):
        row[0] = x
    return TABLE[0]


def written_in_a_branch(x):
    if x > 0:
        TABLE[0] = x
    return x


def written_by_a_method(x):
    TABLE.fill(x)
    return TABLE[0]


def written_by_numpy(x):
    np.multiply(x * np.ones(3), 2.0, out=TABLE)
    return TABLE[0]


def added_under_another_name(x):
    other = TABLE
    other += x
    return TABLE[1]


def written_by_an_inner_derivative(x):
    own = np.zeros(3) + x

    def inner(v):
        own[0] = v * v
        return np.sum(own)

    return wg.grad(inner)(x) + np.sum(own)


@pytest.mark.parametrize("way", [wg.jit, lambda f: wg.jit(wg.grad(f)), lambda f: wg.grad(wg.jit(f))])
@pytest.mark.parametrize(
    "f",
    [
        written_by_row,
        written_through_a_view,
        written_by_a_loop,
        written_in_a_branch,
        written_by_a_method,
        written_by_numpy,
        added_under_another_name,
        written_by_an_inner_derivative,
    ],
    ids=lambda f: f.__name__,
)
def test_writes_that_escape_are_refused(f, way):
    with pytest.raises(wg.Diagnostic, match=r"W602(.|\n)*an array is written that was made outside") as caught:
        way(f)(2.0)
    assert caught.value.where.filename == __file__
    assert not TABLE.any()


def test_arrays_of_outer_programs_are_read_by_inner_loops():
    def f(x):
        parts = (np.ones(3) * x, x)

        def inner(v):
            total = 0.0
            for i in range(3):
                total += parts[0][i] * v * parts[1]
            return total

        return wg.grad(inner)(x) * np.sum(parts[0])

    for way in (f, wg.jit(f)):
        assert way(2.0) == 72.0
    assert wg.grad(wg.jit(f))(2.0) == wg.jit(wg.grad(f))(2.0) == 108.0


# ---------------------------------------------------------------- what Python raises at once


def test_exceptions_of_values_wait_for_the_branch_that_raises():
    """A place outside of the array is found while the program is built; only the branch that is taken raises."""

    def f(x, k):
        if k > 0:
            y = x[5]
        elif k < -5:
            y = x.reshape(7, 7)[0, 0]
        else:
            y = x[0]
        return y * y

    x = np.ones(2)
    for way in (wg.jit(f), wg.jit(wg.grad(f)), wg.grad(wg.jit(f))):
        np.testing.assert_array_equal(way(x, -1.0), f(x, -1.0) if way(x, -1.0).ndim == 0 else [2.0, 0.0])
        with pytest.raises(IndexError, match="index 5 is out of bounds"):
            way(x, 1.0)
        with pytest.raises(ValueError, match="cannot reshape"):
            way(x, -9.0)
