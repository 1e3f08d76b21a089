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
from wengert.custom import checkpoint, custom_jvp, custom_vjp, primitive
from wengert.frontend.jit import jit
from wengert.inspect.adjoint import write_adjoint
from wengert.inspect.costs import cost
from wengert.inspect.edited import use_adjoint
from wengert.inspect.explain import Explanation, explain
from wengert.inspect.kept import kept
from wengert.inspect.program import program
from wengert.inspect.report import Report, report
from wengert.inspect.source import source
from wengert.symbolic import to_sympy
from wengert.tensor import Tensor, no_grad
from wengert.testing import check_grads

__version__ = "0.1.0"

__all__ = [
    "Diagnostic",
    "Explanation",
    "Report",
    "Tensor",
    "check_grads",
    "checkpoint",
    "cost",
    "custom_jvp",
    "custom_vjp",
    "derivative",
    "elementwise_grad",
    "explain",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jit",
    "jvp",
    "kept",
    "linearize",
    "no_grad",
    "numerical",
    "primitive",
    "program",
    "report",
    "source",
    "stop_gradient",
    "to_sympy",
    "use_adjoint",
    "value_and_grad",
    "vjp",
    "vmap",
    "write_adjoint",
]
