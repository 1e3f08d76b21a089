"""Generated from the table: every row as an equation of a program, evaluated and differentiated."""

import numpy as np
import pytest

import wengert as wg
from test_rows import DIFFERENTIABLE, along, cases_of, identify, results, setting
from wengert.core.primitive import TABLE
from wengert.core.tree import flatten
from wengert.core.types import random_like
from wengert.frontend.route import route
from wengert.ir.evaluate import evaluate
from wengert.ir.program import type_in, type_of
from wengert.rules.control import call
from wengert.transforms.build import build


def program_of(f, xs):
    """f of variables of the types of xs, as a program."""
    return build("f", [type_of(x) for x in xs], [f"x{i}" for i in range(len(xs))], lambda stage, v: flatten(f(*v))[0])


def called(program, like):
    """The program as a function that returns one result or several, as `like` does."""
    if isinstance(like, tuple):
        return lambda *xs: call(*xs, program=program)
    return lambda *xs: call(*xs, program=program)[0]


def assert_identical(got, expected):
    for g, e in zip(got, expected, strict=True):
        assert type_of(g) == type_of(e)
        np.testing.assert_array_equal(g, e)


def assert_close(got, expected, dtype):
    tolerance = 1e-12 if dtype is float else 1e-5
    for g, e in zip(results(got), results(expected), strict=True):
        assert type_of(g) == type_of(e)
        np.testing.assert_allclose(g, e, rtol=tolerance, atol=tolerance)


def assert_of_types(values, program):
    assert [type_of(v) for v in values] == [type_in(r) for r in program.results]


def pushed(f, xs):
    return wg.jvp(f, xs, [random_like(np.random.default_rng(1), x) for x in xs])[1]


def pulled(f, xs):
    out, pull = wg.vjp(f, *xs)
    return pull(random_like(np.random.default_rng(2), out) if not isinstance(out, tuple) else cotangents(out))


def cotangents(out):
    return tuple([random_like(np.random.default_rng(2), o) for o in out])


CASES = [(row, i, dtype) for row in DIFFERENTIABLE for i in range(len(cases_of(row))) for dtype in (float, np.float32)]
each_case = pytest.mark.parametrize(
    "row, i, dtype", CASES, ids=lambda v: getattr(v, "name", None) or getattr(v, "__name__", None)
)


@each_case
def test_a_program_of_one_row(row, i, dtype):
    operands, params, varied = setting(row, i, dtype)
    f = along(row, operands, params, varied)
    xs = [operands[k] for k in varied]
    expected = row.evaluate(*operands, **params, **row.staged)
    program = program_of(f, xs)
    got = evaluate(program, xs)
    assert_identical(got, results(expected))
    assert_of_types(got, program)


@each_case
def test_derivatives_of_the_program(row, i, dtype):
    operands, params, varied = setting(row, i, dtype)
    f = along(row, operands, params | row.staged, varied)
    xs = [operands[k] for k in varied]
    g = called(program_of(f, xs), row.evaluate(*operands, **params, **row.staged))
    for derive in (pushed, pulled):
        expected = derive(f, xs)
        got = derive(g, xs)
        assert_close(got, expected, dtype)
        program = program_of(lambda *v: derive(g, v), xs)
        got = evaluate(program, xs)
        assert_close(got, results(expected), dtype)
        assert_of_types(got, program)


SECOND = [(row, i) for row in DIFFERENTIABLE[::3] for i in range(min(2, len(cases_of(row))))]


@pytest.mark.parametrize("row, i", SECOND, ids=identify)
def test_second_derivatives_of_the_program(row, i):
    """Reverse under forward, and both under staging."""
    operands, params, varied = setting(row, i)
    f = along(row, operands, params | row.staged, varied)
    xs = [operands[k] for k in varied]
    g = called(program_of(f, xs), row.evaluate(*operands, **params, **row.staged))
    expected = pushed(lambda *v: pulled(f, v), xs)
    derived = lambda *v: pushed(lambda *u: pulled(g, u), v)
    for got in (derived(*xs), evaluate(program_of(derived, xs), xs)):
        for a, e in zip(results(got), results(expected), strict=True):
            np.testing.assert_allclose(a, e, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(
    "row, i", [(row, i) for row in DIFFERENTIABLE for i in range(len(cases_of(row)))], ids=identify
)
def test_vmap_of_the_program(row, i):
    operands, params, varied = setting(row, i)
    f = along(row, operands, params | row.staged, varied)
    xs = [operands[k] for k in varied]
    g = called(program_of(f, xs), row.evaluate(*operands, **params, **row.staged))
    lanes = [np.stack([x, x * 1.1]) for x in xs]
    for derive in (lambda f: f, lambda f: lambda *v: pulled(f, v)):
        looped = [results(derive(f)(*[x[n] for x in lanes])) for n in range(2)]
        got = results(wg.vmap(derive(g))(*lanes))
        for part, *parts in zip(got, *looped, strict=True):
            np.testing.assert_allclose(part, np.stack(parts), rtol=1e-12, atol=1e-12)


# ---------------------------------------------------------------- positions that are known when the program runs


def reading(x, y, i):
    return x[i] * y[0]


def writing(x, y, i):
    x = x.copy()
    x[i] = y[: np.size(i)].reshape(np.shape(i))
    return x * x


def writing_through_a_view(x, y, i):
    x = x.copy()
    x[1:][::-1][i] = y[: np.size(i)].reshape(np.shape(i))
    return x * x


def adding(x, y, i):
    x = x.copy()
    np.add.at(x, i, y[: np.size(i)].reshape(np.shape(i)))
    return x * x


def taking(x, y, i):
    return np.take(x, i) * np.take(y, i)


@pytest.mark.parametrize("f", [reading, writing, writing_through_a_view, adding, taking], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    "place", [2, np.int64(-1), np.array([0, 2, 0]), np.array([[1, -1], [2, 1]])], ids=["int", "int64", "list", "matrix"]
)
def test_positions_are_operands(f, place):
    """The program is built with no position in sight, repeated ones among them: the last write counts."""
    random = np.random.default_rng(0)
    x, y = random.standard_normal(5), random.standard_normal(4)
    program = program_of(lambda *v: route(f)(*v), [x, y, place])
    g = lambda x, y: call(x, y, place, program=program)[0]
    eager = lambda x, y: f(x, y, place)
    np.testing.assert_array_equal(g(x, y), eager(x, y))
    for derive in (pushed, pulled):
        assert_close(derive(g, [x, y]), derive(eager, [x, y]), float)
        staged = program_of(lambda *v, derive=derive: derive(g, v), [x, y])
        assert_close(evaluate(staged, [x, y]), results(derive(eager, [x, y])), float)
    assert_close(
        [wg.jacobian(lambda x: pulled(g, [x, y]))(x)], [wg.jacobian(lambda x: pulled(eager, [x, y]))(x)], float
    )


def test_a_position_out_of_range_is_an_index_error():
    program = program_of(reading, [np.ones(3), np.ones(1), 0])
    with pytest.raises(IndexError):
        evaluate(program, [np.ones(3), np.ones(1), 3])


# ---------------------------------------------------------------- types that do not depend on numbers


def test_a_zero_cotangent_keeps_the_precision_of_the_product():
    """`scale` returns its second operand where that is zero, in the type of the product."""
    program = program_of(TABLE["scale"], [np.float64(2.0), np.float32(1.0)])
    assert_of_types(evaluate(program, [np.float64(2.0), np.float32(0.0)]), program)


def test_eigenvalues_are_complex_at_all_runs():
    symmetric, turning = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([[0.0, -1.0], [1.0, 0.0]])
    program = program_of(TABLE["eig"], [symmetric])
    for a in (symmetric, turning):
        values = evaluate(program, [a])
        assert_of_types(values, program)
        np.testing.assert_array_equal(values[0], np.linalg.eig(a)[0])


def test_what_remains_in_least_squares_has_one_shape():
    """NumPy leaves it out where columns are dependent."""
    full, dependent = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), np.ones((3, 2))
    b = np.array([[1.0], [2.0], [0.0]])
    program = program_of(lambda a, b: TABLE["lstsq"](a, b, rcond=1e-10), [full, b])
    for a in (full, dependent):
        values = evaluate(program, [a, b])
        assert_of_types(values, program)
        np.testing.assert_allclose(values[1], np.sum((b - a @ values[0]) ** 2, axis=0))
