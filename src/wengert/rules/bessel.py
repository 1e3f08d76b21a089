"""Bessel functions and their relatives.  Derivatives step in the order v, so that nothing is divided by x.

The derivative by the order itself has no closed form and is refused.  DLMF: https://dlmf.nist.gov.
"""

import math
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive as row
from wengert.core.primitive import Unknown
from wengert.rules.elementwise import cos, cosh, div, equal, known, pow_, square, where
from wengert.rules.special import (
    ROOT_PI,
    hyperbolic_quotient,
    in_double,
    precision_of,
    real_only,
    rgamma,
    sine_quotient,
    special,
)

BY_ORDER = Unknown("its derivative by the order has no closed form")
INTEGER_ORDER = Unknown("the order is an integer")
AT_ORDERS = [((np.array([[0.0], [1.0], [2.5]]), np.array([0.4, 1.3, 3.2])), {})]
AT_ORDERS_COMPLEX = [((np.array([[0.0], [1.0], [2.5]]), np.array([0.4 + 1.0j, 1.3 - 0.5j])), {})]

# ---------------------------------------------------------------- J, Y, H: C_v' = (C_{v-1} - C_{v+1}) / 2, DLMF 10.6.1

jv = row(
    "jv",
    lambda v, x: special.jv(v, x),
    partials=(BY_ORDER, lambda v, x: 0.5 * (jv(v - 1.0, x) - jv(v + 1.0, x))),
    singular=True,
    examples=AT_ORDERS,
)
yv = row(
    "yv",
    lambda v, x: special.yv(v, x),
    partials=(BY_ORDER, lambda v, x: 0.5 * (yv(v - 1.0, x) - yv(v + 1.0, x))),
    singular=True,
    examples=AT_ORDERS,
)
yn = row(
    "yn",
    lambda v, x: special.yn(v, x),
    partials=(BY_ORDER, lambda v, x: 0.5 * (yv(v - 1.0, x) - yv(v + 1.0, x))),
    singular=True,
    examples=[((np.array([[0.0], [1.0], [3.0]]), np.array([0.4, 1.3, 3.2])), {})],
)
j0 = row("j0", lambda x: special.j0(x), partials=(lambda x: -j1(x),))
j1 = row("j1", lambda x: special.j1(x), partials=(lambda x: 0.5 * (j0(x) - jv(2.0, x)),))
y0 = row("y0", lambda x: special.y0(x), partials=(lambda x: -y1(x),), singular=True, domain=(0.5, 3.0))
y1 = row(
    "y1", lambda x: special.y1(x), partials=(lambda x: 0.5 * (y0(x) - yv(2.0, x)),), singular=True, domain=(0.5, 3.0)
)
hankel1 = row(
    "hankel1",
    lambda v, x: special.hankel1(v, x),
    partials=(BY_ORDER, lambda v, x: 0.5 * (hankel1(v - 1.0, x) - hankel1(v + 1.0, x))),
    singular=True,
    examples=AT_ORDERS_COMPLEX,
)
hankel2 = row(
    "hankel2",
    lambda v, x: special.hankel2(v, x),
    partials=(BY_ORDER, lambda v, x: 0.5 * (hankel2(v - 1.0, x) - hankel2(v + 1.0, x))),
    singular=True,
    examples=AT_ORDERS_COMPLEX,
)
# scaled by exp(∓ix)
hankel1e = row(
    "hankel1e",
    lambda v, x: special.hankel1e(v, x),
    partials=(BY_ORDER, lambda v, x, out: 0.5 * (hankel1e(v - 1.0, x) - hankel1e(v + 1.0, x)) - 1j * out),
    singular=True,
    examples=AT_ORDERS_COMPLEX,
)
hankel2e = row(
    "hankel2e",
    lambda v, x: special.hankel2e(v, x),
    partials=(BY_ORDER, lambda v, x, out: 0.5 * (hankel2e(v - 1.0, x) - hankel2e(v + 1.0, x)) + 1j * out),
    singular=True,
    examples=AT_ORDERS_COMPLEX,
)
# scaled by exp(-|Im x|), which is 1 for real x and not holomorphic for complex x
jve = row(
    "jve",
    lambda v, x: special.jve(v, x),
    partials=(BY_ORDER, lambda v, x: 0.5 * (jv(v - 1.0, real_only("jve", x)) - jv(v + 1.0, x))),
    singular=True,
    examples=AT_ORDERS,
)
yve = row(
    "yve",
    lambda v, x: special.yve(v, x),
    partials=(BY_ORDER, lambda v, x: 0.5 * (yv(v - 1.0, real_only("yve", x)) - yv(v + 1.0, x))),
    singular=True,
    examples=AT_ORDERS,
)

# ---------------------------------------------------------------- I, K, DLMF 10.29.1

iv = row(
    "iv",
    lambda v, x: special.iv(v, x),
    partials=(BY_ORDER, lambda v, x: 0.5 * (iv(v - 1.0, x) + iv(v + 1.0, x))),
    singular=True,
    examples=AT_ORDERS,
)
kv = row(
    "kv",
    lambda v, x: special.kv(v, x),
    partials=(BY_ORDER, lambda v, x: -0.5 * (kv(v - 1.0, x) + kv(v + 1.0, x))),
    singular=True,
    examples=AT_ORDERS,
)
kn = row(
    "kn",
    lambda v, x: special.kn(v, x),
    partials=(BY_ORDER, lambda v, x: -0.5 * (kv(v - 1.0, x) + kv(v + 1.0, x))),
    singular=True,
    examples=[((np.array([[0.0], [1.0], [3.0]]), np.array([0.4, 1.3, 3.2])), {})],
)
i0 = row("i0", lambda x: special.i0(x), partials=(lambda x: i1(x),))
i1 = row("i1", lambda x: special.i1(x), partials=(lambda x: 0.5 * (i0(x) + iv(2.0, x)),))
numpy_i0 = row("numpy_i0", lambda x: np.i0(x)[()], partials=(lambda x: i1(x),))  # NumPy's own digits
k0 = row("k0", lambda x: special.k0(x), partials=(lambda x: -k1(x),), singular=True, domain=(0.5, 3.0))
k1 = row(
    "k1", lambda x: special.k1(x), partials=(lambda x: -0.5 * (k0(x) + kv(2.0, x)),), singular=True, domain=(0.5, 3.0)
)

# scaled by exp(-|x|), and exp(x): I_v' - I_v cancels for large x, where the asymptotic series is differentiated instead


def large(v: Any, x: Any) -> Any:
    """Where 25 terms of the series of DLMF 10.40.1 and 10.40.2 reach the last digit."""
    return np.abs(x) > 25.0 + np.square(v)


def hankel_series(v: Any, x: Any, n: int, sign: float) -> Any:
    """The derivative of order n of Σ_k sign^k a_k(v) x^(-k-1/2), a_k by DLMF 10.17.1."""
    total, term = 0.0, x ** (-0.5 - n)
    for k in range(26):
        total = total + (-1.0) ** n * math.prod(k + 0.5 + i for i in range(n)) * term
        term = term * sign * (4.0 * np.square(v) - (2.0 * k + 1.0) ** 2) / (8.0 * (k + 1.0) * x)
    return total


def ive_evaluate(v: Any, x: Any, *, n: int) -> Any:
    """∂ⁿ/∂xⁿ of I_v(x) exp(-|x|)."""
    if n == 0:
        return special.ive(v, x)
    dtype = precision_of(v, real_only("ive", x))
    v, x = np.broadcast_arrays(in_double(v), in_double(x))
    far = large(v, x)
    series = hankel_series(v, np.where(far, np.abs(x), 1.0), n, -1.0) / np.sqrt(2.0 * np.pi)
    # I_v(-x) = (-1)^v I_v(x) for whole v
    parity = np.where(x > 0, 1.0, np.where(v == np.rint(v), (-1.0) ** n * (1.0 - 2.0 * np.mod(v, 2.0)), np.nan))
    near = scaled_steps(special.ive, v, np.where(far, 1.0, x), n, -np.sign(x), 1.0)
    return np.where(far, parity * series, near).astype(dtype)[()]


def kve_evaluate(v: Any, x: Any, *, n: int) -> Any:
    """∂ⁿ/∂xⁿ of K_v(x) exp(x)."""
    if n == 0:
        return special.kve(v, x)
    dtype = precision_of(v, x)
    v, x = np.broadcast_arrays(in_double(v), in_double(x))
    far = large(v, x) & (np.real(x) > 0)
    series = hankel_series(v, np.where(far, x, 1.0), n, 1.0) * np.sqrt(0.5 * np.pi)
    return np.where(far, series, scaled_steps(special.kve, v, np.where(far, 1.0, x), n, 1.0, -1.0)).astype(dtype)[()]


def scaled_steps(function: Any, v: Any, x: Any, n: int, rate: Any, sign: float) -> Any:
    """(d/dx)ⁿ of exp(rate x) C_v(x), from C_v' = sign (C_{v-1} + C_{v+1}) / 2."""
    total = 0.0
    for k in range(n + 1):
        steps = sum(math.comb(k, j) * function(v - k + 2.0 * j, x) for j in range(k + 1))
        total = total + math.comb(n, k) * rate ** (n - k) * (0.5 * sign) ** k * steps
    return total


AT_ORDERS_AND_N = [(AT_ORDERS[0][0], {"n": n}) for n in (0, 1, 2)]
ive = row(
    "ive",
    ive_evaluate,
    partials=(BY_ORDER, lambda v, x, n: ive(v, x, n=n + 1)),
    singular=True,
    examples=AT_ORDERS_AND_N,
)
kve = row(
    "kve",
    kve_evaluate,
    partials=(BY_ORDER, lambda v, x, n: kve(v, x, n=n + 1)),
    singular=True,
    examples=AT_ORDERS_AND_N,
)
i0e = row("i0e", lambda x: special.i0e(x), partials=(lambda x: ive(0.0, x, n=1),), domain=(0.5, 3.0))
i1e = row("i1e", lambda x: special.i1e(x), partials=(lambda x: ive(1.0, x, n=1),), domain=(0.5, 3.0))
k0e = row("k0e", lambda x: special.k0e(x), partials=(lambda x: kve(0.0, x, n=1),), singular=True, domain=(0.5, 3.0))
k1e = row("k1e", lambda x: special.k1e(x), partials=(lambda x: kve(1.0, x, n=1),), singular=True, domain=(0.5, 3.0))

# ---------------------------------------------------------------- spherical, DLMF 10.51.2; SciPy computes in double


AT_INTEGERS = [((np.array([[0], [1], [4]]), np.array([0.4, 1.3, 3.2])), {})]


def below(f: row, n: Any, x: Any) -> Any:
    """n f_{n-1}, which is 0 for n = 0."""
    return where(equal(n, 0), 0.0, n * f(abs(n - 1), x))


spherical_jn = row(
    "spherical_jn",
    lambda n, x: special.spherical_jn(n, x).astype(precision_of(x))[()],
    partials=(
        INTEGER_ORDER,
        lambda n, x: (below(spherical_jn, n, x) - (n + 1) * spherical_jn(n + 1, x)) / (2 * n + 1),
    ),
    singular=True,
    examples=AT_INTEGERS,
)
spherical_yn = row(
    "spherical_yn",
    lambda n, x: special.spherical_yn(n, x).astype(precision_of(x))[()],
    partials=(
        INTEGER_ORDER,
        lambda n, x: (below(spherical_yn, n, x) - (n + 1) * spherical_yn(n + 1, x)) / (2 * n + 1),
    ),
    singular=True,
    examples=AT_INTEGERS,
)
spherical_in = row(
    "spherical_in",
    lambda n, x: special.spherical_in(n, x).astype(precision_of(x))[()],
    partials=(
        INTEGER_ORDER,
        lambda n, x: (below(spherical_in, n, x) + (n + 1) * spherical_in(n + 1, x)) / (2 * n + 1),
    ),
    singular=True,
    examples=AT_INTEGERS,
)
spherical_kn = row(
    "spherical_kn",
    lambda n, x: special.spherical_kn(n, x).astype(precision_of(x))[()],
    partials=(
        INTEGER_ORDER,
        lambda n, x: (below(spherical_kn, n, x) + (n + 1) * spherical_kn(n + 1, x)) / -(2 * n + 1),
    ),
    singular=True,
    examples=AT_INTEGERS,
)

# ---------------------------------------------------------------- Struve, DLMF 11.4.23 to 11.4.26 without division


def struve_source(v: Any, x: Any) -> Any:
    """(x/2)^v / (√π Γ(v + 3/2))."""
    return pow_(0.5 * x, v) * rgamma(v + 1.5) * (1.0 / ROOT_PI)


def struve_slope(f: row, sign: float, v: Any, x: Any) -> Any:
    """(f_{v-1} ± f_{v+1} + source) / 2; for v = 0 source ± f_1, which is f_{-1}, whose own derivative cancels."""
    above, source = sign * f(v + 1.0, x), struve_source(v, x)
    return where(equal(v, 0), source + above, 0.5 * (f(where(equal(v, 0), 1.0, v) - 1.0, x) + above + source))


struve = row(
    "struve",
    lambda v, x: special.struve(v, x),
    partials=(BY_ORDER, lambda v, x: struve_slope(struve, -1.0, v, x)),
    singular=True,
    examples=AT_ORDERS,
)
modstruve = row(
    "modstruve",
    lambda v, x: special.modstruve(v, x),
    partials=(BY_ORDER, lambda v, x: struve_slope(modstruve, 1.0, v, x)),
    singular=True,
    examples=AT_ORDERS,
)

# ---------------------------------------------------------------- Kelvin: ber + i bei = J_0(x e^{3πi/4}), ker + i kei

ORDERS_OF_KELVIN = [((np.array([0.4, 1.3, 3.2]),), {"kind": k, "n": n}) for k in ("ber", "kei") for n in (0, 1, 2)]


def kelvin_evaluate(x: Any, *, kind: str, n: int) -> Any:
    if n < 2:
        return getattr(special, kind + "p" * n)(x)
    derivative, turn = (special.jvp, 0.75j) if kind[0] == "b" else (special.kvp, 0.25j)
    direction = np.exp(turn * np.pi)
    value = direction**n * derivative(0, direction * in_double(x), n)
    return (value.real if kind.endswith("r") else value.imag).astype(precision_of(x))[()]


kelvin = row(
    "kelvin",
    kelvin_evaluate,
    partials=(lambda out, x, kind, n: known(kelvin(x, kind=kind, n=n + 1), out),),
    singular=True,
    examples=ORDERS_OF_KELVIN,
)

# ---------------------------------------------------------------- functions with several results: one row per result

PARTS_OF_FOUR = [((np.array([0.4, -1.3, 2.2]),), {"part": i}) for i in range(4)]
PARTS_OF_TWO = [((np.array([0.4, 1.3, 2.2]),), {"part": i}) for i in range(2)]


def airy_slope(x: Any, part: int) -> Any:
    """Ai, Ai', Bi, Bi': Ai'' = x Ai, likewise Bi."""
    return x * airy(x, part=part - 1) if part % 2 else airy(x, part=part + 1)


def parabolic_slope(v: Any, x: Any, part: int) -> Any:
    """D, D': D'' = (x²/4 - v - 1/2) D, DLMF 12.2.2."""
    return (0.25 * square(x) - v - 0.5) * parabolic_d(v, x, part=0) if part else parabolic_d(v, x, part=1)


airy = row("airy", lambda x, *, part: special.airy(x)[part], partials=(airy_slope,), examples=PARTS_OF_FOUR)
parabolic_d = row(
    "parabolic_d",
    lambda v, x, *, part: special.pbdv(v, x)[part],
    partials=(BY_ORDER, parabolic_slope),
    examples=[(AT_ORDERS[0][0], {"part": i}) for i in range(2)],
)
sici = row(
    "sici",
    lambda x, *, part: special.sici(x)[part],
    partials=(lambda x, part: div(cos(x), x) if part else sine_quotient(x, n=0),),
    singular=True,
    examples=PARTS_OF_TWO,
)
shichi = row(
    "shichi",
    lambda x, *, part: special.shichi(x)[part],
    partials=(lambda x, part: div(cosh(x), x) if part else hyperbolic_quotient(x, n=0),),
    singular=True,
    examples=PARTS_OF_TWO,
)
integral_i0_k0 = row(
    "integral_i0_k0",
    lambda x, *, part: special.iti0k0(x)[part],
    partials=(lambda x, part: k0(x) if part else i0(x),),
    singular=True,
    examples=PARTS_OF_TWO,
)
integral_j0_y0 = row(
    "integral_j0_y0",
    lambda x, *, part: special.itj0y0(x)[part],
    partials=(lambda x, part: y0(x) if part else j0(x),),
    singular=True,
    examples=PARTS_OF_TWO,
)
integral_airy = row(  # of Ai(t), Bi(t), Ai(-t), Bi(-t) from 0 to x
    "integral_airy",
    lambda x, *, part: special.itairy(x)[part],
    partials=(lambda x, part: airy(x if part < 2 else -x, part=2 * (part % 2)),),
    examples=PARTS_OF_FOUR,
)
itstruve0 = row("itstruve0", lambda x: special.itstruve0(x), partials=(lambda x: struve(0.0, x),))
itmodstruve0 = row("itmodstruve0", lambda x: special.itmodstruve0(x), partials=(lambda x: modstruve(0.0, x),))


def wave_evaluate(x: Any, *, quarter: int) -> Any:
    """sin(π/2 (x² + quarter)); x² modulo 4 from x = h + r with few digits in h, so that h² is exact."""
    wide = in_double(x)
    phase = wide * wide
    if wide.dtype.kind == "f":
        h = np.where(np.abs(wide) < 1e18, wide.astype(np.float32).astype(np.float64), wide)
        r = wide - h
        phase = np.mod(np.mod(h * h, 4.0) + np.mod(2.0 * h * r, 4.0) + r * r, 4.0)
    wave = (np.sin, np.cos)[quarter % 2](0.5 * np.pi * phase)
    return (wave * (1.0 - quarter % 4 // 2 * 2.0)).astype(precision_of(x))[()]


fresnel_wave = row(
    "fresnel_wave",
    wave_evaluate,
    partials=(lambda x, quarter: np.pi * x * fresnel_wave(x, quarter=quarter + 1),),
    examples=[(((2, 3),), {"quarter": n}) for n in (0, 1)],
)
fresnel = row(
    "fresnel",
    lambda x, *, part: special.fresnel(x)[part],
    partials=(lambda x, part: fresnel_wave(x, quarter=part),),
    examples=PARTS_OF_TWO,
)
