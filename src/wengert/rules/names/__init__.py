"""NumPy, SciPy and math functions by the names users write: function -> row, or composition of rows.

Read by the two NumPy protocols and by routing alike.  One file per theme; importing this package fills the list.

    table       the list, and how it is asked
    absent      functions that have no rule on purpose, with the reasons
    foreign     functions that are not in the list: run on constants, refused on traced values
    operands    what the compositions share
    protocols   `__array_ufunc__` and `__array_function__`
"""

from wengert.rules.names import (  # noqa: F401  (each fills its part of the list)
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
