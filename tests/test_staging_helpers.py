"""Helpers: how often the body of a function is staged, and that what it gives is what Python gives."""

import functools
import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest

import wengert as wg
from staging import agree
from wengert.frontend import calls
from wengert.frontend.jit import built_for
from wengert.ir.program import walk
from wengert.ir.verify import verify

X, Y, Z = np.linspace(0.1, 0.9, 3), np.linspace(1.0, 2.0, 3), np.linspace(-0.5, 0.5, 4)


@pytest.fixture
def staged(monkeypatch):
    """How often the body of each function is staged, by name."""
    times, body = Counter(), calls.body

    def counted(s, frame, node):
        times[frame.function.__name__] += 1
        return body(s, frame, node)

    monkeypatch.setattr(calls, "body", counted)
    return times


def called(f, *args):
    """What the program of f calls: (name of a program, in how many places)."""
    program = verify(built_for(f, args, {}).program)
    found = Counter(e.params["program"] for e in walk(program) if e.row.name == "call")
    return sorted((p.name, n) for p, n in found.items())


def long(x, w):
    """More equations than the passes inline."""
    y = np.sin(x) * w
    y = np.tanh(y + x * w) + np.cos(y) * x
    y = np.exp(-y * y) / (1.0 + y * y) + np.sin(y * w)
    y = np.tanh(y + x * w) + np.cos(y) * x
    return np.exp(-y * y) / (1.0 + y * y) + np.sin(y * w)


def short(x):
    return x * np.sin(x)


def three(x, w):
    return np.sum(long(long(long(x, w), w), x * w))


def two_shapes(x, w, z):
    return np.sum(long(x, w)) + np.sum(long(z, z)) + np.sum(long(w, x)) + np.sum(long(2.0 * z, z + 0.0))


# ---------------------------------------------------------------- one program


def test_body_is_staged_once(staged):
    assert called(three, X, Y) == [("long", 3)]
    assert staged == {"three": 1, "long": 1}


def test_each_signature_has_a_program(staged):
    # z and z are one array, 2 z and z two: what a call writes into one of them could be seen through the other
    assert called(two_shapes, X, Y, Z) == [("long", 2)]
    assert staged["long"] == 3
    agree(two_shapes, X, Y, Z)


def test_program_is_printed_once():
    text = str(wg.program(three, X, Y))
    assert text.count("program long(x: f64[3], w: f64[3])") == 1
    assert text.count("call long(") == 3


def test_small_helpers_leave_no_calls(staged):
    def f(x):
        return short(short(short(x)))

    assert called(f, X) == []
    assert staged["short"] == 1
    agree(f, X)


def test_derivatives():
    agree(three, X, Y)
    same_in_every_order(three, X, Y)


def same_in_every_order(f, x, w):
    j = wg.jit(f)
    np.testing.assert_allclose(wg.jacfwd(j)(x, w), wg.grad(f)(x, w), rtol=1e-10)
    np.testing.assert_allclose(wg.hessian(j)(x, w), wg.hessian(f)(x, w), rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(wg.jit(wg.grad(f))(x, w), wg.grad(f)(x, w), rtol=1e-10)
    xs = np.stack([x, 2 * x])
    expected = np.stack([wg.grad(f)(x, w), wg.grad(f)(2 * x, w)])
    np.testing.assert_allclose(wg.vmap(wg.grad(j), in_axes=(0, None))(xs, w), expected, rtol=1e-10)


def test_derivative_inside():
    def f(x, w):
        def slope(y):
            return wg.grad(lambda v: np.sum(long(v, w)))(y)

        return np.sum(slope(x) + slope(2.0 * x))

    agree(f, X, Y)


def test_derivative_of_a_closure_inside():
    def f(x, w):
        def g(y):
            return wg.grad(lambda z: np.sum(long(z, w) * y))(y)

        return g(w) + g(x * w) + g(x)

    agree(f, X, Y, rtol=1e-9)


def test_jit_inside(staged):
    inner = wg.jit(long)

    def f(x, w):
        return np.sum(inner(inner(x, w), w))

    assert called(f, X, Y) == [("long", 2)]
    agree(f, X, Y)


# ---------------------------------------------------------------- what makes a signature


@pytest.mark.parametrize("kind", [float, np.float64, np.float32, np.int64, int])
def test_kinds_of_numbers(kind):
    def f(x, y):
        return long(x, y) + long(y, 2.0) + long(x, np.float32(2.0)) + long(y, x) + long(1.5, y)

    agree(f, kind(2), 3.0, rtol=1e-6)
    agree(f, 0.5, kind(1), rtol=1e-6)


def test_known_numbers_as_shapes(staged):
    def table(x, n):
        out = np.zeros(n)
        for i in range(n):
            out[i] = np.sin(x * i)
        return out

    def f(x, n):
        return np.sum(table(x, n)) + np.sum(table(2.0 * x, n)) * table(x, n + 1)[n] + np.sum(table(x, n - 1))

    agree(f, 0.3, 4)
    agree(f, 0.3, 5)


def test_defaults(staged):
    def scaled(x, by=2.0, *more, power=1, **names):
        out = long(x, x) * by**power
        for m in more:
            out = out + m
        return out + len(names)

    def f(x):
        return scaled(x) + scaled(x, 2.0) + scaled(x, power=2) + scaled(x, 3.0, x, x, power=3, other=1) + scaled(x, 2.0)

    called(f, X)
    assert staged["scaled"] == 4  # a default is a number of the program, 2.0 is a constant
    agree(f, X)


def test_same_array_twice():
    def both(x, y):
        x[0] = 5.0
        y[1] = x[0] + y[0]
        return long(x, y) + y

    def f(a, b):
        a, b = a.copy(), b.copy()
        u = both(a, b)
        v = both(a, a)
        w = both(b, a)
        return np.sum(u * v * w) + np.sum(a * b)

    agree(f, X, Y)


def test_copy_is_not_the_array():
    def both(x, y):
        x[0] = 5.0
        return long(x, y)

    def f(a, b):
        c = a.copy()
        return both(a, c) + both(b, b.copy()) + both(a, b) + both(a, a) + c

    agree(f, X, Y)


def test_views():
    def first(row, w):
        return long(row, w) + row[0]

    def clears(row, w):
        row[0] = 0.0
        return long(row, w)

    def f(a, w):
        a = a.copy()
        out = first(a[0], w) + first(a[1], w) + first(w, a[0])
        out = out + clears(a[0], w) + clears(a[1], a[0]) + clears(a[0], a[0]) + clears(w + 0.0, a[1])
        return out + np.sum(a)

    agree(f, np.stack([X, Y]), X * Y)


def test_views_are_up_to_date():
    def f(a, w):
        a = a.copy()
        row = a[0]
        out = long(row, w)
        a[0, 1] = w[0]
        out = out + long(row, w)
        a[1] = 2.0
        return out + long(row, w) + long(a[1], row)

    agree(f, np.stack([X, Y]), X * Y)


# ---------------------------------------------------------------- what a call changes


def test_writes_its_argument(staged):
    def step(state, k, v):
        state[k] = v * np.sum(long(state, state + 1.0))
        return state[k] + 1.0

    def f(x, v):
        state = x.copy()
        a = step(state, 0, v)
        b = step(state, 0, a)
        c = step(state, 0, b)
        return np.sum(state) * c

    assert called(f, X, np.float64(0.5))[-1] == ("step", 3)
    assert staged["step"] == 1
    agree(f, X, np.float64(0.5))


def test_writes_what_the_caller_gave():
    def step(state, v):
        state[0] = v + state[1]
        state[1] = np.sum(long(state, state))

    def f(x, v):
        step(x, v)
        step(x, 2.0 * v)
        step(x, v)
        return np.sum(x)

    agree(f, X.copy(), 0.5)


def test_writes_what_others_see():
    def step(state, v):
        for _ in range(2):
            state[0] = v
            state = state * np.sum(long(state, state))
        return state

    def f(x, v):
        a = step(np.ones(3), v)
        b = step(x, v)
        return a + b + x

    with pytest.raises(wg.Diagnostic, match="W602"):
        wg.jit(f)(X.copy(), 0.5)


def test_writes_into_an_array_outside():
    def step(state, v):
        state[0] = v
        return np.sum(long(state, state))

    def f(x, v):
        return step(x.copy(), v) + step(X, v)

    with pytest.raises(wg.Diagnostic, match="made outside"):
        wg.jit(f)(X, 0.5)


def test_returns_its_argument():
    def clipped(x, w):
        y = long(x, w)
        x[0] = y[1]
        return x, y, x

    def f(a, w):
        a = a.copy()
        b, y, c = clipped(a, w)
        d, z, _ = clipped(w + 0.0, a)
        b[2] = 7.0
        d[1] = 3.0
        return a * y + c + z + d

    agree(f, X, Y)


def test_returns_containers():
    def parts(x, w):
        y = long(x, w)
        return {"y": y, "all": [x, (y, 2, "text", None)], "first": y[0]}

    def f(x, w):
        a, b = parts(x, w), parts(w, x)
        a["all"].append(b["y"])
        b["y"][0] = 9.0
        return a["all"][1][0] * b["all"][1][0] + a["first"] * len(a["all"]) + len(b["all"])

    agree(f, X, Y)


def test_returns_views():
    def parts(x, w):
        y = long(x, w)
        return y[1:], np.reshape(x * y, (3, 1))

    def f(x, w):
        (a, b), (c, d) = parts(x, w), parts(w, x)
        a[0] = 4.0
        d[1] = c[0]
        return np.sum(b * d) + a * c

    agree(f, X, Y)


def test_returns_two_views_of_one_array():
    def halves(x, w):
        y = long(x, w)
        return y[:2], y[1:]

    def f(x, w):
        (a, b), (c, d) = halves(x, w), halves(w, x)
        a[1] = 4.0
        d[0] = 2.0
        return a * b + c * d

    agree(f, X, Y)


def test_appends():
    def note(x, found):
        found.append(long(x, x))
        return len(found) * x

    def f(x):
        found = []
        y = note(x, found)
        y = note(y, found)
        return note(y, found) + found[0] * found[2]

    agree(f, X)


def test_a_list_grows_between_calls():
    def total(xs):
        return sum([np.sum(long(x, x)) for x in xs]) * len(xs)

    def f(x):
        xs = [x]
        a = total(xs)
        xs.append(2.0 * x)
        b = total(xs)
        xs[0] = x + 1.0
        return a + b + total(xs)

    agree(f, X)


class Layer:
    def __init__(self, w):
        self.w, self.calls = w, 0

    def apply(self, x):
        return long(x, self.w) + self.w * self.calls

    def counted(self, x):
        self.calls = self.calls + 1
        return self.apply(x)


OUTSIDE = Layer(np.linspace(0.5, 0.7, 3))
TABLE = np.linspace(0.2, 0.4, 3)


def test_methods(staged):
    def f(x):
        layer, other = Layer(x), Layer(2.0 * x)
        y = layer.apply(other.apply(layer.apply(x)))
        y = OUTSIDE.apply(OUTSIDE.apply(y))
        layer.calls = 2
        y = layer.apply(layer.apply(y)) * layer.counted(y) + layer.counted(y) + layer.calls
        layer.w = y
        return layer.apply(x)

    called(f, X)
    assert staged["apply"] == 6  # w is the argument; it is not; outside; and so for 2, 3 and 4 calls
    agree(f, X)


def test_outside_may_change():
    def f(x):
        return OUTSIDE.apply(OUTSIDE.apply(x)) + uses_table(x) + uses_table(2.0 * x)

    j = agree(f, X)
    saved, OUTSIDE.w = OUTSIDE.w, np.ones(3)
    TABLE[0] += 1.0
    try:
        np.testing.assert_allclose(j(X), f(X))
    finally:
        OUTSIDE.w = saved
        TABLE[0] -= 1.0


def uses_table(x):
    y = x
    for i in range(3):
        y = y + TABLE[i] * long(y, TABLE)
    return y


# ---------------------------------------------------------------- closures


def test_closures(staged):
    def f(x, w):
        scale, table = 2.0, np.zeros(3)

        def g(y):
            z = y
            for i in range(3):
                z = z + table[i]
            return long(z, w) * scale

        a = g(g(x))
        scale = 3.0
        b = g(g(x))
        scale = x[0]
        c = g(g(x))
        scale = x[1]
        d = g(g(x))
        table[1] = x[2]
        e = g(x)
        table = w
        return a + b + c + d + e + g(x)

    called(f, X, Y)
    assert staged["g"] == 5  # 2.0; 3.0; a number of the program; a table of the program; the table is w
    agree(f, X, Y)


def test_nonlocal():
    def f(x):
        count, last = 0, x

        def g(y):
            nonlocal count, last
            count += 1
            out = long(y, last) * count
            last = y
            return out

        return g(g(g(x))) + count * last

    agree(f, X)


def test_nonlocal_between_calls():
    def f(x):
        scale = x

        def g(y):
            return long(y, scale)

        def rescale():
            nonlocal scale
            scale = scale * 2.0

        a = g(x)
        rescale()
        b = g(x)
        rescale()
        return a + b + g(x)

    agree(f, X)


def test_closures_write():
    def f(x):
        table = x.copy()

        def g(i):
            table[0] = np.sum(long(table, table)) * i
            return table[0] * 2.0

        return g(1) + g(1) + g(1) * table[0], table

    agree(f, X)


def test_argument_is_the_closures_array():
    def f(x):
        table = x.copy()

        def g(y):
            y[0] = 2.0
            return long(y, table) + table[0]

        return g(x.copy()) + g(x.copy()) + g(table) + g(x.copy())

    agree(f, X)


def test_functions_as_arguments(staged):
    def twice(g, x):
        return g(g(x))

    def f(x, w):
        inner = functools.partial(long, w=w)
        a = twice(inner, x) + twice(inner, w)
        b = twice(lambda y: long(y, a), x)
        return b + twice(np.sin, x) + twice(np.cos, x) + twice(Layer(x).apply, x) + twice(Layer(w).apply, x)

    agree(f, X, Y)


# ---------------------------------------------------------------- containers from outside


@dataclass
class Params:
    w: np.ndarray
    b: float


def test_layers_share_a_program(staged):
    def dense(layer, x):
        return long(layer["w"] @ x, x) + layer["b"]

    def f(layers, x):
        for layer in layers:
            x = dense(layer, x)
        return np.sum(x)

    layers = [{"w": np.eye(3) * k, "b": X * k} for k in (1.0, 2.0, 3.0)]
    assert ("dense", 3) in called(f, layers, X)
    assert staged["dense"] == 1
    agree(f, layers, X)


def test_dataclasses():
    def dense(p, x):
        return long(p.w, x) * p.b

    def f(p, q, x):
        return dense(p, dense(q, x)) + dense(Params(x, 2.0), x) + dense(Params(x, x[0]), x)

    agree(f, Params(X, 2.0), Params(Y, 3.0), X)


# ---------------------------------------------------------------- control flow


def test_in_loops_and_branches(staged):
    def f(x, n, w):
        y = long(x, w)
        for i in range(n):
            if y[0] > 0.5:
                y = long(y, w) * i
            else:
                y = y + long(w, y)
        k = 0
        while np.sum(y) < 10.0 and k < 5:
            y = y + np.abs(long(y, w)) + 1.0
            k += 1
        return y

    assert called(f, X, 4, Y) == [("long", 4)]
    assert staged["long"] == 1
    agree(f, X, 4, Y)
    agree(f, X, 0, Y)


def test_loops_and_branches_inside():
    def path(x, n, limit):
        out = np.zeros(3)
        for i in range(n):
            if x[i] > limit:
                out[i] = x[i]
                continue
            if x[i] < -1.0:
                break
            x = x * 1.5
            out[i] += np.sin(x[i])
        return out + long(x, out)

    def f(x, w, n):
        return path(x, n, 0.5) + path(w, n, 0.1) + path(x * w, n, 0.5) * path(x, n, w[0]) + path(x, n, w[1])

    for n in (0, 1, 3):
        agree(f, X, Y, n)


def test_early_return_and_none():
    def part(x):
        if x > 0.5:
            return np.sin(x)
        x = x * 2.0
        if x > 0.7:
            return x
        return x**2

    def nothing(x):
        if x < -1.0:
            raise ValueError

    def f(x, y):
        nothing(x)
        nothing(y)
        return part(x) + part(y) * part(x * y) + (0.0 if nothing(x * y) is None else 1.0)

    agree(f, 0.3, 0.9)
    agree(f, 0.6, 0.1)


def checked(x, limit):
    if np.sum(x) > limit:
        raise ValueError("too large", limit)
    return long(x, x)


def test_raises_at_the_second_call(staged):
    def f(x, limit):
        return checked(2.0 * checked(x, limit) + 1.0, limit)

    agree(f, X, 100.0)
    agree(f, X, 2.0)
    agree(f, X, 0.5)
    assert called(f, X, 2.0)[-1] == ("long", 1) or called(f, X, 2.0) == [("checked", 2)]
    with pytest.raises(ValueError) as caught:
        wg.jit(f)(X, 2.0)
    assert "raise ValueError" in "".join(caught.value.__notes__)


def test_raises_while_staging():
    def item(xs, k):
        return xs[k] * 2.0

    def f(x, w):
        return item([x, w], 1) + item([x, w], 2)

    agree(f, X, Y)


def test_draws():
    rng, again = np.random.default_rng(3), np.random.default_rng(3)

    def noisy(x):
        return long(x, x) + rng.normal(size=3)

    np.testing.assert_allclose(
        wg.jit(lambda x: noisy(x) + 2.0 * noisy(x))(X),
        3.0 * long(X, X) + again.normal(size=3) + 2.0 * again.normal(size=3),
    )


# ---------------------------------------------------------------- recursion


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def test_recursion_over_whole_numbers(staged):
    def f(x):
        return x * fibonacci(20)

    agree(f, 2.0)
    staged.clear()
    called(f, 2.0)
    assert staged["fibonacci"] < 40


def test_recursion_over_an_argument(staged):
    called(fibonacci, 20)
    assert staged["fibonacci"] < 60
    agree(fibonacci, 12)


def test_recursion_on_arrays(staged):
    def halves(x):
        if len(x) < 2:
            return x
        n = len(x) // 2
        a, b = halves(x[:n]), halves(x[n:])
        return np.concatenate([np.sin(a + b), np.cos(a - b)])

    called(halves, np.linspace(0.0, 1.0, 64))
    assert staged["halves"] == 7
    agree(halves, np.linspace(0.0, 1.0, 16))


def test_endless_recursion():
    def f(x):
        return f(x + 1.0)

    with pytest.raises(wg.Diagnostic, match="calls itself whatever"):
        wg.jit(f)(1.0)


def test_derivatives_of_closures_in_each_other():
    """What an inner program reads of the one around it is none of the business of helpers further out."""

    def reverse(f, at):
        return wg.grad(f)(at)

    def forward(f, at):
        return wg.jvp(f, (at,), (1.0,))[1]

    def f(x):
        ways = reverse, forward
        return [outer(lambda a, inner=inner: a * inner(lambda y: a * y, 3.0), x) for outer in ways for inner in ways]

    assert wg.jit(f)(5.0) == [10.0] * 4


GAIN = 0.21


def with_gain(u, v):
    s = GAIN
    for _ in range(3):
        u = u * v + 1.0
        v = v * 0.5 - u
        u = u / 3.0 + v
    return s + 0.0 * u if u > 1e9 else s


def test_a_captured_value_among_the_arguments():
    """The body reads GAIN by its own name, too: what another call passes is not that."""

    def f(x, a):
        for _ in range(3):
            a[0] = with_gain(a[1], GAIN)
        return with_gain(a[1], math.tanh(x))

    assert wg.jit(f)(0.5, np.ones(3)) == GAIN


def test_jit_inside_an_eager_derivative():
    """The function that is staged there may be a copy whose globals are looked up elsewhere."""

    def f(x):
        return wg.jit(with_gain)(x, x * x) * x

    assert wg.grad(f)(0.5) == GAIN
