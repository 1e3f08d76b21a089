"""Generated from the table: every row as an equation of a program, evaluated and differentiated."""

import numpy as np
import pytest

import wengert as wg
from test_rows import DIFFERENTIABLE, along, cases_of, results, setting
from wengert.core.tree import flatten
from wengert.core.types import random_like
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
