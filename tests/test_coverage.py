"""No function is forgotten: each has a rule, or a reason why not; and each is right at special points, too."""

import importlib
import pydoc
import sys
import types

import numpy as np
import pytest

import wengert as wg
from calls import CALLS
from required_names import CONSTANT, MAY_BE_ABSENT, REQUIRED, UFUNC_METHODS
from special_points import POINTS, Wrong, check_point
from staging import EVERY
from test_names import SUBJECTS, UNINITIALISED, bind, tolerance
from wengert.rules.names.absent import ABSENT, listed
from wengert.rules.names.table import composition_of, full_name

pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:numpy.fix is deprecated:DeprecationWarning"),  # NumPy 2.5
]
MODULES = ["numpy", "numpy.linalg", "numpy.fft", "scipy.special", "scipy.linalg", "scipy.fft"]
# in newer releases than the oldest that is supported, so that a name may be missing
NEWER = """
    numpy.unstack numpy.cumulative_sum numpy.cumulative_prod numpy.matvec numpy.vecmat
    """.split()

# ---------------------------------------------------------------- every name


def find(name):
    """The object behind a full name; SciPy's parts are imported at need."""
    return pydoc.locate(name)


def reason_of(name, function):
    return ABSENT.get(listed(name)) or ABSENT.get(listed(full_name(function)))


@pytest.mark.parametrize("name", [n for n in REQUIRED if n not in CONSTANT + MAY_BE_ABSENT])
def test_every_required_function_is_differentiable(name):
    function = find(name)
    assert composition_of(function) is not None, f"{name} has no rule"
    assert CALLS[function], f"no test calls {name}"
    assert reason_of(name, function) is None


@pytest.mark.parametrize("name", MAY_BE_ABSENT)
def test_a_function_that_is_refused_has_a_reason(name):
    function = find(name)
    assert (composition_of(function) is None) == (reason_of(name, function) is not None)


def use_constants(x):
    """All that `CONSTANT` lists, as they are used."""
    out = np.zeros(3) + np.eye(3)[0] + np.empty(3) * 0.0
    rows, columns = np.mgrid[0:3, 0:3]
    out[:] += np.sum(x[:, np.newaxis] * (rows - columns) ** 2, axis=0)
    return out * np.fft.fftfreq(3) + np.fft.rfftfreq(4) * x


def test_constants_work_inside_a_differentiated_function():
    x = np.array([0.3, -0.7, 1.2])
    assert {f"numpy.{c}" for c in "zeros eye empty mgrid newaxis fft.fftfreq fft.rfftfreq".split()} == {*CONSTANT}
    np.testing.assert_array_equal(wg.jvp(use_constants, (x,), (x,))[0], use_constants(x))
    wg.check_grads(use_constants, (x,))


@pytest.mark.parametrize("name, method", [(n, m) for n, ms in UFUNC_METHODS.items() for m in ms.split()])
def test_every_required_method_of_ufuncs_is_differentiable(name, method):
    ufunc, x, y = getattr(np, name), np.array([0.4, 0.7, 1.3]), np.array([0.9, 0.2])

    def f(x, y):
        if method == "outer":
            return ufunc.outer(x, y)
        if method != "at":
            return getattr(ufunc, method)(x)
        out = 1.0 * x
        ufunc.at(out, [2, 0], y)
        return out

    np.testing.assert_allclose(wg.jvp(f, (x, y), (x, y))[0], f(x, y), rtol=1e-15)
    wg.check_grads(f, (x, y))


def public_functions(module):
    """(name, function) of all that a module offers and that can be called with numbers."""
    space = importlib.import_module(module)
    for name in getattr(space, "__all__", None) or dir(space):
        function = getattr(space, name, None)
        if not name.startswith("_") and callable(function) and not isinstance(function, type | types.ModuleType):
            yield f"{module}.{name}", function


@pytest.mark.parametrize("module", MODULES)
def test_every_public_function_has_a_rule_or_a_reason(module):
    functions = dict(public_functions(module))
    assert len(functions) > 15
    unknown = [n for n, f in functions.items() if composition_of(f) is None and reason_of(n, f) is None]
    assert not unknown, f"neither in the table nor in rules/names/absent.py: {' '.join(unknown)}"


def test_every_reason_belongs_to_a_function_without_rule():
    for name, reason in ABSENT.items():
        function = find(name)
        assert function is not None or name in NEWER, f"{name} does not exist"
        assert isinstance(function, types.ModuleType | None) or composition_of(function) is None, f"{name} has a rule"
        assert len(reason) > 20, f"{name}: {reason!r} is no reason"
        assert reason[0].islower() and not reason.endswith("."), f"{name}: {reason!r} stands inside a sentence"


# ---------------------------------------------------------------- special points

EQUAL = "zeros ones minus_ones twos minus_twos equal"  # the elements of an operand are all the same
NOT_FINITE = " ".join(point for point in POINTS if "nan" in point or "inf" in point)
INFINITE = " ".join(point for point in POINTS if "inf" in point)

# by subject, or by call: the points where differences look like a derivative, but the function has none
STEPS = "all numbers of this size are whole: differences show the steps as a slope"
TIES = "a kink: where values are equal, those that stand first are taken as the smaller ones"
KINKS = {
    **dict.fromkeys("floor ceil trunc rint fix round around array.round".split(), ("huge", STEPS)),
    **dict.fromkeys("floor_divide divmod array.__divmod__ array.__rdivmod__".split(), ("tiny huge", STEPS)),
    **dict.fromkeys("sort partition array.sort array.partition median nanmedian pad".split(), (EQUAL, TIES)),
    **dict.fromkeys("quantile percentile nanquantile nanpercentile setdiff1d".split(), (EQUAL, TIES)),
    "copysign": ("zeros", "a kink: the sign of zero jumps"),
    "math.copysign": ("zeros", "a kink: the sign of zero jumps"),
    "modf": (f"{INFINITE} huge", "infinity has no fraction, and differences of infinity show none"),
    "unwrap": ("tiny huge", "a turn is less than the spacing of numbers, or far more than them"),
    "real_if_close": (EQUAL, "the imaginary part is there, or it is not"),
    "scipy.special": ("tiny huge", "SciPy gives the limit long before, and loses oscillations"),
    "scipy.special.round": ("huge", STEPS),
    **dict.fromkeys(["scipy.special.tandg", "scipy.special.cotdg"], (INFINITE, "SciPy gives 0 at infinity")),
    **dict.fromkeys(
        [f"scipy.special.{name}" for name in "beta betaln binom poch comb powm1 stdtrit".split()],
        ("zeros ones minus_ones minus_twos equal", "the slope is 0 times a pole of psi, or of another factor: nan"),
    ),
    "apply_along_axis": (EQUAL, TIES),
    "scipy.linalg.solve": (NOT_FINITE, "check_finite=False: a result that no operand reaches is finite by chance"),
    **dict.fromkeys(["scipy.linalg.sinhm", "scipy.linalg.tanhm"], ("tiny", "SciPy subtracts two exponentials")),
}

# by subject, or by call: the points that are left out
ROUNDING = "the matrix is singular up to rounding, and rounding decides whether LAPACK finds out"
SINGULAR_VALUES = "LAPACK may run for ever on a matrix that is not finite, or so large that a square of it is not"
EXPONENTIALS = "SciPy's way through the exponential takes a thousand squarings"
REFUSED = "wengert raises where SciPy gives nan"
NO_FACTORS = "the factors of a singular matrix have no derivative, and are refused at once"
UNORDERED = "the knots do not increase, and NumPy does not look"
SLOPES = "0 times an infinite slope; NumPy looks whether a point is a knot"
EMPTY = "where there is nothing to compute, NumPy chooses another kind of error, shape or dtype"
MEMORY = "NumPy reads beyond the end of an empty array"
OVERFLOW = "NumPy's own products overflow, in another order"
BRANCHES = "on a branch cut, and singular up to rounding"
LEFT_OUT = {
    **dict.fromkeys(
        [f"linalg.{name}" for name in "svd svdvals pinv lstsq cond matrix_rank norm matrix_norm".split()],
        (f"{NOT_FINITE} huge", SINGULAR_VALUES),
    ),
    **dict.fromkeys(
        [f"scipy.linalg.{name}" for name in "expm expm_frechet sinm cosm sinhm coshm tanhm".split()],
        (f"{NOT_FINITE} huge", f"{REFUSED}, and {EXPONENTIALS}"),
    ),
    **dict.fromkeys(["scipy.linalg.sqrtm", "scipy.linalg.signm"], (f"{NOT_FINITE} tiny huge", REFUSED)),
    "scipy.linalg.logm": (f"{NOT_FINITE} {EQUAL} negative tiny huge", BRANCHES),
    "scipy.linalg.fractional_matrix_power": (f"{NOT_FINITE} {EQUAL} negative tiny huge", BRANCHES),
    **dict.fromkeys(["linalg.cholesky", "scipy.linalg.cholesky", "scipy.linalg.cho_factor"], (EQUAL, ROUNDING)),
    **dict.fromkeys(["scipy.linalg.inv", "scipy.linalg.solve"], (EQUAL, ROUNDING)),
    **dict.fromkeys(["scipy.linalg.lu", "scipy.linalg.lu_factor"], (EQUAL, NO_FACTORS)),
    **dict.fromkeys(["scipy.linalg.lu_solve", "scipy.linalg.cho_solve"], ("zeros huge", "wengert raises for nan")),
    **dict.fromkeys(["scipy.linalg.polar", "scipy.linalg.orthogonal_procrustes"], (f"{EQUAL} tiny", NO_FACTORS)),
    "einsum": ("empty", MEMORY),
    **dict.fromkeys([f"fft.{name}" for name in "irfft irfft2 irfftn hfft".split()], ("empty", MEMORY)),
    **dict.fromkeys([f"scipy.fft.{name}" for name in "irfft2 irfftn hfft2 hfftn".split()], ("empty", MEMORY)),
    **dict.fromkeys(
        ["fft.fftfreq", "fft.rfftfreq", "scipy.fft.fftfreq", "scipy.fft.rfftfreq"],
        ("zeros", "1 / 0 is inf inside a derivative (docs/conventions.md, Types)"),
    ),
    "math.log": ("zeros", "log 0 is -inf inside a derivative, and 2 / -inf is 0 (docs/conventions.md, Types)"),
    "math.trunc": ("without_axes", "Python's function refuses arrays, and a traced number is one"),
    "interp": (f"{EQUAL} {NOT_FINITE} negative huge", UNORDERED),
    "geomspace": (NOT_FINITE, "NumPy makes all points nan, wengert keeps the last, which is given"),
    "poly": (EQUAL, "NumPy makes the result real where the roots happen to be"),
    "histogram": (f"{INFINITE} empty", "NumPy's running sums meet infinity, and its errors another order"),
    "correlate": ("huge", OVERFLOW),
    **dict.fromkeys(
        ["linalg.pinv(A, 1e-8)", "linalg.pinv(A, rtol=1e-9)"],
        (f"{EQUAL} negative", "a negative limit lets singular values of 1e-16 pass"),
    ),
    **dict.fromkeys(
        "cov corrcoef gradient searchsorted take_along_axis put place putmask array.put average".split(),
        ("empty", EMPTY),
    ),
    "linalg.pinv(DEFINITE, hermitian=True)": ("empty", EMPTY),
    "array.searchsorted": ("empty", EMPTY),
    "scipy.linalg": ("empty", "a matrix without rows is not square; SciPy says so, or returns early"),
    **dict.fromkeys(["scipy.linalg.eig", "scipy.linalg.eigvals"], ("tiny huge empty", "SciPy scales and forgets it")),
    "scipy.linalg.det": ("tiny huge empty", "SciPy adds logarithms up"),
    **dict.fromkeys(["scipy.linalg.eigh", "scipy.linalg.eigvalsh"], (f"{EQUAL} tiny huge", ROUNDING)),
    "scipy.linalg.fiedler_companion": ("zeros empty", "wengert raises for nan"),
    "scipy.linalg.matmul_toeplitz": (f"{NOT_FINITE} huge", "SciPy goes by Fourier transforms"),
    "scipy.linalg.expm_frechet": (f"{NOT_FINITE} {EQUAL} huge empty", ROUNDING),
    **dict.fromkeys(
        [f"scipy.linalg.solve_{name}" for name in "sylvester continuous_lyapunov continuous_are triangular".split()],
        (f"{EQUAL} {NOT_FINITE} tiny huge", "the equation is singular, or badly conditioned"),
    ),
    **dict.fromkeys(["scipy.special.logsumexp", "scipy.special.log_softmax"], ("empty huge", EMPTY)),
    "insert(INTS, 1, 0.7)": (f"{NOT_FINITE} huge", "whole numbers cannot hold it, and only NumPy's cast says so"),
    "scipy.special.softmax": (f"{INFINITE} empty", "SciPy's releases differ in what is nan beside infinity"),
    **dict.fromkeys(
        [f"scipy.special.{name}" for name in "pdtr pdtrc pdtri nbdtri bdtri nrdtrisd nrdtrimn gdtrix".split()],
        (f"{EQUAL} {NOT_FINITE} negative tiny", "SciPy gives nan at the edge, wengert the limit of the formula"),
    ),
    **dict.fromkeys(
        [f"scipy.special.spherical_{name}" for name in "in kn".split()],
        (f"{INFINITE} huge", "SciPy gives nan for the limit of the derivative"),
    ),
    **dict.fromkeys(
        [f"scipy.special.{name}" for name in "hyp0f1 hyp1f1 hyperu hyp2f1".split()],
        (f"{NOT_FINITE} tiny huge", "SciPy's series do not end"),
    ),
}


def reviewed(table, name, call):
    """By call, subject or module."""
    keys = (f"{name}({call.text})", name, name.rpartition(".")[0])
    return " ".join(table[key][0] for key in keys if key in table).split()


def test_what_is_reviewed_exists():
    for name, (points, reason) in {**KINKS, **LEFT_OUT}.items():
        subject, _, call = name.partition("(")
        assert subject in SUBJECTS or subject in MODULES, subject
        assert not call or f"{call[:-1]}" in [c.text for c in SUBJECTS[subject][1]], name
        assert {*points.split()} <= POINTS.keys() and len(reason) > 10


# every name meets all points in its first calls; the others vary options, for which these show most
FIRST = sys.maxsize if EVERY else 2
OF_EVERY_CALL = ("zeros", "equal", "nan_in_the_first", "empty")


@pytest.mark.parametrize("name", [n for n in SUBJECTS if n not in UNINITIALISED])
@pytest.mark.filterwarnings("ignore:`(row_stack|trapz|in1d)`:DeprecationWarning")
def test_special_points(name):
    f, calls = SUBJECTS[name]
    found = []
    for position, call in enumerate(calls):
        function, xs = bind(f, call)
        for point, place in POINTS.items():
            if point in reviewed(LEFT_OUT, name, call) or (position >= FIRST and point not in OF_EVERY_CALL):
                continue
            options = {"may_give_nan": name.startswith("math."), "kink": point in reviewed(KINKS, name, call)}
            try:
                refused = check_point(function, place(xs), tolerance(name, call), **options)
            except Wrong as wrong:
                found.append(f"{name}({call.text}) at {point}: {wrong}")
            else:
                found += [f"{name}({call.text}) at {point}: {refused.what}"] if refused else []
    assert not found, "\n" + "\n".join(found)
