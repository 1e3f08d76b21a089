"""The cases of `compiled_cases` in JAX, each in the idiom that suits JAX best, under the case's name.

A loop whose steps need one another is a `scan` or a `fori_loop`, one that ends by a tolerance is a `while_loop`, and a
loop over elements is whole-array code.  The method is that of the NumPy program: no closed form, no library call in
place of a loop that is the program's point.

`while_loop` has no reverse mode in JAX.  Where few numbers are differentiated, forward mode is the best that JAX has
(`FORWARD`); else the loop becomes a `scan` of a given length, whose steps do nothing when the loop has ended
(`REVERSE`).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_cpu_enable_async_dispatch", False)  # with one thread, waiting for another costs a tenth more

# ---------------------------------------------------------------- loops over numbers


def newton(a, b):
    def go_on(state):
        _, step = state
        return jnp.abs(step) > 1e-12

    def advance(state):
        x, _ = state
        e = jnp.exp(b * x)
        step = (x * e - a) / (e * (1.0 + b * x))
        return x - step, step

    return lax.while_loop(go_on, advance, (1.0, 1.0))[0]


def bisection(a, b):
    def go_on(interval):
        low, high = interval
        return high - low >= 1e-9

    def halve(interval):
        low, high = interval
        middle = 0.5 * (low + high)
        above = middle**3 + a * middle > b
        return jnp.where(above, low, middle), jnp.where(above, middle, high)

    low, high = lax.while_loop(go_on, halve, (0.0, 2.0))
    middle = 0.5 * (low + high)
    return middle - (middle**3 + a * middle - b) / (3.0 * middle**2 + a)


def fixed_point(a, b):
    def go_on(state):
        x, new = state
        return jnp.abs(new - x) >= 1e-13

    def advance(state):
        _, x = state
        return x, a * jnp.cos(b * x)

    return lax.while_loop(go_on, advance, (1.0, a * jnp.cos(b)))[1]


def adaptive_step_size(y, rate, tolerance):
    def go_on(state):
        t, _, _ = state
        return t < 1.0 - 1e-12

    def attempt(state):
        t, h, y = state
        h = jnp.where(t + h > 1.0, 1.0 - t, h)
        k1 = -rate * y + jnp.sin(5.0 * t)
        k2 = -rate * (y + h * k1) + jnp.sin(5.0 * (t + h))
        error = 0.5 * h * jnp.abs(k2 - k1)
        good = error <= tolerance
        t, y = jnp.where(good, t + h, t), jnp.where(good, y + 0.5 * h * (k1 + k2), y)
        return t, h * jnp.minimum(2.0, jnp.maximum(0.3, 0.9 * jnp.sqrt(tolerance / error))), y

    return lax.while_loop(go_on, attempt, (0.0, 0.5, y))[2]


def branching_map(x, r, n):
    def step(_, x):
        return jnp.where(x < 0.5, r * x * (1.0 - x) + 0.01, x - 0.3 * jnp.sin(r * x))

    return lax.fori_loop(0, n, step, x)


def simpson(a, b, k, n):
    h = (b - a) / (2 * n)
    i = jnp.arange(1, 2 * n)
    x = a + i * h
    inner = jnp.sum(jnp.where(i % 2 == 1, 4.0, 2.0) * jnp.exp(-k * x * x))
    return (jnp.exp(-k * a * a) + jnp.exp(-k * b * b) + inner) * h / 3.0


def horner(coefficients, x):
    def step(value, c):
        return value * x + c, None

    return lax.scan(step, 0.0, coefficients)[0]


def tridiagonal(lower, diag, upper, rhs):
    def forward(carry, row):
        c, d = carry
        lower, diag, upper, rhs = row
        m = 1.0 / (diag - lower * c)
        c, d = upper * m, (rhs - lower * d) * m
        return (c, d), (c, d)

    def back(x, row):
        c, d = row
        x = d - c * x
        return x, x

    _, rows = lax.scan(forward, (0.0, 0.0), (lower, diag, upper, rhs))
    _, x = lax.scan(back, 0.0, rows, reverse=True)
    return jnp.sum(x * x)


def heat(u, kappa, n):
    def step(_, u):
        inner = u[1:-1] + kappa * (u[:-2] - 2.0 * u[1:-1] + u[2:])
        return jnp.concatenate([u[:1], inner, u[-1:]])

    return jnp.sum(lax.fori_loop(0, n, step, u) ** 2)


def kalman(y, process, noise):
    def step(state, value):
        mean, variance, log_likelihood = state
        variance = variance + process
        total = variance + noise
        surprise = value - mean
        log_likelihood = log_likelihood - 0.5 * (jnp.log(2.0 * jnp.pi * total) + surprise**2 / total)
        gain = variance / total
        return (mean + gain * surprise, variance * (1.0 - gain), log_likelihood), None

    return lax.scan(step, (0.0, 1.0, 0.0), y)[0][2]


def garch(returns, omega, alpha, beta):
    def step(variance, square):
        return omega + alpha * square + beta * variance, variance

    squares = returns**2
    _, variances = lax.scan(step, omega / (1.0 - alpha - beta), squares)
    return jnp.sum(0.5 * (jnp.log(variances) + squares / variances))


def biquad(signal, b0, b1, b2, a1, a2):
    """What does not depend on the output is taken out of the loop."""
    padded = jnp.concatenate([jnp.zeros(2), signal])
    inputs = b0 * signal + b1 * padded[1:-1] + b2 * padded[:-2]

    def step(state, x):
        y1, y2 = state
        y = x - a1 * y1 - a2 * y2
        return (y, y1), y

    _, out = lax.scan(step, (0.0, 0.0), inputs)
    return jnp.sum(out**2)


def smoothing(signal, level, trend):
    def step(state, x):
        l, b, error = state
        forecast = l + b
        new = level * x + (1 - level) * forecast
        return (new, trend * (new - l) + (1 - trend) * b, error + (x - forecast) ** 2), None

    return lax.scan(step, (signal[0], signal[1] - signal[0], 0.0), signal[1:])[0][2]


# ---------------------------------------------------------------- loops over arrays


def cholesky(A, b):
    """A column in each step, from the columns before it."""
    n = len(b)
    rows = jnp.arange(n)

    def column(j, L):
        s = A[:, j] - L @ L[j]
        return L.at[:, j].set(jnp.where(rows >= j, s / jnp.sqrt(s[j]), 0.0))

    L = lax.fori_loop(0, n, column, jnp.zeros((n, n)))
    y = jax.scipy.linalg.solve_triangular(L, b, lower=True)
    return -jnp.sum(0.5 * y**2 + jnp.log(jnp.diag(L)))


def lu(A):
    """Each step leaves a column and a row of the factors, and a smaller block, whose size stays."""
    rows = jnp.arange(len(A))

    def eliminate(A, k):
        factors = jnp.where(rows > k, A[:, k] / A[k, k], 0.0)
        row = jnp.where(rows >= k, A[k], 0.0)
        return A - jnp.outer(factors, row), jnp.sum(factors**2) + jnp.sum(row**2)

    return jnp.sum(lax.scan(eliminate, A, rows)[1])


def conjugate_steps(A, b):
    """The state at the start, whether to go on, and the next state."""

    def step(state):
        x, r, p, square = state
        q = A @ p
        alpha = square / (q @ q)
        x, r = x + alpha * p, r - alpha * q
        s = A.T @ r
        new = s @ s
        return x, r, s + new / square * p, new

    def go_on(state):
        return state[3] > 1e-20

    s = A.T @ b
    return (jnp.zeros(A.shape[1]), b, s, s @ s), go_on, step


def conjugate_gradient(A, b):
    start, go_on, step = conjugate_steps(A, b)
    return jnp.sum(lax.while_loop(go_on, step, start)[0] ** 2)


def conjugate_gradient_bounded(A, b):
    """At most twice as many steps as there are unknowns.  `where` is faster than `cond`; no step may divide by zero."""
    start, go_on, step = conjugate_steps(A, b)

    def perhaps(state, _):
        more = go_on(state)
        new = step(choose(more, state, start))
        return choose(more, new, state), None

    def choose(condition, these, those):
        return jax.tree.map(lambda x, y: jnp.where(condition, x, y), these, those)

    return jnp.sum(lax.scan(perhaps, start, None, length=2 * A.shape[1])[0][0] ** 2)


def floyd_warshall(weight):
    n = len(weight)

    def through(k, d):
        return jnp.minimum(d, d[:, k, None] + d[None, k, :])

    return jnp.sum(lax.fori_loop(0, n, through, weight * (1.0 - jnp.eye(n))))


def viterbi(initial, transition, emission):
    def step(score, row):
        return jnp.max(score[:, None] + transition, axis=0) + row, None

    return jnp.max(lax.scan(step, initial + emission[0], emission[1:])[0])


def hidden_markov(initial, transition, emission):
    def step(alpha, row):
        scale = jnp.sum(alpha)
        return (alpha / scale) @ transition * row, scale

    alpha, scales = lax.scan(step, initial * emission[0], emission[1:])
    return jnp.sum(jnp.log(scales)) + jnp.log(jnp.sum(alpha))


def time_warping(x, y):
    """Row by row; along a row only the left neighbour is waited for."""
    here = (x[:, None] - y[None, :]) ** 2

    def row(before, costs):
        def cell(left, at):
            cost, above = at
            cost = cost + jnp.minimum(above, left)
            return cost, cost

        above = jnp.minimum(before[1:], before[:-1])
        _, new = lax.scan(cell, jnp.inf, (costs, above))
        return jnp.concatenate([jnp.array([jnp.inf]), new]), None

    start = jnp.full(len(y) + 1, jnp.inf).at[0].set(0.0)
    return lax.scan(row, start, here)[0][-1]


def kalman_matrices(y, F, H, Q, R):
    def step(state, observed):
        m, P = state
        m = F @ m
        P = F @ P @ F.T + Q
        S = H @ P @ H.T + R
        surprise = observed - H @ m
        solved = jnp.linalg.solve(S, jnp.column_stack([H @ P.T, surprise]))  # one factorisation for both
        gain = solved[:, :-1].T
        fit = surprise @ solved[:, -1] + jnp.linalg.slogdet(S)[1]
        return (m + gain @ surprise, P - gain @ S @ gain.T), fit

    _, fits = lax.scan(step, (jnp.zeros(len(F)), jnp.eye(len(F))), y)
    return -0.5 * jnp.sum(fits)


def lstm(main, extra, state, sequence):
    weights, biases = main[::2], main[1::2]
    layers = len(weights)

    def step(carry, x):
        hidden, cell = carry
        flow, new_hidden, new_cell = x * extra[0], [], []
        for p in range(layers):
            forget = jax.nn.sigmoid(flow * weights[p, 0] + biases[p, 0])
            admit = jax.nn.sigmoid(hidden[p] * weights[p, 1] + biases[p, 1])
            emit = jax.nn.sigmoid(flow * weights[p, 2] + biases[p, 2])
            change = jnp.tanh(hidden[p] * weights[p, 3] + biases[p, 3])
            c = cell[p] * forget + admit * change
            flow = emit * jnp.tanh(c)
            new_hidden.append(flow)
            new_cell.append(c)
        return (jnp.stack(new_hidden), jnp.stack(new_cell)), flow

    _, flows = lax.scan(step, (state[::2], state[1::2]), sequence[:-1])
    flows = flows * extra[1] + extra[2]
    normalised = flows - jnp.log(2.0 + jnp.sum(jnp.exp(flows), axis=1, keepdims=True))
    return -jnp.mean(sequence[1:] * normalised)


def recurrent_cell(W, U, b, inputs):
    """Small products as sums, which XLA fuses with the rest of the step."""

    def step(h, rows):
        driven, x = rows
        gate = jax.nn.sigmoid(driven + jnp.sum(U * h, axis=1))
        return gate * h + (1.0 - gate) * jnp.tanh(b + jnp.sum(U * h[:, None], axis=0) + x), None

    h, _ = lax.scan(step, jnp.zeros(len(b)), (inputs @ W.T, inputs))
    return jnp.sum(h**2)


def gaussian_mixture(alpha, mu, q, l, x):
    n, d = x.shape
    columns, rows = jnp.triu_indices(d, 1)
    i = jnp.arange(d)
    L = jnp.zeros((len(mu), d, d)).at[:, rows, columns].set(l).at[:, i, i].set(jnp.exp(q))
    scaled = (x - mu[:, None]) @ jnp.swapaxes(L, 1, 2)
    terms = (alpha + jnp.sum(q, axis=1))[:, None] - 0.5 * jnp.sum(scaled**2, axis=2)
    likelihood = jnp.sum(jax.nn.logsumexp(terms, axis=0)) - n * jax.nn.logsumexp(alpha)
    return likelihood - n * d * 0.5 * jnp.log(2 * jnp.pi)


def k_means(x, centres, sweeps):
    k = len(centres)
    for _ in range(sweeps):
        distances = jnp.sum((x[:, None] - centres) ** 2, axis=2)
        nearest = jax.nn.one_hot(jnp.argmin(distances, axis=1), k, dtype=x.dtype)
        count = jnp.sum(nearest, axis=0)[:, None]
        centres = jnp.where(count > 0, nearest.T @ x / jnp.maximum(count, 1.0), centres)
        cost = jnp.sum(jnp.min(distances, axis=1))
    return cost


def spectrum(signal):
    """All butterflies of one length at once; the order of the elements and the angles are constants."""
    n = len(signal)
    order = jnp.zeros(1, int)
    while len(order) < n:
        order = jnp.concatenate([2 * order, 2 * order + 1])
    re, im = signal[order][:, None], jnp.zeros((n, 1))
    while re.shape[1] < n:
        half = re.shape[1]
        angle = -jnp.pi * jnp.arange(half) / half
        c, s = jnp.cos(angle), jnp.sin(angle)
        x, y = c * re[1::2] - s * im[1::2], c * im[1::2] + s * re[1::2]
        re = jnp.concatenate([re[::2] + x, re[::2] - x], axis=1)
        im = jnp.concatenate([im[::2] + y, im[::2] - y], axis=1)
    return jnp.sum((re**2 + im**2) ** 1.5)


def n_body(position, velocity, mass, n):
    h = 0.05

    def step(_, state):
        x, v = state
        apart = x[None, :] - x[:, None]
        pull = mass / (jnp.sum(apart**2, axis=2) + 0.01) ** 1.5
        v = v + h * jnp.sum(pull[:, :, None] * apart, axis=1)
        return x + h * v, v

    _, v = lax.fori_loop(0, n, step, (position, velocity))
    return 0.5 * jnp.sum(mass * jnp.sum(v * v, axis=1))


def membrane(u, v, stiffness, n):
    def step(_, state):
        u, v = state
        force = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4.0 * u[1:-1, 1:-1]
        v = v.at[1:-1, 1:-1].add(stiffness * force)
        return u + 0.1 * v, v

    u, v = lax.fori_loop(0, n, step, (u, v))
    return 0.5 * jnp.sum(v * v) + jnp.sum(u[1:, :] * u[:-1, :])


def runge_kutta(x, n):
    h = 2.0 / n

    def slope(y):
        return x * jnp.concatenate([jnp.ones(1), y[:-1]])

    def step(_, y):
        k1 = slope(y)
        k2 = slope(y + h * k1 / 2.0)
        k3 = slope(y + h * k2 / 2.0)
        k4 = slope(y + h * k3)
        return y + h * (k1 + 2.0 * k2 + 2.0 * k3 + k4) / 6.0

    return lax.fori_loop(0, n, step, jnp.zeros(len(x)))[-1]


def gaussian_process(x, y, length, noise):
    K = jnp.exp(-0.5 * ((x[:, None] - x) / length) ** 2) + noise**2 * jnp.eye(len(x))
    return 0.5 * (y @ jnp.linalg.solve(K, y) + jnp.linalg.slogdet(K)[1])


# ---------------------------------------------------------------- whole arrays


def spring_chain(x, v, stiffness, n):
    h = 0.05

    def step(_, state):
        x, v = state
        wall = jnp.zeros(1)
        tension = stiffness * jnp.sinh(jnp.diff(x, prepend=wall, append=wall))
        v = v + h * jnp.diff(tension)
        return x + h * v, v

    return jnp.sum(jnp.abs(lax.fori_loop(0, n, step, (x, v))[0]))


def power_iteration(A, x, n):
    def step(_, x):
        y = A @ x
        return y / jnp.linalg.norm(y)

    x = lax.fori_loop(0, n, step, x)
    return x @ A @ x


def logistic_regression(w, X, y, rate, n):
    def step(_, w):
        return w - rate * X.T @ (jax.nn.sigmoid(X @ w) - y)

    p = jax.nn.sigmoid(X @ lax.fori_loop(0, n, step, w))
    return -jnp.mean(y * jnp.log(p) + (1.0 - y) * jnp.log(1.0 - p))


def normal_density(A, b):
    A = 0.5 * (A + A.T)
    L = jnp.linalg.cholesky(A)
    return -0.5 * b @ jnp.linalg.solve(A, b) - jnp.sum(jnp.log(jnp.diag(L)))


def rosenbrock(x):
    return jnp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def network(w1, b1, w2, b2, x, labels):
    scores = jnp.tanh(x @ w1 + b1) @ w2 + b2
    return -jnp.mean(jnp.sum(labels * jax.nn.log_softmax(scores), axis=1))


# ---------------------------------------------------------------- GradBench


def gmm(theta, x, m, gamma):
    alpha, mu, q, l = theta["alpha"], theta["mu"], theta["q"], theta["l"]
    (n, d), k = x.shape, len(alpha)
    columns, rows = jnp.triu_indices(d, 1)
    i = jnp.arange(d)
    Q = jnp.zeros((k, d, d)).at[:, i, i].set(jnp.exp(q)).at[:, rows, columns].set(l)
    scaled = (x - mu[:, None]) @ jnp.swapaxes(Q, 1, 2)
    beta = (alpha + jnp.sum(q, axis=1))[:, None] - 0.5 * jnp.sum(scaled**2, axis=2)
    likelihood = jnp.sum(jax.nn.logsumexp(beta, axis=0))
    likelihood = likelihood - n * (d / 2 * jnp.log(2 * jnp.pi) + jax.nn.logsumexp(alpha))
    freedom = d + m + 1
    constant = freedom * d * jnp.log(gamma / jnp.sqrt(2)) - jax.scipy.special.multigammaln(freedom / 2, d)
    return likelihood + k * constant - gamma**2 / 2 * jnp.sum(Q**2) + m * jnp.sum(q)


def gradbench_lstm(main, extra, state, sequence):
    in_weight, out_weight, out_bias = extra
    layers = len(main) // 2
    weights, biases = main[::2].reshape(layers, 4, -1), main[1::2].reshape(layers, 4, -1)

    def step(state, x):
        x, new = x * in_weight, []
        for p in range(layers):
            hidden, cell = state[2 * p], state[2 * p + 1]
            forget = jax.nn.sigmoid(x * weights[p, 0] + biases[p, 0])
            ingate = jax.nn.sigmoid(hidden * weights[p, 1] + biases[p, 1])
            outgate = jax.nn.sigmoid(x * weights[p, 2] + biases[p, 2])
            change = jnp.tanh(hidden * weights[p, 3] + biases[p, 3])
            cell = cell * forget + ingate * change
            x = outgate * jnp.tanh(cell)
            new += [x, cell]
        return jnp.stack(new), x

    _, last = lax.scan(step, state, sequence[:-1])
    predicted = last * out_weight + out_bias
    normalised = predicted - jnp.log(2 + jnp.sum(jnp.exp(predicted), axis=1, keepdims=True))
    return -jnp.mean(sequence[1:] * normalised)


def gradbench_kmeans(centroids, points):
    distances = jnp.sum((points[:, None] - centroids) ** 2, axis=2)
    return jnp.sum(jnp.min(distances, axis=1))


kmeans_step = gradbench_kmeans


def kmeans_step_derived(centroids, points):
    def slope(c):
        return jax.grad(gradbench_kmeans)(c, points)

    gradient, diagonal = jax.jvp(slope, (centroids,), (jnp.ones_like(centroids),))
    return gradient / diagonal


def rotated(axis, x):
    angle = jnp.sqrt(axis @ axis)
    sine, versine = jnp.sinc(angle / jnp.pi), jnp.sinc(angle / (2 * jnp.pi)) ** 2 / 2
    return x * jnp.cos(angle) + jnp.cross(axis, x) * sine + axis * (axis @ x) * versine


def reprojection(camera, x, weight, feature):
    seen = rotated(camera[:3], x - camera[3:6])
    plane = seen[:2] / seen[2]
    square = plane @ plane
    projected = plane * (1 + camera[9] * square + camera[10] * square**2) * camera[6] + camera[7:9]
    return weight * (projected - feature)


def ba(cameras, points, weights, features, seen):
    errors = jax.vmap(reprojection)(cameras[seen[:, 0]], points[seen[:, 1]], weights, features)
    return errors, 1 - weights**2


def ba_derived(cameras, points, weights, features, seen):
    block = jax.vmap(jax.jacrev(reprojection, (0, 1, 2)))
    by_camera, by_point, by_weight = block(cameras[seen[:, 0]], points[seen[:, 1]], weights, features)
    p = len(seen)
    values = jnp.concatenate([by_camera, by_point, by_weight[:, :, None]], axis=2)
    of_weights = cameras.size + points.size + jnp.arange(p)
    of_camera = 11 * seen[:, :1] + jnp.arange(11)
    of_point = cameras.size + 3 * seen[:, 1:] + jnp.arange(3)
    of_rows = jnp.concatenate([of_camera, of_point, of_weights[:, None]], axis=1)
    columns = jnp.concatenate([jnp.repeat(of_rows, 2, axis=0).ravel(), of_weights])
    rows = jnp.concatenate([15 * jnp.arange(2 * p + 1), 30 * p + 1 + jnp.arange(p)])
    return rows, columns, jnp.concatenate([values.ravel(), -2 * weights])


def det(A):
    """All minors of one size at once: `vmap` of the recursion."""
    n = len(A)
    if n == 1:
        return A[0, 0]
    others = jnp.array([[k for k in range(n) if k != j] for j in range(n)])
    minors = jnp.moveaxis(A[1:, others], 1, 0)
    signs = (-1.0) ** jnp.arange(n)
    return jnp.sum(signs * A[0] * jax.vmap(det)(minors))


def llsq(x, n):
    """The powers do not depend on x: NumPy computes them while JAX traces."""
    t = -1.0 + 2.0 * np.arange(n) / (n - 1)
    powers = np.vander(t, len(x), increasing=True)
    return jnp.sum((np.sign(t) - powers @ x) ** 2) / 2


def lse(x):
    return jax.nn.logsumexp(x)


def ode(x, s):
    h = 2.0 / s

    def slope(y):
        return x * jnp.concatenate([jnp.ones(1), y[:-1]])

    def step(_, y):
        k1 = slope(y)
        k2 = slope(y + h / 2 * k1)
        k3 = slope(y + h / 2 * k2)
        k4 = slope(y + h * k3)
        return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    return lax.fori_loop(0, s, step, jnp.zeros_like(x))[-1]


# ---------------------------------------------------------------- derivatives

FORWARD = ("newton", "bisection", "fixed_point", "adaptive_step_size")
REVERSE = {"conjugate_gradient": conjugate_gradient_bounded}


def value_and_grad(f, argnums):
    """The best that JAX has for this function."""
    if f.__name__ in FORWARD:
        return forward_value_and_grad(f, argnums)
    return jax.value_and_grad(REVERSE.get(f.__name__, f), argnums)


def forward_value_and_grad(f, argnums):
    """A sweep for each number: `jacfwd`, which batches them, takes up to three times as long."""

    def value_and_slopes(*args):
        slopes = []
        for i in argnums:

            def of_one(x, i=i):
                return f(*args[:i], x, *args[i + 1 :])

            value, slope = jax.jvp(of_one, (args[i],), (jnp.ones_like(args[i]),))
            slopes.append(slope)
        return value, tuple(slopes)

    return value_and_slopes
