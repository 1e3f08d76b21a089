"""Every case of the benchmark of compiled functions computes the same with every tool; nothing is timed here.

Autograd is required.  JAX is compared where it is installed (the `bench` extra brings it), C where it has a compiler.
"""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

import wengert as wg

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # `benchmarks` is not installed

with pytest.MonkeyPatch.context() as patch:  # it sets the number of threads there
    patch.setattr(os, "environ", os.environ.copy())
    from benchmarks import compiled, peers_c, start
    from benchmarks.compiled_cases import CASES, NUMBERS
    from benchmarks.timing import Effort, printed

BY_NAME = {case.name: case for case in reversed(CASES)}  # the first size of each
SHORT = Effort(case=0.0, turn=0.0, rounds=2, starts=2)


@pytest.mark.parametrize("name", BY_NAME)
def test_all_tools_agree(name):
    case = BY_NAME[name]
    lanes = compiled.lanes_of(case, wg.jit)
    tools = {lane.split()[0] for lane in lanes}
    with_jax, with_c = compiled.jax is not None, peers_c.COMPILER is not None and case.group == NUMBERS
    assert tools == {"python", "autograd", "wengert"} | ({"jax"} if with_jax else set()) | ({"c"} if with_c else set())
    compiled.verify(case, lanes)


def test_no_two_cases_are_printed_alike():
    assert len({case.label for case in CASES}) == len(CASES)


WRONG = {
    "wengert value": lambda value: value * (1 + 1e-8),
    "wengert gradient": lambda both: (both[0], (both[1][0], both[1][1] * (1 + 1e-8))),
    "autograd gradient": lambda both: (both[0] * np.nan, both[1]),
}
if peers_c.COMPILER is not None:
    WRONG["c gradient"] = WRONG["wengert gradient"]


@pytest.mark.parametrize("lane", WRONG)
def test_a_wrong_number_is_refused(lane):
    case = BY_NAME["newton"]
    lanes = compiled.lanes_of(case, wg.jit)
    right = lanes[lane]
    with pytest.raises(compiled.Disagreement, match="is off by"):
        compiled.verify(case, {**lanes, lane: lambda: WRONG[lane](right())})


def test_other_shapes_are_refused():
    with pytest.raises(compiled.Disagreement, match="other shapes"):
        compiled.compare("x", np.zeros(2), np.zeros(3))


def test_without_a_compiler_there_are_no_figures_of_c(monkeypatch):
    monkeypatch.setattr(peers_c, "COMPILER", None)
    assert "c value" not in compiled.lanes_of(BY_NAME["newton"], wg.jit)
    assert "no figures of C" in peers_c.version()


def test_a_fresh_function_has_nothing_at_hand():
    f = BY_NAME["newton"].f
    copy = compiled.fresh(f)
    assert copy is not f and copy.__code__ is f.__code__
    assert copy(1.0, 2.0) == f(1.0, 2.0)


def test_the_back_end_is_the_one_asked_for():
    case = BY_NAME["newton"]
    by_llvm, by_numpy = (compiled.of_wengert(case, compiled.jit_with(name)) for name in ("llvm", "numpy"))
    for lane in ("wengert value", "wengert gradient"):
        assert by_llvm[lane].func.backend == "llvm" and by_numpy[lane].func.backend == "numpy"


@pytest.mark.skipif(compiled.jax is None, reason="JAX is not installed")
def test_figures_of_a_case():
    newton, step = BY_NAME["newton"], BY_NAME["kmeans_step"]
    found = [compiled.figures(c, compiled.lanes_of(c, wg.jit), wg.jit, SHORT) for c in (newton, step)]
    assert set(found[0]["ratios"]) == {*compiled.RATIOS, *(compiled.C_RATIOS if peers_c.COMPILER else ())}
    assert set(compiled.RATIOS) - set(found[1]["ratios"]) == set(compiled.SLOPE_RATIOS)  # its derivative is no gradient
    groups = compiled.means_of_groups(found)
    name = "jax / wengert, value"
    each = [figures["ratios"][name]["median"] for figures in found]
    assert groups["all"][name] == pytest.approx(np.sqrt(each[0] * each[1]))
    assert set(groups) == {newton.group, step.group, "all"}


@pytest.mark.skipif(compiled.jax is None, reason="JAX is not installed")
def test_a_wrong_case_is_not_printed(monkeypatch, capsys):
    right = compiled.peers_jax.newton

    def newton(a, b):
        return 1.00001 * right(a, b)

    monkeypatch.setattr(compiled.peers_jax, "newton", newton)
    monkeypatch.setattr(compiled, "CASES", (BY_NAME["newton"], BY_NAME["horner"], BY_NAME["lse"]))
    monkeypatch.setattr(compiled, "QUICK", SHORT)
    monkeypatch.setattr(compiled, "use_one_core", lambda: None)
    monkeypatch.setattr(sys, "argv", ["compiled", "--quick"])
    with pytest.raises(SystemExit) as end:
        compiled.main()
    assert "not timed: newton: jax value is off by" in end.value.code and "lse" not in end.value.code
    rows = capsys.readouterr().out
    assert "\nlse n=2500" in rows and "\nnewton" not in rows
    assert rows.count("\nhorner n=100") == (1 if peers_c.COMPILER is None else 2)  # in the table beside C, too


@pytest.mark.parametrize("lane", start.LANES)
def test_a_first_call_in_a_new_process(lane, tmp_path):
    """Nothing that belongs to it was imported before; the second process finds what the first has left."""
    command = ("-m", "benchmarks.start", "--one", "wengert", "0", lane)
    assert printed(*command, WENGERT_CACHE=str(tmp_path), PYTHONPATH=str(ROOT)) > 0
    left = sorted(tmp_path.iterdir())
    assert printed(*command, WENGERT_CACHE=str(tmp_path), PYTHONPATH=str(ROOT)) > 0
    assert len(left) > 2 and sorted(tmp_path.iterdir()) == left
