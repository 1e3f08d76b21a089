"""Staged programs against eager mode and plain Python: `python -m benchmarks.staged`.

The programs are those of tests/programs/.  Value and gradient are verified before anything is timed.  Staged programs
run through the interpreter, so a value costs more than in Python; what staging saves is the eager gradient's recording.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "tests"))

import argparse
import gc
from typing import Any

import numpy as np

import wengert as wg
from benchmarks.timing import FULL, QUICK, digits, measure, ratio
from programs import PROGRAMS
from wengert.core.tree import flatten

NAMES = ("heat", "tridiagonal", "gaussian_mixture", "newton", "kalman", "kalman_matrices")
STEPS = 100
COLUMNS = "{:20}{:>12}{:>12}{:>14}{:>14}{:>22}{:>22}"


def numbers(tree: Any) -> Any:
    return np.concatenate([np.ravel(x) for x in flatten(tree)[0]])


def lanes_of(program: Any) -> dict[str, Any]:
    """Calls to take turns; "numpy" is the function as Python runs it."""
    f, args = program.function, program.sized(STEPS)
    staged, eager, both = wg.jit(f), wg.grad(f, program.argnums), wg.jit(wg.grad(f, program.argnums))
    np.testing.assert_allclose(staged(*program.sized(STEPS)), f(*program.sized(STEPS)), rtol=1e-12)
    np.testing.assert_allclose(numbers(both(*args)), numbers(eager(*args)), rtol=1e-10, atol=1e-12)
    return {
        "numpy": lambda: f(*args),
        "staged": lambda: staged(*args),
        "eager gradient": lambda: eager(*args),
        "staged gradient": lambda: both(*args),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.staged")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, noisier")
    effort = QUICK if parser.parse_args().quick else FULL
    lanes = {p.name: lanes_of(p) for p in PROGRAMS if p.name in NAMES and p.scalar}
    print(f"verified: {len(lanes)} programs; microseconds (minimum), ratios of times: median over the rounds")
    print(COLUMNS.format("", "Python", "staged", "eager grad", "staged grad", "eager/staged grad", "staged grad/value"))
    gc.freeze()
    for name, each in lanes.items():
        rounds = measure(each, effort)
        times = [digits(1e6 * min(map(min, rounds[tool]))) for tool in each]
        pairs = (("eager gradient", "staged gradient"), ("staged gradient", "staged"))
        print(COLUMNS.format(name, *times, *(f"{ratio(rounds, *pair)['median']:.2f}" for pair in pairs)), flush=True)


if __name__ == "__main__":
    main()
