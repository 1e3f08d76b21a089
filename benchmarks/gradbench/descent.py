"""Gradient descent with the step length of GradBench, which decides how many steps there are."""

import numpy as np

import wengert as wg

GRADIENTS = {"f": wg.jacfwd, "r": wg.grad}


def argmin(f, mode, x):
    """Where f is smallest, from x on, and how often x moved; its gradient in forward ("f") or reverse ("r") mode."""
    gradient = GRADIENTS[mode](f)
    y, slope = f(x), gradient(x)
    rate, successes, moves = 1e-5, 0, 0
    while np.linalg.norm(slope) > 1e-5:
        if successes == 10:
            rate, successes = 2 * rate, 0
            continue
        ahead = x - rate * slope
        if np.linalg.norm(ahead - x) <= 1e-5:
            break
        y_ahead = f(ahead)
        if y_ahead < y:
            x, y, slope = ahead, y_ahead, gradient(ahead)
            successes, moves = successes + 1, moves + 1
        else:
            rate, successes = rate / 2, 0
    return x, moves


def argmax(f, mode, x):
    return argmin(lambda x: -f(x), mode, x)
