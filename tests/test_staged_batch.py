"""Batches of programs: all lanes at once, or one by one, give what a loop over the lanes gives, at every order."""

import numpy as np
import pytest

import wengert as wg
import wengert.transforms.batch
from wengert.ir.evaluate import evaluate
from wengert.ir.program import Items, Stack, Type, type_of, walk
from wengert.modes.batch import Batched
from wengert.rules.control import call, for_, if_, stack_lift, stack_pop, stack_push, while_
from wengert.transforms.build import build

F64 = np.dtype(float)
S, WEAK, I = Type(F64, (), "scalar"), Type(F64, (), "weak"), type_of(0)


def A(*shape, dtype=F64):
    return Type(dtype, shape)


def program(types, body, name="f"):
    return build(name, types, [f"x{i}" for i in range(len(types))], lambda stage, values: body(*values))


# ---------------------------------------------------------------- programs of (x: f64[4], s: f64), and their Python


def recurrence():
    """The carry multiplies what is read."""
    body = program([I, A(4), S], lambda i, x, s: [np.sin(s * x[i]) + s])
    return program([A(4), S], lambda x, s: [for_(0, 4, 1, x, s, body=body, consts=1)[0]])


def recurrence_python(x, s):
    for i in range(4):
        s = np.sin(s * x[i]) + s
    return s


def becoming():
    """One carry starts the same for all lanes, one stays so, one differs from its second iteration on."""
    body = program([I, A(4), S, S, S], lambda i, x, a, b, c: [a + x[i] * c, b * 1.5, a * b])
    return program([A(4), S], lambda x, s: [sum(for_(0, 4, 1, x, *zeros(), body=body, consts=1)) * s])


def zeros():
    return np.float64(0.5), np.float64(1.0), np.float64(2.0)


def becoming_python(x, s):
    a, b, c = zeros()
    for i in range(4):
        a, b, c = a + x[i] * c, b * 1.5, a * b
    return (a + b + c) * s


def overwriting():
    """A nest that overwrites an array, and reads what it wrote."""
    inner = program([I, I, S, A(4)], lambda j, i, s, y: [written(y, j, y[j] * np.cos(y[i] * s))])
    outer = program([I, S, A(4)], lambda i, s, y: [for_(0, i, 1, i, s, y, body=inner, consts=2)[0]])
    return program([A(4), S], lambda x, s: [np.sum(for_(0, 4, 1, s, x, body=outer, consts=1)[0] ** 2)])


def written(y, j, value):
    y = y.copy()
    y[j] = value
    return y


def overwriting_python(x, s):
    y = x.copy()
    for i in range(4):
        for j in range(i):
            y[j] = y[j] * np.cos(y[i] * s)
    return np.sum(y**2)


def counted():
    """A `while` that counts; in it a branch on the count."""
    then = program([S, S], lambda a, b: [a * np.exp(-b)])
    orelse = program([S, S], lambda a, b: [np.sin(a) * b])
    test = program([A(4), I, S], lambda x, k, s: [k < 4])
    body = program([A(4), I, S], lambda x, k, s: [k + 1, if_(k % 2 == 0, s, x[k], then=then, orelse=orelse)[0]])
    return program([A(4), S], lambda x, s: [while_(x, 0, s, test=test, body=body, consts=1)[1]])


def counted_python(x, s):
    for k in range(4):
        s = s * np.exp(-x[k]) if k % 2 == 0 else np.sin(s) * x[k]
    return s


def piled():
    """A `while` inside a `for`: stacks of stacks on the way back."""
    test = program([S, I, I, S], lambda c, i, k, s: [k <= i])
    body = program([S, I, I, S], lambda c, i, k, s: [i, k + 1, np.sin(s) * c])
    loop = program([I, A(4), S], lambda i, x, s: [while_(x[i], i, 0, s, test=test, body=body, consts=1)[2]])
    return program([A(4), S], lambda x, s: [for_(0, 4, 1, x, s, body=loop, consts=1)[0]])


def piled_python(x, s):
    for i in range(4):
        for _ in range(i + 1):
            s = np.sin(s) * x[i]
    return s


def called():
    """The same program twice, in a loop of a program that is called."""
    g = program([A(4), S], lambda x, s: [np.tanh(x * s), s + x[0]], "g")
    body = program([I, A(4), S], lambda i, x, s: list(call(*call(x, s, program=g), program=g)))
    inner = program([A(4), S], lambda x, s: [np.sum(for_(0, 2, 1, x, s, body=body, consts=0)[0])], "inner")
    return program([A(4), S], lambda x, s: [call(x, s, program=inner)[0] * s])


def called_python(x, s):
    s0 = s
    for _ in range(4):
        x, s = np.tanh(x * s), s + x[0]
    return np.sum(x) * s0


def newton():
    """Each lane takes a number of steps of its own."""
    test = program([S, S], lambda a, r: [abs(r * r - a) > 1e-12])
    body = program([S, S], lambda a, r: [0.5 * (r + a / r)])
    return program([A(4), S], lambda x, s: [while_(np.exp(x[0]) + s, s, test=test, body=body, consts=1)[0] * x[1]])


def newton_python(x, s):
    a, r = np.exp(x[0]) + s, s
    while abs(r * r - a) > 1e-12:
        r = 0.5 * (r + a / r)
    return r * x[1]


def branching():
    """Each lane takes a side of its own; the other has no finite derivative."""
    then = program([S, S], lambda a, s: [np.sqrt(a) * s])
    orelse = program([S, S], lambda a, s: [a * s * s])
    return program([A(4), S], lambda x, s: [if_(x[0] > 0.35, x[0] - 0.35, s, then=then, orelse=orelse)[0]])


def branching_python(x, s):
    a = x[0] - 0.35
    return np.sqrt(a) * s if x[0] > 0.35 else a * s * s


TOGETHER = [
    (recurrence, recurrence_python),
    (becoming, becoming_python),
    (overwriting, overwriting_python),
    (counted, counted_python),
    (piled, piled_python),
    (called, called_python),
]
APART = [(newton, newton_python), (branching, branching_python)]

XS = np.random.default_rng(0).uniform(0.2, 0.9, (3, 4))
SS = np.array([0.7, 1.1, 0.4])

each = pytest.mark.parametrize("make, python", TOGETHER + APART, ids=lambda f: f.__name__)


def function_of(made):
    return lambda x, s: call(x, s, program=made)[0]


def assert_close(got, expected):
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-12, atol=1e-12)


ORDERS = {
    "value": lambda f: lambda x, s: (f(x, s),),
    "reverse": lambda f: wg.grad(f, (0, 1)),
    "forward": lambda f: lambda x, s: wg.jvp(f, (x, s), (x, s)),
    "forward over reverse": lambda f: lambda x, s: wg.jvp(wg.grad(f, (0, 1)), (x, s), (x, s))[1],
    "reverse over reverse": lambda f: wg.grad(lambda x, s: np.sum(wg.grad(f)(x, s) ** 2) * s, (0, 1)),
}
AXES = {"both": (0, 0), "array": (0, None), "number": (None, 0)}


@each
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("axes", AXES)
def test_vmap_is_a_loop_over_the_lanes(make, python, order, axes):
    derive, axes = ORDERS[order], AXES[axes]
    xs, ss = XS if axes[0] == 0 else XS[0], SS if axes[1] == 0 else SS[0]
    lanes = [(x, s) for x, s in zip(XS if axes[0] == 0 else [XS[0]] * 3, SS if axes[1] == 0 else [SS[0]] * 3)]
    expected = [np.stack(parts) for parts in zip(*[derive(python)(x, np.float64(s)) for x, s in lanes])]
    assert_close(wg.vmap(derive(function_of(make())), in_axes=axes)(xs, ss), expected)


@each
def test_derivatives_of_vmap(make, python):
    """The batch under the derivative."""
    f = function_of(make())
    xs, ss = XS[:2], SS[:2]
    loss = lambda f: lambda x, s: np.sum(np.array([f(x[i], s[i]) for i in range(2)]) ** 2)
    batched = lambda x, s: np.sum(wg.vmap(f)(x, s) ** 2)
    assert_close(wg.grad(batched, (0, 1))(xs, ss), wg.grad(loss(python), (0, 1))(xs, ss))
    assert_close(wg.jvp(wg.grad(batched), (xs, ss), (xs, ss)), wg.jvp(wg.grad(loss(python)), (xs, ss), (xs, ss)))


@each
def test_jacobian_and_hessian(make, python):
    """A basis is pushed, or pulled, as a batch."""
    f, x, s = function_of(make()), XS[0], np.float64(0.7)
    vector = lambda f: lambda x, s: wg.grad(f)(x, s) * s
    for g, h in ((f, python), (vector(f), vector(python))):
        assert_close([wg.jacrev(g)(x, s), wg.jacfwd(g)(x, s)], [wg.jacrev(h)(x, s), wg.jacfwd(h)(x, s)])
    assert_close([wg.hessian(f)(x, s)], [wg.hessian(python)(x, s)])


@each
def test_vmap_of_vmap(make, python):
    f = function_of(make())
    got = wg.vmap(wg.vmap(wg.grad(f), in_axes=(None, 0)), in_axes=(0, None))(XS, SS)
    expected = np.array([[wg.grad(python)(x, s) for s in SS] for x in XS])
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


@each
@pytest.mark.parametrize("order", ["value", "reverse", "forward over reverse"])
def test_staged_batches(make, python, order):
    """vmap inside a program: as many equations for 3 lanes as for 300."""
    made, derive = make(), ORDERS[order]
    sizes = []
    for n in (3, 300):
        xs, ss = np.resize(XS, (n, 4)), np.resize(SS, n)
        staged = program([type_of(xs), type_of(ss)], lambda x, s: list(wg.vmap(derive(function_of(made)))(x, s)))
        sizes.append(sum(1 for _ in walk(staged)))
        got = evaluate(staged, [xs, ss])
        assert_close([g[:3] for g in got], [np.stack(p) for p in zip(*[derive(python)(x, s) for x, s in zip(XS, SS)])])
    assert sizes[0] == sizes[1]


def test_what_is_the_same_for_all_lanes_stays_so():
    """A counter that no lane changes is no batch: a loop may end by it."""
    kinds = []

    def f(x):
        body = program([I, S, S, I], lambda i, c, s, k: [s * c, k + 2])
        made = program([S], lambda x: list(for_(0, 3, 1, x, x, 0, body=body, consts=1)))
        out = call(x, program=made)
        kinds.append([isinstance(v, Batched) for v in out])
        return out[0] * out[1]

    np.testing.assert_allclose(wg.vmap(f)(SS), SS**4 * 6, rtol=1e-14)
    assert kinds == [[True, False]]


def test_a_batch_of_a_program_is_made_once(monkeypatch):
    made, sizes = recurrence(), []
    build_lanes = wengert.transforms.batch.batched_program
    counted = lambda program, size, *flags: sizes.append(size) or build_lanes(program, size, *flags)
    monkeypatch.setattr(wengert.transforms.batch, "batched_program", counted)
    batched = wg.vmap(wg.grad(function_of(made)))
    for xs, ss in ((XS, SS), (XS, SS), (XS[:2], SS[:2])):
        expected = np.stack([wg.grad(recurrence_python)(x, s) for x, s in zip(xs, ss)])
        np.testing.assert_allclose(batched(xs, ss), expected, rtol=1e-12)
    assert sizes.count(3) == sizes.count(2) > 0


def test_single_precision_stays():
    single = np.dtype(np.float32)
    body = program([I, A(4, dtype=single), Type(single, (), "scalar")], lambda i, x, s: [s * x[i] + 0.5])
    made = program([A(4, dtype=single)], lambda x: [for_(0, 4, 1, x, np.float32(1), body=body, consts=1)[0]])
    f = lambda x: call(x, program=made)[0]
    xs = XS.astype(np.float32)
    assert wg.vmap(f)(xs).dtype == wg.vmap(wg.grad(f))(xs).dtype == np.float32


def test_weak_numbers_take_the_type_that_they_meet():
    made = program([A(4), WEAK], lambda x, w: [x * w])
    got = wg.vmap(lambda w: call(XS[0], w, program=made)[0])(SS)
    np.testing.assert_array_equal(got, SS[:, None] * XS[0])


def test_no_iterations_and_no_elements():
    body = program([I, A(0), S], lambda i, x, s: [np.sum(x) + s])
    made = program([A(0), S, I], lambda x, s, n: [for_(0, n, 1, x, s, body=body, consts=1)[0]])
    for n in (0, 2):
        f = lambda x, s: call(x, s, n, program=made)[0]
        np.testing.assert_array_equal(wg.vmap(f, in_axes=(None, 0))(np.zeros(0), SS), SS)
        np.testing.assert_array_equal(wg.vmap(wg.grad(f, 1), in_axes=(None, 0))(np.zeros(0), SS), np.ones(3))


def test_a_lane_that_would_trap_alone_does_not_trap_another():
    """The side that a lane does not take is not evaluated for it."""
    then = program([S], lambda a: [np.sqrt(a)])
    orelse = program([S], lambda a: [a])
    made = program([S], lambda a: [if_(a > 0, a, then=then, orelse=orelse)[0]])
    f = lambda a: call(a, program=made)[0]
    with np.errstate(all="raise"):
        got = wg.vmap(wg.grad(f))(np.array([4.0, -1.0]))
    np.testing.assert_array_equal(got, [0.25, 1.0])


def test_bounds_that_differ_between_lanes():
    body = program([I, S, S], lambda i, c, s: [s * c])
    made = program([S, I], lambda c, n: [for_(0, n, 1, c, 1.0 * c, body=body, consts=1)[0]])
    f = lambda c, n: call(c, n, program=made)[0]
    got = wg.vmap(wg.grad(f))(SS, np.array([0, 1, 3]))
    np.testing.assert_allclose(got, [1.0, 2 * SS[1], 4 * SS[2] ** 3], rtol=1e-14)


def test_places_that_differ_between_lanes():
    made = program([A(4), I], lambda x, i: [x[i] ** 2])
    f = lambda x, i: call(x, i, program=made)[0]
    got = wg.vmap(wg.grad(f))(XS, np.array([0, 3, 1]))
    np.testing.assert_allclose(got, [wg.grad(f)(x, i) for x, i in zip(XS, (0, 3, 1))], rtol=1e-14)


def test_stacks_of_batches():
    """A stack that is the same for all lanes meets a value that is not."""
    kind = Stack(S)

    def f(x):
        pile = stack_push(Items(kind), np.float64(2.0), type=kind, inplace=False)
        pile = stack_push(pile, x, type=kind, inplace=False)
        pile, top = stack_pop(pile, type=kind, inplace=False)
        pile, bottom = stack_pop(pile, type=kind, inplace=False)
        return top * bottom * x

    np.testing.assert_allclose(wg.vmap(f)(SS), 2 * SS**2)
    np.testing.assert_allclose(wg.vmap(wg.grad(f))(SS), 4 * SS)
    np.testing.assert_allclose(wg.vmap(wg.grad(wg.grad(f)))(SS), [4.0] * 3)
    lifted = stack_lift(Items(kind, [np.float64(2.0)]), size=3)
    np.testing.assert_array_equal(lifted.items[0], [2.0] * 3)
