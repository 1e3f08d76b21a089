"""What routing must reach, what must not change, and where a derivative would be lost: an error at the user's line."""

import abc
import builtins
import copy
import inspect
import io
import math
import random
import struct
import sys
import types

import numpy as np
import pytest
import scipy.fft
import scipy.integrate
import scipy.linalg

import routed_library
import routed_views
import wengert as wg

X = np.array([0.3, 0.7, 1.2, 0.55])
M = np.array([[0.3, 0.7, 1.2, 0.55], [0.9, 1.1, 0.4, 0.8], [1.3, 0.2, 0.6, 1.6]])
OUTSIDE = np.array([0.5, -1.0, 2.0, 0.25])
LARGE = np.linspace(0.0, 1.0, 5000)
COUNT = 0
FACTOR = 1.0
KEPT = None


def state():
    """Everything of the library that a derivative must leave alone."""
    layers = [routed_library.LAYER, routed_library.WIDE, routed_library.SLOTTED]
    attributes = [vars(layer) if hasattr(layer, "__dict__") else layer.w for layer in layers]
    defaults = routed_library.a_default_argument_that_is_an_array.__defaults__
    values = [routed_library.WEIGHTS, routed_library.TABLE, routed_library.Layer.shared, attributes, defaults]
    return repr(values), types.ModuleType


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    before = state()
    yield
    assert state() == before


def assert_derivatives(f, x, order=2):
    """Value, derivatives, batches; and the function is its old self afterwards."""
    expected = f(x.copy())
    given = x.copy()
    np.testing.assert_allclose(wg.jvp(f, (given,), (x,))[0], expected, rtol=1e-13)
    np.testing.assert_allclose(wg.vjp(f, given)[0], expected, rtol=1e-13)
    np.testing.assert_array_equal(given, x)
    wg.check_grads(f, (x,), order=order)
    np.testing.assert_allclose(wg.jacfwd(f)(x), wg.jacrev(f)(x), rtol=1e-10, atol=1e-12)
    lanes = np.stack([x, 1.01 * x])
    np.testing.assert_allclose(wg.vmap(f)(lanes), np.stack([f(lane.copy()) for lane in lanes]), rtol=1e-12)
    again = f(x.copy())
    assert type(again) is type(expected)
    np.testing.assert_array_equal(again, expected)


def name_of(f):
    return f.__name__ if inspect.isfunction(f) else None


@pytest.mark.parametrize("f", routed_library.CASES, ids=name_of)
def test_routing_reaches(f):
    assert_derivatives(f, X)


@pytest.mark.parametrize("f", routed_views.VIEWS, ids=name_of)
def test_views_and_aliases_are_those_of_numpy(f):
    assert_derivatives(f, M)


@pytest.mark.parametrize("f", routed_library.ESCAPES, ids=name_of)
def test_what_escapes_is_right_or_an_error_at_the_line_of_the_user(f):
    for derivative in (wg.jacrev, wg.jacfwd):
        try:
            got = derivative(f)(X)
        except wg.Diagnostic as refused:
            assert refused.code in ("W201", "W202", "W301")
            assert refused.where.filename == routed_library.__file__
            assert refused.where.excerpt() and refused.instead
        else:
            np.testing.assert_allclose(got, wg.numerical.jacobian(lambda x: f(x.copy()), X), atol=1e-6)


def test_modules_functions_and_objects_by_other_ways():
    for f in (
        lambda x: routed_library.fill(x),
        lambda x: routed_library.Layer(4).activate(x),
        lambda x: getattr(routed_library, "fi" + "ll")(x),
        lambda x: __import__("routed_library").fill(x),
        lambda x: routed_library.np.zeros(4) + x,
        routed_library.fill,
        routed_library.LAYER,
        routed_library.LAYER.activate,
        routed_library.Layer.square,
        routed_library.decorated_function,
        types.MethodType(lambda self, x: math.sin(x[0]) * self, 2.0),
    ):
        expected = f(X)
        np.testing.assert_allclose(wg.jvp(f, (X,), (X,))[0], expected, rtol=1e-13)
        wg.check_grads(f, (X,), order=1)


# ---------------------------------------------------------------- what must not change

QUESTIONS = """
    type(2.0) is float; type(2.0) == float; {float: 1}[type(2.0)]; type(1j) is complex; type(2) is int
    type(np.float64(1.0)) is np.float64; type(np.zeros(2)[0]) is np.float64; type(np.sum(np.zeros(2))) is np.float64
    type(np.zeros(2)) is np.ndarray; type(x) is np.ndarray; type(x[0]) is np.float64
    isinstance(x, np.ndarray); isinstance(x, list | float); isinstance(x[0], float); isinstance(x[0], (int, float))
    isinstance(x[0], np.floating); isinstance(x[0], numbers.Real); isinstance(x[0], int); isinstance(x[0], np.ndarray)
    isinstance(np.zeros(2), np.ndarray); isinstance(np.zeros(2)[0], np.float64); isinstance(3, float)
    isinstance(3.0, (int, float)); isinstance(True, int); isinstance(np.float32(1), float)
    isinstance(1.0, numbers.Real)
    isinstance(np.sin, np.ufunc); isinstance(np.ones(2, int)[0], np.integer); isinstance("a", str)
    issubclass(np.float64, float); issubclass(bool, float); issubclass(float, object)
    issubclass(np.float32, np.floating)
    float.fromhex("0x1p3"); float("1e3"); float(); float("inf"); float(np.ones(1)[0]); float.is_integer(2.0); float(7)
    float.__name__ == "float"; repr(float) == "<class 'float'>"; callable(float); hash(float) == hash(float)
    complex("1j").imag; complex(1, 2).imag; complex(1).real; int(3.7); int("12"); round(2.567, 1); bool(np.zeros(1))
    np.finfo(float).eps; np.finfo(np.float32).eps; np.issubdtype(np.float64, np.floating); np.dtype(float) == np.float64
    np.issubdtype(np.zeros(1).dtype, np.float64); np.zeros(2).dtype is np.dtype(float); x.dtype == float
    np.float64.__name__ == "float64"; np.float64(3).is_integer()
    np.array([1, 2], float)[1]; np.array([1], dtype=np.float32).dtype.itemsize
    np.zeros(2, dtype=complex).dtype == complex
    callable(np.sin); np.sin.__name__ == "sin"; np.sin.nin; np.add.identity == 0; np.pi; np.newaxis is None
    math.factorial(5); math.comb(5, 2); math.gcd(4, 6); math.floor(2.5); math.ceil(2.5); math.inf
    math.isclose(1.0, 1.0)
    math.fsum([0.1] * 10) == 1.0; math.sin(1.0) == MATH_SIN_ONE; math.modf(2.5)[0]; math.frexp(8.0)[1]; math.tau
    max([1.0, 2.0], key=float); sorted(["10", "9"], key=float)[0] == "9"; list(map(float, ["1", "2"]))[1]; "%.2f" % 2.0
    np.array_equal(np.zeros(2), [0, 0]); np.isscalar(2.0); np.isscalar(x[0]); np.ndim(x); np.shape(x)[0]; len(x)
    np.random.default_rng(0).normal(); np.random.RandomState(1).rand(); abs(np.float64(-1)); x is x; x[0] == x[0]
    hasattr(x, "shape"); hasattr(x, "nothing"); hasattr(x[0], "shape"); hasattr(2.0, "shape"); getattr(x, "none", 3)
    0.3 in x; 9.0 in x; list(x)[1] == x[1]; len(list(enumerate(x))); x.ndim + x.size + x.itemsize + x.nbytes; bool(x[0])
    sum(range(4)); "a" * 2; len({1.0, 2.0, 1.0}); divmod(7.5, 2)[0]; pow(2, 3, 5); np.arange(3).tolist()[1]; [*x][0] > 0
    np.arange(6).reshape(2, 3)[1, 2]; np.ones(3).sum() == 3; np.ones((2, 2)).trace(); np.eye(2).T.shape[1]; x.T.shape[0]
"""
QUESTIONS = [q.strip() for line in QUESTIONS.splitlines() for q in line.split(";") if q.strip()]


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_answer_is_the_same_as_without_derivative(question):
    names = {"MATH_SIN_ONE": math.sin(1.0), "__name__": "user"}
    exec(f"import math, numbers\nimport numpy as np\ndef f(x):\n    return {question}", names)
    f = names["f"]
    expected = f(X.copy())
    answers = [
        wg.grad(lambda x: (np.sum(x), f(x)), has_aux=True)(X)[1],
        wg.jvp(lambda x: (np.sum(x), f(x)), (X,), (X,), has_aux=True)[2],
    ]
    for got in answers:
        assert got == expected and type(got) is type(expected)


METHODS = """
    argsort(); argsort(axis=0); repeat(2); take([1, 0]); searchsorted(1.5); tobytes()
    compress([True, False, True, True])
    view(np.int64); byteswap(); flags.writeable; strides; base is None; data[0]; dumps(); ctypes.data is not None
    partition(2); sort(); put([0], 7.0); setflags(write=True); argpartition(1)[0] * 0; itemsize; nbytes; tolist()
    item(2); nonzero(); max(); argmax(); cumsum(); dot([1, 2, 3, 4]); conj(); getfield(float)[1]; astype(int); round(1)
    tofile is not None
"""
METHODS = [m.strip() for line in METHODS.splitlines() for m in line.split(";") if m.strip()]


@pytest.mark.parametrize("method", METHODS)
def test_a_plain_array_made_inside_has_all_methods(method):
    names = {"__name__": "user"}
    exec(f"import numpy as np\ndef f(x):\n    a = np.array([3.0, 1.0, 2.0, 0.5])\n    return a.{method}, a", names)
    f = names["f"]
    expected, left = f(X)
    found, after = wg.grad(lambda x: (np.sum(x), f(x)), has_aux=True)(X)[1]
    np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))
    np.testing.assert_array_equal(np.asarray(after), left)


def test_objects_of_the_standard_library_are_left_alone():
    text, generator = io.StringIO(), random.Random(3)

    def f(x):
        text.write(f"{len(x)};")
        print("seen", file=text)
        assert generator.random() >= 0.0 and copy.deepcopy([1, {"a": 2}]) == [1, {"a": 2}]
        return np.sum(x * struct.calcsize("d"))

    np.testing.assert_array_equal(wg.grad(f)(X), np.full(4, 8.0))
    assert text.getvalue() == "4;seen\n" and wg.grad is not builtins.float and sys.modules["numpy"] is np


def test_solvers_of_scipy_with_constants_inside():
    def f(x):
        area = scipy.integrate.quad(lambda t: t**2, 0.0, 1.0)[0]
        return area * np.sum(x) + scipy.linalg.expm(np.zeros((2, 2)))[0, 0] * x[0]

    np.testing.assert_allclose(wg.grad(f)(X), np.array([4, 1, 1, 1]) / [3, 3, 3, 3], rtol=1e-12)


# ---------------------------------------------------------------- what leaves the function


def test_assignments_to_globals_reach_the_module():
    def counted(x):
        global COUNT, KEPT
        COUNT += 1
        KEPT = x * 2.0
        return np.sum(x) * COUNT

    before = COUNT
    np.testing.assert_array_equal(wg.grad(counted)(X), np.full(4, before + 1.0))
    assert COUNT == before + 1
    wg.grad(counted)(X)
    assert before + 2 == COUNT and type(KEPT) is np.ndarray
    np.testing.assert_array_equal(KEPT, 2.0 * X)
    wg.jvp(counted, (X,), (X,))
    wg.vmap(lambda x: counted(x))(M)
    assert before + 4 == COUNT
    calls = routed_library.CALLS
    wg.grad(lambda x: np.sum(routed_library.a_global_counter(x)))(X)
    assert calls + 1 == routed_library.CALLS


def test_a_global_that_is_assigned_before_an_error_reaches_the_module():
    def fails(x):
        global COUNT
        COUNT = -5
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        wg.grad(fails)(X)
    assert COUNT == -5


def test_globals_are_looked_up_at_every_call(monkeypatch):
    def f(x):
        return np.sum(x) * FACTOR

    for factor in (2.0, 3.0, np.array(4.0)):
        monkeypatch.setitem(globals(), "FACTOR", factor)
        assert wg.grad(f)(X)[0] == factor
    monkeypatch.delitem(globals(), "FACTOR")
    with pytest.raises(NameError, match="FACTOR"):
        wg.grad(f)(X)


def test_attributes_of_modules_are_set():
    module = types.ModuleType("settings")
    module.value = 1.0

    def f(x):
        module.value = module.value + 1.0
        return np.sum(x) * module.value

    assert wg.grad(f)(X)[0] == 2.0 and module.value == 2.0


def test_closures_follow_their_cells():
    factor, calls = 2.0, 0

    def f(x):
        nonlocal calls
        calls += 1
        return np.sum(x) * factor

    gradient = wg.grad(f)
    assert gradient(X)[0] == 2.0
    factor = 5.0
    assert gradient(X)[0] == 5.0
    assert calls == 2
    weights = np.ones(4)
    g = lambda x: np.sum(x * weights)
    assert wg.grad(g)(X)[1] == 1.0
    weights = np.full(4, 3.0)
    assert wg.grad(g)(X)[1] == 3.0
    weights[:] = 4.0
    assert wg.grad(g)(X)[1] == 4.0


class Holder:
    pass


def test_plain_arrays_that_are_kept_outside_can_be_used():
    holder, history = Holder(), []

    def f(x):
        made = np.zeros(4)
        made[1] = 2.0
        holder.made = made
        history.append(np.ones(4) * 3.0)
        return np.sum(x * made)

    np.testing.assert_array_equal(wg.grad(f)(X), [0, 2, 0, 0])
    for kept, expected in ((holder.made, [0, 2, 0, 0]), (history[0], [3, 3, 3, 3])):
        np.testing.assert_array_equal(np.asarray(kept) + 1.0, np.array(expected) + 1.0)
        np.testing.assert_array_equal(np.asarray(kept * 2.0 + X), np.array(expected) * 2.0 + X)
        assert float(np.sum(kept)) == sum(expected) and math.sin(kept[1]) == math.sin(expected[1])
        kept[0] = 9.0
        assert kept[0] == 9.0 and len(kept) == 4 and kept.argsort()[-1] == 0


def keep(x, how):
    global KEPT
    if how == "global list":
        LIST.append(x * 2.0)
    elif how == "attribute":
        HOLDER.value = x * 2.0
    elif how == "mapping":
        TABLE["value"] = x * 2.0
    return np.sum(x)


LIST, HOLDER, TABLE = [], Holder(), {}


@pytest.mark.parametrize(
    "how, get",
    [("global list", lambda: LIST[-1]), ("attribute", lambda: HOLDER.value), ("mapping", lambda: TABLE["value"])],
)
@pytest.mark.parametrize(
    "derivative",
    [
        wg.grad(keep),
        lambda x, how: wg.jvp(lambda v: keep(v, how), (x,), (x,)),
        lambda x, how: wg.vmap(lambda v: keep(v, how))(M),
    ],
)
def test_a_traced_value_that_is_kept_outside_is_plain_or_cannot_be_used_later(how, get, derivative):
    derivative(X, how)
    if isinstance(get(), np.ndarray):
        np.testing.assert_array_equal(get(), 2.0 * (M if get().ndim == 2 else X))
        return
    for use in (lambda v: v + 1.0, np.sum, lambda v: v[0], lambda v: np.sin(v), lambda v: v.sum()):
        with pytest.raises(wg.Diagnostic, match="W203 a value of a finished derivative") as caught:
            use(get())
        assert caught.value.where.filename == __file__
    with pytest.raises(wg.Diagnostic, match="W203"):
        wg.grad(lambda x: np.sum(x * get()))(X)


def test_stop_gradient_keeps_a_value_for_later():
    kept = []
    wg.grad(lambda x: kept.append(wg.stop_gradient(x * 2.0)) or np.sum(x))(X)
    np.testing.assert_array_equal(np.asarray(kept[0]) + 1.0, 2.0 * X + 1.0)


# ---------------------------------------------------------------- arrays of others


def test_plain_writes_into_captured_arrays_go_through():
    work = np.zeros(4)

    def f(x):
        work[0] = 3.0
        work[1:] += 1.0
        work.T[3] = 5.0
        np.add(work, 1.0, out=work)
        np.add.at(work, [0, 0], 1.0)
        alias = work.reshape(2, 2)
        alias[1] *= 2.0
        return np.sum(x * work)

    np.testing.assert_array_equal(wg.grad(f)(X), [6.0, 2.0, 4.0, 12.0])
    np.testing.assert_array_equal(work, [6.0, 2.0, 4.0, 12.0])


def test_copies_of_captured_arrays_are_copies():
    captured = np.array([1.0, 2.0, 3.0, 4.0])

    def f(x, copied):
        own = copied(captured)
        own[0] = x[0] * 2.0
        own += 1.0
        own[1] = 7.0
        return np.sum(own * x)

    ways = (np.copy, np.array, copy.copy, copy.deepcopy, lambda a: a.copy(), lambda a: +a, lambda a: a * 1.0)
    for copied in (
        *ways,
        lambda a: a[:].copy(),
        lambda a: np.array(a[:]),
        lambda a: a.astype(float),
        lambda a: a.flatten(),
    ):
        np.testing.assert_allclose(wg.grad(lambda x, c=copied: f(x, c))(X), [4 * X[0] + 1, 7.0, 4.0, 5.0])
        np.testing.assert_array_equal(captured, [1.0, 2.0, 3.0, 4.0])
        plain = wg.grad(lambda x, c=copied: (own := c(captured), own.fill(8.0), np.sum(own * x))[2])(X)
        np.testing.assert_array_equal(plain, np.full(4, 8.0))
        np.testing.assert_array_equal(captured, [1.0, 2.0, 3.0, 4.0])


TRACED_WRITES = [
    lambda a, x: a.__setitem__(0, x[0]),
    lambda a, x: a.__setitem__(slice(1, None), x[1:]),
    lambda a, x: a.__iadd__(x),
    lambda a, x: a[1:].__imul__(x[1:]),
    lambda a, x: a.T.__setitem__(0, x[0]),
    lambda a, x: a.reshape(2, 2)[0].__setitem__(1, x[0]),
    lambda a, x: np.multiply(a, x, out=a),
    lambda a, x: np.add.at(a, [0], x[:1]),
    lambda a, x: a.fill(x[0]),
    lambda a, x: np.asarray(a).__setitem__(0, x[0]),
    lambda a, x: np.copyto(a, x),
    lambda a, x: np.sum(x[None], axis=0, out=a),
]


@pytest.mark.parametrize("write", TRACED_WRITES)
@pytest.mark.parametrize("mode", ["reverse", "forward", "batch"])
def test_traced_writes_into_captured_arrays_are_refused(write, mode):
    captured = OUTSIDE.copy()

    def f(x):
        write(captured, x)
        return np.sum(captured * x)

    run = {"reverse": lambda: wg.grad(f)(X), "forward": lambda: wg.jvp(f, (X,), (X,)), "batch": lambda: wg.vmap(f)(M)}[
        mode
    ]
    with pytest.raises(wg.Diagnostic, match="W202|W301") as caught:
        run()
    assert caught.value.where.filename == __file__
    np.testing.assert_array_equal(captured, OUTSIDE)


@pytest.mark.parametrize("n", [4, 5000])
def test_an_array_overwritten_between_the_two_sweeps(n):
    """Small arrays are copied; a change of a large one is an error, and no change is none."""
    x, captured = np.ones(n), np.linspace(1.0, 2.0, n)
    original = captured.copy()
    _, pullback = wg.vjp(lambda v: np.sum(v**2 * captured), x)
    np.testing.assert_allclose(pullback(np.float64(1.0))[0], 2 * original)
    captured[n // 2] += 1.0
    if n == 4:
        np.testing.assert_allclose(pullback(np.float64(1.0))[0], 2 * original)
    else:
        with pytest.raises(wg.Diagnostic, match=r"W204 an array of shape \(5000,\) is overwritten") as caught:
            pullback(np.float64(1.0))
        assert caught.value.where.filename == __file__
        captured[n // 2] -= 1.0
        captured[[0, 1]] = captured[[1, 0]]  # a permutation has the same sum
        with pytest.raises(wg.Diagnostic, match="W204"):
            pullback(np.float64(1.0))


@pytest.mark.parametrize("n", [4, 5000])
@pytest.mark.parametrize("write", ["plain", "view", "library", "numpy"])
def test_an_array_overwritten_inside_after_its_use(n, write):
    captured = np.linspace(1.0, 2.0, n)
    original = captured.copy()

    def f(x):
        y = np.sum(x * captured)
        if write == "plain":
            captured[:] = 7.0
        elif write == "view":
            captured.reshape(2, -1)[0] += 7.0
        elif write == "library":
            HIDDEN[0](captured)
        else:
            np.copyto(captured, 7.0)
        return y * x[0]

    try:
        got = wg.grad(f)(np.ones(n))
    except wg.Diagnostic as refused:
        assert refused.code == "W204" and n == 5000
    else:
        expected = original.copy()
        expected[0] += original.sum()
        np.testing.assert_allclose(got, expected)


def overwrite(array):
    array[:] = 7.0


HIDDEN = [overwrite]  # routing does not look into containers


@pytest.mark.parametrize("n", [4, 5000])
def test_arguments_that_are_not_differentiated_are_private(n):
    other = np.linspace(1.0, 2.0, n)
    kept = other.copy()

    def f(x, other):
        y = np.sum(x * other)
        other[:] = x
        other.fill(2.0)
        return y * x[0] * other[0]

    got = wg.grad(f)(np.ones(n), other)
    expected = 2.0 * kept
    expected[0] += 2.0 * kept.sum()
    np.testing.assert_allclose(got, expected)
    np.testing.assert_array_equal(other, kept)


# ---------------------------------------------------------------- where a derivative would be lost

CPROGRAM = {"sin": math.sin, "array": np.array, "float": float, "full": np.full}  # out of the reach of routing

LOST = [
    ("W201", lambda x: CPROGRAM["sin"](x[0])),
    ("W201", lambda x: CPROGRAM["float"](x[0]) * 2.0),
    ("W201", lambda x: CPROGRAM["array"](x)),
    ("W301", lambda x: scipy.linalg.blas.ddot(x, x)),
    ("W301", lambda x: np.roots(x)),
    ("W301", lambda x: np.linalg.qr(x.reshape(2, 2), "raw")),
    ("W301", lambda x: scipy.fft.fht(x, 0.1, 0.0)),
    ("W301", lambda x: scipy.linalg.schur(x.reshape(2, 2))),
    ("W301", lambda x: np.nextafter(x, 1.0)),
    ("W301", lambda x: math.gamma(x[0])),
    ("W301", lambda x: np.polyfit([0.0, 1.0], [x[0], x[1]], 1)),
    ("W301", lambda x: np.nextafter.reduce(x)),
    ("W301", lambda x: np.einsum(x, [0], [0])),
    ("W202", lambda x: OUTSIDE.__setitem__(0, x[0])),
]


@pytest.mark.parametrize("code, f", LOST)
@pytest.mark.parametrize("derivative", [wg.grad, wg.jacfwd, wg.elementwise_grad, wg.hessian])
def test_a_derivative_that_would_be_lost_is_an_error_at_its_line(code, f, derivative):
    with pytest.raises(wg.Diagnostic) as caught:
        derivative(f)(X)
    assert caught.value.code == code
    assert (caught.value.where.filename, caught.value.where.line) == (__file__, f.__code__.co_firstlineno)
    text = str(caught.value)
    assert "because" in text and "instead" in text and "lambda" in text and "Node" not in text and "Dual" not in text
    np.testing.assert_array_equal(OUTSIDE, [0.5, -1.0, 2.0, 0.25])


def test_the_number_of_points_and_positions_are_steps():
    """int(x), floor, comparisons, argmax: piecewise constant, so that nothing is lost."""

    def f(x):
        n = int(10 * x[0]) + round(x[1]) + math.floor(x[2]) + len(np.arange(x[2] * 3)) + int(np.argmax(x))
        return n * x[0] * [1.0, 2.0][int(x[1] > 0.5)] * np.floor(x[2])

    point = X + 0.013  # on no step
    np.testing.assert_allclose(wg.grad(f)(point), wg.numerical.jacobian(f, point), atol=1e-8)


def test_views_that_cannot_be_written_through_say_so():
    """NumPy lets one write through the imaginary part and through einsum's views; here that is an error, never lost."""

    def imaginary(x):
        z = x * (1.0 + 1.0j)
        z.imag[0] = x[1]
        return np.sum(np.abs(z))

    def diagonal(x):
        square = np.outer(x, x)
        np.einsum("ii->i", square)[0] = x[1]
        return np.sum(square)

    for f in (imaginary, diagonal):
        with pytest.raises(ValueError, match="read-only"):
            wg.grad(f)(X)


def test_a_view_of_a_constant_that_became_traced_is_not_taken_for_a_constant():
    def through_library(x):
        a = np.zeros(3)
        tail = a[1:]
        a[2] = x[0]
        return np.nextafter(tail, 9.0)[-1]

    def through_float(x):
        a = np.zeros(3)
        one = a[2:]
        a[2] = x[0]
        return HIDDEN_FLOAT[0](one[0])

    def through_branch(x):
        a = np.zeros(3)
        one = a[2:]
        a[2] = x
        return x * 2.0 if one > 0.0 else x * 3.0

    with pytest.raises(wg.Diagnostic, match="W301"):
        wg.grad(through_library)(X)
    with pytest.raises(wg.Diagnostic, match="W201"):
        wg.grad(through_float)(X)
    np.testing.assert_array_equal(wg.vmap(wg.grad(through_branch))(np.array([1.0, -1.0])), [2.0, 3.0])


HIDDEN_FLOAT = [math.sqrt]


def test_methods_of_abstract_classes_are_reached():
    class Kernel(abc.ABC):
        @abc.abstractmethod
        def value(self, x): ...

        def loss(self, x):
            out = np.zeros(2)
            out[0] = self.value(x)
            return out.sum()

    class Square(Kernel):
        def value(self, x):
            out = np.zeros(1)
            out[0] = x * x
            return out[0]

    assert wg.grad(Square().loss)(2.0) == wg.grad(lambda x: Square().loss(x))(2.0) == 4.0
