"""Generated from the table: every row as machine code, against its NumPy evaluation."""

import functools
import itertools
import operator

import numpy as np
import pytest
import scipy.linalg

import machine_code
import wengert as wg
from staging import EVERY
from test_rows import cases_of, results, sample
from test_staged_rows import program_of
from wengert.backends.llvm.call import Unsupported
from wengert.backends.llvm.engine import QUICK
from wengert.backends.llvm.in_python import IN_PYTHON
from wengert.backends.llvm.lower import RULES
from wengert.backends.llvm.scalars import ELEMENTWISE
from wengert.core.primitive import TABLE
from wengert.ir.program import ROWS, type_of

Code = functools.partial(machine_code.Code, level=QUICK)  # one row needs no passes, and there are many
FAILED = 1  # the status of a call that a check ended

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

# ---------------------------------------------------------------- what is lowered


def test_every_row_is_lowered():
    rows = {*TABLE, *ROWS}
    assert rows <= RULES.keys()
    assert IN_PYTHON.keys() <= rows


@pytest.mark.parametrize("dtype", [np.clongdouble, np.dtype(">c16"), np.longdouble, np.dtype(">f8"), np.dtype(">i4")])
@pytest.mark.parametrize("shape", [(), (3,)])
def test_numbers_that_the_machine_has_not_are_refused(dtype, shape):
    x = np.ones(shape, dtype)
    for f in (lambda x: x, lambda x: x * x, lambda x: np.zeros(3) + np.real(x)):
        with pytest.raises(Unsupported, match="numbers .*have no machine code"):
            Code(program_of(f, [x]))


# Members of a family, and options, for which Python is called where it is not for the row
PARTS = [
    ("kelvin", {"kind": "ber", "n": 2}),
    ("kelvin", {"kind": "kei", "n": 2}),
]

# ---------------------------------------------------------------- examples

random = np.random.default_rng(0)
SMALL = random.integers(1, 9, (2, 3))
GAPS = np.array([3.0, np.nan, 1.0, 2.0, np.nan, -np.inf, 1.0, 1.0, 2.0, 0.0, -0.0, 5.0, np.inf])
TABLE_OF = np.sort(np.round(random.standard_normal(17), 1))
LOOKED_UP = np.round(random.standard_normal((5, 7)), 1)
WHOLE = (
    "left_shift",
    "right_shift",
    "bitwise_count",
    "gcd",
    "lcm",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "invert",
)

# operands and parameters of rows without examples of their own
EXAMPLES = {
    **{name: [((SMALL, SMALL[0])[: len(TABLE[name].operands)], {})] for name in WHOLE},
    "isclose": [((GAPS, GAPS[::-1].copy()), {"rtol": 1e-5, "atol": 1e-8, "equal_nan": e}) for e in (True, False)],
    "truncate": [((GAPS,), {"dtype": np.dtype(t)}) for t in (bool, np.int64, np.int32)],
    "wrap_index": [((np.array([-9, 0, 8, -1]),), {"n": 9})],
    "argsort": [
        *[((x,), {"axis": 0, "kind": "stable"}) for x in (GAPS, np.zeros(0), np.ones(1), random.integers(0, 5, 37))],
        *[((np.stack([GAPS, GAPS[::-1]]),), {"axis": a, "kind": "stable"}) for a in (0, 1)],
    ],
    "lexsort": [((random.integers(0, 3, (3, 4, 20)),), {"axis": a}) for a in (0, -1)],
    "searchsorted": [
        ((table, x), {"side": side})
        for side in ("left", "right")
        for table, x in [(TABLE_OF, LOOKED_UP), (np.sort(GAPS), GAPS), (np.zeros(0), GAPS), (np.arange(9), LOOKED_UP)]
    ],
    "digitize": [((TABLE_OF, LOOKED_UP), {"right": right}) for right in (True, False)],
    "isin": [((SMALL, np.array([1, 3, 5])), {"invert": invert}) for invert in (True, False)],
    "running_place": [
        ((x,), {"axis": x.ndim - 1, "beyond": beyond})
        for x in (GAPS, np.stack([GAPS, GAPS[::-1]]))
        for beyond in (np.greater, np.less)
    ],
    **{
        name: [((x,), {"axis": a}) for x in (np.stack([GAPS, GAPS[::-1]]), SMALL) for a in (0, 1, None)]
        for name in ("argmax", "argmin")
    },
    **{name: [((LOOKED_UP > 0,), {"axes": a}) for a in ((0,), (1,), (0, 1))] for name in ("reduce_any", "reduce_all")},
    "positions": [((LOOKED_UP > 0.5,), {})],
    "share": [((SMALL * 1.0, np.max(SMALL, axis=1) * 1.0), {"axes": (1,), "beyond": np.less})],
    "order": [((np.array([[2, 2], [1, 1]], np.int32),), {"rows": 4, "inverse": i}) for i in (True, False)],
    "exchange": [((np.array([[2, 0, 1]]),), {"dtype": np.dtype(float)})],
    "finite": [((LOOKED_UP,), {})],
    "argpartition": [((LOOKED_UP,), {"kth": 2, "axis": 0})],
    "partition_order": [((LOOKED_UP,), {"kth": 2, "axis": 0})],
    "hermitian": [((np.eye(3),), {"called": "eigh"})],
}
OPEN = ("positions",)  # rows whose results have lengths that only the run knows


def examples(row):
    return EXAMPLES.get(row.name) or cases_of(row)


LOWERED = [row for row in TABLE.values() if row.name not in OPEN]
PRECISIONS = (float, np.float32, complex, np.complex64)
# with EVERY: examples in all precisions, and special numbers in rarer dtypes; else some
CASES = [
    (row, i, dtype)
    for row in LOWERED
    for i in range(len(examples(row)))
    for k, dtype in enumerate(PRECISIONS)
    if EVERY or k == 0 or i == 0
]


def operands_of(row, shapes, dtype):
    """As `sample` has them; complex ones with imaginary parts."""
    precision = np.dtype(dtype).type(0).real.dtype
    operands = [single(x, precision) for x in sample(row, shapes, precision)]
    return operands if np.dtype(dtype).kind == "f" else [with_imaginary_part(x) for x in operands]


def single(x, precision):
    return np.asarray(x).astype(np.result_type(precision, np.complex64))[()] if np.iscomplexobj(x) else x


def with_imaginary_part(x):
    return x + np.complex64(1j) * np.flip(0.25 * x) if np.asarray(x).dtype.kind == "f" else x


def named(value):
    return getattr(value, "name", None) or getattr(value, "__name__", None)


# relative bounds that are wider than 1e-13, and why
LOOSE = {
    "numpy_i0": (1e-12, "SciPy's function in place of NumPy's, which has other coefficients"),
    "pinv": (1e-11, "a sum in another order, of singular vectors"),
    "cofactor_dot": (1e-11, "the same"),
}


def assert_close(got, expected, row):
    """Of the same types, too."""
    for g, e in zip(got, results(expected), strict=True):
        assert type_of(g) == type_of(e)
        if np.asarray(e).dtype.kind not in "fc":
            np.testing.assert_array_equal(g, e)
            continue
        double = np.asarray(e).dtype in (float, complex)
        rtol = LOOSE.get(row.name, (1e-13, ""))[0] if double else 2e-6
        absolute = 0.0 if row.elementwise else rtol  # sums may cancel
        np.testing.assert_allclose(g, e, rtol=rtol, atol=absolute)


@pytest.mark.parametrize("row, i, dtype", CASES, ids=named)
def test_each_row(row, i, dtype):
    shapes, params = examples(row)[i]
    operands = operands_of(row, shapes, dtype)
    try:
        expected = row.evaluate(*operands, **params, **row.staged)
    except (TypeError, ValueError, wg.Diagnostic):
        if np.dtype(dtype).kind == "f":
            raise
        pytest.skip("real numbers only")
    program = program_of(lambda *xs: row(*xs, **params, **row.staged), operands)
    code = Code(program)
    called = row.name in IN_PYTHON or (row.name, params) in PARTS
    assert bool(code.lowered.in_python) is called
    got = code(*operands)
    if row.name == "cofactor" and np.any(np.abs(np.linalg.det(operands[0])) < 1e-6):
        assert got == FAILED  # left to the interpreter
        return
    assert got != FAILED, "a check failed"
    assert_close(got, expected, row)


# ---------------------------------------------------------------- special numbers, in every dtype

POINTS = np.array(
    [0.0, -0.0, 1.0, -1.0, 2.5, -2.5, 0.5, -0.5, 3.0, -3.0, np.inf, -np.inf, np.nan]
    + [1e300, 1e-300, 1e19, -1e19, 2.0**31, -(2.0**31) - 0.5, 2.0**63, -(2.0**63), 1.8e19, 4e9, 300.0, -300.0]
)
DTYPES, RARER = ["c16", "f8", "f4", "i8", "u1", "?"], ["c8", "f2", "i4", "i1", "u4", "u8"]


def points(dtype):
    dtype = np.dtype(dtype)
    if dtype.kind == "c":
        # none whose products overflow: NumPy's vectors fuse multiplication and addition, its numbers do not
        some = points(f"f{dtype.itemsize // 2}")[[0, 1, 2, 3, 4, 5, 10, 11, 12]]
        return (np.tile(some, len(some)) + np.repeat(some, len(some)) * 1j).astype(dtype)
    if dtype.kind == "f":
        return POINTS.astype(dtype)
    if dtype.kind == "b":
        return np.array([True, False])
    ends = np.iinfo(dtype)
    negative = [-1, -2, -3, -7] if ends.min < 0 else []
    return np.array([0, 1, 2, 3, 7, 8, 9, 64, 100, ends.max, ends.max - 1, ends.min, ends.min + 1, *negative], dtype)


OPTIONS = {
    "truncate": [{"dtype": np.dtype(t)} for t in ("i8", "i4", "i2", "i1", "u1", "u2", "u8", "?")],
    "convert": [{"dtype": np.dtype(t)} for t in ("f8", "f4", "f2")],
    "ipow": [{"n": n} for n in (0, 1, 2, 3, 5, 9, 101)],
    "wrap_index": [],
    "isclose": [],
    "finite": [],
}
# where the sign of a zero, or what is beyond the range of integers, is another; each with the reason
EXEMPT = {
    "scale": "NumPy looks at the whole array before it chooses a zero",
    "maximum": "NumPy's half precision takes the other zero",
    "minimum": "the same",
    "fmax": "the same",
    "fmin": "the same",
    "sech2": "NumPy's absolute value of the least integer is negative",
}
BY_INSTRUCTIONS = [row for row in TABLE.values() if row.name in ELEMENTWISE]


@pytest.mark.parametrize(
    "row, dtype",
    [
        *((row, dtype) for row in BY_INSTRUCTIONS for dtype in DTYPES),
        *((row, t) for i, row in enumerate(BY_INSTRUCTIONS) for k, t in enumerate(RARER) if EVERY or (i + k) % 3 == 0),
    ],
    ids=named,
)
def test_special_numbers(row, dtype):
    """Every pair of points, of this dtype and others."""
    done = 0
    meets_others = len(row.operands) == 2 and (EVERY or dtype in ("f8", "i8", "?"))
    for other in dict.fromkeys((dtype, "f8", "i8")) if meets_others else (dtype,):
        operands = pairs(row, dtype, other)
        for params in OPTIONS.get(row.name, [{}]):
            try:
                expected = row.evaluate(*operands, **params)
                program = program_of(lambda *xs, params=params: row(*xs, **params), operands)
            except (TypeError, ValueError):  # which NumPy raises, too: there is nothing to run
                continue
            if row.name in ("convert", "truncate") and dtype == "f2" and params["dtype"].kind == "u":
                continue  # beyond the range, where NumPy's loops differ
            (got,) = Code(program)(*operands)
            assert_same_numbers(got, expected, row, operands)
            done += 1
    if not done:
        pytest.skip("NumPy has no such operation")


def pairs(row, dtype, other):
    first, second = points(dtype), points(other)
    if len(row.operands) == 1:
        return [first]
    operands = [np.repeat(first, len(second)), np.tile(second, len(first))]
    return operands if len(row.operands) == 2 else [np.resize([True, False], len(operands[0])), *operands]


def assert_same_numbers(got, expected, row, operands):
    assert got.dtype == expected.dtype
    if expected.dtype.kind == "c":
        for part in ("real", "imag"):
            assert_same_numbers(getattr(got, part), getattr(expected, part), row, operands)
        return
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(got, expected)
        return
    tolerance = {8: 1e-13, 4: 2e-6, 2: 2e-3}[expected.dtype.itemsize]
    if row.name == "sech2" and operands[0].dtype.kind == "i":
        return
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=0)
    if row.name not in EXEMPT:
        there = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(got[there]), np.signbit(expected[there]))


def test_double_precision_is_rounded_once_to_half_precision():
    """Numbers that single precision would first move to the middle between two halves, and all orders of magnitude."""
    middle = 1.0 + 2.0**-11
    x = np.array([middle, middle + 2.0**-40, middle - 2.0**-40, -middle - 2.0**-40, 65519.999, 65520.0, 2.0**-25])
    x = np.concatenate([x, np.exp(random.uniform(-20, 13, 5000))])
    (got,) = Code(program_of(lambda x: TABLE["convert"](x, dtype=np.dtype(np.float16)), [x]))(x)
    np.testing.assert_array_equal(got, x.astype(np.float16))


@pytest.mark.parametrize("dtype", [complex, np.complex64])
def test_moduli_neither_overflow_nor_vanish(dtype):
    x = np.array([0.0, 3.0, 4e-310, 1e-200, 1e-30, 1e30, 1e154, 1e200, 1.5e308, np.inf, np.nan])
    with np.errstate(all="ignore"):
        z = (x[:, None] + 1j * np.concatenate([x, -x])).astype(dtype)
        z.imag[x == np.inf], z.real[:, -1] = np.concatenate([x, -x]), np.inf  # which the product with 1j makes nan
    (got,) = Code(program_of(np.abs, [z]))(z)
    np.testing.assert_array_max_ulp(got, np.abs(z), 1)


# ---------------------------------------------------------------- Python's integers

INTEGERS = [0, 1, -1, 2, -3, 7, 62, 63, 64, 2**31, 3037000500, 2**62, 2**63 - 1, -(2**63)]


@pytest.mark.parametrize("name", ["add", "sub", "mul", "pow", "floordiv", "mod", "div"])
def test_python_integers_do_not_wrap_around(name):
    """Where Python raises, or its integer has more than 64 bits, the call fails."""
    row = TABLE[name]
    code = Code(program_of(row, [7, 3]))
    if name == "pow":
        assert code(2, -1) == FAILED
    for x in INTEGERS:
        for y in INTEGERS if name != "pow" else [0, 1, 2, 3, 31, 62, 63, 64, 2**62]:
            got = code(x, y)
            if got != (FAILED if (expected := python(name, x, y)) is None else [expected]):
                raise AssertionError(f"{name}({x}, {y}): {got}, not {expected}")


def python(name, x, y):
    if name == "pow" and abs(x) > 1 and y > 64:
        return None
    try:
        found = TABLE[name].evaluate(x, y) if name == "div" else getattr(operator, name, divmod)(x, y)
    except ZeroDivisionError:
        return None
    return found if isinstance(found, float) or -(2**63) <= found < 2**63 else None


@pytest.mark.parametrize("x", INTEGERS)
def test_the_least_integer_has_no_negative(x):
    got = Code(program_of(TABLE["neg"], [3]))(x)
    assert got == (FAILED if x == -(2**63) else [-x])


# ---------------------------------------------------------------- layouts, and lengths that only the run knows

WIDE = random.standard_normal((6, 9))
VIEWS = {
    "turned": lambda x: x.T,
    "backwards": lambda x: x[::-1, ::-1],
    "every second": lambda x: x[::2, 1::2],
    "one row again and again": lambda x: np.broadcast_to(x[1], (4, 9)),
    "a column": lambda x: x[:, 3],
    "empty": lambda x: x[2:2],
}
FUNCTIONS = {
    "exp": lambda x: np.exp(x) * x,
    "logaddexp": lambda x: np.logaddexp(x, 0.5),
    "sum": lambda x: np.sum(x),
    "sum of the first axis": lambda x: np.sum(x, axis=0),
    "cumsum": lambda x: np.cumsum(x, axis=-1),
    "sort": lambda x: np.sort(x, axis=0),
    "product": lambda x: x @ x.T,
    "einsum": lambda x: np.einsum("i...,i...->...", x, x),
    "ravel": lambda x: np.ravel(x) * 2.0,
    "concatenate": lambda x: np.concatenate([x, x[:1] * 2.0]),
    "interpolation": lambda x: np.searchsorted(np.arange(3.0), x),
}


@pytest.mark.parametrize("f", FUNCTIONS)
@pytest.mark.parametrize("view", VIEWS)
def test_any_layout(view, f):
    g = lambda x: FUNCTIONS[f](VIEWS[view](x))
    program = program_of(g, [WIDE])
    (got,) = Code(program)(WIDE)
    np.testing.assert_allclose(got, g(WIDE), rtol=1e-13, atol=1e-13)


# ---------------------------------------------------------------- sums


@pytest.mark.parametrize(
    "shape, axis",
    [((640_000,), 0), ((800, 800), None), ((800, 800), 1), ((100_000, 6), None), ((7, 3, 600, 3), (1, 2, 3))],
)
def test_sums_are_as_exact_as_those_of_numpy(shape, axis):
    x = np.random.default_rng(1).uniform(0, 1, shape).astype(np.float32)
    (got,) = machine_code.Code(program_of(lambda x: np.sum(x, axis=axis), [x]))(x)
    exact = np.sum(x.astype(float), axis=axis)
    assert np.max(np.abs(got - exact) / exact) < 4e-7


def test_a_long_dot_product_is_a_sum_in_blocks():
    x = np.random.default_rng(1).uniform(0, 1, 640_000).astype(np.float32)
    (got,) = machine_code.Code(program_of(lambda x: x @ x, [x]))(x)
    exact = np.sum(x.astype(float) ** 2)
    assert abs(got - exact) / exact < 4e-7


# ---------------------------------------------------------------- products

LONG = [
    ((30, 40), (40, 50)),
    ((5, 20, 30), (30, 10)),
    ((200,), (200, 60)),
    ((60, 200), (200,)),
    ((4, 1, 9, 40), (5, 40, 9)),
]


@pytest.mark.parametrize("first, second", LONG)
@pytest.mark.parametrize("dtype", [float, np.float32])
def test_long_products_call_blas(first, second, dtype):
    x, y = random.standard_normal(first).astype(dtype), random.standard_normal(second).astype(dtype)
    for f in (np.matmul, lambda x, y: x[..., ::-1] @ y, lambda x, y: (x * 2.0) @ (y + 1.0)):
        code = Code(program_of(f, [x, y]))
        assert any("matmul" in symbol for symbol in code.lowered.symbols)
        np.testing.assert_allclose(code(x, y)[0], f(x, y), rtol=0, atol=1e-12 if dtype is float else 1e-4)


SHORT = [
    *[((n,), (n, m)) for n, m in [(1, 1), (3, 2), (4, 5), (9, 1), (6, 11), (30, 20)]],
    *[((n, m), (m,)) for n, m in [(1, 1), (3, 2), (4, 5), (1, 9), (11, 6), (30, 20), (2, 1500)]],
    *[((n, m), (m, k)) for n, m, k in [(2, 3, 4), (1, 7, 1), (5, 1, 5), (3, 8, 2), (4, 6, 9)]],
    *[((2, 3, 5), (5, 4)), ((3, 5), (2, 5, 4)), ((2, 1, 3, 5), (4, 5, 2)), ((0, 3), (3, 2)), ((2, 0), (0, 3))],
    *[((0,), (0, 3)), ((3, 0), (0,)), ((4, 5), (2, 5, 3))],
]
LAYOUTS = {
    "as it is": lambda x: x,
    "turned": lambda x: np.swapaxes(x, -1, -2) if np.ndim(x) > 1 else x,
    "backwards": lambda x: x[..., ::-1],
    "a formula": lambda x: x * 2.0 - 1.0,
    "turned formula": lambda x: np.swapaxes(x * 2.0, -1, -2) if np.ndim(x) > 1 else x,
}


@pytest.mark.parametrize("first, second", SHORT)
@pytest.mark.parametrize("dtype", [float, np.float32, complex, int])
def test_short_products_of_any_layout(first, second, dtype):
    shifted = [*LAYOUTS, *LAYOUTS][dtype is float :]
    for a, b in itertools.product(LAYOUTS, LAYOUTS) if EVERY else zip(LAYOUTS, shifted):
        stored = [shape[:-2] + shape[:-3:-1] if "turned" in how else shape for shape, how in ((first, a), (second, b))]
        x, y = (sample_of(shape, dtype) for shape in stored)
        f = lambda x, y, a=a, b=b: LAYOUTS[a](x) @ LAYOUTS[b](y)
        got = Code(program_of(f, [x, y]), checked=True)(x, y)[0]
        np.testing.assert_allclose(got, f(x, y), rtol=1e-12 if dtype is not np.float32 else 1e-4, atol=1e-5)


def sample_of(shape, dtype):
    x = np.round(np.random.default_rng(len(shape) + sum(shape)).standard_normal(shape) * 4.0)
    return (x + (1j * x[..., ::-1] if dtype is complex else 0.0)).astype(dtype)


@pytest.mark.parametrize("shape", [(7,), (1, 3), (9, 2), (5, 3, 6), (4, 1, 2, 9), (2, 9, 1, 3), (0, 3), (3, 0, 2)])
@pytest.mark.parametrize("reduce", [np.sum, np.prod, np.any, np.max], ids=lambda f: f.__name__)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_reductions_over_any_axes(shape, reduce, layout):
    for dtype in (float, np.float32, complex, int) if EVERY else (float, complex):
        x = np.where(sample_of(shape, dtype) == 0, 1, sample_of(shape, dtype)) / 4
        for n in range(1, len(shape) + 1):
            for axes in itertools.combinations(range(len(shape)), n):
                if reduce is np.max and (dtype is complex or 0 in shape):
                    continue
                f = lambda x, axes=axes: reduce(LAYOUTS[layout](x), axis=axes)
                if reduce is np.prod:
                    f = lambda x, axis=axes[0]: np.prod(LAYOUTS[layout](x), axis=axis)
                got = Code(program_of(f, [x]), checked=True)(x)[0]
                np.testing.assert_allclose(got, f(x), rtol=1e-12 if x.dtype != np.float32 else 1e-5, atol=1e-6)


# ---------------------------------------------------------------- linear algebra where only the run knows how many

MATRICES = random.standard_normal((4, 3, 3))
MATRICES = MATRICES + MATRICES.swapaxes(1, 2) + 5.0 * np.eye(3)
ON_STACKS = {
    "inv": np.linalg.inv,
    "det": np.linalg.det,
    "slogdet": lambda a: np.linalg.slogdet(a)[1],
    "eigvalsh": np.linalg.eigvalsh,
    "eigvals": lambda a: np.sort(np.abs(np.linalg.eigvals(a))),
    "svd": lambda a: np.abs(np.linalg.svd(a)[0]),
    "qr": lambda a: np.abs(np.linalg.qr(a)[1]),
    "pinv": np.linalg.pinv,
    "cond": np.linalg.cond,
    "matrix_rank": lambda a: np.linalg.matrix_rank(a) ** 2,
    "expm": scipy.linalg.expm,  # Python computes it
}


@pytest.mark.parametrize("name", ON_STACKS)
def test_stacks_of_as_many_matrices_as_the_run_knows(name):
    some = lambda a, least: ON_STACKS[name](a[a[:, 0, 0] > least] * 0.5)
    total = lambda a, least: np.sum(some(a, least) ** 2)
    for f in (some, wg.grad(total)):
        program, (a, least) = machine_code.staged(f, MATRICES, -99.0)
        for least in (-99.0, float(np.median(MATRICES[:, 0, 0])), 99.0):
            machine_code.agree(program, [a, least], checked=True)


# ---------------------------------------------------------------- calls that fail

SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])


@pytest.mark.parametrize(
    "f, fits, fails",
    [
        (np.linalg.inv, np.eye(2), SINGULAR),
        (lambda a: np.linalg.solve(a, np.ones(2)), np.eye(2), SINGULAR),
        (np.linalg.cholesky, np.eye(2), -np.eye(2)),
        (np.linalg.svd, np.eye(2), np.full((2, 2), np.nan)),
        (lambda x: np.digitize(0.5, x), np.array([0.0, 1.0]), np.array([1.0, 0.0])),
        (lambda x: TABLE["finite"](x), np.ones(2), np.array([1.0, np.inf])),
        (lambda i: TABLE["wrap_index"](i, n=3), np.array([0, -3]), np.array([0, 3])),
    ],
)
def test_what_numpy_raises_fails_the_call(f, fits, fails):
    """So does what is left to the interpreter."""
    code = Code(program_of(f, [fits]))
    assert code(fails) == FAILED
    for got, expected in zip(code(fits), results(f(fits)), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-14)
    assert code(fails) == FAILED
