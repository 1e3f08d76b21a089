"""Lanes that go ways of their own: a staged batch gives what a Python loop over the lanes gives, at every order.

No effect, exception or NaN comes from a way that a lane does not take; and the program has one size for any batch.
"""

import copy
import functools

import numpy as np
import pytest

import wengert as wg
from programs import PROGRAMS
from random_programs import checks
from random_programs.program import moved
from staging import cases, interpreted
from wengert.core.tree import flatten, unflatten
from wengert.frontend.jit import built_for
from wengert.ir.program import Items, Stack, Type, walk
from wengert.ir.verify import Checked, verify
from wengert.rules.lanes import lane_put, lane_take, piled, unpiled

RANDOM = np.random.default_rng(3)
X = RANDOM.uniform(-1.0, 1.0, (5, 4))
S = np.array([0.3, -0.7, 1.4, -0.2, 0.9])
N = np.array([0, 1, 2, 4, 3])


def columns(results):
    """The leaves of the results of all lanes, stacked."""
    return [np.stack([np.asarray(x) for x in leaves]) for leaves in zip(*[flatten(r)[0] for r in results])]


def assert_close(got, expected, rtol=1e-10):
    for g, e in zip(flatten(got)[0], expected, strict=True):
        g = np.asarray(g)
        assert (g.dtype, g.shape) == (e.dtype, e.shape)
        rtol = 1e-5 if e.dtype == np.float32 else rtol
        np.testing.assert_allclose(g, e, rtol=rtol, atol=rtol)


def size_of(f, *args):
    """How many equations the program of a call has."""
    program = built_for(f, args, {}).optimised
    verify(program)
    return sum(1 for _ in walk(program))


def rows_of(f, *args):
    return [e.row.name for e in walk(built_for(f, args, {}).optimised)]


# ---------------------------------------------------------------- functions whose lanes disagree

case, each = cases()


@case(X, S)
def nested_branches(x, s):
    total = 0.0
    for i in range(4):
        if x[i] > 0:
            if s > 0:
                total = total + np.sqrt(x[i]) * s
            else:
                total = total - x[i] ** 2 * s
        elif s < -0.5:
            total = total + np.exp(x[i])
    return total


@case(X, S)
def while_in_for_in_if(x, s):
    if s <= 0:
        return np.sum(x) * s
    for i in range(4):
        k = 0
        while k < 3 and s < 1.0 + x[i]:
            s = s * 1.3 + 0.1
            k += 1
    return s


@case(X, S)
def shut_away(x, s):
    """What traps, or has no finite derivative, in a branch that other lanes take."""
    if s < 0:
        return np.sum(x[:2]) * s
    return np.sqrt(s) * np.log(s) / s + 1.0 / s


@case(X, S)
def own_places(x, s):
    i = -1
    if s > 1:
        i = 3
    elif s > 0:
        i = 2
    y = x.copy()
    if s > 0:
        y[i + 1 if i < 3 else 0] = s * y[i]
    return y * x[i]


@case(X, N)
def own_bounds(x, n):
    total = 1.0
    for i in range(n):
        total = total * x[i] + np.sin(total)
    return total


@case(X, N)
def own_slices(x, n):
    y = np.exp(x[:n]) * 2.0
    z = y / 3.0
    return np.sum(z * y) + np.sum(x[n:] ** 3)


@case(X, S)
def masks(x, s):
    return np.sum(x[x > 0]) * s + np.sum(np.sin(x[x < s]))


@case(X, S)
def helpers(x, s):
    return helper(x, s) + helper(x * 2, s + 1) * helper(x, -s)


def helper(x, s):
    if s > 0.5:
        return np.sum(np.sqrt(np.abs(x)))
    k = 0
    while s < 0.5:
        s = s + 0.4 * np.exp(x[0])
        k += 1
    return s * k


@case(X, S)
def early_returns(x, s):
    for i in range(4):
        if x[i] * s > 0.2:
            return x[i] * s
        if x[i] < -0.9:
            break
    else:
        return 5.0 * s
    return s * s


@case(X, S)
def numbers_of_python(x, s):
    w, n = 0.0, 0
    if s > 0:
        w = 1.5
    if s > 0.5:
        n = 2
    return x * w + n


@case(X.astype(np.float32), S.astype(np.float32))
def single_precision(x, s):
    w = 0.0
    if s > 0:
        w = 1.5
    y = x * w
    for _ in range(3):
        y = y * np.float32(0.5) + x
    return y * w


@case(X, S)
def matrices(x, s):
    matrix = np.outer(x, x) + np.eye(4) * (3 if s > 0 else 4)
    if s > 0:
        return np.linalg.solve(matrix, x)
    return np.linalg.inv(matrix) @ x


@case(X, S)
def counts(x, s):
    c = np.zeros(4, int)
    for i in range(4):
        if x[i] > s:
            c[i] += 1
    return c, c.sum(), s > 0, x[c]


@case(X, S)
def columns_and_rows(x, s):
    m = np.outer(x, np.arange(1.0, 5.0))
    j = np.argmax(x)
    m[:, j] = s * x
    m[j] += m[:, j]
    m[1:3, j] *= 2
    return m[:, j], m[None, j], m[j, 1:], m[:, [0, 2]][j]


@case(X, S)
def arrays_of_places(x, s):
    m = np.outer(x, np.arange(1.0, 5.0))
    k = np.argsort(x)
    m[k[:2]] *= s
    m[:, k] += 1
    turned = m[k][:, k]
    turned[k, k[::-1]] = s
    return turned, m[1, k], m[k, 1]


@case(X, S)
def views(x, s):
    m = np.outer(x, x)
    j = 0
    if s > 0:
        j = 2
    row = m[j]
    row[:] = row * s
    column = m.T[j]
    column += 1
    m[j:, 0] = 7 * s
    return m


@case(X, S)
def row_without_a_batch(x, s):
    return np.convolve(x, np.stack([s, 2.0 * s]))


@case(X, S)
def until_small(x, s):
    """The first lanes need no iteration."""
    k = 0
    while np.max(np.abs(x)) > 0.8 - 0.1 * s:
        x = x * 0.7 + 0.01 * s
        k += 1
    return x, k


def squared(f):
    """The sum of the squares of all floats that f returns."""

    def total(x, s):
        out = f(x, s)
        found = 0.0
        for y in out if isinstance(out, tuple) else (out,):
            if not isinstance(y, int) and (isinstance(y, float) or y.dtype.kind == "f"):
                found = found + np.sum(y**2)
        return found

    return total


ORDERS = {
    "value": lambda f: f,
    "gradient": lambda f: wg.grad(squared(f)),
    "tangent": lambda f: lambda x, s: wg.jvp(lambda x: squared(f)(x, s), (x,), (x,))[1],
    "hessian": lambda f: wg.hessian(squared(f)),
    "reverse over reverse": lambda f: wg.grad(lambda x, s: np.sum(wg.grad(squared(f))(x, s) ** 2)),
}
every_order = pytest.mark.parametrize("order", ORDERS)


@each
@every_order
def test_staged_batches_are_loops_over_the_lanes(f, args, kwargs, order):
    derive = ORDERS[order]
    with np.errstate(all="raise"):
        expected = columns([derive(f)(x.copy(), s) for x, s in zip(*args)])
        assert_close(interpreted(wg.vmap(derive(f)))(*args), expected)
        assert_close(wg.vmap(derive(interpreted(f)))(*args), expected)


@each
def test_batches_of_batches(f, args, kwargs):
    xs, ss = args
    twice = wg.vmap(wg.vmap(wg.grad(squared(f)), in_axes=(0, None)))
    expected = columns([wg.grad(squared(f))(x.copy(), s) for s in ss for x in xs])[0]
    got = interpreted(twice)(np.stack([xs] * len(ss)), ss)
    np.testing.assert_allclose(got, expected.reshape(got.shape), rtol=1e-5 if xs.dtype == np.float32 else 1e-10)


@each
def test_derivatives_of_a_batch(f, args, kwargs):
    """Block by block, those of the lanes."""
    xs, ss = args
    inner, staged = interpreted(squared(f)), squared(f)
    gradient = columns([wg.grad(squared(f))(x.copy(), s) for x, s in zip(xs, ss)])
    assert_close(interpreted(wg.grad(lambda xs, ss: np.sum(wg.vmap(staged)(xs, ss))))(xs, ss), gradient)
    assert_close(wg.grad(lambda xs, ss: np.sum(wg.vmap(inner)(xs, ss)))(xs, ss), gradient)
    blocks = np.zeros((len(xs), *xs.shape), xs.dtype)
    blocks[range(len(xs)), range(len(xs))] = gradient[0]
    assert_close(interpreted(wg.jacrev(wg.vmap(staged)))(xs, ss), [blocks])
    assert_close(wg.jacfwd(wg.vmap(inner))(xs, ss), [blocks])


@each
@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_derivatives_of_a_staged_batch(f, args, kwargs, backend):
    """The batch is a program when its derivative is taken."""
    xs, ss = args
    within = 1e-4 if xs.dtype == np.float32 else 1e-9
    close = functools.partial(np.testing.assert_allclose, rtol=within, atol=within)
    first = columns([wg.grad(squared(f))(x.copy(), s) for x, s in zip(xs, ss)])[0]
    second = columns([wg.hessian(squared(f))(x.copy(), s) @ x for x, s in zip(xs, ss)])[0]
    values = wg.jit(wg.vmap(squared(f)), backend=backend)
    total = lambda xs: np.sum(values(xs, ss))
    close(wg.grad(total)(xs), first)
    close(wg.jvp(total, (xs,), (xs,))[1], np.sum(first * xs))
    close(wg.hvp(total, xs, xs), second)
    gradients = wg.jit(wg.vmap(wg.grad(squared(f))), backend=backend)
    close(wg.jvp(lambda xs: gradients(xs, ss), (xs,), (xs,))[1], second)
    close(wg.grad(lambda v: np.sum(gradients(v, ss) * xs))(xs), second)
    twice = wg.jit(wg.vmap(wg.vmap(squared(f), in_axes=(0, None)), in_axes=(None, 0)), backend=backend)
    every = sum(columns([wg.grad(squared(f))(x.copy(), s) for x in xs])[0] for s in ss)
    close(wg.grad(lambda v: np.sum(twice(v, ss)))(xs), every)


@each
@pytest.mark.parametrize("order", ["value", "gradient"])
def test_the_size_of_the_program_does_not_depend_on_the_lanes(f, args, kwargs, order):
    g = wg.vmap(ORDERS[order](f))
    assert size_of(g, *(x[:3] for x in args)) == size_of(g, *(np.resize(x, (300, *x.shape[1:])) for x in args))


@each
def test_types_are_those_that_are_declared(f, args, kwargs):
    program = built_for(wg.vmap(wg.grad(squared(f))), args, {}).optimised
    Checked().run(program, [x.copy() for x in args])


@each
def test_no_lanes(f, args, kwargs):
    for derive in (ORDERS["value"], ORDERS["gradient"]):
        expected = columns([derive(f)(args[0][0].copy(), args[1][0])])
        got = flatten(interpreted(wg.vmap(derive(f)))(*(x[:0] for x in args)))[0]
        assert [(g.dtype, g.shape) for g in got] == [(e.dtype, (0, *e.shape[1:])) for e in expected]


# ---------------------------------------------------------------- what stays together


def branch_between(x, s):
    y = np.tanh(x) * s
    if s > 0:
        z = np.sqrt(s) * y
    else:
        z = y - s
    return np.sum(np.exp(z) * y)


def test_only_what_the_lanes_disagree_about_is_done_lane_by_lane():
    (program,) = [built_for(wg.vmap(branch_between), (X, S), {}).optimised]
    loops = [e for e in program.equations if e.row.name == "for_"]
    assert [e.row.name for e in walk(loops[0].params["body"])].count("tanh") == 0 and len(loops) == 1
    assert {"tanh", "exp", "reduce_sum"} <= {e.row.name for e in program.equations}
    inside = {e.row.name for e in walk(loops[0].params["body"])}
    assert "sqrt" in inside and "exp" not in inside


def test_a_helper_with_such_a_branch_is_a_loop_inside_only():
    def f(x, s):
        total = np.sum(np.cosh(x))
        for i in range(3):
            total = np.sin(total) + helper(x[i:], s)
        return np.sinh(total)

    program = built_for(wg.vmap(f), (X, S), {}).optimised
    assert {"cosh", "sinh"} <= {e.row.name for e in program.equations}
    assert_close(interpreted(wg.vmap(f))(X, S), columns([f(x, s) for x, s in zip(X, S)]))


def rooted(x, s):
    root = 1.0
    while abs(root * root - x[0] ** 2) > 1e-12:
        root = 0.5 * (root + x[0] ** 2 / root)
    return root * s + np.cos(s)


@pytest.mark.parametrize("order", ["gradient", "tangent"])
def test_a_lane_goes_there_and_back_in_one_loop(order):
    """Only numbers stand between the two ways, and what a lane keeps is never piled."""
    derive = ORDERS[order]
    assert "lane_put" not in rows_of(wg.vmap(derive(rooted)), X, S)
    assert_close(wg.jit(wg.vmap(derive(rooted)))(X, S), columns([derive(rooted)(x, s) for x, s in zip(X, S)]))


def test_arrays_of_all_lanes_stand_between_two_loops():
    def f(x, s):
        found = x * rooted(x, s)
        return np.sum(np.tanh(found) ** 2)

    program = built_for(wg.vmap(wg.grad(f)), (X, S), {}).optimised
    assert "tanh" in {e.row.name for e in program.equations}
    assert "lane_put" in rows_of(wg.vmap(wg.grad(f)), X, S)
    assert_close(wg.jit(wg.vmap(wg.grad(f)))(X, S), columns([wg.grad(f)(x, s) for x, s in zip(X, S)]))


def test_places_are_read_and_written_at_once():
    def f(x, i):
        m = np.outer(x, x)
        m[:, i] = m[i] * m[i, 1:2]
        m[i, 1] = x[i]
        return m[:, i], x[i - 1]

    places = np.array([0, 1, 3, 2, 2])
    assert "for_" not in rows_of(wg.vmap(f), X, places)
    expected = columns([f(x, i) for x, i in zip(X, places)])
    assert_close(interpreted(wg.vmap(f))(X, places), expected)
    shared = wg.vmap(lambda i: np.outer(X[0], X[1])[:, i])
    np.testing.assert_allclose(interpreted(shared)(places), np.outer(X[0], X[1]).T[places])
    with pytest.raises(IndexError, match="out of bounds"):
        interpreted(wg.vmap(f))(X, places + 1)


# ---------------------------------------------------------------- ways that are not taken

TRAPS = {
    "index": lambda x, s: x[(s * 100).astype(int)],
    "division": lambda x, s: x[0] * (7 // (s * 0).astype(int)),
    "root": lambda x, s: np.sqrt(-s) * x[1],
    "logarithm": lambda x, s: np.log(s - s) * x[1],
    "overflow": lambda x, s: np.exp(s * 1e4) * x[0],
    "inverse": lambda x, s: np.linalg.inv(np.outer(x, x) * 0)[0, 0],
}


@pytest.mark.parametrize("trap", TRAPS)
@every_order
def test_traps_of_other_lanes(trap, order):
    spring, derive = TRAPS[trap], ORDERS[order]

    def f(x, s):
        if s > 2.0:
            return spring(x, s)
        return np.sum(x**3) * s

    with np.errstate(all="raise"):
        expected = columns([derive(f)(x, s) for x, s in zip(X, S)])
        for g in (interpreted(wg.vmap(derive(f))), wg.vmap(derive(interpreted(f)))):
            assert_close(g(X, S), expected)
            with pytest.raises((ArithmeticError, IndexError, np.linalg.LinAlgError)):
                g(X, np.append(S[1:], 3.0))


def test_a_loop_of_another_lane_that_never_ends():
    def f(x, s):
        if s > 0:
            return x[0]
        while s <= 0:
            x = x * 1.0
            s = s + x[1] ** 2
        return np.sum(x)

    xs = np.array([[1.0, 0.0], [1.0, 1.0]])  # the first would go round for ever
    np.testing.assert_allclose(interpreted(wg.vmap(wg.grad(f)))(xs, np.array([1.0, -3.0])), [[1.0, 0.0], [1.0, 1.0]])


def positive(x, s):
    if s < 0:
        raise ValueError(f"{s:.1f} is negative, beside {x[0]:.3f}")
    return np.sqrt(s) * np.sum(x)


@pytest.mark.parametrize("order", ["value", "gradient", "hessian"])
def test_an_exception_has_the_numbers_of_its_lane_and_the_line(order):
    f = ORDERS[order](positive)
    for g in (interpreted(wg.vmap(f)), wg.vmap(interpreted(f))):
        with pytest.raises(ValueError, match=f"^-0.7 is negative, beside {X[1, 0]:.3f}") as found:
            g(X, S)
        assert "raise ValueError(f" in found.value.__notes__[0]
        assert_close(g(X, abs(S)), columns([f(x, s) for x, s in zip(X, abs(S))]))


def test_asserts_of_lanes():
    def f(x, s):
        if x[0] > 0:
            assert s > 0, s
        return x * s

    ok = X[:, 0] > 0
    expected = X * abs(S)[:, None]
    np.testing.assert_array_equal(interpreted(wg.vmap(f))(X, np.where(ok, abs(S), abs(S))), expected)
    with pytest.raises(AssertionError):
        interpreted(wg.vmap(f))(X, np.where(ok, -abs(S), S))


# ---------------------------------------------------------------- what is printed


def talkative(x, s):
    print("begin")
    print("number", s)
    if s > 0:
        print("positive", s)
        for i in range(2):
            print(i, x[i])
    print("end", s)
    return np.sum(x) * s


def test_prints_come_lane_by_lane_statement_by_statement(capsys):
    xs, ss = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([1.0, -2.0, 3.0])
    numbers = "number 1.0\nnumber -2.0\nnumber 3.0\n"
    branch = "positive 1.0\n0 1.0\n1 2.0\npositive 3.0\n0 5.0\n1 6.0\n"
    expected = f"begin\n{numbers}{branch}end 1.0\nend -2.0\nend 3.0\n"
    for transform in (lambda f: f, wg.grad, wg.hessian):
        for g in (interpreted(wg.vmap(transform(talkative))), wg.vmap(transform(interpreted(talkative)))):
            capsys.readouterr()
            g(xs, ss)
            assert capsys.readouterr().out == expected


# ---------------------------------------------------------------- parts of different lengths


def test_parts_of_one_length_make_an_array():
    def f(x, i):
        return x[i : i + 2] * x[0]

    places = np.array([0, 2, 1, 1, 2])
    for order in ("value", "gradient", "hessian", "reverse over reverse"):
        derive = ORDERS[order]
        expected = columns([derive(f)(x, i) for x, i in zip(X, places)])
        assert_close(interpreted(wg.vmap(derive(f)))(X, places), expected)
        assert_close(wg.vmap(derive(interpreted(f)))(X, places), expected)
    twice = wg.vmap(wg.vmap(interpreted(f), in_axes=(None, 0)), in_axes=(0, None))
    assert_close(twice(X, places), [np.array([[f(x, i) for i in places] for x in X])])


@pytest.mark.parametrize("staged", [lambda f: interpreted(wg.vmap(f)), lambda f: wg.vmap(interpreted(f))])
def test_parts_of_different_lengths_are_refused(staged):
    with pytest.raises(wg.Diagnostic, match=r"W602 the lanes of a batch give arrays of different shapes: \(1,\), \(2,"):
        staged(lambda x, n: x[:n])(X[:3], np.array([1, 2, 1]))


# ---------------------------------------------------------------- piles


def test_piles_of_arrays_and_stacks():
    kind = Type(np.dtype(float), (2,))
    x = RANDOM.normal(size=(3, 2))
    pile = piled(x, type=Stack(kind), size=3)
    left, middle = lane_take(pile, 1, type=Stack(kind), size=3, inplace=False)
    np.testing.assert_array_equal(middle, x[1])
    assert left.items[1] is None and pile.items[1] is not None
    again = lane_put(left, middle, 1, type=Stack(kind), size=3, inplace=False)
    np.testing.assert_array_equal(unpiled(again, type=Stack(kind), size=3), x)
    stack = Items(Stack(Type(np.dtype(float), (3, 2))), [x, 2 * x])
    apart = piled(stack, type=Stack(Stack(kind)), size=3)
    np.testing.assert_array_equal(apart.items[2].items[1], 2 * x[2])
    for ours, theirs in zip(unpiled(apart, type=Stack(Stack(kind)), size=3).items, stack.items, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_what_is_not_there_is_a_zero_of_a_derivative_only():
    kind = Stack(Type(np.dtype(float), (2,)))
    _, zero = lane_take(Items(kind), 1, type=kind, size=3, inplace=False, zeros=())
    np.testing.assert_array_equal(zero, np.zeros(2))
    with pytest.raises(IndexError):
        lane_take(Items(kind), 1, type=kind, size=3, inplace=False)


# ---------------------------------------------------------------- programs of others


def is_batched(x):
    return isinstance(x, float | np.ndarray)


def lanes_of(program):
    """Arguments of at least three lanes: other ways through the function, and the same moved."""
    ways = [point.args() for point in program.points()]
    kind = lambda args: repr([(np.shape(x), None if hasattr(x, "dtype") else type(x)) for x in flatten(args)[0]])
    ways = [w for w in ways if kind(w) == kind(ways[0]) and shared(w) == shared(ways[0])]
    moved_ways = [shifted(copy.deepcopy(ways[k % len(ways)]), k) for k in range(len(ways), max(3, len(ways)))]
    return [*ways, *moved_ways]


def shared(args):
    return [x for x in flatten(args)[0] if not is_batched(x)]


def shifted(args, k):
    random = np.random.default_rng(k)
    leaves, structure = flatten(args)
    factor = lambda x: 1.0 + 0.1 * k * random.uniform(-1.0, 1.0, np.shape(x))
    is_float = lambda x: isinstance(x, float) or (isinstance(x, np.ndarray) and x.dtype.kind in "fc")
    return unflatten(structure, [(x * factor(x)).astype(np.asarray(x).dtype)[()] if is_float(x) else x for x in leaves])


@pytest.mark.parametrize("program", [pytest.param(p, id=p.name) for p in PROGRAMS])
def test_shared_programs(program):
    lanes = lanes_of(program)
    leaves, structure = flatten(lanes[0])
    axes = unflatten(structure, [0 if is_batched(x) else None for x in leaves])
    stacked = [np.stack(c) if is_batched(c[0]) else c[0] for c in zip(*[flatten(lane)[0] for lane in lanes])]
    batch = lambda: copy.deepcopy(unflatten(structure, stacked))
    f = program.function
    expected = columns([f(*copy.deepcopy(lane)) for lane in lanes])
    for g in (interpreted(wg.vmap(f, in_axes=axes)), wg.vmap(interpreted(f), in_axes=axes)):
        for x, y in zip(flatten(g(*batch()))[0], expected, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-11)
    if program.scalar:
        expected = columns([wg.grad(f, program.argnums)(*copy.deepcopy(lane)) for lane in lanes])
        got = interpreted(wg.vmap(wg.grad(f, program.argnums), in_axes=axes))(*batch())
        assert_close(got, expected, rtol=1e-9)


@pytest.mark.parametrize("first", range(0, 60, 10))
def test_random_programs(first):
    """Lanes away from each other, so that decisions differ."""
    count = 0
    for seed in range(first, first + 10):
        subject, _ = checks.generate(seed)
        f, floats = subject.program.load().f, subject.floats
        points = [moved(subject.args(), subject.directions, t) for t in (0.0, 0.4, -0.5, 1.1)]
        try:
            with np.errstate(all="ignore"):
                found = [wg.value_and_grad(f, floats)(*copy.deepcopy(p)) for p in points]
        except (ArithmeticError, LookupError, ValueError):
            continue  # a lane that raises
        if not max(np.max(np.abs(x), initial=0.0) for one in found for x in flatten(one)[0]) < 1e6:
            continue
        axes = tuple([0 if i in floats else None for i in range(len(points[0]))])
        batch = [np.stack(c) if a == 0 else c[0] for c, a in zip(zip(*points), axes)]
        try:
            got = interpreted(wg.vmap(wg.value_and_grad(f, floats), in_axes=axes))(*batch)
        except wg.Diagnostic as refused:
            assert checks.is_refusal(refused), subject.text
            continue
        for x, y in zip(flatten(got)[0], columns(found), strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-8, atol=1e-8, err_msg=subject.text)
        count += 1
    assert count >= 3
