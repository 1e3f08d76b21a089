"""What a new process pays before its first result: `python -m benchmarks.start`.

Each figure is from processes of their own: the import, and then the first call of a compiled function, with nothing on
disk, and with what an earlier process has left there.  JAX, where it is installed, has its cache on disk, too.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "tests"))  # the programs

import argparse
import json
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import wengert as wg
from benchmarks.compiled_cases import CASES, Case
from benchmarks.timing import FULL, QUICK, cpu_name, import_seconds, printed

# (name, size): loops, arrays, LAPACK, fifty lines
CHOSEN = (("simpson", ""), ("heat", "50 cells"), ("normal_density", ""), ("gmm", "d=10"))
LANES = ("value", "gradient")
GOAL, WITH_LAPACK = 0.050, 0.150  # seconds of a first call with kept code, after the imports
LIBRARIES = ("normal_density",)
RUNS = 3  # of processes for each start of `Effort`
JAX_CACHE = {
    "jax_enable_compilation_cache": True,
    "jax_persistent_cache_min_compile_time_secs": 0,
    "jax_persistent_cache_min_entry_size_bytes": -1,
}


def chosen() -> Iterator[Case]:
    return (next(c for c in CASES if c.name == name and size in c.size) for name, size in CHOSEN)


# ---------------------------------------------------------------- one process


def first_call(tool: str, number: int, lane: str) -> float:
    """Seconds in this process, which has imported all and compiled nothing."""
    case = list(chosen())[number]
    call = (of_wengert if tool == "wengert" else of_jax)(case, lane)
    begin = perf_counter()
    call()
    return perf_counter() - begin


def of_wengert(case: Case, lane: str) -> Callable[[], Any]:
    assert "llvmlite" not in sys.modules and "scipy.linalg" not in sys.modules, "these belong to the first call"
    f = case.f if lane == "value" else case.derivative
    return lambda: wg.jit(f)(*case.args)


def of_jax(case: Case, lane: str) -> Callable[[], Any]:
    folder = os.environ["JAX_COMPILATION_CACHE_DIR"]
    jax, compiled = import_module("jax"), import_module("benchmarks.compiled")  # which switches the cache off
    for name, value in {**JAX_CACHE, "jax_compilation_cache_dir": folder}.items():
        jax.config.update(name, value)
    return compiled.of_jax(case)[f"jax {lane}"]


# ---------------------------------------------------------------- many processes


def calls(tool: str, number: int, lane: str, runs: int) -> dict[str, list[float]]:
    """Of first calls with an empty folder, and with one that another process has filled."""
    call = partial(printed, "-m", "benchmarks.start", "--one", tool, str(number), lane)

    def within(folder: str) -> float:
        return call(WENGERT_CACHE=folder, JAX_COMPILATION_CACHE_DIR=folder)

    with TemporaryDirectory() as folder:
        empty = [within(f"{folder}/{i}") for i in range(runs)]
        return {"empty": empty, "kept": [within(f"{folder}/0") for _ in range(runs)]}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a third of the processes")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    parser.add_argument("--one", nargs=3, metavar=("TOOL", "CASE", "LANE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        tool, number, lane = options.one
        print(first_call(tool, int(number), lane))
        return
    runs = RUNS * (QUICK if options.quick else FULL).starts
    tools = ["wengert", *(["jax"] if find_spec("jax") else [])]
    print(f"{cpu_name()}; medians of {runs} new processes, in ms; in brackets the least")
    imports = {m: [import_seconds(m) for _ in range(runs + 1)][1:] for m in ("numpy", *tools)}
    print("import  ", *[f"{module} {shown(found)}   " for module, found in imports.items()])
    print(f"\n{'first call':32}" + "".join(f"{t + ' ' + w:>24}" for t in tools for w in ("compiles", "has kept code")))
    figures: dict[str, Any] = {"import": imports}
    for number, case in enumerate(chosen()):
        for lane in LANES:
            found = {tool: calls(tool, number, lane, runs) for tool in tools}
            figures[f"{case.name} {case.size} {lane}"] = found
            missed = median(found["wengert"]["kept"]) > (WITH_LAPACK if case.name in LIBRARIES else GOAL)
            columns = "".join(f"{shown(found[tool][how]):>24}" for tool in tools for how in ("empty", "kept"))
            print(f"{case.name + ' ' + case.size:22} {lane:9}{columns}{'  !' * missed}", flush=True)
    print(f"\n! misses the goal: {1e3 * GOAL:.0f} ms with kept code, {1e3 * WITH_LAPACK:.0f} where LAPACK is needed")
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=1))


def shown(found: list[float]) -> str:
    return f"{1e3 * median(found):.1f} ({1e3 * min(found):.1f})"


if __name__ == "__main__":
    main()
