"""Checkpoints, custom rules and foreign functions."""

import math

import numpy as np
import pytest

import wengert as wg
from compare import M, X, Y, close, live_records, loop

# ---------------------------------------------------------------- checkpoint


def test_checkpoint_runs_again_on_the_way_back_and_keeps_the_gradient():
    runs = []

    def f(x):
        runs.append(1)
        y = np.zeros(3)
        y[1:] = np.exp(x[:-1])
        y *= x
        return y

    def loss(x, f):
        return np.sum(f(f(x)) ** 2)

    expected = wg.grad(loss)(X, f)
    runs.clear()
    close(wg.grad(loss)(X, wg.checkpoint(f)), expected)
    assert len(runs) == 4
    runs.clear()
    loss(X, wg.checkpoint(f))
    assert len(runs) == 2
    close(wg.jvp(lambda x: loss(x, wg.checkpoint(f)), (X,), (X,))[1], expected @ X)
    close(wg.hessian(lambda x: loss(x, wg.checkpoint(f)))(X), wg.hessian(lambda x: loss(x, f))(X))
    close(wg.vmap(wg.grad(lambda x: loss(x, wg.checkpoint(f))))(M), loop(wg.grad(lambda x: loss(x, f)), M))
    close(wg.jacrev(wg.checkpoint(f))(X), wg.jacrev(f)(X))
    close(wg.vmap(wg.checkpoint(f))(M), loop(f, M))


def test_writes_of_a_checkpointed_function_into_its_argument():
    def f(x, y):
        x[0] = y[1]
        y[1:] *= x[:-1]
        return np.sum(x * y)

    wrapped = wg.checkpoint(f)
    x, y = X.copy(), Y.copy()
    close(wg.grad(wrapped, (0, 1))(x, y), wg.grad(f, (0, 1))(X, Y))
    close(wg.grad(wrapped)(x, y), wg.grad(f)(X, Y))
    close(wg.grad(lambda a, wrapped=wrapped: wrapped(a, 2.0 * a))(x), wg.grad(lambda a: f(a, 2.0 * a))(X))
    close(wg.jvp(wrapped, (x, y), (y, x)), wg.jvp(f, (X, Y), (Y, X)))
    close((x, y), (X, Y))
    lanes = np.stack([X, Y])
    close(wg.vmap(wrapped)(lanes, lanes[::-1]), wg.vmap(f)(lanes, lanes[::-1]))


def test_writes_of_a_function_with_a_rule_of_its_own_are_refused():
    def f(x):
        x[0] = 1.0
        return np.sum(x)

    with pytest.raises(wg.Diagnostic, match="W505 `f` writes into its argument"):
        wg.grad(wg.custom_jvp(f, lambda t, out, x: np.sum(t[0][1:])))(X)


def test_writes_of_a_checkpointed_function_are_seen_outside_or_refused():
    def loss(x, step):
        y = 2.0 * x
        total = step(y)
        return total + np.sum(y**2)

    def step(y):
        y[0] = y[1] * y[2]
        return np.sum(y)

    try:
        got = wg.grad(loss)(X, wg.checkpoint(step))
    except wg.Diagnostic as refused:
        assert refused.where.filename == __file__
    else:
        close(got, wg.grad(loss)(X, step))


def test_checkpoint_finds_traced_values_in_closures_and_containers():
    def loss(p):
        scale = p["scale"]
        shifted = [p["w"] + 1.0]
        inner = wg.checkpoint(lambda x, k=2: {"out": x * scale**k + shifted[0]})
        return np.sum(inner(p["w"], k=3)["out"] ** 2)

    p = {"w": X, "scale": 0.5}

    def plain(p):
        return np.sum((p["w"] * p["scale"] ** 3 + p["w"] + 1.0) ** 2)

    close(wg.grad(loss)(p), wg.grad(plain)(p))
    wg.check_grads(loss, (p,))


def test_checkpoint_of_methods_decorated_and_nested_functions():
    class Net:
        def __init__(self, w):
            self.w = w

        @wg.checkpoint
        def layer(self, x):
            """One layer."""
            return np.tanh(self.w * x)

    assert Net.layer.__doc__ == "One layer." and Net.layer.__name__ == "layer"
    close(wg.grad(lambda x: np.sum(Net(Y).layer(x)))(X), Y / np.cosh(X * Y) ** 2)
    nested = wg.checkpoint(lambda x: wg.checkpoint(np.sin)(x) * x)
    close(wg.elementwise_grad(nested)(X), np.cos(X) * X + np.sin(X))
    assert nested(2.0) == 2.0 * np.sin(2.0)
    close(nested(X), np.sin(X) * X)


def test_checkpoint_keeps_less(monkeypatch):
    """Records alive between the two sweeps: one per segment, not one per operation."""

    def segment(x):
        for _ in range(50):
            x = np.sin(x)
        return x

    kept = []
    for step in (segment, wg.checkpoint(segment)):
        before = live_records()
        _, pullback = wg.vjp(lambda x, step=step: step(step(step(x))), X)
        kept.append(live_records() - before)
        del pullback
    assert kept[0] >= 150 and kept[1] <= 15


# ---------------------------------------------------------------- rules of the user's own


def test_each_rule_gives_the_other_mode():
    calls = []

    def push(tangents, out, x, y):
        calls.append("push")
        return tangents[0] * np.cos(x) * y + tangents[1] * np.sin(x)

    def pull(ct, out, x, y):
        calls.append("pull")
        return ct * np.cos(x) * y, ct * np.sin(x)

    f = lambda x, y: np.sin(x) * y
    for rule in (
        wg.custom_jvp(f, push),
        wg.custom_vjp(f, pull),
        wg.primitive(f, push=push),
        wg.primitive(f, pull=pull, push=push),
    ):
        calls.clear()
        close(rule(X, Y), f(X, Y))
        assert not calls
        close(wg.jvp(rule, (X, Y), (Y, X)), wg.jvp(f, (X, Y), (Y, X)))
        close(wg.vjp(rule, X, Y)[1](Y), wg.vjp(f, X, Y)[1](Y))
        close(wg.grad(lambda x: np.sum(rule(x, Y) ** 2))(X), wg.grad(lambda x: np.sum(f(x, Y) ** 2))(X))
        close(wg.grad(lambda y: np.sum(rule(X, y) ** 2))(Y), wg.grad(lambda y: np.sum(f(X, y) ** 2))(Y))
        close(wg.hessian(lambda x: np.sum(rule(x, Y)))(X), wg.hessian(lambda x: np.sum(f(x, Y)))(X))
        close(wg.jacobian(rule, (0, 1))(X, Y), wg.jacobian(f, (0, 1))(X, Y))
        close(wg.vmap(rule)(M, M), f(M, M))
        close(wg.vmap(rule, in_axes=(0, None))(M, Y), f(M, Y))
        close(wg.vmap(wg.grad(lambda x, y: np.sum(rule(x, y))), in_axes=(0, None))(M, Y), np.cos(M) * Y)
        wg.check_grads(rule, (X, Y))
        assert calls


def test_the_rule_is_used_and_not_the_function():
    twice = wg.custom_vjp(lambda x: x**2, lambda ct, out, x: 100.0 * ct)
    close(wg.grad(twice)(3.0), 100.0)
    close(wg.derivative(twice)(3.0), 100.0)
    close(wg.grad(lambda x: np.sum(wg.vmap(twice)(x)))(X), np.full(3, 100.0))
    close(wg.jacfwd(wg.custom_jvp(lambda x: x**2, lambda t, out, x: 7.0 * t[0]))(X), 7.0 * np.eye(3))


def test_rules_with_containers_none_and_constants():
    @wg.custom_vjp
    def model(p, x, n, label=None):
        """A model."""
        assert isinstance(n, int) and (label is None or isinstance(label, str))
        return {"y": p["w"] * x**n, "sum": np.sum(x)}

    @model.pull_rule
    def model_pull(ct, out, p, x, n):
        return {"w": ct["y"] * x**n, "b": 0.0}, None, None

    p = {"w": X, "b": 2.0}
    loss = lambda p, x: np.sum(model(p, x, 2, label="l")["y"]) + model(p, x, 2)["sum"]
    close(wg.grad(loss)(p, Y), {"w": Y**2, "b": 0.0})
    close(wg.grad(loss, 1)(p, Y), np.zeros(3))
    close(model(p, Y, 2), {"y": X * Y**2, "sum": np.sum(Y)})
    assert model.__doc__ == "A model." and model.__name__ == "model"

    @wg.custom_jvp
    def pair(x, k):
        return x * k, np.sum(x)

    @pair.push_rule
    def pair_push(tangents, out, x, k):
        return tangents[0] * k, None

    close(wg.jvp(lambda x: pair(x, 3), (X,), (Y,))[1], (3 * Y, np.float64(0)))
    close(wg.grad(lambda x: np.sum(pair(x, 3)[0]))(X), np.full(3, 3.0))


def test_rules_of_methods():
    class Scaler:
        def __init__(self, k):
            self.k = k

        @wg.custom_vjp
        def scale(self, x):
            return self.k * x

        @scale.pull_rule
        def scale_pull(ct, out, self, x):
            return None, self.k * ct

        @wg.custom_jvp
        def shift(self, x):
            return x + self.k

        @shift.push_rule
        def shift_push(tangents, out, self, x):
            return tangents[1]

    s = Scaler(3.0)
    close(s.scale(X), 3 * X)
    close(wg.grad(lambda x: np.sum(s.scale(x) ** 2))(X), 18 * X)
    close(wg.grad(lambda x: np.sum(s.shift(x) ** 2))(X), 2 * (X + 3))
    close(wg.jvp(s.scale, (X,), (Y,))[1], 3 * Y)
    close(wg.grad(lambda x: np.sum(Scaler.scale(s, x)))(X), np.full(3, 3.0))


def test_keyword_arguments_of_a_rule():
    f = wg.custom_vjp(lambda x, *, power=2: x**power, lambda ct, out, x: ct * 2 * x)
    close(f(3.0, power=3), 27.0)
    close(wg.grad(lambda x: f(x))(3.0), 6.0)
    close(wg.grad(lambda x: f(x, power=2))(3.0), 6.0)
    close(wg.vmap(lambda x: f(x, power=3))(X), X**3)


def test_a_rule_is_checked_on_request():
    wrong = lambda: wg.custom_vjp(lambda x: x**2, lambda ct, out, x: 3 * ct * x, check=True)
    right = wg.custom_vjp(lambda x: x**2, lambda ct, out, x: 2 * ct * x, check=True)
    for use in (
        lambda f: f(X),
        lambda f: wg.grad(lambda x: np.sum(f(x)))(X),
        lambda f: wg.jvp(f, (X,), (X,)),
        lambda f: wg.vmap(f)(X),
    ):
        use(right)
        with pytest.raises(wg.Diagnostic, match="W501 the rule of `<lambda>` disagrees with finite differences"):
            use(wrong())
    with pytest.raises(wg.Diagnostic, match="W501"):
        wg.custom_jvp(lambda x: x**2, lambda t, out, x: t[0], check=True)(3.0)
    with pytest.raises(wg.Diagnostic, match="W501"):
        wg.primitive(lambda x: x**2, push=lambda t, out, x: t[0], check=True)(3.0)


@pytest.mark.parametrize(
    "pull",
    [
        lambda ct, out, x, y: ct,
        lambda ct, out, x, y: (ct, ct, ct),
        lambda ct, out, x, y: (np.ones(2), ct),
        lambda ct, out, x, y: (0.0, ct),
        lambda ct, out, x, y: ({"a": ct}, ct),
    ],
)
def test_a_cotangent_that_does_not_fit_is_refused(pull):
    f = wg.custom_vjp(lambda x, y: x * y, pull)
    with pytest.raises(wg.Diagnostic, match="W502 the pull rule of `<lambda>` returned"):
        wg.grad(lambda x: np.sum(f(x, Y)))(X)


def test_rules_that_cannot_be_used_say_so():
    def branch(ct, out, x):
        return (math.copysign(1.0, ct),)

    cases = [
        (wg.custom_vjp(lambda x: x**2, branch), wg.derivative, "W503"),
        (wg.primitive(lambda x: x**2), wg.grad, "W302"),
        (wg.primitive(lambda x: x**2), wg.derivative, "W302"),
        (wg.primitive(lambda x: x**2, numerical="central"), lambda f: wg.grad(wg.grad(f)), "W503"),
        (wg.primitive(lambda x: x**2, numerical="central"), lambda f: wg.derivative(wg.grad(f)), "W503"),
        (wg.custom_vjp(lambda x: x**2), wg.grad, "W302"),
    ]
    for f, derivative, code in cases:
        with pytest.raises(wg.Diagnostic, match=code):
            derivative(f)(3.0)
    for rule in (wg.custom_vjp, lambda f, r: wg.primitive(f, pull=r)):
        with pytest.raises(wg.Diagnostic, match="W504"):
            wg.grad(lambda x: rule(lambda y: x * y, lambda ct, out, y: (ct * y,))(2.0))(1.0)


def test_a_foreign_function_sees_plain_numbers_only():
    seen = []

    def foreign(x, n, table):
        seen.append((type(x), type(n), type(table["a"])))
        return float(float(x) ** n + table["a"][0])

    f = wg.primitive(foreign, pull=lambda ct, out, x, n, table: (ct * n * x ** (n - 1), None, None))
    table = {"a": Y}
    close(wg.grad(lambda x: f(x, 3, table) * 2.0)(2.0), 24.0)
    close(wg.jvp(lambda x: f(x, 3, table), (2.0,), (1.0,))[1], 12.0)
    close(wg.grad(wg.grad(lambda x: f(x, 3, table)))(2.0), 12.0)
    close(wg.vmap(wg.grad(lambda x: f(x, 3, table)))(X), 3 * X**2)
    assert [types for types in seen if not issubclass(types[0], float) or types[1:] != (int, np.ndarray)] == []


def test_a_compiled_function_of_one_lane_runs_under_vmap():
    def compiled(x):
        return np.array([float(v) for v in memoryview(np.ascontiguousarray(x))]) ** 2

    f = wg.primitive(compiled, pull=lambda ct, out, x: 2 * ct * x)
    close(wg.vmap(f)(M), M**2)
    close(wg.vmap(lambda x, y: f(x) * y, in_axes=(None, 0))(X, M), X**2 * M)
    close(wg.vmap(wg.grad(lambda x: np.sum(f(x) ** 2)))(M), 4 * M**3)
    close(wg.jacobian(f)(X), np.diag(2 * X))


@pytest.mark.parametrize("method", ["central", "forward", "richardson"])
def test_a_numerical_rule_and_its_error(method):
    f = wg.primitive(lambda x, p: {"y": np.sin(np.asarray(x)) * p["k"]}, numerical=method)
    tolerance = {"central": 1e-8, "forward": 1e-5, "richardson": 1e-10}[method]
    loss = lambda x, k: np.sum(f(x, {"k": k})["y"] ** 2)
    close(f(X, {"k": 2.0}), {"y": 2 * np.sin(X)})
    by_x, by_k = wg.grad(loss, (0, 1))(X, 2.0)
    exact = 8 * np.sin(X) * np.cos(X)
    np.testing.assert_allclose(by_x, exact, atol=tolerance)
    np.testing.assert_allclose(by_k, 4 * np.sum(np.sin(X) ** 2), atol=tolerance)
    assert 0 < f.error < 1e3 * tolerance
    tangent = wg.jvp(f, (X, {"k": 2.0}), (Y, {"k": 0.0}))[1]["y"]
    actual = np.max(np.abs(tangent - 2 * np.cos(X) * Y))
    assert actual <= max(10 * f.error, 1e-13) and f.error < 1e3 * tolerance
    np.testing.assert_allclose(
        wg.vmap(wg.grad(lambda x: np.sum(f(x, {"k": 2.0})["y"])))(M), 2 * np.cos(M), atol=tolerance
    )
    with pytest.raises(ValueError, match="sideways"):
        wg.grad(wg.primitive(lambda x: x, numerical="sideways"))(1.0)
