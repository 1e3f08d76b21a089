"""Functions that raise: the same exception, after the same writes; and nothing where the statement is not reached."""

import numpy as np
import pytest

import wengert as wg
from staging import agree, cases, outcome, programs, same

X = np.array([1.0, 2.0, 3.0])

case, each_case = cases()

# ---------------------------------------------------------------- writes that precede the exception


@case(X)
def raises_after_a_write(x):
    x[0] = 5.0
    if x[1] > 0:
        raise ValueError("bad")
    x[2] = 7.0
    return x.sum()


@case(X)
def writes_where_it_raises(x):
    if x[1] > 0:
        x[0] = 5.0
        raise ValueError("side")
    return x.sum()


@case(X)
def always_raises(x):
    x *= 2
    raise ValueError("always")


@case(X, 5)
def leaves_the_array(x, n):
    for i in range(n):
        x[i] = i
    return x.sum()


@case(X)
def writes_a_view(x):
    v = x[1:]
    v[0] = 3.0
    if v[0] > 0:
        raise KeyError("k")
    return x.sum()


@case(X)
def writes_one_of_two(x):
    y = x if x[0] > 0 else x.copy()
    y[0] = 9.0
    if x[1] > 0:
        raise KeyError("k")
    return x.sum()


@case(X)
def writes_in_a_helper(x):
    x[1] = 0.0
    double_and_raise(x)
    return x.sum()


def double_and_raise(x):
    x *= 2
    if x[0] > 0:
        raise ValueError(f"in a helper: {x[0]}")


@case({"w": X})
def writes_into_a_dictionary(d):
    d["w"][0] = 1.5
    raise RuntimeError("no")


@case({"w": X})
def writes_into_a_dictionary_and_returns(d):
    for v in d.values():
        v *= 2.0
    return d["w"].sum()


# ---------------------------------------------------------------- what is not reached


def never(i):
    raise ValueError(f"never {i}")


@case(X, 0)
@case(X, 2)
def body_always_raises(x, n):
    for i in range(n):
        x = x + never(i)
    return x.sum()


@case(X, 0)
@case(X, 2)
def inner_body_always_raises(x, n):
    for i in range(n):
        for _ in range(i):
            raise AssertionError
    return x.sum()


@case(X, 0)
@case(X, 2)
def while_body_always_raises(x, n):
    while n > 0:
        n -= 1
        raise KeyError(n)
    return x.sum()


@case(X, 0)
@case(X, 2)
def shapes_that_do_not_fit(x, n):
    for _ in range(n):
        x = x @ np.ones(4)
    return x.sum()


@each_case
def test_as_python(f, args, kwargs):
    staged = agree(f, *args, **kwargs)
    assert programs(staged) == 1, "what raises is a program, too"
    same(outcome(wg.jit(wg.grad(f)), args, kwargs)[0], outcome(wg.grad(f), args, kwargs)[0], kinds=False)


def test_attributes_that_do_not_exist():
    def f(x, n):
        for _ in range(n):
            x = x.nothing
        return x.sum()

    staged = wg.jit(f)
    assert staged(X, 0) == X.sum()
    with pytest.raises(AttributeError, match=r"'numpy.ndarray' object has no attribute 'nothing'"):
        staged(X, 2)


def test_random_numbers_are_not_drawn_again():
    rng, other = np.random.default_rng(3), np.random.default_rng(3)

    def f(x):
        x[0] = rng.normal()
        raise ValueError("drawn")

    with pytest.raises(ValueError, match="drawn"):
        wg.jit(f)(X.copy())
    other.normal()
    assert rng.normal() == other.normal()


# ---------------------------------------------------------------- writes of which nobody reads the result

unread, each_unread = cases()


@unread(X, slice(None), np.ones(4))
@unread(X, slice(1, None), X)
@unread(X, slice(None, None, 2), X)
@unread(X, slice(2, 2), np.ones(2))
@unread(X, 0, X)
@unread(X, 0, np.ones(1))
@unread(X, 3, 1.0)
@unread(X, -4, 1.0)
@unread(X, (0, 0), 1.0)
@unread(X, np.array([0, 3]), 1.0)
@unread(X, np.array([0, 1]), X)
@unread(np.ones((2, 3)), (slice(None), 0), np.ones(3))
@unread(np.ones((2, 3)), (1, 3), 1.0)
@unread(np.ones((2, 3)), slice(None), np.ones((3, 1)))
@unread(X, slice(None), np.ones((1, 3)))
@unread(X, slice(1, None), np.ones(1))
@unread(X, 1, np.array(2.0))
def unread_write(x, index, value):
    y = x.copy()
    y[index] = value
    return x.sum()


@unread(X, 3, 0)
@unread(X, 3, 1)
@unread(X, 2, 3)
def unread_write_in_a_loop(x, n, trips):
    for _ in range(trips):
        y = np.zeros(3)
        y[:n] = x[:2]
        y[n] = 1.0
    return x.sum()


@unread(X, 1.0)
@unread(X, -1.0)
def unread_write_on_one_way(x, c):
    y = np.zeros(2)
    if c > 0.0:
        y[:] = x
    return x.sum()


@unread(X)
def unread_write_through_views(x):
    y = np.zeros((2, 3))
    y.T[1:][::-1][0] = x
    return x.sum()


@unread(X, 2.0)
@unread(X, 1.0)
def unread_write_of_what_is_chosen(x, least):
    y = np.zeros(2)
    y[:] = x[x >= least]
    return x.sum()


@unread(X, 1)
@unread(X, 2)
def unread_write_to_a_part_of_unknown_length(x, i):
    y = np.zeros(3)
    y[i : i + 2] = x[:2]
    return x.sum()


@each_unread
def test_unread_writes_raise(f, args, kwargs):
    agree(f, *args, **kwargs)


# ---------------------------------------------------------------- what raises where nothing comes of it


def reads_past_the_end(x, i):
    x[i]
    return np.sum(x * x)


def reads_past_the_end_in_a_loop(x, i):
    for k in range(3):
        x[i + k - 2]
    return np.sum(x * x)


def adds_what_is_past_the_end_of_data(x, i):
    data, s = np.arange(3.0), 0.0
    for k in range(i):
        s += data[k]
    return s + x[0] * x[0]


def loses_what_a_branch_reads(x, i):
    unused = x[i] * 2.0 if i > 1 else 0.0  # noqa: F841
    return np.sum(x * x)


def helper_of_another(x, i):
    return x[i]


def calls_for_nothing(x, i):
    helper_of_another(x, i)
    return np.sum(x * x)


DERIVED = {
    "gradient": lambda f: wg.jit(wg.grad(f)),
    "of the compiled": lambda f: wg.grad(wg.jit(f)),
    "forward": lambda f: wg.jit(wg.jacfwd(f)),
    "order two": lambda f: wg.jit(wg.hessian(f)),
    "with value": lambda f: wg.jit(wg.value_and_grad(f)),
    "interpreted": lambda f: wg.jit(wg.grad(f), backend="numpy"),
}
FOR_NOTHING = [
    *(reads_past_the_end, reads_past_the_end_in_a_loop, adds_what_is_past_the_end_of_data),
    *(loses_what_a_branch_reads, calls_for_nothing),
]


@pytest.mark.parametrize("derived", DERIVED.values(), ids=DERIVED)
@pytest.mark.parametrize("f", FOR_NOTHING)
def test_derivatives_raise_what_the_function_raises_where_nothing_comes_of_it(f, derived):
    g = derived(f)
    g(X, 2)
    with pytest.raises(IndexError, match="out of bounds"):
        f(X, 7)
    with pytest.raises(IndexError, match="out of bounds"):
        g(X, 7)


# ---------------------------------------------------------------- what a side of an expression raises


def quotient(x, n):
    return x * (5 // n if n else 0)


def later_quotient(x, n):
    return np.sum(x) * (n != 0 and 5 // n > 1)


def asserted(x, n):
    assert n == 0 or x[9] > 0
    return np.sum(x)


def asked_by_a_loop(x, n):
    while n > 0 and x[9] > 0:
        n -= 1
    return np.sum(x) * n


def in_a_list(x, n):
    return sum([x[9] if n else 0.0, x[0]])


def part_of_nothing(x, n):
    return x[:n].max() if n > 0 else x[0] * 2.0


def called(x, n):
    return (lambda: np.zeros(n)[0])() * x[0] if n > 0 else 1.0 * x[1]


def shapes_of_the_other_side(x, n):
    return np.sum(x.reshape(2, 2) if n > 5 else x) + np.sum(x @ np.ones(7) if n > 7 else x)


def one_of_three(x, n):
    z = x[9] if n == 1 else (x[8] if n == 2 else x[0])
    return z * z


SIDES = [quotient, later_quotient, asserted, asked_by_a_loop, in_a_list, part_of_nothing, called]
SIDES += [shapes_of_the_other_side, one_of_three]


def either(f, *args):
    try:
        return f(*args)
    except (ArithmeticError, AssertionError, LookupError, ValueError) as error:
        return type(error)


@pytest.mark.parametrize("order", [(0, 2, 1, 60), (60, 1, 2, 0)])
@pytest.mark.parametrize("f", SIDES)
def test_only_the_side_that_is_taken_raises(f, order):
    ways = [wg.jit(f), wg.jit(f, backend="numpy"), wg.jit(wg.value_and_grad(lambda x, n: np.sum(f(x, n))))]
    for n in order:
        expected = either(f, X, n)
        for g in ways[:2]:
            np.testing.assert_equal(either(g, X, n), expected)
        found = either(ways[2], X, n)
        if isinstance(expected, type):
            assert found is expected
        else:
            np.testing.assert_allclose(found[0], np.sum(expected))


def test_one_of_two_exceptions_is_refused():
    def f(x, n):
        if n > 3:
            raise (ValueError("a") if n > 50 else KeyError("b"))
        return np.sum(x)

    with pytest.raises(wg.Diagnostic, match="W602"):
        wg.jit(f)(X, 2)
