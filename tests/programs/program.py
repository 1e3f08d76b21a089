"""What a program of this package says about itself, and numbers to call it with."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class Program:
    """A function of plain Python and NumPy, with arguments near which it is smooth.

    arguments  a function that makes them for `n` steps, or the tuple of them where nothing grows
    argnums    what is differentiated: floats, float arrays, or containers of those
    n          the size that correctness is tested at
    linear     operations and bytes grow in proportion to n (else faster, or the loops end by tolerance)
    scalar     returns a number (else arrays)
    more       other arguments of the same types, which take other ways through the function
    reason     in `LATER`: what it needs that the first half of staging leaves out
    """

    function: Callable
    arguments: Callable[[int], tuple] | tuple
    argnums: tuple[int, ...] = (0,)
    n: int = 5
    linear: bool = True
    scalar: bool = True
    more: tuple[tuple, ...] = ()
    reason: str = ""

    @property
    def name(self):
        return self.function.__name__

    @property
    def grows(self):
        """Whether costs can be counted at n, 2n, 4n."""
        return callable(self.arguments) and self.linear

    def points(self) -> Iterator["Program"]:
        """The program with each of its arguments."""
        yield replace(self, more=())
        for arguments in self.more:
            yield replace(self, arguments=arguments, more=())

    def args(self):
        """Fresh arguments at the size for tests of correctness."""
        return self.sized(self.n)

    def sized(self, n):
        """Fresh arguments for n steps, the same at every call."""
        return self.arguments(n) if callable(self.arguments) else copy.deepcopy(self.arguments)


def uniform(*shape, seed=0, low=0.2, high=1.2):
    return np.random.default_rng(seed).uniform(low, high, shape)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def dominant(n, seed=0):
    """A matrix whose diagonal outweighs its rows: sweeps converge, no pivoting is needed."""
    return uniform(n, n, seed=seed, low=-1.0, high=1.0) + 1.5 * n * np.eye(n)


def positive_definite(n, seed=0):
    B = normal(n, n, seed=seed)
    return B @ B.T + n * np.eye(n)
