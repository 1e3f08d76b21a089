"""What the demo found, as data and as text."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.cli import Cost, duration


@dataclass(frozen=True)
class Fit:
    """One fit.

    n, d            number of data points and of measurements of each
    parameters      how many numbers were fitted
    gradient_error  relative error of the gradient, measured with central differences, before the fit
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
        """Time of the gradient (with the value) over time of the function."""
        return self.cost.gradient / self.cost.function

    @property
    def fd_ratio(self) -> float:
        """Time of the gradient by central differences over time of the gradient."""
        return self.cost.differences / self.cost.gradient


def heading(number: int, title: str | None) -> None:
    print(f"\n{number}  {title}")


def line(label: str, text: str) -> None:
    print(f"   {label:<10}{text}", flush=True)


def report_gradient(error: float, how: str, parameters: int, cost: Cost) -> None:
    line("gradient", f"max relative error {error:.1e} against central differences ({how})")
    line("cost", f"loss {duration(cost.function)}; gradient {duration(cost.gradient)}, {ratio(cost.gradient, cost.function)} x the loss")
    times = f"{ratio(cost.differences, cost.gradient)} x the gradient"
    line("", f"central differences of all {parameters} parameters {duration(cost.differences)}, {times}")


def ratio(a: float, b: float) -> str:
    return f"{a / b:.1f}" if a < 10 * b else f"{a / b:.0f}"


class Progress:
    """Prints iterations 1, 2, 5, 10, 20, 50, ... of scipy.optimize.minimize, and the last."""

    SHOWN = frozenset(first * 10**power for first in (1, 2, 5) for power in range(5))

    def __init__(self, quantity: str) -> None:
        self.quantity, self.values = quantity, []

    def __call__(self, intermediate_result: Any) -> None:
        """The name of the parameter tells SciPy to pass value and point."""
        self.values.append(float(intermediate_result.fun))
        if len(self.values) in self.SHOWN:
            self.show(len(self.values))

    def show(self, iteration: int) -> None:
        label = "fit" if iteration == 1 else ""
        line(label, f"step {iteration:3d}   {self.quantity} {self.values[iteration - 1]:.8f}")

    def end(self, gradient: np.ndarray) -> None:
        if len(self.values) not in self.SHOWN:
            self.show(len(self.values))
        line("", f"           largest entry of the gradient {np.max(np.abs(gradient)):.1e}")
