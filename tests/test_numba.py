"""Printed sources of loops are so plain that Numba compiles them, function and gradient."""

import types

import numpy as np
import pytest

import wengert as wg
from programs import PROGRAMS
from test_programs import leaves

numba = pytest.importorskip("numba")

NAMES = """bisection bouncing_ball branching_map exponential_smoothing garch golden_section heat_in_place histogram
    kalman newton pendulum simpson skip_and_stop tridiagonal""".split()


def compiled(source):
    """The function of a text and those that it calls, compiled."""
    space = {}
    exec(compile(str(source), "<alone>", "exec"), space)
    space |= {name: numba.njit(f) for name, f in space.items() if isinstance(f, types.FunctionType)}
    return numba.njit(types.FunctionType(space[source.name].py_func.__code__, space))


@pytest.mark.parametrize("program", [pytest.param(p, id=p.name) for p in PROGRAMS if p.name in NAMES])
def test_compiles_to_the_same_numbers(program):
    gradient = wg.grad(program.function, program.argnums)
    for f in (program.function, gradient):
        found = compiled(wg.source(f, *program.args()))(*program.args())
        np.testing.assert_allclose(leaves(found), leaves(wg.jit(f)(*program.args())), rtol=1e-11, atol=1e-13)


def test_ten_programs_and_more():
    assert len({p.name for p in PROGRAMS} & set(NAMES)) >= 10
