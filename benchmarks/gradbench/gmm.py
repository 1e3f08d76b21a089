"""Gaussian mixture: the log posterior of its parameters, with a Wishart prior on the precision matrices."""

import numpy as np
from scipy.special import multigammaln

import wengert as wg
from benchmarks.gradbench.function import Function


def logsumexp(x):
    largest = np.max(x, axis=-1, keepdims=True)
    return largest[..., 0] + np.log(np.sum(np.exp(x - largest), axis=-1))


def factors(q, l):
    """The precision matrices are Q.T @ Q: Q has the diagonal exp(q) and, column by column, l below it."""
    k, d = q.shape
    columns, rows = np.triu_indices(d, 1)
    Q = np.zeros((k, d, d))
    Q[:, np.arange(d), np.arange(d)] = np.exp(q)
    Q[:, rows, columns] = l
    return Q


def log_posterior(theta, x, m, gamma):
    alpha, mu, q, l = theta["alpha"], theta["mu"], theta["q"], theta["l"]
    (n, d), k = x.shape, len(alpha)
    Q = factors(q, l)
    scaled = np.einsum("kij,nkj->nki", Q, x[:, None] - mu)
    beta = alpha + np.sum(q, axis=1) - 0.5 * np.sum(scaled**2, axis=2)
    likelihood = np.sum(logsumexp(beta)) - n * (d / 2 * np.log(2 * np.pi) + logsumexp(alpha))
    freedom = d + m + 1
    constant = freedom * d * np.log(gamma / np.sqrt(2)) - multigammaln(freedom / 2, d)
    return likelihood + k * constant - gamma**2 / 2 * np.sum(Q**2) + m * np.sum(q)


def arguments(given):
    theta = {name: np.array(given[name]) for name in ("alpha", "mu", "q", "l")}
    return theta, np.array(given["x"]), given["m"], given["gamma"]


FUNCTIONS = {"objective": Function(log_posterior, arguments), "jacobian": Function(wg.grad(log_posterior), arguments)}
