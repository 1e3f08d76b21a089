"""Elementwise rows for one element: the table from a row to instructions.

A rule takes the function that is written, numbers of one dtype, the dtype of the result, and the row's parameters.
What numbers are converted to before is said where the rule is listed.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from wengert.backends.llvm.loops import loop_of, loop_on_numbers
from wengert.backends.llvm.text import BOOL, FLOAT, INT, Function, Number, constant, known, llvm_type, part_dtype, word
from wengert.ir.program import Type, numeric

Rule = Callable[..., Number]
SINGLE = np.dtype(np.float32)
CONSTANT = {"true": "false", "false": "true"}  # and what each is not

# ---------------------------------------------------------------- conversions


def cast(k: Function, x: Number, dtype: np.dtype[Any]) -> Number:
    """As NumPy's astype, where that is defined."""
    have = x.dtype
    if have == dtype:
        return x
    n = known(x) if have.kind in "iu" else {"true": 1, "false": 0}.get(x.text)
    if n is not None:
        return constant(n, dtype)
    if dtype.kind == "c":
        real, imag = k.real_and_imag(x) if have.kind == "c" else (x, constant(0, part_dtype(dtype)))
        return k.pair(*(cast(k, part, part_dtype(dtype)) for part in (real, imag)))
    if have.kind == "c" and dtype.kind != "b":
        return cast(k, k.real_and_imag(x)[0], dtype)
    if dtype.kind == "b":
        if have.kind in "fc":
            return compared(k, "une", x, constant(0, have))
        return Number(k.value(f"icmp ne {llvm_type(have)} {x.text}, 0"), BOOL)
    if have.kind == "f" and dtype.kind in "iu":
        return whole(k, x, dtype)
    if have.itemsize == 8 and dtype == np.float16:
        x = odd_single(k, x) if have.kind == "f" else cast(k, x, FLOAT)
        return cast(k, x, dtype)
    return Number(k.value(f"{conversion(have, dtype)} {llvm_type(have)} {x.text} to {llvm_type(dtype)}"), dtype)


def odd_single(k: Function, x: Number) -> Number:
    """In single precision, with the last digit set where that is not exact: so it may be rounded again, to half
    precision (Boldo and Melquiond 2008, Emulation of FMA and correctly rounded sums, section 2).
    """
    near = cast(k, x, SINGLE)
    back, bits = cast(k, near, FLOAT), Number(k.value(f"bitcast float {near.text} to i32"), np.dtype(np.int32))
    beyond = compared(k, "ogt", called(k, "llvm.fabs", back), called(k, "llvm.fabs", x))
    odd = operation(k, "or", operation(k, "sub", bits, cast(k, beyond, bits.dtype)), constant(1, bits.dtype))
    bits = chosen(k, compared(k, "une", back, x), odd, bits)
    return Number(k.value(f"bitcast i32 {bits.text} to float"), SINGLE)


def whole(k: Function, x: Number, dtype: np.dtype[Any]) -> Number:
    """Towards zero.  Beyond the range, and for nan, what NumPy gives on x86: the least integer of 32 or 64 bits, of
    which smaller types keep the low bits; NumPy's own loops differ there for unsigned integers of 32 bits."""
    if dtype == np.uint64:
        half = constant(2.0**63, x.dtype)
        low, high = whole(k, x, INT), whole(k, operation(k, "fsub", x, half), INT)
        high = operation(k, "xor", high, constant(-(2**63), INT))
        return Number(chosen(k, compared(k, "oge", x, half), high, low).text, dtype)
    wide = INT if dtype.itemsize == 8 or dtype == np.uint32 else np.dtype(np.int32)
    if dtype != wide:
        return cast(k, whole(k, x, wide), dtype)
    least = np.iinfo(wide).min
    found = Number(k.value(f"fptosi {llvm_type(x.dtype)} {x.text} to {llvm_type(wide)}"), wide)
    above = compared(k, "ogt" if x.dtype.itemsize > wide.itemsize else "oge", x, constant(*below(x.dtype, least)))
    inside = operation(k, "and", above, compared(k, "olt", x, constant(-float(least), x.dtype)))
    return chosen(k, inside, found, constant(least, wide))


def below(dtype: np.dtype[Any], least: int) -> tuple[float, np.dtype[Any]]:
    """Where numbers begin that are at least `least` without their fraction."""
    return (least - 1.0 if dtype.itemsize == 8 and least == -(2**31) else float(least)), dtype


def conversion(have: np.dtype[Any], dtype: np.dtype[Any]) -> str:
    """The instruction."""
    if have.kind == dtype.kind == "f":
        return "fpext" if dtype.itemsize > have.itemsize else "fptrunc"
    if dtype.kind == "f":
        return "sitofp" if have.kind == "i" else "uitofp"
    if have.kind != "b" and dtype.itemsize == have.itemsize:
        return "bitcast"
    if have.kind != "b" and dtype.itemsize < have.itemsize:
        return "trunc"
    return "sext" if have.kind == "i" else "zext"


def common(types: Sequence[Type]) -> np.dtype[Any]:
    """What NumPy compares operands as; Python numbers take the dtype of what they meet."""
    strong = [t.dtype for t in types if t.form != "weak"]
    weak = [t.dtype.type(0).item() for t in types if t.form == "weak"]
    return np.result_type(*strong, *weak) if strong else np.result_type(*[t.dtype for t in types])


# ---------------------------------------------------------------- instructions


def operation(k: Function, instruction: str, x: Number, y: Number) -> Number:
    if x.dtype.kind == "c":
        return OF_COMPLEX[instruction.split()[0]](k, instruction, x, y)
    return Number(k.value(f"{instruction} {llvm_type(x.dtype)} {x.text}, {y.text}"), x.dtype)


def compared(k: Function, how: str, x: Number, y: Number) -> Number:
    if x.dtype.kind == "c":
        return compared_pairs(k, how, k.real_and_imag(x), k.real_and_imag(y))
    if x.dtype == INT:
        return Number(k.compare(how, word(x), word(y)), BOOL)
    kind = "fcmp" if x.dtype.kind == "f" else "icmp"
    return Number(k.value(f"{kind} {how} {llvm_type(x.dtype)} {x.text}, {y.text}"), BOOL)


def chosen(k: Function, condition: Number, x: Number, y: Number) -> Number:
    if x.dtype.kind == "c":
        return by_parts(k, lambda x, y: chosen(k, condition, x, y), x, y)
    if condition.text in CONSTANT:
        return x if condition.text == "true" else y
    return Number(
        k.value(f"select i1 {condition.text}, {llvm_type(x.dtype)} {x.text}, {llvm_type(y.dtype)} {y.text}"), x.dtype
    )


def called(k: Function, name: str, *xs: Number) -> Number:
    """A function of the C library, or of LLVM, on numbers of one dtype."""
    type = llvm_type(xs[0].dtype)
    if name.startswith("llvm."):
        name = f"{name}.f{8 * xs[0].dtype.itemsize}"
    elif xs[0].dtype.itemsize == 4:
        name += "f"
    function = k.module.declare(name, type, ", ".join([type] * len(xs)))
    return Number(k.value(f"call {type} {function}({', '.join(f'{type} {x.text}' for x in xs)})"), xs[0].dtype)


# ---------------------------------------------------------------- instructions on complex numbers


def by_parts(k: Function, f: Callable[[Number, Number], Number], x: Number, y: Number) -> Number:
    """f of the real parts, and of the imaginary parts."""
    return k.pair(*(f(a, b) for a, b in zip(k.real_and_imag(x), k.real_and_imag(y))))


def complex_sum(k: Function, instruction: str, x: Number, y: Number) -> Number:
    return by_parts(k, lambda a, b: operation(k, instruction, a, b), x, y)


def complex_product(k: Function, instruction: str, x: Number, y: Number) -> Number:
    (a, b), (c, d) = k.real_and_imag(x), k.real_and_imag(y)
    times = partial(operation, k, instruction)
    return k.pair(
        operation(k, "fsub", times(a, c), times(b, d)),
        operation(k, "fadd", times(a, d), times(b, c)),
    )


def complex_quotient(k: Function, instruction: str, x: Number, y: Number) -> Number:
    """As NumPy has it: Smith (1962), Algorithm 116: Complex division; by zero, each part by zero."""
    (a, b), (c, d) = k.real_and_imag(x), k.real_and_imag(y)
    plus, minus, times, over = (partial(operation, k, i) for i in ("fadd", "fsub", "fmul", "fdiv"))
    size, other = called(k, "llvm.fabs", c), called(k, "llvm.fabs", d)
    is_flat = compared(k, "oge", size, other)
    either = partial(chosen, k, is_flat)
    ratio = over(either(d, c), either(c, d))
    divisor = plus(either(c, d), times(either(d, c), ratio))
    real = plus(either(a, b), times(either(b, a), ratio))
    imag = minus(either(b, times(b, ratio)), either(times(a, ratio), a))
    is_zero = compared(k, "oeq", plus(size, other), constant(0.0, c.dtype))
    by_zero = partial(chosen, k, is_zero)
    scale = over(constant(1.0, c.dtype), by_zero(size, divisor))
    return k.pair(times(by_zero(a, real), scale), times(by_zero(b, imag), scale))


OF_COMPLEX: dict[str, Callable[[Function, str, Number, Number], Number]] = {
    "fadd": complex_sum,
    "fsub": complex_sum,
    "fmul": complex_product,
    "fdiv": complex_quotient,
}


def compared_pairs(k: Function, how: str, x: tuple[Number, Number], y: tuple[Number, Number]) -> Number:
    """Equal where both parts are; in order by the real parts, and where these are equal, by the imaginary ones."""
    (a, b), (c, d) = x, y
    first, second = compared(k, how, a, c), compared(k, how, b, d)
    if how in ("oeq", "ord"):
        return operation(k, "and", first, second)
    if how in ("une", "uno"):
        return operation(k, "or", first, second)
    beyond = operation(k, "and", compared(k, f"o{how[1]}t", a, c), compared(k, "ord", b, d))
    return operation(k, "or", beyond, operation(k, "and", compared(k, "oeq", a, c), second))


# ---------------------------------------------------------------- arithmetic


def added(k: Function, x: Number, y: Number) -> Number:
    return operation(k, {"b": "or", "f": "fadd", "c": "fadd"}.get(x.dtype.kind, "add"), x, y)


def multiplied(k: Function, x: Number, y: Number) -> Number:
    return operation(k, {"b": "and", "f": "fmul", "c": "fmul"}.get(x.dtype.kind, "mul"), x, y)


class Arithmetic:
    """Instructions by kind of dtype; `checked`: of Python's integers, which do not wrap around."""

    def __init__(self, real: str, whole: str, checked: str = "", truth: str = "") -> None:
        self.real, self.whole, self.checked, self.truth = real, whole, checked, truth

    def __call__(self, k: Function, xs: Sequence[Number], out: Type, exact: bool = False) -> Number:
        x, y = xs
        if out.dtype.kind in "fc":
            return operation(k, self.real, x, y)
        if out.dtype.kind == "b":
            return operation(k, self.truth, x, y)
        a, b = known(x), known(y)
        if out.dtype == INT:
            function = {"add": k.plus, "sub": k.minus, "mul": k.times}[self.whole]
            if exact or (a is not None and b is not None):
                return Number(str(function(x.text if a is None else a, y.text if b is None else b)), INT)
            if out.form == "weak":
                return self.without_overflow(k, x, y)
        return operation(k, self.whole, x, y)

    def without_overflow(self, k: Function, x: Number, y: Number) -> Number:
        name = f"llvm.{self.checked}.with.overflow.i64"
        function = k.module.declare(name, "{ i64, i1 }", "i64, i64")
        pair = k.value(f"call {{ i64, i1 }} {function}(i64 {x.text}, i64 {y.text})")
        over = k.value(f"extractvalue {{ i64, i1 }} {pair}, 1")
        k.require(k.value(f"xor i1 {over}, true"))
        return Number(k.value(f"extractvalue {{ i64, i1 }} {pair}, 0"), INT)


def quotient(k: Function, xs: Sequence[Number], types: Sequence[Type], out: Type) -> Number:
    x, y = xs
    if all(t.form == "weak" and t.dtype.kind in "ib" for t in types):  # Python raises for whole numbers only
        k.require(compared(k, "ne", y, constant(0, y.dtype)).text)
    return operation(k, "fdiv", cast(k, x, out.dtype), cast(k, y, out.dtype))


def negative(k: Function, xs: Sequence[Number], out: Type) -> Number:
    (x,) = xs
    if x.dtype.kind == "c":
        return k.pair(*(negative(k, [part], out) for part in k.real_and_imag(x)))
    if x.dtype.kind == "f":
        return Number(k.value(f"fneg {llvm_type(x.dtype)} {x.text}"), x.dtype)
    return SUB(k, [constant(0, x.dtype), x], out)


def nonzero_divisor(k: Function, y: Number, out: Type) -> Number:
    """Python raises where NumPy gives 0: the divisor there is 1, and the result cleared by `cleared`."""
    zero = compared(k, "eq", y, constant(0, y.dtype))
    if out.form == "weak":
        k.require(k.value(f"xor i1 {zero.text}, true"))
        return y
    return chosen(k, zero, constant(1, y.dtype), y)


def cleared(k: Function, found: Number, y: Number, out: Type) -> Number:
    if out.form == "weak":
        return found
    return chosen(k, compared(k, "eq", y, constant(0, y.dtype)), constant(0, y.dtype), found)


def remainder(k: Function, xs: Sequence[Number], out: Type) -> Number:
    """With the sign of the divisor, as Python has it."""
    x, y = xs
    zero = constant(0, x.dtype)
    if x.dtype.kind == "f":
        left = operation(k, "frem", x, y)
        k.module.declare("fmod", "double", "double, double")
        other_side = opposite(k, left, y, compared(k, "olt", left, zero), compared(k, "olt", y, zero))
        moved = chosen(k, other_side, operation(k, "fadd", left, y), left)
        is_zero = compared(k, "oeq", moved, zero)
        return chosen(k, is_zero, called(k, "llvm.copysign", zero, y), moved)
    divisor = nonzero_divisor(k, y, out)
    if x.dtype.kind == "u":
        return cleared(k, operation(k, "urem", x, divisor), y, out)
    if (n := known(y)) is not None and n > 0 and n & (n - 1) == 0:
        return operation(k, "and", x, constant(n - 1, x.dtype))
    divisor = chosen(k, compared(k, "eq", divisor, constant(-1, x.dtype)), constant(1, x.dtype), divisor)  # see below
    left = operation(k, "srem", x, divisor)
    other_side = opposite(k, left, y, compared(k, "slt", left, zero), compared(k, "slt", y, zero))
    return cleared(k, chosen(k, other_side, operation(k, "add", left, y), left), y, out)


def opposite(k: Function, left: Number, y: Number, first: Number, second: Number) -> Number:
    """Whether a remainder is not zero, and of the other sign than the divisor."""
    differ = operation(k, "xor", first, second)
    return operation(k, "and", differ, compared(k, "une" if y.dtype.kind == "f" else "ne", left, constant(0, y.dtype)))


def floor_quotient(k: Function, xs: Sequence[Number], out: Type) -> Number:
    x, y = xs
    zero = constant(0, x.dtype)
    if x.dtype.kind == "f":
        return float_floor_quotient(k, x, y)
    divisor = nonzero_divisor(k, y, out)
    if x.dtype.kind == "u":
        return cleared(k, operation(k, "udiv", x, divisor), y, out)
    divisor = no_overflow(k, x, divisor, out)
    found, left = operation(k, "sdiv", x, divisor), operation(k, "srem", x, divisor)
    other_side = opposite(k, left, y, compared(k, "slt", left, zero), compared(k, "slt", y, zero))
    return cleared(k, operation(k, "sub", found, cast(k, other_side, x.dtype)), y, out)


def no_overflow(k: Function, x: Number, divisor: Number, out: Type) -> Number:
    """The most negative integer has no quotient by -1: the machine would trap."""
    if (n := known(divisor)) is not None and n != -1:
        return divisor
    least = compared(k, "eq", x, constant(np.iinfo(x.dtype).min, x.dtype))
    both = operation(k, "and", least, compared(k, "eq", divisor, constant(-1, x.dtype)))
    if out.form == "weak":
        k.require(k.value(f"xor i1 {both.text}, true"))
        return divisor
    return chosen(k, both, constant(1, x.dtype), divisor)


def float_floor_quotient(k: Function, x: Number, y: Number) -> Number:
    """NumPy's way: from the remainder, rounded; an exact quotient where the divisor is 0."""
    zero, one = constant(0.0, x.dtype), constant(1.0, x.dtype)
    left = operation(k, "frem", x, y)
    k.module.declare("fmod", "double", "double, double")
    near = operation(k, "fdiv", operation(k, "fsub", x, left), y)
    other_side = opposite(k, left, y, compared(k, "olt", left, zero), compared(k, "olt", y, zero))
    near = chosen(k, other_side, operation(k, "fsub", near, one), near)
    down = called(k, "llvm.floor", near)
    off = compared(k, "ogt", operation(k, "fsub", near, down), constant(0.5, x.dtype))
    down = chosen(k, off, operation(k, "fadd", down, one), down)
    exact = operation(k, "fdiv", x, y)
    down = chosen(k, compared(k, "oeq", near, zero), called(k, "llvm.copysign", zero, exact), down)
    return chosen(k, compared(k, "oeq", y, zero), exact, down)


def power(k: Function, xs: Sequence[Number], out: Type) -> Number:
    x, y = xs
    if x.dtype.kind == "f":
        return called(k, "pow", x, y)
    # integers: by squaring, in a loop over the bits of the exponent; a negative one is NumPy's or Python's business
    k.require(compared(k, unsigned("sge", y), y, constant(0, y.dtype)).text)
    return whole_power(k, x, y, out)


def whole_power(k: Function, x: Number, y: Number, out: Type) -> Number:
    one = constant(1, x.dtype)
    if out.form == "weak":  # of 2 or more, 64 factors are too many for any exponent
        once = lambda i, carried: [MUL(k, [carried[0], x], out)]
        small = operation(k, "and", compared(k, "sge", x, constant(-1, INT)), compared(k, "sle", x, one))
        parity = k.choose(compared(k, "eq", y, constant(0, INT)).text, 0, k.minus(2, k.value(f"and i64 {y.text}, 1")))
        return k.repeat(k.choose(small.text, parity, k.least(y.text, 64)), once, [one])[0]

    def bit(i: Any, carried: Sequence[Number]) -> Sequence[Number]:
        found, factor, rest = carried
        odd = compared(k, "ne", operation(k, "and", rest, constant(1, rest.dtype)), constant(0, rest.dtype))
        found = chosen(k, odd, operation(k, "mul", found, factor), found)
        return [found, operation(k, "mul", factor, factor), operation(k, "lshr", rest, constant(1, rest.dtype))]

    return k.repeat(8 * y.dtype.itemsize - 1, bit, [one, x, y])[0]


def constant_power(k: Function, xs: Sequence[Number], out: Type, n: int) -> Number:
    """By squaring: x * x is exact to rounding, and so are few products."""
    (x,) = xs
    times = Arithmetic("fmul", "mul", "smul", "and")
    if n > 8 and x.dtype.kind == "f":
        return called(k, "pow", x, constant(n, x.dtype))
    if n >= 100 and x.dtype.kind == "c":  # from where NumPy takes logarithms
        return loop_on_numbers(k, loop_of(np.power, (x.dtype, x.dtype)), [x, constant(n, x.dtype)])[0]
    found, factor = None, x
    if x.dtype.kind == "c" and n > 3:  # as NumPy begins, which decides the signs of zeros
        found = constant(1, x.dtype)
    elif x.dtype.kind == "c" and n == 1:
        zero = constant(0, x.dtype)
        factor = chosen(k, compared(k, "oeq", x, zero), zero, x)
    while n:
        if n & 1:
            found = factor if found is None else times(k, [found, factor], out)
        n >>= 1
        factor = times(k, [factor, factor], out) if n else factor
    return constant(1, x.dtype) if found is None else found


def masked_product(k: Function, xs: Sequence[Number], out: Type) -> Number:
    """d * c, where a zero in c wins against inf and nan."""
    d, c = xs
    if out.dtype.kind not in "fc":
        return MUL(k, xs, out)
    product = operation(k, "fmul", d, c)
    return chosen(k, compared(k, "une", c, constant(0.0, c.dtype)), product, c)


def log_slope(k: Function, xs: Sequence[Number], out: Type) -> Number:
    (x,) = xs
    slope = operation(k, "fdiv", constant(1.0, x.dtype), x)
    return chosen(k, compared(k, "olt", x, constant(0.0, x.dtype)), constant(math.nan, x.dtype), slope)


def sech2(k: Function, xs: Sequence[Number], out: Type) -> Number:
    return sech2_of(k, called(k, "exp", sech2_exponent(k, xs[0])))


def sech2_exponent(k: Function, x: Number) -> Number:
    return operation(k, "fmul", constant(-2.0, x.dtype), called(k, "llvm.fabs", x))


def sech2_of(k: Function, e: Number) -> Number:
    """Of the exponential of that exponent."""
    one = operation(k, "fadd", constant(1.0, e.dtype), e)
    return operation(k, "fdiv", operation(k, "fmul", constant(4.0, e.dtype), e), operation(k, "fmul", one, one))


# ---------------------------------------------------------------- extrema, signs, selection


def extremum(beyond: str, whole: str, keeps_nan: bool = True) -> Rule:
    """The first operand where it lies beyond the other, or is nan (else: where the other is)."""

    def rule(k: Function, xs: Sequence[Number], out: Type) -> Number:
        x, y = xs
        if x.dtype.kind not in "fc":
            return chosen(k, compared(k, unsigned(whole, x), x, y), x, y)
        first = operation(k, "or", compared(k, beyond, x, y), compared(k, "uno", *((x, x) if keeps_nan else (y, y))))
        return chosen(k, first, x, y)

    return rule


def unsigned(how: str, x: Number) -> str:
    """Of signed integers `how` is said."""
    return "u" + how[1:] if x.dtype.kind in "ub" and how[0] == "s" else how


def winner(k: Function, xs: Sequence[Number], out: Type) -> Number:
    x, y = (cast(k, x, out.dtype) for x in xs)
    if out.dtype.kind not in "fc":
        half = "uge" if out.dtype.kind == "b" else unsigned("sgt", x)  # 1/2 is true, and no whole number
        return cast(k, compared(k, half, x, y), out.dtype)
    tie = chosen(k, compared(k, "oeq", x, y), *(constant(v, out.dtype) for v in (0.5, math.nan)))
    other = chosen(k, compared(k, "olt", x, y), constant(0.0, out.dtype), tie)
    return chosen(k, compared(k, "ogt", x, y), constant(1.0, out.dtype), other)


def absolute(k: Function, xs: Sequence[Number], out: Type) -> Number:
    (x,) = xs
    if x.dtype.kind == "c":
        return modulus(k, *k.real_and_imag(x))
    if x.dtype.kind == "f":
        return called(k, "llvm.fabs", x)
    if x.dtype.kind != "i":
        return x
    return chosen(k, compared(k, "slt", x, constant(0, x.dtype)), negative(k, [x], out), x)


def modulus(k: Function, real: Number, imag: Number) -> Number:
    """The root of the sum of squares, within a unit of the last digit.  A call of `hypot` would keep loops from running
    in vectors."""
    a, b = (called(k, "llvm.fabs", cast(k, x, FLOAT)) for x in (real, imag))
    found = length(k, a, b) if real.dtype == FLOAT else root_of_squares(k, a, b)
    infinite = constant(math.inf, FLOAT)
    is_infinite = operation(k, "or", *(compared(k, "oeq", x, infinite) for x in (a, b)))
    return cast(k, chosen(k, is_infinite, infinite, found), real.dtype)


def length(k: Function, a: Number, b: Number) -> Number:
    """Scaled by a power of 2 where the squares would overflow or vanish."""
    larger = chosen(k, compared(k, "ogt", a, b), a, b)
    is_large = compared(k, "ogt", larger, constant(2.0**500, FLOAT))
    is_small = compared(k, "olt", larger, constant(2.0**-450, FLOAT))

    def factor(for_large: float, for_small: float) -> Number:
        rest = chosen(k, is_small, constant(for_small, FLOAT), constant(1.0, FLOAT))
        return chosen(k, is_large, constant(for_large, FLOAT), rest)

    there, back = factor(2.0**-600, 2.0**600), factor(2.0**600, 2.0**-600)
    return operation(k, "fmul", root_of_squares(k, *(operation(k, "fmul", x, there) for x in (a, b))), back)


def root_of_squares(k: Function, a: Number, b: Number) -> Number:
    return called(k, "llvm.sqrt", operation(k, "fadd", *(operation(k, "fmul", x, x) for x in (a, b))))


def sign(k: Function, xs: Sequence[Number], out: Type) -> Number:
    (x,) = xs
    zero, one = constant(0, x.dtype), constant(1, x.dtype)
    if x.dtype.kind != "f":
        above = cast(k, compared(k, unsigned("sgt", x), x, zero), x.dtype)
        below = cast(k, compared(k, unsigned("slt", x), x, zero), x.dtype)
        return operation(k, "sub", above, below)
    below = chosen(k, compared(k, "olt", x, zero), constant(-1, x.dtype), x)
    found = chosen(k, compared(k, "ogt", x, zero), one, below)
    return chosen(k, compared(k, "oeq", x, zero), zero, found)


def selected(k: Function, xs: Sequence[Number], out: Type) -> Number:
    condition, x, y = xs
    return chosen(k, cast(k, condition, BOOL), cast(k, x, out.dtype), cast(k, y, out.dtype))


def copied_sign(k: Function, xs: Sequence[Number], out: Type) -> Number:
    return called(k, "llvm.copysign", *xs)


# ---------------------------------------------------------------- truth


def comparison(real: str, whole: str) -> Rule:
    return lambda k, xs, out: compared(k, real if xs[0].dtype.kind in "fc" else unsigned(whole, xs[0]), *xs)


def logical(instruction: str) -> Rule:
    return lambda k, xs, out: operation(k, instruction, *(cast(k, x, BOOL) for x in xs))


def negated(k: Function, xs: Sequence[Number], out: Type) -> Number:
    text = cast(k, xs[0], BOOL).text
    return Number(CONSTANT[text] if text in CONSTANT else k.value(f"xor i1 {text}, true"), BOOL)


def is_nan(k: Function, xs: Sequence[Number], out: Type) -> Number:
    (x,) = xs
    return compared(k, "uno", x, x) if x.dtype.kind in "fc" else constant(False, BOOL)


def is_finite(k: Function, xs: Sequence[Number], out: Type) -> Number:
    (x,) = xs
    if x.dtype.kind == "c":
        return operation(k, "and", *(is_finite(k, [part], out) for part in k.real_and_imag(x)))
    if x.dtype.kind != "f":
        return constant(True, BOOL)
    return compared(k, "olt", called(k, "llvm.fabs", x), constant(math.inf, x.dtype))


def is_infinite(k: Function, xs: Sequence[Number], out: Type) -> Number:
    (x,) = xs
    if x.dtype.kind == "c":
        return operation(k, "or", *(is_infinite(k, [part], out) for part in k.real_and_imag(x)))
    if x.dtype.kind != "f":
        return constant(False, BOOL)
    return compared(k, "oeq", called(k, "llvm.fabs", x), constant(math.inf, x.dtype))


def sign_bit(k: Function, xs: Sequence[Number], out: Type) -> Number:
    (x,) = xs
    if x.dtype.kind != "f":
        return compared(k, unsigned("slt", x), x, constant(0, x.dtype))
    return compared(k, "olt", called(k, "llvm.copysign", constant(1.0, x.dtype), x), constant(0.0, x.dtype))


def bitwise(instruction: str) -> Rule:
    return lambda k, xs, out: operation(k, instruction, *xs)


def inverted(k: Function, xs: Sequence[Number], out: Type) -> Number:
    (x,) = xs
    return operation(k, "xor", x, constant(True if x.dtype.kind == "b" else -1, x.dtype))


# ---------------------------------------------------------------- as they are


def itself(k: Function, xs: Sequence[Number], out: Type, **params: Any) -> Number:
    return cast(k, xs[0], out.dtype)


def imaginary(k: Function, xs: Sequence[Number], out: Type) -> Number:
    (x,) = xs
    return k.real_and_imag(x)[1] if x.dtype.kind == "c" else constant(0, out.dtype)


def conjugate(k: Function, xs: Sequence[Number], out: Type) -> Number:
    (x,) = xs
    if x.dtype.kind != "c":
        return cast(k, x, out.dtype)
    real, imag = k.real_and_imag(x)
    return k.pair(real, negative(k, [imag], out))


def truncated(k: Function, xs: Sequence[Number], out: Type, dtype: Any) -> Number:
    return cast(k, xs[0], out.dtype)


def wrapped_index(k: Function, xs: Sequence[Number], out: Type, n: int) -> Number:
    (i,) = xs
    below = compared(k, "slt", i, constant(0, i.dtype))
    place = chosen(k, below, operation(k, "add", i, constant(n, i.dtype)), i)
    k.require(compared(k, "ult", place, constant(n, i.dtype)).text)
    return place


def shifted(instruction: str) -> Rule:
    """By no more than there are digits: then all of them are gone."""

    def rule(k: Function, xs: Sequence[Number], out: Type) -> Number:
        x, y = xs
        digits = constant(8 * x.dtype.itemsize, x.dtype)
        how = {"shr": "ashr" if x.dtype.kind == "i" else "lshr"}.get(instruction, instruction)
        some = compared(k, "ult", y, digits)
        found = operation(k, how, x, chosen(k, some, y, constant(0, y.dtype)))
        gone = constant(0, x.dtype)
        if how == "ashr":
            gone = operation(k, "ashr", x, constant(8 * x.dtype.itemsize - 1, x.dtype))
        return chosen(k, some, found, gone)

    return rule


def rounded(name: str) -> Rule:
    """To a whole number, which integers are."""
    return lambda k, xs, out: called(k, name, *xs) if out.dtype.kind == "f" else xs[0]


def divided(k: Function, xs: Sequence[Number], out: Type) -> Number:
    """1 / x; of an integer its whole part, and for 0 what NumPy has."""
    (x,) = xs
    one = constant(1, x.dtype)
    if x.dtype.kind == "f":
        return operation(k, "fdiv", one, x)
    least = constant(np.iinfo(x.dtype).min if x.dtype.itemsize > 2 else 0, x.dtype)
    unit = compared(k, "ule", operation(k, "add", x, one), constant(2, x.dtype))
    if x.dtype.kind == "u":
        unit, least = compared(k, "eq", x, one), constant(0, x.dtype)
    found = chosen(k, unit, x, constant(0, x.dtype))
    return chosen(k, compared(k, "eq", x, constant(0, x.dtype)), least, found)


def whole_remainder(k: Function, xs: Sequence[Number], out: Type) -> Number:
    """With the sign of the dividend, as C has it; 0 by 0."""
    x, y = xs
    if x.dtype.kind == "f":
        return operation(k, "frem", x, y)
    trap = compared(k, "ule", operation(k, "add", y, constant(1, y.dtype)), constant(1, y.dtype))  # 0 and -1
    if x.dtype.kind == "u":
        trap = compared(k, "eq", y, constant(0, y.dtype))
    left = operation(k, "urem" if x.dtype.kind == "u" else "srem", x, chosen(k, trap, constant(1, y.dtype), y))
    return chosen(k, trap, constant(0, x.dtype), left)


def checked_finite(k: Function, xs: Sequence[Number], out: Type) -> Number:
    found = is_finite(k, xs, out)
    k.require(found.text)
    return found


def function_of(name: str) -> Rule:
    return lambda k, xs, out: called(k, name, *xs)


# ---------------------------------------------------------------- the table

ADD = Arithmetic("fadd", "add", "sadd", "or")
SUB = Arithmetic("fsub", "sub", "ssub")
MUL = Arithmetic("fmul", "mul", "smul", "and")

# operands are converted to the dtype of the result
ALIKE: dict[str, Rule] = {
    "add": ADD,
    "sub": SUB,
    "mul": MUL,
    "scale": masked_product,
    "pow": power,
    "ipow": constant_power,
    "mod": remainder,
    "floordiv": floor_quotient,
    "fmod": whole_remainder,
    "neg": negative,
    "reciprocal": divided,
    "square": lambda k, xs, out: MUL(k, [xs[0], xs[0]], out),
    **{name: function_of(name) for name in ("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "cbrt")},
    **{name: function_of(name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "hypot")},
    **{f"arc{name}": function_of(f"a{name}") for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "arctan2": function_of("atan2"),
    "erf": function_of("erf"),
    "erfc": function_of("erfc"),
    "sqrt": function_of("llvm.sqrt"),
    "log_slope": log_slope,
    "sech2": sech2,
    "maximum": extremum("ogt", "sgt"),
    "minimum": extremum("olt", "slt"),
    "fmax": extremum("ogt", "sgt", keeps_nan=False),
    "fmin": extremum("olt", "slt", keeps_nan=False),
    "copysign": copied_sign,
    "sign": sign,
    "floor": rounded("llvm.floor"),
    "ceil": rounded("llvm.ceil"),
    "trunc": rounded("llvm.trunc"),
    "rint": rounded("llvm.rint"),
    "bitwise_and": bitwise("and"),
    "bitwise_or": bitwise("or"),
    "bitwise_xor": bitwise("xor"),
    "invert": inverted,
    "left_shift": shifted("shl"),
    "right_shift": shifted("shr"),
}

# operands are converted to the dtype that they have in common
COMPARED: dict[str, Rule] = {
    "equal": comparison("oeq", "eq"),
    "not_equal": comparison("une", "ne"),
    "less": comparison("olt", "slt"),
    "less_equal": comparison("ole", "sle"),
    "greater": comparison("ogt", "sgt"),
    "greater_equal": comparison("oge", "sge"),
}

# operands stay as they are
AS_THEY_ARE: dict[str, Rule] = {
    "abs": absolute,
    "winner": winner,
    "where": selected,
    "logical_and": logical("and"),
    "logical_or": logical("or"),
    "logical_xor": logical("xor"),
    "logical_not": negated,
    "isnan": is_nan,
    "isinf": is_infinite,
    "isfinite": is_finite,
    "finite": checked_finite,
    "signbit": sign_bit,
    "truncate": truncated,
    "wrap_index": wrapped_index,
    "convert": itself,
    "duplicate": itself,
    "stop_gradient": itself,
    "relabel": itself,
    "weak": itself,
    "real": itself,
    "imag": imaginary,
    "conj": conjugate,
}

ELEMENTWISE: dict[str, Rule] = {**ALIKE, **COMPARED, **AS_THEY_ARE, "div": quotient}

# of complex numbers, those that are no function of theirs but a formula of their parts
WITH_COMPLEX = frozenset(
    ["add", "sub", "mul", "div", "scale", "neg", "square", "ipow"]
    + ["maximum", "minimum", "fmax", "fmin", *COMPARED, *(AS_THEY_ARE.keys() - {"signbit", "wrap_index"})]
)


def by_instructions(row: str, dtypes: Iterable[np.dtype[Any]]) -> bool:
    """Whether `element` knows the row for numbers of these dtypes."""
    return row in (WITH_COMPLEX if any(t.kind == "c" for t in dtypes) else ELEMENTWISE)


def element(
    k: Function, row: str, xs: Sequence[Number], types: Sequence[Type], out: Type, params: dict[str, Any]
) -> Number:
    """The row applied to one element of each operand."""
    if any(t.dtype == np.float16 for t in (*types, out)) and row not in SAME_BITS:
        return in_single(k, row, xs, types, out, params)
    if row == "div":
        return quotient(k, xs, types, out)
    if row in ALIKE:
        xs = [fitting(k, x, t, out.dtype) for x, t in zip(xs, types)]
    elif row in COMPARED:
        dtype = common([numeric(t) for t in types])
        if dtype.kind in "iu" and any(t.form == "weak" for t in types):  # which need not fit into the other's dtype
            dtype = np.promote_types(dtype, INT) if dtype != np.uint64 else dtype
        xs = [fitting(k, x, t, dtype) for x, t in zip(xs, types)]
    found = ELEMENTWISE[row](k, xs, out, **params)
    assert found.dtype == out.dtype, (row, found.dtype, out.dtype)
    return found


SAME_BITS = frozenset(["convert", "duplicate", "stop_gradient", "relabel", "weak", "real", "conj", "where", "truncate"])


def in_single(
    k: Function, row: str, xs: Sequence[Number], types: Sequence[Type], out: Type, params: dict[str, Any]
) -> Number:
    """As NumPy computes in half precision: by single precision, rounded."""

    def wide(t: Type) -> Type:
        return t._replace(dtype=SINGLE) if t.dtype == np.float16 else t

    xs = [cast(k, x, wide(t).dtype) for x, t in zip(xs, types)]
    return cast(k, element(k, row, xs, [wide(t) for t in types], wide(out), params), out.dtype)


def fitting(k: Function, x: Number, type: Type, dtype: np.dtype[Any]) -> Number:
    """A Python integer must fit into the dtype of what it meets."""
    if type.form == "weak" and type.dtype.kind == "i" and dtype.kind in "iu" and dtype != INT and known(x) is None:
        found = cast(k, x, dtype)
        k.require(compared(k, "eq", cast(k, found, INT), x).text)
        if dtype == np.uint64:
            k.require(compared(k, "sge", x, constant(0, INT)).text)
        return found
    return cast(k, x, dtype)


assert FLOAT.itemsize == 8
