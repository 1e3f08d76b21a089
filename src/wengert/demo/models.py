"""The losses that the demo fits: NumPy and nothing else, with the loops and the in-place writes that come naturally."""

from typing import Any

import numpy as np

Parameters = dict[str, Any]

# ---------------------------------------------------------------- Gaussian mixture


def component_scores(parameters: Parameters, x: np.ndarray) -> np.ndarray:
    """log(weight_k) + log N(x_i; mean_k, covariance_k) up to one constant, shape (n, k).

    Component k has the inverse covariance FᵀF.  F is lower triangular, the logarithms of its diagonal are parameters,
    so that every value of the parameters is a valid covariance (as in Srajer, Kukelova and Fitzgibbon 2018).
    """
    n, d = x.shape
    logits, means, log_diagonal = parameters["logits"], parameters["means"], parameters["log_diagonal"]
    scores = np.empty((n, len(logits)))
    for k in range(len(logits)):
        z = (x - means[k]) @ inverse_factor(parameters, k, d).T
        scores[:, k] = logits[k] + np.sum(log_diagonal[k]) - 0.5 * np.sum(z**2, axis=1)
    return scores


def inverse_factor(parameters: Parameters, k: int, d: int) -> np.ndarray:
    """F of component k, shape (d, d)."""
    factor = np.zeros((d, d))
    factor[np.diag_indices(d)] = np.exp(parameters["log_diagonal"][k])
    factor[np.tril_indices(d, -1)] = parameters["below"][k]
    return factor


def mixture_loss(parameters: Parameters, x: np.ndarray) -> float:
    """Negative log-likelihood per point."""
    total_weight = log_sum_exp(parameters["logits"][None, :])[0]
    normal = 0.5 * x.shape[1] * np.log(2 * np.pi)
    return normal + total_weight - np.mean(log_sum_exp(component_scores(parameters, x)))


def log_sum_exp(scores: np.ndarray) -> np.ndarray:
    """log(sum(exp(row))) of each row."""
    top = np.max(scores, axis=1)  # without it exp overflows
    return top + np.log(np.sum(np.exp(scores - top[:, None]), axis=1))


# ---------------------------------------------------------------- logistic regression


def log_odds(parameters: Parameters, x: np.ndarray) -> np.ndarray:
    return x @ parameters["slopes"] + parameters["intercept"]


def logistic_loss(parameters: Parameters, x: np.ndarray, y: np.ndarray) -> float:
    """Negative log-likelihood of labels y in {-1, 1}, and scikit-learn's default penalty (C=1)."""
    likelihood = np.logaddexp(0.0, -y * log_odds(parameters, x))
    return np.sum(likelihood) + 0.5 * np.sum(parameters["slopes"] ** 2)


# ---------------------------------------------------------------- two-layer network


def network_scores(parameters: Parameters, x: np.ndarray) -> np.ndarray:
    """One score for each image and class, shape (n, 10)."""
    hidden = np.tanh(x @ parameters["w1"] + parameters["b1"])
    return hidden @ parameters["w2"] + parameters["b2"]


def network_loss(parameters: Parameters, x: np.ndarray, y: np.ndarray) -> float:
    """Mean cross-entropy of the classes y, integers."""
    scores = network_scores(parameters, x)
    return np.mean(log_sum_exp(scores) - scores[np.arange(len(y)), y])
