"""The reviewed list of functions without a rule, and why: what W301 says, and what tests/test_coverage.py accepts."""

ABSENT: dict[str, str] = {}


def absent(module: str, reason: str, names: str) -> None:
    """Add functions of a module, which have the same reason."""
    for name in names.split():
        ABSENT[f"{module}.{name}"] = reason


absent(
    "numpy", "it steps to a neighbouring floating-point number: there is nothing to differentiate", "nextafter spacing"
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
