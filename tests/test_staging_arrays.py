"""Arrays in staged functions: NumPy's rules for names, views, indices, kinds, and its libraries under any name."""

import math
import math as m

import numpy
import numpy as np
import numpy.linalg as la
import pytest
import scipy.special
from numpy import abs, sum
from numpy.linalg import norm as length
from scipy import linalg
from scipy.special import expit

import wengert as wg
from staging import agree, asserts, cases

X = np.array([0.5, -1.25, 2.0, 0.75, -0.3])
A = np.array([[1.0, 0.5, -0.25], [0.3, -2.0, 0.7], [1.5, 0.2, 0.9]])
S = A @ A.T + 3 * np.eye(3)
X32, Z = X.astype(np.float32), X + 0.5j
case, each_case = cases()

# ---------------------------------------------------------------- names and views


@case(X)
def two_names(a):
    b = a
    b[0] = 1.5
    c = b
    c += a
    return a * 2


@case(X)
@case(-X)
def alias_in_branch(a):
    b = a
    if a[0] > 0:
        b[1] = a[0] * 3
    else:
        a[2] = b[1] * 2
    return a.sum() + b[1]


@case(X)
def alias_in_loop(a):
    b = a
    for i in range(1, len(a)):
        b[i] = a[i - 1] * 0.5 + b[i]
    return a[-1]


@case(X)
def copies_are_apart(a):
    b, c, d = a.copy(), np.array(a), a + 0
    b[0] = 9.0
    c[1] = a[0] * 2
    d[:] = 0
    return a.sum() + b[0] * c[1]


@case(X, X[::-1].copy())
def swap(a, b):
    a, b = b, a
    a[0] = b[1] * 2
    return a @ b


@case(A)
def row_view_written(a):
    row = a[1]
    row[:] = row * 2
    row[0] = 5.0
    a[2] += row
    return a


@case(A)
def view_sees_later_write(a):
    row, column = a[0], a[:, 1]
    a[0, 1] = 7.0 * a[2, 2]
    return row.sum() * column[0]


@case(A)
def view_of_view(a):
    block = a[1:]
    part = block[:, 1:]
    part[0, 0] = a[0, 0] * 3
    part *= 2
    return a


@case(A)
def transposed_view(a):
    b = a.T
    b[0, 2] = 4.0 * a[1, 1]
    c = a.reshape(-1)
    c[4] = 0.5
    d = a.ravel()
    d[0] += 1
    return a


@case(A)
def view_in_loop(a):
    for i in range(3):
        row = a[i]
        row[0] = row[1] * 2
        a[i][2] = a[i][0] + row[2]
    return a


@case(A, 1)
@case(A, -1)
@case(A, 3)
def view_with_index_of_value(a, i):
    row = a[i]
    row[1] = 2.0 * a[0, 0]
    return a.sum() + row[0]


@case(A)
def item_of_item(a):
    a[0][1] = a[1][0] * 2
    a[0][1:][0] += 3
    return a[0][1] * a[2][2]


def zero_first(v):
    v[0] = 0.0
    v += 1


@case(A)
def helper_writes_argument(a):
    zero_first(a[0])
    zero_first(a)
    b = a * 2
    zero_first(b)
    return b


@case(A)
def old_view_of_rebound(a):
    b = a
    a = a * 2
    a[0, 0] = 5.0
    return b[0, 0] + a[0, 0]


@case(X)
def overlapping_shift(x):
    x[1:] = x[:-1]
    x[:-2] += x[2:]
    return x


@case(X)
def reversed_view(x):
    y = x[::-1]
    y[0] = x[0] * 2
    x[:] = x[::-1]
    return y[1]


@case(X)
def list_of_arrays_shares(x):
    parts = [x, x[1:3]]
    parts[0][1] = 3.0 * x[0]
    parts[1][1] += parts[0][0]
    return parts[1].sum()


@case(X, X)
def same_values_passed_twice(x, y):
    x[0] = y[1] * 2
    return x @ y


# ---------------------------------------------------------------- indices


@case(A, 1)
@case(A, 2)
@case(A, -3)
def all_kinds_of_indices(a, i):
    return (a[i, 0] + a[i][1] + a[-1, i] + a[i, :].sum() + a[:, i] @ a[0] + a[..., i].sum()) * a[i, np.newaxis].sum()


@case(X, 2)
def negative_index_of_value(x, i):
    return x[-i] * x[i - 4] + x[i - len(x)]


@case(X, np.array([0, 3, 3]))
@case(X, np.array([], dtype=int))
def array_of_indices(x, where):
    x[where] += 1.0
    y = x[where] * 2
    x[where] = y
    return y.sum()


@case(X, [4, 0])
def list_of_indices(x, where):
    return x[where] * x[[1, 2]]


@case(A, np.array([0, 2]), np.array([1, 1]))
def pairs_of_indices(a, i, j):
    a[i, j] = a[j, i] * 2
    return a[i, j].sum() + a[i][:, j].sum()


@case(X)
def masked_by_where(x):
    x[:] = np.where(x > 0, x, 0.1 * x)
    return np.where(x > 1, x**2, np.sin(x)).sum()


@case(X)
def arg_max_as_index(x):
    i = np.argmax(x)
    j = int(np.argmin(x))
    x[i] = x[j] * 2
    return x[i] * x[j - 1]


@case(X)
def sorted_order(x):
    order = np.argsort(x)
    return x[order] * np.arange(5.0)


@case(X, 5)
@case(X, -6)
def out_of_range(x, i):
    return x[i]


@case(X, 5)
@case(X, 1)
def out_of_range_in_loop(x, n):
    total = 0.0
    for i in range(3):
        total += x[i + n]
    return total


@case(X, 5)
def written_out_of_range(x, i):
    x[i] = 1.0
    return x


@case(X)
@case(-X)
def out_of_range_in_branch(x):
    if x[0] > 0:
        return x[0]
    return x[7]


@case(X)
def out_of_range_in_loop_without_iterations(x):
    for i in range(int(x[0])):
        x[7] = 2.0
    return x[0]


@case(X)
@case(-X)
def wrong_shapes_in_branch(x):
    if x[0] > 0:
        y = x @ x
    else:
        y = x @ x[:2]
    return y


# ---------------------------------------------------------------- exceptions


case(X)(asserts)
case(-X)(asserts)


@case(X)
@case(-X)
def raises(x):
    total = 0.0
    for i in range(len(x)):
        if x[i] < -1:
            raise ValueError(f"x[{i}] = {x[i]} is too small")
        total += x[i]
    return total


@case(X)
@case(-X)
def raises_class(x):
    if x[0] < 0:
        raise ZeroDivisionError
    return 1 / x[0]


class OwnError(ValueError):
    pass


@case(1.5)
@case(-1.5)
def raises_own(x):
    if x < 0:
        raise OwnError("negative", x)
    return x


@case(1.5)
def always_raises(x):
    raise OwnError(f"never {x}")


@case(X)
@case(-X)
def message_in_a_variable(x):
    text = f"sum {x.sum():.3f}"
    if x[0] < 0:
        raise ValueError(text)
    return x[0]


@case(3)
@case(0)
def divides_ints(n):
    return 10 // n, 10 % n, 10 / n


# ---------------------------------------------------------------- libraries under any name


@case(A, X[:3])
def names_of_libraries(a, x):
    return (
        sum(a @ x)
        + np.sum(abs(x))
        + numpy.dot(x, x)
        + la.norm(x)
        + length(a)
        + np.linalg.det(a)
        + numpy.linalg.solve(a, x)[0]
        + m.sqrt(2.0) * math.pi
    )


@case(X)
def methods(x):
    return (
        x.sum() * x.mean() + x.max() - x.min() + x.dot(x) + x.reshape(5, 1).T.sum() + x.prod() + x.cumsum()[2] + x.std()
    )


@case(A)
def attributes(a):
    return a.T @ a * a.shape[0] + a.size * a.ndim + a.real - a.flatten()[1] + a.astype(float).copy().trace()


@case(1.3)
def functions_of_math(x):
    return (
        math.sin(x) * math.exp(-x)
        + math.log(x)
        + math.hypot(x, 1)
        + math.atan2(x, 2.0)
        + math.pow(x, 3)
        + math.floor(x) * x
        + math.log1p(x)
        + math.fabs(-x)
        + math.fsum([x, 2 * x])
        + math.tau
    )


@case(X)
def functions_of_scipy(x):
    return expit(x) + scipy.special.erf(x) + scipy.special.gammaln(x * x + 1) + scipy.special.j0(x)


@case(S, X[:3])
def decompositions(s, x):
    w, v = np.linalg.eigh(s)
    u, sigma, vt = np.linalg.svd(s)
    q, r = np.linalg.qr(s)
    c = linalg.cholesky(s, lower=True)
    y = linalg.solve_triangular(c, x, lower=True)
    return w.sum() + np.log(w[0]) + sigma[1] + abs(r[0, 1]) + y @ y + np.linalg.slogdet(s)[1] + np.linalg.inv(s)[0, 1]


@case(X)
def transforms(x):
    y = np.fft.fft(x)
    return np.abs(y * np.conj(y)).sum() + np.fft.irfft(np.fft.rfft(x), 5)[1]


@case(A)
def functions_of_numpy(a):
    b = np.concatenate([a, 2 * a], axis=1)
    c = np.stack([a[0], a[1]]) @ np.ones((3, 2))
    d = np.einsum("ij,jk->ik", a, a) + np.outer(a[0], a[1]) + np.eye(3) + np.diag(a.diagonal())
    e = np.linspace(0, 1, 3) * np.arange(3) + np.zeros(3) + np.full(3, a[0, 0]) + np.zeros_like(a[0])
    return (
        b.sum()
        + np.clip(c, -1, 1).sum()
        + d.sum()
        + e @ e
        + np.maximum(a, 0.5).max()
        + np.cumsum(a)[-1]
        + np.tril(a).sum()
    )


@case(A)
def function_as_keyword(a):
    return np.sum(a, axis=0, keepdims=True) * np.mean(a, axis=1)[:, None] + a.sum(axis=-1, keepdims=True)


# ---------------------------------------------------------------- kinds


@case(X32, np.float32(0.5))
def single_precision(x, y):
    total = np.float32(0)
    for i in range(len(x)):
        total += x[i] * y
    return x * 2.0, total, x.sum() * 0.1, y * x


def single_and_python(x, y):
    z = x * y
    if y > 0:
        z = z * y + 1
    for _ in range(3):
        z = z * y + y
    return z, (y > 0) * x


@case(Z, 1.5 + 0.5j)
def complex_numbers(z, w):
    total = 0.0
    for i in range(len(z)):
        if abs(z[i]) > 0.5:
            total = total + z[i] * w.conjugate()
    return total, np.abs(z).sum(), (z * w).real, w.imag, z.conj() @ z


@case(Z)
def written_parts_of_complex_numbers(z):
    w = z * 2.0
    w.real[1:] = z.imag[1:] ** 2
    part = w[::-1].real
    part[0] += 3.0
    w.imag = w.real * w.imag
    w[2] += 1j
    return w, part


@case(np.array(1.5), np.float64(2.0))
def zero_dimensional(x, y):
    z = x * y
    w = np.zeros(())
    w[...] = z
    w += 1
    x[()] = 3.0
    return w, z, x * 2, x[()]


@case(np.zeros(0), np.zeros((0, 3)))
def empty(x, a):
    total = 1.5
    for v in x:
        total += v
    for row in a:
        total += row.sum()
    return total, x.sum(), a.sum(axis=0), a @ a.T, x * 2


@case(np.arange(5), X)
def integer_arrays(n, x):
    total = 0
    for i in n:
        total += i * i
    n[0] = 7
    n //= 2
    n[1:3] = n[2] * 3
    return total, n.sum(), (x * n).sum(), n / 2, n % 3, x[n[1]]


@case(np.array([True, False, True]), np.array([1.0, 2.0, 3.0]))
def truth_arrays(b, x):
    n = 0
    for i in range(3):
        if b[i] and not b[i - 1]:
            n += 1
    return n, b & ~b, b.any(), np.where(b, x, -x), b.sum(), x[np.array([0, 2])]


@case(np.float64(1.5), np.int64(3), np.bool_(True))
def numbers_of_numpy(x, n, b):
    if b:
        x = x * n
    for _ in range(n):
        x = x + 1
    return x, n * 2, n / 2


@case(np.asfortranarray(A), X[::2], A.T)
def layouts(a, x, b):
    a[0] = x
    b[:, 0] = x * 2
    return a @ b @ x


@case(X)
def dtype_of_result(x):
    n = np.zeros(3, dtype=int)
    for i in range(3):
        n[i] = x[i] * 10
    return n, np.array([1, 2]) * x[0], np.ones(2, np.float32) * 2


@case(3)
@case(5)
def shapes_of_arguments(n):
    a = np.zeros((n, n))
    for i in range(n):
        a[i, i] = i + 1
    return a.sum(), np.ones(n - 1), [0.0] * n


# The kind of what is bound before a loop and written in it
FLOATS_AND_FLOAT64 = {out_of_range_in_loop, raises, empty, complex_numbers, integer_arrays}


@each_case
def test_as_numpy(f, args, kwargs):
    agree(f, *args, **kwargs, kinds=f not in FLOATS_AND_FLOAT64)


def test_single_precision_with_numbers_of_python():
    agree(single_and_python, X32, 0.1, rtol=1e-6)


def test_math_gives_numbers_of_python():
    """So that it leaves single precision as it is; the eager engine takes them for float64."""
    agree(lambda x, y: x * math.sin(y), X32, 0.5, differentiable=False)


# ---------------------------------------------------------------- arguments that share memory


def writes_first(x, y):
    for i in range(len(y)):
        x[i] = x[i] * 2 + y[i]
    return x.sum() + y.sum()


def test_same_array_twice():
    x, y = X.copy(), X.copy()
    staged = wg.jit(writes_first)
    assert staged(x, x) == writes_first(y, y)
    np.testing.assert_array_equal(x, y)
    expected = writes_first(x.copy(), y.copy())
    assert staged(x, y) == expected, "not by the program of one array"


@pytest.mark.parametrize(
    "parts", [(slice(0, 4), slice(1, 5)), (slice(0, 5), slice(2, 5)), (slice(None, None, -1), slice(None))]
)
def test_overlapping_arrays(parts):
    x, y = X.copy(), X.copy()
    staged = wg.jit(writes_first)
    first, second = parts
    assert staged(x[first], x[second]) == writes_first(y[first], y[second])
    np.testing.assert_array_equal(x, y)


def test_overlapping_arrays_in_containers():
    def f(d):
        d["a"][0] = 5.0
        return d["b"].sum()

    x, y = X.copy(), X.copy()
    assert wg.jit(f)({"a": x[:3], "b": x}) == f({"a": y[:3], "b": y})
    np.testing.assert_array_equal(x, y)


def test_results_never_alias_arguments_or_constants():
    constant = np.ones(3)
    f = wg.jit(lambda x: (x, x[1:], constant, np.zeros(3)))
    x = X.copy()
    for _ in range(2):
        a, b, c, d = f(x)
        for out in (a, b, c, d):
            out[:] = 9.0
        np.testing.assert_array_equal(x, X)
        np.testing.assert_array_equal(constant, np.ones(3))
    assert np.all(f(x)[3] == 0)


def test_derivatives_never_write_the_callers_arrays():
    def f(x):
        x *= 2
        for i in range(1, len(x)):
            x[i] += x[i - 1]
        return x @ x

    x = X.copy()
    for derivative in (wg.grad(wg.jit(f)), wg.jit(wg.grad(f)), wg.hessian(wg.jit(f))):
        derivative(x)
        np.testing.assert_array_equal(x, X)
