"""How benchmarks measure: tools take turns, ratios are formed in each round.  Nothing here imports a tool."""

import gc
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any

Lane = Callable[[], Any]
Rounds = dict[str, list[list[float]]]  # tool -> one list of seconds for each round


@dataclass(frozen=True)
class Effort:
    """How long to measure: seconds for a case and for one turn of one tool, fewest rounds, runs of what is a start."""

    case: float
    turn: float
    rounds: int
    starts: int


FULL = Effort(case=4.0, turn=0.03, rounds=7, starts=5)
QUICK = Effort(case=0.4, turn=0.005, rounds=3, starts=3)
BATCH = 20e-6  # seconds: what is shorter is called several times between two looks at the clock, which takes 0.1 µs


@dataclass(frozen=True)
class Repeated:
    """A lane that repeats and times its calls itself; `seconds` is for all of them."""

    call: Lane
    seconds: Callable[[int], float]

    def __call__(self) -> Any:
        return self.call()


def timed(lane: Lane, calls: int = 1) -> float:
    """Seconds for one call."""
    if isinstance(lane, Repeated):
        return lane.seconds(calls) / calls
    start = perf_counter()
    for _ in range(calls):
        lane()
    return (perf_counter() - start) / calls


def measure(lanes: dict[str, Lane], effort: Effort) -> Rounds:
    """Rounds of turns, after a warm-up.

    The collector stays on, but nobody pays for others: before each turn the garbage of the last one is collected, and
    `main` has frozen what the imports made (PyTorch's modules alone make a full collection take 0.1 s).
    """
    once = {tool: min(timed(lane), timed(lane)) for tool, lane in lanes.items()}
    batch = {tool: max(1, int(BATCH / seconds)) for tool, seconds in once.items()}
    turn = {tool: max(1, int(effort.turn / (batch[tool] * seconds))) for tool, seconds in once.items()}
    rounds: Rounds = {tool: [] for tool in lanes}
    end = perf_counter() + effort.case
    while perf_counter() < end or len(next(iter(rounds.values()))) < effort.rounds:
        for tool, lane in lanes.items():
            gc.collect()
            rounds[tool].append([timed(lane, batch[tool]) for _ in range(turn[tool])])
    return rounds


def ratio(rounds: Rounds, above: str, below: str) -> dict[str, float]:
    """Time over time: the median over the rounds, and the quartiles around it."""
    each = [median(a) / median(b) for a, b in zip(rounds[above], rounds[below])]
    low, middle, high = quantiles(each, n=4, method="inclusive")
    return {"low": low, "median": middle, "high": high}


def microseconds(rounds: Rounds, steps: int = 1) -> dict[str, dict[str, float]]:
    """For each tool the least and the middle of its times, over the operations in one call."""
    micro = 1e6 / steps
    return {
        tool: {"min": micro * min(map(min, turns)), "median": micro * median(map(median, turns))}
        for tool, turns in rounds.items()
    }


# ---------------------------------------------------------------- new processes


def printed(*arguments: str, **variables: str) -> float:
    """The number that Python prints in a process with these variables.

    It may keep the code of modules, as an installation does.
    """
    environment = {**os.environ, **variables}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    found = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=environment)
    if found.returncode:
        raise SystemExit(found.stderr)
    return float(found.stdout)


def import_seconds(module: str) -> float:
    """Without the start of Python itself."""
    return printed("-c", f"from time import perf_counter as now; start = now(); import {module}; print(now() - start)")


# ---------------------------------------------------------------- text


def digits(number: float) -> str:
    return f"{number:.{2 if number < 10 else 1 if number < 1000 else 0}f}"


def cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
