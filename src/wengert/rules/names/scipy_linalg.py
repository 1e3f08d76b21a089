"""scipy.linalg."""

from typing import Any

import numpy as np

from wengert.core.types import dtype_of, shape_of
from wengert.rules import elementwise, linear
from wengert.rules.elementwise import where as select
from wengert.rules.names import linalg
from wengert.rules.names.foreign import missing
from wengert.rules.names.operands import arrayed, no_keywords
from wengert.rules.names.table import name


@name("scipy.linalg.solve_triangular")
def solve_triangular(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    a = arrayed(a)
    n = shape_of(a)[-1]
    mask = (
        np.tril(np.ones((n, n)), -1 if unit_diagonal else 0)
        if lower
        else np.triu(np.ones((n, n)), 1 if unit_diagonal else 0)
    )
    a = select(mask != 0, a, np.eye(n, dtype=dtype_of(a)) if unit_diagonal else 0.0)
    a = a if trans in (0, "N") else linear.swap_last(elementwise.conj(a) if trans in (2, "C") else a)
    return linalg.solve(a, b)


@name("scipy.linalg.cholesky")
def cholesky(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """SciPy reads the upper triangle unless `lower`."""
    return linalg.cholesky(a, upper=not lower)


@name("scipy.linalg.solve")
def solve(
    a: Any,
    b: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: Any = None,
    transposed: bool = False,
) -> Any:
    """`assume_a` other than general makes SciPy read one triangle: the matrix is completed from it, as SciPy does."""
    a = arrayed(a)
    if assume_a not in (None, "gen", "general"):
        if assume_a not in ("sym", "symmetric", "her", "hermitian", "pos", "positive definite"):
            raise missing(f"scipy.linalg.solve(assume_a={assume_a!r})", (a,))
        a = one_triangle(a, lower, "her" in assume_a or "pos" in assume_a)
    return linalg.solve(linear.swap_last(a) if transposed else a, b)


def one_triangle(a: Any, lower: bool, hermitian: bool) -> Any:
    n = shape_of(a)[-1]
    read = np.tril(np.ones((n, n), bool)) if lower else np.triu(np.ones((n, n), bool))
    mirrored = linalg.conjugate_transpose(a) if hermitian else linear.swap_last(a)
    return select(read, a, mirrored)


@name("scipy.linalg.inv")
def inv(a: Any, overwrite_a: bool = False, check_finite: bool = True, **options: Any) -> Any:
    no_keywords("scipy.linalg.inv", **options)
    return linalg.inv(a)


@name("scipy.linalg.norm")
def norm(a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False, **options: Any) -> Any:
    return linalg.norm(a, ord, axis, keepdims)
