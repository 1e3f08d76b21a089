"""Stacks that loops push and pop together are one stack in machine code; all others stay apart."""

import numpy as np
import pytest

import lifetimes
import wengert as wg
from machine_code import agree, derived, staged
from programs.root_finding import newton
from programs.simulation import adaptive_step_size
from wengert.backends.llvm.bundles import row_of
from wengert.backends.llvm.program import lowered
from wengert.backends.llvm.rows.stacks import values_in
from wengert.ir.program import RECORD, Type, has_extents
from wengert.ir.text import parse
from wengert.ir.verify import verify


def stacks(program):
    """How many stacks the machine code makes, in different places of its text."""
    return lowered(program).text.count("call ptr @new_stack(")


def check(program, operands):
    agree(program, operands)
    agree(program, operands, checked=True)
    lifetimes.verify(lowered(program, checked=True))


# ---------------------------------------------------------------- gradients


@pytest.mark.parametrize("f, args", [(newton, (2.0, 0.7)), (adaptive_step_size, (1.0, 3.0, 1e-4))])
def test_a_gradient_keeps_one_stack(f, args):
    program, operands = staged(wg.value_and_grad(f, tuple(range(len(args)))), *args)
    assert sum(e.row.name == "empty_stack" for e in program.equations) > 2
    assert stacks(program) == 1
    check(program, operands)


def grown(x, flags, y, n):
    """Keeps truth values, numbers and arrays of several sizes; among them an array without elements."""
    i, none = 0.0, y[:0]
    while i < n:
        bits = x > i
        x = np.where(bits & flags, np.sin(x) * x, x * np.float32(0.9))
        y = 0.5 * np.tanh(y) * np.sum(x) + np.cos(i)
        none = none * y[0] + np.sin(none)
        if y[0] > y[4]:
            i = i + 1.0 + 0.01 * y[1] ** 2
        else:
            i = i + 0.5
    return np.sum(y) * i + np.sum(x) + np.sum(none)


X, FLAGS, Y = np.linspace(0.1, 2.0, 3, dtype=np.float32), np.array([True, False, True]), np.linspace(-1.0, 1.0, 5)


@pytest.mark.parametrize("n", [0.0, 1.0, 60.0])
@pytest.mark.parametrize("kind", ["gradient", "second"])
def test_rows_of_unlike_values(kind, n):
    """No trips, one, and more than there is room for at first."""
    args = X, FLAGS, Y, n
    program, operands = staged(derived(grown, args, (0, 2))[kind], *args)
    check(program, operands)


def test_a_row_has_values_of_several_sizes():
    args = X, FLAGS, Y, 5.0
    program, _ = staged(wg.grad(grown, (0, 2)), *args)
    kept = {str(e.outs[0].type.element) for e in program.equations if e.row.name == "empty_stack"}
    assert {"bool[3]", "f32", "f32[3]", "f64[0]", "f64[5]"} <= kept
    assert stacks(program) == 1


def test_values_in_a_row_are_aligned():
    types = [Type(np.dtype(name), shape) for name, shape in [("?", ()), ("f8", ()), ("i2", (3,)), ("c16", (2,))]]
    row = row_of(types).element
    assert row.dtype.itemsize % 8 == 0
    places = values_in(row)
    assert [(x.dtype, x.shape) for x, _ in places] == [(t.dtype, t.shape) for t in types]
    assert [place for _, place in places] == [0, 8, 16, 24]


def parts(x, n):
    i = 0
    while i < n:
        y = x[: i + 1]
        x = x + np.sum(np.exp(-y) * np.sin(y)) * x
        i = i + 1
    return np.sum(x)


def test_what_only_the_run_knows_the_size_of_stays_apart():
    program, operands = staged(wg.grad(parts), Y, 4)
    kept = [has_extents(e.outs[0].type.element) for e in program.equations if e.row.name == "empty_stack"]
    assert kept.count(True) > 1 and kept.count(False) > 1
    assert stacks(program) == 1 + kept.count(True)
    check(program, operands)


def settled(a, b):
    x = a
    while abs(x * x - b) > 1e-9:
        x = 0.5 * (x + b / x) + 1e-3 * np.sin(x) * (x * x - b)
    return x * np.exp(-x)


SEVERAL = np.array([1.0, 2.5, 40.0])


@pytest.mark.parametrize(
    "f, args",
    [
        (wg.grad(wg.grad(settled, 1), 1), (2.0, 3.0)),
        (wg.hessian(lambda ab: settled(ab[0], ab[1])), (np.array([2.0, 3.0]),)),
        (wg.vmap(wg.grad(settled, (0, 1))), (SEVERAL, SEVERAL + 1.0)),
        (wg.vmap(wg.grad(wg.grad(settled, 1), 1)), (SEVERAL, SEVERAL + 1.0)),
    ],
    ids=["twice", "hessian", "batch", "batch twice"],
)
def test_derivatives_of_derivatives_and_batches(f, args):
    program, operands = staged(f, *args)
    check(program, operands)


def branching(x, depth):
    return x if depth == 0 else x * branching(np.sin(x) + 0.1 * depth, depth - 1)


def with_records(x, n, depth):
    """Keeps a record in each iteration, which has no size, beside numbers, which have."""
    i = 0.0
    while i < n:
        x = x * np.cos(branching(x, depth)) + np.exp(-x)
        i = i + 1.0
    return x


def test_records_stay_apart():
    program, operands = staged(wg.grad(with_records), 0.7, 4.0, 3)
    kept = [e.outs[0].type.element for e in program.equations if e.row.name == "empty_stack"]
    assert RECORD in kept and len(kept) > 2
    assert stacks(program) == 1 + kept.count(RECORD)
    check(program, operands)


# ---------------------------------------------------------------- which patterns


STACK = "stack<~f64>"


def push(to, stack, x):
    return f"{to}: {STACK} = stack_push({stack}, {x}, type={STACK}, inplace=False)"


def pop(to, x, stack, more=""):
    return f"{to}: {STACK}, {x}: ~f64 = stack_pop({stack}, type={STACK}, inplace=False{more})"


def listed(form, names):
    return ", ".join(form.format(a) for a in names)


def filled(names):
    """Stacks of these names, and a loop that pushes to each as soon as it has the value."""
    return [
        *(f"    {a}: {STACK} = empty_stack(type={STACK})" for a in names),
        f"    y: ~f64, i: ~i64, {listed('{}.1: ' + STACK, names)} = while const (n)"
        f" carry (y = x, i = 0, {listed('{}', names)}):",
        "        test:",
        "            less: bool = less(i, n)",
        "            -> less",
        "        body:",
        *(f"            {a}_x: ~f64 = mul(y, {ord(a)}.0)\n            {push(f'{a}.1', a, f'{a}_x')}" for a in names),
        "            y.1: ~f64 = sub(y, 0.3)",
        "            i.1: ~i64 = add(i, 1)",
        f"            -> y.1, i.1, {listed('{}.1', names)}",
    ]


def emptied(names, s, left=2):
    """A loop that pops from each, and computes with the value before it pops the next, from s on.

    Its results have the number `left`.
    """
    before = dict(zip(names, ["s", *(f"{a}_s" for a in names)]))
    return [
        f"    {names}_s.{left}: ~f64, {listed(f'{{}}.{left}: {STACK}', names)} = for k in (0, n, 1) const ()"
        f" carry (s = {s}, {listed('{0} = {0}.1', names)}):",
        *(f"        {pop(f'{a}.1', f'{a}_x', a)}\n        {a}_s: ~f64 = sub({a}_x, {before[a]})" for a in names),
        f"        -> {names[-1]}_s, {listed('{}.1', names)}",
    ]


def program(*parts, result):
    """f of x and the number of iterations."""
    return "\n".join(["program `f`(x: ~f64, n: ~i64):", *sum(parts, []), f"    -> y, {result}", ""])


TOGETHER = program(filled("ab"), emptied("ab", "1.0"), result="ab_s.2")
APART = program(filled("ab"), emptied("a", "1.0"), emptied("b", "a_s.2"), result="b_s.2")
TWO_ROWS = program(filled("abcd"), emptied("ac", "1.0"), emptied("bd", "ac_s.2"), result="bd_s.2")
BRANCH = """positive: bool = greater(b_x, -100.0)
            b.1: stack<~f64> = if positive with (b, x = b_x):
                then:
                    b.1: stack<~f64> = stack_push(b, x, type=stack<~f64>, inplace=False)
                    -> b.1
                else:
                    -> b"""


def other(source, *changes):
    for old, new in changes:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    return source


PUSH, POP = push("b.1", "b", "b_x"), pop("b.1", "b_x", "b")
PATTERNS = {  # a program, and how many stacks it keeps
    "together": (TOGETHER, 1),
    "two rows of two": (TWO_ROWS, 2),
    "constants": (other(TOGETHER, (PUSH, push("b.1", "b", "2.5"))), 1),
    "popped too often": (other(TOGETHER, ("(0, n, 1)", "(-1, n, 1)")), 1),
    "popped by two loops": (APART, 2),
    "one read by two loops, one by none": (other(APART, ("b = b.1):", "b = a.1):")), 2),
    "read by two loops": (program(filled("ab"), emptied("ab", "1.0"), emptied("ab", "ab_s.2", 3), result="ab_s.3"), 2),
    "read by a third loop": (
        other(
            program(filled("ab"), emptied("ab", "1.0"), emptied("a", "ab_s.2", 3), result="a_s.3"),
            ("(0, n, 1) const () carry (s = ab_s.2, a = a.1)", "(n, n, 1) const () carry (s = ab_s.2, a = a.2)"),
        ),
        2,
    ),
    "read by the test": (other(TOGETHER, ("less: bool", f"{push('a.1', 'a', 'y')}\n            less: bool")), 2),
    "two carries in the end": (
        other(
            program(filled("abc"), emptied("abc", "1.0"), result="abc_s.2"),
            ("i.1, a.1, b.1, c.1", "i.1, a.1, b.1, a.1"),
        ),
        3,
    ),
    "pushed twice": (
        other(
            TOGETHER,
            (PUSH, f"{PUSH}\n            {push('b.2', 'b.1', 'y')}"),
            ("-> y.1, i.1, a.1, b.1", "-> y.1, i.1, a.1, b.2"),
        ),
        2,
    ),
    "pushed in a branch": (other(TOGETHER, (PUSH, BRANCH)), 2),
    "popped with zeros": (other(TOGETHER, (POP, pop("b.1", "b_x", "b", ", zeros=()"))), 2),
    "pushed again": (
        other(TOGETHER, (POP, f"{POP}\n        {push('a.2', 'a.1', 'b_x')}"), ("-> b_s, a.1,", "-> b_s, a.2,")),
        2,
    ),
    "exchanged by the first loop": (other(TOGETHER, ("i.1, a.1, b.1", "i.1, b.1, a.1")), 2),
    "exchanged by the second loop": (other(TOGETHER, ("-> b_s, a.1, b.1", "-> b_s, b.1, a.1")), 2),
}


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("n", [0, 3, 40])
def test_patterns(name, n):
    source, expected = PATTERNS[name]
    found = verify(parse(source))
    assert stacks(found) == expected
    check(found, [1.5, n])
