"""The reviewed list of functions without a rule, and why: what W301 says, and what tests/test_coverage.py accepts."""

ABSENT: dict[str, str] = {}  # by full name; a module stands for all its functions
WAYS_OUT: dict[str, str] = {}  # what to write instead, where it is not a rule of one's own

CUT = "give it wg.stop_gradient(x): the result then is a constant, on purpose"
WHOLE_NUMBERS = "give it whole numbers: int(x) is the number of x without its derivative"


def absent(module: str, reason: str, names: str, instead: str = "") -> None:
    """Add functions of a module, which have the same reason."""
    for name in names.split():
        add(f"{module}.{name}", reason, instead)


def absent_modules(reason: str, names: str, instead: str = "") -> None:
    """Add all functions of these modules."""
    for name in names.split():
        add(name, reason, instead)


def add(name: str, reason: str, instead: str) -> None:
    ABSENT[name] = reason
    if instead:
        WAYS_OUT[name] = instead


def listed(called: str) -> str | None:
    """The entry for a function: itself, or the module that it is in."""
    while called and called not in ABSENT:
        called = called.rpartition(".")[0]
    return called or None


# ---------------------------------------------------------------- numpy

absent(
    "numpy",
    "its roots are the eigenvalues of a companion matrix, and their order may jump",
    "roots",
)
absent(
    "numpy",
    "it scales columns, drops small singular values and solves by lstsq; write the least squares problem with "
    "np.linalg.solve(V.T @ V, V.T @ y), V = np.vander(x, deg + 1)",
    "polyfit",
)
absent("numpy", "the number of quotient terms depends on zeros of the coefficients; use polyval and polymul", "polydiv")
absent(
    "numpy",
    "counts are steps and their bins lie in several axes; with weights, np.bincount of np.ravel_multi_index is linear",
    "histogram2d histogramdd",
)
absent("numpy", "what it makes returns arrays of objects; use np.vectorize", "frompyfunc")
absent(
    "numpy",
    "it steps to a neighbouring floating-point number: there is nothing to differentiate",
    "nextafter spacing",
    CUT,
)
absent(
    "numpy",
    "it makes an array of constants; its arguments are counts and positions, which do not change smoothly",
    """
    eye identity tri indices ix_ diag_indices tril_indices triu_indices mask_indices ravel_multi_index
    unravel_index broadcast_shapes hanning hamming bartlett blackman
    """,
    WHOLE_NUMBERS,
)
absent("numpy", "its shape is a constant; what the function that it calls makes of x is differentiated", "fromfunction")
absent(
    "numpy",
    "it writes numbers as text or into a file, where a derivative cannot follow",
    """
    save savez savez_compressed savetxt array2string array_repr array_str base_repr binary_repr
    format_float_positional format_float_scientific
    """,
    CUT,
)
absent(
    "numpy",
    "it reads numbers from bytes, text, files or other libraries, which hold no derivative",
    "load loadtxt genfromtxt fromfile fromregex fromstring frombuffer fromiter from_dlpack",
    "make the array of values with np.array or np.stack",
)
absent(
    "numpy",
    "it asks or sets how NumPy computes and prints",
    """
    seterr geterr seterrcall geterrcall setbufsize getbufsize set_printoptions get_printoptions printoptions
    show_config show_runtime get_include info test
    """,
    CUT,
)
absent(
    "numpy",
    "it is about types, not about numbers",
    """
    issubdtype isdtype can_cast promote_types min_scalar_type common_type mintypecode typename iterable
    """,
    "ask for x.dtype, or " + CUT,
)
absent(
    "numpy",
    "it is about memory, which a value with a derivative does not show",
    "shares_memory may_share_memory isfortran nested_iters",
    CUT,
)
absent(
    "numpy",
    "it works on whole numbers, bits or dates",
    """
    packbits unpackbits datetime_as_string datetime_data is_busday busday_count busday_offset isnat
    """,
    CUT,
)
absent("numpy", "it makes matrices of the class np.matrix, which NumPy advises against", "asmatrix bmat", "use arrays")
absent("numpy", "it plans a product, and computes nothing", "einsum_path", CUT)

# ---------------------------------------------------------------- modules

absent_modules(
    "a random draw has no derivative with respect to the parameters of its distribution",
    "numpy.random",
    "draw standard numbers and transform them: loc + scale * rng.standard_normal(size)",
)
absent_modules(
    "masked arrays are not supported", "numpy.ma", "select with np.where(mask, x, 0.0), or reduce with where=mask"
)
absent_modules("characters are no numbers", "numpy.char numpy.strings numpy.rec", CUT)
absent_modules(
    "its functions ask for plain arrays", "numpy.polynomial", "np.polyval, np.vander and np.matmul have rules"
)
absent(
    "scipy.fft",
    "it chooses a length or a setting: there is nothing to differentiate",
    "next_fast_len prev_fast_len get_workers set_workers set_backend skip_backend set_global_backend register_backend",
)
absent(
    "scipy.fft",
    "the logarithmic transform is not in the table; rfft and irfft, which it is made of, are",
    "fht ifht fhtoffset",
)
absent(
    "scipy.linalg",
    "it makes an array of constants from a size, which does not change smoothly",
    "dft hadamard helmert hilbert invhilbert invpascal pascal",
    WHOLE_NUMBERS,
)
absent(
    "scipy.linalg",
    "it looks up compiled routines, which know no derivatives",
    "find_best_blas_type get_blas_funcs get_lapack_funcs",
    "use solve, cholesky, qr and their like, which have rules",
)
absent(
    "scipy.linalg",
    "it calls a function of yours on eigenvalues; compose it of expm, logm, sqrtm and their like",
    "funm",
)
absent(
    "scipy.linalg",
    "the basis it returns is one of infinitely many, and which one is up to rounding; differentiate a projector, "
    "such as Q @ Q.T, written with solve or pinv",
    "orth null_space cossin",
)
absent(
    "scipy.linalg",
    "the form it returns is not unique: LAPACK may choose other signs, orders and blocks for a matrix nearby",
    "schur rsf2csf hessenberg qz ordqz cdf2rdf ldl",
)
absent(
    "scipy.linalg",
    "angles between subspaces have no derivative where they coincide, and SciPy changes the formula on the way; "
    "write it with qr, svdvals and arccos",
    "subspace_angles",
)
absent("scipy.linalg", "it scales by powers of two, which are steps", "matrix_balance")
absent("scipy.linalg", "it draws a random sketch; multiply by a matrix of your own", "clarkson_woodruff_transform")
absent("scipy.linalg", "it estimates an error; differentiate expm_frechet instead", "expm_cond")
absent("scipy.linalg", "solveh_banded does both steps, and has a rule", "cholesky_banded cho_solve_banded")
absent(
    "scipy.linalg",
    "an update of factors is a shortcut; factor the new matrix",
    "qr_delete qr_insert qr_update qr_multiply rq",
)
absent(
    "scipy.linalg",
    "write the matrix in full, and use eigh",
    "eig_banded eigvals_banded eigh_tridiagonal",
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
    c_roots cg_roots h_roots he_roots j_roots js_roots l_roots la_roots p_roots ps_roots s_roots t_roots
    ts_roots u_roots us_roots roots_chebyc roots_chebys roots_chebyt roots_chebyu roots_gegenbauer roots_genlaguerre
    roots_hermite
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
