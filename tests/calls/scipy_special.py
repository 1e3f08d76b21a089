"""Calls of scipy.special, and of NumPy's two special functions."""

import numpy as np
import scipy.special as sp

from calls.call import calls, each
from calls.elementwise import UNARY

SPECIAL = [c for c in UNARY if "where" not in c.kwargs]  # SciPy 1.17 does not honour `where`
ANYWHERE = SPECIAL + calls("SIGNED")
FUNCTION = calls("A; 0.3; ZERO_D; EMPTY; [0.3, 0.6], listed=True")  # not a ufunc
PAIR = calls("A, B; A, V; 0.3, A; A, 2; ZERO_D, A; EMPTY, V; A, B, out=True; [0.3, 0.6, 0.2], A")
FIRST_FIXED = calls("2, A; Fixed(V), B; Fixed(A), B, out=True; INTS, A")
ORDERED = FIRST_FIXED + calls("0, 1.0 + A; 1, A; 3, 0.7; Fixed(2.5), ZERO_D; 2, EMPTY; 2, [0.3, 0.6], listed=True")
DEGREES = calls(
    "0, A; 1, SIGNED; 5, A; INTS, 0.3; INTS, SIGNED; 3, ZERO_D; 2, EMPTY; 4, A, out=True; 2, [0.3, 0.6], listed=True"
)

CALLS = {
    np.sinc: FUNCTION[:-1] + calls("SIGNED; A * 1j"),
    np.i0: calls("A; ZERO_D; EMPTY; SIGNED; 10.0 * A"),
    **each([sp.erf, sp.erfc, sp.erfi, sp.erfcx, sp.dawsn, sp.ndtr, sp.log_ndtr, sp.expit, sp.log_expit], ANYWHERE),
    **each([sp.exprel, sp.cosm1, sp.expm1, sp.exp2, sp.exp10, sp.cbrt, sp.sindg, sp.cosdg, sp.tandg], ANYWHERE),
    **each(
        [sp.rgamma, sp.i0, sp.i1, sp.j0, sp.j1, sp.i0e, sp.i1e, sp.wrightomega, sp.ellipk, sp.ellipe], ANYWHERE[:-1]
    ),
    **each([sp.logit, sp.gamma, sp.gammaln, sp.loggamma, sp.psi], SPECIAL),  # sp.digamma is sp.psi
    **each([sp.erfinv, sp.erfcinv, sp.ndtri, sp.entr, sp.log1p, sp.cotdg, sp.ellipkm1, sp.spence], SPECIAL),
    **each([sp.k0, sp.k1, sp.k0e, sp.k1e, sp.y0, sp.y1, sp.expi, sp.exp1, sp.zetac], SPECIAL),
    **each([sp.ber, sp.bei, sp.ker, sp.kei, sp.berp, sp.beip, sp.kerp, sp.keip], SPECIAL),
    **each([sp.itstruve0, sp.itmodstruve0], SPECIAL),
    **each([sp.gammasgn, sp.round], calls("SIGNED; 1.7; ZERO_D; EMPTY")),
    sp.ndtri_exp: calls("-A; -0.3; EMPTY"),
    sp.wofz: calls("COMPLEX; COMPLEX[0]; 0.3 + 0.2j"),
    sp.softplus: FUNCTION + calls("SIGNED"),
    sp.polygamma: calls("0, A; 1, A; 2, 0.8; 1, [0.3, 0.6], listed=True"),
    sp.multigammaln: calls("1.0 + A, 2; 2.3, 3; A, 1; [0.7, 0.9], 2, listed=True"),
    sp.zeta: calls("1.5 + A; 3.0; 1.5 + A, B; 3, B; 2.5, 0.4; Fixed(1.5 + A), B; [1.7, 2.9], listed=True"),
    **each(
        [sp.xlogy, sp.xlog1py, sp.rel_entr, sp.kl_div, sp.huber, sp.pseudo_huber], PAIR + calls("0, A; A, Fixed(B)")
    ),
    **each([sp.boxcox, sp.boxcox1p, sp.inv_boxcox, sp.inv_boxcox1p, sp.powm1, sp.owens_t], PAIR + calls("A, 0")),
    **each([sp.beta, sp.betaln, sp.poch, sp.gammainc, sp.gammaincc], PAIR),
    **each([sp.gammaincinv, sp.gammainccinv, sp.stdtrit], [c for c in PAIR if c.text != "A, 2"]),
    **each([sp.chdtr, sp.chdtrc, sp.stdtr, sp.pdtr, sp.pdtrc], PAIR),
    sp.chdtri: calls("1.0 + A, B; INTS, A; 2.5, 0.4; EMPTY, V"),
    sp.pdtri: calls("INTS, A; INTS, 0.4; np.int64(2), A"),
    sp.binom: PAIR + calls("5.0 + A, 2; 7, A"),
    sp.comb: calls(
        "5.0 + A, 2; 5.0 + A, B; 5, A; 4.5, 2; A, 3; 2.0 + A, 3, repetition=True; [4.5, 3.5], 2, listed=True"
    ),
    sp.perm: calls("5.0 + A, 2; 5.0 + A, B; 4.5, 2; A, 3"),
    sp.factorial: calls("A; 2.3; SIGNED; EMPTY"),
    sp.radian: calls("A, B, V; 0.3, 0.2, A; A, 1, 2"),
    sp.voigt_profile: calls("A, B, 0.3; SIGNED, 0.5, V; 0.3, 0.2, A; A, Fixed(B), 1"),
    **each(
        [sp.betainc, sp.betaincc], calls("A, B, 0.3; 2.0, V, A; 0.3, 0.2, 0.4; 3, 2, A; 1.0 + A, Fixed(V), 0.5 * B")
    ),
    **each([sp.betaincinv, sp.betainccinv], calls("1.0 + A, B, 0.3; 2.0, 1.0 + V, A; 3, 2, A; 1.5, Fixed(V), 0.5")),
    **each([sp.gdtr, sp.gdtrc, sp.gdtrix], calls("A, B, 0.3; 2.0, V, A; 1, 2, A; 0.3, 0.7, 0.6")),
    sp.gdtria: calls("A, B, 0.3; 0.3, V, A; 0.4, 2, A"),
    **each(
        [sp.bdtr, sp.bdtrc, sp.nbdtr, sp.nbdtrc, sp.nbdtri],
        calls("2, FIVE, A; INTS, FIVE, 0.3; 1, FIVE, 0.6; 2, FIVE, EMPTY", FIVE=np.int64(5)),
    ),
    sp.bdtri: calls("2, FIVE, A; 1, FIVE, 0.6", FIVE=np.int64(5)),
    **each([sp.fdtr, sp.fdtrc, sp.fdtri], calls("1.0 + A, B, 0.3; 2.0, 1.0 + V, A; 3, 4, A; 2.5, 3.5, 0.4")),
    sp.nrdtrimn: calls("A, B, 0.3; 0.3, 1, SIGNED"),
    sp.nrdtrisd: calls("A, 0.8, 1.0 + B; 0.3, 0.7, 0.6"),
    **each([sp.jv, sp.yv, sp.yn, sp.jve, sp.yve, sp.iv, sp.kv, sp.ive, sp.kve, sp.struve, sp.modstruve], ORDERED),
    sp.kn: calls("2, A; INTS, A; 0, 0.7"),
    sp.yn: calls("2, A; INTS, A; 0, 0.7"),
    **each(
        [sp.hankel1, sp.hankel2, sp.hankel1e, sp.hankel2e], calls("2, COMPLEX; Fixed(V), COMPLEX; 1, A; 0, 0.3 + 1j")
    ),
    **each(
        [sp.jvp, sp.yvp, sp.ivp, sp.kvp, sp.h1vp, sp.h2vp], calls("2, A; 1, A, 2; Fixed(V), A, n=3; 0, 0.4, 0; 0, A")
    ),
    **each(
        [sp.spherical_jn, sp.spherical_yn, sp.spherical_in, sp.spherical_kn],
        calls("2, 1.0 + A; 0, A; INTS, A; 1, 0.7; 3, 2.0 + A, derivative=True; 0, A, True"),
    ),
    sp.expn: calls("2, A; 0, A; INTS, A; 1, 0.4; 5, EMPTY; Fixed(2.0 + 0 * V), A"),
    sp.lambertw: calls("A; 0.3; COMPLEX; COMPLEX, 1; COMPLEX, k=-1"),
    **each([sp.airy, sp.itairy, sp.sici, sp.shichi, sp.fresnel], calls("A; 0.3; SIGNED[SIGNED > 0]; ZERO_D; EMPTY")),
    **each([sp.iti0k0, sp.itj0y0, sp.kelvin], calls("A; 0.3; 1.0 + A")),
    sp.pbdv: calls("1, A; Fixed(V), B; 2, 0.3"),
    sp.ellipj: calls("A, Fixed(B); 0.3, Fixed(0.4); SIGNED, Fixed(V)"),
    **each([sp.ellipkinc, sp.ellipeinc], PAIR[:3] + calls("SIGNED, V; 4.0 * A, B; A, 0")),
    sp.hyp0f1: calls("Fixed(B), A; 2, A; 1, SIGNED"),
    sp.hyp1f1: calls("Fixed(B), 2, A; 1, 2, SIGNED; Fixed(0.5), Fixed(1.5), A"),
    sp.hyperu: calls("Fixed(B), 2, A; Fixed(0.5), Fixed(1.5), A"),
    sp.hyp2f1: calls("Fixed(B), 2, 3, A; 1, 2, 4, SIGNED[0, ::2]; Fixed(0.5), Fixed(1.5), 2, 0.3"),
    **each([sp.wright_bessel, sp.log_wright_bessel], calls("Fixed(B), 2, A; 1, 2, A; Fixed(0.5), Fixed(1.5), 0.3")),
    **each(
        [sp.eval_legendre, sp.eval_chebyt, sp.eval_chebyu, sp.eval_chebyc, sp.eval_chebys, sp.eval_laguerre],
        DEGREES + calls("Fixed(2.0 + INTS), A"),
    ),
    **each([sp.eval_sh_legendre, sp.eval_sh_chebyt, sp.eval_sh_chebyu], DEGREES),
    **each([sp.eval_hermite, sp.eval_hermitenorm], DEGREES),
    **each(
        [sp.eval_gegenbauer, sp.eval_genlaguerre], calls("3, Fixed(V), A; 0, Fixed(1.5), SIGNED; INTS, 2, 0.4; 1, 1, A")
    ),
    sp.assoc_laguerre: calls("A, 3; A, 2, Fixed(0.5); 0.3, 4, 1; SIGNED, 0"),
    **each(
        [sp.eval_jacobi, sp.eval_sh_jacobi],
        calls("3, Fixed(2.0 + V), Fixed(V), A; 0, 2, 1, A; INTS, 3, 2, 0.4; 1, 2, 1, A"),
    ),
    sp.logsumexp: calls(
        "A; A, axis=0; A, -1, keepdims=True; CUBE, axis=(0, 2); A, b=B; 0.3; [0.3, 0.6], listed=True",
        "A, axis=1, b=Fixed(V); 1000.0 * A; A, b=Fixed(SIGNED), return_sign=True; A, 1, SIGNED, False, True",
        "EMPTY, axis=1",
        "A, axis=0, b=2; COMPLEX; A, b=MASK",
    ),
    sp.softmax: calls("A; A, axis=0; V, -1; CUBE, axis=(0, 2)"),
    sp.log_softmax: calls("A; A, axis=-1; V; 0.3"),
}
