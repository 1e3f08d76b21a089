"""The cases of `compiled_cases` for Autograd.

Most programs run under Autograd when they import its NumPy in place of NumPy and `math`, which is what it asks of its
users: `peer` does that.  Autograd has no in-place writes.  What needs them is written below as its users write it:
whole-array operations where that is possible, lists of numbers or `concatenate` where it is not.
"""

import functools
import importlib.util
from collections.abc import Callable
from types import ModuleType
from typing import Any

import autograd.numpy as np
from autograd import elementwise_grad, grad
from autograd.scipy.special import logsumexp
from scipy.special import multigammaln

IMPORTS = {"import numpy as np\n": "import autograd.numpy as np\n", "import math\n": "import autograd.numpy as math\n"}


def peer(name: str, f: Callable[..., Any]) -> Callable[..., Any]:
    """The function below that has this name, else f with its imports changed."""
    return globals().get(name) or vars(with_its_imports_changed(f.__module__))[f.__name__]


@functools.cache
def with_its_imports_changed(name: str) -> ModuleType:
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.loader is not None
    text = spec.loader.get_source(name)
    for old, new in IMPORTS.items():
        text = text.replace(old, new)
    module = importlib.util.module_from_spec(spec)
    exec(compile(text, spec.origin, "exec"), vars(module))
    return module


# ---------------------------------------------------------------- loops over numbers


def tridiagonal(lower, diag, upper, rhs):
    c, d = [upper[0] / diag[0]], [rhs[0] / diag[0]]
    for i in range(1, len(diag)):
        m = 1.0 / (diag[i] - lower[i] * c[-1])
        c.append(upper[i] * m)
        d.append((rhs[i] - lower[i] * d[-1]) * m)
    x = d[-1]
    s = x * x
    for i in range(len(diag) - 2, -1, -1):
        x = d[i] - c[i] * x
        s = s + x * x
    return s


def heat(u, kappa, n):
    for _ in range(n):
        inner = u[1:-1] + kappa * (u[:-2] - 2.0 * u[1:-1] + u[2:])
        u = np.concatenate([u[:1], inner, u[-1:]])
    return np.sum(u**2)


def biquad(signal, b0, b1, b2, a1, a2):
    padded = np.concatenate([np.zeros(2), signal])
    inputs = b0 * signal + b1 * padded[1:-1] + b2 * padded[:-2]
    y1 = y2 = total = 0.0
    for i in range(len(signal)):
        y1, y2 = inputs[i] - a1 * y1 - a2 * y2, y1
        total = total + y1**2
    return total


# ---------------------------------------------------------------- loops over arrays


def cholesky(A, b):
    """A column in each step, which then leaves the block that remains."""
    n = len(b)
    density = 0.0
    for _ in range(n):
        pivot = np.sqrt(A[0, 0])
        column = A[1:, 0] / pivot
        y = b[0] / pivot
        density = density - 0.5 * y**2 - np.log(pivot)
        A = A[1:, 1:] - np.outer(column, column)
        b = b[1:] - column * y
    return density


def lu(A):
    total = 0.0
    for _ in range(len(A)):
        factors = A[1:, 0] / A[0, 0]
        total = total + np.sum(A[0] ** 2) + np.sum(factors**2)
        A = A[1:, 1:] - np.outer(factors, A[0, 1:])
    return total


def conjugate_gradient(A, b):
    x, r = np.zeros(A.shape[1]), b
    s = p = np.dot(A.T, r)
    square = np.dot(s, s)
    while square > 1e-20:
        q = np.dot(A, p)
        alpha = square / np.dot(q, q)
        x, r = x + alpha * p, r - alpha * q
        s = np.dot(A.T, r)
        before, square = square, np.dot(s, s)
        p = s + square / before * p
    return np.sum(x**2)


def floyd_warshall(weight):
    d = weight * (1.0 - np.eye(len(weight)))
    for k in range(len(weight)):
        d = np.minimum(d, d[:, k, None] + d[None, k, :])
    return np.sum(d)


def viterbi(initial, transition, emission):
    score = initial + emission[0]
    for t in range(1, len(emission)):
        score = np.max(score[:, None] + transition, axis=0) + emission[t]
    return np.max(score)


def time_warping(x, y):
    above = [0.0] + [np.inf] * len(y)
    for i in range(len(x)):
        here = (x[i] - y) ** 2
        row = [np.inf]
        for j in range(len(y)):
            row.append(here[j] + min(above[j + 1], row[j], above[j]))
        above = row
    return above[-1]


def lstm(main, extra, state, sequence):
    weights, biases = main[::2], main[1::2]
    hidden, cell = list(state[::2]), list(state[1::2])
    total = 0.0
    for t in range(len(sequence) - 1):
        flow = sequence[t] * extra[0]
        for p in range(len(hidden)):
            forget = sigmoid(flow * weights[p, 0] + biases[p, 0])
            admit = sigmoid(hidden[p] * weights[p, 1] + biases[p, 1])
            emit = sigmoid(flow * weights[p, 2] + biases[p, 2])
            change = np.tanh(hidden[p] * weights[p, 3] + biases[p, 3])
            cell[p] = cell[p] * forget + admit * change
            flow = hidden[p] = emit * np.tanh(cell[p])
        flow = flow * extra[1] + extra[2]
        total = total + np.sum(sequence[t + 1] * (flow - np.log(2.0 + np.sum(np.exp(flow)))))
    return -total / sequence[1:].size


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def spread(q, l):
    """Lower triangular matrices with the diagonals exp(q): products with constants in place of writes."""
    k, d = q.shape
    columns, rows = np.triu_indices(d, 1)
    below = np.zeros((len(rows), d, d))
    below[np.arange(len(rows)), rows, columns] = 1.0
    return np.dot(l, below.reshape(len(rows), d * d)).reshape(k, d, d) + np.exp(q)[:, :, None] * np.eye(d)


def gaussian_mixture(alpha, mu, q, l, x):
    n, d = x.shape
    scaled = np.matmul(x - mu[:, None], np.swapaxes(spread(q, l), 1, 2))
    terms = (alpha + np.sum(q, axis=1))[:, None] - 0.5 * np.sum(scaled**2, axis=2)
    return np.sum(logsumexp(terms, axis=0)) - n * logsumexp(alpha) - n * d * 0.5 * np.log(2 * np.pi)


def k_means(x, centres, sweeps):
    clusters = np.arange(len(centres))
    for _ in range(sweeps):
        distances = np.sum((x[:, None] - centres) ** 2, axis=2)
        nearest = np.argmin(distances, axis=1)[:, None] == clusters
        count = np.sum(nearest, axis=0)[:, None]
        cost = np.sum(np.min(distances, axis=1))
        centres = np.where(count > 0, np.dot(nearest.T.astype(float), x) / np.maximum(count, 1), centres)
    return cost


def spectrum(signal):
    n = len(signal)
    order = np.zeros(1, int)
    while len(order) < n:
        order = np.concatenate([2 * order, 2 * order + 1])
    re, im = signal[order][:, None], np.zeros((n, 1))
    while re.shape[1] < n:
        angle = -np.pi * np.arange(re.shape[1]) / re.shape[1]
        c, s = np.cos(angle), np.sin(angle)
        x, y = c * re[1::2] - s * im[1::2], c * im[1::2] + s * re[1::2]
        re = np.concatenate([re[::2] + x, re[::2] - x], axis=1)
        im = np.concatenate([im[::2] + y, im[::2] - y], axis=1)
    return np.sum((re**2 + im**2) ** 1.5)


def n_body(position, velocity, mass, n):
    h, x, v = 0.05, position, velocity
    for _ in range(n):
        apart = x[None, :] - x[:, None]
        pull = mass / (np.sum(apart**2, axis=2) + 0.01) ** 1.5
        v = v + h * np.sum(pull[:, :, None] * apart, axis=1)
        x = x + h * v
    return 0.5 * np.sum(mass * np.sum(v * v, axis=1))


def membrane(u, v, stiffness, n):
    """The force on the inner points, with zeros around it."""
    rows, columns = u.shape
    side, top = np.zeros((rows - 2, 1)), np.zeros((1, columns))
    for _ in range(n):
        force = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4.0 * u[1:-1, 1:-1]
        v = v + stiffness * np.concatenate([top, np.concatenate([side, force, side], axis=1), top])
        u = u + 0.1 * v
    return 0.5 * np.sum(v * v) + np.sum(u[1:, :] * u[:-1, :])


def runge_kutta(x, n):
    h, y = 2.0 / n, np.zeros(len(x))

    def slope(y):
        return x * np.concatenate([np.ones(1), y[:-1]])

    for _ in range(n):
        k1 = slope(y)
        k2 = slope(y + h * k1 / 2.0)
        k3 = slope(y + h * k2 / 2.0)
        k4 = slope(y + h * k3)
        y = y + h * (k1 + 2.0 * k2 + 2.0 * k3 + k4) / 6.0
    return y[-1]


def gaussian_process(x, y, length, noise):
    K = np.exp(-0.5 * ((x[:, None] - x) / length) ** 2) + noise**2 * np.eye(len(x))
    return 0.5 * (np.dot(y, np.linalg.solve(K, y)) + np.linalg.slogdet(K)[1])


# ---------------------------------------------------------------- whole arrays


def spring_chain(x, v, stiffness, n):
    h = 0.05
    for _ in range(n):
        ends = np.concatenate([np.zeros(1), x, np.zeros(1)])
        tension = stiffness * np.sinh(ends[1:] - ends[:-1])
        v = v + h * (tension[1:] - tension[:-1])
        x = x + h * v
    return np.sum(np.abs(x))


# ---------------------------------------------------------------- GradBench


def gmm(theta, x, m, gamma):
    alpha, mu, q, l = theta["alpha"], theta["mu"], theta["q"], theta["l"]
    (n, d), k = x.shape, len(alpha)
    Q = spread(q, l)
    scaled = np.matmul(x - mu[:, None], np.swapaxes(Q, 1, 2))
    beta = (alpha + np.sum(q, axis=1))[:, None] - 0.5 * np.sum(scaled**2, axis=2)
    likelihood = np.sum(logsumexp(beta, axis=0)) - n * (d / 2 * np.log(2 * np.pi) + logsumexp(alpha))
    freedom = d + m + 1
    constant = freedom * d * np.log(gamma / np.sqrt(2)) - multigammaln(freedom / 2, d)
    return likelihood + k * constant - gamma**2 / 2 * np.sum(Q**2) + m * np.sum(q)


def gradbench_lstm(main, extra, state, sequence):
    in_weight, out_weight, out_bias = extra
    layers = len(main) // 2
    weights, biases = main[::2].reshape(layers, 4, -1), main[1::2].reshape(layers, 4, -1)
    state = list(state)
    total = 0.0
    for t in range(len(sequence) - 1):
        x = sequence[t] * in_weight
        for p in range(layers):
            hidden, cell = state[2 * p], state[2 * p + 1]
            forget = sigmoid(x * weights[p, 0] + biases[p, 0])
            ingate = sigmoid(hidden * weights[p, 1] + biases[p, 1])
            outgate = sigmoid(x * weights[p, 2] + biases[p, 2])
            change = np.tanh(hidden * weights[p, 3] + biases[p, 3])
            state[2 * p + 1] = cell * forget + ingate * change
            x = state[2 * p] = outgate * np.tanh(state[2 * p + 1])
        predicted = x * out_weight + out_bias
        total = total + np.sum(sequence[t + 1] * (predicted - np.log(2 + np.sum(np.exp(predicted)))))
    return -total / sequence[1:].size


def kmeans_step_derived(centroids, points):
    slope = elementwise_grad(kmeans_cost)
    diagonal = elementwise_grad(lambda c: slope(c, points))
    return slope(centroids, points) / diagonal(centroids)


def kmeans_cost(centroids, points):
    return np.sum(np.min(np.sum((points[:, None] - centroids) ** 2, axis=2), axis=1))


def ba(cameras, points, weights, features, seen):
    return reprojections(cameras[seen[:, 0]], points[seen[:, 1]], weights, features), 1 - weights**2


def reprojections(cameras, points, weights, features):
    """Of all observations at once, since Autograd has no vmap."""
    axis, x = cameras[:, :3], points - cameras[:, 3:6]
    angle = np.sqrt(np.sum(axis**2, axis=1, keepdims=True))
    sine, versine = np.sinc(angle / np.pi), np.sinc(angle / (2 * np.pi)) ** 2 / 2
    along = np.sum(axis * x, axis=1, keepdims=True)
    turned = x * np.cos(angle) + np.cross(axis, x) * sine + axis * along * versine
    plane = turned[:, :2] / turned[:, 2:]
    square = np.sum(plane**2, axis=1, keepdims=True)
    bent = plane * (1 + cameras[:, 9:10] * square + cameras[:, 10:] * square**2)
    return weights[:, None] * (bent * cameras[:, 6:7] + cameras[:, 7:9] - features)


def ba_derived(cameras, points, weights, features, seen):
    """The two residuals of an observation depend on its own parameters: the gradient of a sum has them all."""
    own = cameras[seen[:, 0]], points[seen[:, 1]], weights
    rows_of_blocks = [
        grad(lambda *parts: np.sum(reprojections(*parts, features)[:, i]), (0, 1, 2))(*own)  # noqa: B023
        for i in range(2)
    ]
    by_camera, by_point, by_weight = (np.stack(parts, axis=1) for parts in zip(*rows_of_blocks))
    p = len(seen)
    values = np.concatenate([by_camera, by_point, by_weight[:, :, None]], axis=2)
    of_weights = cameras.size + points.size + np.arange(p)
    of_camera = 11 * seen[:, :1] + np.arange(11)
    of_point = cameras.size + 3 * seen[:, 1:] + np.arange(3)
    of_rows = np.concatenate([of_camera, of_point, of_weights[:, None]], axis=1)
    columns = np.concatenate([np.repeat(of_rows, 2, axis=0).ravel(), of_weights])
    rows = np.concatenate([15 * np.arange(2 * p + 1), 30 * p + 1 + np.arange(p)])
    return rows, columns, np.concatenate([values.ravel(), -2 * weights])


def det(A):
    """Of matrices (..., n, n): all minors of one size at once."""
    n = A.shape[-1]
    if n == 1:
        return A[..., 0, 0]
    others = np.array([[k for k in range(n) if k != j] for j in range(n)])
    minors = np.swapaxes(A[..., 1:, others], -3, -2)
    return np.sum((-1.0) ** np.arange(n) * A[..., 0, :] * det(minors), axis=-1)


ode = runge_kutta
