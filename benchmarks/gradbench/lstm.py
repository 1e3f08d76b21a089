"""Long short-term memory: the loss of predicting each element of a sequence from those before it."""

import numpy as np

import wengert as wg
from benchmarks.gradbench.function import Function


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def layer(weight, bias, hidden, cell, x):
    """The new hidden and cell state.  The weights are diagonal; four gates lie one after the other."""
    forget_w, in_w, out_w, change_w = np.split(weight, 4)
    forget_b, in_b, out_b, change_b = np.split(bias, 4)
    forget = sigmoid(x * forget_w + forget_b)
    ingate = sigmoid(hidden * in_w + in_b)
    outgate = sigmoid(x * out_w + out_b)
    change = np.tanh(hidden * change_w + change_b)
    cell = cell * forget + ingate * change
    return outgate * np.tanh(cell), cell


def loss(main, extra, state, sequence):
    """main: a row of weights and one of biases for each layer; state: a hidden and a cell row for each."""
    state = state.copy()
    in_weight, out_weight, out_bias = extra
    total = 0.0
    for t in range(len(sequence) - 1):
        x = sequence[t] * in_weight
        for i in range(0, len(main), 2):
            state[i], state[i + 1] = layer(main[i], main[i + 1], state[i], state[i + 1], x)
            x = state[i]
        predicted = x * out_weight + out_bias
        normalised = predicted - np.log(2 + np.sum(np.exp(predicted)))
        total += np.sum(sequence[t + 1] * normalised)
    return -total / sequence[1:].size


def gradient(main, extra, state, sequence):
    """As GradBench wants it: one flat array."""
    by_main, by_extra = wg.grad(loss, argnums=(0, 1))(main, extra, state, sequence)
    return np.concatenate([by_main.ravel(), by_extra.ravel()])


def arguments(given):
    return tuple(np.array(given[name]) for name in ("main_params", "extra_params", "state", "sequence"))


FUNCTIONS = {"objective": Function(loss, arguments), "jacobian": Function(gradient, arguments)}
