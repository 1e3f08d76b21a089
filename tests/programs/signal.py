"""Transforms, filters and recurrent cells."""

import math

import numpy as np

from programs.program import Program, normal, uniform


def fft(re, im):
    """Fourier transform of 2^k numbers in place, by halves (Cooley and Tukey 1965); re, im are the caller's."""
    n = len(re)
    j = 0
    for i in range(1, n):
        bit = n // 2
        while j >= bit:
            j -= bit
            bit //= 2
        j += bit
        if i < j:
            re[i], re[j] = re[j], re[i]
            im[i], im[j] = im[j], im[i]
    length = 2
    while length <= n:
        half = length // 2
        for start in range(0, n, length):
            for k in range(half):
                angle = -2.0 * math.pi * k / length
                c, s = math.cos(angle), math.sin(angle)
                a, b = start + k, start + k + half
                x, y = c * re[b] - s * im[b], c * im[b] + s * re[b]
                re[b], im[b] = re[a] - x, im[a] - y
                re[a], im[a] = re[a] + x, im[a] + y
        length *= 2


def spectrum(signal):
    """Power at each frequency, by a helper that overwrites its arguments."""
    re, im = signal.copy(), np.zeros(signal.size)
    fft(re, im)
    return re**2 + im**2


def fourier_sum(signal):
    """One sum of powers by the definition: two loops and two accumulators."""
    n = len(signal)
    total = 0.0
    for k in range(n):
        re = im = 0.0
        for t in range(n):
            re += signal[t] * math.cos(2 * math.pi * k * t / n)
            im -= signal[t] * math.sin(2 * math.pi * k * t / n)
        total += (re * re + im * im) ** 1.5
    return total


def convolution(signal, kernel):
    """Convolution of the same length; the kernel stops at the ends."""
    n, m = len(signal), len(kernel)
    out = np.zeros(n)
    for i in range(n):
        for k in range(m):
            if 0 <= i + k - m // 2 < n:
                out[i] += kernel[k] * signal[i + k - m // 2]
    return out


def moving_average(signal, width):
    """Sum of squares of means over a window, with a running sum."""
    running, total = 0.0, 0.0
    for i, value in enumerate(signal):
        running += value
        if i >= width:
            running -= signal[i - width]
        total += (running / min(i + 1, width)) ** 2
    return total


def biquad(signal, b0, b1, b2, a1, a2):
    """A recursive filter of order two; old values move along."""
    out = np.zeros_like(signal)
    x1 = x2 = y1 = y2 = 0.0
    for i in range(len(signal)):
        out[i] = b0 * signal[i] + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2
        x1, x2 = signal[i], x1
        y1, y2 = out[i], y1
    return np.sum(out**2)


def exponential_smoothing(signal, level, trend):
    """One-step prediction error of Holt's method."""
    l, b = signal[0], signal[1] - signal[0]
    error = 0.0
    for x in signal[1:]:
        forecast = l + b
        error += (x - forecast) ** 2
        before, l = l, level * x + (1 - level) * forecast
        b = trend * (l - before) + (1 - trend) * b
    return error


def autocorrelation(signal, lags):
    """Autocorrelations, with inner loops of different lengths."""
    n = signal.shape[0]
    r = np.zeros(lags)
    for lag in range(lags):
        for t in range(n - lag):
            r[lag] += signal[t] * signal[t + lag]
    return r / r[0]


def levinson(r):
    """Coefficients of the linear predictor for autocorrelations r (Levinson-Durbin)."""
    order = len(r) - 1
    a = np.zeros(order + 1)
    a[0] = 1.0
    error = r[0]
    for i in range(1, order + 1):
        acc = r[i]
        for j in range(1, i):
            acc += a[j] * r[i - j]
        reflection = -acc / error
        before = a.copy()
        for j in range(1, i):
            a[j] = before[j] + reflection * before[i - j]
        a[i] = reflection
        error *= 1.0 - reflection**2
    return a


def median_filter(signal):
    """Median of three neighbours, sorted by comparisons and swaps."""
    out = signal.copy()
    for i in range(1, len(signal) - 1):
        a, b, c = signal[i - 1], signal[i], signal[i + 1]
        if a > b:
            a, b = b, a
        if b > c:
            b, c = c, b
        if a > b:
            a, b = b, a
        out[i] = b
    return out


def sigmoid(x):
    return 1.0 / (1.0 + math.exp(-x))


def lstm(main, extra, state, sequence):
    """Loss of a small recurrent network; main: (2 layers, 4, width), extra: (3, width), sequence: (steps, width)."""
    layers, width = state.shape[0] // 2, state.shape[1]
    steps = len(sequence)
    hidden, cell = np.zeros((layers, width)), np.zeros((layers, width))
    for p in range(layers):
        for i in range(width):
            hidden[p, i] = state[2 * p, i]
            cell[p, i] = state[2 * p + 1, i]
    total = 0.0
    for t in range(steps - 1):
        flow = np.zeros(width)
        for i in range(width):
            flow[i] = sequence[t, i] * extra[0, i]
        for p in range(layers):
            for i in range(width):
                forget = sigmoid(flow[i] * main[2 * p, 0, i] + main[2 * p + 1, 0, i])
                admit = sigmoid(hidden[p, i] * main[2 * p, 1, i] + main[2 * p + 1, 1, i])
                emit = sigmoid(flow[i] * main[2 * p, 2, i] + main[2 * p + 1, 2, i])
                change = math.tanh(hidden[p, i] * main[2 * p, 3, i] + main[2 * p + 1, 3, i])
                cell[p, i] = cell[p, i] * forget + admit * change
                hidden[p, i] = emit * math.tanh(cell[p, i])
                flow[i] = hidden[p, i]
        s = 2.0
        for i in range(width):
            flow[i] = flow[i] * extra[1, i] + extra[2, i]
            s += math.exp(flow[i])
        for i in range(width):
            total += sequence[t + 1, i] * (flow[i] - math.log(s))
    return -total / ((steps - 1) * width)


def recurrent_cell(W, U, b, inputs):
    """The last state of a gated cell on whole vectors."""
    h = np.zeros(len(b))
    for x in inputs:
        gate = 1.0 / (1.0 + np.exp(-(W @ x + U @ h)))
        h = gate * h + (1.0 - gate) * np.tanh(b + U.T @ h + x)
    return h


def recursive_fft(re, im):
    """Fourier transform by strided views and recursion on their length."""
    n = len(re)
    if n == 1:
        return re, im
    even, odd = recursive_fft(re[::2], im[::2]), recursive_fft(re[1::2], im[1::2])
    angle = -2.0 * np.pi * np.arange(n // 2) / n
    x = np.cos(angle) * odd[0] - np.sin(angle) * odd[1]
    y = np.cos(angle) * odd[1] + np.sin(angle) * odd[0]
    return (
        np.concatenate([even[0] + x, even[0] - x]),
        np.concatenate([even[1] + y, even[1] - y]),
    )


PROGRAMS = [
    Program(spectrum, lambda n: (normal(n),), n=8, linear=False, scalar=False),
    Program(fourier_sum, lambda n: (normal(n),), n=4, linear=False),
    Program(convolution, lambda n: (normal(n), uniform(3)), (0, 1), scalar=False),
    Program(moving_average, lambda n: (normal(n), 3), n=6),
    Program(biquad, lambda n: (normal(n), 0.2, 0.4, 0.2, -0.5, 0.3), (0, 1, 2, 3, 4, 5)),
    Program(exponential_smoothing, lambda n: (normal(n), 0.4, 0.2), (0, 1, 2)),
    Program(autocorrelation, lambda n: (normal(n), 3), scalar=False),
    Program(levinson, lambda n: (np.array([2.0, *normal(n)]),), n=3, linear=False, scalar=False),
    Program(median_filter, lambda n: (normal(n),), n=6, scalar=False),
    Program(
        lstm,
        lambda n: (normal(4, 4, 2, seed=1), normal(3, 2, seed=2), normal(4, 2, seed=3), normal(n, 2, seed=4)),
        (0, 1, 2, 3),
        n=3,
    ),
    Program(
        recurrent_cell,
        lambda n: (normal(3, 3, seed=1), normal(3, 3, seed=2), normal(3, seed=3), normal(n, 3, seed=4)),
        (0, 1, 2, 3),
        n=3,
        scalar=False,
    ),
    Program(recursive_fft, lambda n: (normal(n, seed=1), normal(n, seed=2)), (0, 1), n=4, linear=False, scalar=False),
]
