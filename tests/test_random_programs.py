"""Programs nobody wrote: what a derivative says about them must agree with differences and with itself."""

import linecache
import os

import numpy as np
import pytest

import wengert as wg
from straight_line import source

COUNT = int(
    os.environ.get("WENGERT_PROGRAMS", "150")
)  # a long run: WENGERT_PROGRAMS=5000 pytest tests/test_random_programs.py


def build(seed):
    text, filename = source(seed), f"<program {seed}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(True), filename)
    namespace = {"__name__": f"program{seed}"}
    exec(compile(text, filename, "exec"), namespace)
    return namespace["program"], text


def arguments(seed):
    random = np.random.default_rng(seed)
    return random.uniform(-1.0, 1.0, (3, 4)), random.uniform(-1.0, 1.0, 4)


def fresh(args):
    return [a.copy() for a in args]


@pytest.mark.parametrize("seed", range(COUNT))
def test_program(seed):
    program, text = build(seed)
    args = arguments(seed)
    expected = program(*fresh(args))
    given = fresh(args)
    value, gradient = wg.value_and_grad(program, argnums=(0, 1))(*given)
    np.testing.assert_array_equal(given[0], args[0], err_msg=text)
    np.testing.assert_array_equal(given[1], args[1], err_msg=text)
    np.testing.assert_allclose(value, expected, rtol=1e-13, atol=1e-13, err_msg=text)

    random = np.random.default_rng(seed)
    directions = [random.standard_normal(a.shape) for a in args]
    pushed = wg.jvp(program, fresh(args), directions)[1]
    along = sum(np.sum(g * d) for g, d in zip(gradient, directions))
    np.testing.assert_allclose(pushed, along, rtol=1e-11, atol=1e-11, err_msg=text)

    slope = wg.numerical.derivative(
        lambda t: program(*[a + t * d for a, d in zip(args, directions)]),
        0.0,
        method="richardson",
        step=1e-2,
        error=True,
    )
    if slope.error < 1e-6 * (1 + abs(slope.value)):  # a branch or a kink nearby makes differences worthless
        np.testing.assert_allclose(pushed, slope.value, rtol=1e-5, atol=1e-5, err_msg=text)

    second = [wg.jvp(wg.grad(program, k), fresh(args), directions)[1] for k in (0, 1)]
    twice = wg.jvp(lambda *a: wg.jvp(program, a, directions)[1], fresh(args), directions)[1]
    curvature = sum(np.sum(s * d) for s, d in zip(second, directions))
    np.testing.assert_allclose(twice, curvature, rtol=1e-9, atol=1e-9, err_msg=text)

    lanes = [np.stack([a, 0.5 * a]) for a in args]
    batched = wg.vmap(wg.grad(program, (0, 1)))(*lanes)
    for n in range(2):
        single = wg.grad(program, (0, 1))(*[lane[n] for lane in lanes])
        for b, s in zip(batched, single):
            np.testing.assert_allclose(b[n], s, rtol=1e-10, atol=1e-10, err_msg=text)
