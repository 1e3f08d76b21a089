"""A function that GradBench asks for: how its input becomes arguments, and its result output."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

import wengert as wg
from wengert.core.tree import map_leaves


def numbers(result: Any) -> Any:
    """Arrays as nested lists, numbers of NumPy as those of Python: what JSON can hold."""
    return map_leaves(lambda x: x.tolist() if isinstance(x, np.ndarray | np.generic) else x, result)


@dataclass(frozen=True)
class Function:
    """
    compute    arguments -> result; this alone is timed
    arguments  what the message holds, as the tuple of arguments
    output     the result in the form that GradBench compares
    """

    compute: Callable[..., Any]
    arguments: Callable[[Any], tuple]
    output: Callable[[Any], Any] = numbers

    @cached_property
    def run(self) -> Callable[..., Any]:
        """`compute` as it runs: compiled.  This is the one place that chooses."""
        return wg.jit(self.compute)

    def prepare(self, args: tuple) -> None:
        """Compile for these arguments, so that no run pays for it."""
        self.run.compile(*args)
