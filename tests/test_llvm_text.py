"""What LLVM gets: little, and in functions of moderate length."""

import ctypes
import re

import numpy as np

import wengert as wg
from machine_code import Code, agree, interpreted, same, staged
from wengert.backends.llvm.engine import OPTIMISED, SCALAR, compile
from wengert.backends.llvm.frame import Kernel
from wengert.backends.llvm.program import lowered
from wengert.backends.llvm.text import FEW, INT, Module, constant


def many_nests(x):
    """Sums along changing axes, so that no nest is part of another; each reads a number that was made before."""
    total = 0.0
    for k in range(FEW):
        y = np.cumsum(x, axis=k % 2)
        x = y / np.max(y) + k
        total = total + x[k % 3, 1]
    return total, x


def test_long_functions_become_short_ones():
    program, operands = staged(many_nests, np.arange(1.0, 13.0).reshape(3, 4))
    parts = set(re.findall(r"@kernel\.part\d+", lowered(program).text))
    assert len(parts) > 1
    agree(program, operands)
    agree(program, operands, checked=True)


def test_a_failure_in_a_part_ends_the_call():
    def f(x, rows):
        _, y = many_nests(x)
        return np.cumsum(y[rows], axis=0)

    program, operands = staged(f, np.arange(1.0, 13.0).reshape(3, 4), np.array([0, 2]))
    code = Code(program)
    assert "@kernel.part0" in code.lowered.text
    same(code(*operands), interpreted(program, operands), 1e-12)
    assert code(operands[0], np.array([0, 3])) == 1


def test_what_is_compiled_how():
    def number(x):
        while x > 1.0:
            x = x / 3.0
        return x

    assert lowered(staged(number, 5.0)[0]).level == SCALAR
    assert lowered(staged(np.cumsum, np.ones(100))[0]).level == OPTIMISED


def test_only_what_is_called_of_the_runtime():
    def power(x, n):
        y = 1.0
        while n > 0.0:
            y, n = y * np.sin(x), n - 1.0
        return y

    assert "free_all" not in lowered(staged(power, 5.0, 3.0)[0]).text
    found = lowered(staged(wg.grad(power), 5.0, 3.0)[0])
    assert "@grow" in found.text and "define internal ptr @alone" not in found.text  # its stacks are its own
    assert set(found.symbols) >= {"new_stack", "grow", "drop_stack", "free_all"}
    assert "@clone" not in found.text


def test_a_line_stands_once_where_it_holds():
    k = Kernel(Module(), "@f")
    before = k.times("%x", 3)
    k.branch("%c", "yes", "no")
    k.label("yes")
    assert k.times("%x", 3) == before
    inside = k.times("%x", 5)
    k.jump("on")
    k.label("no")
    assert k.times("%x", 5) != inside
    k.jump("on")
    k.label("on")
    assert k.times("%x", 3) == before
    both = k.times("%x", 5)
    assert both != inside
    k.jump("head")
    k.label("head")
    assert k.times("%x", 5) == both
    k.branch("%d", "head", "after")  # a jump back changes nothing of what holds before the loop
    k.label("after")
    assert k.times("%x", 5) == both


def test_loops_without_iterations():
    k = Kernel(Module(), "@run")
    count = k.value("load i64, ptr %inputs")
    total = lambda i, carried: [carried[0]._replace(text=k.plus(carried[0].text, i))]
    (found,) = k.repeat(count, total, [constant(0, INT)])
    k.put(f"store i64 {found.text}, ptr %outputs")
    code = compile(k.module.text() + k.text(["ptr %inputs", "ptr %outputs", "ptr %arena"], linkage=""), {})
    run = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 3)(code.address("run"))
    for n, expected in ((-2, 0), (0, 0), (1, 0), (5, 10)):
        words = np.array([n, -1])
        assert run(words.ctypes.data, words.ctypes.data + 8, None) == 0
        assert words[1] == expected
