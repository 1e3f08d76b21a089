"""A Gaussian mixture of iris flowers, which is not told their species."""

from functools import partial

import numpy as np
from sklearn.cluster import kmeans_plusplus
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from wengert.demo import data, models
from wengert.demo.measure import check_all
from wengert.demo.newton import minimise
from wengert.demo.problem import Problem, by_grad
from wengert.demo.report import Fit, line

TITLE = "Gaussian mixture of iris flowers: Newton's method of SciPy, with wg.jit of wg.value_and_grad and wg.hvp"
COMPONENTS = 3


def fit() -> Fit:
    x, species = data.iris()
    line("data", f"{len(x)} flowers, {x.shape[1]} measurements; {COMPONENTS} components with full covariances")
    loss = partial(models.mixture_loss, x=x)
    problem = Problem(loss, by_grad(loss), start(x))
    error, cost = check_all(problem)

    found = problem.unravel(minimise(problem, "loss per flower", gtol=1e-7))

    cluster = np.argmax(models.component_scores(found, x), axis=1)
    quality = {
        "log_likelihood": -float(loss(found)),
        "reference_log_likelihood": by_expectation_maximisation(x),
        "adjusted_rand_index": float(adjusted_rand_score(species, cluster)),
    }
    tell(quality)
    majority = most_frequent(species, cluster)
    shown = {"x": x, "species": species, "majority": majority, "wrong": majority[cluster] != species}
    shown |= {"means": found["means"], "covariances": covariances(found)}
    return Fit("Gaussian mixture", *x.shape, problem.vector.size, error, cost, quality, shown)


def start(x: np.ndarray) -> models.Parameters:
    """Equal weights, flowers far from each other as means, round components with a deviation of exp(-1) cm."""
    d = x.shape[1]
    means, _ = kmeans_plusplus(x, COMPONENTS, random_state=0)
    return {
        "logits": np.zeros(COMPONENTS),
        "means": means,
        "log_diagonal": np.ones((COMPONENTS, d)),
        "below": np.zeros((COMPONENTS, d * (d - 1) // 2)),
    }


def by_expectation_maximisation(x: np.ndarray) -> float:
    """Log-likelihood per point that scikit-learn reaches."""
    return float(GaussianMixture(COMPONENTS, tol=1e-9, max_iter=2000, n_init=3, random_state=0).fit(x).score(x))


def covariances(parameters: models.Parameters) -> np.ndarray:
    d = parameters["means"].shape[1]
    factors = [models.inverse_factor(parameters, k, d) for k in range(COMPONENTS)]
    return np.array([np.linalg.inv(factor.T @ factor) for factor in factors])


def most_frequent(truth: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    """The class of most points in each cluster."""
    return np.array([np.argmax(np.bincount(truth[cluster == k], minlength=1)) for k in range(COMPONENTS)])


def tell(quality: dict[str, float]) -> None:
    line("result", f"log-likelihood per flower {quality['log_likelihood']:.7f}")
    line("", f"scikit-learn's expectation maximisation {quality['reference_log_likelihood']:.7f}")
    line("", f"adjusted Rand index against the species {quality['adjusted_rand_index']:.3f}")
