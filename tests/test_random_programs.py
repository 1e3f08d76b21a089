"""Programs nobody wrote: what a derivative says about them must agree with differences and with itself.

Two kinds: straight lines over arrays with views and masks (`programs.py`), and whole modules with nested loops,
branches and overwrites (`random_programs/`).  A long run: python -m tests.random_programs --count 20000 --seed 7
"""

import collections
import inspect
import os

import numpy as np
import pytest

import wengert as wg
from random_programs import checks, mix, shrink, write
from random_programs.__main__ import describe
from straight_line import source
from written import defined

COUNT = int(os.environ.get("WENGERT_PROGRAMS", "150"))  # of the first kind
MODULES, CHUNK = 2000, 25  # of the second: programs of one test
SAMPLE = 400  # programs whose mix is counted


def build(seed):
    text = source(seed)
    return defined(text, f"<program {seed}>")["program"], text


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


@pytest.mark.parametrize("chunk", range(MODULES // CHUNK))
def test_modules(chunk):
    refused = 0
    for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        subject, _ = checks.generate(seed)
        failure = checks.check(subject)
        assert failure is None, describe(subject, failure, checks.CHECKS)
        refused += subject.is_refused
        subject.program.forget()
    assert refused <= CHUNK // 3  # 7 % of a long run


def test_modules_are_a_hard_mix():
    count = collections.Counter()
    for seed in range(SAMPLE):
        count.update(checks.generate(seed)[0].features)
    missing = {name: count[name] / SAMPLE for name, part in mix.WANTED.items() if count[name] < part * SAMPLE}
    assert not missing


def test_a_module_is_written_alike_each_time_and_inspect_reads_it():
    assert write.source(17) == write.source(17)
    subject, _ = checks.generate(17)
    assert inspect.getsource(subject.module.f) in subject.text
    assert inspect.getsource(subject.program.load().change) in subject.text


def test_statements_can_be_left_out():
    left_out = frozenset({"counted_while", "endless_while", "contraction"})
    assert not any("while " in write.source(seed, left_out) for seed in range(100))


def test_failing_modules_shrink():
    """What a check that dislikes writes into arguments objects to is one write."""

    def arguments_are_not_written(subject):
        checks.same(subject.written, subject.args())

    subjects = (checks.generate(seed)[0] for seed in range(20))
    subject = next(s for s in subjects if checks.check(s, [arguments_are_not_written]))
    small = shrink.shrink(subject.text, subject.seed, [arguments_are_not_written])
    assert checks.check(checks.Subject(small), [arguments_are_not_written])
    body = small[small.index("def f(") : small.index("def arguments")]
    assert len(body.split()) < 20, small
