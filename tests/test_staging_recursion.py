"""Functions that call themselves at run time (programs/recursion.py is tested as all other programs are)."""

import gc
import linecache
import math
import sys
import tracemalloc

import numpy as np
import pytest

import wengert as wg
from programs.recursion import PROGRAMS, determinant_by_minors, fibonacci_like, power
from staging import agree
from wengert.frontend.jit import built_for
from wengert.ir.program import walk
from wengert.ir.text import parse, text
from wengert.ir.verify import verify

EACH = [pytest.param(p, id=p.name) for p in PROGRAMS]


def functions_of(program):
    """The functions that a program calls, and those that they call."""
    found, todo = [], [program]
    while todo:
        called = {e.params["function"] for e in walk(todo.pop()) if e.row.name == "recur"}
        todo += [f.program for f in called if f not in found]
        found += [f for f in called if f not in found]
    return found


def program_of(f, *args):
    return built_for(f, args, {}).optimised


@pytest.mark.parametrize("program", EACH)
def test_calls_are_calls(program):
    """No depth is staged apart: the program is as long for a deep recursion as for a shallow one."""
    found = program_of(program.function, *program.args())
    assert functions_of(found)
    verify(found)
    assert text(parse(text(found))) == text(found)


@pytest.mark.parametrize("program", EACH)
def test_second_derivatives(program):
    """Reverse of reverse, and forward of reverse, each way round with staging."""
    argnum = program.argnums[0]
    for point in program.points():
        args = point.args()
        expected = wg.hessian(program.function, argnum)(*args)
        staged = wg.jit(program.function)
        gradient = wg.grad(program.function, argnum)
        for second in (
            wg.hessian(staged, argnum),
            wg.jit(wg.jacrev(gradient, argnum)),
            wg.jit(wg.jacfwd(gradient, argnum)),
        ):
            np.testing.assert_allclose(second(*args), expected, rtol=1e-10, atol=1e-11)


def test_the_program_does_not_grow():
    shallow, deep = (text(program_of(wg.grad(fibonacci_like), 0.6, n), places=False) for n in (2, 20))
    assert shallow == deep


def test_constants_among_the_arguments():
    """A depth that the text gives is a value, where each call has another."""

    def tree(x, depth):
        return math.sin(x) if depth == 30 else tree(0.9 * x, depth + 1)

    def f(x):
        return tree(x, 0)

    assert wg.jit(f)(1.0) == f(1.0)
    assert len(functions_of(program_of(f, 1.0))) == 1
    np.testing.assert_allclose(wg.jit(wg.grad(f))(1.0), wg.grad(f)(1.0), rtol=1e-14)


def test_recursion_that_ends_while_staging():
    """Where Python must see the number, it is a constant as before."""

    def sum_of_parts(x, n):
        return np.sum(np.zeros(n) + x) + (sum_of_parts(x * 0.5, n - 1) if n > 1 else 0.0)

    assert wg.jit(sum_of_parts)(1.3, 12) == sum_of_parts(1.3, 12)
    assert not functions_of(program_of(sum_of_parts, 1.3, 12))


def test_types_widen():
    """The first answer is whole, the next is not."""

    def f(x, n):
        return 1 if n == 0 else f(x, n - 1) * x

    for x in (1.5, np.float32(1.5), 2):
        got, expected = wg.jit(f)(x, 3), f(x, 3)
        assert got == expected and np.asarray(got).dtype == np.asarray(expected).dtype
    assert wg.jit(wg.grad(f))(1.5, 3) == wg.grad(f)(1.5, 3)


def test_whole_numbers():
    def factorial(n):
        return 1 if n == 0 else n * factorial(n - 1)

    staged = wg.jit(factorial)
    assert staged(10) == factorial(10) and type(staged(10)) is int
    assert staged(0) == 1


def test_float32_and_empty_arrays():
    def f(x, n):
        return np.sum(x * x) if n == 0 else f(np.sin(x), n - 1)

    for x in (np.linspace(0, 1, 4, dtype=np.float32), np.zeros(0), np.array(0.3), np.zeros((2, 0))):
        got, expected = wg.jit(wg.grad(f))(x, 3), wg.grad(f)(x, 3)
        assert got.dtype == expected.dtype and got.shape == expected.shape
        np.testing.assert_allclose(got, expected, rtol=1e-5 if x.dtype == np.float32 else 1e-14)


def test_complex():
    def f(z, n):
        return z if n == 0 else f(z * z + 0.2j, n - 1)

    def size(z, n):
        return abs(f(z, n)) ** 2

    z = 0.3 + 0.4j
    assert abs(wg.jit(f)(z, 3) - f(z, 3)) < 1e-15
    np.testing.assert_allclose(wg.jit(wg.grad(size))(z, 3), wg.grad(size)(z, 3), rtol=1e-13)


def test_closures_and_captured_arrays():
    weights = np.array([0.3, 0.7, 1.1])

    def f(x, n):
        scale = x * 2.0

        def inner(y, k):
            return y * scale if k == 0 else inner(weights * y, k - 1)

        return np.sum(inner(x * weights, n))

    staged = wg.jit(f)
    for n in (0, 3):
        np.testing.assert_allclose(staged(0.7, n), f(0.7, n), rtol=1e-14)
        np.testing.assert_allclose(wg.grad(staged)(0.7, n), wg.grad(f)(0.7, n), rtol=1e-13)
    weights[0] = 5.0
    np.testing.assert_allclose(staged(0.7, 3), f(0.7, 3), rtol=1e-14)


def test_in_loops():
    """Calls in a `for` of a `while`, and derivatives inside of the function."""

    def walk_down(x, n):
        total = 0.0
        for k in range(n):
            y = x + k
            while y > 1.5:
                y = 0.5 * y
                total += walk_down(0.5 * y, k)
            total += y * y
        return total

    def slope(x, n):
        return x * wg.grad(walk_down)(x, n)

    for f in (walk_down, slope):
        np.testing.assert_allclose(wg.jit(f)(2.3, 4), f(2.3, 4), rtol=1e-13)
        np.testing.assert_allclose(wg.jit(wg.grad(f))(2.3, 4), wg.grad(f)(2.3, 4), rtol=1e-12)
        np.testing.assert_allclose(wg.jit(wg.derivative(f))(2.3, 4), wg.grad(f)(2.3, 4), rtol=1e-12)


def test_batches():
    """Each lane goes as deep as it must."""

    def f(x):
        return x if x < 0.1 else x + f(x * x)

    xs = np.array([0.05, 0.4, 0.9, 0.95])
    expected = [f(x) for x in xs]
    np.testing.assert_allclose(wg.vmap(wg.jit(f))(xs), expected, rtol=1e-14)
    np.testing.assert_allclose(wg.jit(wg.vmap(f))(xs), expected, rtol=1e-14)
    slopes = [wg.grad(f)(x) for x in xs]
    np.testing.assert_allclose(wg.jit(wg.vmap(wg.grad(f)))(xs), slopes, rtol=1e-13)
    np.testing.assert_allclose(wg.jit(wg.grad(lambda xs: np.sum(wg.vmap(f)(xs))))(xs), slopes, rtol=1e-13)
    depths = np.stack([xs, xs + 1.0])
    lanes = [wg.grad(lambda x: np.sum(power(x, 5)))(x) for x in depths]
    np.testing.assert_allclose(wg.jit(wg.vmap(wg.grad(lambda x: np.sum(power(x, 5)))))(depths), lanes, rtol=1e-13)


# ---------------------------------------------------------------- memory


def test_nothing_kept_is_nothing_recorded():
    """The way back of a sum over a tree follows from its arguments: no record, and memory of the depth alone."""

    def tree(x, depth):
        return x * depth if depth == 0 else x * x + tree(0.5 * x, depth - 1) + tree(0.7 * x, depth - 1)

    found = program_of(wg.grad(tree), 1.1, 3)
    assert not any(e.row.name == "pack" for f in functions_of(found) for e in walk(f.program))
    staged = wg.jit(wg.grad(tree))
    np.testing.assert_allclose(staged(1.1, 3), wg.grad(tree)(1.1, 3), rtol=1e-13)
    assert most_memory(staged, 1.1, 10) < 2 * most_memory(staged, 1.1, 5)


def most_memory(f, *args):
    f(*args)
    tracemalloc.start()
    try:
        f(*args)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_value_takes_memory_of_the_depth():
    staged = wg.jit(determinant_by_minors)
    small, large = (np.random.default_rng(0).normal(size=(n, n)) for n in (3, 6))
    np.testing.assert_allclose(staged(large, 0), np.linalg.det(large), rtol=1e-12)
    assert most_memory(staged, large, 0) < 3 * most_memory(staged, small, 0)


def test_gradient_of_the_expansion_by_minors():
    A = np.random.default_rng(1).normal(size=(6, 6))
    expected = np.linalg.det(A) * np.linalg.inv(A).T
    np.testing.assert_allclose(wg.jit(wg.grad(determinant_by_minors))(A, 0), expected, rtol=1e-11)


# ---------------------------------------------------------------- effects and exceptions


def test_prints_in_order(capsys):
    def f(x, n):
        print("down", n)
        y = x if n == 0 else f(x * x, n - 1)
        print("up", n)
        return y

    f(1.1, 2)
    expected = capsys.readouterr().out
    for staged in (wg.jit(f), wg.jit(wg.grad(f))):
        staged(1.1, 2)
        assert capsys.readouterr().out == expected


def test_exceptions_at_the_users_line():
    def f(x, n):
        assert n < 3, "too deep"
        return f(x * 2.0, n + 1)

    def read(x, i):
        return x[i] if i > 2 else read(x, i + 1) * 2.0

    with pytest.raises(AssertionError, match="too deep") as raised:
        wg.jit(lambda x: f(x, 0) if x > 0 else x)(1.0)
    assert "assert n < 3" in "".join(raised.value.__notes__)
    for staged in (wg.jit(read), wg.jit(wg.grad(read))):
        with pytest.raises(IndexError) as out_of_range:
            staged(np.ones(3), 0)
        assert "x[i] if i > 2" in "".join(out_of_range.value.__notes__)


def test_recursion_without_an_end():
    def endless(x):
        return endless(x + 1.0) if x > 0 else x

    def always(x):
        return always(x + 1.0) + 1.0

    assert wg.jit(endless)(-1.0) == -1.0
    limit = sys.getrecursionlimit()
    with pytest.raises(RecursionError):
        wg.jit(endless)(1.0)
    assert sys.getrecursionlimit() == limit
    with pytest.raises(wg.Diagnostic, match="`always` calls itself whatever the values are"):
        wg.jit(always)(1.0)


@pytest.mark.parametrize("collects", [True, False])
def test_the_collector_is_left_as_it_was(collects):
    def f(x):
        return x * 2.0

    def refused(x):
        return float(str(x))

    try:
        gc.enable() if collects else gc.disable()
        assert wg.jit(f)(1.0) == 2.0
        assert gc.isenabled() is collects
        with pytest.raises(wg.Diagnostic):
            wg.jit(refused)(1.0)
        assert gc.isenabled() is collects
    finally:
        gc.enable()


def test_as_deep_as_python():
    def deep(x, n):
        return x if n == 0 else deep(x * 0.999 + 0.1, n - 1)

    n = sys.getrecursionlimit() * 2 // 3
    assert wg.jit(deep)(1.0, n) == pytest.approx(100 - 99 * 0.999**n, rel=1e-12)
    assert wg.jit(wg.grad(deep))(1.0, n) == pytest.approx(0.999**n, rel=1e-12)


def test_what_changes_with_the_depth_is_refused():
    """A list that is longer in each call has no type for all of them."""

    def f(xs, t):
        return sum(xs) if t > 10.0 else f([*xs, t], t + sum(xs))

    assert f([1.0], 0.0) == 16.0
    with pytest.raises(wg.Diagnostic, match="W602"):
        wg.jit(f)([1.0], 0.0)


def test_what_is_returned_may_be_an_argument():
    """Staged for its whole numbers, since nothing tells whose memory the result is."""

    def f(x, a, n):
        if n <= 0:
            return a
        b = f(x, a, n - 1)
        return b * x + f(x, b, n - 1)

    agree(f, 1.5, np.array([1.0, 2.0]), 3)


def test_endless_staging_of_many_branches_ends():
    def f(x, a):
        if x < 0.1:
            return a
        return f(x - 1.0, a) + f(x - 2.0, a)

    with pytest.raises(wg.Diagnostic, match="calls itself more than"):
        wg.jit(f)(3.0, np.ones(2))


def test_calls_whose_results_nobody_reads():
    def f(x, n):
        if n <= 0:
            if x > 9.0:
                raise ValueError(n)
            return x
        f(x + 1.0, n - 1)
        return 1.0 * n

    agree(f, 1.5, 3)
    agree(f, 8.5, 3)


def test_as_many_branches_as_python_takes():
    """Each `elif` is a branch inside the one before."""
    lines = [f"    elif x < {i}.0:\n        y = {i}.0 * x\n" for i in range(1, 150)]
    text = "def f(x):\n    if x < 0.0:\n        y = x\n" + "".join(lines) + "    else:\n        y = 0.0\n    return y\n"
    name, names = "<many branches>", {}
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    exec(compile(text, name, "exec"), names)
    for backend in ("llvm", "numpy"):
        assert wg.jit(names["f"], backend=backend)(3.5) == 14.0
        assert wg.jit(wg.grad(names["f"]), backend=backend)(147.5) == 148.0
