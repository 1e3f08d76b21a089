"""NumPy's array functions where a choice had to be made: ties, knots, repeated indices, writes, and routed objects."""

import numpy as np
import pytest

import wengert as wg

X = np.array([0.3, -0.7, 1.2])
WEIGHTS = np.array([1.0, 10.0, 100.0])


def same(got, expected):
    np.testing.assert_array_equal(got, expected)


def agrees(f, *args):
    """Value by both modes, derivatives by differences, lanes by a loop."""
    same(wg.jvp(f, args, args)[0], f(*args))
    wg.check_grads(f, args)
    lanes = [np.stack([a, 1.1 * a, 0.9 * a]) for a in args]
    np.testing.assert_allclose(wg.vmap(f)(*lanes), np.stack([f(*lane) for lane in zip(*lanes)]), rtol=1e-12)


# ---------------------------------------------------------------- ties and kinks


def test_equal_elements_are_sorted_in_their_order():
    ties = np.array([2.0, 1.0, 2.0])
    for f in (np.sort, lambda x: np.partition(x, 1), lambda x: np.sort(x, kind="heapsort"), lambda x: x[np.argsort(x)]):
        same(wg.grad(lambda x, f=f: f(x) @ WEIGHTS)(ties), [10.0, 1.0, 100.0])


def test_order_statistics_of_equal_numbers_take_the_place_of_the_stable_order():
    same(wg.grad(np.median)(np.ones(3)), [0.0, 1.0, 0.0])
    same(wg.grad(np.median)(np.ones(4)), [0.0, 0.5, 0.5, 0.0])
    same(wg.grad(lambda x: np.quantile(x, 0.25))(np.ones(3)), [0.5, 0.5, 0.0])


def test_running_extrema_take_the_first_of_equal_numbers():
    same(wg.grad(lambda x: np.maximum.accumulate(x) @ WEIGHTS)(np.ones(3)), [111.0, 0.0, 0.0])
    same(wg.grad(lambda x: np.minimum.accumulate(x) @ WEIGHTS)(np.array([2.0, 1.0, 1.0])), [1.0, 110.0, 0.0])
    found = np.maximum.accumulate(np.array([1.0, np.nan, 2.0]))
    same(wg.vjp(np.maximum.accumulate, np.array([1.0, np.nan, 2.0]))[0], found)


def test_values_of_a_set_keep_the_derivative_of_their_first_occurrence():
    x = np.array([2.0, 1.0, 2.0])
    same(wg.jacobian(np.unique)(x), [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    same(wg.jacobian(lambda x: np.intersect1d(x, np.array([2.0, 5.0])))(x), [[1.0, 0.0, 0.0]])
    same(wg.jacobian(lambda x: np.setdiff1d(x, np.array([2.0, 5.0])))(x), [[0.0, 1.0, 0.0]])


def test_the_slope_of_a_quantile_in_its_level():
    x = np.array([0.0, 1.0, 4.0])
    assert wg.grad(lambda q: np.quantile(x, q))(0.25) == 2.0
    assert wg.grad(lambda q: np.quantile(x, q))(0.5) == 6.0  # a knot: of the piece on the right
    assert wg.grad(lambda q: np.percentile(x, q, method="lower"))(30.0) == 0.0


def test_interpolation_at_knots_takes_the_piece_on_the_right_and_at_the_last_the_last():
    knots, heights = np.array([0.0, 1.0, 2.0]), np.array([0.0, 3.0, 4.0])
    slopes = [wg.grad(lambda x: np.interp(x, knots, heights))(x) for x in (-1.0, 0.0, 0.5, 1.0, 2.0, 3.0)]
    assert slopes == [0.0, 3.0, 3.0, 1.0, 1.0, 0.0]
    same(wg.grad(lambda h: np.interp(5.0, knots, h))(heights), [0.0, 0.0, 1.0])
    same(wg.grad(lambda k: np.interp(2.0, k, heights))(knots), [0.0, 0.0, -1.0])


def test_nan_makes_an_order_statistic_nan_and_is_left_out_by_the_others():
    x = np.array([1.0, np.nan, 3.0])
    assert np.isnan(wg.value_and_grad(np.median)(x)[0]) and np.isnan(wg.value_and_grad(np.quantile)(x, 0.5)[0])
    same(wg.grad(np.nanmedian)(x), [0.5, 0.0, 0.5])
    same(wg.grad(np.nanmax)(x), [0.0, 0.0, 1.0])
    same(wg.grad(np.nansum)(x), [1.0, 0.0, 1.0])
    with pytest.raises(ValueError, match="All-NaN"):
        wg.grad(lambda x: x[np.nanargmax(x)])(np.full(2, np.nan))


def test_ldexp_and_copysign_at_zero():
    assert wg.grad(lambda x: np.ldexp(x, 3))(0.0) == 8.0
    assert wg.grad(lambda x: np.copysign(x, -1.0))(0.0) == 0.0
    assert wg.grad(lambda y: np.heaviside(0.0, y))(0.3) == 1.0
    assert wg.grad(lambda x: np.heaviside(x, 0.5))(0.0) == 0.0


# ---------------------------------------------------------------- methods of ufuncs


@pytest.mark.parametrize("ufunc", [np.multiply, np.divide, np.maximum, np.hypot, np.power, np.logaddexp, np.fmin])
def test_a_repeated_index_of_at_is_applied_each_time(ufunc):
    def f(x, y):
        total = 1.0 * x
        ufunc.at(total, [0, 2, 0, 0], y)
        return total

    agrees(f, np.array([0.8, 0.4, 0.6]), np.array([0.7, 0.9, 1.2, 0.5]))


def test_at_on_several_axes_and_with_one_operand():
    def f(x):
        total = np.stack([x, 2.0 * x])
        np.multiply.at(total, (slice(None), [0, 0]), x[1])
        np.sin.at(total, ([1, 0, 1], [2, 1, 2]))
        return total

    agrees(f, X)


def test_at_refuses_what_it_cannot_do():
    with pytest.raises(wg.Diagnostic, match="W301 `numpy.nextafter.at`"):
        wg.grad(lambda x: np.nextafter.at(x, [0], 1.0))(X)
    with pytest.raises(wg.Diagnostic, match="W301"):
        wg.grad(lambda x: np.sum(np.nextafter.outer(x, x)))(X)
    with pytest.raises(TypeError, match="cast"):
        wg.grad(lambda x: np.multiply.at(np.arange(3), [0], x))(X[0])
    with pytest.raises(IndexError, match="reduceat"):
        wg.grad(lambda x: np.sum(np.add.reduceat(x, [0, 3])))(X)
    with pytest.raises(ValueError, match="not reorderable|one axis"):
        wg.grad(lambda x: np.subtract.reduce(x, axis=(0, 1)))(np.ones((2, 2)))


def test_several_results_are_written_into_several_arrays():
    def f(x):
        whole, part = np.zeros(3), np.zeros(3)
        np.modf(4.0 * x, out=(part, whole))
        return part + 10.0 * whole

    agrees(f, X)


# ---------------------------------------------------------------- in place


def test_functions_that_write_refuse_plain_arrays():
    for write in (
        lambda x: np.put(OUTSIDE, [0], x),
        lambda x: np.copyto(OUTSIDE, x),
        lambda x: np.fill_diagonal(OUTSIDE, x),
        lambda x: np.putmask(HIDDEN[0], [True, False], x),
    ):
        with pytest.raises(wg.Diagnostic, match="W202"):
            wg.grad(write)(1.0)
    same(OUTSIDE, np.zeros((2, 2)))


OUTSIDE = np.zeros((2, 2))
HIDDEN = [np.zeros(2)]


def test_constants_that_are_written_stay_constants_and_views_see_it():
    def f(x):
        a = np.arange(4.0)
        top = a[:2]
        np.put(a, [0, 3], [5.0, 6.0])
        a.sort()
        np.place(a, a > 5.5, x)
        return a * top[1]

    same(f(2.0), wg.jvp(f, (2.0,), (1.0,))[0])
    same(wg.derivative(f)(2.0), [0.0, 0.0, 0.0, 2.0])


def test_sort_in_place_is_seen_by_every_name():
    def f(x):
        a = np.stack([x, -x])
        row = a[1]
        a.sort(axis=1)
        a.partition(1, axis=0)
        return row * a[0]

    agrees(f, X)


def test_parts_are_views():
    def f(x):
        a = 1.0 * x
        first, second = np.split(a, [1])
        second *= 2.0
        np.flipud(a)[0] = 5.0
        np.rot90(a[None], 2)[0, 2] += 1.0
        np.trim_zeros(a)[1] *= x[0]
        return a + first

    agrees(f, X)


def test_trimmed_zeros():
    x = np.array([0.0, 0.3, 0.0, 0.6, 0.0])
    same(wg.jacobian(np.trim_zeros)(x), np.eye(5)[1:4])
    same(wg.jvp(lambda x: np.trim_zeros(x), (np.zeros(2),), (np.zeros(2),))[0], [])


# ---------------------------------------------------------------- objects of NumPy


@np.vectorize
def soft(x, y):
    return x * y if x > 0.0 else 0.1 * x


def test_vectorize_calls_element_by_element():
    agrees(lambda x: soft(x, 2.0), X)
    agrees(lambda x: soft(x[:, None], x), X)
    agrees(lambda x: np.vectorize(lambda v: (v * v, 3.0 * v))(x)[1], X)
    same(wg.grad(lambda x: np.sum(np.vectorize(lambda v: 1 if v < 0.4 else v)(x)))(X), np.zeros(3))  # NumPy: integers
    with pytest.raises(wg.Diagnostic, match="W301"):
        wg.grad(lambda x: np.sum(np.vectorize(np.sum, signature="(n)->()")(x)))(X)


def test_concatenating_objects():
    agrees(lambda x: np.r_[x, 1.0, [2, x[0]], -x], X)
    agrees(lambda x: np.c_[x, x**2], X)
    agrees(lambda x: np.r_["0,2", x, [1, 2, 3]], X)
    agrees(lambda x: np.r_[0 : x[2] : 4j, x[1]], X)
    assert wg.jvp(lambda x: np.r_[x, 1.0], (X.astype(np.float32),), (X.astype(np.float32),))[0].dtype == np.float32
    with pytest.raises(wg.Diagnostic, match="W301"):
        wg.grad(lambda x: np.sum(np.r_["c", x]))(X)


def test_functions_that_take_functions():
    agrees(lambda x: np.fromfunction(lambda i, j: x[0] * i + x[1] * j, (2, 3)), X)
    agrees(lambda x: np.apply_along_axis(lambda v: v * x[0], 0, np.ones((2, 2)) * x[1]), X)
    with pytest.raises(wg.Diagnostic, match="W301"):
        wg.grad(lambda x: np.sum(np.frompyfunc(lambda v: v * v, 1, 1)(x)))(X)
    with pytest.raises(wg.Diagnostic, match="W301"):
        wg.grad(lambda x: np.sum(np.pad(x, 1, lambda *args: None)))(X)
