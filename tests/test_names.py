"""Every NumPy, SciPy and math function that the table names: traced, its value is NumPy's, its derivative right."""

import functools
import inspect
import operator
import pydoc

import numpy as np
import pytest

import wengert as wg
from calls import CALLS, METHOD_CALLS, OPERATORS, PROPERTIES, UFUNC_METHODS
from calls.call import SIGNED, A, B, Call, Fixed
from calls.selection import WRITING
from staging import EVERY
from wengert.core.tree import flatten, unflatten
from wengert.core.types import dtype_of, shape_of
from wengert.rules.methods import METHODS
from wengert.rules.names.table import NAMES, full_name

# Computed by another formula than NumPy's, or by NumPy where the plain function is another library's: rounding differs.
ROUNDED = "norm linspace arange std var prod vdot inner dot tensordot einsum cholesky float_power".split()
ROUNDED += "vecdot matvec vecmat histogram histogram_bin_edges gradient correlate".split()
ROUNDED += "logspace geomspace cov corrcoef average nanvar nanstd nanprod".split()
# arrays of no axes and numbers, one in place of the other
OF_NO_AXES = "i0 require prod array.prod array.item array.tolist scipy.special.polygamma".split()
UNINITIALISED = ("empty_like",)
WIDENED = "array.item array.tolist scipy.linalg.norm scipy.linalg.logm".split()
WIDENED += [f"scipy.special.{f}" for f in "polygamma multigammaln factorial eval_hermite eval_hermitenorm".split()]
WIDENED += [f"scipy.special.spherical_{f}" for f in "jn yn in kn".split()]

pytestmark = [
    pytest.mark.filterwarnings("ignore:numpy.fix is deprecated:DeprecationWarning"),  # NumPy 2.5
    pytest.mark.filterwarnings("ignore:`(row_stack|trapz|in1d)`:DeprecationWarning"),
]


def title(f):
    return full_name(f).removeprefix("numpy.")


def of_method(name):
    """`x.name(...)`; what writes in place writes into a copy, which is the result."""
    writes = name in ("fill", "__setitem__", "put", "sort", "partition")

    def f(x, *args, **kwargs):
        x = x.copy() if writes else x
        out = getattr(x, name)(*args, **kwargs)
        return x if writes else out

    return f


def ufunc_method(ufunc, name):
    return lambda *args, **kwargs: getattr(ufunc, name)(*args, **kwargs)


def of_writing(f):
    """`f` writes into a copy of its first argument, which is the result."""

    def written(x, *args, **kwargs):
        x = x.copy()
        f(x, *args, **kwargs)
        return x

    return written


SUBJECTS = {title(f): (of_writing(f) if f in WRITING else f, calls) for f, calls in CALLS.items()}
SUBJECTS |= {f"{f.__name__}.{m}": (ufunc_method(f, m), calls) for (f, m), calls in UFUNC_METHODS.items()}
SUBJECTS |= {f"array.{name}": (of_method(name), calls) for name, calls in METHOD_CALLS.items()}
EACH = [(f, call, name) for name, (f, calls) in SUBJECTS.items() for call in calls]


def each_call(test, cases=EACH):
    """A test for each name: all of its calls, of which one that fails does not hide the others.

    There are thousands, and most take less time than pytest does for a test.
    """
    names = {name: [case for case in cases if case[2] == name] for _, _, name in cases}

    @pytest.mark.parametrize("name", names)
    @functools.wraps(test)
    def of_name(name, **others):
        skipped, failed = [], []
        for f, call, _ in names[name]:
            try:
                test(f, call, name, **others)
            except pytest.skip.Exception as reason:
                skipped.append(reason)
            except Exception as error:  # noqa: BLE001 whatever it raises, with the others
                error.add_note(f"{name}({call.text})")
                failed.append(error)
        if failed:
            raise failed[0] if len(failed) == 1 else ExceptionGroup(f"{len(failed)} calls", failed)
        if len(skipped) == len(names[name]):
            raise skipped[0]

    others = [p for p in inspect.signature(test).parameters.values() if p.name not in ("f", "call", "name")]
    of_name.__signature__ = inspect.Signature(
        [inspect.Parameter("name", inspect.Parameter.POSITIONAL_OR_KEYWORD), *others]
    )
    return of_name


def bind(f, call, dtype=float, routed=True):
    """The call as a function of its floating-point operands, and those operands.

    Routing does not look into a list, so that `hidden[0]` is NumPy's own function, reached by its two protocols.
    """
    leaves, structure = flatten((call.args, call.kwargs))
    leaves = [with_dtype(x, dtype) for x in leaves]
    places = [i for i, x in enumerate(leaves) if is_inexact(x)]
    like = shape_like(f, call, dtype) if call.out else None
    hidden = [f]

    def function(*xs):
        full = [x.value if isinstance(x, Fixed) else x for x in leaves]
        for place, x in zip(places, xs):
            full[place] = x if call.prepare is None else call.prepare(x)
        args, kwargs = unflatten(structure, full)
        if not call.out:
            return (f if routed else hidden[0])(*args, **kwargs)
        out = np.full(like.shape, 0.25, like.dtype)
        (f if routed else hidden[0])(*args, **kwargs, out=out)
        return out

    return function, [leaves[i] for i in places]


def is_inexact(x):
    return not isinstance(x, Fixed | type | str) and dtype_of(x).kind in "fc"


def with_dtype(x, dtype):
    """Arrays and NumPy scalars in the precision of `dtype`; a Python number is weak and stays."""
    if isinstance(x, Fixed):
        return Fixed(with_dtype(x.value, dtype))
    if not isinstance(x, np.ndarray | np.generic) or not is_inexact(x):
        return x
    return x.astype(dtype if x.dtype.kind == "f" else np.result_type(dtype, np.complex64))


def shape_like(f, call, dtype):
    kwargs = {k: v for k, v in call.kwargs.items() if k != "where"}  # without `out` it would leave places unset
    return expected_of(f, Call(call.text, call.args, kwargs), dtype)


def expected_of(f, call, dtype=float):
    function, xs = bind(f, call, dtype)
    return function(*xs)


def differentiable(out):
    return all(is_inexact(x) for x in flatten(out)[0])


def assert_same(got, expected, name, rtol=0.0):
    got, expected = flatten(got), flatten(expected)
    assert got[1] == expected[1]
    for g, e in zip(got[0], expected[0]):
        if isinstance(e, np.dtype | str):
            assert g == e
            continue
        assert shape_of(g) == shape_of(e)
        assert dtype_of(g) == dtype_of(e)
        assert isinstance(g, np.ndarray) == isinstance(e, np.ndarray) or name in OF_NO_AXES
        if name not in UNINITIALISED:
            np.testing.assert_allclose(g, e, rtol=rtol, atol=rtol) if rtol else np.testing.assert_array_equal(g, e)


def tolerance(name, call, dtype=float):
    rounded = name.startswith(("math.", "scipy.")) or name.rpartition(".")[2] in ROUNDED or "initial" in call.kwargs
    # SciPy factors with a LAPACK of its own, whose kernels differ from NumPy's on some processors
    steps = 32 if name.startswith("scipy.linalg.") else 4
    return steps * np.finfo(dtype).eps if rounded else 0.0


def dispatches(f):
    """Whether NumPy asks the operands (`__array_function__`, `__array_ufunc__`) before it runs."""
    constructors = (np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.full, np.arange)  # ask only `like=`
    return f not in CALLS or isinstance(f, np.ufunc) or hasattr(f, "_implementation") and f not in constructors


# ---------------------------------------------------------------- no name is forgotten


def test_every_name_of_the_table_is_called():
    for f in NAMES:
        f = pydoc.locate(f) if isinstance(f, str) else f
        assert CALLS.get(f), f"tests/calls has no call of {full_name(f)}"


def test_every_method_of_the_table_is_called():
    assert METHODS.keys() - {"__round__"} <= METHOD_CALLS.keys()
    assert {name for name, calls in METHOD_CALLS.items() if not calls} == set()


# ---------------------------------------------------------------- values


@pytest.mark.parametrize("routed", [True, False], ids=["routed", "by-protocol"])
@each_call
def test_value_is_that_of_numpy(f, call, name, routed):
    expected = expected_of(f, call)
    function, xs = bind(f, call, routed=routed)
    numeric = differentiable(expected)

    def both(*xs):
        out = function(*xs)
        return (out if numeric else 0.0), out

    if not routed and (call.listed or not dispatches(f)):
        assert_never_a_number_alone(both, xs, expected, name)
        return
    pushed = wg.jvp(both, xs, xs, has_aux=True)
    pulled = wg.vjp(both, *xs, has_aux=True)
    for out, aux in ((pushed[0], pushed[2]), (pulled[0], pulled[2])):
        assert_same(aux, expected, name, tolerance(name, call))
        if numeric:
            assert_same(out, expected, name, tolerance(name, call))


def assert_never_a_number_alone(both, xs, expected, name):
    """Where NumPy does not ask us: right all the same, or an error."""
    if name == "isscalar":
        return  # asks for Python's type
    try:
        out, _, aux = wg.jvp(both, xs, xs, has_aux=True)
    except (wg.Diagnostic, TypeError, AttributeError) as refused:
        assert not isinstance(refused, wg.Diagnostic) or refused.code in ("W201", "W202", "W301")
    else:
        np.testing.assert_allclose(aux, expected)


@each_call
def test_derivatives_agree_with_differences_to_order_two(f, call, name):
    function, xs = bind(f, call)
    out = flatten(function(*xs))[0]
    if name in UNINITIALISED or not all(is_inexact(x) and dtype_of(x).itemsize >= 8 for x in out):
        pytest.skip("no derivative, or too little precision for differences")
    # the first calls of each name; the rows behind them all are checked to order two in tests/test_rows.py
    few = None if EVERY else 1 if isinstance(f, np.ufunc) else 2
    first = any(call is c for c in SUBJECTS[name][1][:few])
    wg.check_grads(function, tuple(xs), order=2 if first else 1)


@each_call
def test_vmap_is_a_loop(f, call, name):
    function, xs = bind(f, call)
    if not xs or any(isinstance(x, np.dtype) for x in flatten(function(*xs))[0]):
        pytest.skip("nothing to batch, or not a number")
    lanes = [np.stack([x, 1.1 * x, 0.9 * x]) for x in xs]
    looped = [flatten(function(*[x[i] for x in lanes]))[0] for i in range(3)]
    got = flatten(wg.vmap(function)(*lanes))[0]
    for g, each in zip(got, zip(*looped), strict=True):
        if name not in UNINITIALISED:
            np.testing.assert_allclose(g, np.stack(each), rtol=1e-12, atol=1e-12)
        assert dtype_of(g) == np.result_type(*map(dtype_of, each))


@each_call
def test_float32_stays_float32_where_numpy_keeps_it(f, call, name):
    if name.startswith("math.") or name in WIDENED:
        pytest.skip("the plain function computes in float64")
    expected = expected_of(f, call, np.float32)
    function, xs = bind(f, call, np.float32)
    if not differentiable(expected):
        pytest.skip("no derivative")
    out, pullback = wg.vjp(function, *xs)
    assert_same(out, expected, name, 20 * np.finfo(np.float32).eps)
    ones = unflatten(flatten(out)[1], [np.ones_like(o) for o in flatten(out)[0]])
    for bar, x in zip(pullback(ones), xs, strict=True):
        assert dtype_of(bar) == dtype_of(x) and shape_of(bar) == shape_of(x)
    tangent = wg.jvp(function, xs, xs)[1]
    assert [dtype_of(t) for t in flatten(tangent)[0]] == [dtype_of(o) for o in flatten(out)[0]]


# ---------------------------------------------------------------- properties and operators


@pytest.mark.parametrize("name, x", [(name, x) for name, xs in PROPERTIES.items() for x in xs])
def test_properties(name, x):
    def f(v):
        return 1.0 * np.array(getattr(v, name))

    np.testing.assert_array_equal(wg.jvp(f, (x,), (x,))[0], f(x))
    wg.check_grads(f, (x,))


@pytest.mark.parametrize("ask", ["shape", "ndim", "size", "dtype", "itemsize", "nbytes", "__len__", "__str__"])
@pytest.mark.parametrize("x", [A, np.float32(0.5) * np.ones(3, np.float32), np.zeros((0, 2))])
def test_a_traced_array_describes_itself_as_numpy_does(ask, x):
    def f(v):
        found = getattr(v, ask)
        return np.sum(v), (found() if callable(found) else found)

    expected = f(x)[1]
    assert wg.grad(f, has_aux=True)(x)[1] == expected
    assert wg.jvp(f, (x,), (x,), has_aux=True)[2] == expected


PARTNERS = [B, B[0], 0.7, 2, np.float64(0.4), np.int64(3), [0.3, 0.6, 2.0], np.array(0.5), np.array([1, 2, 3])]


@pytest.mark.parametrize("y", PARTNERS, ids=repr)
@pytest.mark.parametrize("name", OPERATORS)
def test_operators(name, y):
    op, in_place = getattr(operator, name), getattr(operator, "i" + name)
    partner = np.asarray(y) if isinstance(y, list) else y

    def augmented(x):
        target = 1.0 * x
        again = in_place(target, y)
        return target + 0.0 * again

    for f, plain_f in [
        (lambda x: op(x, y), op(A, partner)),
        (lambda x: op(y, x), op(partner, A)),
        (augmented, op(A, partner)),
    ]:
        out = wg.jvp(f, (A,), (A,))[0]
        assert_same(out, plain_f, name)
        wg.check_grads(f, (A,))


@pytest.mark.parametrize("name", ["lt", "le", "gt", "ge", "eq", "ne"])
@pytest.mark.parametrize("y", [B, 0.5, 1, A], ids=repr)
def test_comparisons(name, y):
    compare = getattr(operator, name)
    found = wg.grad(lambda x: (np.sum(x), (compare(x, y), compare(y, x))), has_aux=True)(A)[1]
    np.testing.assert_array_equal(found[0], compare(A, y))
    np.testing.assert_array_equal(found[1], compare(y, A))


@pytest.mark.parametrize(
    "f",
    [
        round,
        lambda x: round(x, 1),
        int,
        abs,
        bool,
        hash,
        str,
        lambda x: f"{x:.3f}",
        divmod_by_two := (lambda x: divmod(x, 2.0)),
    ],
)
def test_python_functions_of_a_traced_scalar(f):
    for x in (1.7, -0.3, np.float64(2.6)):
        found = wg.grad(lambda v: (v * v, f(v)), has_aux=True)(x)[1]
        assert found == f(x)
        assert f is not round or type(found) is int


def test_matmul_operators():
    for f in (lambda a, b: a @ b, lambda a, b: (a.T @ a) @ b, lambda a, b: B @ b.T if b.ndim == 2 else B @ b):
        wg.check_grads(f, (A, np.array([0.3, 0.8, -0.2])))
    with pytest.raises(ValueError, match="matmul"):
        wg.grad(lambda a: np.sum(a @ np.ones(2)))(A)


def test_subtract_at_and_add_at_accumulate():
    index = np.array([0, 2, 0])

    def f(v):
        total = np.zeros(3)
        np.add.at(total, index, v)
        np.subtract.at(total, [1, 1], v[0] * v[1])
        return total

    np.testing.assert_array_equal(wg.jvp(f, (A[0],), (A[0],))[0], f(A[0]))
    wg.check_grads(f, (A[0],))


@pytest.mark.parametrize("index", [([0, 0], [1, 1]), (1, slice(None, 2)), [[0, 1], [0, 0]], (slice(None), [2, 2]), 1])
def test_add_at_takes_every_form_of_index(index):
    """A tuple is one index of several axes, a list one of a single axis."""

    def f(x):
        total = 1.0 * x
        np.add.at(total, index, x[0, 1])
        return total

    np.testing.assert_array_equal(wg.jvp(f, (A,), (A,))[0], f(A))
    wg.check_grads(f, A)


WITH_OUT = [(f, (A,), {"axis": 0}) for f in (np.sum, np.mean, np.var, np.std, np.max, np.min, np.prod, np.any, np.all)]
WITH_OUT += [(f, (A,), {"axis": 0}) for f in (np.cumsum, np.cumprod, np.argmax, np.argmin)]
WITH_OUT += [(np.round, (SIGNED,), {}), (np.fix, (SIGNED,), {}), (np.clip, (A, 0.3, 0.5), {}), (np.trace, (A,), {})]
WITH_OUT += [(np.dot, (A, B.T), {}), (np.matmul, (A, B.T), {}), (np.outer, (A[0], B[0]), {}), (np.stack, ([A, B],), {})]
WITH_OUT += [(np.concatenate, ([A, B],), {}), (np.einsum, ("ij,kj->ik", A, B), {}), (np.add, (A, B), {})]


@pytest.mark.parametrize("f, args, kwargs", WITH_OUT, ids=lambda x: getattr(x, "__name__", ""))
@pytest.mark.parametrize("method", [False, True], ids=["function", "method"])
def test_out_is_written_or_refused_and_never_ignored(f, args, kwargs, method):
    if method and not (f.__name__ in METHODS and isinstance(args[0], np.ndarray)):
        pytest.skip("no method")
    expected = f(*args, **kwargs)

    def function(k):
        out = np.full(expected.shape, False if expected.dtype == bool else 7, expected.dtype)
        operands = [k * a if isinstance(a, np.ndarray) else a for a in args]
        if isinstance(args[0], list):
            operands = [[k * a for a in args[0]]]
        if method:
            getattr(operands[0], f.__name__)(*operands[1:], **kwargs, out=out)
        else:
            f(*operands, **kwargs, out=out)
        return 1.0 * out

    try:
        value, tangent = wg.jvp(function, (1.0,), (1.0,))
    except wg.Diagnostic as refused:
        assert refused.code == "W301" and "out" in refused.what
    else:
        np.testing.assert_allclose(value, expected)
        np.testing.assert_allclose(tangent, wg.numerical.derivative(function, 1.0), atol=1e-6)


@pytest.mark.parametrize("name", ["tobytes", "byteswap", "getfield", "setfield", "tofile", "setflags", "dump"])
def test_a_method_without_rule_says_so(name):
    """And not by an AttributeError about a class of ours."""
    with pytest.raises(wg.Diagnostic, match=f"W301 .*{name}.* has no rule") as caught:
        wg.grad(lambda x: np.sum(getattr(x, name)()))(A)
    assert caught.value.where.filename == __file__


WITHOUT_RULE = [np.roots, np.nextafter, np.spacing]


@pytest.mark.parametrize("f", WITHOUT_RULE, ids=lambda f: f.__name__)
def test_a_function_without_rule_says_so(f):
    args = (1.0,) if f is np.nextafter else ()
    first = r"argument (0|`(a|p|x|x1)`) carries"  # by name, where NumPy tells it
    for hidden in ([f], None):
        with pytest.raises(wg.Diagnostic, match=f"W301 `numpy.*{f.__name__}` has no rule, and {first}") as caught:
            wg.grad(lambda x: np.sum((hidden[0] if hidden else f)(x, *args)))(SIGNED)
        assert caught.value.where.filename == __file__
