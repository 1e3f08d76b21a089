"""What the benchmark of compiled functions computes: programs of tests/programs/, and problems of GradBench.

Where a program returns arrays, a function below makes a number of them.  `peers_jax` holds the same function under the
case's name, as does `peers_autograd` where changing the imports is not enough.  Nothing here is timed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import wengert as wg
from benchmarks.gradbench import ba, det, gmm, kmeans, llsq, lse, lstm, ode
from programs import (
    calculus,
    dynamic_programming,
    linear_algebra,
    root_finding,
    signal,
    simulation,
    statistics,
)
from programs.program import dominant, normal, positive_definite, uniform

NUMBERS = "loops over numbers"
ARRAYS = "loops over arrays"
WHOLE = "whole arrays"
GRADBENCH = "GradBench"
GROUPS = (NUMBERS, ARRAYS, WHOLE, GRADBENCH)


@dataclass(frozen=True)
class Case:
    """
    name      of its peers
    size      as it is printed; a name may come with several
    group     how it is written in NumPy: the goals differ
    f, args   the plain function and one point
    argnums   what it is differentiated by: then it returns a number
    derived   the derivative in place of value and gradient; its peers' names end in `_derived`
    """

    name: str
    size: str
    group: str
    f: Callable[..., Any]
    args: tuple[Any, ...]
    argnums: tuple[int, ...] = (0,)
    derived: Callable[..., Any] | None = None

    @property
    def derivative(self) -> Callable[..., Any]:
        return self.derived or wg.value_and_grad(self.f, self.argnums)

    @property
    def label(self) -> str:
        return f"{self.name} {self.size}".strip()


# ---------------------------------------------------------------- numbers made of arrays


def lu(A):
    return np.sum(linear_algebra.lu(A) ** 2)


def conjugate_gradient(A, b):
    return np.sum(linear_algebra.conjugate_gradient(A, b) ** 2)


def spectrum(x):
    return np.sum(signal.spectrum(x) ** 1.5)


def recurrent_cell(W, U, b, inputs):
    return np.sum(signal.recurrent_cell(W, U, b, inputs) ** 2)


# ---------------------------------------------------------------- straight code


def normal_density(A, b):
    """What the program `cholesky` computes, by LAPACK.  Conventions for the derivative by a symmetric matrix differ."""
    A = 0.5 * (A + A.T)
    L = np.linalg.cholesky(A)
    return -0.5 * b @ np.linalg.solve(A, b) - np.sum(np.log(np.diag(L)))


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def network(w1, b1, w2, b2, x, labels):
    """Cross-entropy of a network with one hidden layer; labels: (n, classes), one-hot."""
    scores = np.tanh(x @ w1 + b1) @ w2 + b2
    scores = scores - np.max(scores, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(scores), axis=1)) - np.sum(labels * scores, axis=1))


# ---------------------------------------------------------------- points


def tridiagonal_at(n):
    return uniform(n, seed=1), uniform(n, seed=2) + 3.0, uniform(n, seed=3), normal(n, seed=4)


def lstm_at(steps, width):
    return (
        normal(4, 4, width, seed=1),
        normal(3, width, seed=2),
        normal(4, width, seed=3),
        normal(steps, width, seed=4),
    )


def mixture_at(n, d, k):
    triangle = d * (d - 1) // 2
    return (
        normal(k, seed=1),
        normal(k, d, seed=2),
        0.3 * normal(k, d, seed=3),
        normal(k, triangle, seed=4),
        normal(n, d, seed=5),
    )


def markov_at(steps, states):
    return uniform(states, seed=1), uniform(states, states, seed=2), uniform(steps, states, seed=3)


def tracked_at(steps):
    F, H = np.array([[1.0, 0.1], [-0.1, 0.95]]), np.array([[1.0, 0.3]])
    return normal(steps, 1), F, H, 0.1 * np.eye(2), np.array([[0.5]])


def bodies_at(n, steps):
    return normal(n, 2, seed=1), normal(n, 2, seed=2), uniform(n, seed=3), steps


def trained_at(n, d, steps):
    labels = (normal(n, seed=3) > 0).astype(float)
    return 0.3 * normal(d, seed=1), normal(n, d, seed=2), labels, 1.0 / n, steps


def network_at(n, inputs, hidden, classes):
    labels = np.eye(classes)[np.arange(n) % classes]
    w1, w2 = normal(inputs, hidden, seed=1) / 8.0, normal(hidden, classes, seed=2) / 8.0
    return w1, np.zeros(hidden), w2, np.zeros(classes), uniform(n, inputs, seed=3), labels


def clustered_at(n, d, k, sweeps):
    return normal(n, d, seed=1), normal(k, d, seed=2), sweeps


def cell_at(steps, width):
    W, U = 0.3 * normal(width, width, seed=1), 0.3 * normal(width, width, seed=2)
    return W, U, normal(width, seed=3), normal(steps, width, seed=4)


def observed_at(n):
    return np.linspace(0.0, 2.0, n), normal(n), 0.4, 0.3


def membrane_at(n, steps):
    return normal(n, n, seed=1), normal(n, n, seed=2), 0.3, steps


def chain_at(n, steps):
    return 0.3 * normal(n, seed=1), 0.3 * normal(n, seed=2), uniform(n + 1, seed=3), steps


def powers_at(n, steps):
    return positive_definite(n), uniform(n), steps


def driven(n):
    """Rates for which the last of n components ends near 1."""
    return 0.5 * np.arange(1, n + 1) * uniform(n, low=0.9, high=1.1)


def centroids_at(k, n, d):
    return normal(k, d, seed=1), normal(n, d, seed=2)


def gmm_at(d, k, n):
    """JAX sorts the names of its results."""
    alpha, mu, q, l, x = mixture_at(n, d, k)
    return {"alpha": alpha, "l": l, "mu": mu, "q": q}, x, 0, 1.0


def adjusted_at(cameras, points, observations):
    """Random cameras that look at random points from far enough."""
    seen = np.arange(observations)
    views = 0.2 * normal(cameras, 11, seed=1) + np.array([0.0] * 5 + [-5.0, 500.0] + [0.0] * 4)
    features = 100.0 * normal(observations, 2, seed=4)
    pairs = np.stack([seen % cameras, seen % points], axis=1)
    return views, normal(points, 3, seed=2), uniform(observations, seed=3), features, pairs


def gradbench_lstm_at(steps, width):
    """Two layers; a row of weights and one of biases for each."""
    return (
        normal(4, 4 * width, seed=1),
        normal(3, width, seed=2),
        normal(4, width, seed=3),
        normal(steps, width, seed=4),
    )


# ---------------------------------------------------------------- the table of cases

CASES = (
    Case("newton", "", NUMBERS, root_finding.newton, (1.0, 2.0), (0, 1)),
    Case("bisection", "", NUMBERS, root_finding.bisection, (1.3, 2.1), (0, 1)),
    Case("fixed_point", "", NUMBERS, root_finding.fixed_point, (0.9, 0.8), (0, 1)),
    Case("adaptive_step_size", "1e-3", NUMBERS, simulation.adaptive_step_size, (0.7, 2.0, 1e-3), (0, 1)),
    Case("adaptive_step_size", "1e-5", NUMBERS, simulation.adaptive_step_size, (0.7, 2.0, 1e-5), (0, 1)),
    Case("branching_map", "n=1000", NUMBERS, simulation.branching_map, (0.3, 2.0, 1000), (0, 1)),
    Case("simpson", "n=500", NUMBERS, calculus.simpson, (0.2, 1.5, 0.7, 500), (0, 1, 2)),
    Case("horner", "n=100", NUMBERS, calculus.horner, (normal(100), 0.8), (0, 1)),
    Case("tridiagonal", "n=100", NUMBERS, linear_algebra.tridiagonal, tridiagonal_at(100), (0, 1, 2, 3)),
    Case("tridiagonal", "n=1000", NUMBERS, linear_algebra.tridiagonal, tridiagonal_at(1000), (0, 1, 2, 3)),
    Case("heat", "50 cells, n=50", NUMBERS, simulation.heat, (uniform(50), 0.2, 50), (0, 1)),
    Case("heat", "200 cells, n=100", NUMBERS, simulation.heat, (uniform(200), 0.2, 100), (0, 1)),
    Case("kalman", "n=100", NUMBERS, statistics.kalman, (normal(100), 0.3, 0.5), (0, 1, 2)),
    Case("kalman", "n=1000", NUMBERS, statistics.kalman, (normal(1000), 0.3, 0.5), (0, 1, 2)),
    Case("garch", "n=100", NUMBERS, statistics.garch, (normal(100), 0.1, 0.2, 0.6), (0, 1, 2, 3)),
    Case("garch", "n=1000", NUMBERS, statistics.garch, (normal(1000), 0.1, 0.2, 0.6), (0, 1, 2, 3)),
    Case("biquad", "n=100", NUMBERS, signal.biquad, (normal(100), 0.2, 0.4, 0.2, -0.5, 0.3), (0, 1, 2, 3, 4, 5)),
    Case("biquad", "n=1000", NUMBERS, signal.biquad, (normal(1000), 0.2, 0.4, 0.2, -0.5, 0.3), (0, 1, 2, 3, 4, 5)),
    Case("smoothing", "n=100", NUMBERS, signal.exponential_smoothing, (normal(100), 0.4, 0.2), (0, 1, 2)),
    Case("smoothing", "n=1000", NUMBERS, signal.exponential_smoothing, (normal(1000), 0.4, 0.2), (0, 1, 2)),
    Case("cholesky", "n=8", ARRAYS, linear_algebra.cholesky, (positive_definite(8), normal(8)), (0, 1)),
    Case("cholesky", "n=24", ARRAYS, linear_algebra.cholesky, (positive_definite(24), normal(24)), (0, 1)),
    Case("lu", "n=24", ARRAYS, lu, (dominant(24) / 24.0,)),
    Case("conjugate_gradient", "60x20", ARRAYS, conjugate_gradient, (normal(60, 20), normal(60)), (0, 1)),
    Case("floyd_warshall", "n=16", ARRAYS, dynamic_programming.floyd_warshall, (uniform(16, 16),)),
    Case("viterbi", "n=50, 8 states", ARRAYS, dynamic_programming.viterbi, markov_at(50, 8), (0, 1, 2)),
    Case("hidden_markov", "n=100, 8 states", ARRAYS, dynamic_programming.hidden_markov, markov_at(100, 8), (0, 1, 2)),
    Case("time_warping", "30x30", ARRAYS, dynamic_programming.time_warping, (normal(30), normal(30, seed=1)), (0, 1)),
    Case("kalman_matrices", "n=100", ARRAYS, statistics.kalman_matrices, tracked_at(100), (0, 1, 2, 3, 4)),
    Case("lstm", "n=20, width 14", ARRAYS, signal.lstm, lstm_at(20, 14), (0, 1, 2, 3)),
    Case("recurrent_cell", "n=100, width 8", ARRAYS, recurrent_cell, cell_at(100, 8), (0, 1, 2, 3)),
    Case("gaussian_mixture", "n=50 d=3 k=4", ARRAYS, statistics.gaussian_mixture, mixture_at(50, 3, 4), (0, 1, 2, 3)),
    Case("k_means", "n=200 k=5, 2 sweeps", ARRAYS, statistics.k_means, clustered_at(200, 2, 5, 2), (0, 1)),
    Case("spectrum", "n=64", ARRAYS, spectrum, (normal(64),)),
    Case("n_body", "8 bodies, n=10", ARRAYS, simulation.n_body, bodies_at(8, 10), (0, 1, 2)),
    Case("membrane", "12x12, n=10", ARRAYS, simulation.membrane, membrane_at(12, 10), (0, 1, 2)),
    Case("runge_kutta", "m=20, n=20", ARRAYS, simulation.runge_kutta, (driven(20), 20)),
    Case("gaussian_process", "n=20", ARRAYS, statistics.gaussian_process, observed_at(20), (0, 1, 2, 3)),
    Case("spring_chain", "m=50, n=100", WHOLE, simulation.spring_chain, chain_at(50, 100), (0, 1, 2)),
    Case("power_iteration", "20x20, n=50", WHOLE, linear_algebra.power_iteration, powers_at(20, 50), (0, 1)),
    Case("logistic_regression", "100x10, n=50", WHOLE, statistics.logistic_regression, trained_at(100, 10, 50), (0, 3)),
    Case("normal_density", "n=24", WHOLE, normal_density, (positive_definite(24), normal(24)), (0, 1)),
    Case("rosenbrock", "n=10", WHOLE, rosenbrock, (normal(10),)),
    Case("rosenbrock", "n=100000", WHOLE, rosenbrock, (normal(100_000),)),
    Case("network", "32x64x64x10", WHOLE, network, network_at(32, 64, 64, 10), (0, 1, 2, 3)),
    Case("gmm", "d=2 k=5 n=1000", GRADBENCH, gmm.log_posterior, gmm_at(2, 5, 1000)),
    Case("gmm", "d=10 k=25 n=1000", GRADBENCH, gmm.log_posterior, gmm_at(10, 25, 1000)),
    Case("gradbench_lstm", "n=70, width 14", GRADBENCH, lstm.loss, gradbench_lstm_at(70, 14), (0, 1)),
    Case("gradbench_kmeans", "n=1000 d=8 k=10", GRADBENCH, kmeans.cost, centroids_at(10, 1000, 8)),
    Case(
        "kmeans_step", "n=1000 d=8 k=10", GRADBENCH, kmeans.cost, centroids_at(10, 1000, 8), derived=kmeans.newton_step
    ),
    Case("ba", "5 cameras, p=1000", GRADBENCH, ba.residuals, adjusted_at(5, 200, 1000), derived=ba.jacobian),
    Case("det", "n=6", GRADBENCH, det.det, (normal(6, 6),)),
    Case("llsq", "n=256 m=16", GRADBENCH, llsq.objective, (normal(16), 256)),
    Case("lse", "n=2500", GRADBENCH, lse.lse, (normal(2500),)),
    Case("lse", "n=640000", GRADBENCH, lse.lse, (normal(640_000),)),
    Case("ode", "n=300 s=100", GRADBENCH, ode.last, (driven(300), 100)),
)
