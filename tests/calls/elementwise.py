"""Calls of ufuncs, and of functions that work element by element without being ufuncs."""

import numpy as np

from calls.call import (
    DIVISIONS,
    calls,
    each,
    in_numpy,
)

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
    **each([np.logaddexp, np.logaddexp2, np.maximum, np.minimum, np.fmax, np.fmin], BINARY),
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
CALLS |= {
    np.ldexp: calls(
        "A, 3; A, INTS; 0.3, -2; SIGNED, INTS[0]; EMPTY, 1", "A, INTS, out=True; ZERO_D, 2; [0.3, 0.6], 1, listed=True"
    ),
    np.copysign: calls("SIGNED, A; A, SIGNED; SIGNED, -1.0; 0.3, -0.8; EMPTY, V; SIGNED, A, out=True; A, INTS"),
    np.heaviside: calls("SIGNED, A; SIGNED, 0.5; 0.3, 0.8; EMPTY, V; Fixed(0.0 * A), V"),
    np.frexp: calls("SIGNED; 0.3; ZERO_D; EMPTY; 100.0 * A; [0.3, 0.6], listed=True"),
    np.modf: calls("3.0 * SIGNED; 1.7; ZERO_D; EMPTY; [0.3, 0.6], listed=True"),
    **each([np.left_shift, np.right_shift, np.gcd, np.lcm], calls("INTS, 2; INTS, INTS[0]; 4, INTS")),
    np.bitwise_count: calls("INTS; 5"),
    np.nan_to_num: calls("A; SPECIAL; SPECIAL, nan=0.4; SPECIAL, True, 0.4, 0.7, -0.2; COMPLEX; 0.3"),
    **each([np.isposinf, np.isneginf], calls("SPECIAL; A; SPECIAL, out=True; 0.3")),
    **each([np.isreal, np.iscomplex, np.isrealobj], calls("A; COMPLEX; 0.3; 0.3 + 0.1j; A + 0.0j; INTS")),
    np.real_if_close: calls("A; COMPLEX; Fixed(A + 1e-17j); Fixed(A + 1e-10j), tol=Fixed(1e7)"),
}
CALLS[np.add] = CALLS[np.add] + calls("A, COMPLEX; np.float32(0.3), A")
CALLS[np.multiply] = CALLS[np.multiply] + calls("A, COMPLEX; 2j, A; COMPLEX, COMPLEX[::-1]")
CALLS[np.power] = CALLS[np.power] + calls(
    "SIGNED, 0; SIGNED, 1; SIGNED, 2; SIGNED, 3; SIGNED, -1; SIGNED, Fixed(2.0); 2, SIGNED"
)
CALLS[np.exp] = CALLS[np.exp] + calls("COMPLEX; SIGNED.astype(np.float32), dtype=np.float64")
CALLS[np.sqrt] = CALLS[np.sqrt] + calls("COMPLEX")


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
    np.array_equiv: calls("A, B; A, A; A, V; A, A[:1]; V, [0.41, 0.77, 0.23]"),
    np.array_equal: calls("A, B; A, A; A, V; V, [0.41, 0.77, 0.23]"),
    np.iscomplexobj: calls("A; COMPLEX"),
    np.isscalar: calls("0.3; A; ZERO_D"),
    np.result_type: calls("A, 2; 0.3, Fixed(np.zeros(1, np.float32)); A, COMPLEX"),
}


CALLS |= in_numpy(
    "vecdot", "A, B; A, V; V, V + 0.1; COMPLEX, A; A, COMPLEX; CUBE, CUBE[0]; A, B, axis=0; A[0], A.T, axis=0"
)
CALLS |= in_numpy("matvec", "A, V; CUBE, CUBE[0, 0]; SQUARE, A; COMPLEX, V")
CALLS |= in_numpy("vecmat", "V, SQUARE; A, SQUARE; V, CUBE; COMPLEX, SQUARE")

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
    (np.arctan2, "outer"): calls("V, A"),
    (np.power, "outer"): calls("V, [1, 2]; A, V"),
    (np.add, "reduceat"): calls("V, [0, 1]; A, [1, 0, 1]; A, [0, 2], axis=1; CUBE, [0, 2, 1, 1], axis=1; V, [0, 2]"),
    (np.multiply, "reduceat"): calls("V, [0, 1]; A, [0, 2], axis=1"),
    (np.maximum, "reduceat"): calls("A, [0, 2, 1], axis=-1"),
    (np.logaddexp, "reduceat"): calls("A, [0, 2], axis=1"),
    (np.maximum, "accumulate"): calls("V; A; CUBE, axis=1; A, axis=1, out=True"),
    (np.minimum, "accumulate"): calls("V; A; CUBE, axis=-1"),
    (np.logaddexp, "accumulate"): calls("V; A, axis=1"),
    (np.subtract, "accumulate"): calls("V; A, 1"),
    (np.logaddexp, "reduce"): calls(
        "V; A; A, axis=None; CUBE, axis=(0, 2); A, axis=1, keepdims=True; A, axis=1, where=MASK; A, initial=0.3"
    ),
    (np.subtract, "reduce"): calls("V; A, axis=1"),
    (np.hypot, "reduce"): calls("V; A, axis=1"),
    (np.logical_and, "reduce"): calls("A; A, axis=1"),
    (np.fmax, "reduce"): calls("A; CUBE, axis=(0, 1)"),
}
