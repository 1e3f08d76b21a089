"""The programs of tests/programs as machine code: values and derivatives are those of the interpreter.

Each also runs in a build that checks every load and store, and a second analysis verifies what its buffers hold.
"""

import numpy as np
import pytest
import scipy.special

import lifetimes
import wengert as wg
from machine_code import agree, derived, is_refused, staged
from programs import PROGRAMS
from wengert.backends.llvm.frame import Unsupported
from wengert.backends.llvm.program import lowered
from wengert.core.tree import flatten, unflatten

POINTS = [point for program in PROGRAMS for point in program.points()]
SAMPLE = PROGRAMS[::4]  # for what takes long to compile


def each(programs):
    return pytest.mark.parametrize("program", programs, ids=[program.name for program in programs])


def follow(program, kinds, test, args=None):
    """test(program, operands) for derivatives of these kinds."""
    args = program.args() if args is None else args
    functions = derived(program.function, args, program.argnums, program.scalar)
    refused = []
    for kind in kinds:
        try:
            test(*staged(functions[kind], *args))
        except Exception as error:
            if not is_refused(error):
                raise
            refused.append(f"{kind}: {error}")
    if refused:
        pytest.skip("; ".join(refused))


@each(POINTS)
def test_values_and_derivatives(program):
    follow(program, ["value", "gradient", "forward"], agree)


@each(SAMPLE)
def test_second_derivatives(program):
    follow(program, ["second"], agree)


@each(SAMPLE)
def test_single_precision(program):
    leaves, structure = flatten(program.args())
    single = [x.astype(np.float32) if getattr(x, "dtype", None) == np.float64 else x for x in leaves]
    follow(program, ["value", "gradient"], agree, unflatten(structure, single))


@each(PROGRAMS)
def test_loads_and_stores_lie_in_their_memory(program):
    follow(program, ["gradient"], lambda *case: agree(*case, checked=True))


@each(PROGRAMS)
def test_buffers_hold_what_is_read(program):
    kinds = ["value", "gradient", "forward", *(["second"] if program in SAMPLE else [])]
    follow(program, kinds, lambda found, operands: lifetimes.verify(lowered(found, checked=True)))


def test_few_have_no_machine_code():
    refused = 0
    for program in PROGRAMS:
        try:
            lowered(staged(program.function, *program.args())[0])
        except (Unsupported, wg.Diagnostic):
            refused += 1
    assert refused <= 0.05 * len(PROGRAMS)


def column_beside_row(a, x, y):
    """The column lies in memory where a larger array was: it is no place for the result."""
    large = np.sin(a)
    large[0, 0] = 1.0
    total = np.sum(large * large)
    column = x + total
    column[0] = 2.0
    found = scipy.special.betaln(column.reshape(3, 1), y)
    return found * np.sum(found)


def test_a_repeated_operand_is_no_place_for_the_result():
    args = np.full((3, 4), 0.7), np.array([1.5, 0.4, 0.6]), np.array([1.2, 0.3, 2.2, 0.8])
    agree(*staged(column_beside_row, *args))
