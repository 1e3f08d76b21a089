"""What every call of `tests/calls` shares with its operands: views see later writes, and writes through them arrive.

NumPy says what is a view, what is a copy, and what refuses to be written; and how results lie in memory, since that
decides whether a reshape of them is a view.
"""

import functools

import numpy as np
import pytest

import wengert as wg
from calls import PROPERTIES
from calls.call import Call
from staging import interpreted
from test_names import EACH, OF_NO_AXES, bind, each_call
from wengert.core.mode import is_array, lane_of
from wengert.core.tree import flatten, unflatten

pytestmark = [
    pytest.mark.filterwarnings("ignore:numpy.fix is deprecated:DeprecationWarning"),  # NumPy 2.5
    pytest.mark.filterwarnings("ignore:`(row_stack|trapz|in1d)`:DeprecationWarning"),
]

# Where NumPy's views can be written, or warn that one day they cannot be; here they refuse it.
REFUSING = ("imag", "einsum", "broadcast_arrays", "meshgrid")
PARTS = [(lambda x, name=name: getattr(x, name), Call("x", (x,)), name) for name, xs in PROPERTIES.items() for x in xs]


def with_operands(f, call, change):
    """The call as a function of its operands, and these, each array changed."""
    leaves, structure = flatten((call.args, call.kwargs))
    leaves = [change(x) if isinstance(x, np.ndarray) else x for x in leaves]
    args, kwargs = unflatten(structure, leaves)
    return bind(f, Call(call.text, args, kwargs, call.out, call.prepare, call.listed))


def is_array_of(call):
    return any(isinstance(x, np.ndarray) for x in flatten((call.args, call.kwargs))[0])


def own(x):
    return np.copy(x) if is_array(x) else x


def read_after_writes(function):
    """What the results hold once all operands are written."""

    def f(*xs):
        xs = [own(x) for x in xs]
        outs = flatten(function(*xs))[0]
        for k, x in enumerate(xs):
            if is_array(x):
                x *= 2.0
                x[(slice(-1, None),) * x.ndim] = 0.25 + k
        return [own(o) for o in outs]

    return f


def operands_after_writes(function):
    """What the operands hold once each result is written, and which results refuse that."""

    def f(*xs):
        xs = [own(x) for x in xs]
        outs, refused = flatten(function(*xs))[0], []
        for k, o in enumerate(outs):
            try:
                o[...] = 0.5 + k
            except (ValueError, TypeError, DeprecationWarning):
                refused.append(float(k))
        return [own(x) for x in xs], refused

    return f


def copies(xs):
    return [x.copy("K") if isinstance(x, np.ndarray) else x for x in xs]


def in_one_lane(f):
    def g(*xs):
        out = wg.vmap(f)(*[np.stack([x, 0.5 * x]) for x in xs])
        return unflatten(flatten(out)[1], [x[0] for x in flatten(out)[0]])

    return g


def forward(f):
    return lambda *xs: wg.jvp(lambda *xs: (0.0, f(*xs)), xs, xs, has_aux=True)[2]


WAYS = {"forward": forward, "one of many lanes": in_one_lane, "staged": interpreted}


def agree(f, xs, ways):
    expected, structure = flatten(f(*copies(xs)))
    for way in ways:
        try:
            got, other = flatten(WAYS[way](f)(*copies(xs)))
        except wg.Diagnostic as refused:
            if way != "staged" or refused.code not in ("W301", "W602"):
                raise
            continue
        assert other == structure, way
        for x, y in zip(got, expected):
            np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-9, err_msg=way)


def is_view(outs, xs):
    arrays = [[y for y in ys if isinstance(y, np.ndarray)] for ys in (outs, xs)]
    return any(np.may_share_memory(o, x) for o in arrays[0] for x in arrays[1])


def in_c(x):
    return np.asarray(x, order="C")


def in_fortran(x):
    return np.asarray(x, order="F")


def shares(f, call, change=in_c):
    """The call as a function of arrays, these, and how to try it; None where it gives or takes none."""
    function, xs = with_operands(f, call, change)
    outs = flatten(function(*copies(xs)))[0]
    if not any(isinstance(x, np.ndarray) for x in xs) or not any(isinstance(o, np.ndarray) for o in outs):
        return None
    return function, xs, list(WAYS) if is_view(outs, xs) else ["forward"]


@functools.partial(each_call, cases=[case for case in [*EACH, *PARTS] if is_array_of(case[1])])
def test_results_see_later_writes_of_operands_as_in_numpy(f, call, name):
    found = shares(f, call)
    if found is None or name == "empty_like":
        pytest.skip("no array to write, or nothing to compare")
    function, xs, ways = found
    agree(read_after_writes(function), xs, ways)


@functools.partial(each_call, cases=[case for case in [*EACH, *PARTS] if is_array_of(case[1])])
def test_writes_into_results_reach_operands_as_in_numpy(f, call, name):
    found = shares(f, call)
    if found is None or name.rpartition(".")[2] in REFUSING or name in OF_NO_AXES:
        pytest.skip("no array that could be reached, or what NumPy lets be written")
    function, xs, ways = found
    agree(operands_after_writes(function), xs, ways)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "make",
    [
        lambda y: np.imag(y * 1j),
        lambda y: np.einsum("ij->ji", y),
        lambda y: np.broadcast_arrays(y, 1.0)[0],
        lambda y: np.meshgrid(y, y, copy=False)[0],
        lambda y: np.broadcast_to(y, (2, 2, 3)),
        lambda y: y.diagonal(),
        lambda y: np.diag(y)[1:],
    ],
)
def test_views_that_refuse_writes_say_so(make, way):
    def f(x):
        make(x * 1.0)[0] = 1.0
        return x

    with pytest.raises(ValueError, match="assignment destination is read-only"):
        WAYS[way](f)(np.ones((2, 3)))


# ---------------------------------------------------------------- how results lie in memory

# By SciPy, which leaves what LAPACK and its Fourier transforms make as it lies; and where rows differ by little.
OTHER_LAYOUTS = "diff geomspace iscomplex linalg.cholesky linalg.matrix_power dot inner prod block take".split()
OTHER_LAYOUTS += "array.dot array.prod array.take take_along_axis scipy.special.factorial".split()
OTHER_LAYOUTS += "logaddexp.accumulate subtract.accumulate nanquantile nanpercentile".split()
REPEATED = ("broadcast_to", "broadcast_arrays", "meshgrid")  # rows may copy what NumPy repeats; nobody writes there


def layout(x):
    """The order of axes in memory, where that can be told: of C, of Fortran, or of neither."""
    x = lane_of(x)
    if not isinstance(x, np.ndarray) or x.flags.c_contiguous and x.flags.f_contiguous:
        return None
    return "C" if x.flags.c_contiguous else "F" if x.flags.f_contiguous else "neither"


@pytest.mark.parametrize("change", [in_c, in_fortran])
@functools.partial(each_call, cases=[case for case in EACH if is_array_of(case[1])])
def test_results_lie_in_memory_as_those_of_numpy(f, call, name, change):
    if name in OTHER_LAYOUTS or name in REPEATED or name.startswith(("scipy.linalg.", "scipy.fft.")):
        pytest.skip("known to differ")
    function, xs = with_operands(f, call, change)
    expected = [layout(out) for out in flatten(function(*copies(xs)))[0]]

    def found(*xs):
        return 0.0, [layout(out) for out in flatten(function(*xs))[0]]

    assert wg.jvp(found, xs, xs, has_aux=True)[2] == expected
