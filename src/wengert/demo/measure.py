"""The gradient against central differences: how far apart, and what each costs."""

import numpy as np

import wengert as wg
from wengert.cli import Cost, seconds
from wengert.demo.problem import Problem


def error_of_all(problem: Problem, point: np.ndarray) -> float:
    """Largest difference to central differences over all parameters, relative to the largest entry of the gradient."""
    _, exact = problem.value_and_gradient(point)
    return relative_error(exact, wg.numerical.jacobian(problem.value, point, order=4))


def error_along(problem: Problem, point: np.ndarray, directions: np.ndarray) -> float:
    """Likewise over directions, the rows of an array: for more parameters than one wants to move singly."""
    _, gradient = problem.value_and_gradient(point)
    differences = [wg.numerical.directional(problem.value, point, v, order=4) for v in directions]
    return relative_error(directions @ gradient, np.array(differences))


def relative_error(exact: np.ndarray, differences: np.ndarray) -> float:
    return float(np.max(np.abs(exact - differences)) / np.max(np.abs(differences)))


def cost(problem: Problem) -> Cost:
    """Seconds for the loss, for its gradient, and for the gradient by the cheapest central differences.

    These take two losses for every parameter; one parameter is timed, and multiplied.
    """
    point = problem.vector
    step = 1e-6 * np.eye(1, point.size)[0]
    return Cost(
        function=seconds(lambda: problem.loss(problem.start)),
        gradient=seconds(lambda: problem.value_and_grad(problem.start)),
        differences=point.size * seconds(lambda: problem.value(point + step) - problem.value(point - step)),
    )
