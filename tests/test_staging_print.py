"""`print` in a program: what Python prints, in its order, once, whatever is derived."""

import numpy as np
import pytest

import wengert as wg

X = np.array([1.0, -2.0, 3.0])


def talkative(x, n):
    print("begin", n, sep=": ")
    total = 0.0
    for i in range(len(x)):
        if x[i] > 0:
            print(f"{i}: {x[i]:.3f}", total, end=";\n")
        total += x[i] ** 2
        tell(total)
    print(x, x[1:], [1, "two"])
    print()
    print("end", end="")
    return total


def tell(total):
    print("total is", total)


def printed(capsys, f, *args):
    out = f(*args)
    return out, capsys.readouterr().out


def test_prints_as_python_does(capsys):
    expected = printed(capsys, talkative, X, 3)
    f = wg.jit(talkative)
    assert printed(capsys, f, X, 3) == expected
    assert printed(capsys, f, X, 3) == expected
    assert "0: 1.000 0.0;\ntotal is 1.0\n" in expected[1]


@pytest.mark.parametrize(
    "transform", [wg.grad, wg.hessian, lambda f: lambda x, n: wg.jvp(lambda x: f(x, n), (x,), (x,))[1]]
)
def test_derivatives_print_once(capsys, transform):
    _, expected = printed(capsys, talkative, X, 3)
    for f in (transform(wg.jit(talkative)), wg.jit(transform(talkative))):
        out, text = printed(capsys, f, X, 3)
        np.testing.assert_allclose(out, transform(talkative)(X, 3), rtol=1e-12)
        capsys.readouterr()
        assert text == expected


def test_nothing_from_a_branch_that_is_not_taken(capsys):
    def f(x):
        if x > 0:
            print("positive", x)
            return x * x
        return -x

    assert printed(capsys, wg.grad(wg.jit(f)), -1.0) == (-1.0, "")
    assert printed(capsys, wg.grad(wg.jit(f)), 2.0) == (4.0, "positive 2.0\n")


def test_lanes_print_their_own(capsys):
    def f(x):
        print("x =", x)
        return x * x

    _, text = printed(capsys, wg.vmap(wg.jit(f)), X)
    assert text == "x = 1.0\nx = -2.0\nx = 3.0\n"


def test_what_precedes_an_exception(capsys):
    def f(x):
        x[0] = 5.0
        print("first", x[0])
        if x[1] < 0:
            raise ValueError("negative")
        print("second")
        return x

    for g in (f, wg.jit(f)):
        x = X.copy()
        with pytest.raises(ValueError, match="negative"):
            g(x)
        assert capsys.readouterr().out == "first 5.0\n" and x[0] == 5.0


def test_containers_with_values_are_refused():
    with pytest.raises(wg.Diagnostic, match=r"container.*\n.*print\(\*x\)"):
        wg.jit(lambda x: print([x, x]))(1.0)
    with pytest.raises(wg.Diagnostic, match="into a file"):
        wg.jit(lambda x, file: print(x, file=file))(1.0, open)
