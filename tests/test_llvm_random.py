"""Random programs as machine code: in poisoned memory, in a build that checks memory, with lifetimes verified.

A long run: WENGERT_PROGRAMS=2000 pytest tests/test_llvm_random.py
"""

import os

import pytest

import lifetimes
import random_kinds
import test_random_programs
import test_random_slices
import test_random_views
from machine_code import agree, derived, is_refused, staged
from random_equations import quiet, random_program
from random_programs import checks, write
from wengert.backends.llvm.program import lowered
from wengert.passes.optimise import optimise, prepare

COUNT = int(os.environ.get("WENGERT_PROGRAMS", "24"))  # of each kind
CHUNK = 8  # programs of one test
KINDS = "value", "gradient", "forward", "second"


def functions(seed):
    """Functions of each kind, with arguments: (f, arguments, which of them are differentiated)."""
    for source in (test_random_views, test_random_slices, random_kinds):
        yield source.function(seed)[0], source.arguments(seed), (0, 1)
    yield test_random_programs.build(seed)[0], test_random_programs.arguments(seed), (0, 1)
    subject = checks.Subject(write.source(100 * seed), seed)
    yield subject.module.f, tuple(subject.args()), subject.floats


def verify(program, operands, seed, rtol=1e-9):
    """All ways to find a wrong use of memory; one program of two in a build that checks it."""
    lifetimes.verify(lowered(program, checked=True))
    agree(program, operands, rtol, checked=seed % 2 == 1)


@pytest.mark.parametrize("first", range(0, COUNT, CHUNK))
def test_functions(first):
    """One derivative of each function."""
    done = 0
    for seed in range(first, first + CHUNK):
        for f, args, argnums in functions(seed):
            try:
                program, operands = staged(derived(f, args, argnums)[KINDS[seed // 2 % 4]], *args)
                verify(program, operands, seed, 1e-4 if "kinds" in f.__code__.co_filename else 1e-9)
                done += 1
            except Exception as error:
                if not is_refused(error):
                    error.add_note(f"seed {seed}, {f.__code__.co_filename}")
                    raise
    assert done >= 2.5 * CHUNK


@pytest.mark.parametrize("first", range(0, COUNT, CHUNK))
def test_equations(first):
    """As they are written, and optimised; with special numbers for every second seed."""
    for seed in range(2 * first, 2 * first + 2 * CHUNK):
        single = seed % 5 == 0
        with quiet():
            program, operands = random_program(seed, traps=seed % 3 == 0, single=single)
        verify(program, operands, seed, 1e-5 if single else 1e-9)
        verify(optimise(prepare(program)), operands, seed + 1, 1e-5 if single else 1e-9)
