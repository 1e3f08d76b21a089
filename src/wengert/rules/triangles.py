"""Which elements of a matrix lie where: constants, or values of a program whose run alone knows how many there are."""

from typing import Any

import numpy as np

from wengert.core.mode import Value
from wengert.rules.elementwise import equal, greater_equal, where
from wengert.rules.linear import convert, count, reshape


def rows_and_columns(n: Any) -> tuple[Any, Any]:
    """The numbers of both for each element of a matrix of n rows and columns, to be broadcast."""
    return reshape(count(n), shape=(n, 1)), reshape(count(n), shape=(1, n))


def lower_triangle(n: Any, below: int = 0) -> Any:
    """Where the column is at most the row, less `below`."""
    if not isinstance(n, Value):
        return np.tri(n, n, -below, dtype=np.bool_)
    i, j = rows_and_columns(n)
    return greater_equal(i, j + below)


def identity(n: Any, dtype: np.dtype[Any]) -> Any:
    if not isinstance(n, Value):
        return np.eye(n, dtype=dtype)
    return convert(where(equal(*rows_and_columns(n)), 1.0, 0.0), dtype=dtype)
