"""What derivatives of staged programs cost, counted: linear in the number of steps, with a small constant."""

import functools

import numpy as np
import pytest

import wengert as wg
from programs import PROGRAMS, Program
from staging import interpreted
from wengert.core.tree import flatten
from wengert.frontend.jit import Jitted, is_operand
from wengert.inspect.cost import count
from wengert.ir.evaluate import evaluate
from wengert.ir.program import walk
from wengert.rules.indexing import write


def built(jitted, args):
    """The program that runs for these arguments, and its operands."""
    jitted(*args())
    operands = [x for x in flatten((args(), {}))[0] if is_operand(x)]
    programs = [b for found in jitted.programs.values() for b in found]
    (program,) = [b for b in programs if b.hidden(operands) is not None]
    return program.optimised, [*operands, *program.hidden(operands)]


def cost(f, args):
    jitted = f if isinstance(f, Jitted) else interpreted(f)
    jitted.programs.clear()
    return count(*built(jitted, args))


def reverse(program):
    """The function that pulls the program's own result back."""

    def pulled(*args):
        chosen = tuple([args[i] for i in program.argnums])
        out, pull = wg.vjp(functools.partial(with_chosen, program.function, program.argnums, args), *chosen)
        return pull(out)

    return wg.grad(program.function, program.argnums) if program.scalar else pulled


def forward(program):
    def pushed(*args):
        chosen = tuple([args[i] for i in program.argnums])
        return wg.jvp(functools.partial(with_chosen, program.function, program.argnums, args), chosen, chosen)[1]

    return pushed


def with_chosen(f, places, args, *chosen):
    return f(*[chosen[places.index(i)] if i in places else x for i, x in enumerate(args)])


DERIVATIVES = {"value": lambda p: p.function, "reverse": reverse, "forward": forward}


# ---------------------------------------------------------------- loops that read and write elements


def scatter(x, n):
    y = x.copy()
    for i in range(n):
        y[i] = y[i] * y[i + 1]
    return np.sum(y)


def in_branches(x, n):
    y = x * 2.0
    for i in range(n):
        if y[i] > 1.5:
            y[i] = np.sin(y[i])
        elif y[i] > 1.0:
            y[i + 1] *= y[i]
    return np.sum(y * y)


def until_break(x, n):
    y, i = x * 1.0, 0
    while True:
        y[i] = y[i] ** 2
        i += 1
        if i >= n:
            break
    return np.sum(y * x)


def two_arrays_swapped(x, n):
    a, b = x * 1.0, x * 2.0
    for i in range(n):
        a[i] = b[i + 1] * a[i]
        a, b = b, a
    return np.sum(a) + np.sum(b * b)


def returns_early(x, n):
    y = x * 1.0
    for i in range(n):
        y[i] *= 3.0
        if y[i] > 1e6:
            return np.sum(y)
    return np.sum(y * y)


def by_helper(x, n):
    def bend(v, k):
        v[k] = v[k] * v[k + 1]

    y = x * 1.0
    for i in range(n):
        bend(y, i)
    return np.sum(y * y)


def through_a_view(x, n):
    y = x.reshape(2, -1) * 1.0
    for i in range(n):
        y[0, i] += y[1, i] * y[0, i]
    return np.sum(y)


def nested(x, n):
    y = x * 1.0
    for i in range(4):
        for j in range(n // 4):
            y[i] += y[i] * y[j]
    return np.sum(y)


def own_argument(x, n):
    for i in range(n):
        x[i] = x[i] * x[i + 1]
    return np.sum(x)


def only_read(x, n):
    total = 0.0
    for i in range(n):
        total += x[i] * x[i + 1]
    return total


def in_nested_branches(x, n):
    y, z = x * 2.0, x * 1.0
    for i in range(n):
        if y[i] > 1.2:
            if z[i] > 0.9:
                z[i] = y[i] * z[i + 1]
            elif y[i] > 1.5:
                y[i + 1] += z[i]
            else:
                for j in range(3):
                    if y[j] > 1.3:
                        y[j] *= 0.9
        else:
            z[i] += np.sin(y[i])
            y[i] = 0.5
    return np.sum(y * z)


def reads_in_branches(x, n):
    total = 0.0
    for i in range(n):
        if x[i] > 0.7:
            total += x[i] * x[i + 1] if x[i + 1] < 1.1 else x[i]
    return total


def by_calls_in_branches(x, n):
    def bend(v, k):
        if v[k] > 0.8:
            v[k] = np.sin(v[k]) * np.exp(-v[k]) + np.cos(v[k + 1]) * np.tanh(v[k]) - np.sqrt(v[k] * v[k] + 1.0)
        else:
            v[k + 1] *= v[k]

    y = x * 1.0
    for i in range(n):
        if y[i] > 0.6:
            bend(y, i)
        bend(y, i + 1)
    return np.sum(y * y)


def until_break_in_branches(x, n):
    y, i = x * 1.0, 0
    while y[i] > 0.0:
        if y[i] > 0.7:
            if y[i + 1] > 0.9:
                y[i + 1] *= y[i]
                i += 1
                continue
            y[i] = y[i] ** 2
        i += 1
        if i >= n:
            break
    return np.sum(y * x)


def part_before_a_write(x, n):
    y, total = x.copy(), 0.0
    for i in range(1, n):
        part = y[i - 1 : i + 1]
        total += np.sum(np.sin(part) * part)
        y[i] *= total
    return total


def part_after_a_write(x, n):
    y, total = x.copy(), 0.0
    for i in range(1, n):
        y[i] *= 0.5 + total
        part = y[:2]
        total += np.sum(np.sin(part) * part)
    return total


def part_written(x, n):
    y = x.copy()
    for i in range(1, n):
        y[i - 1 : i + 1] *= y[i + 1]
        part = y[i : i + 2]
        part += np.sin(part)
    return np.sum(y[:n])


WRITERS = [
    scatter,
    part_before_a_write,
    part_after_a_write,
    part_written,
    in_branches,
    in_nested_branches,
    reads_in_branches,
    by_calls_in_branches,
    until_break_in_branches,
    until_break,
    two_arrays_swapped,
    returns_early,
    by_helper,
    through_a_view,
    nested,
    own_argument,
    only_read,
]


def elements(length, n):
    """Every ten steps meet the same numbers, however long the array: they take the same branches."""
    return np.resize(np.linspace(0.5, 1.2, 10), length), n


# ---------------------------------------------------------------- linear in the number of steps

STEPS = (10, 20, 40)
GROWING = [p for p in PROGRAMS if p.grows] + [Program(f, functools.partial(elements, 200)) for f in WRITERS]
growing = pytest.mark.parametrize("program", GROWING, ids=lambda p: p.name)

# operations of a derivative by those of the function, at most: as measured for the dearest program, and a little
REVERSE, FORWARD = 6.5, 3.2
CONSTANT = 200  # operations outside of loops


@functools.cache
def costs(program, way):
    """At n, 2n and 4n steps."""
    return [cost(DERIVATIVES[way](program), functools.partial(program.sized, n)) for n in STEPS]


@pytest.mark.parametrize("way", DERIVATIVES)
@growing
def test_cost_is_linear(program, way):
    """Twice the steps cost twice as much: also where branches are taken now and then, to a few parts in a hundred."""
    found = costs(program, way)
    for measure in ("equations", "operations", "bytes"):
        at_n, at_2n, at_4n = (getattr(c, measure) for c in found)
        assert at_4n - at_2n <= 2.3 * (at_2n - at_n) + 64, (measure, at_n, at_2n, at_4n)


@growing
def test_constant_is_small(program):
    value, back, along = (costs(program, way)[-1] for way in DERIVATIVES)
    assert back.operations <= REVERSE * value.operations + CONSTANT
    assert along.operations <= FORWARD * value.operations + CONSTANT
    assert back.equations <= REVERSE * value.equations + CONSTANT
    assert along.equations <= FORWARD * value.equations + CONSTANT


@pytest.mark.parametrize("way", ["value", "reverse", "forward"])
@pytest.mark.parametrize("f", WRITERS, ids=lambda f: f.__name__)
def test_steps_never_copy_arrays(f, way):
    """Of an array a hundred times larger, 40 steps make a few more copies in all, and not one in each step."""
    program = Program(f, lambda n: elements(n, 40))
    small, large = (cost(DERIVATIVES[way](program), functools.partial(program.sized, n)) for n in (100, 10_000))
    arrays = (large.bytes - small.bytes) / (8 * (10_000 - 100))
    assert arrays <= {"value": 4, "reverse": 12, "forward": 10}[way]
    assert large.equations <= small.equations + 3


@pytest.mark.parametrize("run", [evaluate, count], ids=lambda f: f.__name__)
def test_counted_or_not_an_update_runs_in_place(run, monkeypatch):
    """All but the first, which the caller's array stands in the way of."""
    inplace = []
    as_before = write.evaluate
    noted = lambda *args, **params: inplace.append(params["inplace"]) or as_before(*args, **params)
    monkeypatch.setattr(write, "evaluate", noted)
    program, operands = built(interpreted(own_argument), lambda: elements(20, 8))
    inplace.clear()
    run(program, operands)
    assert inplace == [False, *[True] * 7]


# ---------------------------------------------------------------- what is kept


def total_of_squares(x):
    total = 0.0
    for v in x:
        total += v * v
    return total


def weighted(x, w):
    out = 0.0
    for i in range(len(x)):
        here = x[i] * w[i]
        out += np.sin(here) * w[i] if here > 0.5 else np.exp(here)
    return out


def matrix_vector(A, x):
    y = np.zeros(len(x))
    for i in range(len(x)):
        for j in range(len(x)):
            y[i] += A[i, j] * x[j]
    return np.sum(y)


def mean_distance(x, y):
    best = 0.0
    for i in range(len(x)):
        for j in range(len(y)):
            best += np.sqrt((x[i] - y[j]) ** 2 + 0.1)
    return best / (len(x) * len(y))


@pytest.mark.parametrize(
    "f, argnums, args",
    [
        (total_of_squares, 0, lambda n: (np.linspace(0.1, 1.0, n),)),
        (weighted, (0, 1), lambda n: (np.linspace(0.1, 1.0, n), np.linspace(0.5, 2.0, n))),
        (matrix_vector, 1, lambda n: (np.ones((n, n)), np.linspace(0.5, 2.0, n))),
        (mean_distance, (0, 1), lambda n: (np.linspace(0.1, 1.0, n), np.linspace(0.5, 2.0, n))),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_a_loop_that_accumulates_keeps_nothing(f, argnums, args):
    """Its body is evaluated again: there is one loop, back, and neither a tape nor a stack."""
    program, _ = built(interpreted(wg.grad(f, argnums)), lambda: args(12))
    outer = [e for e in program.equations if e.row.name in ("for_", "while_")]
    assert len(outer) == 1
    assert not [e for e in walk(program) if e.row.name in ("write", "stack_push", "stack_pop")]


def test_kept_values_grow_with_the_steps_that_run():
    """A loop that may end early keeps no more than it has run."""

    def f(x, n):
        for _ in range(n):
            x = np.sin(x) * 1.5
            if x > 1.3:
                break
        return x

    few, many = (cost(wg.grad(f), lambda n=n: (0.9, n)) for n in (10, 10_000))
    assert many.bytes <= few.bytes + 64 and many.equations == few.equations
