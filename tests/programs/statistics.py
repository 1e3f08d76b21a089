"""Likelihoods, filters and fits."""

import math

import numpy as np

from programs.program import Program, normal, uniform


def log_sum_exp(v):
    top = v[0]
    for i in range(1, len(v)):
        top = np.maximum(top, v[i])
    s = 0.0
    for i in range(len(v)):
        s += np.exp(v[i] - top)
    return top + np.log(s)


def gaussian_mixture(alpha, mu, q, l, x):
    """Log-likelihood of a Gaussian mixture; q: log-diagonal, l: columns of the strict lower triangle."""
    (n, d), k = x.shape, len(alpha)
    diag, sum_q = np.zeros((k, d)), np.zeros(k)
    for c in range(k):
        for j in range(d):
            diag[c, j] = np.exp(q[c, j])
            sum_q[c] += q[c, j]
    total = 0.0
    for i in range(n):
        term = np.zeros(k)
        for c in range(k):
            centred, scaled = np.zeros(d), np.zeros(d)
            for j in range(d):
                centred[j] = x[i, j] - mu[c, j]
                scaled[j] = diag[c, j] * centred[j]
            for j in range(d - 1):
                start = j * (2 * d - j - 1) // 2 - j - 1
                for m in range(j + 1, d):
                    scaled[m] += l[c, start + m] * centred[j]
            square = 0.0
            for j in range(d):
                square += scaled[j] * scaled[j]
            term[c] = alpha[c] + sum_q[c] - 0.5 * square
        total += log_sum_exp(term)
    return total - n * log_sum_exp(alpha) - n * d * 0.5 * math.log(2 * math.pi)


def gaussian_mixture_reused(alpha, mu, width, x):
    """The same with one width per component, and work arrays made once, outside the loops."""
    (n, d), k = x.shape, len(alpha)
    term, centred = np.empty(k), np.empty(d)
    total = 0.0
    for i in range(n):
        for c in range(k):
            square = 0.0
            for j in range(d):
                centred[j] = (x[i, j] - mu[c, j]) / width[c]
                square += centred[j] ** 2
            term[c] = alpha[c] - d * math.log(width[c]) - 0.5 * square
        total += log_sum_exp(term)
    return total - n * log_sum_exp(alpha)


def k_means(x, centres, sweeps):
    """Within-cluster sum of squares after some steps of Lloyd's algorithm; the nearest centre by loops."""
    (n, d), k = x.shape, len(centres)
    for _ in range(sweeps):
        total, count = np.zeros((k, d)), np.zeros(k)
        cost = 0.0
        for i in range(n):
            nearest, least = 0, np.inf
            for c in range(k):
                distance = 0.0
                for j in range(d):
                    distance += (x[i, j] - centres[c, j]) ** 2
                if distance < least:
                    nearest, least = c, distance
            total[nearest] += x[i]
            count[nearest] += 1.0
            cost += least
        centres = centres.copy()
        for c in range(k):
            if count[c] > 0:
                centres[c] = total[c] / count[c]
    return cost


def kalman(y, process, noise):
    """Log-likelihood of a random walk observed with noise."""
    mean, variance = 0.0, 1.0
    log_likelihood = 0.0
    for value in y:
        variance += process
        total = variance + noise
        surprise = value - mean
        log_likelihood -= 0.5 * (math.log(2.0 * math.pi * total) + surprise**2 / total)
        gain = variance / total
        mean += gain * surprise
        variance *= 1.0 - gain
    return log_likelihood


def kalman_matrices(y, F, H, Q, R):
    """The same for a state vector; y: (steps, observed)."""
    m, P = np.zeros(F.shape[0]), np.eye(F.shape[0])
    log_likelihood = 0.0
    for t in range(len(y)):
        m = F @ m
        P = F @ P @ F.T + Q
        S = H @ P @ H.T + R
        surprise = y[t] - H @ m
        gain = P @ H.T @ np.linalg.inv(S)
        log_likelihood -= 0.5 * (surprise @ np.linalg.solve(S, surprise) + np.log(np.linalg.det(S)))
        m = m + gain @ surprise
        P = P - gain @ S @ gain.T
    return log_likelihood


def welford(x):
    """Mean and variance in one pass; `count` is an integer that the loop carries."""
    count, mean, square = 0, 0.0, 0.0
    for value in x:
        count += 1
        delta = value - mean
        mean += delta / count
        square += delta * (value - mean)
    return mean, square / (count - 1)


def logistic_regression(w, X, y, rate, n):
    """Loss after n steps of gradient descent, with vectors; differentiates through the training."""
    for _ in range(n):
        p = 1.0 / (1.0 + np.exp(-X @ w))
        w = w - rate * X.T @ (p - y)
    p = 1.0 / (1.0 + np.exp(-X @ w))
    return -np.mean(y * np.log(p) + (1.0 - y) * np.log(1.0 - p))


def garch(returns, omega, alpha, beta):
    """Negative log-likelihood of returns whose variance follows a GARCH(1, 1) recursion."""
    variance = omega / (1.0 - alpha - beta)
    total = 0.0
    for t in range(len(returns)):
        total += 0.5 * (np.log(variance) + returns[t] ** 2 / variance)
        variance = omega + alpha * returns[t] ** 2 + beta * variance
    return total


def lasso(X, y, penalty, sweeps):
    """Coefficients by coordinate descent; the threshold is a chain of branches on the value."""
    w = np.zeros(X.shape[1])
    residual = y.copy()
    for _ in range(sweeps):
        for j in range(len(w)):
            square = X[:, j] @ X[:, j]
            rho = X[:, j] @ residual + square * w[j]
            if rho > penalty:
                new = (rho - penalty) / square
            elif rho < -penalty:
                new = (rho + penalty) / square
            else:
                new = 0.0
            residual += X[:, j] * (w[j] - new)
            w[j] = new
    return w


def gaussian_process(x, y, length, noise):
    """Negative log-likelihood of a Gaussian process; the covariance is filled by loops over its lower triangle."""
    n = len(x)
    K = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            K[i, j] = K[j, i] = math.exp(-0.5 * ((x[i] - x[j]) / length) ** 2)
        K[i, i] += noise**2
    return 0.5 * (y @ np.linalg.solve(K, y) + np.linalg.slogdet(K)[1])


def mixture(n):
    return (
        normal(3, seed=1),
        normal(3, 2, seed=2),
        0.3 * normal(3, 2, seed=3),
        normal(3, 1, seed=4),
        normal(n, 2, seed=5),
    )


def tracked(n):
    F, H = np.array([[1.0, 0.1], [-0.1, 0.95]]), np.array([[1.0, 0.3]])
    return normal(n, 1), F, H, 0.1 * np.eye(2), np.array([[0.5]])


PROGRAMS = [
    Program(gaussian_mixture, mixture, (0, 1, 2, 3, 4), n=4),
    Program(
        gaussian_mixture_reused,
        lambda n: (normal(3, seed=1), normal(3, 2, seed=2), uniform(3, seed=3), normal(n, 2, seed=5)),
        (0, 1, 2, 3),
        n=4,
    ),
    Program(k_means, lambda n: (normal(n, 2, seed=1), normal(3, 2, seed=2), 2), (0, 1), n=8),
    Program(kalman, lambda n: (normal(n), 0.3, 0.5), (0, 1, 2)),
    Program(kalman_matrices, tracked, (0, 1, 2, 3, 4), n=4),
    Program(welford, lambda n: (normal(n),), scalar=False),
    Program(
        logistic_regression,
        lambda n: (normal(3, seed=1), normal(8, 3, seed=2), (normal(8, seed=3) > 0).astype(float), 0.1, n),
        (0, 1, 3),
    ),
    Program(garch, lambda n: (normal(n), 0.1, 0.2, 0.6), (0, 1, 2, 3)),
    Program(
        lasso,
        lambda n: (normal(6, 3, seed=1), normal(6, seed=2), 1.5, n),
        (0, 1, 2),
        n=2,
        scalar=False,
        more=((normal(6, 3, seed=1), normal(6, seed=2), 0.1, 2),),
    ),
    Program(
        gaussian_process,
        lambda n: (np.linspace(0.0, 2.0, n), normal(n), 0.4, 0.3),
        (0, 1, 2, 3),
        n=4,
        linear=False,
    ),
]
