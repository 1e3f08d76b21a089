"""Elementwise rows: value and partial derivatives.  Everything else is derived by the modes.

A partial of a complex operand is the derivative f'(z) where f is holomorphic, and df/dx - i df/dy where the result is
real (`abs`, `real`, `imag`): with cotangents paired by Re(ct * t), both fit the same product.
"""

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.mode import Value
from wengert.core.primitive import Primitive as row
from wengert.core.types import dtype_of

# ---------------------------------------------------------------- arithmetic

# Python floats compute as NumPy float64: inf and nan where plain Python raises or turns complex.  Rules divide by `div`
# for the same reason.


def in_order(x: Any, y: Any) -> tuple[Any, Any]:
    """The same operands, a stretched middle axis written out where the last axis is short.

    NumPy calls its loop once per last axis: (1000, 2) - (5, 1, 2) takes 5000 calls for two numbers each, and six times
    longer than repeating the second operand first.
    """
    if x.shape == y.shape or x.ndim < 2 or y.ndim < 2 or not 1 < x.shape[-1] < 16 or x.shape[-1] != y.shape[-1]:
        return x, y
    n, m = x.shape[-2], y.shape[-2]
    if m == 1 and n > 64:
        return x, np.repeat(y, n, axis=-2)
    if n == 1 and m > 64:
        return np.repeat(x, m, axis=-2), y
    return x, y


def ordered(operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The operation on operands that are `in_order`."""

    def evaluate(x: Any, y: Any) -> Any:
        if type(x) is type(y) is np.ndarray:
            x, y = in_order(x, y)
        return operation(x, y)

    evaluate.on_numbers = operation  # type: ignore[attr-defined]
    return evaluate


true_divide = ordered(operator.truediv)


def divide(x: Any, y: Any) -> Any:
    try:
        return true_divide(x, y)
    except ZeroDivisionError:
        if isinstance(x, int) and isinstance(y, int):
            raise  # as Python does: two integers are the user's, never a derivative
        return np.divide(x, y).item()


def floor_divide(x: Any, y: Any) -> Any:
    try:
        return x // y
    except ZeroDivisionError:
        if type(x) is not float and type(y) is not float:
            raise  # as Python does: integers have no infinity
        return float(np.floor_divide(x, y))


def modulo(x: Any, y: Any) -> Any:
    try:
        return x % y
    except ZeroDivisionError:
        if type(x) is not float and type(y) is not float:
            raise  # as Python does: integers have no infinity
        return float(np.remainder(x, y))


def power(x: Any, y: Any) -> Any:
    if type(x) is float:
        try:
            out = x**y
        except (OverflowError, ZeroDivisionError):
            return float(np.power(x, float(y)))
        return float(np.power(x, y)) if type(out) is complex and type(y) is float else out
    # an integer base is never differentiated, but NumPy refuses it with a negative integer exponent
    return float(x) ** y if type(x) is int and type(y) is int and y < 0 else x**y


def power_base_partial(x: Any, y: Any) -> Any:
    """d/dx x**y = y x**(y-1), and 0 where y is 0: 0**0 is 1 in NumPy, so that x**0 is constant."""
    if not isinstance(y, Value) and np.ndim(y) == 0:
        return 0.0 * x if y == 0 else 1.0 if y == 1 else 2.0 * x if y == 2 else y * pow_(x, y - 1)
    return y * pow_(x, where(equal(y, 0), 1.0, y - 1))


def power_exponent_partial(out: Any, x: Any) -> Any:
    """d/dy x**y = x**y log x; log 0 is replaced by log 1, as 0**y is constant for y > 0."""
    return out * log(where(equal(x, 0), 1.0, x))


add = row("add", ordered(operator.add), partials=(1.0, 1.0))
sub = row("sub", ordered(operator.sub), partials=(1.0, -1.0))
mul = row("mul", ordered(operator.mul), partials=(lambda y: y, lambda x: x))
div = row(
    "div", divide, partials=(lambda y: div(1.0, y), lambda out, y: div(-out, y)), singular=True, domain=(0.5, 2.0)
)
pow_ = row("pow", power, partials=(power_base_partial, power_exponent_partial), singular=True, domain=(0.5, 2.0))
# x**n with a constant n = 0, 1, 2, ...: no pole, no logarithm
ipow = row(
    "ipow",
    lambda x, *, n: power(x, n),
    partials=(lambda x, n: 2.0 * x if n == 2 else 1.0 if n == 1 else n * ipow(x, n=n - 1) if n else 0.0 * x,),
    examples=[(((2, 3),), {"n": n}) for n in (0, 1, 2, 3)],
)
mod = row("mod", modulo, partials=(1.0, lambda x, y: -floordiv(x, y)), domain=(1.1, 1.4))
neg = row("neg", operator.neg, partials=(-1.0,))
reciprocal = row("reciprocal", np.reciprocal, partials=(lambda out: -out * out,), singular=True, domain=(0.5, 2.0))
square = row("square", np.square, partials=(lambda x: 2.0 * x,))
fmod = row("fmod", np.fmod, partials=(1.0, lambda x, y: -trunc(div(x, y))), domain=(1.1, 1.4))


def masked_product(d: Any, c: Any) -> Any:
    product = d * c
    if isinstance(product, np.ndarray):
        return product if np.isfinite(product).all() else np.where(np.equal(c, 0), 0, product)
    return product if c != 0 else type(product)(0.0 * c)


def scale_push(d: Any, c: Any, d_dot: Any, c_dot: Any) -> Any:
    """The product rule; a mask's zeros in c are zeros in c_dot as well, and stay so."""
    terms = [scale(a, b) for a, b in ((d_dot, c), (d, c_dot)) if a is not None and b is not None]
    return terms[0] if len(terms) == 1 else terms[0] + terms[1]


# A partial times a cotangent, where a zero that a mask made wins against inf and nan: `where` sends exact zeros into
# the branch that it did not take, and they must stay zeros.  Used by the engine for `singular` rows.
scale = row("scale", masked_product, partials=(lambda c: c, lambda d: d), push=scale_push, singular=True)

# ---------------------------------------------------------------- exponentials and logarithms

exp = row("exp", np.exp, partials=(lambda out: out,))
exp2 = row("exp2", np.exp2, partials=(lambda out: math.log(2.0) * out,))
expm1 = row("expm1", np.expm1, partials=(lambda x: exp(x),))  # out + 1 would cancel for x << 0


def log_slope_evaluate(x: Any) -> Any:
    """1 / x, and nan where x < 0: log has no value there, which a finite slope would hide."""
    slope = divide(1.0, x)
    if isinstance(slope, float | np.floating):
        return slope * math.nan if x < 0 else slope
    if isinstance(slope, np.ndarray) and slope.dtype.kind == "f" and (slope < 0).any():
        return np.where(np.less(x, 0), slope.dtype.type(np.nan), slope)
    return slope


log_slope = row(
    "log_slope", log_slope_evaluate, partials=(lambda out, x: div(-out, x),), singular=True, domain=(0.5, 3.0)
)
log = row("log", np.log, partials=(lambda x: log_slope(x),), singular=True, domain=(0.5, 3.0))
log2 = row("log2", np.log2, partials=(lambda x: log_slope(math.log(2.0) * x),), singular=True, domain=(0.5, 3.0))
log10 = row("log10", np.log10, partials=(lambda x: log_slope(math.log(10.0) * x),), singular=True, domain=(0.5, 3.0))
log1p = row("log1p", np.log1p, partials=(lambda x: log_slope(1.0 + x),), singular=True, domain=(-0.5, 3.0))
sqrt = row("sqrt", np.sqrt, partials=(lambda out: div(0.5, out),), singular=True, domain=(0.5, 3.0))
cbrt = row("cbrt", np.cbrt, partials=(lambda out: div(1.0 / 3.0, out * out),), singular=True, domain=(0.5, 3.0))


def logaddexp_partial(x: Any, out: Any) -> Any:
    """exp(x - out); where both operands are -inf, log 0 + log 0, nothing flows: 0 (and not nan)."""
    return exp(x - where(equal(out, -np.inf), 0.0, out))


logaddexp = row(
    "logaddexp", np.logaddexp, partials=(logaddexp_partial, lambda y, out: logaddexp_partial(y, out)), singular=True
)

logaddexp2 = row(
    "logaddexp2",
    np.logaddexp2,
    partials=(lambda x, out: logaddexp2_partial(x, out), lambda y, out: logaddexp2_partial(y, out)),
    singular=True,
)


def logaddexp2_partial(x: Any, out: Any) -> Any:
    return exp2(x - where(equal(out, -np.inf), 0.0, out))


# linear in x, so that 0 has the slope 2**i as well, and no power of two overflows by itself
ldexp = row(
    "ldexp",
    lambda x, i: np.ldexp(x, i),
    transposes=(lambda ct, i: ldexp(ct, i), None),
    elementwise=True,
    examples=[(((2, 3), np.array([1, -2, 0])), {}), (((), np.array([3, 5])), {})],
)
# np.modf(x)[0]; x - trunc(x) would be nan at infinity
fraction = row("fraction", lambda x: np.modf(x)[0], partials=(1.0,))

# ---------------------------------------------------------------- trigonometric and hyperbolic

sin = row("sin", np.sin, partials=(lambda x: cos(x),))
cos = row("cos", np.cos, partials=(lambda x: -sin(x),))
tan = row("tan", np.tan, partials=(lambda out: 1.0 + out * out,), domain=(-1.2, 1.2))
arcsin = row("arcsin", np.arcsin, partials=(lambda x: div(1.0, sqrt(1.0 - x * x)),), singular=True, domain=(-0.9, 0.9))
arccos = row("arccos", np.arccos, partials=(lambda x: div(-1.0, sqrt(1.0 - x * x)),), singular=True, domain=(-0.9, 0.9))
arctan = row("arctan", np.arctan, partials=(lambda x: 1.0 / (1.0 + x * x),))
sinh = row("sinh", np.sinh, partials=(lambda x: cosh(x),))
cosh = row("cosh", np.cosh, partials=(lambda x: sinh(x),))
tanh = row("tanh", np.tanh, partials=(lambda x: sech2(x),))  # 1 - out**2 cancels in the tails


def arcsinh_partial(x: Any) -> Any:
    """1 / sqrt(1 + x**2); hypot does not overflow."""
    return div(1.0, sqrt(1.0 + x * x) if dtype_of(x).kind == "c" else hypot(1.0, x))


arcsinh = row("arcsinh", np.arcsinh, partials=(lambda x: arcsinh_partial(x),))
# two roots: the root of the product would overflow, and be on the wrong branch for a complex x left of the axis
arccosh = row(
    "arccosh",
    np.arccosh,
    partials=(lambda x: div(1.0, sqrt(x - 1.0) * sqrt(x + 1.0)),),
    singular=True,
    domain=(1.5, 3.0),
)
arctanh = row("arctanh", np.arctanh, partials=(lambda x: log_slope(1.0 - x * x),), singular=True, domain=(-0.9, 0.9))


def sech2_evaluate(x: Any) -> Any:
    """1 / cosh(x)**2 without the overflow of cosh."""
    e = np.exp(-2.0 * (x if np.iscomplexobj(x) else np.abs(x)))
    return 4.0 * e / np.square(1.0 + e)


sech2 = row("sech2", sech2_evaluate, partials=(lambda out, x: -2.0 * out * tanh(x),))


def over_squared_radius(side: Any, x: Any, y: Any) -> Any:
    """side / (x**2 + y**2), where the squares would overflow or vanish, too."""
    radius = hypot(x, y)
    return div(div(side, radius), radius)


# 0/0 at the origin: nan, where the function is not even continuous
arctan2 = row(
    "arctan2",
    np.arctan2,
    partials=(lambda x, y: over_squared_radius(y, x, y), lambda x, y: over_squared_radius(-x, x, y)),
    singular=True,
    domain=(0.5, 2.0),
)


def nonzero(x: Any) -> Any:
    """x, and 1 where x is 0: a safe divisor for a numerator that is 0 there as well."""
    return where(equal(x, 0), 1.0, x)


# at (0, 0): the subgradient of least norm, 0
hypot = row(
    "hypot", np.hypot, partials=(lambda x, out: x / nonzero(out), lambda y, out: y / nonzero(out)), domain=(0.5, 2.0)
)

# ---------------------------------------------------------------- kinks: the conventions of docs/conventions.md


def winner_evaluate(x: Any, y: Any) -> Any:
    """1 where x > y, 1/2 at a tie, 0 elsewhere; nan where x or y is."""
    tie = np.where(np.equal(x, y), 0.5, np.nan)
    share = np.where(np.greater(x, y), 1.0, np.where(np.less(x, y), 0.0, tie))
    return share.astype(np.result_type(x, y))[()]


winner = row("winner", winner_evaluate, elementwise=True)
maximum = row("maximum", np.maximum, partials=(lambda x, y: winner(x, y), lambda x, y: winner(y, x)))
minimum = row("minimum", np.minimum, partials=(lambda x, y: winner(y, x), lambda x, y: winner(x, y)))
fmax = row("fmax", np.fmax, partials=(lambda x, y: number_wins(x, y, x, y), lambda x, y: number_wins(y, x, y, x)))
fmin = row("fmin", np.fmin, partials=(lambda x, y: number_wins(x, y, y, x), lambda x, y: number_wins(y, x, x, y)))


def number_wins(mine: Any, other: Any, larger: Any, smaller: Any) -> Any:
    """The share of `mine` where nan counts as absent."""
    return where(isnan(other), 1.0, where(isnan(mine), 0.0, winner(larger, smaller)))


def abs_partial(out: Any, x: Any) -> Any:
    """sign(x) for a real, conj(z) / |z| for a complex operand; 0 at 0, the subgradient of least norm."""
    return conj(x) / nonzero(out) if x.dtype.kind == "c" else sign(x)


# at 0 as `abs`: 0
copysign = row("copysign", np.copysign, partials=(lambda x, y: sign(x) * copysign(1.0, y), None))
# a step in x; the value at the step is y
heaviside = row("heaviside", np.heaviside, partials=(None, lambda x: where(equal(x, 0), 1.0, 0.0)))

abs_ = row("abs", np.abs, partials=(lambda out, x: abs_partial(out, x if hasattr(x, "dtype") else np.asarray(x)),))

# ---------------------------------------------------------------- complex

COMPLEX = [((np.array([[1.0 + 2.0j, -0.5j], [0.3 - 0.7j, 2.0 + 0.0j]]),), {})]  # names.py spares real operands these

real = row("real", np.real, partials=(1.0,), view=True, lift=lambda: {}, examples=COMPLEX)
imag = row("imag", np.imag, partials=(-1.0j,), examples=COMPLEX)
conj = row("conj", np.conj, transposes=(lambda ct: conj(ct),), elementwise=True, examples=[(((2, 3),), {})])
angle = row("angle", np.angle, partials=(lambda x: div(-1.0j, x),), singular=True, examples=COMPLEX)

# ---------------------------------------------------------------- selection


def where_evaluate(condition: Any, x: Any, y: Any) -> Any:
    return np.where(condition, x, y)[()]


# linear in x and y; a selection, not a product with 0 and 1, so that the other branch's nan is dropped
where = row(
    "where",
    where_evaluate,
    transposes=(None, lambda ct, condition: where(condition, ct, 0.0), lambda ct, condition: where(condition, 0.0, ct)),
    elementwise=True,
    examples=[((np.array([True, False, True]), (2, 3), (3,)), {}), ((np.array([[True], [False]]), (), (3,)), {})],
)


def known(slope: Any, out: Any) -> Any:
    """The slope, and nan where the function has no value, which a finite slope would hide."""
    return where(isnan(out), np.nan, slope)


# ---------------------------------------------------------------- steps and truth values: derivative zero

step = functools.partial(row, elementwise=True)

stop_gradient = step("stop_gradient", lambda x: x)  # cuts on purpose
truncate = step("truncate", lambda x, *, dtype: np.asarray(x).astype(dtype)[()])  # to integers or truth values
isclose = step(
    "isclose", lambda x, y, *, rtol, atol, equal_nan: np.isclose(x, y, rtol=rtol, atol=atol, equal_nan=equal_nan)
)
sign = step("sign", np.sign)
floor = step("floor", np.floor)
ceil = step("ceil", np.ceil)
trunc = step("trunc", np.trunc)
rint = step("rint", np.rint)
floordiv = step("floordiv", floor_divide)
equal = step("equal", np.equal)
not_equal = step("not_equal", np.not_equal)
less = step("less", np.less)
less_equal = step("less_equal", np.less_equal)
greater = step("greater", np.greater)
greater_equal = step("greater_equal", np.greater_equal)
logical_and = step("logical_and", np.logical_and)
logical_or = step("logical_or", np.logical_or)
logical_xor = step("logical_xor", np.logical_xor)
logical_not = step("logical_not", np.logical_not)
bitwise_and = step("bitwise_and", np.bitwise_and)
bitwise_or = step("bitwise_or", np.bitwise_or)
bitwise_xor = step("bitwise_xor", np.bitwise_xor)
invert = step("invert", np.invert)
left_shift = step("left_shift", np.left_shift)
right_shift = step("right_shift", np.right_shift)
bitwise_count = step("bitwise_count", np.bitwise_count)
gcd = step("gcd", np.gcd)
lcm = step("lcm", np.lcm)
exponent = step("exponent", lambda x: np.frexp(x)[1])
isnan = step("isnan", np.isnan)
isinf = step("isinf", np.isinf)
isfinite = step("isfinite", np.isfinite)
signbit = step("signbit", np.signbit)
