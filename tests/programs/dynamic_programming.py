"""Recurrences over tables, most of them with maxima or minima."""

import numpy as np

from programs.program import Program, normal, uniform


def floyd_warshall(weight):
    """Sum of the lengths of the shortest paths between all pairs."""
    n = weight.shape[0]
    d = weight.copy()
    for i in range(n):
        d[i, i] = 0.0
    for k in range(n):
        for i in range(n):
            for j in range(n):
                d[i, j] = np.minimum(d[i, j], d[i, k] + d[k, j])
    return d.sum()


def viterbi(initial, transition, emission):
    """Log-probability of the most probable path; emission: (steps, states)."""
    steps, states = emission.shape
    score = initial + emission[0]
    for t in range(1, steps):
        new = np.zeros(states)
        for j in range(states):
            best = score[0] + transition[0, j]
            for i in range(1, states):
                best = max(best, score[i] + transition[i, j])
            new[j] = best + emission[t, j]
        score = new
    return np.max(score)


def hidden_markov(initial, transition, emission):
    """Log-likelihood of a sequence: the forward algorithm with scaling, on whole rows."""
    alpha = initial * emission[0]
    log_likelihood = 0.0
    for t in range(1, emission.shape[0]):
        scale = alpha.sum()
        log_likelihood += np.log(scale)
        alpha = (alpha / scale) @ transition * emission[t]
    return log_likelihood + np.log(alpha.sum())


def time_warping(x, y):
    """Dynamic time warping: cost of the cheapest alignment of two signals."""
    m, n = len(x), len(y)
    cost = np.full((m + 1, n + 1), np.inf)
    cost[0, 0] = 0.0
    for i in range(1, m + 1):
        for j in range(1, n + 1):
            here = (x[i - 1] - y[j - 1]) ** 2
            cost[i, j] = here + min(cost[i - 1, j], cost[i, j - 1], cost[i - 1, j - 1])
    return cost[m, n]


def value_iteration(reward, chance, discount):
    """Values of the states of a decision process; chance: (actions, states, states); until nothing changes."""
    actions, states = reward.shape
    value = np.zeros(states)
    change = 1.0
    while change > 1e-12:
        change = 0.0
        new = np.zeros(states)
        for s in range(states):
            best = -np.inf
            for a in range(actions):
                total = reward[a, s]
                for other in range(states):
                    total += discount * chance[a, s, other] * value[other]
                best = max(best, total)
            new[s] = best
            change = max(change, abs(best - value[s]))
        value = new
    return value


def cheapest_path(grid):
    """Cost of the cheapest way through a grid from left to right, one row of the table at a time."""
    rows, columns = grid.shape
    cost = grid[:, 0].copy()
    for j in range(1, columns):
        before = cost.copy()
        for i in range(rows):
            best = before[i]
            if i > 0 and before[i - 1] < best:
                best = before[i - 1]
            if i < rows - 1 and before[i + 1] < best:
                best = before[i + 1]
            cost[i] = grid[i, j] + best
    return min(cost[0], cost[-1])


def markov_chain(n):
    return uniform(3, seed=1), uniform(3, 3, seed=2), uniform(n, 3, seed=3)


def decisions():
    chance = uniform(2, 3, 3, seed=2)
    return normal(2, 3, seed=1), chance / chance.sum(axis=2, keepdims=True), 0.3


PROGRAMS = [
    Program(floyd_warshall, lambda n: (uniform(n, n),), n=4, linear=False),
    Program(viterbi, markov_chain, (0, 1, 2)),
    Program(hidden_markov, markov_chain, (0, 1, 2)),
    Program(time_warping, lambda n: (normal(n, seed=1), normal(4, seed=2)), (0, 1)),
    Program(value_iteration, decisions(), (0, 1, 2), scalar=False),
    Program(cheapest_path, lambda n: (uniform(4, n),)),
]
