"""wengert: exact derivatives of ordinary Python and NumPy functions."""

from wengert import numerical
from wengert.api import (
    derivative,
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    linearize,
    stop_gradient,
    value_and_grad,
    vjp,
    vmap,
)
from wengert.core.diagnostic import Diagnostic

__version__ = "0.1.0"

__all__ = [
    "Diagnostic",
    "derivative",
    "elementwise_grad",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "linearize",
    "numerical",
    "stop_gradient",
    "value_and_grad",
    "vjp",
    "vmap",
]
