"""Wrong or refused derivatives of other tools, as permanent cases (tests/known_failures.py)."""

import copy

import numpy as np
import pytest

import wengert as wg
from known_failures import CASES

# cases that need what later issues bring, with the name of what is missing
LATER = {
    "ldexp-at-0": "np.ldexp",
    "sort-ties": "np.sort",
    "eigh-degenerate": "np.linalg.eigh",
    "eigh-values-only": "np.linalg.eigh",
    "det-singular": "np.linalg.det",
    "stale-cache": "wg.jit",
    "compiled-second-order": "wg.jit",
}
# cases that may be refused, and how
REFUSED = {
    "captured-buffer": "W202",
    "integer-input": "W102",
    "confusion-rebind": "W203",
}
POINTS = [(case, n) for case in CASES for n in range(1 + len(case.more))]


def derivative_of(case, args):
    if case.id != "same-argument-twice":
        args = copy.deepcopy(args)
    if case.kind == "program":
        return case.function(wg, *args)
    return getattr(wg, case.kind)(case.function, case.argnums)(*args)


def assert_close(got, expected, tol):
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape
    assert got.dtype.kind == expected.dtype.kind or expected.dtype.kind == "i"
    finite = np.isfinite(expected)
    assert np.array_equal(got[~finite], expected[~finite], equal_nan=True)
    assert np.all(np.abs(got - expected)[finite] <= tol * (1 + np.abs(expected[finite])))


@pytest.mark.parametrize("case, point", POINTS, ids=lambda p: p.id if hasattr(p, "id") else str(p))
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_case(case, point):
    args, expected = ((case.args, case.expected), *case.more)[point]
    if case.id in LATER:
        with pytest.raises((wg.Diagnostic, AttributeError), match="W301|jit"):
            derivative_of(case, args)
        pytest.skip(f"needs {LATER[case.id]}")
    if case.id in REFUSED:
        with pytest.raises(wg.Diagnostic) as caught:
            derivative_of(case, args)
        assert caught.value.code == REFUSED[case.id]
        assert caught.value.where.filename in (__file__, __file__.replace("test_known_failures", "known_failures"))
        return
    got = derivative_of(case, args)
    if isinstance(case.argnums, tuple):
        assert len(got) == len(expected)
        for g, e in zip(got, expected):
            assert_close(g, e, case.tol)
    else:
        assert_close(got, expected, case.tol)
