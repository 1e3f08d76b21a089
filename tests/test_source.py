"""Programs as plain NumPy: the text runs on its own and gives the same numbers."""

import inspect
import subprocess
import sys
import traceback
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

import wengert as wg
from golden import summed
from programs import PROGRAMS
from staging import interpreted
from test_programs import leaves
from wengert.core.primitive import TABLE
from wengert.core.tree import map_leaves
from wengert.inspect.source.entry import is_moving

CASES = [pytest.param(p, id=p.name) for p in PROGRAMS]
same = dict(rtol=1e-11, atol=1e-13)


def alone(source):
    """The function of a text, run without anything of wengert."""
    assert "wengert" not in source
    space = {}
    exec(compile(str(source), "<alone>", "exec"), space)
    return space[source.name]


@pytest.mark.parametrize("program", CASES)
def test_value(program):
    """Arguments are written as the program writes them."""
    args, expected_args = program.args(), program.args()
    expected = interpreted(program.function)(*expected_args)
    found = alone(wg.source(program.function, *program.args()))(*args)
    np.testing.assert_allclose(leaves(found), leaves(expected), **same)
    np.testing.assert_allclose(leaves(args), leaves(expected_args), **same)


@pytest.mark.parametrize("program", CASES)
def test_gradient(program):
    """Arguments stay as they are."""
    f = wg.grad(program.function if program.scalar else summed(program.function), program.argnums)
    args = program.args()
    found = alone(wg.source(f, *program.args()))(*args)
    np.testing.assert_allclose(leaves(found), leaves(interpreted(f)(*program.args())), **same)
    np.testing.assert_array_equal(leaves(args), leaves(program.args()))


@pytest.mark.parametrize("program", [case for case in CASES if case.values[0].argnums == (0,)])
def test_forward(program):
    """Values and tangents along the arguments themselves."""
    args = program.args()
    if any(isinstance(x, float | np.ndarray | dict | list | tuple) for x in args[1:]):
        pytest.skip("more of its arguments take tangents")
    found = alone(wg.source(program.function, *args, mode="forward"))(*program.args(), program.args()[0])
    f = lambda x: program.function(x, *program.args()[1:])  # noqa: E731
    np.testing.assert_allclose(leaves(found), leaves(wg.jvp(f, args[:1], program.args()[:1])), **same)


@pytest.mark.parametrize("program", CASES)
def test_reverse(program):
    """Values and cotangents, of all that a program returns and all of its float arguments."""
    random = np.random.default_rng(0)
    args, staged = program.args(), interpreted(program.function)
    moved = [i for i, x in enumerate(args) if is_moving(x)]
    if not moved:
        pytest.skip("no argument takes a cotangent")

    def f(*xs):
        every = list(program.args())
        for i, x in zip(moved, xs):
            every[i] = x
        return staged(*every)

    out, pull = wg.vjp(f, *[args[i] for i in moved])
    seed = map_leaves(lambda x: np.asarray(random.normal(size=np.shape(x)))[()], out)
    found = alone(wg.source(program.function, *program.args(), mode="reverse"))(*program.args(), seed)
    np.testing.assert_allclose(leaves(found), leaves((out, pull(seed))), **same)


def test_text():
    """The user's names and lines; what is read once stands where it is read."""

    def damped(x, n):
        s = 0.0
        for i in range(n):
            s = 0.5 * s + np.sin(x[i])
        return s

    assert str(wg.source(wg.grad(damped), np.ones(3), 3)) == TEXT


TEXT = """\
import numpy as np


def grad_damped(x, n):
    x_bar = np.zeros(3)
    s_bar = 1.0
    # for i in range(n):
    for i in range(n - 1, -1, -1):
        # s = 0.5 * s + np.sin(x[i])
        x_bar[i] += np.cos(x[i]) * s_bar
        s_bar *= 0.5
    return x_bar
"""


def test_lines_are_seen_in_tracebacks_and_by_inspect():
    def root(x):
        while x * x > 2.0:
            x = x - (x * x - 2.0) / (2.0 * x)
        return x

    f = wg.source(root, 2.0).function()
    with pytest.raises(TypeError) as caught:
        f(None)
    assert "while x * x > 2.0" in "".join(traceback.format_exception(caught.value))
    assert "def root(x):\n" in inspect.getsource(f)


def test_written_arguments_are_written_in_place():
    def halve(a):
        a[0] = a[1] * a[1]
        return np.sum(a * a)

    text = wg.source(halve, np.ones(3))
    assert "    a[0] = " in text and "copy" not in text
    assert "    a = a.copy()\n" in wg.source(wg.grad(halve), np.ones(3))


def test_mode_is_checked():
    with pytest.raises(ValueError, match="mode is 'backward'"):
        wg.source(np.sin, 1.0, mode="backward")


def test_random_draws_have_no_text():
    def noisy(x):
        return x + np.random.normal()

    with pytest.raises(wg.Diagnostic, match="W603"):
        wg.source(noisy, 1.0)


def rows_with_examples():
    for name, row in TABLE.items():
        for k, (operands, params) in enumerate(row.examples):
            if not row.several and not row.effect:
                yield pytest.param(row, operands, params, id=f"{name}-{k}")
        if row.elementwise and not row.examples:
            yield pytest.param(row, tuple([(2, 3)] * len(row.operands)), {}, id=f"{name}-elementwise")


@pytest.mark.parametrize("row, operands, params", [*rows_with_examples()])
def test_row(row, operands, params):
    """Every row as it is written, with its own examples; a row that cannot be written says so."""
    random = np.random.default_rng(0)
    low, high = row.domain
    values = [x if isinstance(x, np.ndarray) else random.uniform(low, high, x)[()] for x in operands]
    f = lambda *xs: row(*xs, **params)  # noqa: E731
    try:
        with np.errstate(all="ignore"):
            expected = row.evaluate(*values, **params)
            source = wg.source(f, *values)
    except wg.Diagnostic as refused:
        assert refused.code in ("W602", "W603")
        pytest.skip(refused.because)
    except TypeError as wrong:
        pytest.skip(f"no operands of floats: {wrong}")
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(leaves(alone(source)(*values)), leaves(expected), **same)


def test_prints(capsys):
    def talkative(x):
        print("begin", x[0], sep=": ")
        for i in range(len(x)):
            if x[i] > 0:
                print(f"{i}: {x[i]:.3f}", end=";\n")
        return np.sum(x**2)

    x = np.array([1.0, -2.0, 3.0])
    talkative(x)
    expected = capsys.readouterr().out
    for f in (talkative, wg.grad(talkative)):
        alone(wg.source(f, x))(x)
        assert capsys.readouterr().out == expected


STEPS = """
import numpy as np
import wengert as wg

def damped(x):
    s = 0.0
    for i in range(len(x)):
        s = 0.5 * s + np.sin(x[i])
    return s

gradient = wg.source(wg.grad(damped), np.ones(3)).function()
gradient(np.zeros(3))
"""


def test_steps_in_pdb(tmp_path):
    """A breakpoint at a line of the text; the debugger shows the line and the values of its names."""
    script = tmp_path / "script.py"
    script.write_text(STEPS)
    commands = "break 12\ncontinue\nstep\nnext\nnext\nnext\nnext\nnext\np s_bar, i\nwhere\nquit\n"
    run = [sys.executable, "-m", "pdb", str(script)]
    out = subprocess.run(run, input=commands, capture_output=True, text=True, timeout=60).stdout
    assert "-> x_bar[i] += np.cos(x[i]) * s_bar" in out
    assert "(1.0, 2)" in out
    assert "<wengert source 1: grad_damped>" in out


class Line(NamedTuple):
    slope: float
    offset: float


@dataclass
class Fit:
    line: Line
    error: float


def test_named_tuples_and_dataclasses_keep_their_kind():
    def fit(line, x):
        return Fit(Line(line.slope * 2.0, line.offset), np.sum((line.slope * x + line.offset) ** 2))

    args = Line(2.0, 1.0), np.ones(3)
    text = wg.source(fit, *args)
    assert "from test_source import Fit\nfrom test_source import Line\n" in text
    assert alone(text)(*args) == Fit(Line(4.0, 1.0), 27.0)

    def error(line, x):
        return fit(line, x).error

    assert alone(wg.source(wg.grad(error), *args))(*args) == Line(18.0, 18.0)


def test_classes_inside_functions_cannot_be_imported():
    class Point(NamedTuple):
        x: float

    with pytest.raises(wg.Diagnostic, match="returns a Point, whose class stands inside a function"):
        wg.source(lambda x: Point(2 * x), 1.0)
