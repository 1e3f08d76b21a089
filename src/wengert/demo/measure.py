"""The gradient against central differences: how far apart, and what each costs."""

import numpy as np

import wengert as wg
from wengert.cli import Cost
from wengert.demo.problem import Problem
from wengert.demo.report import report_gradient
from wengert.inspect.timing import seconds


def check_all(problem: Problem) -> tuple[float, Cost]:
    """Relative error of the gradient at the start, all parameters moved one by one; and the cost.  Printed."""
    point = problem.vector
    _, exact = problem.value_and_gradient(point)
    differences = wg.numerical.jacobian(problem.value, point, order=4)
    return told(exact, differences, f"all {point.size} parameters", problem)


def check_along(problem: Problem, directions: np.ndarray) -> tuple[float, Cost]:
    """Likewise over directions, the rows of an array, where there are too many parameters to move one by one."""
    point = problem.vector
    _, gradient = problem.value_and_gradient(point)
    differences = np.array([wg.numerical.directional(problem.value, point, v, order=4) for v in directions])
    return told(directions @ gradient, differences, f"{len(directions)} random directions", problem)


def told(exact: np.ndarray, differences: np.ndarray, compared: str, problem: Problem) -> tuple[float, Cost]:
    error, found = relative_error(exact, differences), cost(problem)
    report_gradient(error, compared, found, seconds(lambda: problem.loss(problem.start)))
    return error, found


def relative_error(exact: np.ndarray, differences: np.ndarray) -> float:
    """Largest distance over largest entry."""
    return float(np.max(np.abs(exact - differences)) / np.max(np.abs(differences)))


def cost(problem: Problem) -> Cost:
    """Seconds for the loss, for its gradient, and for the gradient by the cheapest central differences, all compiled.

    These take two losses for every parameter; one parameter is timed, and multiplied.
    """
    point = problem.vector
    step = 1e-6 * np.eye(1, point.size)[0]
    return Cost(
        function=seconds(lambda: problem.compiled_loss(problem.start)),
        gradient=seconds(lambda: problem.value_and_grad(problem.start)),
        differences=point.size * seconds(lambda: problem.value(point + step) - problem.value(point - step)),
        size=point.size,
    )
