"""Batching: axes, containers, branches, nesting with derivatives, and that whole batches are computed at once."""

import numpy as np
import pytest

import wengert as wg
from compare import M, Model, Point, X, Y, close, loop
from wengert.core.primitive import Primitive

# ---------------------------------------------------------------- vmap


def test_vmap_axes():
    a, b = np.arange(24.0).reshape(2, 3, 4), np.arange(3.0)
    f = lambda u, v: u * 2 + np.sum(v)
    for axis in (0, 1, 2, -1, -2):
        moved = np.moveaxis(a, axis, 0)
        n = moved.shape[0]
        close(wg.vmap(f, in_axes=(axis, None))(a, b), np.stack([f(m, b) for m in moved]))
        close(wg.vmap(lambda u: u * 2, in_axes=axis, out_axes=axis)(a), 2 * a)
        close(wg.vmap(f, in_axes=(axis, 0))(a, np.ones((n, 3))), np.stack([f(m, np.ones(3)) for m in moved]))
    close(wg.vmap(lambda u: (u, u.sum()), out_axes=(1, 0))(M), (M.T.copy(), M.sum(1)))
    close(wg.vmap(lambda u: {"a": u, "b": u}, out_axes={"a": -1, "b": 0})(M), {"a": M.T.copy(), "b": M})
    close(wg.vmap(lambda u: u, out_axes=-1)(a), np.moveaxis(a, 0, -1).copy())


def test_vmap_over_containers():
    p = {"w": M, "s": np.array([1.0, 2.0]), "shared": 3.0}
    f = lambda p, y: {"r": p["w"] * p["s"] + p["shared"] * y, "t": (p["s"], None)}
    expected = {"r": M * p["s"][:, None] + 3.0 * X, "t": (p["s"], None)}
    close(wg.vmap(f, in_axes=({"w": 0, "s": 0, "shared": None}, None))(p, X), expected)
    p["shared"] = np.array([3.0, 3.0])
    close(wg.vmap(f, in_axes=(0, None))(p, X), expected)
    close(wg.vmap(lambda p: p.x * p.y, in_axes=(Point(0, None),))(Point(M, X)), M * X)
    close(wg.vmap(Model.total)(Model([M], np.ones(2))), np.sum(M**2, 1))
    close(wg.vmap(lambda x: 3.0)(M), np.array([3.0, 3.0]))
    close(wg.vmap(lambda x: X)(M), np.stack([X, X]))


@pytest.mark.parametrize(
    "axes, args",
    [(0, (1.0,)), (0, (M, X)), ((0,), (M, M)), ((None, None), (M, M)), (3, (M,)), (({"a": 0, "b": 0},), ({"a": M},))],
)
def test_vmap_refuses_axes_that_do_not_fit(axes, args):
    with pytest.raises(wg.Diagnostic, match="W402"):
        wg.vmap(lambda *xs: xs[0], in_axes=axes)(*args)


def test_vmap_nests():
    a, b = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)
    close(wg.vmap(wg.vmap(np.multiply, in_axes=(0, None)), in_axes=(None, 0))(X, Y), np.outer(Y, X))
    close(wg.vmap(wg.vmap(np.dot, (None, 1)), (0, None))(a, b), a @ b)
    close(wg.vmap(lambda r: wg.vmap(lambda c: r @ c, in_axes=1)(b))(a), a @ b)
    cube = np.arange(24.0).reshape(2, 3, 4)
    close(wg.vmap(wg.vmap(wg.vmap(np.sin)))(cube), np.sin(cube))


def test_vmap_and_derivatives_in_any_order():
    f = lambda x: np.sum(np.sin(x) * x[::-1])
    close(wg.vmap(wg.grad(f))(M), loop(wg.grad(f), M))
    close(wg.vmap(wg.hessian(f))(M), loop(wg.hessian(f), M))
    close(wg.grad(lambda m: np.sum(wg.vmap(f)(m)))(M), loop(wg.grad(f), M))
    close(wg.jacobian(wg.vmap(f))(M), np.einsum("ij,ik->ijk", np.eye(2), loop(wg.grad(f), M)))
    close(wg.jacfwd(wg.vmap(f))(M), wg.jacrev(wg.vmap(f))(M))
    close(wg.vmap(wg.jacobian(lambda x: x**2))(M), loop(wg.jacobian(lambda x: x**2), M))
    close(
        wg.vmap(lambda x, t: wg.jvp(f, (x,), (t,))[1])(M, M[::-1]),
        loop(lambda x, t: wg.jvp(f, (x,), (t,))[1], M, M[::-1]),
    )
    close(wg.vmap(wg.grad(f))(M.astype(np.float32)), loop(wg.grad(f), M.astype(np.float32)), 1e-6)
    out, pullback = wg.vjp(wg.vmap(np.sin), M)
    close(wg.vmap(lambda ct: pullback(ct)[0])(np.stack([M, out])), np.stack([M * np.cos(M), out * np.cos(M)]))
    wg.check_grads(wg.vmap(lambda x: np.cumsum(x) * x[0]), (M,))


def test_vmap_writes_in_place():
    def f(x):
        y = np.zeros(3)
        mark = np.zeros(3, bool)
        count = np.zeros(3, int)
        y[1:] = x[:-1] * x[0]
        y[0] += x[2]
        mark[...] = x > 0
        mark[0] = x[0] > x[1]
        count[1] = 10 * x[1]
        count[:] += mark
        return y, mark, count

    lanes = np.stack([X, Y, X - Y])  # as many lanes as entries: a mix-up would broadcast in silence
    close(wg.vmap(f)(lanes), tuple(np.stack(parts) for parts in zip(*map(f, lanes))))


def test_vmap_of_integers_and_booleans():
    ints = np.array([3, 1, 2])
    close(wg.vmap(lambda n: 2 * n)(ints), 2 * ints)
    close(wg.vmap(lambda n: X[n % 3])(ints), X[ints % 3])
    close(wg.vmap(lambda n, x: x[n], in_axes=(0, None))(np.array([0, 2]), X), X[[0, 2]])
    close(wg.vmap(lambda b, x: np.where(b, x, -x))(np.array([True, False, True]), X), X * [1, -1, 1])
    close(wg.vmap(lambda x: x[np.argmax(x)])(M), M.max(1))


def branching(x):
    if x[0] > 0.4:
        return np.sum(x**2)
    total = 0.0
    for k in range(int(3 * x[2] + 3)):
        total = total + k * x[1]
    return total


def test_lanes_that_branch_differently_take_their_own_branch():
    lanes = np.array([[0.5, 0.2, 0.3], [0.1, 0.7, 0.4], [0.2, -0.3, 1.5], [0.9, 0.1, 0.1]])
    close(wg.vmap(branching)(lanes), loop(branching, lanes))
    close(wg.vmap(wg.grad(branching))(lanes), loop(wg.grad(branching), lanes))
    close(wg.grad(lambda m: np.sum(wg.vmap(branching)(m)))(lanes), loop(wg.grad(branching), lanes))
    close(wg.jacfwd(wg.vmap(branching))(lanes), wg.jacrev(wg.vmap(branching))(lanes))
    nested = wg.vmap(wg.vmap(branching))(np.stack([lanes, lanes[::-1]]))
    close(nested, np.stack([loop(branching, lanes), loop(branching, lanes[::-1])]))
    both = wg.vmap(lambda x, y: branching(x) * np.sum(y), in_axes=(0, None))(lanes, X)
    close(both, loop(branching, lanes) * np.sum(X))


def test_a_batch_without_lanes_comes_to_no_branch():
    close(wg.vmap(lambda x: np.sum(x**2))(M[:0]), np.zeros(0))
    with pytest.raises(wg.Diagnostic, match="W402 a batch without lanes comes to a branch"):
        wg.vmap(branching)(M[:0])
    close(wg.jit(wg.vmap(branching))(M[:0]), np.zeros(0))


def test_lanes_that_agree_run_together():
    runs = []

    def f(x):
        runs.append(1)
        return x[0] ** 2 if x[0] > 0 else x[1]

    wg.vmap(f)(np.abs(M))
    assert len(runs) == 1


def test_user_code_that_catches_exceptions_does_not_swallow_the_lanes():
    def f(x):
        try:
            return x if x > 0 else -2.0 * x
        except Exception:  # noqa: BLE001
            return 0.0 * x

    close(wg.vmap(f)(X), np.where(X > 0, X, -2 * X))


@pytest.fixture
def primitive_calls(monkeypatch):
    """A list that grows by one with every primitive call."""
    calls, original = [], Primitive.__call__

    def counting(self, *args, **params):
        calls.append(self.name)
        return original(self, *args, **params)

    monkeypatch.setattr(Primitive, "__call__", counting)
    return calls


def every_kind(x):
    y = np.zeros((3, 3))
    for i in range(3):
        y[i] = np.sin(x[i]) * x
        y[:, i] += x[::-1]
    z = np.linalg.solve(np.eye(3) + y @ y.T, x) + np.cumsum(x) / (2.0 + np.max(x))
    return (
        np.sum(np.concatenate([z, np.where(x > 0, x, 0.0)]))
        + np.einsum("ij,j->", y, x)
        + np.prod(x)
        + np.linalg.norm(x)
    )


@pytest.mark.parametrize(
    "g", [every_kind, wg.grad(every_kind), wg.jacfwd(wg.grad(every_kind))], ids=["value", "grad", "hessian"]
)
def test_the_number_of_primitive_calls_does_not_depend_on_the_batch(g, primitive_calls):
    counts = []
    for n in (2, 64):
        primitive_calls.clear()
        wg.vmap(g)(np.random.default_rng(0).uniform(0.5, 1.0, (n, 3)))
        counts.append(len(primitive_calls))
    assert counts[0] == counts[1] > 20


def test_the_number_of_primitive_calls_of_a_jacobian_does_not_depend_on_its_size(primitive_calls):
    counts = []
    for jacobian in (wg.jacrev, wg.jacfwd):
        for n in (3, 40):
            primitive_calls.clear()
            jacobian(lambda x: np.exp(x) * np.cumsum(x))(np.linspace(0.0, 1.0, n))
            counts.append(len(primitive_calls))
    assert counts[0] == counts[1] and counts[2] == counts[3]
