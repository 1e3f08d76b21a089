"""Every benchmark case computes the right gradient with every tool; nothing is timed here.

Autograd is required.  PyTorch is compared where it is installed (the `bench` extra brings it).
"""

import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # `benchmarks` is not installed

from benchmarks.cases import CASES, Disagreement, leaves_of, torch, verify  # noqa: E402


@pytest.mark.parametrize("name", CASES)
def test_all_tools_agree(name):
    case = CASES[name]()
    assert set(case.lanes) == {"wengert", "autograd"} | ({"torch"} if torch is not None else set())
    verify(name, case)


@pytest.mark.parametrize("name", CASES)
def test_gradient_is_that_of_the_function_alone(name):
    """Central difference along one direction: what the tools agree on is the derivative of `f`."""
    case = CASES[name]()
    flat, rebuild = flattened(case.args)
    gradient = np.concatenate([g.ravel() for g in leaves_of(case.lanes["wengert"]())])[: flat.size]
    direction = np.random.default_rng(1).standard_normal(flat.size)
    h = 1e-6
    difference = (case.f(*rebuild(flat + h * direction)) - case.f(*rebuild(flat - h * direction))) / (2 * h)
    assert gradient @ direction == pytest.approx(difference, rel=1e-6)


def flattened(args):
    """One vector of all numbers in `args`, and the way back (arguments are numbers, arrays, or one dict of arrays)."""
    names = list(args[0]) if isinstance(args[0], dict) else None
    leaves = list(args[0].values()) if names else list(args)
    ends = np.cumsum([np.size(x) for x in leaves])[:-1]

    def rebuild(vector):
        parts = [part.reshape(np.shape(x))[()] for part, x in zip(np.split(vector, ends), leaves)]
        return (dict(zip(names, parts)),) if names else parts

    return np.concatenate([np.ravel(x) for x in leaves]), rebuild


@pytest.mark.parametrize("wrong", [lambda g: g * (1 + 1e-7), lambda g: g * np.nan, lambda g: g[:-1]])
def test_a_wrong_gradient_is_refused(wrong):
    case = CASES["rosenbrock-10"]()
    right = case.lanes["wengert"]
    planted = replace(case, lanes={**case.lanes, "wengert": lambda: wrong(*leaves_of(right()))})
    with pytest.raises(Disagreement, match="rosenbrock-10: wengert"):
        verify("rosenbrock-10", planted)


def test_the_benchmark_ends_before_timing(monkeypatch):
    monkeypatch.setattr(os, "environ", os.environ.copy())  # eager.py sets the number of threads there
    from benchmarks import eager

    planted = replace(CASES["rosenbrock-10"](), lanes={"autograd": lambda: 1.0, "wengert": lambda: 2.0})
    monkeypatch.setitem(CASES, "rosenbrock-10", lambda: planted)
    with pytest.raises(SystemExit) as end:  # a text as the code: Python prints it and exits with 1
        eager.verified(["rosenbrock-10"])
    assert end.value.code == "not timed: rosenbrock-10: wengert differs from autograd by 1.0e+00, relative"
