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


@dataclass
class Call:
    """f(*args, **kwargs); all floats and arrays of floats in it are differentiated, in lists too.

    out      give `out=`, an array made inside the differentiated function
    prepare  what is done to each operand first
    listed   a traced value stands in a list that NumPy does not look into before it dispatches
    """

    args: tuple
    kwargs: dict = field(default_factory=dict)
    out: bool = False
    prepare: object = None
    listed: bool = False


def call(*args, **kwargs):
    options = {name: kwargs.pop(name) for name in ("prepare", "listed") if name in kwargs}
    return Call(args, {k: v for k, v in kwargs.items() if k != "out"}, "out" in kwargs, **options)


def above_half(x):
    return x > 0.5


def each(functions, calls):
    return {function: calls for function in functions}


# quotients away from integers
DIVISIONS = [call(2.5 + 0.3 * A, 1.0 + 0.1 * B), call(2.5 + 0.3 * A, 0.78), call(4, 1.5 + 0.1 * A), call(-1.7, 0.6)]

# ---------------------------------------------------------------- ufuncs

UNARY = [call(A), call(0.3), call(ZERO_D), call(EMPTY), call(A, out=True), call(A, where=MASK, out=True)]
UNARY += [call([0.3, 0.6], listed=True), call(A[:, ::-1].T)]
BINARY = [call(A, B), call(A, V), call(0.7, A), call(A, 2), call(3, A), call(A, INTS), call(A[:, None], ZERO_D)]
BINARY += [call(0.3, 0.8), call(EMPTY, V), call(A, B, out=True), call(A, B, where=MASK, out=True)]
BINARY += [call([0.3, 0.6, 0.2], A), call(A, np.float64(0.4)), call(Fixed(A), B), call(A, Fixed(B))]
TRUTH = [call(A, B, prepare=above_half), call(A, V, prepare=above_half), call(A, True, prepare=above_half)]
STEPS = [call(SIGNED), call(1.7), call(ZERO_D), call(EMPTY), call(SIGNED, out=True)]

CALLS = {
    **each([np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.sqrt, np.cbrt, np.square], UNARY),
    **each([np.reciprocal, np.arcsin, np.arccos, np.arctanh, np.degrees, np.rad2deg, np.radians, np.deg2rad], UNARY),
    **each([np.sin, np.cos, np.tan, np.arctan, np.sinh, np.cosh, np.tanh, np.arcsinh, np.fabs], [*UNARY, call(SIGNED)]),
    **each([np.negative, np.positive, np.absolute, np.conjugate], [*UNARY, call(SIGNED), call(COMPLEX), call(0.2j)]),
    np.arccosh: [call(1.0 + A), call(1.3), call(1.0 + ZERO_D), call(EMPTY)],
    **each([np.sign, np.floor, np.ceil, np.trunc, np.rint, np.isnan, np.isinf, np.isfinite, np.signbit], STEPS),
    **each([np.add, np.subtract, np.multiply, np.divide, np.power, np.float_power, np.arctan2, np.hypot], BINARY),
    **each([np.logaddexp, np.maximum, np.minimum, np.fmax, np.fmin], BINARY),
    **each([np.remainder, np.fmod, np.floor_divide], DIVISIONS),
    np.divmod: DIVISIONS,
    **each([np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal], BINARY),
    **each([np.logical_and, np.logical_or, np.logical_xor], [call(A, B), call(A, V), call(0.3, 0.8), call(A, INTS)]),
    np.logical_not: [call(A), call(0.3), call(EMPTY)],
    **each([np.bitwise_and, np.bitwise_or, np.bitwise_xor], TRUTH),
    np.invert: [call(A, prepare=above_half)],
    np.matmul: [
        *(call(A, B.T), call(A, V), call(V, A.T), call(V, V + 0.1), call(CUBE, CUBE[0].T), call(V, CUBE)),
        *(call(A, INTS.T), call(COMPLEX, B.T), call(CUBE.swapaxes(1, 2), CUBE), call(EMPTY, A.T)),
        *(call(A, B.T, out=True), call(Fixed(A), V), call(A, Fixed(V))),
    ],
}
CALLS[np.add] = [*CALLS[np.add], call(A, COMPLEX), call(np.float32(0.3), A)]
CALLS[np.multiply] = [*CALLS[np.multiply], call(A, COMPLEX), call(2j, A), call(COMPLEX, COMPLEX[::-1])]
CALLS[np.power] = [*CALLS[np.power], *(call(SIGNED, n) for n in (0, 1, 2, 3, -1, Fixed(2.0))), call(2, SIGNED)]
CALLS[np.exp] = [*CALLS[np.exp], call(COMPLEX), call(SIGNED.astype(np.float32), dtype=np.float64)]
CALLS[np.sqrt] = [*CALLS[np.sqrt], call(COMPLEX)]

UFUNC_METHODS = {
    (np.add, "reduce"): [call(A), call(A, axis=1), call(A, axis=(0, 1)), call(A, axis=-1, keepdims=True)],
    (np.multiply, "reduce"): [call(A), call(A, axis=1, keepdims=True), call(A, axis=None, initial=2.0)],
    (np.maximum, "reduce"): [call(A), call(A, axis=1), call(A, axis=None, where=MASK, initial=0.1)],
    (np.minimum, "reduce"): [call(A), call(A, axis=-1)],
    (np.add, "accumulate"): [call(A), call(A, axis=1), call(V)],
    (np.multiply, "accumulate"): [call(A), call(A, axis=-1)],
    (np.add, "outer"): [call(V, A), call(A, 0.5)],
    (np.subtract, "outer"): [call(V, V + 0.1)],
    (np.multiply, "outer"): [call(V, A), call(V, [1, 2])],
    (np.maximum, "outer"): [call(V, V + 0.1)],
}

# ---------------------------------------------------------------- constructors

CONVERSIONS = [call(A), call(ZERO_D), call(0.3), call(EMPTY), call([0.3, 0.6, 2], listed=True)]
CONVERSIONS += [call([[0.3, 1], [V[0], 2.0]], listed=True), call([A, B], listed=True), call(A, dtype=np.float32)]
CONVERSIONS += [call((A, [V, [1, 2, 3]]), listed=True), call(COMPLEX), call(A.T, order="F")]
LIKE = [call(A), call(ZERO_D), call(A, dtype=np.float32), call(A, dtype=int), call(A, shape=(3,)), call(EMPTY)]

CALLS |= {
    np.array: [
        *(*CONVERSIONS, call(A, ndmin=3), call(A, copy=False), call([0.3, 0.6], float, listed=True)),
        *(call([0.5, 0.25j], listed=True), call([0.3, 0.6], dtype=complex, listed=True)),
    ],
    **each([np.asarray, np.asanyarray], CONVERSIONS),
    np.ascontiguousarray: [call(A), call(A.T), call([0.3, 0.6], listed=True)],
    np.copy: [call(A), call(A.T, order="F"), call(ZERO_D), call([0.3, 0.6], listed=True)],
    np.zeros_like: LIKE,
    np.ones_like: LIKE,
    np.empty_like: LIKE,
    np.full_like: [call(A, 0.4), call(A, 2), call(A, V), call(A, 0.4, dtype=np.float32), call(A, 1.5, shape=(2, 2))],
    np.full: [call(3, 0.4), call((2, 3), 0.4), call((2, 3), V), call((), 0.4), call(3, 0.4, np.float32), call(0, 0.4)],
    np.linspace: [
        *(call(0.1, 0.8), call(0.1, 0.8, 5), call(0, 0.8, num=4), call(0.1, 1, 1), call(0.1, 0.8, 4, endpoint=False)),
        *(call(V, 0.8, 3), call(A, B, 3, axis=-1), call(0.1, 0.8, 5, retstep=True), call(0.1, 0.8, 0)),
    ],
    np.arange: [call(0.1, 0.8, 0.2), call(2.5), call(0.1, 3), call(1, Fixed(2.4), 0.4), call(3, Fixed(0.5), -0.7)],
}

# ---------------------------------------------------------------- shape and joins

CALLS |= {
    **each([np.shape, np.ndim], [call(A), call(0.3), call(ZERO_D), call([[0.3, 0.4]], listed=True)]),
    np.size: [call(A), call(A, 1), call(A, axis=-1), call(EMPTY)],
    np.reshape: [
        *(call(A, 6), call(A, (3, 2)), call(A, (-1, 2)), call(A, [3, -1]), call(A, (3, 2), order="F"), call(A.T, -1)),
        *(call(CUBE, (4, -1), order="F"), call(ZERO_D, (1, 1)), call(EMPTY, (3, 0)), call(0.3, 1), call(A, shape=(6,))),
        call([0.3, 0.6], (2, 1), listed=True),
    ],
    np.ravel: [call(A), call(A, order="F"), call(ZERO_D), call(0.3), call([[0.3, 0.6]], listed=True)],
    np.transpose: [call(A), call(CUBE, (2, 0, 1)), call(CUBE, (-1, 0, 1)), call(V), call(CUBE, axes=[1, 0, 2])],
    np.swapaxes: [call(A, 0, 1), call(CUBE, -1, 0), call(CUBE, 1, 1)],
    np.linalg.matrix_transpose: [call(A), call(CUBE)],
    np.matrix_transpose: [call(A), call(CUBE)],
    np.moveaxis: [call(CUBE, 0, -1), call(CUBE, (0, 1), (-1, 0)), call(CUBE, -1, 0)],
    np.expand_dims: [call(A, 0), call(A, -1), call(A, (0, 2)), call(0.3, 0)],
    np.squeeze: [call(A[None]), call(A[:, None], axis=1), call(A[None, :, None], axis=(0, -2)), call(A)],
    np.broadcast_to: [call(V, (2, 3)), call(0.3, (2, 2)), call(A[:, :1], (2, 3)), call(ZERO_D, 4), call(A, (2, 3))],
    np.broadcast_arrays: [call(A, V), call(A, 0.3), call(A[:, :1], V)],
    np.atleast_1d: [call(0.3), call(V), call(0.3, A)],
    np.atleast_2d: [call(0.3), call(V), call(V, CUBE)],
    np.flip: [call(A), call(A, 0), call(A, axis=-1), call(CUBE, (0, 2)), call(V)],
    np.concatenate: [
        *(call([A, B]), call((A, B), axis=1), call([A, B], -1), call([A, B], axis=None), call([V, [1.0, 2.0]])),
        *(
            call([A, INTS]),
            call([A, EMPTY]),
            call([V]),
            call([A, COMPLEX]),
            call([V, V], dtype=np.float32),
            call([[0.3], V]),
        ),
    ],
    np.stack: [
        *(call([A, B]), call((A, B), axis=1), call([A, B], axis=-1), call([0.3, 0.6]), call([V, [1, 2, 3]])),
        call([V, V + 1], dtype=np.float32),
    ],
    np.hstack: [call([A, B]), call([V, 0.3]), call([0.3, 0.6]), call([V, V], dtype=np.float32)],
    np.vstack: [call([A, V]), call([V, V + 0.1]), call([0.3, 0.6])],
    np.column_stack: [call([V, V + 0.1]), call([A, A[:, :1]]), call([A, A[:, 0]])],
}

# ---------------------------------------------------------------- reductions

WHERE = {"where": MASK}
ROWS = {"where": np.array([[True], [False]])}
REDUCE = [call(A), call(A, axis=0), call(A, 1), call(A, axis=-1, keepdims=True), call(CUBE, axis=(0, -1)), call(0.3)]
REDUCE += [call(A, keepdims=True), call(ZERO_D), call(CUBE, axis=(2, 0), keepdims=True), call([0.3, 0.6], listed=True)]
REDUCE += [call(A, axis=np.int64(1)), call(A.T, axis=0), call(A, axis=())]
EXTREMA = [*REDUCE, call(A, where=MASK, initial=0.4), call(A, axis=1, initial=0.6), call(EMPTY, axis=1)]
RUNNING = [call(A), call(A, 0), call(A, axis=-1), call(V), call(EMPTY, axis=0), call(A, axis=1, dtype=np.float32)]
RUNNING += [call([0.3, 0.6], listed=True), call(0.3)]
POSITION = [call(A), call(A, 0), call(A, axis=-1), call(A, axis=1, keepdims=True), call(V), call(A, keepdims=True)]
QUANTIFIED = [call(A), call(A, axis=0), call(A, axis=(0, 1)), call(A, axis=-1, keepdims=True), call(EMPTY, axis=0)]
QUANTIFIED += [call(A > 0.5, axis=1), call(A, prepare=above_half, axis=0), call(A, prepare=above_half, axis=0, **WHERE)]
SPREAD = [*REDUCE, call(A, ddof=1), call(A, axis=1, ddof=1), call(A, axis=0, **WHERE, ddof=Fixed(0.5)), call(COMPLEX)]
SPREAD += [call(A, axis=1, correction=1), call(A, axis=1, mean=np.mean(A, axis=1, keepdims=True)), call(A, **ROWS)]

CALLS |= {
    np.sum: [
        *(
            *REDUCE,
            call(A, axis=0, out=True),
            call(A, **WHERE),
            call(A, initial=0.7),
            call(A, 0, initial=2, **ROWS),
            call(EMPTY),
            call(COMPLEX),
        ),
        *(call(A, dtype=np.float32), call(A.astype(np.float32), dtype=np.float64)),
    ],
    np.mean: [
        *REDUCE,
        call(A, axis=0, out=True),
        call(A, **WHERE),
        call(A, axis=0, **ROWS, keepdims=True),
        call(EMPTY, axis=1),
        call(COMPLEX, 0),
    ],
    np.var: SPREAD,
    np.std: SPREAD,
    **each([np.max, np.amax, np.min, np.amin], EXTREMA),
    np.prod: [
        *REDUCE,
        call(A, **WHERE),
        call(A, initial=0.7),
        call(EMPTY),
        call(np.array([0.4, 0.0, 0.3])),
        call(COMPLEX),
    ],
    np.cumsum: RUNNING,
    np.cumprod: [*RUNNING, call(np.array([0.4, 0.0, 0.3]))],
    np.argmax: POSITION,
    np.argmin: POSITION,
    np.any: QUANTIFIED,
    np.all: QUANTIFIED,
    np.trace: [
        call(SQUARE),
        call(A, 1),
        call(CUBE),
        call(CUBE, offset=-1, axis1=2, axis2=1),
        call(SQUARE, dtype=np.float32),
    ],
    np.diagonal: [call(SQUARE), call(A, 1), call(A, offset=-1), call(CUBE), call(CUBE, 0, 0, 2), call(CUBE, 0, -1, 0)],
}

# ---------------------------------------------------------------- elementwise, products, linear algebra

CALLS |= {
    np.where: [
        *(
            call(MASK, A, B),
            call(MASK, A, 0.0),
            call(MASK, 0.3, B),
            call(MASK[:, :1], A, V),
            call(A),
            call(True, 0.3, A),
        ),
        *(call(MASK, A, INTS), call(MASK, A, COMPLEX), call(MASK, [0.3, 0.6, 0.9], A)),
    ],
    np.nonzero: [call(A), call(V)],
    np.clip: [
        *(
            call(A, 0.3, 0.6),
            call(A, None, 0.5),
            call(A, 0.5, None),
            call(A, V, 0.8),
            call(A, 0, 1),
            call(0.3, 0.4, 0.9),
        ),
        *(call(A, min=0.4), call(A, min=0.2, max=0.5), call(A, Fixed(0.4), Fixed(V + 0.3), out=True)),
    ],
    **each(
        [np.round, np.around], [call(SIGNED), call(SIGNED, 1), call(SIGNED, decimals=-1), call(0.37, 1), call(A, 2)]
    ),
    np.fix: [call(SIGNED), call(1.7)],
    np.real: [call(A), call(COMPLEX), call(0.3), call(0.3 + 0.1j)],
    np.imag: [call(A), call(COMPLEX), call(0.3 + 0.1j)],
    np.angle: [call(A), call(SIGNED), call(COMPLEX), call(COMPLEX, deg=True), call(-0.3), call(0.3 + 0.1j)],
    **each([np.isclose, np.allclose], [call(A, B), call(A, A), call(A, 0.3, rtol=Fixed(0.5)), call(V, V + 1e-9)]),
    np.array_equal: [call(A, B), call(A, A), call(A, V), call(V, [0.41, 0.77, 0.23])],
    np.iscomplexobj: [call(A), call(COMPLEX)],
    np.isscalar: [call(0.3), call(A), call(ZERO_D)],
    np.result_type: [call(A, 2), call(0.3, Fixed(np.zeros(1, np.float32))), call(A, COMPLEX)],
    np.dot: [
        *(call(A, B.T), call(A, V), call(V, V + 0.1), call(V, A.T), call(A, 2.0), call(0.3, A), call(CUBE, CUBE[0].T)),
        *(call(A, CUBE), call(COMPLEX, V), call(V, [1, 2, 3])),
        *(call(CUBE, np.array([1.0, 2.0, 3.0, 4.0])), call([0.3, 0.6, 0.1], V)),
    ],
    np.vdot: [call(V, V + 0.1), call(A, B), call(COMPLEX, A), call(COMPLEX, COMPLEX[::-1]), call(A, COMPLEX)],
    np.inner: [call(V, V + 0.1), call(A, B), call(A, V), call(CUBE, CUBE[0]), call(A, 2.0), call(COMPLEX, B)],
    np.outer: [call(V, V + 0.1), call(A, V), call(V, [1, 2]), call(0.3, V)],
    np.tensordot: [
        *(
            call(A, B),
            call(A, B.T, 1),
            call(V, A, axes=0),
            call(CUBE, A, axes=([0, 1], [0, 1])),
            call(A, B, axes=(1, 1)),
        ),
        *(call(CUBE, CUBE[0], axes=([-1, 1], [1, 0])), call(A, B, axes=[[0], [0]])),
    ],
    np.einsum: [
        *(call("ij,kj->ik", A, B), call("ij,j", A, V), call("ij->", A), call("ij->j", A), call("ii->i", SQUARE)),
        *(call("ii", SQUARE), call("...j,j->...", CUBE[..., :3], V), call("ij,ij,j->i", A, B, V, optimize=True)),
        *(call("i,j", V, V + 0.1), call("ba", A), call("ij , jk -> ik", A, B.T), call("ij,ij->ij", A, 1j * B)),
        *(
            call("...ij->...ji", CUBE),
            call("ij,j->i", Fixed(A), V),
            call("iij->j", CUBE[:, :2]),
            call("ij,jk->ik", A, INTS.T),
        ),
        call("...i,...i", CUBE[0, :, :3], SQUARE),
    ],
    np.linalg.solve: [
        *(call(SQUARE, V), call(SQUARE, A.T), call(SQUARE, Fixed(V)), call(Fixed(SQUARE), V), call(SQUARE, [1, 2, 3])),
        *(
            call(np.stack([SQUARE, DEFINITE]), A.T),
            call(SQUARE + 0.2j * DEFINITE, V),
            call(np.stack([SQUARE] * 2), A[..., None]),
        ),
    ],
    np.linalg.cholesky: [call(DEFINITE), call(np.stack([DEFINITE, DEFINITE + SQUARE])), call(DEFINITE, upper=True)],
    np.linalg.inv: [call(SQUARE), call(np.stack([SQUARE, DEFINITE])), call(SQUARE + 0.2j * DEFINITE)],
    np.linalg.norm: [
        *(
            call(V),
            call(A),
            call(A, "fro"),
            call(A, axis=1),
            call(A, None, -1, True),
            call(CUBE, axis=(0, 2)),
            call(CUBE),
        ),
        *(call(SIGNED, 1), call(SIGNED, np.inf), call(SIGNED, -1), call(SIGNED, -np.inf), call(V, 0), call(COMPLEX)),
        *(call(SIGNED, n, axis=1) for n in (0, 1, 2, 3, 2.5, -1, np.inf, -np.inf)),
        *(call(V, n) for n in (1, 2, 3, Fixed(0.5), np.inf)),
        *(call(CUBE, "fro", axis=(1, 2)), call(A, keepdims=True)),
    ],
}
CALLS[np.linalg.norm] = [
    Call((c.args[0], *[Fixed(a) if type(a) is float else a for a in c.args[1:]]), c.kwargs)
    for c in CALLS[np.linalg.norm]
]

# ---------------------------------------------------------------- math

ONE = [call(0.3), call(0.8)]
CALLS |= {
    **each([math.sin, math.cos, math.tan, math.asin, math.acos, math.atan, math.sinh, math.cosh, math.tanh], ONE),
    **each(
        [math.asinh, math.atanh, math.exp, math.exp2, math.expm1, math.log2, math.log10, math.log1p, math.sqrt], ONE
    ),
    **each([math.cbrt, math.degrees, math.radians, math.isnan, math.isinf, math.isfinite], ONE),
    math.acosh: [call(1.3)],
    math.fabs: [call(0.3), call(-0.8)],
    math.pow: [call(0.3, 0.8), call(0.3, 2), call(2, 0.3), call(-0.3, 3)],
    math.atan2: [call(0.3, 0.8), call(0.3, -1), call(1, 0.4)],
    math.hypot: [call(0.3, 0.4), call(0.3, 0.4, 0.5), call(0.3), call(0.3, 2)],
    math.fsum: [call([0.3, 0.4, 2]), call((0.3, 0.4)), call(V)],
    math.prod: [call([0.3, 0.4, 2]), call([0.3, 0.4], start=3), call(V)],
    math.log: [call(0.3), call(0.3, 2), call(0.3, 0.7), call(2, 0.7)],
    math.fmod: [call(3.3, 0.7), call(-3.3, 0.7), call(3, 0.8)],
    math.dist: [call([0.3, 0.4], [0.5, 0.9]), call(V, [1, 2, 3]), call(V, V + 0.1)],
}

# ---------------------------------------------------------------- scipy

SPECIAL = [c for c in UNARY if "where" not in c.kwargs]  # SciPy 1.17 does not honour `where`

CALLS |= {
    **each([sp.erf, sp.erfc, sp.expit, sp.log_expit], [*SPECIAL, call(SIGNED)]),
    **each([sp.logit, sp.gammaln, sp.psi], SPECIAL),  # sp.digamma is sp.psi
    sp.polygamma: [call(0, A), call(1, A), call(2, 0.8), call(1, [0.3, 0.6], listed=True)],
    sp.xlogy: [call(A, B), call(A, V), call(0.3, A), call(A, 2), call(0, A), call(0.3, 0.8)],
    sp.logsumexp: [
        *(call(A), call(A, axis=0), call(A, -1, keepdims=True), call(CUBE, axis=(0, 2)), call(A, b=B), call(0.3)),
        *(call([0.3, 0.6], listed=True), call(A, axis=1, b=Fixed(V)), call(1000.0 * A)),
    ],
    sp.softmax: [call(A), call(A, axis=0), call(V, -1), call(CUBE, axis=(0, 2))],
    sp.log_softmax: [call(A), call(A, axis=-1), call(V)],
    sl.solve: [call(SQUARE, V), call(SQUARE, A.T), call(DEFINITE, V, assume_a="gen"), call(SQUARE, V, transposed=True)],
    sl.inv: [call(SQUARE), call(SQUARE + 0.2j * DEFINITE)],
    sl.solve_triangular: [
        *(
            call(SQUARE, V),
            call(SQUARE, A.T, lower=True),
            call(SQUARE, V, trans=1),
            call(SQUARE, V, trans="T", lower=True),
        ),
        *(call(SQUARE, V, unit_diagonal=True), call(SQUARE + 0.2j * DEFINITE, V, trans="C"), call(Fixed(SQUARE), V)),
    ],
    sl.cholesky: [call(DEFINITE), call(DEFINITE, lower=True), call(DEFINITE, True)],
    sl.norm: [call(V), call(A), call(SIGNED, 1), call(A, "fro"), call(SIGNED, 1, axis=1), call(V, np.inf)],
}

# ---------------------------------------------------------------- methods of arrays

INDEX = [1, -1, slice(None, None, -2), (0, 1), (slice(None), 2), (..., 0), (None, 1), [1, 0, 1], np.array([0, 0]), MASK]
INDEX += [(0, [2, 0, 2]), ([0, 1], [2, 0]), (slice(None), [True, False, True]), (np.array([[0], [1]]), [0, 2]), (), ...]
WRITES = [(1, 0.5), ((0, 1), 0.5), (slice(None), V), ((slice(None), 1), B[:, 0]), (MASK, 0.3), ([0, 0], B), (..., B)]
WRITES += [((slice(None), [0, 2]), B[:, :2]), (np.array([1, 1, 0]), 0.7), ((1, slice(1, None)), [0.1, 2]), (0, INTS[1])]


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
    "flatten": [call(A), call(A, "F"), call(A.T), call(ZERO_D)],
    "reshape": [
        call(A, 6),
        call(A, 3, 2),
        call(A, (3, -1)),
        call(A, (3, 2), order="F"),
        call(A, -1),
        call(ZERO_D, 1, 1),
    ],
    "conj": [call(A), call(COMPLEX)],
    "conjugate": [call(A), call(COMPLEX)],
    "astype": [
        call(A, float),
        call(A, np.float32),
        call(A, "complex128"),
        call(A, int),
        call(SIGNED, bool),
        call(A, "f4", copy=False),
    ],
    "copy": [call(A), call(A.T), call(A, "F"), call(ZERO_D)],
    "item": [call(np.array([0.3])), call(A, 4), call(A, 1, 2), call(A, (1, 2)), call(ZERO_D)],
    "fill": [call(A, 0.3), call(A, 2)],
    "tolist": [call(A), call(V), call(ZERO_D)],
    "__getitem__": [call(A, index) for index in INDEX],
    "__setitem__": [call(A, index, value) for index, value in WRITES],
    "__neg__": [call(A)],
    "__pos__": [call(A)],
    "__abs__": [call(SIGNED), call(COMPLEX)],
    "__invert__": [call(A, prepare=above_half)],
    "__divmod__": DIVISIONS[:2],
    "__rdivmod__": [call(0.2 + A, 3.0), call(0.2 + A, 2)],
}
METHOD_CALLS["transpose"] += [call(CUBE, 2, 0, 1), call(CUBE, None)]
PROPERTIES = {"T": [A, V, CUBE], "mT": [A, CUBE], "real": [A, COMPLEX], "imag": [A, COMPLEX], "flat": [A]}
OPERATORS = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow"]
