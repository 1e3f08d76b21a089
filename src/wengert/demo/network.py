"""A two-layer network learns handwritten digits."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from tqdm import tqdm

import wengert as wg
from wengert.demo import data, models
from wengert.demo.measure import check_along, relative_error
from wengert.demo.problem import Problem, by_backward, by_grad
from wengert.demo.report import Fit, line

TITLE = "Two-layer network for handwritten digits: wg.jit of a step of Adam, with wg.value_and_grad inside"
HIDDEN, CLASSES, BATCH, EPOCHS, RATE = 64, 10, 32, 30, 6e-3


def fit() -> Fit:
    split, random = data.digits(), np.random.default_rng(0)
    n, d = split.x.shape
    line("data", f"{n} images to learn from, {len(split.y_test)} to test; {d} pixels, {HIDDEN} hidden units")
    first_batch = partial(models.network_loss, x=split.x[:BATCH], y=split.y[:BATCH])
    problem = Problem(first_batch, by_grad(first_batch), start(d, random))
    error, cost = check_along(problem, random.standard_normal((10, problem.vector.size)))
    tell_tensors(problem)

    parameters, losses, accuracies = train(problem.start, split, random)

    predicted = predict(parameters, split.x_test)
    quality = {"loss": float(np.mean(losses[-1])), "test_accuracy": float(np.mean(predicted == split.y_test))}
    line("result", f"training loss {quality['loss']:.4f}, test accuracy {quality['test_accuracy']:.3f}")
    shown = {"images": split.x_test, "y": split.y_test, "predicted": predicted}
    shown |= {"losses": losses, "accuracies": accuracies}
    return Fit("two-layer network", n, d, problem.vector.size, error, cost, quality, shown)


def tell_tensors(problem: Problem) -> None:
    """The same gradient in the dynamic way."""
    _, compiled = problem.value_and_gradient(problem.vector)
    _, eager = Problem(problem.loss, by_backward(problem.loss), problem.start).value_and_gradient(problem.vector)
    line("", f"wg.Tensor and backward() give the same gradient, but for {relative_error(compiled, eager):.0e}")


def start(d: int, random: np.random.Generator) -> models.Parameters:
    """Weights such that a unit's input has the variance of one of its arguments (LeCun et al. 1998, section 4.6)."""
    return {
        "w1": random.standard_normal((d, HIDDEN)) / np.sqrt(d),
        "b1": np.zeros(HIDDEN),
        "w2": random.standard_normal((HIDDEN, CLASSES)) / np.sqrt(HIDDEN),
        "b2": np.zeros(CLASSES),
    }


def train(
    start: models.Parameters, split: data.Split, random: np.random.Generator
) -> tuple[models.Parameters, np.ndarray, np.ndarray]:
    """(parameters, loss of each batch (EPOCHS, batches), test accuracy after each epoch)."""
    parameters = {name: value.copy() for name, value in start.items()}
    means, squares = [{name: np.zeros_like(value) for name, value in start.items()} for _ in range(2)]
    step, steps, losses, accuracies = wg.jit(adam_step), 0, [], []
    progress = tqdm(range(EPOCHS), desc="   fit       epochs", ncols=100)
    for _ in progress:
        losses.append([])
        for batch in batches(len(split.y), random):
            rate = RATE * (1 - steps / (EPOCHS * (len(split.y) // BATCH)))
            steps += 1
            losses[-1].append(step(parameters, means, squares, steps, rate, split.x[batch], split.y[batch]))
        accuracies.append(np.mean(predict(parameters, split.x_test) == split.y_test))
        progress.set_postfix_str(f"loss {np.mean(losses[-1]):.4f}, test accuracy {accuracies[-1]:.3f}", refresh=False)
    return parameters, np.array(losses), np.array(accuracies)


def batches(n: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    """The numbers 0 to n-1 in random order, BATCH at a time; what does not fill a batch is left out."""
    order = random.permutation(n)
    return (order[i : i + BATCH] for i in range(0, n - BATCH + 1, BATCH))


def adam_step(
    parameters: models.Parameters,
    means: models.Parameters,
    squares: models.Parameters,
    steps: int,
    rate: float,
    x: np.ndarray,
    y: np.ndarray,
) -> float:
    """One step along the gradient's running mean over the root of its running square, in place; the loss before it.

    Kingma and Ba 2015, algorithm 1, with their decay rates.  steps: with this one.
    """
    loss, gradients = wg.value_and_grad(models.network_loss)(parameters, x, y)
    for name, gradient in gradients.items():
        mean, square = means[name], squares[name]
        mean += (1 - 0.9) * (gradient - mean)
        square += (1 - 0.999) * (gradient**2 - square)
        unbiased = mean / (1 - 0.9**steps), square / (1 - 0.999**steps)
        parameters[name] -= rate * unbiased[0] / (np.sqrt(unbiased[1]) + 1e-8)
    return loss


def predict(parameters: models.Parameters, x: np.ndarray) -> np.ndarray:
    return np.argmax(models.network_scores(parameters, x), axis=1)
