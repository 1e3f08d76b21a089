"""Programs and their gradients as text, to be read: `NAME.txt` for some of `tests/programs/`.

`python -m golden` in `tests` writes them anew; `git diff` then shows what a change of front end, transforms or passes
does.
"""

import re
from pathlib import Path

import numpy as np

import wengert as wg
from programs import PROGRAMS
from wengert.core.tree import flatten

NAMES = """bisection branching_map cholesky_slices exponential_smoothing first_set_in_branch floyd_warshall
    heat_in_place hidden_markov kepler masked matrix_product
    newton skip_and_stop thomas triangular_solve work_array""".split()
HEADINGS = "what runs", "what reverse mode keeps, and why", "its gradient, what runs"


def summed(f):
    """The sum of all that f returns, under the name of f."""

    def total(*args):
        return sum([np.sum(x) for x in flatten(f(*args))[0]])

    total.__name__ = f.__name__
    return total


def page(name):
    """The golden file of a program; without numbers of lines, which every edit would change."""
    (program,) = [p for p in PROGRAMS if p.name == name]
    f = program.function if program.scalar else summed(program.function)
    parts = [
        wg.program(program.function, *program.args()),
        wg.kept(program.function, *program.args()),
        wg.program(wg.grad(f, program.argnums), *program.args()),
    ]
    text = f'"""{program.function.__doc__}"""\n\n'
    text += "\n\n".join(f"=== {heading}\n\n{part}" for heading, part in zip(HEADINGS, parts)) + "\n"
    text = re.sub(r"# (\S+, )?line \d+: ", "# ", text)
    return re.sub(r", lines? \d+(-\d+)?:", ":", without_lines(text))


def without_lines(text):
    """The tables of what is kept without their column of lines."""
    out, cut = [], None
    for line in text.splitlines():
        if "from" in line and line.rstrip().endswith("line  why"):
            cut = line.index("line  why")
        elif not line.startswith(" "):
            cut = None
        is_row = cut is not None and re.fullmatch(r"(line|\d+)? *", line[cut : cut + 6]) and len(line) > cut
        out.append((line[:cut] + line[cut + 6 :]).rstrip() if is_row else line)
    return "\n".join(out) + "\n"


SOURCES = """alternating_sum bisection branching_map cholesky exponential_smoothing floyd_warshall garch
    givens heat_in_place hidden_markov kalman k_means kepler lstm lu matrix_product newton skip_and_stop thomas
    triangular_solve work_array viterbi tridiagonal simpson logistic_regression gaussian_mixture cheapest_path
    histogram neighbours swapped arc_length chained""".split()


def source_page(name):
    """A program as plain NumPy, and its gradient; the way back from its result where that is no number."""
    (program,) = [p for p in PROGRAMS if p.name == name]
    f = program.function
    if program.scalar:
        heading, derivative = "its gradient", wg.source(wg.grad(f, program.argnums), *program.args())
    else:
        heading, derivative = "its way back", wg.source(f, *program.args(), mode="reverse")
    sources = wg.source(f, *program.args()), derivative
    return f'"""{f.__doc__}"""\n\n' + f"\n\n# ---- {heading}\n\n".join(sources)


def path_of(name):
    return Path(__file__).parent / f"{name}.txt"


def source_path_of(name):
    return Path(__file__).parent / "sources" / f"{name}.txt"
