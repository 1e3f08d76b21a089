"""Eager mode of wengert against Autograd and PyTorch, in one run: `python -m benchmarks.eager`.

Every gradient is verified before anything is timed; a disagreement ends the run with exit code 1.  One thread.
Tools take turns (A B C, A B C, ...), so that a slow moment of a shared machine hits all of them: a ratio is formed in
each round, of the medians of that round, and reported as the median over the rounds.  The garbage collector stays on.
"""

import os
import sys
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
    os.environ[variable] = "1"  # read once, when NumPy and PyTorch are imported
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `python benchmarks/eager.py`

import argparse
import json
import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from statistics import median
from time import perf_counter
from typing import Any

import torch

from benchmarks.cases import CASES, Case, Disagreement, Lane, verify

# ---------------------------------------------------------------- effort


@dataclass(frozen=True)
class Effort:
    """How long to measure: seconds for a case, for one turn of one tool, and the fewest rounds; runs of an import."""

    case: float
    turn: float
    rounds: int
    imports: int


FULL = Effort(case=3.5, turn=0.03, rounds=7, imports=5)
QUICK = Effort(case=0.4, turn=0.005, rounds=3, imports=3)

# ---------------------------------------------------------------- timing

Rounds = dict[str, list[list[float]]]  # lane -> one list of seconds for each round


def timed(lane: Lane) -> float:
    start = perf_counter()
    lane()
    return perf_counter() - start


def measure(lanes: dict[str, Lane], effort: Effort) -> Rounds:
    """Rounds of turns, after a warm-up."""
    once = {tool: min(timed(lane), timed(lane)) for tool, lane in lanes.items()}
    calls = {tool: max(1, int(effort.turn / seconds)) for tool, seconds in once.items()}
    rounds: Rounds = {tool: [] for tool in lanes}
    end = perf_counter() + effort.case
    while perf_counter() < end or len(rounds["numpy"]) < effort.rounds:
        for tool, lane in lanes.items():
            rounds[tool].append([timed(lane) for _ in range(calls[tool])])
    return rounds


def ratio(rounds: Rounds, above: str, below: str) -> float:
    """Time over time."""
    return median(median(a) / median(b) for a, b in zip(rounds[above], rounds[below]))


def figures(case: Case, rounds: Rounds) -> dict[str, Any]:
    micro = 1e6 / case.steps
    return {
        "microseconds": {
            tool: {"min": micro * min(map(min, turns)), "median": micro * median(map(median, turns))}
            for tool, turns in rounds.items()
        },
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
IMPORT_GOAL = 0.25  # seconds, wengert


def import_seconds(module: str) -> float:
    """In a fresh process, without the start of Python itself."""
    program = f"from time import perf_counter as now; start = now(); import {module}; print(now() - start)"
    return float(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout)


def run_imports(effort: Effort) -> dict[str, Any]:
    rounds = [{tool: import_seconds(module) for tool, module in MODULES.items()} for _ in range(effort.imports)]
    return {tool: min(seconds[tool] for seconds in rounds) for tool in MODULES}


# ---------------------------------------------------------------- report


def machine() -> dict[str, Any]:
    return {
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        **{package: version(package) for package in ("wengert", "numpy", "autograd", "torch")},
    }


def cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


TOOLS = ("wengert", "autograd", "torch", "numpy")
HEADINGS = (*TOOLS, "autograd/wg", "torch/wg", "wg/numpy", "goal")


def print_imports(seconds: dict[str, float]) -> None:
    print("\nimport, seconds in a fresh process (minimum)")
    print("  ".join(f"{tool} {seconds[tool]:.3f}" for tool in TOOLS), f" goal: wengert < {IMPORT_GOAL}", end="")
    print("" if seconds["wengert"] < IMPORT_GOAL else "  MISSED")


def print_headings() -> None:
    print("\nmicroseconds for a gradient, minimum:median; numpy: the function alone; * per operation")
    print(f"{'':22}", *[f"{heading:>16}" for heading in TOOLS], *[f"{heading:>11}" for heading in HEADINGS[4:]])


def print_case(name: str, found: dict[str, Any]) -> None:
    times = [found["microseconds"][tool] for tool in TOOLS]
    ratios = [found[key] for key in ("autograd / wengert", "torch / wengert", "wengert / numpy")]
    missed = "" if ratios[0] >= found["goal"] else "  MISSED"
    print(
        f"{name + ('*' if found['steps'] > 1 else ''):22}",
        *[f"{digits(t['min']) + ':' + digits(t['median']):>16}" for t in times],
        *[f"{r:>11.2f}" for r in ratios],
        f"{found['goal']:>11.1f}{missed}",
        flush=True,
    )


def digits(microseconds: float) -> str:
    return f"{microseconds:.2f}" if microseconds < 10 else f"{microseconds:.1f}" if microseconds < 1000 else f"{microseconds:.0f}"


# ---------------------------------------------------------------- command line


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.eager", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds: under 20 s, and noisier")
    parser.add_argument("--only", metavar="NAME", choices=["import", *CASES], help=f"one of: import, {', '.join(CASES)}")
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
    effort = QUICK if chosen.quick else FULL
    torch.set_num_threads(1)
    report: dict[str, Any] = {"machine": machine(), "cases": {}}
    print("  ".join(f"{key} {value}" for key, value in report["machine"].items()))
    cases = verified([name for name in CASES if chosen.only in (None, name)])
    print(f"verified: {len(cases)} cases, every gradient within 1e-8 of Autograd's")
    if chosen.only in (None, "import"):
        report["import seconds"] = run_imports(effort)
        print_imports(report["import seconds"])
    if cases:
        print_headings()
    for name, case in cases.items():
        report["cases"][name] = run_case(case, effort)
        print_case(name, report["cases"][name])
    if chosen.json:
        chosen.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
