"""A two-layer network learns handwritten digits."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from tqdm import tqdm

import wengert as wg
from wengert.demo import data, models
from wengert.demo.measure import check_along
from wengert.demo.problem import Problem, by_backward
from wengert.demo.report import Fit, line

TITLE = "Two-layer network for handwritten digits: wg.Tensor and backward(), Adam in NumPy"
HIDDEN, CLASSES, BATCH, EPOCHS, RATE = 64, 10, 32, 30, 6e-3


def fit() -> Fit:
    split, random = data.digits(), np.random.default_rng(0)
    n, d = split.x.shape
    line("data", f"{n} images to learn from, {len(split.y_test)} to test; {d} pixels, {HIDDEN} hidden units")
    first_batch = partial(models.network_loss, x=split.x[:BATCH], y=split.y[:BATCH])
    problem = Problem(first_batch, by_backward(first_batch), start(d, random))
    error, cost = check_along(problem, random.standard_normal((10, problem.vector.size)))

    parameters, losses, accuracies = train(problem.start, split, random)

    predicted = predict(parameters, split.x_test)
    quality = {"loss": float(np.mean(losses[-1])), "test_accuracy": float(np.mean(predicted == split.y_test))}
    line("result", f"training loss {quality['loss']:.4f}, test accuracy {quality['test_accuracy']:.3f}")
    shown = {"images": split.x_test, "y": split.y_test, "predicted": predicted}
    shown |= {"losses": losses, "accuracies": accuracies}
    return Fit("two-layer network", n, d, problem.vector.size, error, cost, quality, shown)


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
    tensors = {name: wg.Tensor(value, requires_grad=True) for name, value in start.items()}
    adam, losses, accuracies = Adam(tensors, EPOCHS * (len(split.y) // BATCH)), [], []
    progress = tqdm(range(EPOCHS), desc="   fit       epochs", ncols=100)
    for _ in progress:
        losses.append([learn(adam, split.x[batch], split.y[batch]) for batch in batches(len(split.y), random)])
        accuracies.append(np.mean(predict(tensors, split.x_test) == split.y_test))
        progress.set_postfix_str(f"loss {np.mean(losses[-1]):.4f}, test accuracy {accuracies[-1]:.3f}", refresh=False)
    return {name: tensor.numpy() for name, tensor in tensors.items()}, np.array(losses), np.array(accuracies)


def batches(n: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    """The numbers 0 to n-1 in random order, BATCH at a time; what does not fill a batch is left out."""
    order = random.permutation(n)
    return (order[i : i + BATCH] for i in range(0, n - BATCH + 1, BATCH))


def learn(adam: "Adam", x: np.ndarray, y: np.ndarray) -> float:
    """One step; the loss before it."""
    loss = models.network_loss(adam.tensors, x, y)
    loss.backward()
    adam.step()
    return loss.item()


def predict(parameters: models.Parameters, x: np.ndarray) -> np.ndarray:
    with wg.no_grad():
        scores = models.network_scores(parameters, x)
    return np.argmax(scores, axis=1)


class Adam:
    """Steps along the gradient's running mean over the root of its running square.

    Kingma and Ba 2015, algorithm 1, with their decay rates; the learning rate falls linearly to 0 in `total` steps.
    """

    def __init__(self, tensors: dict[str, wg.Tensor], total: int) -> None:
        self.tensors, self.total, self.steps = tensors, total, 0
        self.means = {name: np.zeros(tensor.shape) for name, tensor in tensors.items()}
        self.squares = {name: np.zeros(tensor.shape) for name, tensor in tensors.items()}

    @wg.no_grad()
    def step(self) -> None:
        rate = RATE * (1 - self.steps / self.total)
        self.steps += 1
        for name, tensor in self.tensors.items():
            mean, square, gradient = self.means[name], self.squares[name], tensor.grad
            mean += (1 - 0.9) * (gradient - mean)
            square += (1 - 0.999) * (gradient**2 - square)
            unbiased = mean / (1 - 0.9**self.steps), square / (1 - 0.999**self.steps)
            tensor -= rate * unbiased[0] / (np.sqrt(unbiased[1]) + 1e-8)
            tensor.grad = None
