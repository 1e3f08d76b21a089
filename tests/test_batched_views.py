"""Random programs over views, in batches: rows, parts, arrays of no axes and numbers, bound, written and read later.

Plain Python says what a lane gives, and the eager engine what its derivative is.
"""

import random

import numpy as np
import pytest

import wengert as wg
from wengert.core.mode import is_array
from wengert.core.primitive import TABLE
from wengert.modes.batch import ARRAYS, KEEPING
from written import defined

VIEWS = {  # kind -> (what it may be bound to)
    "row": ["a[0]", "a[1]", "a[-1, ::-1]", "a.T[0][:3]", "a[:, 1]", "y", "y[::-1]", "row[::-1]", "y * 2.0", "y.copy()"],
    "z": [
        *("y[..., 0]", "y[1, ...]", "a[1, 2, ...]", "row[..., -1]", "y[1:2].reshape(())", "np.squeeze(row[:1])", "z.T"),
        *("np.zeros(())", "np.array(y[0])", "np.array(0.5)", "z.copy()", "a[0, 0:1].reshape(())", "z.reshape(())"),
    ],
    "s": ["y[0]", "a[1, 2]", "row[-1]", "z[()]", "z * 1.0", "np.sum(row)", "a[0][1] + s", "y @ row", "np.sin(z)"],
    "b": ["a", "a[::-1]", "a.T", "a.copy()", "a[:, ::-1]", "a * 0.5"],
}
WRITES = [
    *("{z} += {s}", "{z} *= 0.5", "{z}[...] = {s}", "{z}[()] = {z} * 2.0", "{row} += {s}", "{row}[0] = {z}"),
    *("{row}[1:] *= 0.5", "a[0] = {row}", "a[1, 2] = {s}", "a[..., 0] -= {z}", "b[0, 1] = {s}", "b *= 0.8"),
    *("y[0] = 0.5", "y[:] = {row}", "y[1] *= {z}", "y -= a[1]", "a[1] = 0.25", "s += 1.0", "s = s * {z}"),
]


def source(seed):
    r = random.Random(seed)
    lines = ["def f(x):", "a, y, s = np.outer(x, x) * 0.5 + x, x * 1.0, x[0]", "row, z, b = a[0], y[..., 1], a"]
    for _ in range(r.randint(3, 9)):
        if r.random() < 0.5:
            name = r.choice(list(VIEWS))
            lines.append(f"{name} = {r.choice(VIEWS[name])}")
        else:
            lines.append(
                r.choice(WRITES).format(row=r.choice(["row", "y", "a[2]"]), z=r.choice("zs"), s=r.choice("zs"))
            )
    lines.append("return np.sum(a * x) + np.sum(y * row) + 3.0 * z * x[1] + s * s + np.sum(b[0] * x)")
    return "\n    ".join(lines).replace("s[...] = ", "s = ").replace("s[()] = ", "s = ") + "\n"


WAYS = {
    "vmap": lambda f: wg.vmap(f),
    "compiled": lambda f: wg.jit(wg.vmap(f)),
    "interpreted": lambda f: wg.jit(wg.vmap(f), backend="numpy"),
}
GRADIENTS = {
    "gradients of lanes": lambda f: wg.vmap(wg.grad(f)),
    "gradient of lanes": lambda f: wg.grad(lambda X: np.sum(wg.vmap(f)(X))),
    "compiled": lambda f: wg.jit(wg.vmap(wg.grad(f))),
    "forward": lambda f: wg.vmap(wg.jacfwd(f)),
}


@pytest.mark.parametrize("seed", range(150))
def test_lanes_are_as_alone(seed):
    f, r = defined(source(seed), f"<batched views {seed}>", np=np)["f"], np.random.default_rng(seed)
    X = r.uniform(0.2, 1.0, (2, 2, 3))
    values = np.array([[f(x.copy()) for x in part] for part in X])
    gradients = np.array([[wg.grad(f)(x.copy()) for x in part] for part in X])
    way, gradient = list(WAYS)[seed % 3], list(GRADIENTS)[seed % 4]
    cases = [
        (wg.vmap(f), X[0], values[0]),
        (wg.vmap(wg.vmap(f)), X, values),
        (WAYS[way](f), X[1], values[1]),
        (GRADIENTS[gradient](f), X[0], gradients[0]),
    ]
    for g, x, expected in cases:
        np.testing.assert_allclose(g(x.copy()), expected, rtol=1e-10, atol=1e-10, err_msg=source(seed))


# ---------------------------------------------------------------- which rows give arrays without axes

PARAMETERS = {
    **{"reshape": {"shape": ()}, "getitem": {"index": ()}, "transpose": {"axes": ()}, "broadcast_to": {"shape": ()}},
    **{"spread": {"axes": (), "shape": ()}, "flip": {"axes": ()}, "convert": {"dtype": np.dtype(float)}},
    **{"write": {"steps": (), "index": (), "inplace": False}, "add_at": {"index": (), "inplace": False}},
    **{"reduce_sum": {"axes": ()}, "ipow": {"n": 2}, "truncate": {"dtype": np.dtype(int)}},
}
ROWS = [*PARAMETERS, *(row.name for row in TABLE.values() if row.elementwise and row.name not in PARAMETERS)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ROWS)
def test_rows_that_give_arrays_of_no_axes(name):
    """What a lane gives is of the kind that NumPy gives for its number or array."""
    numbers, row, params = np.array([0.5, 0.25, 0.75, 0.125]), TABLE[name], PARAMETERS.get(name, {})
    for count in (1, 2, 3, 4):
        try:
            number = row.evaluate(*numbers[:count], **params)
        except TypeError:
            continue
        array = row.evaluate(*map(np.array, numbers[:count]), **params)
        break
    else:
        pytest.skip("of other operands")
    assert is_array(number) == (name in ARRAYS)
    assert is_array(array) == (name in ARRAYS | KEEPING)
