"""Machine code that asks Python: rules of the user's own, what SciPy computes in Python, and printing."""

import threading

import numpy as np
import pytest
import scipy.linalg
import scipy.special

import wengert as wg
from machine_code import Code, staged

X = np.random.default_rng(0).standard_normal(4)


def compiled(f):
    return wg.jit(f, backend="llvm")


# ---------------------------------------------------------------- rules of the user's own


def with_rule(f, pull):
    return wg.custom_vjp(f, pull)


@pytest.mark.parametrize("name", ["exp", "add", "call", "for_", "show", "<lambda>"])
def test_own_rules_may_be_called_like_rows(name):
    def own(x):
        return 3.0 * np.sin(x)

    own.__name__ = name
    rule = with_rule(own, lambda ct, out, x: 3.0 * np.cos(x) * ct)
    f = lambda x: np.sum(rule(x) * x)
    for backend in ("numpy", "llvm"):
        assert wg.jit(f, backend=backend)(X) == pytest.approx(f(X), rel=1e-15)
        np.testing.assert_allclose(wg.jit(wg.grad(f), backend=backend)(X), wg.grad(f)(X), rtol=1e-14)
        np.testing.assert_allclose(wg.grad(wg.jit(f, backend=backend))(X), wg.grad(f)(X), rtol=1e-14)


def test_rules_in_loops_and_branches():
    rule = with_rule(lambda x, y: (x * y, x + y), lambda ct, out, x, y: (ct[0] * y + ct[1], ct[0] * x + ct[1]))

    def f(x):
        total = x[0]
        for i in range(len(x)):
            if x[i] > 0:
                product, both = rule(x[i], total)
                total = total + 0.1 * product * both
            else:
                total = total - x[i]
        return total

    assert compiled(f)(X) == pytest.approx(f(X), rel=1e-14)
    np.testing.assert_allclose(compiled(wg.grad(f))(X), wg.grad(f)(X), rtol=1e-13)
    np.testing.assert_allclose(compiled(wg.vmap(f))(np.stack([X, -X])), [f(X), f(-X)], rtol=1e-13)


def test_what_a_rule_keeps_stays_as_it_was():
    kept = []
    rule = with_rule(lambda x: (kept.append(x), 2.0 * x)[1], lambda ct, out, x: 2.0 * ct)
    f = compiled(lambda x: np.sum(rule(x + 1.0)) + np.sum(rule(x * 3.0)))
    for k in range(50):
        f(X + k)
    found = np.array([np.asarray(x) for x in kept[-2:]])
    np.testing.assert_array_equal(found, [X + 49 + 1.0, (X + 49) * 3.0])


def test_exceptions_of_a_rule_come_out_as_they_are():
    def own(x):
        if np.any(x > 1.0):
            raise LookupError("nothing above one")
        return x

    rule = with_rule(own, lambda ct, out, x: ct)
    f = compiled(lambda x: np.sum(rule(x)))
    assert f(np.zeros(3)) == 0.0
    with pytest.raises(LookupError, match="nothing above one"):
        f(np.full(3, 2.0))
    assert f(np.ones(3)) == 3.0


def test_ctrl_c_in_a_rule_ends_the_call():
    def own(x):
        raise KeyboardInterrupt

    rule = with_rule(own, lambda ct, out, x: ct)
    with pytest.raises(KeyboardInterrupt):
        compiled(lambda x: np.sum(rule(x)))(X)


def test_rules_run_in_threads_while_others_wait():
    rule = with_rule(lambda x: np.cos(x), lambda ct, out, x: -np.sin(x) * ct)

    def f(x):
        for _ in range(50):
            x = rule(x)
        return np.sum(x)

    fast, found = compiled(f), {}
    fast(X)
    threads = [threading.Thread(target=lambda k=k: found.update({k: fast(X + k)})) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == {k: pytest.approx(f(X + k), rel=1e-14) for k in range(4)}


# ---------------------------------------------------------------- what NumPy and SciPy compute in Python

SQUARE = X[:3, None] * X[None, 1:] + 3.0 * np.eye(3)


@pytest.mark.parametrize(
    "f, x",
    [
        (lambda x: np.sum(scipy.linalg.sqrtm(x) ** 2), SQUARE),
        (lambda x: np.sum(scipy.linalg.solve_sylvester(x, x.T, np.eye(3))), SQUARE),
        (lambda x: np.sum(scipy.special.kvp(1, x**2 + 0.5)), X),
        (lambda x: np.sum(np.partition(x, 2)[:2]), X),
        (lambda x: np.sum(scipy.linalg.sqrtm(x)[np.diag(x) > 3.0] ** 2), SQUARE),
        (lambda x: np.sum(scipy.special.kvp(1, x[x > 0] + 0.5)), X),
    ],
)
def test_agrees_with_numpy(f, x):
    assert compiled(f)(x) == pytest.approx(f(x), rel=1e-12)
    np.testing.assert_allclose(compiled(wg.grad(f))(x), wg.grad(f)(x), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(wg.grad(compiled(f))(x), wg.grad(f)(x), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("f", [np.sum, lambda x: x @ x])
def test_half_precision(f):
    x = np.arange(5, dtype=np.float16)
    program, operands = staged(f, x)
    (found,) = Code(program)(*operands)
    assert found == f(x) and found.dtype == np.float16


def test_costs_name_what_python_computes():
    found = wg.cost(lambda x: np.sum(scipy.linalg.sqrtm(x)), SQUARE, backend="llvm")
    assert any(text.startswith("sqrtm (test_llvm_python.py:") for text in found.function.in_python)
    assert "machine code asks Python for sqrtm" in str(found)
    assert "asks Python" not in str(wg.cost(lambda x: np.sum(np.sin(x)), SQUARE, backend="llvm"))


# ---------------------------------------------------------------- printing


def partial_sums(x):
    total = 0.0
    for i in range(len(x)):
        total = total + x[int(x[i])]
        print("sum", i, total)
    return total


def test_prints_once_and_in_order(capsys):
    x = np.array([0.0, 1.0, 2.0])
    partial_sums(x)
    expected = capsys.readouterr().out
    fast = compiled(partial_sums)
    for _ in range(3):
        assert fast(x) == 3.0
        assert capsys.readouterr().out == expected
    for derivative in (wg.grad(fast), compiled(wg.grad(partial_sums))):
        np.testing.assert_array_equal(derivative(x), [1.0, 1.0, 1.0])
        assert capsys.readouterr().out == expected


def test_what_precedes_an_exception_is_printed_once(capsys):
    fast = compiled(partial_sums)
    fast(np.zeros(3))
    capsys.readouterr()
    with pytest.raises(IndexError):
        fast(np.array([0.0, 9.0, 2.0]))
    assert capsys.readouterr().out == "sum 0 0.0\n"


def test_a_way_back_that_repeats_the_way_there_prints_nothing(capsys):
    def squared(x):
        while x < 5.0:
            print("x", x)
            x = x * x
        return x

    assert wg.grad(compiled(squared))(1.5) == pytest.approx(4 * 1.5**3)
    assert capsys.readouterr().out == "x 1.5\nx 2.25\n"
