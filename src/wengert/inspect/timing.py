"""How long a call takes, and how that is written."""

import copy
import math
import time
from collections.abc import Callable
from typing import Any


def seconds(f: Callable[..., Any], *args: Any, budget: float = 0.2) -> float:
    """Seconds of one call f(*args): the fastest of those that fit into the budget, since other work only adds.

    Each call gets a copy of the arguments, which is not timed.
    """
    best, end = math.inf, time.perf_counter() + budget
    while True:
        given = copy.deepcopy(args)
        started = time.perf_counter()
        f(*given)
        now = time.perf_counter()
        best = min(best, now - started)
        if now >= end:
            return best


def times(ratio: float) -> str:
    """How many times, in as many digits as a timing deserves.

    >>> times(0.0312), times(3.14159), times(31.4159)
    ('0.031', '3.1', '31')
    """
    return f"{ratio:.2g}" if ratio < 10 else f"{ratio:.0f}"


def duration(t: float) -> str:
    """Seconds as text.

    >>> duration(1.234), duration(0.01234), duration(2e-9)
    ('1.23 s', '12.3 ms', '2 ns')
    """
    for unit, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if t >= unit:
            return f"{t / unit:.3g} {name}"
    return f"{t / 1e-9:.3g} ns"
