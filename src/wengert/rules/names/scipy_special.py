"""scipy.special, and the two special functions of NumPy."""

import math
from functools import partial
from typing import Any

import numpy as np

from wengert.core.mode import Value, is_staged
from wengert.core.types import dtype_of, shape_of
from wengert.rules import bessel, elementwise, hypergeometric, incomplete, special
from wengert.rules.elementwise import stop_gradient
from wengert.rules.elementwise import where as select
from wengert.rules.names.operands import (
    arrayed,
    axes_of,
    convert_to,
    in_double,
    no_keywords,
    operand_of,
    representative,
    strong,
)
from wengert.rules.names.reductions import max_, sum_
from wengert.rules.names.shape import reduced
from wengert.rules.names.table import NAMES, name

ROWS = {  # rows that carry SciPy's own name and operands
    special: """
        erf erfc erfi erfinv erfcinv wofz ndtr ndtri log_ndtr ndtri_exp owens_t expit logit log_expit
        gamma gammaln loggamma rgamma gammasgn beta betaln poch binom xlogy xlog1py entr rel_entr kl_div
        voigt_profile zetac huber pseudo_huber boxcox boxcox1p inv_boxcox inv_boxcox1p powm1 exp10 cosm1
    """,
    incomplete: """
        gammainc gammaincc gammaincinv gammainccinv betainc betaincc betaincinv betainccinv stdtr stdtrit fdtr
        fdtrc fdtri
    """,
    bessel: """
        jv yv yn j0 j1 y0 y1 jve yve hankel1 hankel2 hankel1e hankel2e iv kv kn i0 i1 k0 k1 i0e i1e k0e k1e
        struve modstruve itstruve0 itmodstruve0
    """,
    hypergeometric: """
        expi exp1 expn spence wrightomega ellipk ellipe ellipkm1 ellipkinc ellipeinc hyp0f1 hyp1f1 hyperu hyp2f1
        wright_bessel log_wright_bessel eval_jacobi eval_gegenbauer eval_legendre eval_chebyt eval_chebyu eval_chebyc
        eval_chebys eval_hermite eval_hermitenorm eval_genlaguerre eval_laguerre eval_sh_jacobi
    """,
    elementwise: "expm1 log1p cbrt exp2",
}
for module, names in ROWS.items():
    NAMES.update({f"scipy.special.{same}": getattr(module, same) for same in names.split()})

NAMES.update(
    {
        np.sinc: partial(special.sinc, n=0),
        np.i0: bessel.numpy_i0,
        "scipy.special.erfcx": partial(special.erfcx, n=0),
        "scipy.special.dawsn": partial(special.dawsn, n=0),
        "scipy.special.exprel": partial(special.exprel, n=0),
        "scipy.special.psi": partial(special.polygamma, n=0),
        "scipy.special.polygamma": lambda n, x: special.polygamma(operand_of(x), n=int(n)),
        "scipy.special.round": special.round_half_even,
        "scipy.special.ive": partial(bessel.ive, n=0),
        "scipy.special.kve": partial(bessel.kve, n=0),
        "scipy.special.sindg": lambda x: special.degrees(x, quarter=0),
        "scipy.special.cosdg": lambda x: special.degrees(x, quarter=1),
        "scipy.special.tandg": special.tandg,
        "scipy.special.cotdg": special.cotdg,
        "scipy.special.radian": special.radian,
    }
)


def as_array(x: Any) -> Any:
    """As NumPy's asarray, whose result is not weak."""
    if isinstance(x, Value | list | tuple):
        return strong(x)
    return np.asarray(x)


# ---------------------------------------------------------------- several results


def results_of(row: Any, count: int) -> Any:
    return lambda *operands: tuple(row(*operands, part=i) for i in range(count))


NAMES.update(
    {
        "scipy.special.airy": results_of(bessel.airy, 4),
        "scipy.special.itairy": results_of(bessel.integral_airy, 4),
        "scipy.special.ellipj": results_of(hypergeometric.ellipj, 4),
        "scipy.special.sici": results_of(bessel.sici, 2),
        "scipy.special.shichi": results_of(bessel.shichi, 2),
        "scipy.special.fresnel": results_of(bessel.fresnel, 2),
        "scipy.special.iti0k0": results_of(bessel.integral_i0_k0, 2),
        "scipy.special.itj0y0": results_of(bessel.integral_j0_y0, 2),
        "scipy.special.pbdv": results_of(bessel.parabolic_d, 2),
    }
)
for kind in ("ber", "bei", "ker", "kei"):
    NAMES[f"scipy.special.{kind}"] = partial(bessel.kelvin, kind=kind, n=0)
    NAMES[f"scipy.special.{kind}p"] = partial(bessel.kelvin, kind=kind, n=1)


@name("scipy.special.kelvin")
def kelvin(x: Any) -> Any:
    pairs = [("ber", "bei", 0), ("ker", "kei", 0), ("ber", "bei", 1), ("ker", "kei", 1)]
    return tuple(bessel.kelvin(x, kind=re, n=n) + 1j * bessel.kelvin(x, kind=im, n=n) for re, im, n in pairs)


# ---------------------------------------------------------------- derivatives of Bessel functions as functions


def bessel_derivative(called: str, row: Any, sign: float, phase: float = 1.0) -> Any:
    """(d/dz)ⁿ C_v(z) = 2⁻ⁿ Σ_k signᵏ binom(n, k) C_{v-n+2k}(z) (DLMF 10.6.7, 10.29.5), phase = -1 each time for K."""

    def composition(v: Any, z: Any, n: int = 1) -> Any:
        if n < 0 or n != int(n):
            raise ValueError(f"{called}: n must be a non-negative integer, not {n}")
        v, z = as_array(v), arrayed(z)
        terms = [sign**k * math.comb(n, k) * row(v - float(n) + 2.0 * k, z) for k in range(int(n) + 1)]
        return sum(terms[1:], terms[0]) * (phase / 2.0) ** n if n else row(v, z)

    return composition


NAMES["scipy.special.jvp"] = bessel_derivative("jvp", bessel.jv, -1.0)
NAMES["scipy.special.yvp"] = bessel_derivative("yvp", bessel.yv, -1.0)
NAMES["scipy.special.h1vp"] = bessel_derivative("h1vp", bessel.hankel1, -1.0)
NAMES["scipy.special.h2vp"] = bessel_derivative("h2vp", bessel.hankel2, -1.0)
NAMES["scipy.special.ivp"] = bessel_derivative("ivp", bessel.iv, 1.0)
NAMES["scipy.special.kvp"] = bessel_derivative("kvp", bessel.kv, 1.0, -1.0)


def spherical(row: Any, derivative_row: Any) -> Any:
    def composition(n: Any, z: Any, derivative: bool = False) -> Any:
        z = arrayed(z)
        out = (derivative_row if derivative else row)(n if is_staged(n) else np.asarray(n, int)[()], z)
        return convert_to(out, special.precision_of(representative(z)))

    return composition


for kind in ("spherical_jn", "spherical_yn", "spherical_in", "spherical_kn"):
    row = getattr(bessel, kind)
    NAMES[f"scipy.special.{kind}"] = spherical(row, row.partials[1])

# ---------------------------------------------------------------- polynomials in 2x - 1, and by other operands


@name("scipy.special.eval_sh_legendre")
def eval_sh_legendre(n: Any, x: Any) -> Any:
    return hypergeometric.eval_legendre(n, 2.0 * x - 1.0)


@name("scipy.special.eval_sh_chebyt")
def eval_sh_chebyt(n: Any, x: Any) -> Any:
    return hypergeometric.eval_chebyt(n, 2.0 * x - 1.0)


@name("scipy.special.eval_sh_chebyu")
def eval_sh_chebyu(n: Any, x: Any) -> Any:
    return hypergeometric.eval_chebyu(n, 2.0 * x - 1.0)


@name("scipy.special.assoc_laguerre")
def assoc_laguerre(x: Any, n: Any, k: Any = 0.0) -> Any:
    return hypergeometric.eval_genlaguerre(n, k, arrayed(x))


# ---------------------------------------------------------------- distributions: incomplete gamma and beta functions


def distribution(called: str) -> Any:
    """Register a composition that computes in double precision, and returns the precision of its operands."""

    def register(composition: Any) -> Any:
        def in_precision(*operands: Any) -> Any:
            dtype = special.precision_of(*[representative(x) for x in operands])
            return convert_to(composition(*[in_double(x) for x in operands]), dtype)

        return name(called)(in_precision)

    return register


@distribution("scipy.special.chdtr")
def chdtr(v: Any, x: Any) -> Any:
    return incomplete.gammainc(0.5 * v, 0.5 * x)


@distribution("scipy.special.chdtrc")
def chdtrc(v: Any, x: Any) -> Any:
    return incomplete.gammaincc(0.5 * v, 0.5 * x)


@distribution("scipy.special.chdtri")
def chdtri(v: Any, p: Any) -> Any:
    return 2.0 * incomplete.gammainccinv(0.5 * v, p)


@distribution("scipy.special.gdtr")
def gdtr(a: Any, b: Any, x: Any) -> Any:
    return incomplete.gammainc(b, a * x)


@distribution("scipy.special.gdtrc")
def gdtrc(a: Any, b: Any, x: Any) -> Any:
    return incomplete.gammaincc(b, a * x)


@distribution("scipy.special.gdtrix")
def gdtrix(a: Any, b: Any, p: Any) -> Any:
    return incomplete.gammaincinv(b, p) / a


@distribution("scipy.special.gdtria")
def gdtria(p: Any, b: Any, x: Any) -> Any:
    return incomplete.gammaincinv(b, p) / x


@distribution("scipy.special.pdtr")
def pdtr(k: Any, m: Any) -> Any:
    return incomplete.gammaincc(elementwise.floor(k) + 1.0, m)


@distribution("scipy.special.pdtrc")
def pdtrc(k: Any, m: Any) -> Any:
    return incomplete.gammainc(elementwise.floor(k) + 1.0, m)


@distribution("scipy.special.pdtri")
def pdtri(k: Any, y: Any) -> Any:
    return incomplete.gammainccinv(elementwise.floor(k) + 1.0, y)


@distribution("scipy.special.bdtr")
def bdtr(k: Any, n: Any, p: Any) -> Any:
    k = elementwise.floor(k)
    return incomplete.betaincc(k + 1.0, n - k, p)


@distribution("scipy.special.bdtrc")
def bdtrc(k: Any, n: Any, p: Any) -> Any:
    k = elementwise.floor(k)
    return incomplete.betainc(k + 1.0, n - k, p)


@distribution("scipy.special.bdtri")
def bdtri(k: Any, n: Any, y: Any) -> Any:
    k = elementwise.floor(k)
    return incomplete.betainccinv(k + 1.0, n - k, y)


@distribution("scipy.special.nbdtr")
def nbdtr(k: Any, n: Any, p: Any) -> Any:
    return incomplete.betainc(n, elementwise.floor(k) + 1.0, p)


@distribution("scipy.special.nbdtrc")
def nbdtrc(k: Any, n: Any, p: Any) -> Any:
    return incomplete.betaincc(n, elementwise.floor(k) + 1.0, p)


@distribution("scipy.special.nbdtri")
def nbdtri(k: Any, n: Any, y: Any) -> Any:
    return incomplete.betaincinv(n, elementwise.floor(k) + 1.0, y)


@distribution("scipy.special.nrdtrimn")
def nrdtrimn(p: Any, std: Any, x: Any) -> Any:
    return x - std * special.ndtri(p)


@distribution("scipy.special.nrdtrisd")
def nrdtrisd(mn: Any, p: Any, x: Any) -> Any:
    return (x - mn) / special.ndtri(p)


# ---------------------------------------------------------------- counting, for real arguments


@name("scipy.special.comb")
def comb(N: Any, k: Any, *, exact: bool = False, repetition: bool = False) -> Any:
    no_keywords("scipy.special.comb", exact=exact or None)
    N, k = as_array(N), as_array(k)
    if repetition:
        only = elementwise.logical_and(elementwise.equal(k, 0), elementwise.greater_equal(N, 0))
        return select(only, 1.0, special.binom(N + k - 1.0, k))
    return select(countable(N, k), special.binom(N, k), 0.0)


@name("scipy.special.perm")
def perm(N: Any, k: Any, exact: bool = False) -> Any:
    no_keywords("scipy.special.perm", exact=exact or None)
    N, k = as_array(N), as_array(k)
    return select(countable(N, k), special.poch(N - k + 1.0, k), 0.0)


def countable(N: Any, k: Any) -> Any:
    both = elementwise.logical_and(elementwise.greater_equal(N, 0), elementwise.greater_equal(k, 0))
    return elementwise.logical_and(both, elementwise.less_equal(k, N))


@name("scipy.special.factorial")
def factorial(n: Any, exact: bool = False, extend: str = "zero") -> Any:
    no_keywords("scipy.special.factorial", exact=exact or None)
    n = in_double(arrayed(n))
    if extend == "complex":
        return special.gamma(n + 1.0)
    negative = elementwise.less(n, 0)
    return select(negative, 0.0, special.gamma(select(negative, 0.0, n) + 1.0))


@name("scipy.special.multigammaln")
def multigammaln(a: Any, d: Any) -> Any:
    return special.multigammaln(arrayed(a), d=int(d) if d == int(d) else d)


@name("scipy.special.zeta")
def zeta(x: Any, q: Any = None, out: Any = None) -> Any:
    no_keywords("scipy.special.zeta", out=out)
    return special.riemann_zeta(arrayed(x)) if q is None else special.zeta(arrayed(x), arrayed(q), n=0)


@name("scipy.special.lambertw")
def lambertw(z: Any, k: Any = 0, tol: float = 1e-8) -> Any:
    return hypergeometric.lambertw(arrayed(z), k=k, tol=tol)


# ---------------------------------------------------------------- sums of exponentials


@name("scipy.special.logsumexp")
def log_sum_exp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False) -> Any:
    """The terms that are largest are summed apart, m, from the rest, s: log(m + s) = log m + log1p(s / m).

    As in SciPy, b = 0 takes a term out whatever its exponent.  The sum of no terms, log 0 = -inf, has the slope 0.
    """
    a = arrayed(a)
    counted = a if b is None else select(elementwise.equal(arrayed(b), 0), -np.inf, a)
    largest = plain_largest(counted, axis)
    terms = elementwise.exp(a - largest)
    terms = terms if b is None else elementwise.scale(terms, arrayed(b))
    top = elementwise.equal(special.real_part(counted), largest)
    m, s = (sum_(select(mask, terms, 0.0), axis, keepdims=True) for mask in (top, elementwise.logical_not(top)))
    out = log_of_two(m, s) + largest if dtype_of(a).kind != "c" else elementwise.log(m + s) + largest
    signs = elementwise.sign(m + s)
    if not return_sign:
        out = select(elementwise.less(special.real_part(signs), 0), np.nan, out) if dtype_of(a).kind != "c" else out
    results = (out, signs) if return_sign else (out,)
    axes = axes_of(axis, len(shape_of(a)))
    shape = tuple(n for i, n in enumerate(shape_of(a)) if i not in axes)
    results = results if keepdims else tuple(reduced(r, shape) for r in results)
    return results if return_sign else results[0]


def log_of_two(m: Any, s: Any) -> Any:
    """log|m + s|, precise for |s| << |m|."""
    none = elementwise.equal(m, 0)
    ratio = s / select(none, 1.0, m)
    ratio = select(elementwise.less(ratio, -1.0), -2.0 - ratio, ratio)  # |1 + ratio| - 1
    usual = elementwise.log1p(select(none, 0.0, ratio)) + elementwise.log(elementwise.abs_(select(none, 1.0, m)))
    nothing = elementwise.equal(s, 0)
    alone = select(nothing, -np.inf, elementwise.log(elementwise.abs_(select(used(none, nothing), s, 1.0))))
    return select(none, alone, usual)


def used(none: Any, nothing: Any) -> Any:
    return elementwise.logical_and(none, elementwise.logical_not(nothing))


def plain_largest(a: Any, axis: Any) -> Any:
    """The value that only shifts the exponents: the result does not depend on it, so it carries no derivative."""
    if 0 in shape_of(a):
        return 0.0
    shift = max_(special.real_part(stop_gradient(a)), axis, keepdims=True)
    return select(elementwise.isfinite(shift), shift, 0.0)


@name("scipy.special.softmax")
def soft_max(x: Any, axis: Any = None) -> Any:
    x = arrayed(x)
    exponentials = elementwise.exp(x - plain_largest(x, axis))
    return exponentials / sum_(exponentials, axis, keepdims=True)


@name("scipy.special.log_softmax")
def log_soft_max(x: Any, axis: Any = None) -> Any:
    x = arrayed(x)
    shifted = x - plain_largest(x, axis)
    return shifted - elementwise.log(sum_(elementwise.exp(shifted), axis, keepdims=True))


@name("scipy.special.softplus")
def softplus(x: Any, **kwargs: Any) -> Any:
    """log(1 + exp x); as logaddexp(0, x), its second derivative would cancel for large x."""
    no_keywords("scipy.special.softplus", **kwargs)
    return -special.log_expit(-arrayed(x))


@name(np.kaiser)
def kaiser(M: int, beta: Any) -> Any:
    """I0(beta sqrt(1 - u**2)) / I0(beta), u from -1 to 1."""
    if M <= 1:
        return np.kaiser(M, 0.0)
    middle = (M - 1) / 2.0
    u = (np.arange(0.0, M) - middle) / middle
    beta = in_double(beta)
    return bessel.numpy_i0(beta * np.sqrt(1.0 - u**2.0)) / bessel.numpy_i0(beta)
