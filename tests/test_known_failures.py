"""Wrong or refused derivatives of other tools, as permanent cases (tests/known_failures.py)."""

import copy
import functools

import numpy as np
import pytest

import wengert as wg
from known_failures import CASES

# cases that may be refused, and how
REFUSED = {
    "captured-buffer": "W202",
    "integer-input": "W102",
    "confusion-rebind": "W203",
    "eigh-degenerate": "W303",
}
# the same where the function, or its derivative, is staged: (code, why)
REFUSED_STAGED = {
    "captured-buffer": ("W602", "a write into an array from outside would escape"),
    "integer-input": ("W102", "whole numbers have no derivative, staged or not"),
    "confusion-rebind": ("W203", "a value of a derivative outlives it, in a name of the enclosing function"),
    "eigh-degenerate": ("W303", "eigenvectors of equal eigenvalues have no derivative"),
}
POINTS = [(case, n) for case in CASES for n in range(1 + len(case.more))]


class Staged:
    """wengert with each derivative of each function staged: jit(derivative(f)), or derivative(jit(f))."""

    def __init__(self, outside):
        self.outside = outside

    def __getattr__(self, name):
        transform = getattr(wg, name)
        if name in ("jvp", "vjp"):
            return lambda f, *args, **options: transform(wg.jit(f), *args, **options)
        if name not in ("grad", "jacobian", "hessian", "derivative", "value_and_grad", "elementwise_grad"):
            return transform
        if self.outside:
            return lambda f, *args, **options: wg.jit(transform(f, *args, **options))
        return lambda f, *args, **options: transform(wg.jit(f), *args, **options)


WAYS = {"jit of derivative": Staged(outside=True), "derivative of jit": Staged(outside=False)}


def derivative_of(case, args, library=wg):
    if case.id != "same-argument-twice":
        args = copy.deepcopy(args)
    if case.kind == "program":
        return case.function(library, *args)
    return getattr(library, case.kind)(case.function, case.argnums)(*args)


def assert_close(got, expected, tol):
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape
    assert got.dtype.kind == expected.dtype.kind or expected.dtype.kind == "i"
    finite = np.isfinite(expected)
    assert np.array_equal(got[~finite], expected[~finite], equal_nan=True)
    assert np.all(np.abs(got - expected)[finite] <= tol * (1 + np.abs(expected[finite])))


def assert_case(case, point, library, code):
    """The right value; or, where the case may be refused, the error with this code and a place in the user's source."""
    args, expected = ((case.args, case.expected), *case.more)[point]
    if code is not None:
        with pytest.raises(wg.Diagnostic) as caught:
            derivative_of(case, args, library)
        assert caught.value.code == code
        assert caught.value.where.filename in (__file__, __file__.replace("test_known_failures", "known_failures"))
        return
    got = derivative_of(case, args, library)
    several = isinstance(case.argnums, tuple)
    for g, e in zip(got, expected, strict=True) if several else [(got, expected)]:
        assert_close(g, e, case.tol)


each_point = pytest.mark.parametrize("case, point", POINTS, ids=lambda p: p.id if hasattr(p, "id") else str(p))
quietly = pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")


@each_point
@quietly
def test_case(case, point):
    assert_case(case, point, wg, REFUSED.get(case.id))


@pytest.mark.parametrize("way", WAYS)
@each_point
@quietly
def test_staged_case(case, point, way):
    """All cases, those included that only eager mode must handle: a value or a clear error, never a wrong number."""
    assert_case(case, point, WAYS[way], REFUSED_STAGED.get(case.id, (None,))[0])


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.kind == "program" and c.id != "error-then-reuse"], ids=lambda c: c.id
)
@quietly
def test_program_inside_jit(case):
    """A function that differentiates by itself, staged as a whole; `error-then-reuse` has a try statement."""
    if case.id in REFUSED_STAGED:
        with pytest.raises(wg.Diagnostic, match=REFUSED_STAGED[case.id][0]):
            wg.jit(functools.partial(case.function, wg))(*copy.deepcopy(case.args))
        return
    assert_close(wg.jit(functools.partial(case.function, wg))(*copy.deepcopy(case.args)), case.expected, case.tol)


def test_refusals_are_few():
    ids = {case.id for case in CASES}
    assert set(REFUSED) | set(REFUSED_STAGED) <= ids
    must = [case.id for case in CASES if case.staged and not case.or_error and case.id in REFUSED_STAGED]
    assert must == []
