"""The public functions: containers, arguments, memory, seeds, Jacobians, nesting, complex numbers."""

import collections
import functools
import itertools
import math

import numpy as np
import pytest

import wengert as wg
from compare import M, Model, Point, Typed, X, Y, close, close_and_alike, owned
from wengert.core.tree import flatten, map_leaves, unflatten

# ---------------------------------------------------------------- containers

LEAVES = [
    *(0.5, np.float64(0.5), np.float32(0.5), np.array(0.5), np.array(0.5, np.float32), X, M, M.T, np.zeros((0, 2))),
    *(X.astype(np.float32), X[::2], np.asfortranarray(M), 0.5 - 0.25j, np.complex64(1j), X + 1j * Y),
]
TREES = [
    *({"a": X, "b": 0.5}, [X, [0.5, (M,)]], (X,), Point(0.5, {"u": X}), Typed(M), Typed(X, None), Model([X, M], 0.5)),
    *({"a": None, "b": [X, None, ()], 3: {}, ("k", 1): 0.5}, collections.OrderedDict(b=X, a=0.5), [Model([0.5], X)]),
    *([np.float32(0.5), np.array(0.5), X + 0j, np.zeros(0)], Point(Point(X, 0.25), None)),
]


def energy(tree):
    """Sum of k |leaf|**2 over leaves; gradient 2 k conj(leaf)."""
    return sum(k * np.sum(np.real(leaf) ** 2 + np.imag(leaf) ** 2) for k, leaf in enumerate(flatten(tree)[0], 1))


def energy_gradient(tree):
    leaves, structure = flatten(tree)
    scaled = [2 * k * np.conj(np.array(leaf)) for k, leaf in enumerate(leaves, 1)]
    return unflatten(structure, [like(s, leaf) for s, leaf in zip(scaled, leaves)])


def like(value, leaf):
    """`value` in the type and dtype of `leaf`."""
    return np.asarray(value, leaf.dtype) if isinstance(leaf, np.ndarray) else type(leaf)(value)


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda x: f"{type(x).__name__}-{np.result_type(x)}-{np.shape(x)}")
def test_a_gradient_has_type_shape_and_dtype_of_its_argument(leaf):
    close_and_alike(wg.grad(energy)(leaf), energy_gradient(leaf), 1e-6)
    value, gradient = wg.value_and_grad(energy)(leaf)
    close_and_alike(gradient, energy_gradient(leaf), 1e-6)
    np.testing.assert_allclose(value, energy(leaf))
    close_and_alike(wg.vjp(energy, leaf)[1](wg.vjp(energy, leaf)[0] * 0 + 1)[0], energy_gradient(leaf), 1e-6)
    close_and_alike(wg.vjp(lambda x: x, leaf)[0], leaf)
    close_and_alike(wg.jvp(lambda x: x, (leaf,), (leaf,)), (leaf, leaf))
    close_and_alike(wg.elementwise_grad(lambda x: 2.0 * x)(leaf), like(np.full(np.shape(leaf), 2.0), leaf))


@pytest.mark.parametrize("tree", TREES, ids=repr)
def test_a_gradient_has_the_structure_of_its_argument(tree):
    close_and_alike(wg.grad(energy)(tree), energy_gradient(tree), 1e-6)
    out, pullback = wg.vjp(lambda t: t, tree)
    close_and_alike(out, tree)
    close_and_alike(pullback(tree), (tree,))
    close_and_alike(wg.jvp(lambda t: t, (tree,), (tree,)), (tree, tree))
    out, push = wg.linearize(lambda t: map_leaves(lambda x: 2.0 * x, t), tree)
    close_and_alike(push(tree), out)
    doubled = map_leaves(lambda x: like(2 * np.array(x), x), tree)
    close(
        wg.jvp(wg.grad(energy), (tree,), (doubled,))[1],
        map_leaves(lambda x: like(2 * np.array(x), x), energy_gradient(tree)),
        1e-6,
    )


def test_methods_of_a_dataclass_argument_run():
    model = Model([X, M], 0.5)
    got = wg.grad(Model.total)(model)
    close(got, Model([X, M], float(np.sum(X**2) + np.sum(M**2))))
    close(wg.grad(lambda m: m.total())(model), got)
    close(wg.value_and_grad(Model.total)(model)[0], model.total())


def test_results_in_containers():
    def f(x):
        return {"s": np.sum(x), "list": [x * 2, (x[0], 3.0)], "none": None, "point": Point(x[1:], 1)}

    out, pullback = wg.vjp(f, X)
    close(out, f(X))
    ct = {"s": np.float64(1), "list": [Y, (np.float64(3), 5.0)], "none": None, "point": Point(Y[1:], 7)}
    (bar,) = pullback(ct)
    close(bar, 1 + 2 * Y + np.array([3, 0, 0]) + np.array([0, *Y[1:]]))
    out, tangent = wg.jvp(f, (X,), (Y,))
    close(out, f(X))
    close(tangent["list"][0], 2 * Y)
    assert tangent["list"][1] == (Y[0], 0.0) and tangent["none"] is None and tangent["point"].y == 0
    _, push = wg.linearize(f, X)
    close(push(Y)["point"].x, Y[1:])
    close(wg.derivative(lambda t: {"a": t**2, "b": [np.sin(t), X * t]})(0.5), {"a": 1.0, "b": [np.cos(0.5), X]})


@pytest.mark.parametrize("bad", ["text", object(), {1, 2}, lambda: 0, b"x"], ids=lambda x: type(x).__name__)
def test_a_result_that_is_no_number_is_refused(bad):
    for derivative in (
        wg.grad(lambda x: bad),
        lambda x: wg.jvp(lambda v: [v, bad], (x,), (x,)),
        wg.vmap(lambda x: bad),
    ):
        with pytest.raises(wg.Diagnostic, match="W105"):
            derivative(X)


# ---------------------------------------------------------------- which argument


def weighted(a, b, c=2.0, *, d=1.0):
    return np.sum(a * b**2) * c**3 * d


def test_argnums():
    a, b = X, Y
    by_a, by_b = 8 * b**2, 16 * a * b
    by_c = 12 * float(np.sum(a * b**2))
    by_d = 8 * float(np.sum(a * b**2))
    close(wg.grad(weighted)(a, b), by_a)
    close(wg.grad(weighted, 1)(a, b), by_b)
    close(wg.grad(weighted, -1)(a, b), by_b)
    close(wg.grad(weighted, -2)(a, b), by_a)
    close(wg.grad(weighted, "b")(a, b), by_b)
    close(wg.grad(weighted, "b")(a, b=b), by_b)
    close(wg.grad(weighted, 2)(a, b, 2.0), by_c)
    close(wg.grad(weighted, "c")(a, b, c=2.0), by_c)
    close(wg.grad(weighted, "d")(a, b, d=1.0), by_d)
    close(wg.grad(weighted, (0,))(a, b), (by_a,))
    close(wg.grad(weighted, (1, 0))(a, b), (by_b, by_a))
    close(wg.grad(weighted, ["a", -1])(a, b), (by_a, by_b))
    close(wg.grad(weighted, ("d", 0, "c"))(a, b, c=2.0, d=1.0), (by_d, by_a, by_c))
    close(wg.value_and_grad(weighted, (0, 1))(a, b), (weighted(a, b), (by_a, by_b)))
    close(wg.hessian(weighted, 1)(a, b), np.diag(16 * a))
    close(wg.jacobian(lambda a, b: a * b, "b")(a, b), np.diag(a))
    close(wg.jacfwd(lambda a, b: a * b, (0, 1))(a, b), (np.diag(b), np.diag(a)))
    close(wg.derivative(lambda a, t: a * t**2, 1)(a, 3.0), 6.0 * a)
    close(wg.derivative(lambda a, t: a * t**2, "t")(a, t=3.0), 6.0 * a)
    close(wg.elementwise_grad(np.multiply, 1)(a, b), a)
    close(wg.elementwise_grad(lambda a, b: a * b, (0, 1))(a, b), (b, a))


def test_the_hessian_by_two_arguments_has_all_blocks():
    (aa, ab), (ba, bb) = wg.hessian(lambda a, b: np.sum(a**2 * b), (0, 1))(X, Y)
    for block, expected in ((aa, 2 * Y), (ab, 2 * X), (ba, 2 * X), (bb, 0 * X)):
        close(block, np.diag(expected))


@pytest.mark.parametrize("argnums", [2, -3, "z", "c", (0, 5), "d"])
def test_an_argument_that_is_not_passed_is_refused(argnums):
    with pytest.raises(wg.Diagnostic, match="W103 there is no argument"):
        wg.grad(weighted, argnums)(X, Y)


def test_the_same_argument_by_position_and_name_is_one():
    close(wg.grad(lambda x, y: np.sum(x * y), (0, "x"))(X, Y), (Y, Y))


def test_the_same_array_passed_twice_is_two_arguments():
    close(wg.grad(lambda x, y: np.sum(x**2 * y), (0, 1))(X, X), (2 * X**2, X**2))


@pytest.mark.parametrize("bad", [3, True, np.array([1, 2]), "s", np.int64(2), {"w": X, "n": 3}, [X, "s"]], ids=repr)
def test_an_argument_without_derivative_is_refused_by_name(bad):
    for derivative in (wg.grad, wg.jacobian, wg.jacfwd, wg.elementwise_grad):
        with pytest.raises(wg.Diagnostic, match=r"W102 `tree.*` of `energy` has"):
            derivative(energy)(bad)


def test_positional_only_variadic_and_builtin_functions():
    close(wg.grad(lambda x, /, y: np.sum(x * y))(X, Y), Y)
    close(wg.grad(lambda *xs: np.sum(xs[0] * xs[1]), 1)(X, Y), X)
    close(wg.grad(lambda **kw: np.sum(kw["u"] * kw["v"]), "v")(u=X, v=Y), X)
    close(wg.grad(np.sum)(X), np.ones(3))
    close(wg.grad(np.dot, (0, 1))(X, Y), (Y, X))
    close(wg.grad(math.exp)(0.5), math.exp(0.5))
    close(wg.grad(functools.partial(np.dot, Y))(X), Y)


def test_derivatives_are_named_after_their_function():
    def loss(x):
        """What it costs."""

    assert wg.grad(loss).__name__ == "grad(loss)" and wg.grad(loss).__doc__ == "What it costs."
    assert wg.hessian(loss).__name__ == "hessian(loss)"


# ---------------------------------------------------------------- values beside the result


def test_has_aux():
    def f(x):
        aux = {"twice": 2 * x, "text": "as it is", "none": None, "norm": np.linalg.norm(x), "function": math.sin}
        return np.sum(x**2), {**aux, "point": Point(x[0], np.ones(2)), "model": Model([x], np.ones(1))}

    expected = f(X)[1]

    def check(aux):
        close(aux["twice"], expected["twice"])
        close(aux["norm"], expected["norm"])
        assert aux["text"] == "as it is" and aux["function"] is math.sin and aux["none"] is None
        assert type(aux["point"]) is Point and type(aux["model"]) is Model
        close(aux["point"], expected["point"])
        close(aux["model"].total(), expected["model"].total())

    gradient, aux = wg.grad(f, has_aux=True)(X)
    close(gradient, 2 * X)
    check(aux)
    (value, aux), gradient = wg.value_and_grad(f, has_aux=True)(X)
    close((value, gradient), (f(X)[0], 2 * X))
    check(aux)
    out, tangent, aux = wg.jvp(f, (X,), (Y,), has_aux=True)
    close((out, tangent), (f(X)[0], 2 * X @ Y))
    check(aux)
    out, pullback, aux = wg.vjp(f, X, has_aux=True)
    close(pullback(np.float64(1)), (2 * X,))
    check(aux)
    owned(gradient, aux, X)


def test_aux_of_an_inner_derivative_carries_the_outer_one():
    def outer(x):
        _, aux = wg.grad(lambda y: (y**2, x * y), has_aux=True)(3.0)
        return aux

    close(wg.grad(outer)(2.0), 3.0)


# ---------------------------------------------------------------- memory


def shared_results(x, y):
    return np.sum(x) + np.sum(y)


def test_no_two_results_share_memory_and_all_are_writeable():
    owned(wg.grad(shared_results, (0, 1))(X, Y), X, Y)
    owned(wg.grad(lambda p: np.sum(p["a"] + p["b"]))({"a": X, "b": X}), X)
    owned(wg.grad(lambda x: np.sum(np.broadcast_to(x, (2, 3))))(X))
    owned(wg.grad(lambda x: 0.0 * 3)(X), wg.grad(lambda x: 1.0)(X))
    owned(wg.value_and_grad(np.sum)(X), X)
    owned(wg.jacobian(lambda x: [x, x, 2 * x])(X), wg.jacfwd(lambda x: [x, x])(X), wg.jacrev(lambda x: [x, X])(X), X)
    owned(wg.hessian(lambda x: np.sum(x**3))(X), wg.elementwise_grad(lambda x: x)(X), X)


IDENTITIES = [lambda x: x, lambda x: x[:], lambda x: x.reshape(3, 1), lambda x: [x, x], lambda x: {"a": X, "b": x}]
IDENTITIES += [lambda x: np.asarray(x), lambda x: x.T, lambda x: [x[:2], x[1:]], lambda x: wg.stop_gradient(x)]


@pytest.mark.parametrize("f", IDENTITIES)
def test_no_result_shares_memory_with_what_the_caller_gave(f):
    x, t = X.copy(), Y.copy()
    out, pullback = wg.vjp(f, x)
    ct = map_leaves(lambda o: np.ones_like(o), f(x))
    owned(out, pullback(ct), pullback(ct), x, X, ct)
    owned(wg.jvp(f, (x,), (t,)), x, X, t)
    out, push = wg.linearize(f, x)
    owned(out, push(t), push(t), x, X, t)
    lanes = np.stack([x, t])
    owned(wg.vmap(f)(lanes), lanes, X)
    owned(wg.jacobian(f)(x), x)


def writes(x, y, *, z):
    """Writes into all its arguments."""
    x[0] = y[0] * z["w"][1]
    x += y
    y[1:] *= x[:-1]
    z["w"][...] = x * y
    z["w"][0] -= 1.0
    return np.sum(x * y * z["w"])


def test_the_arrays_of_the_caller_are_never_written():
    x, y, z = X.copy(), Y.copy(), {"w": X * Y}
    kept = [a.copy() for a in (x, y, z["w"])]

    def unchanged():
        for a, b in zip((x, y, z["w"]), kept):
            np.testing.assert_array_equal(a, b)

    for argnums in (0, 1, (0, 1)):
        for derivative in (wg.grad, wg.value_and_grad, wg.jacobian, wg.jacfwd, wg.jacrev, wg.hessian):
            derivative(writes, argnums)(x, y, z=z)
            unchanged()
    wg.grad(writes, "z")(x, y, z=z)
    wg.grad(lambda a, b, c: wg.checkpoint(writes)(a, b, z=c))(x, y, z)
    wg.vmap(lambda a: writes(a, y.copy(), z={"w": np.copy(z["w"])}))(np.stack([x, x]))
    wg.jvp(lambda a, b, c: writes(a, b, z=c), (x, y, z), (x, y, z))
    wg.linearize(lambda a, b, c: writes(a, b, z=c), x, y, z)[1](x, y, z)
    out, pullback = wg.vjp(lambda a, b, c: writes(a, b, z=c), x, y, z)
    pullback(out)
    unchanged()
    wg.check_grads(lambda a, b, c: writes(a, b, z=c), (x, y, z))
    unchanged()


def test_vmap_does_not_write_the_arguments_of_the_caller():
    lanes, shared = np.stack([X, Y]), Y.copy()

    def f(x, s):
        x[0] = 7.0
        s[1] = x[1]
        return x * s

    got = wg.vmap(f, in_axes=(0, None))(lanes, shared)
    close(got, np.stack([f(X.copy(), Y.copy()), f(Y.copy(), Y.copy())]))
    np.testing.assert_array_equal(lanes, np.stack([X, Y]))
    np.testing.assert_array_equal(shared, Y)


def test_read_only_and_strided_arguments():
    frozen = X.copy()
    frozen.flags.writeable = False
    for x in (frozen, np.stack([X, X], 1)[:, 0], X[::-1], np.broadcast_to(0.5, 3)):
        close(wg.grad(lambda v: np.sum(v**3))(x), 3 * x**2)

    def f(v):
        v[0] = 0.0
        return np.sum(v**2)

    close(wg.grad(f)(X[::-1]), 2 * X[::-1] * [0, 1, 1])


# ---------------------------------------------------------------- pullbacks and pushes


def test_a_pullback_may_be_called_again():
    _, pullback = wg.vjp(lambda x, y: np.exp(x) * y, X, Y)
    first, other, again = pullback(Y), pullback(X), pullback(Y)
    close(first, again)
    close(other, (X * np.exp(X) * Y, X * np.exp(X)))
    first[0][:] = 0.0
    close(pullback(Y), again)


@pytest.mark.parametrize("n", [3, 5000])
def test_arrays_changed_after_the_call_do_not_change_the_pullback(n):
    x, c = np.linspace(0.0, 1.0, n), {"w": np.linspace(1.0, 2.0, n)}
    expected = np.cos(x) * c["w"] ** 2
    _, pullback = wg.vjp(lambda v: np.sin(v) * c["w"].copy() ** 2, x)
    _, push = wg.linearize(lambda v: np.sin(v) * c["w"].copy() ** 2, x)
    x[:] = 7.0
    c["w"][:] = 7.0
    close(pullback(np.ones(n)), (expected,))
    close(push(np.ones(n)), expected)


def test_arguments_that_are_not_differentiated_may_change_as_well():
    x, c = X.copy(), Y.copy()
    _, pullback = wg.vjp(lambda v: v * c * np.sin(v), x)
    expected = Y * (np.sin(X) + X * np.cos(X))
    c[:] = 0.0
    x[:] = 0.0
    close(pullback(np.ones(3)), (expected,))


def test_linearize_runs_the_function_once():
    runs = []
    out, push = wg.linearize(lambda x, y: runs.append(1) or x * np.sin(y), 2.0, 0.5)
    got = [push(1.0, 0.0), push(0.0, 1.0), push(2.0, 3.0)]
    np.testing.assert_allclose(
        [out, *got], [2 * np.sin(0.5), np.sin(0.5), 2 * np.cos(0.5), 2 * np.sin(0.5) + 6 * np.cos(0.5)]
    )
    assert len(runs) == 1


@pytest.mark.parametrize(
    "seed, message",
    [
        (np.ones(2), "shape (2,), and the result has shape (3,)"),
        (1.0, "shape (), and the result has shape (3,)"),
        ([1.0, 1.0, 1.0], "structure"),
        (np.ones(3, np.float32), "dtype float32"),
        (1j * np.ones(3), "dtype complex128"),
        (None, "structure"),
        ((np.ones(3),), "structure"),
    ],
    ids=repr,
)
def test_a_seed_that_does_not_fit_is_refused(seed, message):
    _, pullback = wg.vjp(lambda x: 2.0 * x, X)
    with pytest.raises(wg.Diagnostic, match="W401") as caught:
        pullback(seed)
    assert message in str(caught.value)
    _, push = wg.linearize(lambda x: 2.0 * x, X)
    for use in (lambda: push(seed), lambda: wg.jvp(lambda x: 2.0 * x, (X,), (seed,))):
        with pytest.raises(wg.Diagnostic, match="W401"):
            use()


def test_too_many_or_too_few_seeds_are_refused():
    for tangents in ((), (X,), (X, Y, X)):
        with pytest.raises(wg.Diagnostic, match="W401"):
            wg.jvp(np.multiply, (X, Y), tangents)
        with pytest.raises(wg.Diagnostic, match="W401"):
            wg.linearize(np.multiply, X, Y)[1](*tangents)


def test_integer_seeds_count_as_floats():
    close(wg.vjp(lambda x: 2.0 * x, X)[1](np.array([1, 0, 2])), (np.array([2.0, 0.0, 4.0]),))
    close(wg.jvp(lambda x: x**2, (3.0,), (1,)), (9.0, 6.0))


# ---------------------------------------------------------------- what grad refuses, and zeros


@pytest.mark.parametrize(
    "out", [lambda x: x, lambda x: (x[0], x[1]), lambda x: 1j * x[0], lambda x: None, lambda x: x[:1]]
)
def test_grad_needs_a_real_scalar(out):
    for derivative in (wg.grad, wg.value_and_grad, wg.hessian):
        with pytest.raises(wg.Diagnostic, match="W101"):
            derivative(out)(X)
    with pytest.raises(wg.Diagnostic, match="W101"):
        wg.hvp(out, X, X)


def test_a_result_that_does_not_depend_on_the_argument_has_derivative_zero():
    for f in (
        lambda x: 3.0,
        lambda x: np.float64(3.0),
        lambda x: np.sum(Y),
        lambda x: np.sum(np.floor(x)),
        lambda x: 3,
    ):
        close(wg.grad(f)(X), np.zeros(3))
        close(wg.hessian(f)(X), np.zeros((3, 3)))
        close(wg.vjp(f, X)[1](f(X)), (np.zeros(3),))
    close(wg.jacobian(lambda x: Y)(X), np.zeros((3, 3)))
    close(wg.grad(lambda x, y: np.sum(x), (0, 1))(X, 2.0), (np.ones(3), 0.0))
    close(wg.derivative(lambda t: 3.0)(1.0), 0.0)


def test_empty_arrays():
    empty = np.zeros((0, 2))
    close(wg.grad(np.sum)(empty), empty)
    close(wg.jacobian(lambda x: x)(empty), np.zeros((0, 2, 0, 2)))
    for jacobian in (wg.jacfwd, wg.jacrev):
        close(jacobian(lambda x: np.sum(x))(empty), empty)
        close(jacobian(lambda x: x[:0])(X), np.zeros((0, 3)))
        close(jacobian(lambda x: {"e": x[:0], "s": x[0]})(X), {"e": np.zeros((0, 3)), "s": np.array([1.0, 0, 0])})
    close(wg.hessian(np.sum)(empty), np.zeros((0, 2, 0, 2)))
    close(wg.jvp(np.exp, (empty,), (empty,)), (empty, empty))
    close(wg.vmap(np.sin)(empty), empty)
    close(wg.grad(lambda t: 1.0)(()), ())


# ---------------------------------------------------------------- jacobians


def test_jacobian_from_container_to_container():
    def f(p):
        return {"u": p.x * p.y["s"], "v": [np.sum(p.x), p.y["m"] @ p.x]}

    p = Point(X, {"s": 0.5, "m": M})
    expected = {
        "u": Point(0.5 * np.eye(3), {"s": X, "m": np.zeros((3, 2, 3))}),
        "v": [
            Point(np.ones(3), {"s": 0.0, "m": np.zeros((2, 3))}),
            Point(M, {"s": np.zeros(2), "m": np.einsum("ij,k->ijk", np.eye(2), X)}),
        ],
    }
    for jacobian in (wg.jacobian, wg.jacfwd, wg.jacrev):
        close(jacobian(f)(p), expected)
    by_s = wg.jacobian(lambda s, x: f(Point(x, {"s": s, "m": M})), (0, 1))(0.5, X)
    close(by_s["u"], (X, 0.5 * np.eye(3)))


@pytest.mark.parametrize("jacobian", [wg.jacobian, wg.jacfwd, wg.jacrev])
def test_jacobian_shapes_and_dtypes(jacobian):
    close(jacobian(lambda x: x**2)(3.0), 6.0)
    close(jacobian(lambda x: x * Y)(3.0), Y)
    close(jacobian(np.sum)(M), np.ones((2, 3)))
    close(jacobian(lambda x: np.outer(x, X))(Y[:2]), np.einsum("ik,j->ijk", np.eye(2), X))
    single = X.astype(np.float32)
    close(jacobian(lambda x: x * 2)(single), np.diag(np.full(3, 2, np.float32)))
    close(jacobian(lambda x: x[0] * x)(np.array([0.5])), np.array([[1.0]]))
    close(jacobian(lambda z: z**2)(X + 1j * Y), np.diag(2 * (X + 1j * Y)))


def test_the_jacobian_says_which_mode_it_chose(caplog):
    wide, tall = wg.jacobian(lambda x: M @ x), wg.jacobian(lambda t: X * t)
    with caplog.at_level("INFO", "wengert"):
        wide(X)
        tall(2.0)
    assert wide.choice == "reverse: 2 results, 3 arguments"
    assert tall.choice == "forward: 3 results, 1 arguments"
    assert [r.getMessage().rpartition(" by ")[2] for r in caplog.records] == [wide.choice, tall.choice]
    for mode in ("forward", "reverse"):
        close(wg.jacobian(lambda x: M @ x, mode=mode)(X), M)
    with pytest.raises(ValueError, match="mode must be"):
        wg.jacobian(np.sum, mode="sideways")


def test_the_jacobian_of_a_function_that_fails_says_so():
    with pytest.raises(ZeroDivisionError):
        wg.jacobian(lambda x: 1 // 0)(X)


def test_hvp_and_hessian():
    f = lambda x: np.sum(np.sin(x) * x[::-1])
    hessian = wg.hessian(f)(X)
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-13)
    close(wg.hvp(f, X, Y), hessian @ Y)
    close(wg.hvp(lambda p: p["a"] ** 2 * p["b"], {"a": 3.0, "b": 5.0}, {"a": 1.0, "b": 0.0}), {"a": 10.0, "b": 6.0})
    close(wg.hessian(lambda p: p["a"] ** 2 * p["b"])({"a": 3.0, "b": 5.0})["a"], {"a": 10.0, "b": 6.0})


# ---------------------------------------------------------------- nesting

FIRST = {
    "reverse": lambda f: wg.grad(f),
    "forward": lambda f: wg.derivative(f),
    "jvp": lambda f: lambda x: wg.jvp(f, (x,), (1.0,))[1],
    "vjp": lambda f: lambda x: wg.vjp(f, x)[1](1.0)[0],
    "jacfwd": wg.jacfwd,
    "jacrev": wg.jacrev,
    "linearize": lambda f: lambda x: wg.linearize(f, x)[1](1.0),
    "vmap": lambda f: lambda x: wg.vmap(wg.grad(f))(np.array([1.0, 0.5]) * x)[0],
    "checkpoint": lambda f: wg.grad(wg.checkpoint(f)),
}


def quartic(x):
    y = np.zeros(2)
    y[0] = x**4
    y[1] = math.sin(2.0 * x)
    return y[0] + y[1]


@pytest.mark.parametrize("modes", list(itertools.product(["forward", "reverse"], repeat=3)), ids="-".join)
def test_all_nestings_of_forward_and_reverse_to_order_three(modes):
    closed = [
        lambda x: 4 * x**3 + 2 * np.cos(2 * x),
        lambda x: 12 * x**2 - 4 * np.sin(2 * x),
        lambda x: 24 * x - 8 * np.cos(2 * x),
    ]
    f = quartic
    for mode, expected in zip(modes, closed):
        f = FIRST[mode](f)
        np.testing.assert_allclose(f(0.7), expected(0.7), rtol=1e-12)


@pytest.mark.parametrize("outer, inner", list(itertools.product(FIRST, repeat=2)))
def test_any_two_transformations_nest(outer, inner):
    np.testing.assert_allclose(FIRST[outer](FIRST[inner](quartic))(0.7), 12 * 0.49 - 4 * np.sin(1.4), rtol=1e-12)


@pytest.mark.parametrize("outer, inner", list(itertools.product(FIRST, repeat=2)))
def test_no_perturbation_confusion(outer, inner):
    d, e = FIRST[outer], FIRST[inner]
    np.testing.assert_allclose(d(lambda x: x * e(lambda y: x + y)(1.0))(1.0), 1.0)
    np.testing.assert_allclose(d(lambda x: x * e(lambda y: x * y)(2.0))(3.0), 6.0)
    np.testing.assert_allclose(d(lambda x: e(lambda y: x * y**2)(x))(3.0), 12.0)
    np.testing.assert_allclose(d(lambda x: e(lambda y: x**2)(x) + x)(3.0), 1.0)


def test_an_inner_derivative_in_a_loop_with_state():
    def newton(a):
        x = a
        for _ in range(20):
            x = x - (x**2 - a) / wg.grad(lambda v: v**2 - a)(x)
        return x

    for d in (wg.grad, wg.derivative):
        close(d(newton)(2.0), 0.5 / math.sqrt(2.0))
        close(d(d(newton))(2.0), -0.25 * 2**-1.5)


def test_a_derivative_may_return_a_derivative_of_arrays():
    f = lambda x: np.sum(x**3)
    close(wg.jacobian(wg.grad(f))(X), np.diag(6 * X))
    close(wg.jacobian(wg.hessian(f))(X), 6 * np.einsum("ij,ik->ijk", np.eye(3), np.eye(3)))
    close(wg.grad(lambda x: np.sum(wg.jacrev(lambda v: v**2)(x)))(X), 2 * np.ones(3))
    close(wg.grad(lambda x: wg.hvp(f, x, Y)[0])(X), np.array([6 * Y[0], 0, 0]))
    close(wg.grad(lambda v: np.sum(wg.hvp(f, X, v)))(Y), 6 * X)


def test_seeds_carry_derivatives():
    close(wg.grad(lambda t: np.sum(wg.vjp(np.sin, X)[1](t)[0]))(Y), np.cos(X))
    close(wg.grad(lambda t: np.sum(wg.jvp(np.sin, (X,), (t,))[1]))(Y), np.cos(X))
    close(wg.grad(lambda t: np.sum(wg.linearize(np.sin, X)[1](t)))(Y), np.cos(X))
    _, pullback = wg.vjp(np.sin, X)
    close(wg.grad(lambda t: np.sum(pullback(t * t)[0]))(Y), 2 * Y * np.cos(X))


def test_stop_gradient():
    tree = {"a": X, "b": [0.5]}
    close(wg.grad(lambda t: energy(wg.stop_gradient(t)) + np.sum(t["a"]))(tree), {"a": np.ones(3), "b": [0.0]})
    close(wg.jvp(lambda x: x * wg.stop_gradient(x), (3.0,), (1.0,)), (9.0, 3.0))
    close(wg.hessian(lambda x: np.sum(wg.stop_gradient(x) ** 2 * x))(X), np.zeros((3, 3)))
    close(wg.grad(wg.grad(lambda x: x**3 * wg.stop_gradient(x)))(2.0), 24.0)
    close(wg.vmap(wg.grad(lambda x: np.sum(wg.stop_gradient(x) * x)))(M), M)
    close(wg.stop_gradient(tree), tree)
    close(wg.grad(lambda x: x * wg.grad(lambda y: y * wg.stop_gradient(x))(1.0))(3.0), 3.0)


# ---------------------------------------------------------------- complex


def test_the_complex_convention():
    """Real f of z = x + iy: df/dx - i df/dy; holomorphic f: J t = f'(z) t, pullback ct f'(z)."""
    z, t = 0.6 - 1.1j, 0.3 + 0.8j
    close(wg.grad(lambda z: abs(z) ** 2)(z), 2 * z.conjugate())
    close(wg.grad(lambda z: z.real * z.imag**2)(z), complex(z.imag**2, -2 * z.real * z.imag))
    close(wg.grad(lambda z: np.real(np.exp(z)))(z), complex(np.exp(z)))
    np.testing.assert_allclose(wg.vjp(np.exp, z)[1](t)[0], t * np.exp(z))
    np.testing.assert_allclose(wg.jvp(np.exp, (z,), (t,))[1], t * np.exp(z))
    np.testing.assert_allclose(wg.jvp(np.conj, (z,), (t,))[1], np.conj(t))
    close(wg.grad(lambda x: np.real(np.exp(1j * x)))(0.5), -math.sin(0.5))
    close(wg.grad(lambda x: np.sum(np.abs(x * (1 + 1j)) ** 2))(X), 4 * X)


def test_complex_descent_reaches_the_minimum():
    z, goal = np.array([1.0 + 2.0j]), np.array([-0.5 + 0.25j])
    for _ in range(60):
        z = z - 0.25 * np.conj(wg.grad(lambda v: np.sum(np.abs(v - goal) ** 2))(z))
    np.testing.assert_allclose(z, goal, atol=1e-12)


# ---------------------------------------------------------------- check_grads


def test_check_grads_reports_and_finds():
    checks = wg.check_grads(lambda a, n, b: np.sum(a["w"] ** n) * b, ({"w": X}, 3, 0.5), order=2)
    assert [(c.argument, c.mode, c.order) for c in checks[:2]] == [("a", "forward", 1), ("a", "reverse", 1)]
    assert {c.argument for c in checks} == {"a", "b"} and {c.order for c in checks} == {1, 2}
    assert all(c.error <= c.tolerance for c in checks)
    assert {c.mode for c in wg.check_grads(np.sum, (X,), order=1, modes=("reverse",))} == {"reverse"}
    assert len(wg.check_grads(np.sin, (X.astype(np.float32),))) == 6
    wg.check_grads(np.sin, X)
    wg.check_grads(lambda z: np.abs(z) ** 2, (X + 1j * Y,))

    pull_only = wg.custom_vjp(lambda u, v: u * v, lambda ct, out, u, v: (ct * v, 1.01 * ct * u))
    with pytest.raises(
        wg.Diagnostic, match="W501 the derivative of `.*` with respect to `v` is wrong in forward mode, order 1"
    ):
        wg.check_grads(pull_only, (X, Y))
    second = wg.primitive(lambda u: u**3, push=lambda t, out, u: t[0] * wg.stop_gradient(3 * u**2))
    with pytest.raises(wg.Diagnostic, match="W501 .* order 2"):
        wg.check_grads(second, (X,))
    wg.check_grads(second, (X,), order=1)


def test_check_grads_of_functions_that_write_into_copies_of_other_arguments():
    def f(x, v):
        y = x.copy()
        y[0] = v[1]
        y[1:] *= v[:2]
        return y

    wg.check_grads(f, (X, Y))


def test_the_documented_names_are_there():
    missing = [name for name in wg.__all__ if not hasattr(wg, name)]
    assert not missing and isinstance(wg.__version__, str)


# ---------------------------------------------------------------- arguments that are not differentiated


def writes_the_second(p, q):
    q[0] = 5.0
    return np.sum(p) + np.sum(q)


def sees_the_second(p, q):
    v = np.broadcast_to(q, (2, 3))
    q[0] = 5.0
    return np.sum(p) * np.sum(v)


INNER = {
    "value_and_grad": lambda f, z, b: wg.value_and_grad(f)(z, b)[0],
    "vmap": lambda f, z, b: np.sum(wg.vmap(f, in_axes=(0, None))(z[:, None], b)),
    "hessian": lambda f, z, b: np.sum(wg.hessian(f)(z, b)),
    "jacfwd": lambda f, z, b: np.sum(wg.jacfwd(f)(z, b)),
}
OUTER = {
    "alone": lambda k, a: k(a),
    "jvp": lambda k, a: wg.jvp(k, (a,), (a,))[0],
    "grad": lambda k, a: wg.value_and_grad(k)(a)[0],
    "jit": lambda k, a: wg.jit(k)(a),
}


@pytest.mark.parametrize("f", [writes_the_second, sees_the_second])
@pytest.mark.parametrize("outer", OUTER)
@pytest.mark.parametrize("inner", INNER)
def test_a_derivative_writes_into_copies_inside_another_one_too(f, inner, outer):
    a, b = np.ones(3), np.arange(3.0)
    expected = INNER[inner](f, a, b.copy())
    assert OUTER[outer](lambda z: INNER[inner](f, z, b), a) == expected
    np.testing.assert_array_equal(b, np.arange(3.0))


@pytest.mark.parametrize("jit", [lambda f: f, wg.jit])
def test_an_array_that_is_passed_twice_is_one(jit):
    def f(z, p, q, both):
        p[0] = 5.0 * z
        both["q"][1] = z
        return np.sum(q)

    b = np.arange(3.0)
    assert jit(wg.value_and_grad(f))(2.0, b, b, {"q": b}) == (14.0, 6.0)
    assert jit(wg.value_and_grad(f))(2.0, b, b.copy(), {"q": b.copy()}) == (3.0, 0.0)


@pytest.mark.parametrize("jit", [lambda f: f, wg.jit])
def test_an_array_that_all_lanes_share_is_one(jit):
    def f(a, b, c):
        b[0] = 100.0
        return a * b + c if a > 0 else b

    y, a = np.array([2.0, 3.0]), np.array([0.5, 1.5])
    expected = [f(x, z, z) for x, z in zip(a, (y.copy(), y.copy()))]
    np.testing.assert_array_equal(jit(wg.vmap(f, in_axes=(0, None, None)))(a, y, y), expected)
    np.testing.assert_array_equal(y, [2.0, 3.0])


def test_an_argument_may_be_written_inside_a_program():
    def f(a, b):
        b[0] += 1.0
        return np.sum(np.sin(a)) + b[0] * a[0]

    a, b = np.arange(3.0), np.arange(3.0)
    np.testing.assert_allclose(wg.jit(wg.grad(f))(a, b), wg.grad(f)(a, b))
    np.testing.assert_array_equal(b, np.arange(3.0))


OUTSIDE = np.arange(9.0).reshape(3, 3)


def test_views_of_arrays_outside_see_what_is_written_there():
    def f(x):
        seen = [np.broadcast_to(OUTSIDE, (2, 3, 3)), np.broadcast_arrays(OUTSIDE, np.zeros((2, 3, 3)))[0]]
        seen += [np.meshgrid(OUTSIDE[0], OUTSIDE[1], copy=False)[0], np.diagonal(OUTSIDE), OUTSIDE.T]
        OUTSIDE[0] = 5.0
        found = np.sum(x) + sum([np.sum(v) for v in seen])
        OUTSIDE[0] = [0.0, 1.0, 2.0]
        return found

    x = np.ones(3)
    for found in (wg.value_and_grad(f)(x)[0], wg.jvp(f, (x,), (x,))[0], *wg.vmap(f)(np.stack([x, x]))):
        assert found == f(x)
