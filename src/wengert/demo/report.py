"""What the demo found, as data and as text."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.cli import Cost
from wengert.inspect.timing import duration


@dataclass(frozen=True)
class Fit:
    """One fit.

    n, d            number of data points, and of measurements of each
    parameters      how many numbers were fitted
    gradient_error  relative error of the gradient before the fit, by central differences
    quality         the final figures by name
    shown           arrays for the picture
    """

    name: str
    n: int
    d: int
    parameters: int
    gradient_error: float
    cost: Cost
    quality: dict[str, float]
    shown: dict[str, Any] = field(repr=False)

    @property
    def cost_ratio(self) -> float:
        """Time of value and gradient over time of the function."""
        return self.cost.gradient_over_function

    @property
    def fd_ratio(self) -> float:
        """Time of the gradient by central differences over time of the gradient."""
        return self.cost.differences_over_gradient


def line(label: str, text: str) -> None:
    print(f"   {label:<10}{text}", flush=True)


def report_gradient(error: float, compared: str, cost: Cost, plain: float) -> None:
    """plain: seconds for the function as NumPy runs it."""
    line("gradient", f"largest relative error against central differences {error:.1e} ({compared})")
    function, *others = cost.lines()
    line("cost", f"{function} as machine code ({duration(plain)} in NumPy)")
    for text in others:
        line("", text)


class Progress:
    """A callback of scipy.optimize.minimize: prints steps 1, 2, 5, 10, 20, 50, ... and the last."""

    SHOWN = frozenset(first * 10**power for first in (1, 2, 5) for power in range(5))

    def __init__(self, quantity: str) -> None:
        self.quantity = quantity
        self.values: list[float] = []

    def __call__(self, intermediate_result: Any) -> None:
        # SciPy looks at the name of the parameter, and passes value and point to this one
        self.values.append(float(intermediate_result.fun))
        if len(self.values) in self.SHOWN:
            self.show(len(self.values))

    def show(self, step: int) -> None:
        line("fit" if step == 1 else "", f"step {step:3d}   {self.quantity} {self.values[step - 1]:.8f}")

    def end(self, gradient: np.ndarray) -> None:
        if len(self.values) not in self.SHOWN:
            self.show(len(self.values))
        line("", f"largest entry of the gradient {np.max(np.abs(gradient)):.0e}")
