"""Every call of `tests/calls`, staged: the program gives what the call gives, or its refusal is listed here."""

import functools

import numpy as np
import pytest

import wengert as wg
from calls.call import Fixed
from test_names import EACH, assert_same, bind, differentiable, each_call, expected_of, is_inexact, tolerance
from test_staged_rows import assert_close
from wengert.core.mode import Value, unbuffer
from wengert.core.tree import flatten, unflatten
from wengert.frontend.route import route
from wengert.ir.evaluate import evaluate
from wengert.ir.program import agrees, type_in, type_of
from wengert.modes.stage import NeedsValue
from wengert.rules import control
from wengert.transforms.build import build


def staged(function, xs):
    """(the program of the call, a function that arranges its results as the call does)."""
    found = []

    def body(stage, values):
        leaves, structure = flatten(route(function)(*values))
        leaves = [unbuffer(x) for x in leaves]
        found.append((leaves, structure))
        return [x for x in leaves if isinstance(x, Value)]

    program = build("f", [type_of(x) for x in xs], [f"x{i}" for i in range(len(xs))], body)
    leaves, structure = found[0]

    def arranged(values):
        rest = iter(values)
        return unflatten(structure, [next(rest) if isinstance(x, Value) else x for x in leaves])

    return program, arranged


pytestmark = [
    pytest.mark.filterwarnings("ignore:numpy.fix is deprecated:DeprecationWarning"),  # NumPy 2.5
    pytest.mark.filterwarnings("ignore:`(row_stack|trapz|in1d)`:DeprecationWarning"),
]

SHAPE, BRANCH = "the shape of the result", "a truth value that Python branches on"
BINS, MASKED = "the places of the bins", "the number of places that a mask picks"
LIMIT = "a limit that picks the formula of the derivative is a parameter of the row"

# What a program cannot give, and what of the numbers decides there.  All of it refuses with NeedsValue.
REFUSED = {
    **dict.fromkeys("place trim_zeros".split(), SHAPE),
    **dict.fromkeys("unique unique_values unique_counts unique_inverse unique_all".split(), SHAPE),
    **dict.fromkeys("union1d setxor1d setdiff1d bincount piecewise polymul repeat".split(), SHAPE),
    **dict.fromkeys("arange array.repeat split".split(), SHAPE),
    **dict.fromkeys("histogram histogram_bin_edges".split(), BINS),
    "real_if_close": "the dtype of the result",
    **dict.fromkeys([f"scipy.linalg.{f}" for f in "bandwidth issymmetric ishermitian".split()], BRANCH),
    **dict.fromkeys(["linalg.pinv(A, 1e-8)", "linalg.pinv(A, rtol=1e-9)", "linalg.lstsq(A.T, V, 1e-8)"], LIMIT),
    **dict.fromkeys(["linalg.matrix_rank(SQUARE, 2.0)", "linalg.matrix_rank(A, rtol=0.5)"], LIMIT),
    "insert(V, np.array([True, False, True]), 0.5)": MASKED,
    "logaddexp.reduce(A, axis=1, where=MASK)": MASKED,
    "put_along_axis(A, FIRST[1], 0.3, None)": "places in the flat array, which are written through a view",
    "linalg.matrix_rank(V)": "a row for matrices only",
}
# In a program complex at all runs; without it, where the numbers make it so.
COMPLEX = ("linalg.eig", "linalg.eigvals", "scipy.linalg.eig")
# SciPy's rank is an int, the program's that of LAPACK.
INT32 = ("scipy.linalg.lstsq",)
# In a program real for a real matrix; here the function is complex, and the run says so.
NO_REAL_VALUE = [f"scipy.linalg.{f}(NEGATIVE)" for f in ("logm", "sqrtm")]
NO_REAL_VALUE += ["scipy.linalg.fractional_matrix_power(NEGATIVE, Fixed(0.3))"]
# Complex without a program, by rounding.
REAL = ("scipy.linalg.fractional_matrix_power(TURNED, Fixed(0.5))",)


def with_numbers(f, call):
    """As `bind`, with all arrays and numbers of NumPy as operands: positions, counts and masks, too."""
    leaves, structure = flatten((call.args, call.kwargs))
    places = [i for i, x in enumerate(leaves) if isinstance(x, np.ndarray) or is_inexact(x)]

    def function(*xs):
        full = [x.value if isinstance(x, Fixed) else x for x in leaves]
        for place, x in zip(places, xs):
            full[place] = x if call.prepare is None else call.prepare(x)
        args, kwargs = unflatten(structure, full)
        return f(*args, **kwargs)

    return function, [leaves[i] for i in places]


def check(f, function, xs, name, call):
    title = f"{name}({call.text})"
    if title in NO_REAL_VALUE:
        with pytest.raises(ValueError, match="function of this real matrix is complex"):
            evaluate(staged(function, xs)[0], xs)
        return
    program, arranged = staged(function, xs)
    values = evaluate(program, xs)
    assert all(agrees(type_of(v), type_in(r)) for v, r in zip(values, program.results, strict=True))
    got, expected = arranged(values), expected_of(f, call)
    if title in REAL:
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)
    elif name in COMPLEX + INT32:
        assert_same_numbers(got, expected)
    else:
        assert_same(got, expected, name, rtol=max(tolerance(name, call), 1e-15))


def assert_same_numbers(got, expected):
    for g, e in zip(flatten(got)[0], flatten(expected)[0], strict=True):
        np.testing.assert_array_equal(g, e)


def refused(name, call):
    return name in REFUSED or f"{name}({call.text})" in REFUSED


@each_call
def test_a_program_of_the_call(f, call, name):
    function, xs = bind(f, call)
    if refused(name, call):
        refuses(function, xs)
    else:
        check(f, function, xs, name, call)


@functools.partial(each_call, cases=[case for case in EACH if not (case[1].out or case[1].prepare)])
def test_with_all_arrays_as_variables(f, call, name):
    function, xs = with_numbers(f, call)
    if all(is_inexact(x) for x in xs):
        pytest.skip("as above")
    if refused(name, call):
        refuses(function, xs)
    else:
        check(f, function, xs, name, call)


def refuses(function, xs):
    """Never with a number of the sample: with the error, or with the value."""
    try:
        program, arranged = staged(function, xs)
    except NeedsValue:
        return
    assert_same_numbers(arranged(evaluate(program, xs)), function(*xs))


def pulled(f, xs):
    out, pull = wg.vjp(f, *xs)
    return pull([np.ones_like(x) for x in out])  # the same for all: step functions among them may be left out


DIFFERENTIABLE = [(f, call, name) for f, call, name in EACH if not refused(name, call)]


@functools.partial(each_call, cases=DIFFERENTIABLE)
def test_the_derivative_of_the_program(f, call, name):
    """The program under reverse mode, against the call itself; reading no number of a sample."""
    function, xs = bind(f, call)
    expected = expected_of(f, call)
    if f"{name}({call.text})" in NO_REAL_VALUE or name in COMPLEX or not xs or not differentiable(expected):
        pytest.skip("refused, of another type, or a step function")
    program, arranged = staged(function, xs)
    outs = [i for i, r in enumerate(program.results) if type_in(r).dtype.kind in "fc"]
    if not outs:
        pytest.skip("a constant")
    got = pulled(lambda *v: [control.call(*v, program=program)[i] for i in outs], xs)
    values = lambda *v: [x for x in flatten(function(*v))[0] if isinstance(x, Value) and x.dtype.kind in "fc"]
    single = any(type_in(r).dtype == np.float32 for r in program.results)
    assert_close(got, pulled(values, xs), np.float32 if single else float)


@pytest.mark.parametrize("title", REFUSED)
def test_what_is_listed_as_refused_is_refused(title):
    """The list may not outlive its reasons."""
    found = 0
    for f, call, name in (case for case in EACH if title in (case[2], f"{case[2]}({case[1].text})")):
        for function, xs in (bind(f, call), with_numbers(f, call)):
            try:
                staged(function, xs)
            except NeedsValue:
                found += 1
    assert found
