"""Checks of derivatives against differences, along random directions."""

import copy
import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert import numerical
from wengert.api import Call, jvp, name_of, vjp
from wengert.core.diagnostic import Diagnostic, definition
from wengert.core.tree import flatten, map_leaves, unflatten
from wengert.core.types import dtype_of, random_like
from wengert.frontend.route import give_all, route
from wengert.rules.names.foreign import holds_traced

Modes = Sequence[str]


@dataclass(frozen=True)
class Check:
    """One comparison: the derivative by `mode` of the given order, along a random direction of one argument.

    error      largest |derivative - difference| / (1 + |difference|) over the entries of the result
    tolerance  what was allowed: the requested tolerance, or ten times the difference's own error estimate
    """

    argument: str
    mode: str
    order: int
    error: float
    tolerance: float


def check_grads(
    f: Callable[..., Any],
    args: Any,
    order: int = 2,
    modes: Modes = ("forward", "reverse"),
    tolerance: float | None = None,
    seed: int = 0,
) -> list[Check]:
    """Compare the derivatives of f at `args` with extrapolated central differences, in each mode and up to `order`.

    args       a tuple of positional arguments; integers and what holds no floats are constants.
    tolerance  relative; by default 1e-6 for float64 and 1e-2 for float32.
    Returns a `Check` for each argument, order and sequence of modes (forward over reverse and so on).
    Raises Diagnostic W501 at the first that fails: which argument, which direction, which mode and by how much.

    >>> import numpy as np
    >>> import wengert as wg
    >>> checks = wg.check_grads(lambda x, n: np.sum(np.sin(x) ** n), (np.array([0.3, 1.2]), 3), order=2)
    >>> [(c.argument, c.mode, c.order) for c in checks[:2]], max(c.error for c in checks) < 1e-7
    ([('x', 'forward', 1), ('x', 'reverse', 1)], True)
    """
    args = tuple(args) if isinstance(args, tuple | list) else (args,)
    positions = [i for i, arg in enumerate(args) if is_differentiable(arg)]
    names = Call(f, tuple(positions), args, {}).parameter
    checks = []
    for i in positions:
        single = any(dtype_of(leaf) in (np.float32, np.complex64) for leaf in flatten(args[i])[0])
        allowed = tolerance if tolerance is not None else 1e-2 if single else 1e-6
        subject = Subject(f, names(i), tuple(modes), allowed, single)
        checks += subject.check(functools.partial(with_argument, f, args, i), args[i], 1, order, seed)
    return checks


@dataclass(frozen=True)
class Subject:
    """One argument of the function that is checked."""

    function: Callable[..., Any]
    argument: str
    modes: tuple[str, ...]
    tolerance: float
    single: bool  # precision

    def check(self, f: Callable[[Any], Any], x: Any, order: int, last: int, seed: int) -> list[Check]:
        """f is the derivative of order - 1 along earlier directions; `last` the highest order wanted."""
        random = np.random.default_rng(seed)
        direction = map_leaves(lambda leaf: random_like(random, leaf), x)
        expected = difference(f, x, direction, self.single)
        out, structure = flatten(f(map_leaves(copied, x)))
        ct = unflatten(structure, [random_like(random, o) for o in out])
        derivatives = {
            "forward": lambda v: jvp(f, (v,), (direction,))[1],
            "reverse": lambda v: vjp(f, v)[1](ct)[0],
        }
        checks = []
        for mode in self.modes:
            got = derivatives[mode](x)
            if mode == "forward":
                checks.append(self.compare(flatten(got)[0], expected, mode, order, seed))
            else:
                checks.append(
                    self.compare([paired(got, direction)], [paired_estimate(ct, expected)], mode, order, seed)
                )
        if order < last:
            for mode in self.modes:
                checks += self.check(derivatives[mode], x, order + 1, last, seed + 1)
        return checks

    def compare(
        self, got: Sequence[Any], want: Sequence[numerical.Estimate], mode: str, order: int, seed: int
    ) -> Check:
        worst, allowed = 0.0, self.tolerance
        for g, w in zip(got, want):
            if np.size(w.value) == 0:
                continue
            relative = np.ravel(np.abs(g - w.value) / (1.0 + np.abs(w.value)))
            limits = self.limits(w)
            place = int(np.argmax(np.where(np.isnan(relative), np.inf, relative) / limits))
            if not relative[place] <= limits[place]:
                raise self.disagreement(
                    mode, order, seed, np.ravel(g)[place], np.ravel(w.value)[place], relative[place]
                )
            if relative[place] / limits[place] >= worst / allowed:
                worst, allowed = float(relative[place]), float(limits[place])
        return Check(self.argument, mode, order, worst, allowed)

    def limits(self, estimate: numerical.Estimate) -> np.ndarray:
        """The tolerance, widened where the difference itself is uncertain, but not without end."""
        uncertain = np.ravel(10.0 * np.asarray(estimate.error) / (1.0 + np.abs(estimate.value)))
        uncertain = np.where(np.isfinite(uncertain), uncertain, 0.0)
        return np.maximum(self.tolerance, np.minimum(uncertain, 1e3 * self.tolerance))

    def disagreement(self, mode: str, order: int, seed: int, got: Any, want: Any, error: float) -> Diagnostic:
        return Diagnostic(
            "W501",
            f"the derivative of `{name_of(self.function)}` with respect to `{self.argument}` is wrong in {mode} mode, "
            f"order {order}, along random direction {seed}: {got:.9g} where differences give {want:.9g} (relative "
            f"error {error:.1e})",
            "a rule is wrong (yours, if the function uses wg.custom_jvp, wg.custom_vjp or wg.primitive), or the "
            "function is not differentiable here",
            "check the custom rules one by one with wg.check_grads, or move away from the kink",
            definition(inspect.unwrap(self.function)),
        )


def with_argument(f: Callable[..., Any], args: tuple[Any, ...], i: int, x: Any) -> Any:
    if not holds_traced(flatten(x)[0]):
        return f(*[copy.deepcopy(a) for a in args[:i]], x, *[copy.deepcopy(a) for a in args[i + 1 :]])
    return route(f)(*map(give_all, args[:i]), x, *map(give_all, args[i + 1 :]))


def is_differentiable(arg: Any) -> bool:
    leaves = flatten(arg)[0]
    return (
        bool(leaves)
        and all(dtype_of(x).kind in "fc" for x in leaves if not isinstance(x, str))
        and not any(isinstance(x, str) or callable(x) for x in leaves)
    )


def copied(x: Any) -> Any:
    return x.copy() if isinstance(x, np.ndarray) else x


def difference(f: Callable[[Any], Any], x: Any, direction: Any, single: bool) -> list[numerical.Estimate]:
    """d/dt f(x + t direction) for every leaf of the result, with error estimates."""
    leaves, structure = flatten(x)
    steps = flatten(direction)[0]
    scale = max([1.0, *(float(np.max(np.abs(d), initial=0.0)) for d in steps)])

    def moved(t: float) -> list[Any]:
        shifted = [leaf + np.asarray(t / scale * d, dtype_of(leaf))[()] for leaf, d in zip(leaves, steps)]
        return flatten(f(unflatten(structure, [float(s) if type(v) is float else s for s, v in zip(shifted, leaves)])))[
            0
        ]

    step = {"step": 0.05} if single else {}
    found = []
    for i in range(len(moved(0.0))):
        estimate = numerical.derivative(
            lambda t, i=i: np.asarray(moved(t)[i]), 0.0, method="richardson", error=True, **step
        )
        found.append(numerical.Estimate(estimate.value * scale, estimate.error * scale))
    return found


def paired(bars: Any, direction: Any) -> Any:
    """Re <bar, direction>."""
    return sum(np.sum(np.real(b * d)) for b, d in zip(flatten(bars)[0], flatten(direction)[0]))


def paired_estimate(ct: Any, expected: Sequence[numerical.Estimate]) -> numerical.Estimate:
    cts = flatten(ct)[0]
    value = sum(np.sum(np.real(c * e.value)) for c, e in zip(cts, expected))
    error = sum(np.sum(np.abs(c) * e.error) for c, e in zip(cts, expected))
    return numerical.Estimate(value, error)
