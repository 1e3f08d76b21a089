"""Lanes that go ways of their own as machine code: what the interpreter gives, at every order."""

import numpy as np
import pytest

import lifetimes
import wengert as wg
from machine_code import agree, along, is_refused, staged
from programs import PROGRAMS
from random_equations import N, quiet, random_program
from staging import EVERY
from test_lanes import ORDERS, each, every_order, is_batched, lanes_of, squared
from wengert.backends.llvm.engine import QUICK
from wengert.backends.llvm.program import lowered
from wengert.core.tree import flatten, unflatten
from wengert.core.types import shape_of
from wengert.frontend import compiled
from wengert.ir.program import Extent, Items, Stack, Type, has_extents, type_of
from wengert.passes.optimise import optimise, prepare
from wengert.rules.control import call, cleared, lifted_type, stack_lift, stack_pop, stack_push, stack_sum, value_type
from wengert.rules.lanes import lane_put, lane_take, piled, unpiled
from wengert.transforms.build import build

RANDOM = np.random.default_rng(5)

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


def repeated(x, limit):
    if x > limit:
        return x * np.sin(x)
    return repeated(x * 1.5 + 0.1, limit) * np.cos(x)


def tree(x, depth):
    if depth <= 0:
        return np.sin(x)
    return tree(x * 1.1, depth - 1) * np.cos(tree(x + 0.1, depth - 2)) + x


@pytest.mark.parametrize("f, ways", [(repeated, np.array([1.0, 2.0, 3.0])), (tree, np.array([0, 1, 3]))])
def test_functions_that_call_themselves(f, ways):
    points = np.linspace(0.3, 1.2, 4)
    for derive in (lambda f: f, wg.grad, lambda f: wg.grad(wg.grad(f))):
        lanes = lambda f: wg.vmap(wg.vmap(f, in_axes=(0, None)), in_axes=(None, 0))
        total = lambda points, ways: np.sum(lanes(derive(f))(points, ways))  # noqa: B023
        for g in (lanes(derive(f)), wg.grad(total)):
            check(g, (points, ways), checked=True)


def parts_and_steps(x, n):
    """Of any kind of numbers: parts of lengths of their own, and as many steps."""
    y, s, k = x[:n] * np.exp(x[:n]), x[0], 0
    while np.abs(s) < 2.0 and k < 5:
        s = s * 1.25 + np.sum(y)
        k += 1
    return np.abs(s) ** 2 + np.sum(np.abs(y) ** 2)


@pytest.mark.parametrize("dtype, rtol", [(complex, 1e-9), (np.complex64, 1e-3), (np.float32, 1e-3), (np.float16, 5e-2)])
def test_numbers_of_any_kind(dtype, rtol):
    x = RANDOM.normal(size=(4, 5)) + (1j * RANDOM.normal(size=(4, 5)) if dtype in (complex, np.complex64) else 0.0)
    args = x.astype(dtype), np.array([0, 2, 5, 3])
    total = lambda x, n: np.sum(wg.vmap(parts_and_steps)(x, n))
    squared = lambda x, n: np.sum(np.abs(wg.grad(parts_and_steps)(x, n)) ** 2)
    for f in (wg.vmap(parts_and_steps), wg.grad(total), wg.vmap(wg.grad(squared))):
        check(f, args, rtol=rtol, checked=True)


# ---------------------------------------------------------------- programs of others


def batch_of(program):
    """(arguments of all lanes, what vmap is told of them)"""
    lanes = lanes_of(program)
    leaves, structure = flatten(lanes[0])
    axes = unflatten(structure, [0 if is_batched(x) else None for x in leaves])
    stacked = [np.stack(c) if is_batched(c[0]) else c[0] for c in zip(*[flatten(lane)[0] for lane in lanes])]
    return unflatten(structure, stacked), axes


@pytest.mark.parametrize("program", [pytest.param(p, id=p.name) for p in PROGRAMS[::4]])
def test_shared_programs(program):
    args, axes = batch_of(program)
    kinds = [program.function, *([wg.grad(program.function, program.argnums)] if program.scalar else [])]
    for f in kinds:
        try:
            check(wg.vmap(f, in_axes=axes), args)
        except Exception as error:
            if not is_refused(error):
                raise
            pytest.skip(str(error))


@pytest.mark.parametrize("seed", range(8))
def test_random_equations(seed):
    """Derivatives of batches of random programs, and batches of their derivatives."""
    with quiet():
        program, _ = random_program(seed, smooth=True, scalar=True, statements=6)
    f = lambda *xs: call(*xs, program=program)[0]
    rng = np.random.default_rng(seed)
    args = rng.normal(size=3), rng.normal(size=(3, N)), rng.normal(size=(3, 3, N)), 0.5
    lanes = lambda f: wg.vmap(f, in_axes=(0, 0, 0, None))
    total = lambda *xs: np.sum(lanes(f)(*xs))
    for derived in (lanes(wg.grad(f, (0, 1))), wg.grad(total, (1, 2)), along(wg.grad(total, (0, 1)), args, (1, 2))):
        check(derived, args, checked=seed % 2 == 0)


# ---------------------------------------------------------------- each row, of stacks in stacks

LANES = 3


def leaf_of(kind, x, k, n):
    """What lane k has: numbers, arrays, and parts of arrays."""
    return {"number": lambda: x[k, 0], "array": lambda: x[k], "part": lambda: x[k, :n] * 2.0}[kind]()


def tower(stage, leaf, type, heights):
    """Stacks in stacks: of each lane as high as it is told."""
    if not isinstance(type, Stack):
        return leaf
    made = stage.constant(Items(type))
    for i in range(heights[0]):
        made = stack_push(made, tower(stage, leaf * (i + 1.0), type.element, heights[1:]), type=type, inplace=False)
    return made


def torn_down(x, type, counts, zeros):
    """Everything in it: as many values as are told, and zeros for what is not there."""
    if not isinstance(type, Stack):
        return [x]
    found = []
    for _ in range(counts[0]):
        inner = zeros if has_extents(type.element) else ()
        x, top = stack_pop(x, type=type, inplace=False, zeros=inner)
        found += torn_down(top, type.element, counts[1:], zeros)
    return found


def rows_of_piles(kind, depth, missing, size):
    """Results of each row, of a pile in which `missing` has nothing; a program of (array, length)."""

    def body(stage, values):
        x, n = values
        leaf = leaf_of(kind, x, 0, n)
        type, shape, counts = value_type(leaf), shape_of(leaf), (2, 3)[:depth]
        for _ in range(depth):
            type = Stack(type)
        nothing = pile = stage.constant(Items(Stack(type)))
        for k in range(size):
            if k != missing:
                value = tower(stage, leaf_of(kind, x, k, n), type, [(h + k) % (h + 1) for h in counts])
                pile = lane_put(pile, value, k, type=Stack(type), size=size, inplace=False)
        zeros = () if depth or kind != "part" else shape
        together = unpiled(pile, type=Stack(type), size=size, zeros=zeros)
        all_type, again = lifted_type(type, size), piled(together, type=Stack(type), size=size)
        found = torn_down(together, all_type, counts, (size, *shape))
        sources = [nothing, pile, again, *([cleared(pile, type=type)] if missing is None else [])]
        for source in sources if size else ():
            for k in (0, 1):
                params = {"type": Stack(type), "size": size, "inplace": False, "zeros": zeros}
                left, value = lane_take(source, k, **params)
                found += torn_down(value, type, counts, shape)
                found += torn_down(lane_take(left, k, **params)[1], type, counts, shape)  # nothing is there any more
        if depth and size:
            found += torn_down(stack_sum(together, type=type), type, counts, shape)
            found += torn_down(stack_lift(together, size=2), lifted_type(all_type, 2), counts, (2, size, *shape))
        return [np.sin(x) for x in found]

    types = [Type(np.dtype(float), (LANES, 4)), type_of(0)]
    return build("piles", types, ["x", "n"], body)


@pytest.mark.parametrize("kind", ["number", "array", "part"])
@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("missing", [None, 0, 1])
@pytest.mark.parametrize("size", [LANES, 2, 0] if EVERY else [LANES, 0])
def test_rows_of_piles(kind, depth, missing, size):
    if not depth and kind != "part":
        pytest.skip("an array holds all lanes")
    program = rows_of_piles(kind, depth, missing, size)
    agree(program, [RANDOM.normal(size=(LANES, 4)), 3], level=QUICK, checked=True)
    agree(optimise(prepare(program)), [RANDOM.normal(size=(LANES, 4)), 0 if missing else 4], level=QUICK)


# ---------------------------------------------------------------- lengths of operands that only the run knows


@pytest.mark.parametrize("n", [0, 2, 4])
def test_operands_have_lengths_of_their_own(n):
    """As cotangents of results have."""
    length = Extent(67, 4)
    types = [Type(np.dtype(float), (length,)), Type(np.dtype(float), (length, 3, length)), type_of(0.5)]
    body = lambda stage, xs: [np.sum(xs[1], axis=(1, 2)) * xs[0], np.sin(xs[1]) * xs[2], xs[0]]
    program = build("open", types, ["a", "b", "w"], body)
    agree(program, [RANDOM.normal(size=n), RANDOM.normal(size=(n, 3, n)), 0.5], checked=True)


def test_parts_are_pulled_back_by_machine_code(monkeypatch):
    part = lambda x: x[: len(x[x > 0])] * np.sin(x)[0]
    x = np.array([1.0, -2.0, 3.0, -4.0])
    out, pull = wg.vjp(wg.jit(part, backend="llvm"), x)
    monkeypatch.setattr(compiled, "evaluate", None)  # the interpreter is not asked
    for y, expected in zip((out, *pull(np.ones(2))), (part(x), *wg.vjp(part, x)[1](np.ones(2))), strict=True):
        np.testing.assert_allclose(y, expected, rtol=1e-14)
