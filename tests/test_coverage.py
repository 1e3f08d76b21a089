"""No function is forgotten: each has a rule, or a reason why not; and each is right at special points, too."""

import importlib
import pydoc
import types

import numpy as np
import pytest

import wengert as wg
from calls import CALLS
from required_names import CONSTANT, MAY_BE_ABSENT, REQUIRED, UFUNC_METHODS
from special_points import POINTS, Wrong, check_point
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

ROUNDING = "the matrix is singular up to rounding, and rounding decides whether LAPACK finds out"
STEPS = "all numbers of this size are whole: differences show the steps as a slope"
SINGULAR_VALUES = "LAPACK may run for ever on a matrix that is not finite, or so large that a square of it is not"
NOT_FINITE = " ".join([point for point in POINTS if "nan" in point or "inf" in point] + ["huge"])
EXPONENTIALS = "SciPy's way through the exponential takes a thousand squarings"
REVIEWED = {
    **dict.fromkeys(
        [f"scipy.linalg.{name}" for name in "expm expm_frechet sinm cosm tanm sinhm coshm tanhm".split()],
        ("huge", EXPONENTIALS),
    ),
    "scipy.linalg.fractional_matrix_power": ("tiny huge", EXPONENTIALS),
    **dict.fromkeys(
        [f"linalg.{name}" for name in "svd svdvals pinv lstsq cond matrix_rank norm matrix_norm".split()],
        (NOT_FINITE, SINGULAR_VALUES),
    ),
    **dict.fromkeys("floor ceil trunc rint fix round around array.round".split(), ("huge", STEPS)),
    **dict.fromkeys("floor_divide divmod array.__divmod__ array.__rdivmod__".split(), ("tiny huge", STEPS)),
    "math.trunc": ("without_axes", "Python's function refuses arrays, and a traced number is one"),
    "math.copysign": ("zeros", "a kink: the sign of zero jumps"),
    "math.log": ("zeros", "log 0 is -inf inside a derivative, and 2 / -inf is 0 (docs/conventions.md, Types)"),
    "einsum": ("empty", "NumPy reads beyond the end of an array for 'ii->i' with 0 rows and 3 columns"),
    "linalg.cholesky": ("ones twos equal", ROUNDING),
    "scipy.linalg.cholesky": ("ones twos equal", ROUNDING),
    "scipy.linalg.inv": ("ones twos equal minus_ones minus_twos", ROUNDING),
    "scipy.linalg.solve": ("ones twos equal minus_ones minus_twos", ROUNDING),
}


def test_what_is_reviewed_exists():
    for name, (points, _) in REVIEWED.items():
        assert name in SUBJECTS and {*points.split()} <= POINTS.keys()


@pytest.mark.parametrize("name", [n for n in SUBJECTS if n not in UNINITIALISED])
def test_special_points(name):
    f, calls = SUBJECTS[name]
    expected_to_differ = REVIEWED.get(name, ("", ""))[0].split()
    found = []
    for call in calls:
        function, xs = bind(f, call)
        for point, place in POINTS.items():
            if point in expected_to_differ:
                continue
            try:
                refused = check_point(function, place(xs), tolerance(name, call), name.startswith("math."))
            except Wrong as wrong:
                found.append(f"{name}({call.text}) at {point}: {wrong}")
            else:
                found += [f"{name}({call.text}) at {point}: {refused.what}"] if refused else []
    assert not found, "\n" + "\n".join(found)
