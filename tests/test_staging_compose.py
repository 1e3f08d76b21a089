"""jit with every transformation of the eager engine, in any order and at any depth."""

import functools

import numpy as np
import pytest

import wengert as wg

X = np.array([0.5, -1.25, 2.0, 0.75, -0.3])
V = np.array([1.0, -0.5, 0.25, 2.0, 0.1])
A = np.array([[1.0, 0.5, -0.25], [0.3, -2.0, 0.7], [1.5, 0.2, 0.9]])


def close(got, expected):
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


def scalar(x):
    """A loop, a branch, writes and an early exit."""
    total, y = 0.0, x.copy()
    for i in range(1, len(x)):
        y[i] = y[i] * y[i - 1] + np.sin(x[i])
        if y[i] > 0:
            total += y[i] ** 2
        else:
            total -= y[i] * x[0]
    while total > 1:
        total = total * 0.5
    return total


def vector(x):
    y = x.copy()
    for i in range(1, len(x)):
        y[i] = y[i] + y[i - 1] ** 2 if y[i] > 0 else y[i] * 3
    return y


TRANSFORMS = {
    "grad": lambda f: wg.grad(f[0]),
    "value_and_grad": lambda f: wg.value_and_grad(f[0]),
    "hessian": lambda f: wg.hessian(f[0]),
    "hvp": lambda f: lambda x: wg.hvp(f[0], x, V),
    "jacobian": lambda f: wg.jacobian(f[1]),
    "jvp": lambda f: lambda x: wg.jvp(f[1], (x,), (V,)),
    "vjp": lambda f: lambda x: wg.vjp(f[1], x)[1](V),
    "grad of grad": lambda f: wg.grad(lambda x: wg.grad(f[0])(x) @ V),
    "jvp of grad": lambda f: lambda x: wg.jvp(wg.grad(f[0]), (x,), (V,)),
    "grad of jvp": lambda f: wg.grad(lambda x: wg.jvp(f[0], (x,), (V,))[1]),
    "third": lambda f: wg.grad(lambda x: V @ wg.jvp(wg.grad(f[0]), (x,), (V,))[1]),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transformations_of_jit(name):
    made = TRANSFORMS[name]
    compare(made((wg.jit(scalar), wg.jit(vector))), made((scalar, vector)))


@pytest.mark.parametrize("name", TRANSFORMS)
def test_jit_of_transformations(name):
    made = TRANSFORMS[name]
    plain = made((scalar, vector))
    compare(wg.jit(lambda x: plain(x)), plain)
    compare(wg.jit(lambda x: made((wg.jit(scalar), wg.jit(vector)))(x)), plain)
    compare(wg.jit(wg.jit(lambda x: plain(x))), plain)


def compare(f, g):
    for _ in range(2):
        for got, expected in zip(numbers(f(X)), numbers(g(X)), strict=True):
            close(got, expected)


def numbers(x):
    return [n for part in x for n in numbers(part)] if isinstance(x, tuple) else [x]


def test_derivatives_of_jit_of_derivatives():
    f = wg.jit(wg.grad(wg.jit(scalar)))
    close(wg.jacobian(f)(X), wg.hessian(scalar)(X))
    close(wg.jit(wg.jacobian(f))(X), wg.hessian(scalar)(X))
    close(wg.grad(lambda x: wg.jit(wg.grad(scalar))(x) @ V)(X), wg.hessian(scalar)(X) @ V)


# ---------------------------------------------------------------- derivatives inside


def descent(x, rate, n=4):
    for _ in range(n):
        x = x - rate * wg.grad(scalar)(x)
    return scalar(x)


def newton(x):
    f = lambda y: y**3 - 2 * y - 5
    while abs(f(x)) > 1e-9:
        x = x - f(x) / wg.derivative(f)(x)
    return x


def closure_over_traced(x):
    total = 0.0
    for i in range(3):
        total += wg.grad(lambda y: x[i] * y**3 + total)(x[i + 1])  # noqa: B023
    return total


def inner_with_loop(x):
    def energy(v):
        e = 0.0
        for i in range(len(v)):
            e += v[i] ** 2 * x[i] if v[i] > 0 else v[i] * x[0]
        return e

    for _ in range(2):
        x = x - 0.1 * wg.grad(energy)(x)
    return x.sum()


def derivative_in_branch(x):
    if x[0] > 0:
        g = wg.grad(scalar)(x)
    else:
        g = x * 2
    return g @ x


def two_levels(x):
    outer = 0.0
    for i in range(2):
        for j in range(2):
            outer += wg.grad(lambda a: wg.grad(lambda b: a * b**3 * x[i])(a * x[j]))(x[i + j])  # noqa: B023
    return outer


def directional(x):
    total = 0.0
    for i in range(2):
        total += wg.jvp(scalar, (x,), (x * i,))[1]
        total += wg.vjp(vector, x)[1](x)[0][i]
    return total


def hessian_inside(x):
    h = wg.hessian(lambda y: (y[:2] @ y[:2]) ** 2 + y[0] ** 3)(x)
    return h[0, 0] * h[0, 1]


def aux_inside(x):
    g, aux = wg.grad(lambda y: (scalar(y), y * 2), has_aux=True)(x)
    return g @ aux


def grad_of_several(x):
    def loss(params, scale):
        return scale * (params["w"] @ x) ** 2 + params["b"]

    g = wg.grad(loss, (0, 1))({"w": x * 2, "b": x[0]}, x[1])
    return g[0]["w"].sum() + g[1]


def stopped(x):
    total = 0.0
    for i in range(len(x)):
        total += x[i] * wg.stop_gradient(x[i] ** 2)
    return total


def partial_inside(x):
    f = functools.partial(lambda a, y: a * y @ y, x[0])
    return wg.grad(f)(x).sum()


def method_inside(x):
    class_ = Quadratic(x)
    return wg.grad(class_)(x * 2).sum() + wg.grad(class_.value)(x).sum()


class Quadratic:
    def __init__(self, w):
        self.w = w

    def __call__(self, x):
        return self.w @ x**2

    def value(self, x):
        return self(x) * self.w[0]


INSIDE = [
    *(closure_over_traced, inner_with_loop, derivative_in_branch, two_levels, directional, hessian_inside, aux_inside),
    *(grad_of_several, stopped, partial_inside, method_inside),
]


@pytest.mark.parametrize("f", INSIDE)
def test_derivatives_inside(f):
    staged = wg.jit(f)
    for x in (X, X[::-1].copy(), -X):
        close(staged(x), f(x))
        close(wg.grad(staged)(x), wg.grad(f)(x))
        close(wg.jit(wg.grad(f))(x), wg.grad(f)(x))
        close(wg.jvp(staged, (x,), (V,))[1], wg.jvp(f, (x,), (V,))[1])
    close(wg.hessian(staged)(X), wg.hessian(f)(X))


def test_descent_inside():
    staged = wg.jit(descent)
    close(staged(X, 0.01), descent(X, 0.01))
    close(wg.grad(staged, (0, 1))(X, 0.01)[0], wg.grad(descent, (0, 1))(X, 0.01)[0])
    close(wg.grad(staged, 1)(X, 0.01), wg.grad(descent, 1)(X, 0.01))
    for n in (0, 1, 7):
        close(wg.grad(staged)(X, 0.01, n), wg.grad(descent)(X, 0.01, n))


def test_newton_inside():
    close(wg.jit(newton)(2.0), newton(2.0))
    close(wg.derivative(wg.jit(newton))(2.0), wg.derivative(newton)(2.0))


# ---------------------------------------------------------------- batches


def test_batches():
    xs = np.stack([X, -X, V])
    expected = np.stack([vector(x) for x in xs])
    close(wg.vmap(wg.jit(vector))(xs), expected)
    close(wg.jit(wg.vmap(wg.jit(vector)))(xs), expected)
    jacobians = np.stack([wg.jacobian(vector)(x) for x in xs])
    close(wg.vmap(wg.jacobian(wg.jit(vector)))(xs), jacobians)
    gradients = np.stack([wg.grad(scalar)(x) for x in xs])
    close(wg.vmap(wg.grad(wg.jit(scalar)))(xs), gradients)
    close(wg.vmap(wg.jit(wg.grad(scalar)))(xs), gradients)
    close(wg.grad(lambda v: wg.vmap(wg.jit(scalar))(v).sum())(xs), gradients)


def test_jit_of_vmap():
    xs = np.stack([X, -X, V])
    f = lambda x, a: a * x @ x + np.sin(x).sum()
    staged = wg.jit(lambda xs, a: wg.vmap(f, (0, None))(xs, a))
    close(staged(xs, 2.0), [f(x, 2.0) for x in xs])
    close(wg.grad(lambda xs: staged(xs, 2.0).sum())(xs), [2 * 2.0 * x + np.cos(x) for x in xs])


# ---------------------------------------------------------------- what else wengert offers


def test_has_aux():
    f = lambda x: (scalar(x), {"twice": x * 2, "text": "a"})
    g, aux = wg.grad(wg.jit(f), has_aux=True)(X)
    close(g, wg.grad(scalar)(X))
    close(aux["twice"], X * 2)
    assert aux["text"] == "a"


def test_second_derivative_of_a_while_loop_with_overwritten_arrays():
    def f(x):
        y, n = x.copy(), 0
        while y @ y > 0.1:
            for i in range(len(y)):
                if y[i] > 0:
                    y[i] = y[i] * 0.5 + y[i - 1] ** 2 * 0.1
                else:
                    y[i] *= 0.7
            n += 1
        return y @ x * n

    staged = wg.jit(f)
    close(wg.grad(wg.grad(lambda t: staged(X * t)))(1.1), wg.grad(wg.grad(lambda t: f(X * t)))(1.1))
    close(wg.hessian(staged)(X), wg.hessian(f)(X))
    h = wg.hessian(staged)(X)
    close(h, h.T)


def test_exceptions_from_derivatives():
    def f(x, n):
        total = 0.0
        for i in range(n):
            total += x[i] ** 2
            assert_positive(total)
        return total

    def assert_positive(v):
        if v > 100:
            raise OverflowError(f"{v:.1f} is too large")

    for way in (wg.jit(f), wg.grad(wg.jit(f)), wg.jit(wg.grad(f)), lambda x, n: wg.jvp(wg.jit(f), (x, n), (x, n))):
        if "lambda" not in way.__name__:
            with pytest.raises(IndexError, match="index 5 is out of bounds for axis 0 with size 5") as caught:
                way(X, 6)
            assert "total += x[i] ** 2" in "".join(getattr(caught.value, "__notes__", []))
            with pytest.raises(OverflowError, match="^102.0 is too large"):
                way(X * 4, 5)


def test_own_rules():
    clipped = wg.custom_vjp(lambda x: x * 2.0, lambda ct, out, x: (np.clip(ct, -1.0, 1.0),))
    pushed = wg.custom_jvp(lambda x: np.logaddexp(x, 0.0), lambda t, out, x: t[0] / (1.0 + np.exp(-x)))
    again = wg.checkpoint(lambda x: np.sin(np.exp(x)))
    outside = wg.primitive(lambda x: float(x) ** 3, numerical="richardson")

    def f(x):
        total = 0.0
        for i in range(len(x)):
            if x[i] > 0:
                total += 5.0 * clipped(x[i]) + pushed(x[i]) * again(x[i])
        return total

    def g(x):
        return 5.0 * clipped(x[0]) + pushed(x).sum() * again(x).sum()

    def h(x):
        return outside(x[0]) * x[1]

    for plain in (f, g, h):
        staged = wg.jit(plain)
        close(staged(X), plain(X))
        close(wg.grad(staged)(X), wg.grad(plain)(X))
        close(wg.jit(wg.grad(plain))(X), wg.grad(plain)(X))


def test_tensors():
    x = wg.Tensor(X, requires_grad=True)
    wg.jit(scalar)(x).backward()
    close(x.grad, wg.grad(scalar)(X))
