"""Special functions of SciPy, which is imported when the first of them is used: error functions, gamma, logarithms.

Where the derivative of a formula would cancel, the row is a family: its parameter `n` is the order of the derivative,
and each member is computed afresh.  DLMF is the NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.diagnostic import Diagnostic
from wengert.core.lazy import lazy
from wengert.core.primitive import Primitive as row
from wengert.core.types import dtype_of
from wengert.ir.program import tangent_type
from wengert.rules.elementwise import (
    abs_,
    div,
    equal,
    exp,
    hypot,
    imag,
    known,
    less,
    log,
    log1p,
    log_slope,
    maximum,
    minimum,
    nonzero,
    pow_,
    real,
    sech2,
    sin,
    square,
    step,
    where,
)

special = lazy("scipy.special")

ROOT_PI, ROOT_TWO, ROOT_TWO_PI = math.sqrt(math.pi), math.sqrt(2.0), math.sqrt(2.0 * math.pi)
ORDERS = [(((2, 3),), {"n": n}) for n in (0, 1, 2)]  # examples of a family


def precision_of(*operands: Any) -> np.dtype:
    """The floating-point type that NumPy's promotion gives the operands."""
    dtype = np.result_type(*operands)
    return dtype if dtype.kind in "fc" else np.dtype(np.float64)


def in_double(x: Any) -> np.ndarray:
    return as_array(x, np.result_type(dtype_of(x), np.float64))


def as_array(x: Any, dtype: Any) -> np.ndarray:
    """What stands for a number of a formula stays that, as does a number elsewhere in NumPy."""
    return np.asarray(x, dtype) if isinstance(x, np.ndarray | np.generic | complex | float | int) else x.astype(dtype)


def real_part(x: Any) -> Any:
    return real(x) if dtype_of(x).kind == "c" else x


def real_only(called: str, x: Any) -> Any:
    if dtype_of(x).kind == "c":
        raise Diagnostic(
            "W301",
            f"the derivative of `{called}` has no rule for complex numbers",
            "it is known for real operands only",
            "give it with wg.custom_vjp",
        )
    return x


# ---------------------------------------------------------------- sin πx and cos πx


def sin_pi_evaluate(x: Any, *, n: int) -> Any:
    """Whole half turns are taken off before the product with π, which is exact: right at large x, 0 at integers."""
    turns = np.rint(np.real(in_double(x)))
    angle = np.pi * (in_double(x) - turns)
    wave = (np.sin, np.cos)[n % 2](angle) * (1.0 - 2.0 * np.mod(turns, 2.0))
    return (np.pi**n * (-1.0) ** (n % 4 // 2) * wave).astype(precision_of(x))[()]


sin_pi = row("sin_pi", sin_pi_evaluate, partials=(lambda x, n: sin_pi(x, n=n + 1),), examples=ORDERS)


# ---------------------------------------------------------------- f(x) / x where f(0) = 0


def quotient(
    value: Callable[[Any], Any],
    slope: Callable[[Any, int], Any],
    coefficient: Callable[[int, int], float],
    near: Callable[[int], float],
) -> Callable[..., Any]:
    """Evaluate the derivative of order n of q(x) = f(x) / x.

    Leibniz on x q(x) = f(x):            x q_n + n q_{n-1} = f^(n)(x), forward in n, which is stable for |x| > n
    Maclaurin series, for small |x|:     q_n(x) = Σ_k coefficient(k, n) x^k

    slope         f^(n)(x) = slope(x, n)
    near          |x| below which the series is used, by n
    """

    def evaluate(x: Any, *, n: int) -> Any:
        if n == 0:
            return value(x)
        wide = in_double(x)
        small = np.abs(wide) < near(n)
        inner, outer = np.where(small, wide, 0.0), np.where(small, 1.0, wide)
        series = np.polynomial.polynomial.polyval(inner, [coefficient(k, n) for k in range(60 + 6 * n)])
        q = slope(outer, 0) / outer
        for k in range(1, n + 1):
            q = (slope(outer, k) - k * q) / outer
        return np.where(small, series, q).astype(precision_of(x))[()]

    return evaluate


def entire(k: int, n: int) -> float:
    """(k + n)! / k! c where c = 1 / (k + n + 1)!, for exp, sinh and sin."""
    return 1.0 / (math.factorial(k) * (k + n + 1))


def odd(k: int, n: int) -> float:
    return entire(k, n) if (k + n) % 2 == 0 else 0.0


def alternating(k: int, n: int) -> float:
    return odd(k, n) * (-1.0) ** ((k + n) // 2)


def at_zero(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """f(x) / x, 1 at 0."""

    def value(x: Any) -> Any:
        wide = in_double(x)
        divisor = np.where(wide == 0, 1.0, wide)
        return np.where(wide == 0, 1.0, function(wide) / divisor).astype(precision_of(x))[()]

    return value


sinc = row(  # sin πx / πx
    "sinc",
    quotient(
        np.sinc,
        lambda x, n: sin_pi_evaluate(x, n=n) / np.pi,
        lambda k, n: alternating(k, n) * np.pi ** (k + n),
        lambda n: (n + 1) / np.pi,
    ),
    partials=(lambda x, n: sinc(x, n=n + 1),),
    examples=ORDERS,
)
sine_quotient = row(  # sin x / x
    "sine_quotient",
    quotient(
        at_zero(np.sin),
        lambda x, n: (-1.0) ** (n % 4 // 2) * (np.sin, np.cos)[n % 2](x),
        alternating,
        lambda n: n + 1,
    ),
    partials=(lambda x, n: sine_quotient(x, n=n + 1),),
    examples=ORDERS,
)
hyperbolic_quotient = row(  # sinh x / x
    "hyperbolic_quotient",
    quotient(at_zero(np.sinh), lambda x, n: (np.sinh, np.cosh)[n % 2](x), odd, lambda n: n + 1),
    partials=(lambda x, n: hyperbolic_quotient(x, n=n + 1),),
    examples=ORDERS,
)
exprel = row(  # (exp x - 1) / x
    "exprel",
    quotient(lambda x: special.exprel(x), lambda x, n: np.exp(x) if n else np.expm1(x), entire, lambda n: n + 1),
    partials=(lambda x, n: exprel(x, n=n + 1),),
    examples=ORDERS,
)


def log1p_slope(x: Any, n: int) -> Any:
    return -math.factorial(n - 1) * (-1.0 / (1.0 + x)) ** n if n else np.log1p(x)


log1p_quotient = row(  # log(1 + x) / x
    "log1p_quotient",
    quotient(
        at_zero(np.log1p),
        log1p_slope,
        lambda k, n: (-1.0) ** (k + n) * math.comb(k + n, n) * math.factorial(n) / (k + n + 1),
        lambda n: 0.5,
    ),
    partials=(lambda x, n: log1p_quotient(x, n=n + 1),),
    singular=True,
    domain=(-0.4, 2.0),
    examples=ORDERS,
)

# ---------------------------------------------------------------- error functions


def erfcx_evaluate(x: Any, *, n: int) -> Any:
    return (-1.0) ** n * scaled_integral(in_double(x), n).astype(precision_of(x))[()] if n else special.erfcx(x)


def scaled_integral(z: np.ndarray, n: int) -> np.ndarray:
    """E_n(z) = 2^n n! exp(z²) i^n erfc(z), which has E_0 = erfcx and E_n' = -E_{n+1} (DLMF 7.18.3).

    E_{n+1} = -2z E_n + 2n E_{n-1} (DLMF 7.18.7) is forward where E_n dominates, for Re z < 1, and loses few digits.
    Elsewhere E_n is the minimal solution, and the ratios E_n / E_{n-1} = r_n = 2n / (2z + r_{n+1}) go backwards
    (Gautschi 1961, Recursive computation of the repeated integrals of the error function).  Close to the imaginary axis
    the ratios are asymptotic, good to exp(-|z|²): few of them, where |z| > 6.
    """
    right = np.real(z) >= 1.0
    out = np.where(right, by_ratios(np.where(right, z, 1.0), n, 200), forward_integral(np.where(right, 0.0, z), n))
    if z.dtype.kind != "c":
        return out
    axis = ~right & (np.real(z) >= 0.0) & (np.abs(z) > 6.0)
    return np.where(axis, by_ratios(np.where(axis, z, 6j), n, 18), out)


def forward_integral(z: np.ndarray, n: int) -> np.ndarray:
    before, current = special.erfcx(z), 2.0 / ROOT_PI - 2.0 * z * special.erfcx(z)
    for k in range(1, n):
        before, current = current, 2.0 * k * before - 2.0 * z * current
    return current


def by_ratios(z: np.ndarray, n: int, count: int) -> np.ndarray:
    ratio, product = np.sqrt(z * z + 2.0 * (n + count + 1)) - z, special.erfcx(z)
    for k in range(n + count, 0, -1):
        ratio = 2.0 * k / (2.0 * z + ratio)
        if k <= n:
            product = product * ratio
    return product


def dawsn_evaluate(x: Any, *, n: int) -> Any:
    """D(x) = √π/2 Im erfcx(-ix) for real x (DLMF 7.5.1)."""
    if n == 0:
        return special.dawsn(x)
    parts = 1j**n * scaled_integral(-1j * in_double(real_only("dawsn", x)), n)
    return (0.5 * ROOT_PI * parts.imag).astype(precision_of(x))[()]


def dawsn_partial(x: Any, n: int) -> Any:
    """For complex x simply 1 - 2x D(x), which cancels for large |x|."""
    return 1.0 - 2.0 * x * dawsn(x, n=0) if dtype_of(x).kind == "c" and n == 0 else dawsn(x, n=n + 1)


erf = row("erf", lambda x: special.erf(x), partials=(lambda x: (2.0 / ROOT_PI) * exp(-square(x)),))
erfc = row("erfc", lambda x: special.erfc(x), partials=(lambda x: (-2.0 / ROOT_PI) * exp(-square(x)),))
erfi = row("erfi", lambda x: special.erfi(x), partials=(lambda x: (2.0 / ROOT_PI) * exp(square(x)),))
erfcx = row("erfcx", erfcx_evaluate, partials=(lambda x, n: erfcx(x, n=n + 1),), examples=ORDERS)
dawsn = row("dawsn", dawsn_evaluate, partials=(dawsn_partial,), examples=ORDERS)
wofz = row(  # exp(-z²) erfc(-iz) = erfcx(-iz)
    "wofz",
    lambda x: special.wofz(x),
    partials=(lambda x: -1j * erfcx(-1j * x, n=1),),
    examples=[((np.array([[1.0 + 2.0j, -0.5j], [0.3 - 0.7j, 2.0 + 0.0j]]),), {})],
)
erfinv = row(
    "erfinv",
    lambda x: special.erfinv(x),
    partials=(lambda out: (0.5 * ROOT_PI) * exp(square(out)),),
    singular=True,
    domain=(-0.9, 0.9),
)
erfcinv = row(
    "erfcinv",
    lambda x: special.erfcinv(x),
    partials=(lambda out: (-0.5 * ROOT_PI) * exp(square(out)),),
    singular=True,
    domain=(0.1, 1.9),
)


def normal_density(x: Any) -> Any:
    return (1.0 / ROOT_TWO_PI) * exp(-0.5 * square(x))


def inverse_mills(x: Any, log_ndtr_of_x: Any) -> Any:
    """The density over the distribution function, φ(x) / Φ(x); in the left tail Φ is a scaled erfcx, free of underflow.

    For complex x, the scaled form everywhere.
    """
    if dtype_of(x).kind == "c":
        return math.sqrt(2.0 / math.pi) / erfcx(x * (-1.0 / ROOT_TWO), n=0)
    left = less(x, 0.0)
    scaled = math.sqrt(2.0 / math.pi) / erfcx(where(left, x, 0.0) * (-1.0 / ROOT_TWO), n=0)
    return where(left, scaled, normal_density(x) * exp(-where(left, 0.0, log_ndtr_of_x)))


ndtr = row("ndtr", lambda x: special.ndtr(x), partials=(normal_density,))
log_ndtr = row("log_ndtr", lambda x: special.log_ndtr(x), partials=(lambda x: inverse_mills(x, log_ndtr(x)),))
ndtri = row(
    "ndtri",
    lambda x: special.ndtri(x),
    partials=(lambda out: ROOT_TWO_PI * exp(0.5 * square(out)),),
    singular=True,
    domain=(0.1, 0.9),
)
ndtri_exp = row(
    "ndtri_exp",
    lambda x: special.ndtri_exp(x),
    partials=(lambda out, x: div(1.0, inverse_mills(out, x)),),
    singular=True,
    domain=(-3.0, -0.1),
)
owens_t = row(
    "owens_t",
    lambda h, a: special.owens_t(h, a),
    partials=(
        lambda h, a: (-0.5 / ROOT_TWO_PI) * exp(-0.5 * square(h)) * erf(a * h * (1.0 / ROOT_TWO)),
        lambda h, a: (0.5 / np.pi) * exp(-0.5 * square(h) * (1.0 + square(a))) / (1.0 + square(a)),
    ),
)


def voigt_slope(x: Any, s: Any, g: Any, n: int) -> Any:
    """(-1)ⁿ E_n(-iz), z = (x + ig) / (s √2): the profile is Re E_0(-iz) / (s √(2π)), DLMF 7.19."""
    return erfcx((g - 1j * x) / (ROOT_TWO * s), n=n)


voigt_profile = row(
    "voigt_profile",
    lambda x, s, g: special.voigt_profile(x, s, g),
    partials=(
        lambda x, s, g: imag(voigt_slope(x, s, g, 1)) / (2.0 * ROOT_PI * square(s)),
        lambda x, s, g: -real(voigt_slope(x, s, g, 2)) / (2.0 * ROOT_TWO_PI * square(s)),  # s ∂²/∂x²: the heat equation
        lambda x, s, g: real(voigt_slope(x, s, g, 1)) / (2.0 * ROOT_PI * square(s)),
    ),
    domain=(0.5, 2.0),
    examples=[(((2, 3), (3,), ()), {})],
)

# ---------------------------------------------------------------- logistic

# out (1 - out) would cancel in the right tail, and its derivative at 0
expit = row("expit", lambda x: special.expit(x), partials=(lambda x: 0.25 * sech2(0.5 * x),))
logit = row(
    "logit",
    lambda x: special.logit(x),
    partials=(lambda x: log_slope(x * (1.0 - x)),),
    singular=True,
    domain=(0.1, 0.9),
)
log_expit = row("log_expit", lambda x: special.log_expit(x), partials=(lambda x: expit(-x),))

# ---------------------------------------------------------------- gamma and its relatives


def polygamma_evaluate(x: Any, *, n: int) -> Any:
    """As SciPy's polygamma, which returns float64 for float32."""
    if n == 0:
        return special.psi(x)
    sum_of_powers = zeta(n + 1.0, in_double(real_only("psi", x)), n=0)
    return ((-1.0) ** (n + 1) * special.gamma(n + 1.0) * sum_of_powers).astype(dtype_of(x))[()]


polygamma = row(
    "polygamma",
    polygamma_evaluate,
    partials=(lambda x, n: polygamma(x, n=n + 1),),
    singular=True,
    domain=(0.5, 4.0),
    examples=ORDERS,
)


def polygamma_step_evaluate(x: Any, y: Any, *, n: int) -> Any:
    """ψ^(n)(x + y) - ψ^(n)(x); for |y| < x / 2 from differences of powers, so that nothing cancels.

    ψ^(n)(x) = (-1)^(n+1) n! Σ_{k<20} (x + k)^-(n+1) + ψ^(n)(x + 20), DLMF 5.15.5; the last by its asymptotic series
    (-1)^(n-1) [(n-1)! / A^n + n! / (2 A^(n+1)) + Σ_k B_2k (2k+n-1)! / ((2k)! A^(2k+n))], DLMF 5.15.8, where -log A
    stands for the first term if n = 0 (DLMF 5.11.2).
    """
    dtype = precision_of(x, y)
    x, y = np.broadcast_arrays(in_double(x), in_double(y))
    close = np.abs(y) < 0.5 * x
    start, along = np.where(close, x, 1.0), np.where(close, y, 0.0)
    sign = (-1.0) ** (n + 1)
    total = sum(math.factorial(n) * power_step(start + k, along, n + 1) for k in range(20))
    A = start + 20.0
    total = total + (math.factorial(n - 1) * power_step(A, along, n) if n else -np.log1p(along / A))
    total = total + 0.5 * math.factorial(n) * power_step(A, along, n + 1)
    for k, bernoulli in enumerate(BERNOULLI, start=1):
        weight = bernoulli * math.factorial(2 * k + n - 1) / math.factorial(2 * k)
        total = total + weight * power_step(A, along, 2 * k + n)
    with np.errstate(invalid="ignore"):
        apart = polygamma_evaluate(x + y, n=n) - polygamma_evaluate(x, n=n)
    return np.where(close, sign * total, apart).astype(dtype)[()]


BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)  # B_2, B_4, ...


def power_step(x: Any, y: Any, p: int) -> Any:
    """(x + y)^-p - x^-p."""
    return x ** float(-p) * np.expm1(-p * np.log1p(y / x))


polygamma_step = row(
    "polygamma_step",
    polygamma_step_evaluate,
    partials=(lambda x, y, n: polygamma_step(x, y, n=n + 1), lambda x, y, n: polygamma(x + y, n=n + 1)),
    singular=True,
    domain=(0.5, 4.0),
    examples=[(((2, 3), (3,)), {"n": n}) for n in (0, 1, 2)] + [((np.array([8.0, 30.0]), (2,)), {"n": 0})],
)


def rgamma_partial(x: Any, out: Any) -> Any:
    """-ψ(x) / Γ(x), to the right of 1/2; to the left, where ψ has poles, the derivative of Γ(1-x) sin(πx) / π."""
    left = less(real_part(x), 0.5)
    s = where(left, x, 0.0)
    reflected = gamma(1.0 - s) * (sin_pi(s, n=1) - polygamma(1.0 - s, n=0) * sin_pi(s, n=0)) * (1.0 / np.pi)
    return where(left, reflected, -polygamma(where(left, 1.0, x), n=0) * out)


gamma = row(
    "gamma",
    lambda x: special.gamma(x),
    partials=(lambda x, out: out * polygamma(x, n=0),),
    singular=True,
    domain=(0.5, 4.0),
)
gammaln = row(
    "gammaln", lambda x: special.gammaln(x), partials=(lambda x: polygamma(x, n=0),), singular=True, domain=(0.5, 4.0)
)
loggamma = row(
    "loggamma",
    lambda x: special.loggamma(x),
    partials=(lambda out, x: known(polygamma(x, n=0), out),),
    singular=True,
    domain=(0.5, 4.0),
)
rgamma = row("rgamma", lambda x: special.rgamma(x), partials=(rgamma_partial,), domain=(-1.9, 4.0))
gammasgn = step("gammasgn", lambda x: special.gammasgn(x))
round_half_even = step("round_half_even", lambda x: special.round(x))
multigammaln = row(
    "multigammaln",
    lambda x, *, d: np.asarray(special.multigammaln(x, d)).astype(precision_of(x))[()],
    partials=(lambda x, d: sum(polygamma(x - 0.5 * j, n=0) for j in range(d)),),
    types=lambda ins, d: [tangent_type(ins[0])],
    domain=(2.5, 5.0),
    examples=[(((2, 3),), {"d": d}) for d in (1, 2, 4)],
)
beta = row(
    "beta",
    lambda a, b: special.beta(a, b),
    partials=(
        lambda a, b, out: -out * polygamma_step(a, b, n=0),
        lambda b, a, out: -out * polygamma_step(b, a, n=0),
    ),
    singular=True,
    domain=(0.5, 4.0),
)
betaln = row(
    "betaln",
    lambda a, b: special.betaln(a, b),
    partials=(lambda a, b: -polygamma_step(a, b, n=0), lambda b, a: -polygamma_step(b, a, n=0)),
    singular=True,
    domain=(0.5, 4.0),
)
poch = row(
    "poch",
    lambda z, m: special.poch(z, m),
    partials=(lambda z, m, out: out * polygamma_step(z, m, n=0), lambda z, m, out: out * polygamma(z + m, n=0)),
    singular=True,
    domain=(0.5, 3.0),
)
binom = row(
    "binom",
    lambda n, k: special.binom(n, k),
    partials=(
        lambda n, k, out: out * polygamma_step(n - k + 1.0, k, n=0),
        lambda n, k, out: out * polygamma_step(k + 1.0, n - 2.0 * k, n=0),
    ),
    singular=True,
    domain=(0.5, 3.0),
)


def zeta_evaluate(x: Any, q: Any, *, n: int) -> Any:
    """The derivative of order n by x of Hurwitz' ζ, from its Euler-Maclaurin sum (DLMF 25.11.5) with A = q + 20:

    Σ_{k<20} (k + q)^-x + A^(1-x) / (x - 1) + A^-x / 2 + Σ_j B_2j / (2j)! x (x+1) ... (x+2j-2) A^(1-x-2j)
    """
    if n == 0:
        return special.zeta(x, q)
    dtype = precision_of(x, q)
    x, q = np.broadcast_arrays(in_double(x), in_double(q))
    A = q + 20.0
    factor = [0.5 + 0.0 * x] + [0.0 * x] * n  # what A^-x is multiplied with: a Taylor polynomial in x
    pole = [A * (-1.0) ** k * (x - 1.0) ** -(k + 1.0) for k in range(n + 1)]
    rising = [x / A, 1.0 / A] + [0.0 * x] * n
    for j, bernoulli in enumerate(BERNOULLI, start=1):
        factor = [f + bernoulli / math.factorial(2 * j) * r for f, r in zip(factor, rising)]
        for i in (2 * j - 1, 2 * j):
            rising = [((x + i) * r + before) / A for r, before in zip(rising, [0.0, *rising])]
    out = sum(power_by_exponent(q + k, x, n) for k in range(20))
    for k in range(n + 1):
        weight = math.comb(n, k) * math.factorial(k) * (factor[k] + pole[k])
        out = out + weight * power_by_exponent(A, x, n - k)
    return np.where((q > 0) & (x > -0.5), out, np.nan).astype(dtype)[()]


def power_by_exponent(base: Any, x: Any, n: int) -> Any:
    """The derivative of order n of base^-x by x."""
    return (-np.log(base)) ** n * base**-x


def zeta_by_shift(x: Any, q: Any, n: int) -> Any:
    """-∂ⁿ/∂xⁿ [x ζ(x + 1, q)]."""
    slope = -x * zeta(x + 1.0, q, n=n)
    return slope - n * zeta(x + 1.0, q, n=n - 1) if n else slope


def riemann_zeta_partial(x: Any) -> Any:
    """For x < 0 by the reflection ζ(x) = 2 (2π)^(x-1) sin(πx/2) Γ(1-x) ζ(1-x), DLMF 25.4.1."""
    left = less(x, 0.0)
    s = where(left, x, -1.0)
    wave, slope, other = sin_pi(0.5 * s, n=0), 0.5 * sin_pi(0.5 * s, n=1), riemann_zeta(1.0 - s)
    growth = math.log(2.0 * math.pi) - polygamma(1.0 - s, n=0)
    inner = (wave * growth + slope) * other - wave * zeta(1.0 - s, 1.0, n=1)
    reflected = exp((s - 1.0) * math.log(2.0 * math.pi)) * gamma(1.0 - s) * inner * 2.0
    return where(left, reflected, zeta(where(left, 2.0, x), 1.0, n=1))


zeta = row(
    "zeta",
    zeta_evaluate,
    partials=(
        lambda out, x, q, n: known(zeta(x, q, n=n + 1), out),
        lambda out, x, q, n: known(zeta_by_shift(x, q, n), out),
    ),
    singular=True,
    domain=(1.5, 4.0),
    examples=[(((2, 3), (3,)), {"n": n}) for n in (0, 1, 2)],
)
riemann_zeta = row(
    "riemann_zeta", lambda x: special.zeta(x), partials=(riemann_zeta_partial,), singular=True, domain=(1.5, 4.0)
)

zetac = row(  # ζ - 1
    "zetac", lambda x: special.zetac(x), partials=(riemann_zeta_partial,), singular=True, domain=(1.5, 4.0)
)

# ---------------------------------------------------------------- x log y and entropies; 0 log 0 is 0

xlogy = row(
    "xlogy",
    lambda x, y: special.xlogy(x, y),
    partials=(lambda y: log(y), lambda x, y: x / nonzero(y)),
    singular=True,
    domain=(0.5, 3.0),
)
xlog1py = row(
    "xlog1py",
    lambda x, y: special.xlog1py(x, y),
    partials=(lambda y: log1p(y), lambda x, y: x / nonzero(1.0 + y)),
    singular=True,
    domain=(-0.5, 3.0),
)
entr = row("entr", lambda x: special.entr(x), partials=(lambda x: -1.0 - log(x),), singular=True, domain=(0.1, 3.0))
rel_entr = row(
    "rel_entr",
    lambda x, y: special.rel_entr(x, y),
    partials=(lambda x, y: 1.0 + log(div(x, y)), lambda x, y: -x / nonzero(y)),
    singular=True,
    domain=(0.1, 3.0),
)
excess = row(  # 1 - x / y, precise for x ≈ y, with slopes that are precise for x << y
    "excess",
    lambda x, y: np.divide(np.subtract(y, x), y),
    partials=(lambda y: div(-1.0, y), lambda x, y: div(x, square(y))),
    singular=True,
    domain=(0.1, 3.0),
)
kl_div = row(
    "kl_div",
    lambda x, y: special.kl_div(x, y),
    partials=(lambda x, y: log(div(x, y)), lambda x, y: where(equal(x, 0), 1.0, excess(x, nonzero(y)))),
    singular=True,
    domain=(0.1, 3.0),
)

# ---------------------------------------------------------------- robust losses


def pseudo_huber_by_scale(d: Any, r: Any) -> Any:
    """2d (s - 1) - r² / (d s) with s = √(1 + r²/d²): (h - d)² / h with h = √(d² + r²), and h - d = r² / (h + d)."""
    h = nonzero(hypot(d, r))
    return square(square(r) / nonzero(h + d)) / h


huber = row(
    "huber",
    lambda d, r: special.huber(d, r),
    partials=(lambda d, r: maximum(abs_(r) - d, 0.0), lambda d, r: minimum(maximum(r, -d), d)),
    domain=(0.5, 2.0),
)
pseudo_huber = row(
    "pseudo_huber",
    lambda d, r: special.pseudo_huber(d, r),
    partials=(pseudo_huber_by_scale, lambda d, r: r * abs_(d) / nonzero(hypot(d, r))),
    domain=(0.5, 2.0),
)

# ---------------------------------------------------------------- powers

# (x^λ - 1) / λ = L exprel(λL) with L = log x; likewise with log(1 + x)
boxcox = row(
    "boxcox",
    lambda x, y: special.boxcox(x, y),
    partials=(lambda out, x, y: known(pow_(x, y - 1.0), out), lambda x, y: square(log(x)) * exprel(y * log(x), n=1)),
    singular=True,
    domain=(0.5, 3.0),
)
boxcox1p = row(
    "boxcox1p",
    lambda x, y: special.boxcox1p(x, y),
    partials=(
        lambda x, y: exp((y - 1.0) * log1p(x)),
        lambda x, y: square(log1p(x)) * exprel(y * log1p(x), n=1),
    ),
    singular=True,
    domain=(-0.5, 2.0),
)
# (1 + λx)^(1/λ) = exp(x q(λx)) with q(s) = log(1 + s) / s
inv_boxcox = row(
    "inv_boxcox",
    lambda x, y: special.inv_boxcox(x, y),
    partials=(
        lambda x, y, out: div(out, 1.0 + x * y),
        lambda x, y, out: out * square(x) * log1p_quotient(x * y, n=1),
    ),
    singular=True,
    domain=(0.2, 1.5),
)
inv_boxcox1p = row(
    "inv_boxcox1p",
    lambda x, y: special.inv_boxcox1p(x, y),
    partials=(
        lambda x, y, out: div(1.0 + out, 1.0 + x * y),
        lambda x, y, out: (1.0 + out) * square(x) * log1p_quotient(x * y, n=1),
    ),
    singular=True,
    domain=(0.2, 1.5),
)
powm1 = row(
    "powm1",
    lambda x, y: special.powm1(x, y),
    partials=(lambda x, y: y * pow_(x, y - 1.0), lambda x, y: pow_(x, y) * log(nonzero(x))),
    singular=True,
    domain=(0.5, 2.0),
)
exp10 = row("exp10", lambda x: special.exp10(x), partials=(lambda out: math.log(10.0) * out,))
cosm1 = row("cosm1", lambda x: special.cosm1(x), partials=(lambda x: -sin(x),))

# ---------------------------------------------------------------- angles in degrees


def degrees_evaluate(x: Any, *, quarter: int) -> Any:
    """sin(x° + quarter 90°) by SciPy's functions, which are exact at the multiples of 30° and 90°."""
    function = (special.sindg, special.cosdg)[quarter % 2]
    return -function(x) if quarter % 4 > 1 else function(x)


DEGREE = math.pi / 180.0
degrees = row(
    "degrees",
    degrees_evaluate,
    partials=(lambda x, quarter: DEGREE * degrees(x, quarter=quarter + 1),),
    domain=(-60.0, 60.0),
    examples=[(((2, 3),), {"quarter": n}) for n in (0, 1)],
)
tandg = row(
    "tandg", lambda x: special.tandg(x), partials=(lambda out: DEGREE * (1.0 + square(out)),), domain=(-60.0, 60.0)
)
cotdg = row(
    "cotdg", lambda x: special.cotdg(x), partials=(lambda out: -DEGREE * (1.0 + square(out)),), domain=(20.0, 80.0)
)
radian = row(
    "radian",
    lambda d, m, s: special.radian(d, m, s),
    partials=(DEGREE, DEGREE / 60.0, DEGREE / 3600.0),
    examples=[(((2, 3), (3,), ()), {})],
)
