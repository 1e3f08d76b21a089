"""The reviewed list of functions without a rule, and why: what W301 says, and what tests/test_coverage.py accepts."""

ABSENT: dict[str, str] = {}


def absent(module: str, reason: str, names: str) -> None:
    """Add functions of a module, which have the same reason."""
    for name in names.split():
        ABSENT[f"{module}.{name}"] = reason


absent(
    "numpy", "it steps to a neighbouring floating-point number: there is nothing to differentiate", "nextafter spacing"
)

# ---------------------------------------------------------------- scipy.special

absent(
    "scipy.special",
    "it is no function of real numbers: it sets options, reports errors or runs tests",
    "SpecialFunctionError SpecialFunctionWarning errstate geterr seterr test",
)
absent(
    "scipy.special",
    "it counts: its arguments are integers",
    """
    ai_zeros bei_zeros beip_zeros ber_zeros berp_zeros bi_zeros erf_zeros fresnel_zeros fresnelc_zeros fresnels_zeros
    jn_zeros jnjnp_zeros jnp_zeros jnyn_zeros kei_zeros keip_zeros kelvin_zeros ker_zeros kerp_zeros y0_zeros y1_zeros
    y1p_zeros yn_zeros ynp_zeros bernoulli euler stirling2
    """,
)
absent(
    "scipy.special",
    "it makes nodes and weights, or a polynomial object, from a degree; the polynomials themselves are eval_*",
    """
    c_roots cg_roots h_roots he_roots j_roots js_roots l_roots la_roots p_roots ps_roots s_roots t_roots ts_roots
    u_roots us_roots roots_chebyc roots_chebys roots_chebyt roots_chebyu roots_gegenbauer roots_genlaguerre roots_hermite
    roots_hermitenorm roots_jacobi roots_laguerre roots_legendre roots_sh_chebyt roots_sh_chebyu roots_sh_jacobi
    roots_sh_legendre chebyc chebys chebyt chebyu gegenbauer genlaguerre hermite hermitenorm jacobi laguerre legendre
    sh_chebyt sh_chebyu sh_jacobi sh_legendre
    """,
)
absent(
    "scipy.special",
    "it makes a table of all orders up to one, with the derivatives that SciPy knows beside the values",
    """
    lmbda lqmn lqn pbdn_seq pbdv_seq pbvv_seq riccati_jn riccati_yn mathieu_even_coef mathieu_odd_coef
    obl_cv_seq pro_cv_seq legendre_p_all assoc_legendre_p_all sph_legendre_p_all sph_harm_y_all
    """,
)
absent(
    "scipy.special",
    "no derivative of it is in the table; it can return its own derivatives with diff_n",
    "legendre_p assoc_legendre_p sph_legendre_p sph_harm_y",
)
absent(
    "scipy.special",
    "the inverse by a parameter, or the distribution, has no derivative in closed form",
    """
    bdtrik bdtrin btdtria btdtrib chdtriv chndtr chndtridf chndtrinc chndtrix fdtridfd gdtrib kolmogi kolmogorov nbdtrik
    nbdtrin ncfdtr ncfdtri ncfdtridfd ncfdtridfn ncfdtrinc nctdtr nctdtridf nctdtrinc nctdtrit pdtrik smirnov smirnovi
    stdtridf tklmbda
    """,
)
absent(
    "scipy.special",
    "the derivatives of Carlson's integrals divide by differences of their arguments; ellipk, ellipe, ellipkinc and "
    "ellipeinc have rules",
    "elliprc elliprd elliprf elliprg elliprj agm",
)
absent(
    "scipy.special",
    "its derivative is not a function of SciPy's, or SciPy's is not precise enough to be differentiated",
    """
    mathieu_a mathieu_b mathieu_cem mathieu_modcem1 mathieu_modcem2 mathieu_modsem1 mathieu_modsem2 mathieu_sem
    obl_ang1 obl_ang1_cv obl_cv obl_rad1 obl_rad1_cv obl_rad2 obl_rad2_cv
    pro_ang1 pro_ang1_cv pro_cv pro_rad1 pro_rad1_cv pro_rad2 pro_rad2_cv
    ellip_harm ellip_harm_2 ellip_normal besselpoly lpmv pbvv pbwa modfresnelm modfresnelp
    """,
)
absent(
    "scipy.special",
    "its derivative cancels; write it with airy, i0, k0, j0, y0 or struve",
    "airye it2i0k0 it2j0y0 it2struve0",
)
absent(
    "scipy.special",
    "it is defined by cases; write sin(n x / 2) / (n sin(x / 2)), or gamma",
    "diric factorial2 factorialk",
)
