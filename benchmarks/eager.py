"""Eager mode of wengert against Autograd and PyTorch, in one run: `python -m benchmarks.eager`.

Every gradient is verified before anything is timed; a disagreement ends the run with exit code 1.  One thread.
Tools take turns (A B C, A B C, ...), so that a slow moment of a shared machine hits all of them: a ratio is formed in
each round, of the medians of that round, and reported as the median over the rounds.  The garbage collector stays on.
"""

import os
import sys
from pathlib import Path

# read once, when NumPy and PyTorch are imported
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `python benchmarks/eager.py`

import argparse
import gc
import json
import platform
from importlib.metadata import version
from typing import Any

from benchmarks.cases import CASES, TOLERANCE, Case, Disagreement, torch, verify
from benchmarks.timing import (
    FULL,
    QUICK,
    Effort,
    Rounds,
    cpu_name,
    digits,
    import_seconds,
    measure,
    microseconds,
    ratio,
)

# ---------------------------------------------------------------- timing


def figures(case: Case, rounds: Rounds) -> dict[str, Any]:
    return {
        "microseconds": microseconds(rounds, case.steps),
        "autograd / wengert": ratio(rounds, "autograd", "wengert"),
        "torch / wengert": ratio(rounds, "torch", "wengert"),
        "wengert / numpy": ratio(rounds, "wengert", "numpy"),
        "rounds": len(rounds["numpy"]),
        "steps": case.steps,
        "goal": case.goal,
    }


def run_case(case: Case, effort: Effort) -> dict[str, Any]:
    return figures(case, measure({**case.lanes, "numpy": lambda: case.f(*case.args)}, effort))


# ---------------------------------------------------------------- import

MODULES = {"wengert": "wengert", "autograd": "autograd.numpy", "torch": "torch", "numpy": "numpy"}
IMPORT_GOAL = 0.25  # seconds


def run_imports(effort: Effort) -> dict[str, float]:
    rounds = [{tool: import_seconds(module) for tool, module in MODULES.items()} for _ in range(effort.starts)]
    return {tool: min(seconds[tool] for seconds in rounds) for tool in MODULES}


# ---------------------------------------------------------------- report


def machine() -> dict[str, Any]:
    return {
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        **{package: version(package) for package in ("wengert", "numpy", "autograd", "torch")},
    }


def print_imports(seconds: dict[str, float]) -> None:
    print("\nimport in a fresh process, seconds (minimum of the runs)")
    met = "" if seconds["wengert"] < IMPORT_GOAL else "   MISSED"
    print(*[f"   {tool} {t:.3f}" for tool, t in seconds.items()], f"   goal: wengert < {IMPORT_GOAL}{met}")


COLUMNS = "{:21}{:>16}{:>16}{:>16}{:>16}{:>20}{:>10}{:>10}{:>7}{}"


def print_headings() -> None:
    print("\nmicroseconds, minimum:median (* per operation); numpy: the function alone, without a derivative")
    print("ratios of times, median over the rounds [quartiles]; goal: autograd/wengert, at least")
    ratios = ("autograd/wengert", "torch/wg", "wg/numpy")
    print(COLUMNS.format("", "wengert", "autograd", "torch", "numpy", *ratios, "goal", ""))


def print_case(name: str, found: dict[str, Any]) -> None:
    times = [found["microseconds"][tool] for tool in ("wengert", "autograd", "torch", "numpy")]
    peer = found["autograd / wengert"]
    row = COLUMNS.format(
        name + "*" * (found["steps"] > 1),
        *[f"{digits(t['min'])}:{digits(t['median'])}" for t in times],
        f"{peer['median']:.2f} [{peer['low']:.2f},{peer['high']:.2f}]",
        *[f"{found[key]['median']:.2f}" for key in ("torch / wengert", "wengert / numpy")],
        found["goal"],
        "" if peer["median"] >= found["goal"] else "  MISSED",
    )
    print(row, flush=True)


# ---------------------------------------------------------------- command line


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.eager", description=(__doc__ or "").partition("\n")[0])
    names = ["import", *CASES]
    parser.add_argument("--quick", action="store_true", help="fewer rounds: under 20 s, and noisier")
    parser.add_argument("--only", metavar="NAME", choices=names, help=f"one of: {', '.join(names)}")
    parser.add_argument("--json", metavar="PATH", type=Path, help="write the figures")
    return parser.parse_args()


def verified(names: list[str]) -> dict[str, Case]:
    """The cases, every gradient checked; ends the program where one is wrong."""
    cases = {name: CASES[name]() for name in names}
    try:
        for name, case in cases.items():
            verify(name, case)
    except Disagreement as wrong:
        sys.exit(f"not timed: {wrong}")  # exit code 1
    return cases


def main() -> None:
    chosen = arguments()
    if torch is None:
        sys.exit("PyTorch is missing: pip install -e '.[bench]'")
    torch.set_num_threads(1)
    effort = QUICK if chosen.quick else FULL
    report: dict[str, Any] = {"machine": machine(), "cases": {}}
    print("   ".join(f"{key} {value}" for key, value in report["machine"].items()))
    cases = verified([name for name in CASES if chosen.only in (None, name)])
    print(f"verified: {len(cases)} cases, every gradient within {TOLERANCE:.0e} of Autograd's (relative)")
    if chosen.only in (None, "import"):
        report["import seconds"] = run_imports(effort)
        print_imports(report["import seconds"])
    if cases:
        print_headings()
    gc.collect()
    gc.freeze()
    for name, case in cases.items():
        report["cases"][name] = run_case(case, effort)
        print_case(name, report["cases"][name])
    if chosen.json:
        chosen.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
