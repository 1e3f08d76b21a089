"""Derivatives of scipy.special against mpmath in 50 digits: ordinary points, special points, and far tails."""

import subprocess
import sys

import mpmath as mp
import numpy as np
import pytest
import scipy.special as sp

import wengert as wg
from calls.scipy_special import CALLS
from wengert.rules.names.absent import ABSENT
from wengert.rules.names.table import composition_of

REAL = [-30.0, -7.3, -1.2, -0.4, -1e-7, 0.0, 1e-9, 0.3, 0.99, 1.01, 2.6, 8.1, 31.0]
POSITIVE = [1e-7, 0.02, 0.3, 0.99, 1.3, 2.6, 8.1, 16.0, 400.0]
FAR = [*POSITIVE, 3e4]
UNIT = [1e-9, 0.02, 0.3, 0.501, 0.9, 0.999]


def normal(x):
    return mp.ncdf(x)


def log_normal(x):
    return mp.log(mp.erfc(-x / mp.sqrt(2)) / 2) if x < 0 else mp.log1p(-mp.erfc(x / mp.sqrt(2)) / 2)


def inverse(f, start):
    """The inverse function of f, from where SciPy finds it."""
    return lambda *args: mp.findroot(lambda t: f(*args[:-1], t) - args[-1], start(*args))


def incomplete_beta(a, b, x):
    x = mp.mpmathify(x)
    return x**a * (1 - x) ** b / (a * mp.beta(a, b)) * mp.hyp2f1(a + b, 1, a + 1, x)


def student(n, t):
    half = incomplete_beta(n / 2, mp.mpf(1) / 2, n / (n + t * t)) / 2
    return half if t < 0 else 1 - half


def quotient(f, at_zero=1):
    return lambda x: f(x) / x if x else mp.mpf(at_zero)


def ellipf(phi, m):
    return mp.ellipf(phi, m)


# function -> (the same in mpmath, points); a point of several operands is a tuple, differentiated by each
UNARY = {
    np.sinc: (mp.sincpi, [1e-9, 1e-3, 0.3, 0.63, 0.65, 0.97, 1.3, 4.2, -2.1, 1000.3]),
    np.i0: (lambda x: mp.besseli(0, x), [-20.0, -1e-5, 1e-9, 0.4, 7.9, 8.1, 200.0]),
    sp.erf: (mp.erf, REAL[2:-1]),
    sp.erfc: (mp.erfc, [*REAL[2:-1], 20.0]),
    sp.erfcx: (lambda x: mp.exp(x * x) * mp.erfc(x), [-7.0, -1.0, 0.0, 0.4, 0.99, 1.01, 5.0, 30.0, 70.0]),
    sp.erfi: (mp.erfi, REAL[2:-1]),
    sp.dawsn: (
        lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x),
        [-40.0, -6.1, -0.3, 0.0, 1.2, 3.0, 5.9, 6.1, 30.0],
    ),
    sp.erfinv: (mp.erfinv, [-0.999, -0.3, 0.0, 0.2, 0.99]),
    sp.erfcinv: (lambda x: mp.erfinv(1 - x), [1e-9, 0.2, 1.0, 1.7]),
    sp.ndtr: (normal, REAL[1:-1]),
    sp.log_ndtr: (log_normal, [-1e4, -60.0, *REAL]),
    sp.ndtri: (inverse(normal, lambda p: sp.ndtri(float(p))), [1e-30, 0.02, 0.3, 0.6, 0.999]),
    sp.ndtri_exp: (inverse(log_normal, lambda p: sp.ndtri_exp(float(p))), [-1e5, -300.0, -3.0, -0.6, -0.01]),
    sp.expit: (lambda x: 1 / (1 + mp.exp(-x)), [-600.0, *REAL]),
    sp.logit: (lambda x: mp.log(x / (1 - x)), UNIT),
    sp.log_expit: (lambda x: -mp.log1p(mp.exp(-x)), [-600.0, *REAL]),
    sp.softplus: (lambda x: mp.log1p(mp.exp(x)), [-600.0, *REAL]),
    sp.exprel: (quotient(mp.expm1), [-400.0, *REAL, 600.0]),
    sp.cosm1: (lambda x: mp.cos(x) - 1, REAL),
    sp.exp10: (lambda x: mp.mpf(10) ** x, REAL),
    sp.gamma: (mp.gamma, [-7.3, -1.2, *POSITIVE[1:-2], 150.0]),
    sp.gammaln: (lambda x: mp.log(abs(mp.gamma(x))), [-7.3, -1.2, *POSITIVE, 3e8]),
    sp.loggamma: (mp.loggamma, [*POSITIVE, 3e8]),
    sp.rgamma: (mp.rgamma, [-20.0, -7.3, -3.0, -1.0, -1e-9, 0.0, 1e-9, 0.4, 0.6, 4.2, 60.0]),
    sp.psi: (mp.digamma, [-7.3, -1.2, *POSITIVE, 3e8]),
    sp.zeta: (mp.zeta, [-9.3, -4.0, -0.3, 0.2, 0.9, 1.1, 2.0, 7.7, 40.0]),
    sp.zetac: (lambda x: mp.zeta(x) - 1, [-0.3, 1.1, 7.7]),
    sp.entr: (lambda x: -x * mp.log(x), [1e-9, 0.1, 0.8, 30.0]),
    sp.spence: (lambda x: mp.polylog(2, 1 - x), [1e-9, 0.2, 0.49, 0.51, 0.999999, 1.0, 1.000001, 1.4, 1.6, 70.0]),
    sp.expi: (mp.ei, [-20.0, -0.7, 0.01, 3.0, 40.0]),
    sp.exp1: (mp.e1, [0.01, 0.7, 3.0, 40.0, 300.0]),
    sp.wrightomega: (lambda x: mp.lambertw(mp.exp(x)).real, [-40.0, -1.0, 0.0, 3.0, 1e4]),
    sp.ellipk: (mp.ellipk, [-1e3, -2.0, -1e-9, 0.0, 1e-9, 0.3, 0.9, 0.99999]),
    sp.ellipe: (mp.ellipe, [-1e3, -2.0, -1e-9, 0.0, 1e-9, 0.3, 0.9, 0.99999]),
    sp.ellipkm1: (lambda p: mp.ellipk(1 - p), [1e-12, 1e-4, 0.3, 0.999, 1.0, 3.0]),
    sp.j0: (lambda x: mp.besselj(0, x), [-3.3, -1e-9, 0.0, 1e-5, 0.7, 9.0, 80.0]),
    sp.j1: (lambda x: mp.besselj(1, x), [-3.3, -1e-9, 0.0, 1e-5, 0.7, 9.0, 80.0]),
    sp.y0: (lambda x: mp.bessely(0, x), [1e-5, 0.7, 9.0, 80.0]),
    sp.y1: (lambda x: mp.bessely(1, x), [1e-5, 0.7, 9.0, 80.0]),
    sp.i0: (lambda x: mp.besseli(0, x), [-20.0, -1e-5, 0.0, 1e-9, 0.4, 7.9, 8.1, 200.0]),
    sp.i1: (lambda x: mp.besseli(1, x), [-20.0, -1e-5, 0.0, 1e-9, 0.4, 7.9, 8.1, 200.0]),
    sp.k0: (lambda x: mp.besselk(0, x), FAR[:-1]),
    sp.k1: (lambda x: mp.besselk(1, x), FAR[:-1]),
    sp.i0e: (lambda x: mp.besseli(0, x) * mp.exp(-abs(x)), [-900.0, -3.0, *FAR]),
    sp.i1e: (lambda x: mp.besseli(1, x) * mp.exp(-abs(x)), [-900.0, -3.0, *FAR]),
    sp.k0e: (lambda x: mp.besselk(0, x) * mp.exp(x), FAR),
    sp.k1e: (lambda x: mp.besselk(1, x) * mp.exp(x), FAR),
    sp.ber: (lambda x: mp.ber(0, x), [0.3, 2.6, 8.1, 20.0]),
    sp.bei: (lambda x: mp.bei(0, x), [0.3, 2.6, 8.1, 20.0]),
    sp.ker: (lambda x: mp.ker(0, x), [0.3, 2.6, 8.1, 20.0]),
    sp.kei: (lambda x: mp.kei(0, x), [0.3, 2.6, 8.1, 20.0]),
    sp.sindg: (lambda x: mp.sin(mp.radians(x)), [-100.0, -30.0, 0.0, 90.0, 123.4]),
    sp.cosdg: (lambda x: mp.cos(mp.radians(x)), [-100.0, -30.0, 0.0, 90.0, 123.4]),
    sp.tandg: (lambda x: mp.tan(mp.radians(x)), [-100.0, -30.0, 0.0, 123.4]),
    sp.cotdg: (lambda x: mp.cot(mp.radians(x)), [-100.0, -30.0, 123.4]),
}
SEVERAL = {
    sp.airy: (
        lambda x: (mp.airyai(x), mp.airyai(x, derivative=1), mp.airybi(x), mp.airybi(x, derivative=1)),
        [-20.0, -1.0, 1e-5, 0.7, 6.0],
    ),
    sp.sici: (lambda x: (mp.si(x), mp.ci(x)), [1e-5, 0.7, 2.1, 30.0]),
    sp.shichi: (lambda x: (mp.shi(x), mp.chi(x)), [1e-5, 0.7, 2.1, 30.0]),
    sp.fresnel: (lambda x: (mp.fresnels(x), mp.fresnelc(x)), [-3.3, 1e-5, 0.7, 2.1, 300.3]),
}
PAIRS = [(0.3, 0.7), (2.6, 0.4), (5.1, 31.0), (1e4, 0.3), (2.0, 3e4)]
BINARY = {
    sp.beta: (mp.beta, [(0.3, 0.7), (2.6, 0.4), (5.1, 31.0), (1e4, 0.3), (1e-4, 2.0)]),
    sp.betaln: (lambda a, b: mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b), [*PAIRS, (1e8, 2.0), (1e4, 1e4)]),
    sp.poch: (mp.rf, [(0.3, 0.7), (2.6, 0.4), (1e5, 0.3), (4.0, 20.0), (1e3, 1.0)]),
    sp.binom: (mp.binomial, [(5.3, 2.2), (60.0, 30.5), (1e4, 2.0), (7.0, 3.0), (2.5, -0.5)]),
    sp.zeta: (mp.zeta, [(1.1, 0.3), (2.0, 1.0), (3.3, 20.0), (30.0, 2.5), (8.0, 1e3)]),
    sp.xlogy: (lambda x, y: x * mp.log(y), [(0.3, 1e-9), (-2.0, 0.4), (3.0, 31.0)]),
    sp.xlog1py: (lambda x, y: x * mp.log1p(y), [(0.3, 1e-9), (-2.0, -0.4), (3.0, 31.0)]),
    sp.rel_entr: (lambda x, y: x * mp.log(x / y), [(0.3, 0.7), (1e-9, 2.0), (31.0, 0.2), (0.5, 0.5)]),
    sp.kl_div: (lambda x, y: x * mp.log(x / y) - x + y, [(0.3, 0.7), (1e-9, 2.0), (31.0, 0.2)]),
    sp.huber: (lambda d, r: r * r / 2 if abs(r) < d else d * (abs(r) - d / 2), [(1.0, 0.3), (1.0, -1.3), (0.2, 5.0)]),
    sp.pseudo_huber: (
        lambda d, r: d * d * (mp.sqrt(1 + (r / d) ** 2) - 1),
        [(1.0, 0.3), (1.0, -1e-5), (100.0, 0.2), (0.2, 50.0)],
    ),
    sp.boxcox: (
        lambda x, y: (x**y - 1) / y if y else mp.log(x),
        [(0.3, 0.7), (20.0, 1e-9), (2.0, 0.5), (5.0, -3.0), (1.0001, 2.0)],
    ),
    sp.boxcox1p: (
        lambda x, y: ((1 + x) ** y - 1) / y,
        [(0.3, 0.7), (20.0, 1e-9), (2.0, 0.5), (5.0, -3.0), (1e-6, 2.0)],
    ),
    sp.inv_boxcox: (lambda x, y: (1 + x * y) ** (1 / y), [(0.3, 0.7), (2.0, 1e-9), (0.2, -3.0), (20.0, 5.0)]),
    sp.inv_boxcox1p: (lambda x, y: (1 + x * y) ** (1 / y) - 1, [(0.3, 0.7), (2.0, 1e-9), (0.2, -3.0), (20.0, 5.0)]),
    sp.powm1: (lambda x, y: x**y - 1, [(0.3, 0.7), (1.0001, 3.0), (20.0, -2.0)]),
    sp.owens_t: (
        lambda h, a: mp.quad(lambda t: mp.exp(-h * h * (1 + t * t) / 2) / (1 + t * t), [0, a]) / (2 * mp.pi),
        [(0.3, 0.7), (-2.0, 0.4), (4.0, 3.0)],
    ),
    sp.gammainc: (
        lambda a, x: mp.gammainc(a, 0, x, regularized=True) if x < a else -mp.gammainc(a, x, regularized=True),
        [(a, x) for a in (1e-3, 0.3, 2.5, 40.0) for x in (1e-6, 0.4, 0.99, 1.01, 3.0, 37.0, 90.0)],
    ),
    sp.gammaincc: (
        lambda a, x: mp.gammainc(a, x, regularized=True) if x > a else -mp.gammainc(a, 0, x, regularized=True),
        [(0.3, 0.4), (2.5, 9.0), (40.0, 20.0)],
    ),
    sp.gammaincinv: (
        inverse(lambda a, x: mp.gammainc(a, 0, x, regularized=True), lambda a, y: sp.gammaincinv(float(a), float(y))),
        [(0.3, 0.4), (2.5, 0.01), (40.0, 0.9)],
    ),
    sp.gammainccinv: (
        inverse(lambda a, x: mp.gammainc(a, x, regularized=True), lambda a, y: sp.gammainccinv(float(a), float(y))),
        [(0.3, 0.4), (2.5, 0.01), (40.0, 0.9)],
    ),
    sp.chdtr: (lambda v, x: mp.gammainc(v / 2, 0, x / 2, regularized=True), [(0.6, 0.4), (5.0, 9.0), (40.0, 20.0)]),
    sp.stdtr: (student, [(n, t) for n in (0.6, 3.0, 30.0) for t in (-20.0, -0.4, 0.01, 1.7)]),
    sp.ellipkinc: (ellipf, [(p, m) for p in (0.01, 0.7, 1.5, -2.0, 4.0) for m in (-30.0, 0.0, 1e-6, 0.4, 0.98)]),
    sp.ellipeinc: (mp.ellipe, [(p, m) for p in (0.01, 0.7, 1.5, -2.0, 4.0) for m in (-30.0, 0.0, 1e-6, 0.4, 0.98)]),
}
TERNARY = {
    sp.betainc: (
        incomplete_beta,
        [(a, b, x) for a in (0.01, 0.7, 3.0, 40.0) for b in (0.01, 0.7, 3.0, 40.0) for x in (0.02, 0.3, 0.6)],
    ),
    sp.betaincinv: (
        inverse(incomplete_beta, lambda a, b, y: sp.betaincinv(float(a), float(b), float(y))),
        [(0.7, 0.3, 0.4), (3.0, 20.0, 0.1)],
    ),
    sp.fdtr: (
        lambda m, n, x: incomplete_beta(m / 2, n / 2, m * x / (n + m * x)),
        [(3.0, 5.0, 0.4), (1.3, 20.0, 2.0), (30.0, 4.0, 3.0)],
    ),
    sp.radian: (lambda d, m, s: mp.radians(d + m / 60 + s / 3600), [(1.0, 2.0, 3.0)]),
    sp.voigt_profile: (
        lambda x, s, g: (
            (lambda z: mp.exp(-z * z) * mp.erfc(-1j * z))((x + 1j * g) / (s * mp.sqrt(2))).real
            / (s * mp.sqrt(2 * mp.pi))
        ),
        [(0.3, 0.7, 0.2), (-2.0, 0.5, 1.5), (30.0, 0.9, 0.4)],
    ),
}
ORDERS = [(v, x) for v in (0.0, 1.0, 2.5, 7.0) for x in (1e-3, 0.7, 9.0, 16.0)]
# differentiated by the last operand only
BY_LAST = {
    sp.jv: (mp.besselj, [*ORDERS, (0.0, 0.0), (1.0, 0.0), (3.0, -2.0)]),
    sp.yv: (mp.bessely, ORDERS),
    sp.iv: (mp.besseli, [*ORDERS, (0.0, 0.0), (1.0, 0.0), (3.0, -2.0)]),
    sp.kv: (mp.besselk, ORDERS),
    sp.ive: (lambda v, x: mp.besseli(v, x) * mp.exp(-abs(x)), [*ORDERS, (2.0, 1e6), (3.0, -500.0), (3.0, -2.0)]),
    sp.kve: (lambda v, x: mp.besselk(v, x) * mp.exp(x), [*ORDERS, (2.0, 1e4)]),
    sp.struve: (mp.struveh, [(v, x) for v in (0.0, 1.0, 2.5) for x in (1e-3, 0.7, 9.0)]),
    sp.modstruve: (mp.struvel, [(v, x) for v in (0.0, 1.0, 2.5) for x in (1e-3, 0.7, 9.0)]),
    sp.spherical_jn: (
        lambda n, x: mp.sqrt(mp.pi / (2 * x)) * mp.besselj(n + mp.mpf(1) / 2, x),
        [(n, x) for n in (0, 1, 4) for x in (0.3, 2.0, 40.0)],
    ),
    sp.spherical_kn: (
        lambda n, x: mp.sqrt(mp.pi / (2 * x)) * mp.besselk(n + mp.mpf(1) / 2, x),
        [(n, x) for n in (0, 1, 4) for x in (0.3, 2.0, 40.0)],
    ),
    sp.expn: (mp.expint, [(n, x) for n in (0, 1, 2, 7) for x in (1e-3, 0.7, 9.0, 60.0)]),
    sp.hyp0f1: (mp.hyp0f1, [(0.4, 0.7), (2.5, -9.0)]),
    sp.hyp1f1: (mp.hyp1f1, [(0.4, 1.3, 0.7), (2.5, 0.3, -9.0)]),
    sp.hyp2f1: (mp.hyp2f1, [(0.4, 1.3, 2.2, 0.7), (2.5, 0.3, 1.7, -9.0)]),
    sp.hyperu: (mp.hyperu, [(0.4, 1.3, 0.7), (2.5, 0.3, 9.0)]),
    sp.eval_legendre: (mp.legendre, [(n, x) for n in (0, 1, 2, 6) for x in (-0.7, 0.0, 0.3, 1.0, 2.0)]),
    sp.eval_chebyt: (mp.chebyt, [(n, x) for n in (0, 1, 2, 6) for x in (-0.7, 0.1, 0.3, 0.999, 2.0)]),
    sp.eval_chebyu: (mp.chebyu, [(n, x) for n in (0, 1, 2, 6) for x in (-0.7, 0.1, 0.3, 0.999, 2.0)]),
    sp.eval_hermite: (mp.hermite, [(n, x) for n in (0, 1, 2, 6) for x in (-0.7, 0.1, 0.3, 1.0, 2.0)]),
    sp.eval_laguerre: (lambda n, x: mp.laguerre(n, 0, x), [(n, x) for n in (0, 1, 2, 6) for x in (-0.7, 0.3, 2.0)]),
    sp.polygamma: (mp.psi, [(n, x) for n in (0, 1, 3) for x in (-2.3, 0.02, 0.7, 9.0, 1e6)]),
    sp.multigammaln: (
        lambda d, a: sum(mp.loggamma(a - mp.mpf(j) / 2) for j in range(d)),
        [(1, 0.7), (3, 2.2), (5, 300.0)],
    ),
}
ARRANGED = {sp.multigammaln: lambda d, a: sp.multigammaln(a, d)}

CASES = [(f, g, (p,), 0) for f, (g, points) in UNARY.items() for p in points]
CASES += [(f, g, p, k) for f, (g, points) in {**BINARY, **TERNARY}.items() for p in points for k in range(len(p))]
CASES += [(f, g, p, len(p) - 1) for f, (g, points) in BY_LAST.items() for p in points]
CASES = [(ARRANGED.get(f, f), g, p, k) for f, g, p, k in CASES]
SPLIT = [
    (lambda x, f=f, i=i: f(x)[i], lambda x, g=g, i=i: g(x)[i], (p,), 0, f"{f.__name__}[{i}]")
    for f, (g, points) in SEVERAL.items()
    for p in points
    for i in range(len(g(mp.mpf(1))))
]
CASES = [(*case, getattr(case[0], "__name__", "")) for case in CASES] + SPLIT
CASES = [pytest.param(*case, id=f"{case[4]}{case[2]}by{case[3]}") for case in CASES]


def exact(g, point, k, order):
    with mp.workdps(50):
        along = lambda t: g(*[t if i == k else p if isinstance(p, int) else mp.mpf(p) for i, p in enumerate(point)])
        derivative = mp.re(mp.diff(along, mp.mpf(point[k]), order))
        return 0.0 if abs(derivative) < 1e-40 * abs(along(mp.mpf(point[k]))) else float(derivative)


def assert_precise(got, want, digits=1e-10):
    assert abs(got - want) <= digits * abs(want) + 1e-250, f"{got!r} is not {want!r}"


@pytest.mark.parametrize("f, g, point, k, name", CASES)
def test_first_and_second_derivative_have_ten_digits(f, g, point, k, name):
    along = lambda t: f(*point[:k], t, *point[k + 1 :])
    with np.errstate(all="ignore"):
        first, second = wg.derivative(along), wg.derivative(wg.derivative(along))
        once, twice = exact(g, point, k, 1), exact(g, point, k, 2)
        assert_precise(first(point[k]), once)
        assert_precise(wg.grad(along)(point[k]), once)
        assert_precise(second(point[k]), twice)
        assert_precise(wg.grad(wg.grad(along))(point[k]), twice)


# ---------------------------------------------------------------- conventions


@pytest.mark.parametrize(
    "f, point, expected",
    [
        (sp.i0e, (0.0,), (0.0,)),  # a kink: I_0' - sign(0) I_0
        (sp.xlogy, (0.0, 0.0), (-np.inf, 0.0)),
        (sp.xlogy, (0.0, 2.0), (np.log(2.0), 0.0)),
        (sp.xlog1py, (0.0, -1.0), (-np.inf, 0.0)),
        (sp.entr, (0.0,), (np.inf,)),
        (sp.rel_entr, (0.0, 2.0), (-np.inf, 0.0)),
        (sp.kl_div, (0.0, 0.0), (np.nan, 1.0)),
        (sp.huber, (1.0, 1.0), (0.0, 1.0)),
        (sp.boxcox, (2.0, 0.0), (0.5, np.log(2.0) ** 2 / 2)),
        (sp.inv_boxcox, (2.0, 0.0), (np.exp(2.0), -2.0 * np.exp(2.0))),
        (sp.gammainc, (1.0, 0.0), (0.0, 1.0)),
        (sp.gammainc, (2.5, 0.0), (0.0, 0.0)),
        (sp.betainc, (1.0, 3.0, 0.0), (0.0, 0.0, 3.0)),
        (sp.gammasgn, (-0.5,), (0.0,)),
        (sp.round, (0.4,), (0.0,)),
        (sp.rgamma, (-2.0,), (2.0,)),
        (sp.ellipk, (0.0,), (np.pi / 8,)),
        (sp.lambertw, (0.0,), (1.0,)),
    ],
    ids=lambda x: getattr(x, "__name__", None),
)
def test_special_points(f, point, expected):
    real = lambda *xs: np.real(f(*xs))
    with np.errstate(all="ignore"):
        got = wg.grad(real, argnums=tuple(range(len(point))))(*point)
    np.testing.assert_allclose(got, expected, rtol=1e-15)


def test_logsumexp_of_nothing_has_no_slope():
    a = np.array([[-np.inf, -np.inf], [0.0, -np.inf]])
    with np.errstate(divide="ignore"):
        for order in (wg.jacrev, wg.jacfwd):
            slopes = order(lambda x: sp.logsumexp(x, axis=1))(a)
            np.testing.assert_array_equal(slopes, [[[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [1.0, 0.0]]])


def test_logsumexp_keeps_a_small_second_term():
    a = np.array([0.0, -40.0])
    assert wg.value_and_grad(sp.logsumexp)(a)[0] == sp.logsumexp(a) == np.log1p(np.exp(-40.0))


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    "f, args, operand",
    [(sp.jv, (0.5, 1.3), "v"), (sp.hyp2f1, (0.5, 1.3, 2.1, 0.3), "a"), (sp.eval_legendre, (2.0, 0.3), "n")],
    ids=lambda x: getattr(x, "__name__", None),
)
@pytest.mark.parametrize("derivative", [wg.grad, wg.derivative])
def test_an_operand_without_derivative_is_refused_at_its_line(f, args, operand, derivative):
    with pytest.raises(wg.Diagnostic, match=f"W301 `{f.__name__}` has no rule for its operand `{operand}`") as caught:
        derivative(lambda v: 2.0 * f(v, *args[1:]))(args[0])
    assert caught.value.where.filename == __file__
    assert np.isfinite(wg.grad(lambda x: f(*args[:-1], x))(args[-1]))


def test_an_operand_without_derivative_may_be_batched():
    orders = np.array([0.0, 1.5, 3.0])
    np.testing.assert_array_equal(wg.vmap(lambda v: sp.jv(v, 0.7))(orders), sp.jv(orders, 0.7))


@pytest.mark.parametrize("f", [sp.ive, sp.jve, sp.yve], ids=lambda f: f.__name__)
def test_scaled_functions_of_complex_numbers_are_not_holomorphic(f):
    with pytest.raises(wg.Diagnostic, match="W301 .* complex"):
        wg.derivative(lambda z: f(1.0, z))(0.3 + 0.4j)


# ---------------------------------------------------------------- the list is complete


def public_functions():
    return [name for name in dir(sp) if not name.startswith("_") and callable(getattr(sp, name))]


@pytest.mark.parametrize("name", public_functions())
def test_every_public_function_has_a_meaning_or_a_reason(name):
    function = getattr(sp, name)
    has_rule = composition_of(function) is not None
    assert has_rule != (f"scipy.special.{name}" in ABSENT)
    assert not has_rule or function in CALLS


def test_importing_wengert_does_not_import_scipy_special():
    program = "import sys, wengert; assert 'scipy.special' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
