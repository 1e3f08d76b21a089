"""Incomplete gamma and beta functions, differentiable in every operand, and the distributions that are built on them.

The derivatives by the shape parameters are integrals over a tail of the density f, here for the beta distribution:

    ∂^(i+j) / ∂a^i ∂b^j  ∫_0^x f dt  =  ∫_0^x P_ij(t) f dt,      P_ij f = ∂^(i+j) f / ∂a^i ∂b^j

P_ij is a complete Bell polynomial in the derivatives of log f.  The integral is taken over the tail on x's side of the
mean (over both it is 0), so that little cancels, and in a variable in which f is log-concave and smooth: log t, or the
log-odds of t.  The trapezoidal rule after v = L exp(s - exp(-s)) converges exponentially there (Takahasi and Mori 1974,
Double exponential formulas for numerical integration).  Relative errors are below 1e-11 for shape parameters from 1e-3
to 1e6 (tests/test_special.py); below that they grow as 1e-16 divided by the parameter.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive as row
from wengert.rules.elementwise import div, equal, exp, less, log, log1p, nonzero, sign, sqrt, square, where
from wengert.rules.special import (
    as_array,
    betaln,
    polygamma,
    polygamma_evaluate,
    polygamma_step,
    polygamma_step_evaluate,
    precision_of,
    special,
)

# ---------------------------------------------------------------- what both share


def in_doubles(*operands: Any) -> list[np.ndarray]:
    return np.broadcast_arrays(*[as_array(x, np.float64) for x in operands])


def bell(i: int, j: int, cumulant: Callable[[int, int], Any]) -> Any:
    """P_ij, where ∂^(p+q) log f / ∂a^p ∂b^q is cumulant(p, q); Comtet 1974, Advanced Combinatorics, chapter 3.3."""
    if i == j == 0:
        return 1.0
    p, q = (i - 1, j) if i else (0, j - 1)
    total = 0.0
    for k in range(p + 1):
        for m in range(q + 1):
            factor = cumulant(k + 1, m) if i else cumulant(k, m + 1)
            total = total + math.comb(p, k) * math.comb(q, m) * bell(p - k, q - m, cumulant) * factor
    return total


STEP = 1.0 / 32.0
NODES = np.arange(-4.0, 6.0, STEP)


def tail(integrand: Callable[..., Any], scale: np.ndarray, *operands: np.ndarray) -> np.ndarray:
    """∫_0^∞ integrand(v, *operands) dv, where the integrand falls over a length of about `scale`."""
    shift = np.exp(-NODES)
    steps, weights = np.exp(NODES - shift), STEP * (1.0 + shift)
    columns = [np.reshape(x, (-1, 1)) for x in (scale, *operands)]

    def part(start: int) -> Any:
        length, *rest = [c[start : start + size] for c in columns]
        v = length * steps
        return np.sum(integrand(v, *rest) * v * weights, axis=-1)

    size = 1024 if isinstance(scale, np.ndarray) else max(scale.size, 1)  # as much as fits into the cache
    parts = [part(start) for start in range(0, scale.size, size)]
    return np.reshape(np.concatenate(parts) if parts else np.zeros(0), np.shape(scale))


def stirling_rest(a: Any) -> Any:
    """log Γ(a) - [(a - 1/2) log a - a + log √(2π)], DLMF 5.11.1."""
    large = a > 15.0
    A, small = np.where(large, a, 15.0), np.where(large, 1.0, a)
    series = sum(c / A ** (2 * k + 1) for k, c in enumerate(STIRLING))
    direct = special.gammaln(small) - (special.xlogy(small - 0.5, small) - small + 0.5 * np.log(2.0 * np.pi))
    return np.where(large, series, direct)


STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)


def log_ratio(difference: Any, base: Any, ratio: Any) -> Any:
    """log(1 + difference / base), where `ratio` is 1 + difference / base and better where that is small."""
    small = ratio < 0.5
    return np.where(small, np.log(np.where(small, ratio, 1.0)), np.log1p(np.where(small, 0.0, difference / base)))


# ---------------------------------------------------------------- incomplete gamma


def gamma_weight(a: Any, x: Any) -> Any:
    """x^a exp(-x) / Γ(a), with the large terms of its exponent in one logarithm of x / a."""
    exponent = a * log_ratio(x - a, a, x / a) - (x - a) - stirling_rest(a)
    return np.sqrt(a / (2.0 * np.pi)) * np.exp(exponent)


def gamma_density_evaluate(a: Any, x: Any) -> Any:
    """x^(a-1) exp(-x) / Γ(a)."""
    with np.errstate(all="ignore"):
        dtype = precision_of(a, x)
        a, x = in_doubles(a, x)
        at_zero = np.where(a == 1.0, 1.0, np.where((a > 1.0) | (a == 0.0), 0.0, np.inf))
        return np.where(x == 0.0, at_zero, gamma_weight(a, x) / x).astype(dtype)[()]


def gamma_density_slope(a: Any, x: Any, out: Any) -> Any:
    """f(x; a) (a - 1 - x) / x = f(x; a-1) - f(x; a)."""
    zero = equal(x, 0.0)
    edge = gamma_density(a - 1.0, where(zero, x, 1.0)) - out
    return where(zero, edge, out * (a - 1.0 - x) / nonzero(x))


gamma_density = row(
    "gamma_density",
    gamma_density_evaluate,
    partials=(lambda a, x, out: out * (log(x) - polygamma(a, n=0)), gamma_density_slope),
    singular=True,
    domain=(0.5, 4.0),
)


def gammainc_by_shape_evaluate(a: Any, x: Any, *, n: int) -> Any:
    """∂ⁿ/∂aⁿ of the lower regularised gamma function."""
    with np.errstate(all="ignore"):
        dtype = precision_of(a, x)
        a, x = in_doubles(a, x)
        valid, series, lower = (a > 0.0) & (x > 0.0), x <= 1.0, x < a
        finite = valid & np.isfinite(x)
        weight = gamma_weight(a, x)
        inner = gamma_series(np.where(finite & series, a, 1.0), np.where(finite & series, x, 1.0), n)
        a_, x_ = np.where(finite & ~series, a, 2.0), np.where(finite & ~series, x, 2.0)
        direction = np.where(lower, -1.0, 1.0)
        scale = 1.0 / (np.abs(x_ - a_) + np.sqrt(x_))
        psi = [polygamma_evaluate(a_, n=k) for k in range(n)]
        outer = tail(lambda v, a, x, d, *psi: gamma_tail(v, a, x, d, psi, n), scale, a_, x_, direction, *psi)
        out = np.where(series, inner, -direction * outer) * weight
        edge = np.where((a > 0.0) & ((x == 0.0) | (x == np.inf)), 0.0, np.nan)
        return np.where(finite, out, edge).astype(dtype)[()]


def gamma_tail(v: Any, a: Any, x: Any, direction: Any, psi: Any, n: int) -> Any:
    """The integrand at t = x exp(±v), relative to f at x."""
    u = direction * v
    falls = (a - x) * u - x * (np.expm1(u) - u)
    above = np.log(x) - psi[0]
    return bell(n, 0, lambda p, q: above + u if p == 1 else -psi[p - 1]) * np.exp(falls)


def gamma_series(a: Any, x: Any, n: int) -> Any:
    """The same from P(a, x) = Σ_k x^(a+k) exp(-x) / Γ(a+k+1) (DLMF 8.11.4), for x ≤ 1, relative to f at x."""
    total, term = 0.0, 1.0 / a
    for k in range(20):
        psi = [polygamma_evaluate(a + k + 1.0, n=m) for m in range(n)]
        total = total + term * bell(n, 0, lambda p, q, psi=psi: np.log(x) - psi[0] if p == 1 else -psi[p - 1])
        term = term * x / (a + k + 1.0)
    return total


def gammainc_by_shape_slope(a: Any, x: Any, n: int) -> Any:
    def cumulant(p: int, q: int) -> Any:
        return log(x) - polygamma(a, n=0) if p == 1 else -polygamma(a, n=p - 1)

    return gamma_density(a, x) * bell(n, 0, cumulant)


gammainc_by_shape = row(
    "gammainc_by_shape",
    gammainc_by_shape_evaluate,
    partials=(lambda a, x, n: gammainc_by_shape(a, x, n=n + 1), gammainc_by_shape_slope),
    singular=True,
    domain=(0.5, 4.0),
    examples=[(((2, 3), (3,)), {"n": n}) for n in (1, 2)],
)
gammainc = row(
    "gammainc",
    lambda a, x: special.gammainc(a, x),
    partials=(lambda a, x: gammainc_by_shape(a, x, n=1), lambda a, x: gamma_density(a, x)),
    singular=True,
    domain=(0.5, 4.0),
)
gammaincc = row(
    "gammaincc",
    lambda a, x: special.gammaincc(a, x),
    partials=(lambda a, x: -gammainc_by_shape(a, x, n=1), lambda a, x: -gamma_density(a, x)),
    singular=True,
    domain=(0.5, 4.0),
)


def quantile_by_shape(a: Any, out: Any) -> Any:
    """P(a, x) stays as it is: ∂P/∂a + f dx/da = 0."""
    return div(-gammainc_by_shape(a, out, n=1), gamma_density(a, out))


gammaincinv = row(
    "gammaincinv",
    lambda a, y: special.gammaincinv(a, y),
    partials=(quantile_by_shape, lambda a, out: div(1.0, gamma_density(a, out))),
    singular=True,
    domain=(0.2, 0.9),
)
gammainccinv = row(
    "gammainccinv",
    lambda a, y: special.gammainccinv(a, y),
    partials=(quantile_by_shape, lambda a, out: div(-1.0, gamma_density(a, out))),
    singular=True,
    domain=(0.2, 0.9),
)

# ---------------------------------------------------------------- incomplete beta


def beta_weight(a: Any, b: Any, x: Any, y: Any) -> Any:
    """x^a y^b / B(a, b) where x + y is 1 or close to it, with the large terms of its exponent in logarithms of
    x and y over their means a / (a + b) and b / (a + b)."""
    s = a + b
    excess, gap = b * x - a * y, (1.0 - x) - y
    gap = np.where(np.abs(gap) < 1e-15, 0.0, gap)  # rounding: x + y is 1
    exponent = a * log_ratio(excess - a * gap, a, x * s / a) + b * log_ratio(-excess - b * gap, b, y * s / b)
    exponent = exponent + stirling_rest(s) - stirling_rest(a) - stirling_rest(b)
    return np.sqrt(a / s * b / (2.0 * np.pi)) * np.exp(exponent)


def beta_density_evaluate(a: Any, b: Any, x: Any, y: Any) -> Any:
    """x^(a-1) y^(b-1) / B(a, b), where y = 1 - x."""
    with np.errstate(all="ignore"):
        dtype = precision_of(a, b, x, y)
        a, b, x, y = in_doubles(a, b, x, y)
        inside = beta_weight(a, b, x, y) / (x * y)
        return np.where(x == 0.0, edge_of(a, b), np.where(y == 0.0, edge_of(b, a), inside)).astype(dtype)[()]


def edge_of(a: Any, b: Any) -> Any:
    """The density where the factor to the power a - 1 is 0."""
    return np.where(a == 1.0, b, np.where(a > 1.0, 0.0, np.inf))


# y is an operand of its own, so that 1 - x can be given without rounding; the density is differentiated by both
beta_density = row(
    "beta_density",
    beta_density_evaluate,
    partials=(
        lambda a, b, x, y, out: out * (log(x) + polygamma_step(a, b, n=0)),
        lambda a, b, x, y, out: out * (log(y) + polygamma_step(b, a, n=0)),
        lambda a, x, out: div(out * (a - 1.0), x),
        lambda b, y, out: div(out * (b - 1.0), y),
    ),
    singular=True,
    domain=(0.2, 0.9),
    examples=[(((2, 3), (3,), (), (3,)), {}), (((), (), (), ()), {})],
)


def betainc_by_shape_evaluate(a: Any, b: Any, x: Any, *, i: int, j: int) -> Any:
    """∂^(i+j)/∂a^i ∂b^j of the regularised incomplete beta function."""
    with np.errstate(all="ignore"):
        dtype = precision_of(a, b, x)
        a, b, x = in_doubles(a, b, x)
        inside = (a > 0.0) & (b > 0.0) & (x > 0.0) & (x < 1.0)
        a_, b_, x_ = [np.where(inside, operand, default) for operand, default in ((a, 1.0), (b, 1.0), (x, 0.5))]
        y_ = 1.0 - x_
        lower = b_ * x_ < a_ * y_
        first, second = np.where(lower, a_, b_), np.where(lower, b_, a_)
        near, far = np.where(lower, x_, y_), np.where(lower, y_, x_)
        # log f falls with the slope |b x - a y| at first, then by its curvature, and never with more than `first`
        falls = np.abs(b_ * x_ - a_ * y_) + np.sqrt((a_ + b_) * x_ * y_)
        scale = 1.0 / np.minimum(falls, first)
        cumulants = {(p, q): beta_cumulant(a_, b_, p, q) for p in range(i + 1) for q in range(j + 1) if p + q > 0}
        keys = list(cumulants)

        def integrand(v: Any, a: Any, b: Any, x: Any, y: Any, lower: Any, *values: Any) -> Any:
            """At log-odds v below those of x; at the upper tail x and 1 - x, a and b have changed places."""
            rest = np.log1p(x * np.expm1(-v))
            log_x, log_y = np.log(x) - v - rest, np.log(y) - rest
            plain = dict(zip(keys, values))
            logs = {(1, 0): np.where(lower, log_x, log_y), (0, 1): np.where(lower, log_y, log_x)}
            return bell(i, j, lambda p, q: plain[p, q] + logs.get((p, q), 0.0)) * np.exp(-a * v - (a + b) * rest)

        part = tail(integrand, scale, first, second, near, far, lower, *cumulants.values())
        out = np.where(lower, part, -part) * beta_weight(a_, b_, x_, y_)
        edge = np.where((a > 0.0) & (b > 0.0) & ((x == 0.0) | (x == 1.0)), 0.0, np.nan)
        return np.where(inside, out, edge).astype(dtype)[()]


def beta_cumulant(a: Any, b: Any, p: int, q: int) -> Any:
    """∂^(p+q) (-log B(a, b)) / ∂a^p ∂b^q."""
    if p and q:
        return polygamma_evaluate(a + b, n=p + q - 1)
    return polygamma_step_evaluate(a, b, n=p - 1) if p else polygamma_step_evaluate(b, a, n=q - 1)


def betainc_by_shape_slope(a: Any, b: Any, x: Any, i: int, j: int) -> Any:
    def cumulant(p: int, q: int) -> Any:
        if p and q:
            return polygamma(a + b, n=p + q - 1)
        if p:
            return polygamma_step(a, b, n=p - 1) + (log(x) if p == 1 else 0.0)
        return polygamma_step(b, a, n=q - 1) + (log1p(-x) if q == 1 else 0.0)

    return beta_density(a, b, x, 1.0 - x) * bell(i, j, cumulant)


betainc_by_shape = row(
    "betainc_by_shape",
    betainc_by_shape_evaluate,
    partials=(
        lambda a, b, x, i, j: betainc_by_shape(a, b, x, i=i + 1, j=j),
        lambda a, b, x, i, j: betainc_by_shape(a, b, x, i=i, j=j + 1),
        betainc_by_shape_slope,
    ),
    singular=True,
    domain=(0.2, 0.9),
    examples=[(((2, 3), (3,), ()), {"i": i, "j": j}) for i, j in ((1, 0), (0, 1), (1, 1))],
)


THREE = [(((2, 3), (3,), ()), {}), (((), (), ()), {}), (((0, 2), (2,), ()), {})]


def by_first(a: Any, b: Any, x: Any) -> Any:
    return betainc_by_shape(a, b, x, i=1, j=0)


def by_second(a: Any, b: Any, x: Any) -> Any:
    return betainc_by_shape(a, b, x, i=0, j=1)


betainc = row(
    "betainc",
    lambda a, b, x: special.betainc(a, b, x),
    partials=(by_first, by_second, lambda a, b, x: beta_density(a, b, x, 1.0 - x)),
    singular=True,
    domain=(0.2, 0.9),
    examples=THREE,
)
betaincc = row(
    "betaincc",
    lambda a, b, x: special.betaincc(a, b, x),
    partials=(
        lambda a, b, x: -by_first(a, b, x),
        lambda a, b, x: -by_second(a, b, x),
        lambda a, b, x: -beta_density(a, b, x, 1.0 - x),
    ),
    singular=True,
    domain=(0.2, 0.9),
    examples=THREE,
)


def at_quantile(a: Any, b: Any, out: Any, numerator: Any) -> Any:
    """I_x(a, b) stays as it is: ∂I/∂a + f dx/da = 0."""
    return div(numerator, beta_density(a, b, out, 1.0 - out))


betaincinv = row(
    "betaincinv",
    lambda a, b, y: special.betaincinv(a, b, y),
    partials=(
        lambda a, b, out: at_quantile(a, b, out, -by_first(a, b, out)),
        lambda a, b, out: at_quantile(a, b, out, -by_second(a, b, out)),
        lambda a, b, out: at_quantile(a, b, out, 1.0),
    ),
    singular=True,
    domain=(0.2, 0.9),
    examples=THREE,
)
betainccinv = row(
    "betainccinv",
    lambda a, b, y: special.betainccinv(a, b, y),
    partials=(
        lambda a, b, out: at_quantile(a, b, out, -by_first(a, b, out)),
        lambda a, b, out: at_quantile(a, b, out, -by_second(a, b, out)),
        lambda a, b, out: at_quantile(a, b, out, -1.0),
    ),
    singular=True,
    domain=(0.2, 0.9),
    examples=THREE,
)

# ---------------------------------------------------------------- Student's distribution


def student_density(n: Any, t: Any) -> Any:
    """(1 + t²/n)^(-(n+1)/2) / (√n B(n/2, 1/2))."""
    return exp(-0.5 * (n + 1.0) * log1p(square(t) / n) - betaln(0.5 * n, 0.5)) / sqrt(n)


def student_by_freedom(n: Any, t: Any) -> Any:
    """-sign(t)/2 dI/dn with I = I_x(n/2, 1/2), x = n / (n + t²).

    For large n both terms are of size 1/n and their sum 1/n²: the relative error grows as 1e-13 n.
    """
    s = n + square(t)
    x, y = n / s, square(t) / s
    small = less(x, 0.5)
    shape = where(small, by_first(0.5 * n, 0.5, where(small, x, 0.5)), -by_second(0.5, 0.5 * n, where(small, 0.5, y)))
    along = beta_density(0.5 * n, 0.5, x, y) * square(t) / square(s)
    return -0.5 * sign(t) * (0.5 * shape + along)


stdtr = row(
    "stdtr",
    lambda n, t: special.stdtr(n, t),
    partials=(student_by_freedom, student_density),
    singular=True,
    domain=(0.5, 3.0),
)
stdtrit = row(
    "stdtrit",
    lambda n, p: special.stdtrit(n, p),
    partials=(
        lambda n, out: div(-student_by_freedom(n, out), student_density(n, out)),
        lambda n, out: div(1.0, student_density(n, out)),
    ),
    singular=True,
    domain=(0.55, 0.9),
)

# ---------------------------------------------------------------- F's distribution: I_w(m/2, n/2), w = m x / (n + m x)


def f_by_w(m: Any, n: Any, x: Any) -> Any:
    """The density of the beta distribution over (n + m x)², which the three derivatives of w are divided by."""
    s = n + m * x
    return div(beta_density(0.5 * m, 0.5 * n, div(m * x, s), div(n, s)), square(s))


def f_by_shape(m: Any, n: Any, x: Any, first: bool) -> Any:
    """Half the derivative of I_w(a, b) by a or b, from 1 - I_{1-w}(b, a) where w is large."""
    a, b, w, y = 0.5 * m, 0.5 * n, div(m * x, n + m * x), div(n, n + m * x)
    small = less(w, 0.5)
    near, far = (by_first, by_second) if first else (by_second, by_first)
    return 0.5 * where(small, near(a, b, where(small, w, 0.5)), -far(b, a, where(small, 0.5, y)))


def f_slope(m: Any, n: Any, x: Any) -> Any:
    return m * n * f_by_w(m, n, x)


def f_by_first(m: Any, n: Any, x: Any) -> Any:
    return f_by_shape(m, n, x, True) + n * x * f_by_w(m, n, x)


def f_by_second(m: Any, n: Any, x: Any) -> Any:
    return f_by_shape(m, n, x, False) - m * x * f_by_w(m, n, x)


fdtr = row(
    "fdtr",
    lambda m, n, x: special.fdtr(m, n, x),
    partials=(f_by_first, f_by_second, f_slope),
    singular=True,
    domain=(0.5, 3.0),
    examples=THREE,
)
fdtrc = row(
    "fdtrc",
    lambda m, n, x: special.fdtrc(m, n, x),
    partials=(
        lambda m, n, x: -f_by_first(m, n, x),
        lambda m, n, x: -f_by_second(m, n, x),
        lambda m, n, x: -f_slope(m, n, x),
    ),
    singular=True,
    domain=(0.5, 3.0),
    examples=THREE,
)
fdtri = row(
    "fdtri",
    lambda m, n, p: special.fdtri(m, n, p),
    partials=(
        lambda m, n, out: div(-f_by_first(m, n, out), f_slope(m, n, out)),
        lambda m, n, out: div(-f_by_second(m, n, out), f_slope(m, n, out)),
        lambda m, n, out: div(1.0, f_slope(m, n, out)),
    ),
    singular=True,
    domain=(0.5, 0.9),
    examples=THREE,
)
