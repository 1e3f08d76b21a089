"""Calls of NumPy, SciPy and math functions as users write them: function -> calls.  tests/test_names.py runs them."""

import math
from dataclasses import dataclass, field

import numpy as np
import scipy.linalg as sl
import scipy.special as sp

# operands: no ties, no zeros, inside the domain of log, arcsin and logit; lanes of a batch are scaled by 0.9 and 1.1
A = np.array([[0.31, 0.74, 0.52], [0.83, 0.26, 0.47]])
B = np.array([[0.65, 0.22, 0.81], [0.37, 0.58, 0.29]])
V = np.array([0.41, 0.77, 0.23])
SIGNED = np.array([[-0.6, 1.3, 0.2], [0.9, -1.7, -0.4]])
CUBE = np.linspace(0.1, 0.9, 24).reshape(2, 3, 4)[:, ::-1]
SQUARE = np.array([[2.0, 0.3, 0.1], [0.4, 1.5, 0.2], [0.6, 0.7, 3.0]])
DEFINITE = SQUARE @ SQUARE.T
COMPLEX = A - 1j * B
ZERO_D = np.array(0.6)
EMPTY = np.zeros((0, 3))
MASK = np.array([[True, False, True], [True, True, False]])
INTS = np.array([[2, 3, 1], [1, 2, 4]])


class Fixed:
    """A floating-point operand that the derivative leaves alone."""

    def __init__(self, value):
        self.value = value


INF, MINUS_INF = Fixed(np.inf), Fixed(-np.inf)


@dataclass
class Call:
    """f(*args, **kwargs); all floats and arrays of floats in it are differentiated, in lists too.

    text     how it was written, for the names of the tests
    out      give `out=`, an array made inside the differentiated function
    prepare  what is done to each operand first
    listed   traced values stand in a list, where NumPy does not look before it dispatches
    """

    text: str
    args: tuple
    kwargs: dict = field(default_factory=dict)
    out: bool = False
    prepare: object = None
    listed: bool = False


def calls(*texts):
    """One call per part of the texts between semicolons."""
    return [call(part.strip()) for text in texts for part in text.split(";")]


def call(text, **names):
    args, kwargs = eval(f"(lambda *args, **kwargs: (args, kwargs))({text})", globals(), names)
    options = {name: kwargs.pop(name) for name in ("prepare", "listed", "out") if name in kwargs}
    return Call(text, args, kwargs, **options)


def above_half(x):
    return x > 0.5


def each(functions, calls):
    return {function: calls for function in functions}


# quotients away from integers
DIVISIONS = calls("2.5 + 0.3 * A, 1.0 + 0.1 * B; 2.5 + 0.3 * A, 0.78; 4, 1.5 + 0.1 * A; -1.7, 0.6")

# ---------------------------------------------------------------- ufuncs

UNARY = calls("A; 0.3; ZERO_D; EMPTY; A, out=True; A, where=MASK, out=True")
UNARY += calls("[0.3, 0.6], listed=True; A[:, ::-1].T")
BINARY = calls("A, B; A, V; 0.7, A; A, 2; 3, A; A, INTS; A[:, None], ZERO_D")
BINARY += calls("0.3, 0.8; EMPTY, V; A, B, out=True; A, B, where=MASK, out=True")
BINARY += calls("[0.3, 0.6, 0.2], A; A, np.float64(0.4); Fixed(A), B; A, Fixed(B)")
TRUTH = calls("A, B, prepare=above_half; A, V, prepare=above_half; A, True, prepare=above_half")
STEPS = calls("SIGNED; 1.7; ZERO_D; EMPTY; SIGNED, out=True")

CALLS = {
    **each([np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.sqrt, np.cbrt, np.square], UNARY),
    **each([np.reciprocal, np.arcsin, np.arccos, np.arctanh, np.degrees, np.rad2deg, np.radians, np.deg2rad], UNARY),
    **each(
        [np.sin, np.cos, np.tan, np.arctan, np.sinh, np.cosh, np.tanh, np.arcsinh, np.fabs], UNARY + calls("SIGNED")
    ),
    **each([np.negative, np.positive, np.absolute, np.conjugate], UNARY + calls("SIGNED; COMPLEX; 0.2j")),
    np.arccosh: calls("1.0 + A; 1.3; 1.0 + ZERO_D; EMPTY"),
    **each([np.sign, np.floor, np.ceil, np.trunc, np.rint, np.isnan, np.isinf, np.isfinite, np.signbit], STEPS),
    **each([np.add, np.subtract, np.multiply, np.divide, np.power, np.float_power, np.arctan2, np.hypot], BINARY),
    **each([np.logaddexp, np.maximum, np.minimum, np.fmax, np.fmin], BINARY),
    **each([np.remainder, np.fmod, np.floor_divide], DIVISIONS),
    np.divmod: DIVISIONS,
    **each([np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal], BINARY),
    **each([np.logical_and, np.logical_or, np.logical_xor], calls("A, B; A, V; 0.3, 0.8; A, INTS")),
    np.logical_not: calls("A; 0.3; EMPTY"),
    **each([np.bitwise_and, np.bitwise_or, np.bitwise_xor], TRUTH),
    np.invert: calls("A, prepare=above_half"),
    np.matmul: calls(
        "A, B.T; A, V; V, A.T; V, V + 0.1; CUBE, CUBE[0].T; V, CUBE; A, INTS.T; COMPLEX, B.T",
        "CUBE.swapaxes(1, 2), CUBE; EMPTY, A.T; A, B.T, out=True; Fixed(A), V; A, Fixed(V)",
    ),
}
CALLS[np.add] = CALLS[np.add] + calls("A, COMPLEX; np.float32(0.3), A")
CALLS[np.multiply] = CALLS[np.multiply] + calls("A, COMPLEX; 2j, A; COMPLEX, COMPLEX[::-1]")
CALLS[np.power] = CALLS[np.power] + calls(
    "SIGNED, 0; SIGNED, 1; SIGNED, 2; SIGNED, 3; SIGNED, -1; SIGNED, Fixed(2.0); 2, SIGNED"
)
CALLS[np.exp] = CALLS[np.exp] + calls("COMPLEX; SIGNED.astype(np.float32), dtype=np.float64")
CALLS[np.sqrt] = CALLS[np.sqrt] + calls("COMPLEX")

UFUNC_METHODS = {
    (np.add, "reduce"): calls("A; A, axis=1; A, axis=(0, 1); A, axis=-1, keepdims=True"),
    (np.multiply, "reduce"): calls("A; A, axis=1, keepdims=True; A, axis=None, initial=2.0"),
    (np.maximum, "reduce"): calls("A; A, axis=1; A, axis=None, where=MASK, initial=0.1"),
    (np.minimum, "reduce"): calls("A; A, axis=-1"),
    (np.add, "accumulate"): calls("A; A, axis=1; V"),
    (np.multiply, "accumulate"): calls("A; A, axis=-1"),
    (np.add, "outer"): calls("V, A; A, 0.5"),
    (np.subtract, "outer"): calls("V, V + 0.1"),
    (np.multiply, "outer"): calls("V, A; V, [1, 2]"),
    (np.maximum, "outer"): calls("V, V + 0.1"),
}

# ---------------------------------------------------------------- constructors

CONVERSIONS = calls("A; ZERO_D; 0.3; EMPTY; [0.3, 0.6, 2], listed=True")
CONVERSIONS += calls("[[0.3, 1], [V[0], 2.0]], listed=True; [A, B], listed=True; A, dtype=np.float32")
CONVERSIONS += calls("(A, [V, [1, 2, 3]]), listed=True; COMPLEX; A.T, order='F'")
LIKE = calls("A; ZERO_D; A, dtype=np.float32; A, dtype=int; A, shape=(3,); EMPTY")

CALLS |= {
    np.array: CONVERSIONS
    + calls(
        "A, ndmin=3; A, copy=False; [0.3, 0.6], float, listed=True; [0.5, 0.25j], listed=True",
        "[0.3, 0.6], dtype=complex, listed=True",
    ),
    **each([np.asarray, np.asanyarray], CONVERSIONS),
    np.ascontiguousarray: calls("A; A.T; [0.3, 0.6], listed=True"),
    np.copy: calls("A; A.T, order='F'; ZERO_D; [0.3, 0.6], listed=True"),
    np.zeros_like: LIKE,
    np.ones_like: LIKE,
    np.empty_like: LIKE,
    np.full_like: calls("A, 0.4; A, 2; A, V; A, 0.4, dtype=np.float32; A, 1.5, shape=(2, 2)"),
    np.full: calls("3, 0.4; (2, 3), 0.4; (2, 3), V; (), 0.4; 3, 0.4, np.float32; 0, 0.4"),
    np.linspace: calls(
        "0.1, 0.8; 0.1, 0.8, 5; 0, 0.8, num=4; 0.1, 1, 1; 0.1, 0.8, 4, endpoint=False; V, 0.8, 3",
        "A, B, 3, axis=-1; 0.1, 0.8, 5, retstep=True; 0.1, 0.8, 0",
    ),
    np.arange: calls("0.1, 0.8, 0.2; 2.5; 0.1, 3; 1, Fixed(2.4), 0.4; 3, Fixed(0.5), -0.7"),
}

# ---------------------------------------------------------------- shape and joins

CALLS |= {
    **each([np.shape, np.ndim], calls("A; 0.3; ZERO_D; [[0.3, 0.4]], listed=True")),
    np.size: calls("A; A, 1; A, axis=-1; EMPTY"),
    np.reshape: calls(
        "A, 6; A, (3, 2); A, (-1, 2); A, [3, -1]; A, (3, 2), order='F'; A.T, -1; CUBE, (4, -1), order='F'",
        "ZERO_D, (1, 1); EMPTY, (3, 0); 0.3, 1; A, shape=(6,); [0.3, 0.6], (2, 1), listed=True",
    ),
    np.ravel: calls("A; A, order='F'; ZERO_D; 0.3; [[0.3, 0.6]], listed=True"),
    np.transpose: calls("A; CUBE, (2, 0, 1); CUBE, (-1, 0, 1); V; CUBE, axes=[1, 0, 2]"),
    np.swapaxes: calls("A, 0, 1; CUBE, -1, 0; CUBE, 1, 1"),
    np.linalg.matrix_transpose: calls("A; CUBE"),
    np.matrix_transpose: calls("A; CUBE"),
    np.moveaxis: calls("CUBE, 0, -1; CUBE, (0, 1), (-1, 0); CUBE, -1, 0"),
    np.expand_dims: calls("A, 0; A, -1; A, (0, 2); 0.3, 0"),
    np.squeeze: calls("A[None]; A[:, None], axis=1; A[None, :, None], axis=(0, -2); A"),
    np.broadcast_to: calls("V, (2, 3); 0.3, (2, 2); A[:, :1], (2, 3); ZERO_D, 4; A, (2, 3)"),
    np.broadcast_arrays: calls("A, V; A, 0.3; A[:, :1], V"),
    np.atleast_1d: calls("0.3; V; 0.3, A"),
    np.atleast_2d: calls("0.3; V; V, CUBE"),
    np.flip: calls("A; A, 0; A, axis=-1; CUBE, (0, 2); V"),
    np.concatenate: calls(
        "[A, B]; (A, B), axis=1; [A, B], -1; [A, B], axis=None; [V, [1.0, 2.0]]; [A, INTS]; [A, EMPTY]; [V]",
        "[A, COMPLEX]; [V, V], dtype=np.float32; [[0.3], V]",
    ),
    np.stack: calls(
        "[A, B]; (A, B), axis=1; [A, B], axis=-1; [0.3, 0.6]; [V, [1, 2, 3]]; [V, V + 1], dtype=np.float32"
    ),
    np.hstack: calls("[A, B]; [V, 0.3]; [0.3, 0.6]; [V, V], dtype=np.float32"),
    np.vstack: calls("[A, V]; [V, V + 0.1]; [0.3, 0.6]"),
    np.column_stack: calls("[V, V + 0.1]; [A, A[:, :1]]; [A, A[:, 0]]"),
}

# ---------------------------------------------------------------- reductions

WHERE = {"where": MASK}
ROWS = {"where": np.array([[True], [False]])}
REDUCE = calls("A; A, axis=0; A, 1; A, axis=-1, keepdims=True; CUBE, axis=(0, -1); 0.3")
REDUCE += calls("A, keepdims=True; ZERO_D; CUBE, axis=(2, 0), keepdims=True; [0.3, 0.6], listed=True")
REDUCE += calls("A, axis=np.int64(1); A.T, axis=0; A, axis=()")
EXTREMA = REDUCE + calls("A, where=MASK, initial=0.4; A, axis=1, initial=0.6; EMPTY, axis=1")
RUNNING = calls("A; A, 0; A, axis=-1; V; EMPTY, axis=0; A, axis=1, dtype=np.float32")
RUNNING += calls("[0.3, 0.6], listed=True; 0.3")
POSITION = calls("A; A, 0; A, axis=-1; A, axis=1, keepdims=True; V; A, keepdims=True")
QUANTIFIED = calls("A; A, axis=0; A, axis=(0, 1); A, axis=-1, keepdims=True; EMPTY, axis=0")
QUANTIFIED += calls("A > 0.5, axis=1; A, prepare=above_half, axis=0; A, prepare=above_half, axis=0, **WHERE")
SPREAD = REDUCE + calls("A, ddof=1; A, axis=1, ddof=1; A, axis=0, **WHERE, ddof=Fixed(0.5); COMPLEX")
SPREAD += calls("A, axis=1, correction=1; A, axis=1, mean=np.mean(A, axis=1, keepdims=True); A, **ROWS")

CALLS |= {
    np.sum: REDUCE
    + calls(
        "A, axis=0, out=True; A, **WHERE; A, initial=0.7; A, 0, initial=2, **ROWS; EMPTY; COMPLEX",
        "A, dtype=np.float32; A.astype(np.float32), dtype=np.float64",
    ),
    np.mean: REDUCE
    + calls("A, axis=0, out=True; A, **WHERE; A, axis=0, **ROWS, keepdims=True; EMPTY, axis=1; COMPLEX, 0"),
    np.var: SPREAD,
    np.std: SPREAD,
    **each([np.max, np.amax, np.min, np.amin], EXTREMA),
    np.prod: REDUCE + calls("A, **WHERE; A, initial=0.7; EMPTY; np.array([0.4, 0.0, 0.3]); COMPLEX"),
    np.cumsum: RUNNING,
    np.cumprod: RUNNING + calls("np.array([0.4, 0.0, 0.3])"),
    np.argmax: POSITION,
    np.argmin: POSITION,
    np.any: QUANTIFIED,
    np.all: QUANTIFIED,
    np.trace: calls("SQUARE; A, 1; CUBE; CUBE, offset=-1, axis1=2, axis2=1; SQUARE, dtype=np.float32"),
    np.diagonal: calls("SQUARE; A, 1; A, offset=-1; CUBE; CUBE, 0, 0, 2; CUBE, 0, -1, 0"),
}

# ---------------------------------------------------------------- elementwise, products, linear algebra

CALLS |= {
    np.where: calls(
        "MASK, A, B; MASK, A, 0.0; MASK, 0.3, B; MASK[:, :1], A, V; A; True, 0.3, A; MASK, A, INTS",
        "MASK, A, COMPLEX; MASK, [0.3, 0.6, 0.9], A",
    ),
    np.nonzero: calls("A; V"),
    np.clip: calls(
        "A, 0.3, 0.6; A, None, 0.5; A, 0.5, None; A, V, 0.8; A, 0, 1; 0.3, 0.4, 0.9; A, min=0.4",
        "A, min=0.2, max=0.5; A, Fixed(0.4), Fixed(V + 0.3), out=True",
    ),
    **each([np.round, np.around], calls("SIGNED; SIGNED, 1; SIGNED, decimals=-1; 0.37, 1; A, 2")),
    np.fix: calls("SIGNED; 1.7"),
    np.real: calls("A; COMPLEX; 0.3; 0.3 + 0.1j"),
    np.imag: calls("A; COMPLEX; 0.3 + 0.1j"),
    np.angle: calls("A; SIGNED; COMPLEX; COMPLEX, deg=True; -0.3; 0.3 + 0.1j"),
    **each([np.isclose, np.allclose], calls("A, B; A, A; A, 0.3, rtol=Fixed(0.5); V, V + 1e-09")),
    np.array_equal: calls("A, B; A, A; A, V; V, [0.41, 0.77, 0.23]"),
    np.iscomplexobj: calls("A; COMPLEX"),
    np.isscalar: calls("0.3; A; ZERO_D"),
    np.result_type: calls("A, 2; 0.3, Fixed(np.zeros(1, np.float32)); A, COMPLEX"),
    np.dot: calls(
        "A, B.T; A, V; V, V + 0.1; V, A.T; A, 2.0; 0.3, A; CUBE, CUBE[0].T; A, CUBE; COMPLEX, V; V, [1, 2, 3]",
        "CUBE, np.array([1.0, 2.0, 3.0, 4.0]); [0.3, 0.6, 0.1], V",
    ),
    np.vdot: calls("V, V + 0.1; A, B; COMPLEX, A; COMPLEX, COMPLEX[::-1]; A, COMPLEX"),
    np.inner: calls("V, V + 0.1; A, B; A, V; CUBE, CUBE[0]; A, 2.0; COMPLEX, B"),
    np.outer: calls("V, V + 0.1; A, V; V, [1, 2]; 0.3, V"),
    np.tensordot: calls(
        "A, B; A, B.T, 1; V, A, axes=0; CUBE, A, axes=([0, 1], [0, 1]); A, B, axes=(1, 1)",
        "CUBE, CUBE[0], axes=([-1, 1], [1, 0]); A, B, axes=[[0], [0]]",
    ),
    np.einsum: calls(
        "'ij,kj->ik', A, B; 'ij,j', A, V; 'ij->', A; 'ij->j', A; 'ii->i', SQUARE; 'ii', SQUARE",
        "'...j,j->...', CUBE[..., :3], V; 'ij,ij,j->i', A, B, V, optimize=True; 'i,j', V, V + 0.1; 'ba', A",
        "'ij , jk -> ik', A, B.T; 'ij,ij->ij', A, 1j * B; '...ij->...ji', CUBE; 'ij,j->i', Fixed(A), V",
        "'iij->j', CUBE[:, :2]; 'ij,jk->ik', A, INTS.T; '...i,...i', CUBE[0, :, :3], SQUARE",
    ),
    np.linalg.solve: calls(
        "SQUARE, V; SQUARE, A.T; SQUARE, Fixed(V); Fixed(SQUARE), V; SQUARE, [1, 2, 3]",
        "np.stack([SQUARE, DEFINITE]), A.T; SQUARE + 0.2j * DEFINITE, V; np.stack([SQUARE] * 2), A[..., None]",
    ),
    np.linalg.cholesky: calls("DEFINITE; np.stack([DEFINITE, DEFINITE + SQUARE]); DEFINITE, upper=True"),
    np.linalg.inv: calls("SQUARE; np.stack([SQUARE, DEFINITE]); SQUARE + 0.2j * DEFINITE"),
    np.linalg.norm: calls(
        "V; A; A, 'fro'; A, axis=1; A, None, -1, True; CUBE, axis=(0, 2); CUBE; COMPLEX; A, keepdims=True",
        "SIGNED, 1; SIGNED, INF; SIGNED, -1; SIGNED, MINUS_INF; CUBE, 'fro', axis=(1, 2)",
        "SIGNED, 0, axis=1; SIGNED, 1, axis=1; SIGNED, 2, axis=1; SIGNED, 3, axis=1; SIGNED, Fixed(2.5), axis=1",
        "SIGNED, -1, axis=1; SIGNED, INF, axis=1; SIGNED, MINUS_INF, axis=1",
        "V, 0; V, 1; V, 2; V, 3; V, Fixed(0.5); V, INF",
    ),
}

# ---------------------------------------------------------------- math

ONE = calls("0.3; 0.8")
CALLS |= {
    **each([math.sin, math.cos, math.tan, math.asin, math.acos, math.atan, math.sinh, math.cosh, math.tanh], ONE),
    **each(
        [math.asinh, math.atanh, math.exp, math.exp2, math.expm1, math.log2, math.log10, math.log1p, math.sqrt], ONE
    ),
    **each([math.cbrt, math.degrees, math.radians, math.isnan, math.isinf, math.isfinite], ONE),
    math.acosh: calls("1.3"),
    **each([math.floor, math.ceil, math.trunc], calls("1.7; -0.3")),
    math.copysign: calls("0.3, -0.8; 0.3, 2; -0.3, 1; 2, -0.8"),
    math.fabs: calls("0.3; -0.8"),
    math.pow: calls("0.3, 0.8; 0.3, 2; 2, 0.3; -0.3, 3"),
    math.atan2: calls("0.3, 0.8; 0.3, -1; 1, 0.4"),
    math.hypot: calls("0.3, 0.4; 0.3, 0.4, 0.5; 0.3; 0.3, 2"),
    math.fsum: calls("[0.3, 0.4, 2]; (0.3, 0.4); V"),
    math.prod: calls("[0.3, 0.4, 2]; [0.3, 0.4], start=3; V"),
    math.log: calls("0.3; 0.3, 2; 0.3, 0.7; 2, 0.7"),
    math.fmod: calls("3.3, 0.7; -3.3, 0.7; 3, 0.8"),
    math.dist: calls("[0.3, 0.4], [0.5, 0.9]; V, [1, 2, 3]; V, V + 0.1"),
}

# ---------------------------------------------------------------- scipy

SPECIAL = [c for c in UNARY if "where" not in c.kwargs]  # SciPy 1.17 does not honour `where`

CALLS |= {
    **each([sp.erf, sp.erfc, sp.expit, sp.log_expit], SPECIAL + calls("SIGNED")),
    **each([sp.logit, sp.gammaln, sp.psi], SPECIAL),  # sp.digamma is sp.psi
    sp.polygamma: calls("0, A; 1, A; 2, 0.8; 1, [0.3, 0.6], listed=True"),
    sp.xlogy: calls("A, B; A, V; 0.3, A; A, 2; 0, A; 0.3, 0.8"),
    sp.logsumexp: calls(
        "A; A, axis=0; A, -1, keepdims=True; CUBE, axis=(0, 2); A, b=B; 0.3; [0.3, 0.6], listed=True",
        "A, axis=1, b=Fixed(V); 1000.0 * A",
    ),
    sp.softmax: calls("A; A, axis=0; V, -1; CUBE, axis=(0, 2)"),
    sp.log_softmax: calls("A; A, axis=-1; V"),
    sl.solve: calls("SQUARE, V; SQUARE, A.T; DEFINITE, V, assume_a='gen'; SQUARE, V, transposed=True"),
    sl.inv: calls("SQUARE; SQUARE + 0.2j * DEFINITE"),
    sl.solve_triangular: calls(
        "SQUARE, V; SQUARE, A.T, lower=True; SQUARE, V, trans=1; SQUARE, V, trans='T', lower=True",
        "SQUARE, V, unit_diagonal=True; SQUARE + 0.2j * DEFINITE, V, trans='C'; Fixed(SQUARE), V",
    ),
    sl.cholesky: calls("DEFINITE; DEFINITE, lower=True; DEFINITE, True"),
    sl.norm: calls("V; A; SIGNED, 1; A, 'fro'; SIGNED, 1, axis=1; V, INF"),
}

# ---------------------------------------------------------------- methods of arrays

INDEX = "1|-1|::-2|0, 1|:, 2|..., 0|None, 1|[1, 0, 1]|np.array([0, 0])|MASK|0, [2, 0, 2]|[0, 1], [2, 0]|...".split("|")
INDEX += [":, [True, False, True]", "np.array([[0], [1]]), [0, 2]", "1:, None, ::2", "[0, 1], None, [2, 2]", "True"]
WRITES = [
    ("1", "0.5"),
    ("0, 1", "0.5"),
    (":", "V"),
    (":, 1", "B[:, 0]"),
    ("MASK", "0.3"),
    ("[0, 0]", "B"),
    ("...", "B"),
]
WRITES += [(":, [0, 2]", "B[:, :2]"), ("np.array([1, 1, 0])", "0.7"), ("1, 1:", "[0.1, 2]"), ("0", "INTS[1]")]


def of_method(calls, without=()):
    """The calls of the NumPy function as methods: the first operand must be an array."""
    return [
        c
        for c in calls
        if isinstance(c.args[0], np.ndarray)
        and c.args[0].dtype.kind in "fc"
        and not c.listed
        and not {*without} & {*c.kwargs}
    ]


METHOD_CALLS = {
    **{
        name: of_method(CALLS[getattr(np, name)]) for name in ("sum", "mean", "prod", "max", "min", "cumsum", "cumprod")
    },
    **{
        name: of_method(CALLS[getattr(np, name)]) for name in ("argmax", "argmin", "any", "all", "dot", "clip", "trace")
    },
    **{name: of_method(CALLS[getattr(np, name)]) for name in ("diagonal", "swapaxes", "squeeze", "nonzero", "round")},
    **{
        name: of_method(CALLS[getattr(np, name)], ["correction", "axes"])
        for name in ("var", "std", "ravel", "transpose")
    },
    "flatten": calls("A; A, 'F'; A.T; ZERO_D"),
    "reshape": calls("A, 6; A, 3, 2; A, (3, -1); A, (3, 2), order='F'; A, -1; ZERO_D, 1, 1"),
    "conj": calls("A; COMPLEX"),
    "conjugate": calls("A; COMPLEX"),
    "astype": calls("A, float; A, np.float32; A, 'complex128'; A, int; SIGNED, bool; A, 'f4', copy=False"),
    "copy": calls("A; A.T; A, 'F'; ZERO_D"),
    "item": calls("np.array([0.3]); A, 4; A, 1, 2; A, (1, 2); ZERO_D"),
    "fill": calls("A, 0.3; A, 2"),
    "tolist": calls("A; V; ZERO_D"),
    "__getitem__": [call(f"A, np.index_exp[{index}]") for index in INDEX],
    "__setitem__": [call(f"A, np.index_exp[{index}], {value}") for index, value in WRITES],
    "__neg__": calls("A"),
    "__pos__": calls("A"),
    "__abs__": calls("SIGNED; COMPLEX"),
    "__invert__": calls("A, prepare=above_half"),
    "__divmod__": DIVISIONS[:2],
    "__rdivmod__": calls("0.2 + A, 3.0; 0.2 + A, 2"),
}
METHOD_CALLS["transpose"] += calls("CUBE, 2, 0, 1; CUBE, None")
PROPERTIES = {"T": [A, V, CUBE], "mT": [A, CUBE], "real": [A, COMPLEX], "imag": [A, COMPLEX], "flat": [A]}
OPERATORS = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow"]
