"""Compiled functions and their gradients against JAX, Autograd and C, in one run: `python -m benchmarks.compiled`.

Every value and gradient is verified before it is timed; a case in which two tools disagree is not timed, and the exit
code is 1.  One thread on one core.  Tools take turns, so that a slow moment of a shared machine hits all of them.
"""

import os
import sys
from pathlib import Path

# read once, when NumPy and JAX are imported
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ.update(JAX_ENABLE_COMPILATION_CACHE="false", WENGERT_CACHE="off")  # first calls compile
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "tests"))  # the programs

import argparse
import functools
import gc
import json
import platform
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from math import inf
from statistics import geometric_mean
from types import FunctionType
from typing import Any

import autograd
import numpy as np

import wengert as wg
from benchmarks import peers_autograd, peers_c
from benchmarks.compiled_cases import CASES, GROUPS, NUMBERS, Case
from benchmarks.timing import FULL, QUICK, Effort, Lane, Rounds, cpu_name, digits, measure, microseconds, ratio, timed
from wengert.core.tree import flatten

try:
    import jax
    import jax.numpy as jnp

    from benchmarks import peers_jax
except ImportError:  # the tests run without it
    jax = None

Jit = Callable[[Callable[..., Any]], Callable[..., Any]]
TOLERANCE = 1e-9  # relative to the largest element of each array


class Disagreement(Exception):
    """Two tools compute different numbers: timing them would compare different work."""


# ---------------------------------------------------------------- calls to time


def fresh(f: Callable[..., Any]) -> Callable[..., Any]:
    """Another function with the same code, for which no tool has anything at hand."""
    return FunctionType(f.__code__, f.__globals__, f.__name__, f.__defaults__, f.__closure__)


def of_wengert(case: Case, jit: Jit) -> dict[str, Lane]:
    own = replace(case, f=fresh(case.f), derived=case.derived and fresh(case.derived))
    value, gradient = jit(fresh(case.f)), jit(own.derivative)
    return {
        "wengert value": functools.partial(value, *case.args),
        "wengert gradient": functools.partial(gradient, *case.args),
    }


def of_jax(case: Case) -> dict[str, Lane]:
    """Integers are lengths, which JAX wants to know; all else is on its device already."""
    if jax is None:
        return {}
    f = fresh(getattr(peers_jax, case.name))
    lengths = tuple(i for i, x in enumerate(case.args) if isinstance(x, int))
    args = [x if i in lengths else jax.tree.map(jnp.asarray, x) for i, x in enumerate(case.args)]
    value = jax.jit(f, static_argnums=lengths)
    derived = fresh(getattr(peers_jax, case.name + "_derived")) if case.derived else None
    gradient = jax.jit(derived or peers_jax.value_and_grad(f, case.argnums), static_argnums=lengths)
    return {
        "jax value": lambda: jax.block_until_ready(value(*args)),
        "jax gradient": lambda: jax.block_until_ready(gradient(*args)),
    }


def of_autograd(case: Case) -> dict[str, Lane]:
    if case.derived:
        gradient = getattr(peers_autograd, case.name + "_derived")
    else:
        gradient = autograd.value_and_grad(peers_autograd.peer(case.name, case.f), case.argnums)
    return {"autograd gradient": functools.partial(gradient, *case.args)}


def of_python(case: Case) -> dict[str, Lane]:
    return {"python value": functools.partial(case.f, *case.args)}


def lanes_of(case: Case, jit: Jit) -> dict[str, Lane]:
    return {**of_python(case), **of_autograd(case), **of_jax(case), **of_wengert(case, jit), **peers_c.lanes(case)}


# ---------------------------------------------------------------- verification


def verify(case: Case, lanes: dict[str, Lane]) -> None:
    """Values against plain Python's, derivatives against Autograd's, which shares no code with the others."""
    value, gradient = lanes["python value"](), lanes["autograd gradient"]()
    if not case.derived:
        compare("autograd's value", gradient[0], value)
    for tool in ("wengert", "jax", "c"):
        if f"{tool} value" in lanes:
            compare(f"{tool} value", lanes[f"{tool} value"](), value)
            compare(f"{tool} gradient", lanes[f"{tool} gradient"](), gradient)


def compare(what: str, found: Any, expected: Any) -> None:
    found, expected = arrays(found), arrays(expected)
    if [x.shape for x in found] != [x.shape for x in expected]:
        raise Disagreement(f"{what} has other shapes")
    for x, y in zip(found, expected):
        error, size = np.max(np.abs(x - y), initial=0.0), np.max(np.abs(y), initial=0.0)
        if not error <= TOLERANCE * size:  # nan is a disagreement, too
            raise Disagreement(f"{what} is off by {error:.1e}, where the largest number is {size:.1e}")


def arrays(result: Any) -> list[Any]:
    return [np.asarray(x) for x in flatten(result)[0]]


# ---------------------------------------------------------------- timing

TOOL_RATIOS = {
    "jax / wengert, value": ("jax value", "wengert value"),
    "jax / wengert, gradient": ("jax gradient", "wengert gradient"),
    "autograd / wengert, gradient": ("autograd gradient", "wengert gradient"),
}
SLOPE_RATIOS = {
    "gradient / value, wengert": ("wengert gradient", "wengert value"),
    "gradient / value, jax": ("jax gradient", "jax value"),
}
FIRST_RATIOS = {
    "first call, jax / wengert, value": ("jax value", "wengert value"),
    "first call, jax / wengert, gradient": ("jax gradient", "wengert gradient"),
}
RATIOS = (*TOOL_RATIOS, *SLOPE_RATIOS, *FIRST_RATIOS)  # columns of the main table
C_RATIOS = {
    "wengert / C, value": ("wengert value", "c value"),
    "jax / C, value": ("jax value", "c value"),
    "wengert / C, gradient": ("wengert gradient", "c gradient"),
    "jax / C, gradient": ("jax gradient", "c gradient"),
}


def figures(case: Case, lanes: dict[str, Lane], jit: Jit, effort: Effort) -> dict[str, Any]:
    first, rounds = first_calls(case, jit, effort), measure(lanes, effort)
    warm = {**TOOL_RATIOS, **({} if case.derived else SLOPE_RATIOS), **(C_RATIOS if "c value" in lanes else {})}
    return {
        "group": case.group,
        "microseconds": microseconds(rounds),
        "first call, microseconds": microseconds(first),
        "ratios": {
            **{name: ratio(rounds, *pair) for name, pair in warm.items()},
            **{name: ratio(first, *pair) for name, pair in FIRST_RATIOS.items()},
        },
    }


def first_calls(case: Case, jit: Jit, effort: Effort) -> Rounds:
    """From a function to its first result, by tools in turn: stage or trace, transform, compile and run."""
    rounds: Rounds = {}
    for _ in range(effort.starts):
        for lane, call in {**of_wengert(case, jit), **of_jax(case)}.items():
            gc.collect()
            rounds.setdefault(lane, []).append([timed(call)])
    return rounds


def means(cases: list[dict[str, Any]]) -> dict[str, float]:
    """Geometric means over the cases."""
    names = (*RATIOS, *C_RATIOS)
    each = {name: [case["ratios"][name]["median"] for case in cases if name in case["ratios"]] for name in names}
    return {name: geometric_mean(figures) for name, figures in each.items() if figures}


def means_of_groups(cases: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    members = {group: [each for each in cases if each["group"] == group] for group in GROUPS}
    return {group: means(each) for group, each in {**members, "all": cases}.items() if each}


# ---------------------------------------------------------------- goals

ANY = inf
# what is asked for: at least, at most
OF_EACH = {
    "gradient / value, wengert": (0.0, 4.0),
    "first call, jax / wengert, value": (2.0, ANY),
    "first call, jax / wengert, gradient": (2.0, ANY),
}
OF_NUMBERS = {
    **OF_EACH,
    "jax / wengert, value": (10.0, ANY),
    "jax / wengert, gradient": (10.0, ANY),
    "autograd / wengert, gradient": (100.0, ANY),
}
OF_ALL = {
    "gradient / value, wengert": (0.0, 2.2),
    "first call, jax / wengert, value": (3.0, ANY),
    "first call, jax / wengert, gradient": (3.0, ANY),
}


def marked(ratios: dict[str, float], goals: dict[str, tuple[float, float]]) -> list[str]:
    """As columns; empty where there is no such ratio."""
    return [mark(ratios[name], *goals.get(name, (0.0, ANY))) if name in ratios else "" for name in RATIOS]


def mark(figure: float, least: float, most: float) -> str:
    return digits(figure) + ("" if least <= figure <= most else "!")


# ---------------------------------------------------------------- report

LABEL, TIME, RATIO = "{:33}", "{:>8}", "{:>9}"
COLUMNS = f"{LABEL}{TIME * 6}  |{RATIO * 5}  |{TIME * 4}{RATIO * 2}"
LANES = ("python value", "wengert value", "wengert gradient", "jax value", "jax gradient", "autograd gradient")
COMPILED = LANES[1:5]
WARM = len(TOOL_RATIOS) + len(SLOPE_RATIOS)


def print_headings() -> None:
    print("\nf: value; g: value and gradient; wg: wengert, ag: Autograd; !: misses its goal")
    print("warm calls in µs, minimum of the turns; first calls in ms, median; ratios of times, median over the rounds")
    times, ratios = ("python f", "wg f", "wg g", "jax f", "jax g", "ag g"), ("jax/wg f", "jax/wg g", "ag/wg g")
    first = ("wg f", "wg g", "jax f", "jax g", "jax/wg f", "jax/wg g")
    print(COLUMNS.format("", "warm", *[""] * 10, "first", *[""] * 5).rstrip())
    print(COLUMNS.format("", *times, *ratios, "g/f wg", "g/f jax", *first))


def print_case(label: str, found: dict[str, Any]) -> None:
    warm, first = found["microseconds"], found["first call, microseconds"]
    goals = OF_NUMBERS if found["group"] == NUMBERS else OF_EACH
    ratios = marked({name: each["median"] for name, each in found["ratios"].items()}, goals)
    row = COLUMNS.format(
        label,
        *[digits(warm[lane]["min"]) for lane in LANES],
        *ratios[:WARM],
        *[digits(first[lane]["median"] / 1e3) for lane in COMPILED],
        *ratios[WARM:],
    )
    print(row, flush=True)


def print_means(found: dict[str, dict[str, float]]) -> None:
    print("\ngeometric means")
    for group, each in found.items():
        ratios = marked(each, OF_ALL if group == "all" else {})
        print(COLUMNS.format(group, *[""] * 6, *ratios[:WARM], *[""] * 4, *ratios[WARM:]))


BESIDE_C = f"{LABEL}{f'  |{TIME * 3}{RATIO * 2}' * 2}"


def print_beside_c(cases: dict[str, dict[str, Any]], mean: dict[str, float]) -> None:
    """With C's time as the unit: jax/C is what jax/wg would be, if calls of wengert took as long as those of C."""
    print("\nloops over numbers beside C, which is called in C; warm calls in µs")
    print(BESIDE_C.format("", *[f"{name} {what}" for what in "fg" for name in ("C", "wg", "jax", "wg/C", "jax/C")]))
    for label, found in cases.items():
        ratios = {name: each["median"] for name, each in found["ratios"].items()}
        print(BESIDE_C.format(label, *beside_c(found["microseconds"], ratios)))
    print(BESIDE_C.format("geometric means", *beside_c({}, mean)))


def beside_c(warm: dict[str, dict[str, float]], ratios: dict[str, float]) -> list[str]:
    columns = []
    for what in ("value", "gradient"):
        lanes = [f"{tool} {what}" for tool in ("c", "wengert", "jax")]
        columns += [digits(warm[lane]["min"]) if warm else "" for lane in lanes]
        columns += [digits(ratios[f"{tool} / C, {what}"]) for tool in ("wengert", "jax")]
    return columns


def machine(backend: str | None) -> dict[str, Any]:
    return {
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "backend": backend or "default",
        "python": platform.python_version(),
        **{package: version(package) for package in ("wengert", "numpy", "jax", "autograd")},
        "C compiler": peers_c.version(),
    }


# ---------------------------------------------------------------- command line


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compiled", description=(__doc__ or "").partition("\n")[0]
    )
    names = sorted({case.name for case in CASES})
    parser.add_argument("--quick", action="store_true", help="fewer rounds, noisier")
    parser.add_argument("--only", metavar="NAME", nargs="+", choices=names, help=f"some of: {', '.join(names)}")
    parser.add_argument("--backend", choices=("numpy", "llvm"), help="of wg.jit (the default: its own)")
    parser.add_argument("--json", metavar="PATH", type=Path, help="write the figures")
    return parser.parse_args()


def jit_with(backend: str | None) -> Jit:
    return wg.jit if backend is None else functools.partial(wg.jit, backend=backend)


def use_one_core() -> None:
    """Threads of any tool then share it.  Only Linux can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def run(case: Case, jit: Jit, effort: Effort) -> dict[str, Any]:
    lanes = lanes_of(case, jit)
    verify(case, lanes)
    gc.collect()
    gc.freeze()
    return figures(case, lanes, jit, effort)


def main() -> None:
    chosen = arguments()
    if jax is None:
        sys.exit("JAX is missing: pip install -e '.[bench]'")
    use_one_core()
    jit, effort = jit_with(chosen.backend), QUICK if chosen.quick else FULL
    report: dict[str, Any] = {"machine": machine(chosen.backend), "cases": {}, "not timed": []}
    print("   ".join(f"{key} {value}" for key, value in report["machine"].items()))
    print(f"each case: every value and gradient agrees within {TOLERANCE:.0e} (relative), or it is not timed")
    print_headings()
    for case in CASES:
        if chosen.only is None or case.name in chosen.only:
            try:
                report["cases"][case.label] = run(case, jit, effort)
            except (Disagreement, wg.Diagnostic) as wrong:
                report["not timed"].append(f"{case.label}: {wrong}")
                continue
            print_case(case.label, report["cases"][case.label])
    if report["cases"]:
        report["geometric means"] = means_of_groups(list(report["cases"].values()))
        print_means(report["geometric means"])
    written_in_c = {label: case for label, case in report["cases"].items() if "c value" in case["microseconds"]}
    if written_in_c:
        print_beside_c(written_in_c, report["geometric means"][NUMBERS])
    if chosen.json:
        chosen.json.write_text(json.dumps(report, indent=2) + "\n")
    if report["not timed"]:
        sys.exit("\n".join(f"not timed: {why}" for why in report["not timed"]))


if __name__ == "__main__":
    main()
