"""Staged functions against plain Python: values, kinds of values, writes and exceptions; derivatives against eager.

Tests that are written by hand run `wg.jit` as users do, compiled.  Those that are generated in hundreds run programs
`interpreted`, since each takes tens of milliseconds to compile; `test_llvm_*.py` compare machine code with the
interpreter.
"""

import copy
import functools
import os

import numpy as np
import pytest

import wengert as wg
from wengert.core.tree import flatten, unflatten

interpreted = functools.partial(wg.jit, backend="numpy")
EVERY = "WENGERT_EVERY" in os.environ  # each case of what is sampled without


def outcome(f, args, kwargs):
    """(what f returns or raises, the arguments afterwards)."""
    args, kwargs = copied((args, kwargs))
    try:
        found = f(*args, **kwargs)
    except (ArithmeticError, ValueError, LookupError, AssertionError, NameError, TypeError, RuntimeError) as error:
        found = (type(error), *([] if isinstance(error, TypeError) else error.args))
    return found, (args, kwargs)


def copied(tree):
    """Fresh arrays, and the same array wherever it was the same."""
    memo = {}
    leaves, structure = flatten(tree)
    fresh = [memo.setdefault(id(x), copy.copy(x)) if isinstance(x, np.ndarray) else x for x in leaves]
    return unflatten(structure, fresh)


def same(got, expected, rtol=1e-12, kinds=True):
    """Equal in structure, kinds, dtypes and shapes; numbers up to rounding.

    kinds   whether numbers of NumPy differ from those of Python
    """
    (xs, structure), (ys, wanted) = flatten(got), flatten(expected)
    assert structure == wanted, f"{structure} instead of {wanted}"
    for x, y in zip(xs, ys):
        same_leaf(x, y, rtol, kinds)


def same_leaf(x, y, rtol, kinds):
    if kinds or not isinstance(y, int | float | complex | np.generic):
        assert type(x) is type(y), f"{x!r} ({type(x).__name__}) instead of {y!r} ({type(y).__name__})"
    if not isinstance(y, int | float | complex | np.generic | np.ndarray):
        assert x == y
        return
    x, y = np.asarray(x), np.asarray(y)
    assert (x.dtype, x.shape) == (y.dtype, y.shape)
    rtol = 1e-5 if y.dtype in (np.float32, np.complex64) else rtol
    np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol)


def inexact(x):
    return isinstance(x, float | complex | np.inexact) or (isinstance(x, np.ndarray) and x.dtype.kind in "fc")


def of_numbers(f, args, kwargs):
    """f as a function of the floats among its arguments, with a list of the floats in its result."""
    leaves, structure = flatten((args, kwargs))
    places = [i for i, x in enumerate(leaves) if inexact(x)]

    def g(*xs):
        full = list(leaves)
        for i, x in zip(places, xs):
            full[i] = x
        own_args, own_kwargs = unflatten(structure, full)
        return numbers_of(f(*own_args, **own_kwargs))

    return g, [leaves[i] for i in places]


def numbers_of(out):
    return [x for x in flatten(out)[0] if hasattr(x, "dtype") and x.dtype.kind in "fc" or type(x) in (float, complex)]


def seeds(xs, seed):
    rng = np.random.default_rng(seed)
    return [fit(rng.normal(size=np.shape(x)), x) for x in xs]


def fit(draw, x):
    if isinstance(x, np.ndarray):
        return draw.astype(x.dtype)
    return type(x)(draw)


def derivatives(f, args, kwargs):
    """Values, tangents and cotangents of f."""
    args, kwargs = copied((args, kwargs))
    g, xs = of_numbers(f, args, kwargs)
    out, pull = wg.vjp(g, *xs)
    tangents = wg.jvp(g, tuple(xs), tuple(seeds(xs, 1)))[1]
    return out, pull(seeds(out, 2)), tangents, xs


def agree(f, *args, rtol=1e-12, differentiable=True, twice=True, kinds=True, **kwargs):
    """jit(f) does what f does, and its derivatives are those of f; twice, since the second call is from the cache."""
    staged = wg.jit(f)
    expected = outcome(f, args, kwargs)
    for _ in range(1 + twice):
        same(outcome(staged, args, kwargs), expected, rtol, kinds)
    if differentiable and not is_error(expected[0]) and any(map(inexact, flatten((args, kwargs))[0])):
        same(derivatives(staged, args, kwargs), derivatives(f, args, kwargs), rtol, kinds=False)
    return staged


def is_error(found):
    return isinstance(found, tuple) and found and isinstance(found[0], type) and issubclass(found[0], Exception)


def programs(staged):
    """How many programs were built."""
    return sum(map(len, staged.programs.values()))


def equations(staged):
    """Of all programs, those in regions included."""

    def count(program):
        inner = (p for e in program.equations for p in e.params.values() if hasattr(p, "equations"))
        return len(program.equations) + sum(map(count, inner))

    return sum(count(built.program) for group in staged.programs.values() for built in group)


def cases():
    """(a decorator that notes a function with its arguments, a decorator for the test that takes them)."""
    found = []

    def case(*args, **kwargs):
        def note(f):
            found.append((f, args, kwargs))
            return f

        return note

    def each(test):
        ids = [f"{f.__name__}-{i}" for i, (f, _, _) in enumerate(found)]
        return pytest.mark.parametrize("f, args, kwargs", found, ids=ids)(test)

    return case, each


def asserts(x):
    """Here, since pytest rewrites `assert` in files of tests."""
    assert x[0] > 0, f"first is {x[0]:.2f}, of {len(x)}"
    assert x.sum() < 100
    return x[0]
