"""What the eager benchmark computes: each case in NumPy, Autograd and PyTorch, one beside the other.

The NumPy function is what wengert differentiates, as it stands.  Autograd and PyTorch have the same function in the
idiom that is fastest for them.  All inputs are float64.  Nothing here is timed.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
from sklearn.datasets import load_digits

import wengert as wg
from benchmarks.timing import Lane

try:
    import torch
except ImportError:  # the tests run without it
    torch = None

TOLERANCE = 1e-8  # relative to the largest element of each gradient


@dataclass(frozen=True)
class Case:
    """One function at one point.

    f, args  the plain NumPy function, called as f(*args)
    lanes    tool -> a call that computes the gradient (a training step: what the step computes)
    steps    operations in one call, where time is reported per operation
    goal     Autograd's time over wengert's, at least
    """

    f: Callable[..., Any]
    args: tuple[Any, ...]
    lanes: dict[str, Lane]
    goal: float
    steps: int = 1


def compare(
    f: Callable[..., Any],
    f_autograd: Callable[..., Any],
    f_torch: Callable[..., Any],
    args: tuple[Any, ...],
    *,
    goal: float,
    steps: int = 1,
) -> Case:
    """The gradient with respect to every argument, by each tool."""
    argnums = tuple(range(len(args)))
    by_wengert, by_autograd = wg.grad(f, argnums), autograd.grad(f_autograd, argnums)
    lanes: dict[str, Lane] = {"wengert": lambda: by_wengert(*args), "autograd": lambda: by_autograd(*args)}
    if torch is not None:
        lanes["torch"] = by_backward(f_torch, tensors(args))
    return Case(f, args, lanes, goal, steps)


def tensors(arrays: Sequence[Any]) -> list[Any]:
    return [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in arrays]


def by_backward(f: Callable[..., Any], leaves: list[Any]) -> Lane:
    def gradient() -> list[Any]:
        for x in leaves:
            x.grad = None
        f(*leaves).backward()
        return [x.grad for x in leaves]

    return gradient


# ---------------------------------------------------------------- one small operation, a thousand times


def multiply_chain() -> Case:
    def f(x):
        for _ in range(1000):
            x = x * 1.0001
        return x

    return compare(f, f, f, (1.0,), goal=1.0, steps=1000)


def sin_chain() -> Case:
    def f(x):
        for _ in range(1000):
            x = np.sin(x)
        return x

    def f_autograd(x):
        for _ in range(1000):
            x = anp.sin(x)
        return x

    def f_torch(x):
        for _ in range(1000):
            x = torch.sin(x)
        return x

    return compare(f, f_autograd, f_torch, (1.0,), goal=1.0, steps=1000)


# ---------------------------------------------------------------- Rosenbrock


def rosenbrock(n: int) -> Case:
    def f(x):
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    def f_autograd(x):
        return anp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    def f_torch(x):
        return torch.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    return compare(f, f_autograd, f_torch, (np.random.default_rng(0).standard_normal(n),), goal=2.0)


# ---------------------------------------------------------------- a loop of scalars: a damped pendulum


def pendulum() -> Case:
    def f(stiffness, damping):
        x, v = 1.0, 0.0
        for _ in range(1000):
            v = v - 0.01 * (stiffness * np.sin(x) + damping * v)
            x = x + 0.01 * v
        return x

    def f_autograd(stiffness, damping):
        x, v = 1.0, 0.0
        for _ in range(1000):
            v = v - 0.01 * (stiffness * anp.sin(x) + damping * v)
            x = x + 0.01 * v
        return x

    def f_torch(stiffness, damping):
        x, v = torch.tensor(1.0, dtype=torch.float64), 0.0
        for _ in range(1000):
            v = v - 0.01 * (stiffness * torch.sin(x) + damping * v)
            x = x + 0.01 * v
        return x

    return compare(f, f_autograd, f_torch, (4.0, 0.3), goal=2.0)


# ---------------------------------------------------------------- log posterior of a Gaussian mixture


def mixture(d: int, k: int, n: int) -> Case:
    """GradBench's gmm up to a constant: n points in d dimensions, k components, a Wishart prior with gamma=1, m=0.

    alpha (k,)  mu (k, d)  and the inverse covariances' factors L: exp(q) (k, d) on the diagonal, l (k, d(d-1)/2) below.
    """
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, d))
    alpha, mu, q = rng.standard_normal(k), rng.random((k, d)), 0.5 * rng.standard_normal((k, d))
    l = 0.5 * rng.standard_normal((k, d * (d - 1) // 2))
    cols, rows = np.triu_indices(d, 1)  # below the diagonal, column by column
    args = (alpha, mu, q, l)
    return compare(*mixture_functions(x, rows, cols), args, goal=2.0)


def mixture_functions(x: Any, rows: Any, cols: Any) -> tuple[Callable[..., Any], ...]:
    n, d = x.shape
    diagonal = np.arange(d)

    def logsumexp(a):
        top = np.max(a, axis=0)
        return top + np.log(np.sum(np.exp(a - top), axis=0))

    def f(alpha, mu, q, l):
        L = np.zeros((len(mu), d, d))
        L[:, rows, cols] = l
        L[:, diagonal, diagonal] = np.exp(q)
        y = (x - mu[:, None]) @ np.swapaxes(L, 1, 2)  # (k, n, d)
        terms = (alpha + np.sum(q, axis=1))[:, None] - 0.5 * np.sum(y * y, axis=2)
        prior = 0.5 * np.sum(np.exp(2.0 * q)) + 0.5 * np.sum(l * l)
        return np.sum(logsumexp(terms)) - n * logsumexp(alpha) - prior

    # Autograd cannot write in place: `below` and `eye` spread the factors out
    below, eye = np.zeros((len(rows), d, d)), np.eye(d)
    below[np.arange(len(rows)), rows, cols] = 1.0
    below = below.reshape(len(rows), d * d)

    def logsumexp_autograd(a):
        top = anp.max(a, axis=0)
        return top + anp.log(anp.sum(anp.exp(a - top), axis=0))

    def f_autograd(alpha, mu, q, l):
        L = (l @ below).reshape(len(mu), d, d) + anp.exp(q)[:, :, None] * eye
        y = (x - mu[:, None]) @ anp.swapaxes(L, 1, 2)
        terms = (alpha + anp.sum(q, axis=1))[:, None] - 0.5 * anp.sum(y * y, axis=2)
        prior = 0.5 * anp.sum(anp.exp(2.0 * q)) + 0.5 * anp.sum(l * l)
        return anp.sum(logsumexp_autograd(terms)) - n * logsumexp_autograd(alpha) - prior

    def f_torch(alpha, mu, q, l):
        L = (l @ below_torch).reshape(len(mu), d, d) + torch.diag_embed(torch.exp(q))
        y = (x_torch - mu[:, None]) @ L.mT
        terms = (alpha + torch.sum(q, 1))[:, None] - 0.5 * torch.sum(y * y, 2)
        prior = 0.5 * torch.sum(torch.exp(2.0 * q)) + 0.5 * torch.sum(l * l)
        return torch.sum(torch.logsumexp(terms, 0)) - n * torch.logsumexp(alpha, 0) - prior

    if torch is not None:
        below_torch, x_torch = torch.tensor(below), torch.tensor(x)
    return f, f_autograd, f_torch


# ---------------------------------------------------------------- one training step on digits


def digits_batch() -> tuple[Any, Any, dict[str, Any]]:
    """32 images (32, 64), their labels (32,), and the parameters of a 64-64-10 network."""
    images, labels = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    params = {
        "w1": rng.standard_normal((64, 64)) / 8.0,
        "b1": np.zeros(64),
        "w2": rng.standard_normal((64, 10)) / 8.0,
        "b2": np.zeros(10),
    }
    return images[:32] / 16.0, labels[:32], params


RATE = 0.1


def mlp(tensor: bool) -> Case:
    """tanh, softmax cross-entropy, one step of gradient descent; wengert by wg.grad or by wg.Tensor.backward()."""
    x, labels, params = digits_batch()
    each = np.arange(len(labels))
    one_hot = np.eye(10)[labels]

    def loss(p):
        scores = np.tanh(x @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"]
        scores = scores - np.max(scores, axis=1, keepdims=True)
        return np.mean(np.log(np.sum(np.exp(scores), axis=1)) - scores[each, labels])

    def loss_autograd(p):
        scores = anp.tanh(x @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"]
        scores = scores - anp.max(scores, axis=1, keepdims=True)
        return anp.mean(anp.log(anp.sum(anp.exp(scores), axis=1)) - anp.sum(one_hot * scores, axis=1))

    def loss_torch(p):
        scores = torch.tanh(x_torch @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"]
        return torch.nn.functional.cross_entropy(scores, labels_torch)

    if tensor:
        leaves = {name: wg.Tensor(p, requires_grad=True) for name, p in params.items()}
        by_wengert = step_by_backward(loss, leaves, wg.no_grad)
    else:
        by_wengert = step_by(wg.grad(loss), params)
    lanes: dict[str, Lane] = {"wengert": by_wengert, "autograd": step_by(autograd.grad(loss_autograd), params)}
    if torch is not None:
        x_torch, labels_torch = torch.tensor(x), torch.tensor(labels)
        leaves_torch = dict(zip(params, tensors(list(params.values()))))
        lanes["torch"] = step_by_backward(loss_torch, leaves_torch, torch.no_grad)
    return Case(loss, (params,), lanes, goal=1.5)


def step_by(gradient: Callable[..., Any], params: dict[str, Any]) -> Lane:
    """(gradient, new parameters); the old ones stay, so that every step is the same."""

    def step() -> Any:
        slope = gradient(params)
        return slope, {name: p - RATE * slope[name] for name, p in params.items()}

    return step


def step_by_backward(loss: Callable[..., Any], leaves: dict[str, Any], no_grad: Callable[[], Any]) -> Lane:
    def step() -> Any:
        for p in leaves.values():
            p.grad = None
        loss(leaves).backward()
        with no_grad():
            return {name: p.grad for name, p in leaves.items()}, {name: p - RATE * p.grad for name, p in leaves.items()}

    return step


# ---------------------------------------------------------------- in-place writes: the heat equation


def heat(n: int, steps: int) -> Case:
    """Explicit Euler on n points; Autograd has no in-place writes."""

    def f(u):
        u = u.copy()
        for _ in range(steps):
            u[1:-1] += 0.25 * (u[2:] - 2.0 * u[1:-1] + u[:-2])
        return np.sum(u**2)

    def f_autograd(u):
        for _ in range(steps):
            inner = u[1:-1] + 0.25 * (u[2:] - 2.0 * u[1:-1] + u[:-2])
            u = anp.concatenate([u[:1], inner, u[-1:]])
        return anp.sum(u**2)

    def f_torch(u):
        u = u.clone()
        for _ in range(steps):
            u[1:-1] += 0.25 * (u[2:] - 2.0 * u[1:-1] + u[:-2])
        return torch.sum(u**2)

    return compare(f, f_autograd, f_torch, (np.sin(np.linspace(0.0, 3.0, n)) ** 2,), goal=1.0)


# ---------------------------------------------------------------- the table of cases

CASES: dict[str, Callable[[], Case]] = {
    "multiply": multiply_chain,
    "sin": sin_chain,
    "rosenbrock-10": functools.partial(rosenbrock, 10),
    "rosenbrock-1000": functools.partial(rosenbrock, 1000),
    "pendulum": pendulum,
    "mixture-d2-k5-n1000": functools.partial(mixture, 2, 5, 1000),
    "mixture-d10-k10-n200": functools.partial(mixture, 10, 10, 200),
    "mlp-grad": functools.partial(mlp, tensor=False),
    "mlp-tensor": functools.partial(mlp, tensor=True),
    "heat": functools.partial(heat, 200, 100),
}


# ---------------------------------------------------------------- verification


class Disagreement(Exception):
    """Two tools compute different gradients: timing them would compare different work."""


def verify(name: str, case: Case) -> None:
    """Every lane against Autograd's; raises Disagreement."""
    expected = leaves_of(case.lanes["autograd"]())
    for tool, lane in case.lanes.items():
        found = leaves_of(lane())
        if [x.shape for x in found] != [x.shape for x in expected]:
            raise Disagreement(f"{name}: {tool} returns other shapes than autograd")
        error = max(relative_error(x, y) for x, y in zip(found, expected))
        if not error <= TOLERANCE:  # nan is a disagreement, too
            raise Disagreement(f"{name}: {tool} differs from autograd by {error:.1e}, relative")


def relative_error(x: Any, expected: Any) -> float:
    """The largest difference over the largest element; nan where either holds one, or where all is zero."""
    with np.errstate(invalid="ignore"):
        return float(np.max(np.abs(x - expected)) / np.max(np.abs(expected)))


def leaves_of(result: Any) -> list[Any]:
    """Arrays of a nested result, left to right."""
    if isinstance(result, dict):
        result = tuple(result.values())
    if isinstance(result, tuple | list):
        return [leaf for part in result for leaf in leaves_of(part)]
    if hasattr(result, "detach"):
        result = result.detach().numpy()
    return [np.asarray(result)]
