"""Random programs over parts of arrays whose length only the run knows: slices, masks and views in loops and branches.

A program is Python text; plain Python says what it gives, the eager engine what its derivatives are.
"""

import random

import numpy as np
import pytest

import wengert as wg
from random_programs.checks import REFUSABLE
from staging import interpreted
from written import defined

COUNT = 120
BOUNDS = "i", "i + 1", "k", "2", "n - 1", "i // 2", "-1", "-i", "len(x) - i", "max(i - 1, 0)", "min(i, 3)"
ARRAYS = "x", "y", "x * y", "np.sin(x)", "A[i]", "A[:, i]"
MASKS = "x > 0", "y > x", "x > s", "(x > 0) & (y > 0)"
NUMBERS = "s", "0.5", "np.sin(s)", "x[i]"
REDUCTIONS = [
    *("np.sum({})", "np.dot({}, {})", "np.mean(np.append({}, 1.0))", "np.linalg.norm(np.append({}, 0.5))"),
    *("np.sum(np.concatenate([{}, y]))", "len({}) * 1.0", "np.sum(np.cumsum({}))", "np.max(np.append({}, 0.0))"),
    *("np.sum(np.where({} > 0.1, 1.0, 2.0))", "np.sum(np.outer({}, x))", "np.sum(np.sort({}) ** 2)"),
]
REFUSED = (
    *REFUSABLE,
    "lengths are known when the program runs only",  # of two that nothing compares
    "on one way and",  # arrays of different known lengths under one name
    "another name of an array that is written since",
    "never settle",
)


class Writer:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def one(self, *choices):
        return self.random.choice(choices)

    def index(self):
        a, b = self.one(*BOUNDS), self.one(*BOUNDS)
        return self.one(f"[:{b}]", f"[{a}:]", f"[{a}:{b}]", "[::2]", f"[{a}::2]", "[::-1]", "[1:]", "[:-1]")

    def part(self):
        array = f"({self.one(*ARRAYS)})"
        further = self.index() if self.random.random() < 0.2 else ""
        return self.one(array + self.index() + further, array + self.index(), f"{array}[{self.one(*MASKS)}]", "part")

    def reduction(self):
        return self.one(*REDUCTIONS).replace("{}", self.part())

    def statement(self, depth):
        kinds = [
            lambda: [f"s = s + {self.reduction()}"],
            lambda: [f"s = s + {self.reduction()}"],
            lambda: [f"part = {self.part()}"],
            lambda: [f"y{self.index()} = {self.one(*NUMBERS)}"],
            lambda: [f"y{self.index()} *= {self.one(*NUMBERS)}"],
            lambda: [f"y[y > {self.one(*NUMBERS)}] -= 0.25"],
            lambda: [f"view = y{self.index()}", "view *= 0.9"],
            lambda: [f"A[i]{self.index()} = 0.1 * s"],
            lambda: [f"for w in ({self.one(*ARRAYS)}){self.index()}:", "    s = 0.5 * s + np.tanh(w)"],
        ]
        nested = [
            lambda: [f"if {self.test()}:", *self.body(depth + 1), "else:", *self.body(depth + 1)],
            lambda: [f"for k in range({self.one('i', '2', 'n - i')}):", *self.body(depth + 1), *self.body(depth + 1)],
        ]
        return self.one(*kinds, *(nested if depth < 2 else []))()

    def test(self):
        return self.one("x[i] > 0", "s > 0.5", f"len({self.part()}) > 2", f"np.sum({self.part()}) > 0")

    def body(self, depth):
        return ["    " + line for line in self.statement(depth)]

    def program(self):
        lines = ["def f(x, A):", "    n, k, s = len(x), 1, 0.1", "    y, A, part = x * 0.5 + 0.1, A.copy(), x[:2]"]
        lines.append("    for i in range(n):")
        for _ in range(self.random.randint(2, 4)):
            lines += ["    " + line for line in self.body(0)]
        lines.append("    return s + np.sum(y * y) + np.sum(np.tanh(A)) + np.sum(part)")
        return "\n".join(lines) + "\n"


def function(seed):
    text = Writer(seed).program()
    return defined(text, f"<slices {seed}>", np=np)["f"], text


def arguments(seed):
    numbers = np.random.default_rng(seed)
    return numbers.standard_normal(6), numbers.standard_normal((6, 6))


@pytest.mark.parametrize("seed", range(COUNT))
def test_program(seed):
    f, text = function(seed)
    x, a = arguments(seed)
    staged = interpreted(f)
    try:
        value = staged(x, a)
        gradient = wg.grad(staged, (0, 1))(x, a)
    except wg.Diagnostic as refused:
        assert refused.code == "W602" and any(reason in refused.because for reason in REFUSED), text
        return
    assert np.isclose(value, f(x, a), rtol=1e-11), text
    expected = wg.grad(f, (0, 1))(x, a)
    for ours, theirs in zip(gradient, expected):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9, err_msg=text)
    slope = wg.jvp(staged, (x, a), (x, a))[1]
    along = sum(np.sum(g * v) for g, v in zip(expected, (x, a)))
    np.testing.assert_allclose(slope, along, rtol=1e-9, atol=1e-9, err_msg=text)


def test_few_are_refused():
    refused = 0
    for seed in range(COUNT):
        try:
            interpreted(function(seed)[0])(*arguments(seed))
        except wg.Diagnostic:
            refused += 1
    assert refused <= 0.1 * COUNT
