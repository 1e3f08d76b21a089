"""What every call of `tests/calls` shares with its operands: views see later writes, and writes through them arrive.

NumPy says what is a view, what is a copy, and what refuses to be written.
"""

import numpy as np
import pytest

import wengert as wg
from staging import interpreted
from wengert.core.tree import flatten

pytestmark = [
    pytest.mark.filterwarnings("ignore:numpy.fix is deprecated:DeprecationWarning"),  # NumPy 2.5
    pytest.mark.filterwarnings("ignore:`(row_stack|trapz|in1d)`:DeprecationWarning"),
]

READ_ONLY = "read-only"


def attribute(name):
    return lambda x: getattr(x, name)


def is_view(out, xs):
    arrays = [x for x in flatten(out)[0] if isinstance(x, np.ndarray)]
    return any(np.may_share_memory(o, x) for o in arrays for x in xs if isinstance(x, np.ndarray))


def owned(x):
    return x * 1.0 if np.ndim(x) or isinstance(x, np.ndarray) else x


def read_after_writes(function):
    """What the results hold once all operands are written."""

    def f(*xs):
        xs = [owned(x) for x in xs]
        outs = flatten(function(*xs))[0]
        for k, x in enumerate(xs):
            if np.ndim(x):
                x *= 2.0
                x[..., -1:] = 0.25 + k
        return [o * 1.0 for o in outs]

    return f


def operands_after_writes(function):
    """What the operands hold once each result is written, and which results refuse that."""

    def f(*xs):
        xs = [owned(x) for x in xs]
        refused = []
        for k, o in enumerate(flatten(function(*xs))[0]):
            try:
                o[...] = 0.5 + k
            except (ValueError, TypeError, DeprecationWarning):
                refused.append(k)
        return [x * 1.0 for x in xs], refused

    return f


def run(f, xs):
    return [np.asarray(leaf) for leaf in flatten(f(*xs))[0]]


WAYS = {
    "forward": lambda f: lambda *xs: wg.jvp(f, xs, xs, has_aux=False)[0],
    "reverse": lambda f: lambda *xs: wg.vjp(f, *xs)[0],
    "batched": lambda f: lambda *xs: [v[0] for v in flatten(wg.vmap(f)(*[np.stack([x, 0.5 * x]) for x in xs]))[0]],
    "staged": interpreted,
}


def probe():
    pass
