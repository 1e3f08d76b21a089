"""Random programs over views, in batches: rows, parts, arrays of no axes and numbers, bound, written and read later.

Plain Python says what a lane gives, and the eager engine what its derivative is.
"""

import random

import numpy as np
import pytest

import wengert as wg
from staging import cases
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


# ---------------------------------------------------------------- what is a view, by hand

case, each_case = cases()
X = np.array([[0.3, -0.7, 1.2], [0.5, 0.9, -0.4]])


def made_of_a_number(make):
    def f(x):
        z = x[0] + 1.0
        n = make(z)
        n *= 2.0
        return np.sum(n) * x[1] + z

    return f


NUMBERS = {
    "a new axis": lambda z: z[None],
    "at least one axis": np.atleast_1d,
    "expand_dims": lambda z: np.expand_dims(z, 0),
    "ravel": np.ravel,
    "reshape": lambda z: np.reshape(z, (1,)),
    "reshape of the method": lambda z: z.reshape(1, 1),
}


@pytest.mark.parametrize("make", NUMBERS.values(), ids=NUMBERS)
def test_arrays_made_of_a_number_are_their_own(make):
    agrees(made_of_a_number(make))


@case()
def constants_added_to_an_array_of_no_axes(x):
    t = np.zeros(())
    u = t
    t += 1.5
    t *= 2.0
    t += x[0]
    return u * x[0]


@case()
def accumulators_in_a_list(x):
    both = [np.zeros(()), np.ones(())]
    first, second = both
    for k in range(2):
        both[k] += 0.5
        both[k] += x[k]
    return first * second


@case()
def all_of_an_array_of_no_axes(x):
    y = x * 1.0
    z = y[..., 1]
    w = z[...]
    y *= 0.5
    w += 1.0
    return w * y[1] + z


@case()
def raveled_parts(x):
    y, a = x * 1.0, np.outer(x, x)
    n = y[:2].ravel()
    n += 1.0
    m = a[1].ravel()
    m *= 2.0
    return np.sum(y) + np.sum(a * x)


@case()
def flat_in_one_piece(x):
    a = np.outer(x, x)
    a.flat[1:4] = 0.5
    a.flat[0] *= 3.0
    return np.sum(a * x)


@case()
def contiguous_where_it_was_not(x):
    a = np.outer(x, x + 1.0)
    b, c = np.ascontiguousarray(a.T), np.asfortranarray(a)
    b[0] = 2.0
    c[1] *= 3.0
    d = np.ascontiguousarray(a)
    d[2] = 0.25
    return np.sum(a * x) + np.sum(b * c)


@case()
def one_element_in_place_of_all(x):
    y, z = x * 1.0, np.array(x[1])
    y[..., 0] = x[1:2]
    z[...] = y[:1] * 2.0
    y[..., 1:] = z.reshape(1, 1)
    return np.sum(y * x) + z


@case()
def views_that_refuse_writes(x):
    y, a = x * 1.0, np.outer(x, x + 1.0)
    repeated, others = np.broadcast_to(y, (2, 3)), np.broadcast_arrays(y, np.zeros((2, 1)))[0].T[1:]
    seen = [np.diagonal(a, 1), np.diag(a), a[::-1].diagonal(), np.einsum("ij->ji", a)[0], np.einsum("ii->i", a)[1:]]
    seen += [repeated[1, ::-1], np.broadcast_to(y[:1], (3, 1))[1], others, np.meshgrid(y, y, copy=False)[0], a.T.flat]
    y *= 2.0
    a[1] -= y
    for k in range(3):
        a[k, k] += np.sum(repeated)
        y[k] = a[0, k]
    return sum(np.sum(v * v) for v in map(np.asarray, seen)) + np.sum(np.imag(y * (1.0 + 2.0j)))


@case()
def repeated_and_reshaped_is_a_copy(x):
    y = x * 1.0
    r, s = np.broadcast_to(y, (2, 3)).ravel(), np.broadcast_to(y[:2], (3, 2)).reshape(3, 1, 2)
    y *= 3.0
    return np.sum(r * r) + np.sum(s * s)


@case()
def a_mask_of_no_axes_copies(x):
    y = x * 1.0
    b, c = y[True], y[np.array(True)]
    y[0], b[0, 1] = 5.0, 7.0
    return np.sum(b * x) + np.sum(c) + np.sum(y * y)


@each_case
def test_views_by_hand(f, args, kwargs):
    agrees(f)


def agrees(f):
    """All modes, and lanes along any axis, with what Python gives for each lane and differences say of it."""
    values, step = np.array([f(x.copy()) for x in X]), 1e-6
    slopes = [[(f(x + step * d) - f(x - step * d)) / (2 * step) for d in np.eye(3)] for x in X]
    np.testing.assert_allclose([wg.grad(f)(x.copy()) for x in X], slopes, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose([wg.jacfwd(f)(x.copy()) for x in X], slopes, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose([wg.jit(f)(x.copy()) for x in X], values, rtol=1e-12)
    for way in (*WAYS.values(), lambda f: lambda x: wg.vmap(f, in_axes=1)(x.T.copy())):
        np.testing.assert_allclose(way(f)(X.copy()), values, rtol=1e-12)
    for way in GRADIENTS.values():
        np.testing.assert_allclose(way(f)(X.copy()), slopes, rtol=1e-6, atol=1e-6)


def test_lanes_of_any_axis_are_arrays_of_their_own():
    def f(x):
        y = x * 2.0
        z = y.reshape(-1)
        z[0] = 9.0
        return np.sum(y * x)

    W = np.random.default_rng(0).uniform(0.2, 1.0, (4, 3, 2))
    for axis in range(3):
        lanes = np.moveaxis(W, axis, 0)
        values = [f(x.copy()) for x in lanes]
        gradients = np.stack([wg.grad(f)(x.copy()) for x in lanes])
        for map in (wg.vmap(f, in_axes=axis), wg.jit(wg.vmap(f, in_axes=axis))):
            np.testing.assert_allclose(map(W.copy()), values)
        np.testing.assert_allclose(wg.vmap(wg.grad(f), in_axes=axis)(W.copy()), gradients)
        whole = wg.grad(lambda W, axis=axis: np.sum(wg.vmap(f, in_axes=axis)(W)))(W.copy())
        np.testing.assert_allclose(np.moveaxis(whole, axis, 0), gradients)


def copied(write, x):
    y = x * 1.0
    write(y)
    return np.sum(y * x)


TOO_MANY = {  # one axis too many for a lane, of as many as there are lanes
    "row by row": lambda y: y.__setitem__(slice(None), np.ones((2, 3))),
    "an element": lambda y: y.__setitem__(0, np.ones(2)),
    "positions": lambda y: y.__setitem__([0, 1], np.ones((2, 2))),
    "copyto": lambda y: np.copyto(y, np.ones((2, 3))),
    "add.at": lambda y: np.add.at(y, 0, np.ones(2)),
}


@pytest.mark.parametrize("write", TOO_MANY.values(), ids=TOO_MANY)
def test_a_shared_value_is_not_dealt_out_to_the_lanes(write):
    for f in (copied, wg.vmap(copied, in_axes=(None, 0))):
        with pytest.raises((ValueError, TypeError)):
            f(write, X[0] if f is copied else X)


def test_leading_axes_of_length_one_are_left_out():
    def f(x):
        y = np.zeros(3)
        y[:] = x[None] * 2.0
        y[1:] = np.ones((1, 2))
        return np.sum(y * x)

    np.testing.assert_allclose(wg.vmap(f)(X), [f(x) for x in X])
    np.testing.assert_allclose(wg.jit(wg.vmap(f))(X), [f(x) for x in X])


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
