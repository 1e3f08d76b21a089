"""Calls of NumPy, SciPy and math functions as users write them, one file per file of `rules/names/`.

CALLS            function -> calls
UFUNC_METHODS    (ufunc, method) -> calls
METHOD_CALLS     method of arrays -> calls

tests/test_names.py runs them, tests/test_coverage.py at special points.
"""

from calls.functions import CALLS, UFUNC_METHODS  # noqa: F401
from calls.methods import METHOD_CALLS, OPERATORS, PROPERTIES  # noqa: F401
