"""All calls of functions in one table."""

from calls import (
    calculus,
    constructors,
    elementwise,
    fft,
    linalg,
    order,
    padding,
    products,
    python_math,
    reductions,
    scipy_factors,
    scipy_linalg,
    scipy_special,
    selection,
    shape,
)
from calls.elementwise import UFUNC_METHODS  # noqa: F401

THEMES = [
    *(calculus, constructors, elementwise, fft, linalg, order, padding, products, python_math, reductions),
    *(scipy_factors, scipy_linalg, scipy_special, selection, shape),
]
CALLS = {function: calls for theme in THEMES for function, calls in theme.CALLS.items()}
assert len(CALLS) == sum(len(theme.CALLS) for theme in THEMES), "a function stands in two files"
