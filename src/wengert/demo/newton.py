"""What the two fits by SciPy have in common."""

import numpy as np
from scipy.optimize import minimize

from wengert.demo.problem import Problem
from wengert.demo.report import Progress


def minimise(problem: Problem, quantity: str, gtol: float) -> np.ndarray:
    """The minimum by a trust-region Newton method, which multiplies with the Hessian but never forms it.

    Gould, Lucidi, Roma and Toint 1999: the step is found in a Krylov subspace.  Prints the progress of `quantity`.
    """
    progress = Progress(quantity)
    result = minimize(
        problem.value_and_gradient,
        problem.vector,
        jac=True,
        hessp=problem.hessian_product,
        method="trust-krylov",
        callback=progress,
        options={"gtol": gtol},
    )
    progress.end(result.jac)
    return result.x
