"""Writes go through a reshape where it is a view: how arrays lie in memory decides, in each mode as in NumPy."""

import numpy as np
import pytest

import wengert as wg
from staging import cases, interpreted

A = np.arange(1.0, 7.0).reshape(2, 3)
ARGUMENTS = {
    "C": lambda: A.copy(),
    "Fortran": lambda: np.asfortranarray(A),
    "gaps in rows": lambda: np.repeat(A, 2, axis=1)[:, ::2],
    "gaps between rows": lambda: np.repeat(A, 2, axis=0)[::2],
    "upside down": lambda: A[::-1].copy()[::-1],
}
GLOBAL = np.asfortranarray(A * 0.5)


def written(b):
    """What is written through both ways to flatten an array, where they are views."""
    r, t = b.ravel(), b.T.reshape(-1)
    r[0] = 50.0
    r[1:3] *= 2.0
    t[1] = 0.25
    t[-1] -= 1.0
    return np.sum(b * np.arange(1.0, 1.0 + b.size).reshape(b.shape))


case, each_case = cases()


@case()
def the_argument(a):
    return written(a) + np.sum(a * a)


@case()
def a_sum(a):
    return written(a + 0.5) + written(a.T * 2.0)


@case()
def copies(a):
    t = a.T
    made = [t.copy(), a.copy("F"), t.copy("K"), np.copy(t), np.copy(t, order="C"), np.array(t, order="C"), np.array(a)]
    made += [t.astype(float), t.astype(float, order="C"), a.astype(float, order="F", copy=False)]
    return sum(written(b) for b in made) + np.sum(a * a)


@case()
def perhaps_copies(a):
    b, c = a * 1.0, a * 2.0
    found = written(np.ascontiguousarray(b.T)) + written(np.asfortranarray(b)) + written(np.asarray(b, order="C"))
    found += written(np.require(c, requirements="O")) + written(np.require(c[:1], requirements=["C", "O"]))
    return found + np.sum(b * b) + np.sum(c * c)


@case()
def made_like_another(a):
    made = [np.zeros_like(a.T), np.full_like(a, 2.0), np.ones_like(a.T, order="C"), np.zeros_like(a.T, order="F")]
    return sum(written(b) for b in made) * a[0, 0]


@case()
def rows_of_a_transposed_array(a):
    t = a.T
    return written(t[1:] * 1.0) + written(t[[0, 1]]) + written(np.take(a, [0, 2], axis=1)) + written(np.sort(t, axis=0))


@case()
def sides_of_a_branch(a):
    if a[0, 0] > 0:
        b = a.T * 2.0
    else:
        b = a.T * 3.0
    return written(b)


@case()
def carried_by_a_loop(a):
    b = a.T * 1.0
    for _ in range(3):
        b = b * 1.5 + a.T
    c = np.zeros_like(a)
    k = 0
    while k < 2:
        c[0] += a[k]
        k += 1
    return written(b) + written(c)


@case()
def written_by_a_branch(a):
    b = a * 1.0
    if b[0, 0] > 0:
        b[0] *= 2.0
    return written(b)


def turned(a):
    return a.T * 2.0


def turned_by_another(a):
    return turned(a)


@case()
def made_by_helpers(a):
    return written(turned_by_another(a)) + written(turned(a * 1.0))


@case()
def in_a_list(a):
    both = [a.T * 1.0, a * 1.0]
    for b in both:
        b[0] *= 2.0
    return written(both[0]) + written(both[1])


@case()
def made_of_a_global(a):
    b = GLOBAL * 1.0
    b[0] = a[0]
    return written(b)


@case()
def parts_of_a_stack(a):
    b = np.stack([a, a], axis=2)[:, :, 0]
    return written(b * 1.0) + written(a[:, ::-1] * 1.0) + written(a.T[::-1] * 1.0)


@case()
def element_by_element(a):
    b = np.empty_like(a.T)
    for i in range(3):
        b[i] = a[:, i] * 2.0
    r = b.reshape(-1)
    for i in range(6):
        r[i] += i
    return np.sum(b * np.arange(6.0).reshape(3, 2)) + np.sum(b.T.reshape(-1) * np.arange(6.0))


@case()
def operators_in_place(a):
    b = a * 1.0
    b -= np.ones((2, 3))
    a *= 2.0
    a += b
    for _ in range(2):
        if a[0, 0] > 0:
            a -= np.asfortranarray(b)
        a /= 1.5
    return written(b) + written(a)


@case()
def all_elements_in_their_order(a):
    b = a.T
    b.flat[1] = 9.0 * a[0, 0]
    b.flat[2:5] *= 2.0
    q = b.flat
    q[0] = a[1, 1]
    a[0, 1] += 1.0
    total = sum([v * v for v in q])
    b.flat = [1.0 * a[0, 0], 2.0]
    return total + np.sum(a * A)


@case()
def parts_of_all_elements_are_copies(a):
    v, w = a.flat[1:3], a.flat[:]
    v[0] = 50.0 * a[0, 0]
    a[0, 0] = 5.0 * a[1, 1]
    a.flat[0:3] = [1.0, 2.0]
    a.flat[[3, 4, 5]] = [1.0, 2.0 * a[0, 1]]
    b = a * 1.0
    b.flat[::-1] = w
    b.flat[0:2] = v * np.ones((3, 1))
    b.flat = []
    return np.sum(a * A) + np.sum(v) + np.sum(w * w) + np.sum(b * A)


@case()
def a_view_of_all(a):
    b = a.view()
    b += 1.0
    b[0] = 2.0 * a[1]
    return np.sum(a * a)


@case()
def orders_that_ask_for_no_copy(a):
    y = np.asarray(a, order="A")
    y *= 2.0
    z = np.array(a, dtype=np.complex128, order="A")
    return np.sum(a) + written(z.real)


@case()
def lengths_that_only_the_run_knows(a):
    x = a.ravel() * 1.0
    r = x[x > 1.5]
    v, w, u, t = r.reshape(r.shape), np.expand_dims(r, 0), r.ravel(), np.atleast_2d(r)
    r.reshape(-1)[0] = 3.0 * x[1]
    r *= 2.0
    n = int(x[1] + 0.5)
    rows = x[:n]
    rows.reshape(-1)[0] = 7.0
    m = np.outer(x, x)
    q, p, s, c = m[:n].reshape(-1), m[:, :n].reshape(-1), m[1, :n].reshape(-1), m.T[:n].reshape(-1)
    q[0], p[1], s[0], c[0] = 5.0 * x[2], 7.0, 11.0, 13.0
    joined = np.concatenate([r, r])
    joined.reshape(2, -1)[1] *= 2.0
    seen = [v, w, u, t, rows, q, p, s, c, joined]
    return sum([np.sum(part * part) for part in seen]) + np.sum(m * x) + np.sum(x)


@case()
def corners_of_a_loop(a):
    total = 0.0
    x = a[0] * 1.0
    for i in range(2, 4):
        m = np.outer(x, x)[:i, :i] * 1.0
        m.ravel()[0] = 2.0 * x[1]
        m.reshape(-1)[-1] += 1.0
        total += np.sum(m * m)
    return total


@case()
def order_of_a_function(a):
    return written(np.add(a, 1.0, order="F")) + written(np.sin(a, order="C")) + written(np.roll(a, 1))


WAYS = {"compiled": wg.jit, "interpreted": interpreted, "eager": lambda f: lambda a: wg.vjp(f, a)[0]}
GRADIENTS = {
    "eager": wg.grad,
    "compiled": lambda f: wg.jit(wg.grad(f)),
    "of the compiled": lambda f: wg.grad(wg.jit(f)),
    "forward": wg.jacfwd,
}


@pytest.mark.parametrize("given", ARGUMENTS)
@each_case
def test_views_are_those_of_numpy(f, args, kwargs, given):
    argument = ARGUMENTS[given]
    after = argument()
    value = f(after)
    for name, way in WAYS.items():
        a = argument()
        np.testing.assert_allclose(way(f)(a), value, rtol=1e-12, err_msg=name)
        np.testing.assert_array_equal(a, argument() if name == "eager" else after, err_msg=name)
    slopes = np.zeros((2, 3))
    for place in np.ndindex(2, 3):
        up, down = argument(), argument()
        up[place] += 1e-6
        down[place] -= 1e-6
        slopes[place] = (f(up) - f(down)) / 2e-6
    for name, gradient in GRADIENTS.items():
        np.testing.assert_allclose(gradient(f)(argument()), slopes, rtol=1e-5, atol=1e-5, err_msg=name)


def test_a_function_that_writes_is_staged_for_each_layout():
    f, g = wg.jit(the_argument), wg.jit(lambda a: np.sum(a.ravel() * 2.0))
    for _ in range(2):
        for argument in ARGUMENTS.values():
            assert f(argument()) == the_argument(argument())
            assert g(argument()) == 42.0
    assert [len(built) for built in f.programs.values()] == [len(ARGUMENTS)]
    assert [len(built) for built in g.programs.values()] == [1]


@pytest.mark.parametrize("derived", [lambda f: wg.jit(wg.grad(f)), lambda f: wg.jit(lambda a: wg.grad(f)(a))])
def test_a_derivative_is_staged_for_each_layout(derived):
    h = derived(the_argument)
    for _ in range(2):
        for argument in ARGUMENTS.values():
            np.testing.assert_allclose(h(argument()), wg.grad(the_argument)(argument()))


def test_lanes_lie_as_arrays_do():
    def f(a):
        return written(a * 1.0) + written(a.T * 1.0) + written(np.repeat(a, 2, axis=1)) + written(a.T.copy())

    for argument in ARGUMENTS.values():
        lanes = [argument(), argument() * 0.5]
        batch = np.moveaxis(np.stack([x.T for x in lanes]), 1, 2) if argument().flags.fnc else np.stack(lanes)
        np.testing.assert_allclose(wg.vmap(f)(batch), [f(x) for x in lanes])


@pytest.mark.parametrize(
    "a",
    [
        np.broadcast_to(A[0], (2, 3)),
        np.broadcast_to(A[:, :1], (2, 3)),
        A[:1],
        A[:, :1],
    ],
)
def test_what_is_repeated_lies_as_in_numpy(a):
    def f(a):
        r = a.ravel()
        return written(a * 1.0) + written(a.T * 1.0) + np.sum(r * r)

    for way in WAYS.values():
        np.testing.assert_allclose(way(f)(a), f(a))


def test_windows_that_overlap_lie_apart():
    a = np.lib.stride_tricks.sliding_window_view(np.arange(1.0, 5.0), 3)
    f = lambda a: written(a * 1.0) + np.sum(a.ravel() ** 2)
    for way in WAYS.values():
        np.testing.assert_allclose(way(f)(a), f(a))


def test_elements_that_are_repeated_are_written_one_by_one():
    def f(a):
        a[0, 0] = 5.0  # in NumPy an error, or a write to all of them, by the version
        return np.sum(a * A)

    repeated = np.broadcast_to(A[0], (2, 3))
    np.testing.assert_array_equal(wg.grad(f)(repeated), [[0.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    with pytest.raises(ValueError, match="read-only"):
        wg.jit(f)(repeated)
