"""k-means clustering by Newton's method: the cost of the centroids, and the step that it takes."""

import numpy as np

import wengert as wg
from benchmarks.gradbench.function import Function


def cost(centroids, points):
    """The sum over the points of the squared distance to the closest centroid."""
    distances = np.sum((points[:, None] - centroids) ** 2, axis=2)
    return np.sum(np.min(distances, axis=1))


def newton_step(centroids, points):
    """Gradient over Hessian.  The Hessian is diagonal, so its product with ones is its diagonal."""
    ones = np.ones_like(centroids)
    gradient, diagonal = wg.jvp(lambda c: wg.grad(cost)(c, points), (centroids,), (ones,))
    return gradient / diagonal


def arguments(given):
    return np.array(given["centroids"]), np.array(given["points"])


FUNCTIONS = {"cost": Function(cost, arguments), "dir": Function(newton_step, arguments)}
