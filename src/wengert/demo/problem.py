"""A loss over a dict of arrays, as an optimiser of flat vectors wants it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

import wengert as wg
from wengert.demo.models import Parameters

Loss = Callable[[Parameters], float]
ValueAndGradient = Callable[[Parameters], tuple[float, Parameters]]


def ravel(parameters: Parameters) -> np.ndarray:
    """All numbers of a dict of arrays, one after the other."""
    return np.concatenate([np.ravel(value) for value in parameters.values()])


def unravel(vector: np.ndarray, like: Parameters) -> Parameters:
    """The inverse of `ravel`: names and shapes as in `like`."""
    ends = np.cumsum([np.size(value) for value in like.values()])
    pieces = np.split(vector, ends[:-1])
    return {name: piece.reshape(np.shape(value)) for (name, value), piece in zip(like.items(), pieces)}


def by_grad(loss: Loss) -> ValueAndGradient:
    """The functional way: a function becomes the function of its gradient, and that becomes machine code."""
    return wg.jit(wg.value_and_grad(loss))


def by_backward(loss: Loss) -> ValueAndGradient:
    """The dynamic-graph way: tensors record what is done with them."""

    def value_and_gradient(parameters: Parameters) -> tuple[float, Parameters]:
        tensors = {name: wg.Tensor(value, requires_grad=True) for name, value in parameters.items()}
        value = loss(tensors)
        value.backward()
        return value.item(), {name: tensor.grad for name, tensor in tensors.items()}

    return value_and_gradient


@dataclass(frozen=True)
class Problem:
    """A loss, its value and gradient, and the parameters to start from, which also give names and shapes."""

    loss: Loss
    value_and_grad: ValueAndGradient
    start: Parameters

    @cached_property
    def compiled_loss(self) -> Loss:
        return wg.jit(self.loss)

    @cached_property
    def product(self) -> Callable[[Parameters, Parameters], Parameters]:
        """The Hessian times a direction."""
        return wg.jit(partial(wg.hvp, self.loss))

    @property
    def vector(self) -> np.ndarray:
        return ravel(self.start)

    def unravel(self, vector: np.ndarray) -> Parameters:
        return unravel(vector, self.start)

    def value(self, vector: np.ndarray) -> float:
        return self.compiled_loss(self.unravel(vector))

    def value_and_gradient(self, vector: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = self.value_and_grad(self.unravel(vector))
        return value, ravel(gradient)

    def hessian_product(self, vector: np.ndarray, direction: np.ndarray) -> np.ndarray:
        return ravel(self.product(self.unravel(vector), self.unravel(direction)))
