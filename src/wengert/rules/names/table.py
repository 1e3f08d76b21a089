"""The list: which composition stands for a library function.  Nothing here knows any function by itself."""

from collections.abc import Callable
from typing import Any

import numpy as np

NAMES: dict[Any, Callable[..., Any]] = {}


def name(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the composition below under these functions.

    A function of SciPy is given by its full name, so that SciPy is imported by those who use it only.
    """

    def register(composition: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            NAMES[function] = composition
        return composition

    return register


def in_numpy(*names: str) -> list[Any]:
    """Functions that some versions of NumPy lack."""
    return [getattr(np, name) for name in names if hasattr(np, name)]


def composition_of(function: Any) -> Callable[..., Any] | None:
    """What to call instead of a library function when traced values are among its arguments."""
    found = NAMES.get(function) if type(function).__hash__ else None
    return found or (NAMES.get(full_name(function)) if hasattr(function, "__name__") else None)


def full_name(func: Any) -> str:
    """The public name: `scipy.linalg.expm`, not where it is defined."""
    name = getattr(func, "__name__", type(func).__name__)
    module = getattr(func, "__module__", None)
    if isinstance(func, np.ufunc):
        module = "numpy" if getattr(np, name, None) is func else "scipy.special"
    return ".".join([*(part for part in (module or "").split(".") if not part.startswith("_")), name]).lstrip(".")
