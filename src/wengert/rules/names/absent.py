"""The reviewed list of functions without a rule, and why: what W301 says, and what tests/test_coverage.py accepts."""

ABSENT: dict[str, str] = {}


def absent(module: str, reason: str, names: str) -> None:
    """Add functions of a module, which have the same reason."""
    for name in names.split():
        ABSENT[f"{module}.{name}"] = reason


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
    "numpy", "it steps to a neighbouring floating-point number: there is nothing to differentiate", "nextafter spacing"
)
