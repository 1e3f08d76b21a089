"""Ufuncs, and functions that work element by element without being ufuncs."""

from typing import Any

import numpy as np

from wengert.core.mode import is_array, is_open, read_only
from wengert.core.types import agree, dtype_of, shape_of
from wengert.rules import contract, elementwise, indexing, linear, reduce
from wengert.rules.elementwise import where as select
from wengert.rules.names.constructors import zeros_like
from wengert.rules.names.foreign import buffered
from wengert.rules.names.operands import (
    arrayed,
    convert_to,
    fills_out,
    in_double,
    no_keywords,
    plain_numbers,
    representative,
    truth,
    write_out,
)
from wengert.rules.names.table import NAMES, name

# ---------------------------------------------------------------- ufuncs


NAMES.update(
    {
        np.add: elementwise.add,
        np.subtract: elementwise.sub,
        np.multiply: elementwise.mul,
        np.divide: elementwise.div,
        np.floor_divide: elementwise.floordiv,
        np.remainder: elementwise.mod,
        np.fmod: elementwise.fmod,
        np.power: elementwise.pow_,
        np.float_power: lambda x, y: elementwise.pow_(in_double(x), in_double(y)),
        np.frexp: lambda x: (elementwise.ldexp(x, -elementwise.exponent(x)), elementwise.exponent(x)),
        np.modf: lambda x: (elementwise.fraction(x), elementwise.trunc(x)),
        np.negative: elementwise.neg,
        np.positive: lambda x: x + 0.0,
        np.absolute: elementwise.abs_,
        np.fabs: elementwise.abs_,
        np.conjugate: elementwise.conj,
        np.degrees: lambda x: x * (180.0 / np.pi),
        np.rad2deg: lambda x: x * (180.0 / np.pi),
        np.radians: lambda x: x * (np.pi / 180.0),
        np.deg2rad: lambda x: x * (np.pi / 180.0),
        np.matmul: contract.matmul,
        np.divmod: lambda x, y: (x // y, x % y),
        np.sign: elementwise.sign,
        np.bitwise_and: elementwise.bitwise_and,
        np.bitwise_or: elementwise.bitwise_or,
        np.bitwise_xor: elementwise.bitwise_xor,
        np.invert: elementwise.invert,
    }
)
for ufunc in (
    *(np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.sqrt, np.cbrt, np.square, np.reciprocal),
    *(np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan, np.arctan2, np.sinh, np.cosh, np.tanh),
    *(np.arcsinh, np.arccosh, np.arctanh, np.hypot, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp),
    *(np.logaddexp2, np.isnan, np.isinf, np.isfinite, np.signbit),
    *(np.floor, np.ceil, np.trunc, np.rint, np.equal, np.not_equal, np.less, np.less_equal, np.greater),
    *(np.greater_equal, np.logical_and, np.logical_or, np.logical_xor, np.logical_not),
    *(np.ldexp, np.copysign, np.heaviside, np.left_shift, np.right_shift, np.bitwise_count, np.gcd, np.lcm),
):
    NAMES[ufunc] = getattr(elementwise, ufunc.__name__)  # rows that carry NumPy's own name

# ---------------------------------------------------------------- functions that are not ufuncs


@name(np.where)
def where(condition: Any, *choices: Any) -> Any:
    if not choices:
        return nonzero(condition)
    return select(arrayed(condition), *[arrayed(c) for c in choices])


@name(np.nonzero)
def nonzero(a: Any) -> Any:
    if is_open(a):
        return indexing.positions(a if dtype_of(a).kind == "b" else elementwise.not_equal(a, 0))
    return buffered(np.nonzero(plain_numbers(a)))


@name(np.clip)
@fills_out
def clip(
    a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, *, min: Any = None, max: Any = None, **options: Any
) -> Any:
    """minimum(maximum(a, low), high), and its rule at ties."""
    no_keywords("numpy.clip", **options)
    low = min if a_min is None or a_min is np._NoValue else a_min
    high = max if a_max is None or a_max is np._NoValue else a_max
    clipped = arrayed(a)
    clipped = clipped if low is None or low is np._NoValue else elementwise.maximum(clipped, low)
    clipped = clipped if high is None or high is np._NoValue else elementwise.minimum(clipped, high)
    return clipped


@name(np.round, np.around)
@fills_out
def round_(a: Any, decimals: int = 0, out: Any = None) -> Any:
    if decimals < 0:
        factor = 10.0**-decimals
        return elementwise.rint(a / factor) * factor
    factor = 10.0**decimals
    return elementwise.rint(a * factor) / factor if decimals else elementwise.rint(a)


@name(np.fix)
@fills_out
def fix(x: Any, out: Any = None) -> Any:
    return elementwise.trunc(x)


@name(np.real)
def real(val: Any) -> Any:
    return elementwise.real(val) if dtype_of(val).kind == "c" else val


@name(np.imag)
def imag(val: Any) -> Any:
    # NumPy's is a view that can be written; here it is refused, write `z.imag = ...` instead
    return read_only(val, (elementwise.imag, {})) if dtype_of(val).kind == "c" else zeros_like(val)


@name(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    turn = elementwise.angle(z) if dtype_of(z).kind == "c" else elementwise.arctan2(0.0, z)
    return turn * (180.0 / np.pi) if deg else turn


@name(np.nan_to_num)
def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    source = arrayed(x)
    if dtype_of(source).kind == "c":
        parts = (elementwise.real(source), elementwise.imag(source))
        real_part, imaginary_part = [finite(part, nan, posinf, neginf) for part in parts]
        filled = real_part + 1j * imaginary_part
    else:
        filled = finite(source, nan, posinf, neginf)
    return filled if copy else write_out(x, filled, True)


def finite(x: Any, nan: Any, posinf: Any, neginf: Any) -> Any:
    if dtype_of(x).kind not in "fc":
        return linear.duplicate(x)
    largest = np.finfo(dtype_of(x))
    filled = select(elementwise.equal(x, np.inf), largest.max if posinf is None else posinf, x)
    filled = select(elementwise.equal(x, -np.inf), largest.min if neginf is None else neginf, filled)
    return convert_to(select(elementwise.isnan(x), nan, filled), dtype_of(x))


@name(np.isposinf)
@fills_out
def isposinf(x: Any, out: Any = None) -> Any:
    return elementwise.equal(x, np.inf)


@name(np.isneginf)
@fills_out
def isneginf(x: Any, out: Any = None) -> Any:
    return elementwise.equal(x, -np.inf)


@name(np.isreal)
def isreal(x: Any) -> Any:
    return elementwise.equal(imag(x), 0)


@name(np.iscomplex)
def iscomplex(x: Any) -> Any:
    return elementwise.not_equal(imag(x), 0)


@name(np.isrealobj)
def isrealobj(x: Any) -> bool:
    return dtype_of(x).kind != "c"


@name(np.real_if_close)
def real_if_close(a: Any, tol: float = 100) -> Any:
    a = arrayed(a)
    kept = np.iscomplexobj(np.real_if_close(plain_numbers(a), tol))
    return a if kept else real(a)


@name(np.isclose)
def isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    rtol, atol = plain_numbers(rtol), plain_numbers(atol)
    return elementwise.isclose(arrayed(a), arrayed(b), rtol=rtol, atol=atol, equal_nan=equal_nan)


@name(np.allclose)
def allclose(a: Any, b: Any, *args: Any, **kwargs: Any) -> Any:
    return holds_everywhere(isclose(a, b, *args, **kwargs))


@name(np.array_equal)
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    a1, a2 = arrayed(a1), arrayed(a2)
    if not agree(shape_of(a1), shape_of(a2)):
        return False
    same = elementwise.equal(a1, a2)
    if equal_nan and dtype_of(a1).kind in "fc" and dtype_of(a2).kind in "fc":
        same = elementwise.logical_or(same, elementwise.logical_and(elementwise.isnan(a1), elementwise.isnan(a2)))
    return holds_everywhere(same)


@name(np.array_equiv)
def array_equiv(a1: Any, a2: Any) -> Any:
    a1, a2 = arrayed(a1), arrayed(a2)
    try:
        np.broadcast_shapes(shape_of(a1), shape_of(a2))
    except ValueError:
        return False
    return holds_everywhere(elementwise.equal(a1, a2))


def holds_everywhere(x: Any) -> Any:
    return truth(reduce.reduce_all(x, axes=tuple(range(len(shape_of(x))))) if shape_of(x) else x)


@name(np.iscomplexobj)
def iscomplexobj(x: Any) -> bool:
    return dtype_of(x).kind == "c"


@name(np.isscalar)
def isscalar(element: Any) -> bool:
    return not is_array(element)


@name(np.result_type)
def result_type(*arguments: Any) -> np.dtype:
    return np.result_type(*[representative(a) for a in arguments])
