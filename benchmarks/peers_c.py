"""The loops over numbers of `compiled_cases` in C (`peers_c.c`): what they take as machine code written by hand.

The C is compiled once in a run, without flags that change the arithmetic.  A call through ctypes takes longer than many
of these functions, so that calls are repeated and timed in C.  No time of C holds a call from Python, checks of
arguments or new arrays for the results, as times of the other tools do, and calls of short functions overlap in the
processor: it is a floor, not a tie.
"""

import ctypes
import functools
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.compiled_cases import CASES, NUMBERS, Case
from benchmarks.timing import Lane, Repeated

COMPILER = shutil.which("cc")
FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-ffp-contract=off")  # ours contracts no products and sums either
SOURCE = Path(__file__).with_suffix(".c")

TYPES = {int: ("long", ctypes.c_long), float: ("double", ctypes.c_double)}
ARRAY = "const double *", np.ctypeslib.ndpointer(float, flags="C")
SLOPE = "double *", np.ctypeslib.ndpointer(float, flags="C")

# the pointer is volatile, so that no call is taken out of the loop or into it
REPEATED = """
double {name}_seconds(long calls, {parameters}) {{
    __typeof__({name}) *volatile f = {name};
    volatile double sink;
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (long i = 0; i < calls; i++) sink = f({arguments});
    clock_gettime(CLOCK_MONOTONIC, &end);
    (void)sink;
    return (end.tv_sec - start.tv_sec) + 1e-9 * (end.tv_nsec - start.tv_nsec);
}}
"""


def version() -> str:
    if COMPILER is None:
        return "none: no figures of C"
    said = subprocess.run([COMPILER, "--version"], capture_output=True, check=True, text=True).stdout
    return said.partition("\n")[0]


def lanes(case: Case) -> dict[str, Lane]:
    """Of every loop over numbers; none without a compiler."""
    if COMPILER is None or case.group != NUMBERS:
        return {}
    given, slopes = arguments(case)
    value, gradient = function(case.name, given, []), function(f"{case.name}_gradient", given, slopes)

    def both() -> Any:
        return gradient(), tuple(slopes)

    return {"c value": value, "c gradient": Repeated(both, gradient.seconds)}


def arguments(case: Case) -> tuple[list[Any], list[Any]]:
    """What a function of C is given, and where its gradient writes."""
    lengths = [len(x) for x in case.args if isinstance(x, np.ndarray)]
    return [*lengths[:1], *case.args], [np.empty(np.shape(case.args[i])) for i in case.argnums]


def function(name: str, given: Sequence[Any], slopes: Sequence[Any]) -> Repeated:
    f, seconds = library()[name], library()[f"{name}_seconds"]
    types = [kind for _, kind in types_of(given, slopes)]
    f.argtypes, seconds.argtypes = types, [ctypes.c_long, *types]
    f.restype = seconds.restype = ctypes.c_double
    return Repeated(lambda: f(*given, *slopes), lambda calls: seconds(calls, *given, *slopes))


def types_of(given: Sequence[Any], slopes: Sequence[Any]) -> list[Any]:
    return [TYPES.get(type(x), ARRAY) for x in given] + [SLOPE] * len(slopes)


@functools.cache
def library() -> ctypes.CDLL:
    """The functions, and one beside each that repeats it."""
    cases = {case.name: arguments(case) for case in CASES if case.group == NUMBERS}
    text = f'#include <time.h>\n#include "{SOURCE}"\n'
    for name, (given, slopes) in cases.items():
        text += repeated(name, types_of(given, [])) + repeated(f"{name}_gradient", types_of(given, slopes))
    with TemporaryDirectory() as folder:
        source, target = Path(folder, "peers.c"), Path(folder, "peers.so")
        source.write_text(text)
        subprocess.run([str(COMPILER), *FLAGS, "-shared", "-fPIC", "-o", target, source, "-lm"], check=True)
        return ctypes.CDLL(str(target))


def repeated(name: str, types: Sequence[Any]) -> str:
    parameters = ", ".join(f"{kind} x{i}" for i, (kind, _) in enumerate(types))
    return REPEATED.format(name=name, parameters=parameters, arguments=", ".join(f"x{i}" for i in range(len(types))))
