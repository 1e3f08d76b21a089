"""Programs under other plans: with nothing fused, nothing in place, no view, no buffer used twice.

Each plan gives what the interpreter gives, so that no plan hides what is wrong with another.
"""

import pytest

import lifetimes
from machine_code import agree, derived, is_refused, staged
from programs import PROGRAMS
from random_equations import quiet, random_program
from wengert.backends import schedule
from wengert.backends.llvm import frame
from wengert.backends.llvm.program import lowered
from wengert.backends.llvm.rows import calls, control


def nothing_fused(patch):
    patch.setattr(schedule, "is_lazy", lambda e: False)


def nothing_in_place(patch):
    patch.setattr(frame.Frame, "may_take", lambda self, buffer: False)
    patch.setattr(control, "begun", lambda e, slots, xs: xs)  # tapes would be copied before anything is in them


def no_views(patch):
    patch.setattr(schedule, "is_view", lambda e: False)


def no_buffer_twice(patch):
    patch.setattr(frame.Kernel, "free", property(lambda self: [], lambda self, x: None), raising=False)


def no_wishes(patch):
    for place in (calls, control):
        patch.setattr(place, "wishes_of", lambda program, places: {})


def all_of_these(patch):
    for plan in PLANS[:-1]:
        plan(patch)


PLANS = [nothing_fused, nothing_in_place, no_views, no_buffer_twice, no_wishes, all_of_these]
each = pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.__name__)


def verify(program, operands):
    lifetimes.verify(lowered(program, checked=True))
    agree(program, operands, 1e-5, checked=True)


@each
def test_programs(plan, monkeypatch):
    plan(monkeypatch)
    for program in PROGRAMS[PLANS.index(plan) :: 2 * len(PLANS)]:
        args = program.args()
        for kind in ("value", "gradient"):
            f = derived(program.function, args, program.argnums, program.scalar)[kind]
            try:
                verify(*staged(f, *args))
            except Exception as error:
                if not is_refused(error):
                    error.add_note(f"{kind} of {program.name}")
                    raise


@each
def test_equations(plan, monkeypatch):
    plan(monkeypatch)
    for seed in range(12):
        with quiet():
            program, operands = random_program(seed, single=seed % 5 == 0)
        verify(program, operands)
