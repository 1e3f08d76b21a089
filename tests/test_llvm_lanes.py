"""Lanes that go ways of their own as machine code: what the interpreter gives, at every order."""

import numpy as np
import pytest

import lifetimes
import wengert as wg
from machine_code import agree, along, staged
from test_lanes import ORDERS, each, every_order, squared
from wengert.backends.llvm.program import lowered

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def check(f, args, **options):
    program, operands = staged(f, *args)
    lifetimes.verify(lowered(program, checked=True))
    agree(program, operands, **options)


@each
@every_order
def test_batches(f, args, kwargs, order):
    check(wg.vmap(ORDERS[order](f)), args)


@each
@pytest.mark.parametrize("order", ["value", "gradient"])
def test_loads_and_stores_lie_in_their_memory(f, args, kwargs, order):
    check(wg.vmap(ORDERS[order](f)), args, checked=True)


@each
def test_derivatives_of_a_batch(f, args, kwargs):
    total = lambda xs, ss: np.sum(wg.vmap(squared(f))(xs, ss))
    for derived in (wg.grad(total), along(total, args, (0,)), along(wg.grad(total), args, (0,)), wg.hessian(total)):
        check(derived, args)


@each
def test_batches_of_batches(f, args, kwargs):
    xs, ss = args
    for derive in (wg.grad, lambda f: f):
        twice = wg.vmap(wg.vmap(derive(squared(f)), in_axes=(0, None)))
        check(twice, (np.stack([xs] * len(ss)), ss), checked=True)
