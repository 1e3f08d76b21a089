"""All calls of functions in one table."""

from calls import (
    constructors,
    elementwise,
    linalg,
    products,
    python_math,
    reductions,
    scipy_factors,
    scipy_linalg,
    scipy_special,
    shape,
)
from calls.elementwise import UFUNC_METHODS  # noqa: F401

THEMES = [
    *(
        constructors,
        elementwise,
        linalg,
        products,
        python_math,
        reductions,
        scipy_factors,
        scipy_linalg,
        scipy_special,
        shape,
    ),
]
CALLS = {function: calls for theme in THEMES for function, calls in theme.CALLS.items()}
assert len(CALLS) == sum(len(theme.CALLS) for theme in THEMES), "a function stands in two files"
