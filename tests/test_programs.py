"""The programs of `tests/programs/` by every way to run them: Python is right, derivatives agree with differences."""

import ast
import inspect
import sys

import numpy as np
import pytest

import wengert as wg
from programs import LATER, PROGRAMS
from staging import interpreted
from wengert.core.tree import flatten, unflatten

# how a function is run: name -> what makes a function of the same meaning
WAYS = {"eager": lambda f: f, "staged": interpreted}
CASES = [
    pytest.param(point, WAYS[way], id=f"{program.name}-{i}-{way}")
    for way in WAYS
    for program in [*PROGRAMS, *(LATER if way == "eager" else [])]
    for i, point in enumerate(program.points())
]
ONCE = [pytest.param(program, id=program.name) for program in [*PROGRAMS, *LATER]]
each_case = pytest.mark.parametrize("program, way", CASES)
each_program = pytest.mark.parametrize("program", ONCE)


def leaves(tree):
    """The numbers of a result or of arguments, in one vector."""
    return np.concatenate([np.ravel(leaf) for leaf in flatten(tree)[0] if not isinstance(leaf, str)])


def differentiated(program):
    """Fresh values of what is differentiated."""
    args = program.args()
    return tuple(args[i] for i in program.argnums)


def of_differentiated(program, f):
    """f as a function of what is differentiated alone."""

    def partial(*chosen):
        args = list(program.args())
        for i, x in zip(program.argnums, chosen):
            args[i] = x
        return f(*args)

    return partial


def spread(vector, like):
    """The numbers of `vector` in the structure of `like`."""
    values, structure = flatten(like)
    parts = np.split(vector, np.cumsum([np.size(x) for x in values])[:-1])
    shaped = [part.reshape(np.shape(x)) if np.ndim(x) else float(part[0]) for part, x in zip(parts, values)]
    return unflatten(structure, shaped)


def differences(program):
    """The Jacobian by central differences, as a matrix."""
    point = differentiated(program)
    f = of_differentiated(program, program.function)
    return wg.numerical.jacobian(lambda v: leaves(f(*spread(v, point))), leaves(point), order=6, step=1e-4)


def random_like(tree, seed):
    return spread(np.random.default_rng(seed).normal(size=leaves(tree).size), tree)


@each_case
def test_value(program, way):
    """The primal of the derivative is what Python computes, and arguments are written as Python writes them."""
    expected = program.function(*(args := program.args()))
    assert np.all(np.isfinite(leaves(expected)))
    got = way(program.function)(*(own := program.args()))
    np.testing.assert_allclose(leaves(got), leaves(expected), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(leaves(own), leaves(args), rtol=1e-12, atol=1e-14)
    primal, _ = wg.vjp(of_differentiated(program, way(program.function)), *differentiated(program))
    np.testing.assert_allclose(leaves(primal), leaves(expected), rtol=1e-12, atol=1e-14)


@each_case
def test_derivative(program, way):
    """Row by row as differences say; and the caller's arrays stay as they were."""
    args, before = program.args(), program.args()
    expected = differences(program)
    if program.scalar:
        rows = leaves(wg.grad(way(program.function), program.argnums)(*args))[np.newaxis]
    else:
        primal, pull = wg.vjp(of_differentiated(program, way(program.function)), *differentiated(program))
        rows = [leaves(pull(spread(row, primal))) for row in np.eye(leaves(primal).size)]
    np.testing.assert_allclose(rows, expected, rtol=1e-6, atol=1e-6 * np.max(np.abs(expected), initial=1e-2))
    np.testing.assert_array_equal(leaves(args), leaves(before))


@each_case
def test_forward_is_reverse(program, way):
    f, point = of_differentiated(program, way(program.function)), differentiated(program)
    tangents = random_like(point, 1)
    primal, tangent = wg.jvp(f, point, tangents)
    cotangent = random_like(primal, 2)
    pulled = wg.vjp(f, *point)[1](cotangent)
    forward, reverse = leaves(cotangent) @ leaves(tangent), leaves(pulled) @ leaves(tangents)
    np.testing.assert_allclose(forward, reverse, rtol=1e-10, atol=1e-12)


@each_program
def test_description(program):
    """One line of documentation; arguments are the same at every call; only what waits has a reason."""
    assert program.function.__doc__ and "\n" not in program.function.__doc__
    np.testing.assert_array_equal(leaves(program.args()), leaves(program.args()))
    assert bool(program.reason) == (program in LATER)


def executed_lines(program, n):
    """How many lines of the program's own file run, which is its work up to the size of vectors."""
    count, own = 0, program.function.__code__.co_filename

    def trace(frame, event, _):
        nonlocal count
        count += event == "line"
        return trace if frame.f_code.co_filename == own else None

    args, before = program.sized(n), sys.gettrace()
    sys.settrace(trace)
    try:
        result = program.function(*args)
    finally:
        sys.settrace(before)
    assert np.all(np.isfinite(leaves(result)))
    return count


@pytest.mark.parametrize("program", [pytest.param(p, id=p.name) for p in [*PROGRAMS, *LATER] if p.grows])
def test_work_is_proportional_to_size(program):
    at_n, at_2n, at_4n = (executed_lines(program, k * 20) for k in (1, 2, 4))
    assert 1.5 < (at_4n - at_2n) / (at_2n - at_n) < 2.7


# what people write, and staging has to read
CONSTRUCTS = """While Break Continue Assert Raise IfExp BoolOp Lambda ListComp DictComp GeneratorExp Starred JoinedStr
    ClassDef AugAssign Slice Tuple Dict List Not FloorDiv Mod MatMult""".split()


def test_constructs_occur():
    sources = {inspect.getmodule(program.function) for program in PROGRAMS}
    nodes = [node for module in sources for node in ast.walk(ast.parse(inspect.getsource(module)))]
    assert set(CONSTRUCTS) <= {type(node).__name__ for node in nodes}
    assert {type(node) for node in nodes if getattr(node, "orelse", None)} >= {ast.For, ast.While, ast.If}


def test_names_differ():
    names = [program.name for program in [*PROGRAMS, *LATER]]
    assert len(PROGRAMS) >= 28 and len(set(names)) == len(names)
