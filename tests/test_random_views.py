"""Random programs over views: names of rows, columns, parts and whole arrays, bound and written in loops and branches.

A program is Python text; plain Python says what it gives, the eager engine what its derivatives are.
"""

import random

import numpy as np
import pytest

import wengert as wg
from staging import interpreted
from written import defined

COUNT = 150
ROWS = "a[i]", "a[j]", "a[0]", "a[:, i]", "a.T[i]", "a[::-1, i]", "row", "row[::-1]"
OTHER_ROWS = [
    *("y", "y[::-1]", "a[i][::-1]", "x * s", "a[i] * 0.5", "a.copy()[i]", "a[[1, 0, 3, 2]][i]", "b[i]"),
    *("a.reshape(-1)[4 * i : 4 * i + 4]", "a.T.reshape(-1)[4 * j : 4 * j + 4]", "a.reshape(2, 2, 4)[i // 2, j // 2]"),
]
PARTS = [
    *("a[i, 1:3]", "a[1:3, j]", "y[1:3]", "y[::2]", "row[:2]", "row[2:]", "part", "part[::-1]", "part * 1.5"),
    "a[i : i + 2, 0][:2] if i < 3 else y[:2]",
]
NUMBERS = "s", "0.5", "x[i]", "a[i, j]", "row[0]", "part[1]", "y[j]"
TESTS = "a[i, 0] > 0.0", "s > 0.3", "row[1] < 0.2", "x[i] > -0.4", "i > 1", "np.sum(row) < 0.5", "i == j"
REFUSED = [
    *("may have another name", "is another name of an array that is written since", "names different arrays"),
    *("on one way and", "before and", "lengths are known when the program runs only", "never settle"),
]


class Writer:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def one(self, *choices):
        return self.random.choice(choices)

    def simple(self):
        number, operator = self.one(*NUMBERS), self.one("", "+", "*")
        return self.one(
            f"row = {self.one(*ROWS)}",
            f"row = {self.one(*ROWS)}",
            f"row = {self.one(*OTHER_ROWS)}",
            f"part = {self.one(*PARTS)}",
            self.one("b = a", "b = a", "b = a[::-1]", "b = a.copy()", "y = y * 0.9", "a = a * 0.9"),
            f"row {self.one('+', '*')}= 0.5 * {self.one('x', 's', 'y', 'a[j]')}",
            f"row[{self.one('0', 'i', '-1', '1:3', '::2', ':')}] {operator}= {number}",
            f"part[{self.one('0', '1', ':', '::-1')}] {operator}= {number}",
            f"a[{self.one('i', 'j', '0')}] = {self.one('a[i] + x', 'row * 0.5', 'y', 's', 'x + 0.1 * row')}",
            f"a[{self.one('i', 'j')}, {self.one('j', '0', '1:3')}] {operator}= {number}",
            f"y[{self.one('i', '0', ':', '1:')}] = {number}",
            f"{self.one('a[:, j]', 'a.T[i]', 'y', 'a', 'part')} *= 0.8",
            f"s = np.tanh(s + np.sum(row * x) * 0.1 + {number})",
            f"s = s + 0.1 * {self.one('np.sum(part)', 'row[i]', 'part[0]', 'np.sum(a[i] * row)')}",
        )

    def statement(self, depth):
        if depth > 1 or self.random.random() > 0.45:
            return [self.simple()]
        k, head = f"k{depth}", f"if {self.one(*TESTS)}:"
        return self.one(
            [head, *self.body(depth + 1), "else:", *self.body(depth + 1)],
            [head, *self.body(depth + 1)],
            ["for j in range(4):", *self.body(depth + 1), *self.body(depth + 1)],
            [f"{k} = 0", f"while {k} < 3 and {self.one(*TESTS)}:", f"    {k} = {k} + 1", *self.body(depth + 1)],
        )

    def body(self, depth):
        more = self.statement(depth) if self.random.random() < 0.4 else []
        return ["    " + line for line in [*self.statement(depth), *more]]

    def program(self):
        starts = self.one("x * 1.0", "a[0]", "y"), self.one("x[:2] * 1.0", "a[1, :2]", "y[2:]")
        head = self.one("for i in range(4):", "for i in range(4):", "if x[0] > 0:", "while s < 2.0 and k < 5:")
        lines = ["a, y, s, i, j, k = A.copy(), x * 0.5, 0.1, 1, 2, 0", f"row, part, b = {', '.join(starts)}, a", head]
        lines += ["    k = k + 1"] if head.startswith("while") else []
        for _ in range(self.random.randint(2, 4)):
            lines += ["    " + line for line in self.statement(self.one(0, 1))]
        lines += self.statement(2) if self.random.random() < 0.5 else []
        lines.append("return s + np.sum(a * A) + np.sum(y * x) + np.sum(row * x) + np.sum(part) + np.sum(b[0] * x)")
        return "\n".join(["def f(x, A):", *("    " + line for line in lines)]) + "\n"


def function(seed):
    text = Writer(seed).program()
    return defined(text, f"<views {seed}>", np=np)["f"], text


def arguments(seed):
    numbers = np.random.default_rng(seed)
    return numbers.standard_normal(4), numbers.standard_normal((4, 4))


@pytest.mark.parametrize("seed", range(COUNT))
def test_program(seed):
    f, text = function(seed)
    x, a = arguments(seed)
    value = f(x, a)
    staged = interpreted(f)
    try:
        found, gradient = staged(x, a), wg.grad(staged, (0, 1))(x, a)
    except wg.Diagnostic as refused:
        assert refused.code == "W602" and any(reason in str(refused) for reason in REFUSED), text
        return
    np.testing.assert_allclose(found, value, rtol=1e-11, err_msg=text)
    for ours, theirs in zip(gradient, wg.grad(f, (0, 1))(x, a)):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-9, err_msg=text)


def test_not_too_many_are_refused():
    """Most of these write one of two arrays that a name may hold, which is for `copy` to decide."""
    refused = 0
    for seed in range(COUNT):
        try:
            interpreted(function(seed)[0])(*arguments(seed))
        except wg.Diagnostic:
            refused += 1
    assert refused <= 0.5 * COUNT
