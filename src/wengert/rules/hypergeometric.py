"""Exponential and elliptic integrals, hypergeometric functions, orthogonal polynomials, Lambert's W.

DLMF: https://dlmf.nist.gov.
"""

import math
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive as row
from wengert.core.primitive import Unknown
from wengert.rules.elementwise import (
    abs_,
    div,
    equal,
    exp,
    known,
    less,
    log,
    log_slope,
    maximum,
    not_equal,
    pow_,
    sin,
    sqrt,
    square,
    where,
)
from wengert.rules.special import in_double, log1p_quotient, precision_of, special

COMPLEX = [((np.array([1.0 + 2.0j, 0.3 - 0.7j, 2.0 + 0.5j]),), {})]

# ---------------------------------------------------------------- exponential integrals and logarithms


def expn_slope(n: Any, x: Any) -> Any:
    """-E_{n-1}, DLMF 8.19.13; E_0 = exp(-x) / x, and E_{-1} = exp(-x) (1 + 1/x) / x."""
    first = exp(-x) * div(1.0, x) * (1.0 + div(1.0, x))
    return -where(equal(n, 0), first, expn(maximum(n, 1) - 1, x))


def spence_slope(x: Any) -> Any:
    """log x / (1 - x); near 1, where both vanish, by the quotient's own series."""
    near = less(abs_(x - 1.0), 0.5)
    return where(near, -log1p_quotient(where(near, x, 1.0) - 1.0, n=0), div(log(x), 1.0 - where(near, 3.0, x)))


expi = row("expi", lambda x: special.expi(x), partials=(lambda x: div(exp(x), x),), singular=True, domain=(0.5, 3.0))
exp1 = row(
    "exp1", lambda x: special.exp1(x), partials=(lambda x: -exp(-x) * log_slope(x),), singular=True, domain=(0.5, 3.0)
)
expn = row(
    "expn",
    lambda n, x: special.expn(n, x),
    partials=(
        Unknown("its derivative by the order is not an exponential integral"),
        lambda out, n, x: known(expn_slope(n, x), out),
    ),
    singular=True,
    examples=[((np.array([[0.0], [1.0], [3.0]]), np.array([0.4, 1.3, 2.2])), {})],
)
spence = row("spence", lambda x: special.spence(x), partials=(spence_slope,), singular=True, domain=(0.2, 3.0))
wrightomega = row("wrightomega", lambda x: special.wrightomega(x), partials=(lambda out: div(out, 1.0 + out),))
# exp(-W) / (1 + W), not W / (x (1 + W)): right at 0
lambertw = row(
    "lambertw",
    lambda x, *, k, tol: special.lambertw(x, k, tol),
    partials=(lambda out: div(exp(-out), 1.0 + out),),
    singular=True,
    examples=[(operands, {"k": k, "tol": 1e-8}) for operands, _ in COMPLEX for k in (0, -1)],
)

# ---------------------------------------------------------------- elliptic integrals, by the parameter m

# K = π/2 F(1/2, 1/2; 1; m), E = π/2 F(-1/2, 1/2; 1; m), DLMF 19.5.1 and 19.5.2: no 0/0 at m = 0
ellipk = row(
    "ellipk",
    lambda x: special.ellipk(x),
    partials=(lambda x: (np.pi / 8.0) * hyp2f1(1.5, 1.5, 2.0, x),),
    singular=True,
    domain=(-1.0, 0.9),
)
ellipe = row(
    "ellipe",
    lambda x: special.ellipe(x),
    partials=(lambda x: (-np.pi / 8.0) * hyp2f1(0.5, 1.5, 2.0, x),),
    singular=True,
    domain=(-1.0, 0.9),
)
# of p = 1 - m, where F(3/2, 3/2; 2; 1-p) = F(1/2, 1/2; 2; 1-p) / p (DLMF 15.8.1) keeps the digits of a small p;
# below 1e-16, where 1 - p rounds to 1, the second derivative is inf
ellipkm1 = row(
    "ellipkm1",
    lambda x: special.ellipkm1(x),
    partials=(lambda x: div((-np.pi / 8.0) * hyp2f1(0.5, 0.5, 2.0, 1.0 - x), x),),
    singular=True,
    domain=(0.1, 2.0),
)


# 1 - m sin²φ, as a sum of what is positive
delta_squared = row(
    "delta_squared",
    lambda phi, m: np.square(np.cos(phi)) + (1.0 - m) * np.square(np.sin(phi)),
    partials=(lambda phi, m: -m * sin(2.0 * phi), lambda phi: -square(sin(phi))),
    domain=(0.2, 0.9),
)


def rising(p: float, n: int) -> float:
    return math.prod(p + i for i in range(n))


def elliptic_kernel(phi: Any, m: Any, n: int, p: float) -> Any:
    """∂ⁿ/∂mⁿ of (1 - m sin²φ)^-p."""
    return rising(p, n) * pow_(square(sin(phi)), float(n)) * pow_(delta_squared(phi, m), -p - n)


NODES = np.arange(-81, 82) / 24.0
FRACTIONS = 1.0 / (1.0 + np.exp(np.pi * np.sinh(NODES)))  # of [0, 1]
WEIGHTS = np.pi * np.cosh(NODES) * FRACTIONS * FRACTIONS[::-1] / 24.0


def elliptic_by_m_evaluate(phi: Any, m: Any, *, n: int, p: float) -> Any:
    """∂ⁿ/∂mⁿ of ∫_0^φ (1 - m sin²θ)^-p dθ; p = 1/2 for F and -1/2 for E (DLMF 19.2.4, 19.2.5).

    By the tanh-sinh rule of Takahasi and Mori 1974, which bears the near-singular ends: θ = π/2 for m near 1 and θ = 0
    for large negative m.  A formula with F and E divides by m.  Each half turn of φ adds twice the complete integral.
    """
    with np.errstate(all="ignore"):
        dtype = precision_of(phi, m)
        phi, m = np.broadcast_arrays(in_double(phi), in_double(m))
        turns = np.rint(phi / np.pi)
        rest = phi - np.pi * turns
        theta = rest[..., None] * FRACTIONS
        part = rest * np.sum(WEIGHTS * elliptic_kernel(theta, m[..., None], n, p), axis=-1)
        complete = (
            np.pi * rising(p, n) * rising(0.5, n) / math.factorial(n) * special.hyp2f1(p + n, 0.5 + n, 1.0 + n, m)
        )
        return np.where(turns == 0, part, part + turns * complete).astype(dtype)[()]


elliptic_by_m = row(
    "elliptic_by_m",
    elliptic_by_m_evaluate,
    partials=(elliptic_kernel, lambda phi, m, n, p: elliptic_by_m(phi, m, n=n + 1, p=p)),
    singular=True,
    domain=(0.2, 0.9),
    examples=[(((2, 3), (3,)), {"n": n, "p": p}) for n in (1, 2) for p in (0.5, -0.5)],
)
ellipkinc = row(
    "ellipkinc",
    lambda phi, m: special.ellipkinc(phi, m),
    partials=(
        lambda phi, m: pow_(delta_squared(phi, m), -0.5),
        lambda phi, m: elliptic_by_m(phi, m, n=1, p=0.5),
    ),
    singular=True,
    domain=(0.2, 0.9),
)
ellipeinc = row(
    "ellipeinc",
    lambda phi, m: special.ellipeinc(phi, m),
    partials=(lambda phi, m: sqrt(delta_squared(phi, m)), lambda phi, m: elliptic_by_m(phi, m, n=1, p=-0.5)),
    singular=True,
    domain=(0.2, 0.9),
)


def jacobi_slope(u: Any, m: Any, part: int) -> Any:
    """sn' = cn dn, cn' = -sn dn, dn' = -m sn cn, am' = dn; DLMF 22.13.1."""
    sn, cn, dn = [lambda p=p: ellipj(u, m, part=p) for p in range(3)]
    if part == 0:
        return cn() * dn()
    if part == 1:
        return -sn() * dn()
    return -m * sn() * cn() if part == 2 else dn()


ellipj = row(
    "ellipj",
    lambda u, m, *, part: special.ellipj(u, m)[part],
    partials=(jacobi_slope, Unknown("its derivative by the parameter m is not in the table")),
    domain=(0.2, 0.9),
    examples=[(((2, 3), (3,)), {"part": i}) for i in range(4)],
)

# ---------------------------------------------------------------- hypergeometric, DLMF 13.3.15, 13.3.22, 15.5.1

BY_PARAMETER = Unknown("its derivative by a parameter has no closed form")

hyp0f1 = row(
    "hyp0f1",
    lambda v, x: special.hyp0f1(v, x),
    partials=(BY_PARAMETER, lambda v, x: hyp0f1(v + 1.0, x) / v),
    examples=[((np.array([[0.7], [2.0]]), (3,)), {})],
)
hyp1f1 = row(
    "hyp1f1",
    lambda a, b, x: special.hyp1f1(a, b, x),
    partials=(BY_PARAMETER, BY_PARAMETER, lambda a, b, x: hyp1f1(a + 1.0, b + 1.0, x) * a / b),
    examples=[((np.array([[0.7], [2.0]]), np.array(1.3), (3,)), {})],
)
hyperu = row(
    "hyperu",
    lambda a, b, x: special.hyperu(a, b, x),
    partials=(BY_PARAMETER, BY_PARAMETER, lambda a, b, x: -a * hyperu(a + 1.0, b + 1.0, x)),
    singular=True,
    examples=[((np.array([[0.7], [2.0]]), np.array(1.3), np.array([0.5, 1.5, 3.0])), {})],
)
hyp2f1 = row(
    "hyp2f1",
    lambda a, b, c, x: special.hyp2f1(a, b, c, x),
    partials=(
        BY_PARAMETER,
        BY_PARAMETER,
        BY_PARAMETER,
        lambda a, b, c, x: hyp2f1(a + 1.0, b + 1.0, c + 1.0, x) * (a * b / c),
    ),
    singular=True,
    examples=[((np.array([[0.7], [2.0]]), np.array(1.3), np.array(2.2), np.array([0.5, -1.5, 0.2])), {})],
)
wright_bessel = row(  # Σ_k x^k / (k! Γ(ak + b))
    "wright_bessel",
    lambda a, b, x: special.wright_bessel(a, b, x),
    partials=(BY_PARAMETER, BY_PARAMETER, lambda a, b, x: wright_bessel(a, a + b, x)),
    examples=[((np.array([[0.7], [2.0]]), np.array(1.3), np.array([0.5, 1.5, 3.0])), {})],
)
log_wright_bessel = row(
    "log_wright_bessel",
    lambda a, b, x: special.log_wright_bessel(a, b, x),
    partials=(BY_PARAMETER, BY_PARAMETER, lambda a, b, x, out: exp(log_wright_bessel(a, a + b, x) - out)),
    examples=[((np.array([[0.7], [2.0]]), np.array(1.3), np.array([0.5, 1.5, 3.0])), {})],
)

# ---------------------------------------------------------------- orthogonal polynomials, DLMF 18.9.15 to 18.9.28

BY_DEGREE = Unknown("its derivative by the degree or a parameter has no closed form")
DEGREES = [((np.array([[0.0], [1.0], [4.0]]), np.array([0.4, -0.3, 0.9])), {})]
WHOLE_DEGREES = [((np.array([[0], [1], [4]]), np.array([0.4, -0.3, 0.9])), {})]


def lowered(n: Any) -> Any:
    """n - 1; for n = 0, where the derivative is 0, any degree that exists."""
    return where(equal(n, 0), 0, n - 1)


def some(n: Any) -> Any:
    """1, and 0 for the constant polynomial."""
    return where(not_equal(n, 0), 1.0, 0.0)


eval_jacobi = row(
    "eval_jacobi",
    lambda n, a, b, x: special.eval_jacobi(n, a, b, x),
    partials=(
        *(BY_DEGREE,) * 3,
        lambda n, a, b, x: some(n) * 0.5 * (n + a + b + 1.0) * eval_jacobi(lowered(n), a + 1.0, b + 1.0, x),
    ),
    examples=[((DEGREES[0][0][0], np.array(0.5), np.array(1.2), DEGREES[0][0][1]), {})],
)
eval_gegenbauer = row(
    "eval_gegenbauer",
    lambda n, a, x: special.eval_gegenbauer(n, a, x),
    partials=(*(BY_DEGREE,) * 2, lambda n, a, x: some(n) * 2.0 * a * eval_gegenbauer(lowered(n), a + 1.0, x)),
    examples=[((DEGREES[0][0][0], np.array(0.5), DEGREES[0][0][1]), {})],
)
eval_legendre = row(
    "eval_legendre",
    lambda n, x: special.eval_legendre(n, x),
    partials=(BY_DEGREE, lambda n, x: some(n) * eval_gegenbauer(lowered(n), 1.5, x)),
    examples=DEGREES,
)
eval_chebyt = row(
    "eval_chebyt",
    lambda n, x: special.eval_chebyt(n, x),
    partials=(BY_DEGREE, lambda n, x: n * eval_chebyu(lowered(n), x)),
    examples=DEGREES,
)
eval_chebyu = row(
    "eval_chebyu",
    lambda n, x: special.eval_chebyu(n, x),
    partials=(BY_DEGREE, lambda n, x: some(n) * 2.0 * eval_gegenbauer(lowered(n), 2.0, x)),
    examples=DEGREES,
)
eval_chebyc = row(  # 2 T_n(x/2)
    "eval_chebyc",
    lambda n, x: special.eval_chebyc(n, x),
    partials=(BY_DEGREE, lambda n, x: n * eval_chebys(lowered(n), x)),
    examples=DEGREES,
)
eval_chebys = row(  # U_n(x/2)
    "eval_chebys",
    lambda n, x: special.eval_chebys(n, x),
    partials=(BY_DEGREE, lambda n, x: some(n) * eval_gegenbauer(lowered(n), 2.0, 0.5 * x)),
    examples=DEGREES,
)
eval_hermite = row(
    "eval_hermite",
    lambda n, x: special.eval_hermite(n, x).astype(precision_of(x))[()],
    partials=(BY_DEGREE, lambda n, x: 2.0 * n * eval_hermite(lowered(n), x)),
    examples=WHOLE_DEGREES,
)
eval_hermitenorm = row(
    "eval_hermitenorm",
    lambda n, x: special.eval_hermitenorm(n, x).astype(precision_of(x))[()],
    partials=(BY_DEGREE, lambda n, x: n * eval_hermitenorm(lowered(n), x)),
    examples=WHOLE_DEGREES,
)
eval_genlaguerre = row(
    "eval_genlaguerre",
    lambda n, a, x: special.eval_genlaguerre(n, a, x),
    partials=(*(BY_DEGREE,) * 2, lambda n, a, x: -some(n) * eval_genlaguerre(lowered(n), a + 1.0, x)),
    examples=[((DEGREES[0][0][0], np.array(0.5), DEGREES[0][0][1]), {})],
)
eval_laguerre = row(
    "eval_laguerre",
    lambda n, x: special.eval_laguerre(n, x),
    partials=(BY_DEGREE, lambda n, x: -some(n) * eval_genlaguerre(lowered(n), 1.0, x)),
    examples=DEGREES,
)
eval_sh_jacobi = row(  # monic in x
    "eval_sh_jacobi",
    lambda n, p, q, x: special.eval_sh_jacobi(n, p, q, x),
    partials=(*(BY_DEGREE,) * 3, lambda n, p, q, x: n * eval_sh_jacobi(lowered(n), p + 2.0, q + 1.0, x)),
    examples=[((DEGREES[0][0][0], np.array(2.5), np.array(1.2), DEGREES[0][0][1]), {})],
)
