"""One function per fit: data, gradient check, cost, optimisation, quality."""

from functools import partial
from itertools import combinations

import numpy as np
from scipy.optimize import minimize
from sklearn.cluster import kmeans_plusplus
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score, roc_auc_score
from sklearn.mixture import GaussianMixture
from tqdm import tqdm

import wengert as wg
from wengert.demo import data, measure, models
from wengert.demo.problem import Problem, by_backward, by_grad
from wengert.demo.report import Fit, Progress, line, report_gradient

# ---------------------------------------------------------------- Gaussian mixture

COMPONENTS = 3


def mixture() -> Fit:
    """Gaussian mixture of iris flowers: wg.value_and_grad and wg.hvp in SciPy's trust-region Newton method"""
    x, species = data.iris()
    loss = partial(models.mixture_loss, x=x)
    problem = Problem(loss, by_grad(loss), mixture_start(x))
    line("data", f"{len(x)} flowers, {x.shape[1]} measurements; {COMPONENTS} components with full covariances")
    error, cost = check(problem)

    found = fit_by_newton(problem, "loss per flower", gtol=1e-7)

    parameters = problem.unravel(found)
    cluster = np.argmax(models.component_scores(parameters, x), axis=1)
    reference = GaussianMixture(COMPONENTS, tol=1e-9, max_iter=2000, n_init=3, random_state=0).fit(x)
    quality = {
        "log_likelihood": -loss(parameters),
        "reference_log_likelihood": float(reference.score(x)),
        "adjusted_rand_index": float(adjusted_rand_score(species, cluster)),
    }
    line("result", "log-likelihood per flower {log_likelihood:.7f}".format(**quality))
    line("", "(expectation maximisation of scikit-learn: {reference_log_likelihood:.7f})".format(**quality))
    line("", "adjusted Rand index against the species {adjusted_rand_index:.3f}".format(**quality))
    shown = {"x": x, "species": species, "wrong": wrongly_clustered(species, cluster), "parameters": parameters}
    return Fit("Gaussian mixture", *x.shape, found.size, error, cost, quality, shown)


def mixture_start(x: np.ndarray) -> models.Parameters:
    """Equal weights, well-separated flowers as means, round components with a deviation of exp(-1) cm."""
    d = x.shape[1]
    means, _ = kmeans_plusplus(x, COMPONENTS, random_state=0)
    return {
        "logits": np.zeros(COMPONENTS),
        "means": means,
        "log_diagonal": np.ones((COMPONENTS, d)),
        "below": np.zeros((COMPONENTS, d * (d - 1) // 2)),
    }


def wrongly_clustered(truth: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    """Mask of the points that are not of their cluster's most frequent class."""
    majority = np.array([np.argmax(np.bincount(truth[cluster == k])) for k in range(COMPONENTS)])
    return majority[cluster] != truth


# ---------------------------------------------------------------- logistic regression


def logistic() -> Fit:
    """Logistic regression of breast tumours: wg.value_and_grad and wg.hvp in SciPy's trust-region Newton method"""
    split = data.tumours()
    n, d = split.x.shape
    loss = partial(models.logistic_loss, x=split.x, y=split.y)
    problem = Problem(loss, by_grad(loss), {"slopes": np.zeros(d), "intercept": np.zeros(())})
    line("data", f"{n} tumours to learn from and {len(split.y_test)} to test, {d} features of cell nuclei")
    error, cost = check(problem)

    found = fit_by_newton(problem, "loss", gtol=1e-8)

    parameters = problem.unravel(found)
    reference = LogisticRegression(solver="newton-cholesky", tol=1e-9).fit(split.x, split.y)
    theirs = loss({"slopes": reference.coef_[0], "intercept": reference.intercept_[0]})
    scores = models.log_odds(parameters, split.x_test)
    quality = {
        "loss": float(loss(parameters)),
        "loss_above_reference": float(loss(parameters) / theirs - 1),
        "test_accuracy": float(np.mean(np.sign(scores) == split.y_test)),
        "test_auc": float(roc_auc_score(split.y_test, scores)),
    }
    line("result", "loss {loss:.8f}, relative difference to scikit-learn's {loss_above_reference:.1e}".format(**quality))
    line("", "test accuracy {test_accuracy:.3f}, area under the ROC curve {test_auc:.4f}".format(**quality))
    return Fit("logistic regression", n, d, found.size, error, cost, quality, {"scores": scores, "y": split.y_test})


# ---------------------------------------------------------------- both


def check(problem: Problem) -> tuple[float, measure.Cost]:
    error, cost = measure.error_of_all(problem, problem.vector), measure.cost(problem)
    report_gradient(error, f"all {problem.vector.size} parameters", problem.vector.size, cost)
    return error, cost


def fit_by_newton(problem: Problem, quantity: str, gtol: float) -> np.ndarray:
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


# ---------------------------------------------------------------- two-layer network

HIDDEN, CLASSES, BATCH, EPOCHS, DIRECTIONS = 64, 10, 32, 30, 10


def network() -> Fit:
    """Two-layer network for handwritten digits: wg.Tensor and backward(), mini-batches, Adam in NumPy"""
    split, random = data.digits(), np.random.default_rng(0)
    n, d = split.x.shape
    start = network_start(d, random)
    loss = partial(models.network_loss, x=split.x[:BATCH], y=split.y[:BATCH])
    problem = Problem(loss, by_backward(loss), start)
    size = problem.vector.size
    line("data", f"{n} images to learn from and {len(split.y_test)} to test, {d} pixels; {HIDDEN} hidden units")
    error = measure.error_along(problem, problem.vector, random.standard_normal((DIRECTIONS, size)))
    cost = measure.cost(problem)
    report_gradient(error, f"{DIRECTIONS} random directions", size, cost)

    parameters, losses, accuracies = train(start, split, random)

    with wg.no_grad():
        predicted = np.argmax(models.network_scores(parameters, split.x_test), axis=1)
    quality = {"test_accuracy": float(np.mean(predicted == split.y_test)), "loss": float(np.mean(losses[-n // BATCH :]))}
    line("result", "training loss {loss:.4f}, test accuracy {test_accuracy:.3f}".format(**quality))
    shown = {"images": split.x_test, "y": split.y_test, "predicted": predicted}
    shown |= {"losses": losses, "accuracies": accuracies}
    return Fit("two-layer network", n, d, size, error, cost, quality, shown)
