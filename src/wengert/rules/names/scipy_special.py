"""scipy.special."""

from typing import Any

from wengert.core.types import shape_of
from wengert.rules import elementwise, special
from wengert.rules.elementwise import stop_gradient
from wengert.rules.elementwise import where as select
from wengert.rules.linear import reshape as reshape_row
from wengert.rules.names.operands import arrayed, axes_of, no_keywords, operand_of
from wengert.rules.names.reductions import max_, sum_
from wengert.rules.names.table import NAMES, name

NAMES.update(
    {
        "scipy.special.erf": special.erf,
        "scipy.special.erfc": special.erfc,
        "scipy.special.expit": special.expit,
        "scipy.special.logit": special.logit,
        "scipy.special.log_expit": special.log_expit,
        "scipy.special.gammaln": special.gammaln,
        "scipy.special.psi": lambda x: special.polygamma(x, n=0),
        "scipy.special.polygamma": lambda n, x: special.polygamma(operand_of(x), n=int(n)),
        "scipy.special.xlogy": special.xlogy,
    }
)


@name("scipy.special.logsumexp")
def log_sum_exp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False) -> Any:
    no_keywords("scipy.special.logsumexp", return_sign=return_sign or None)
    a = arrayed(a)
    largest = max_(plain_largest(a), axis, keepdims=True)
    total = sum_(elementwise.exp(a - largest) * (1.0 if b is None else b), axis, keepdims=True)
    out = elementwise.log(total) + largest
    axes = axes_of(axis, len(shape_of(a)))
    return out if keepdims else reshape_row(out, shape=tuple(n for i, n in enumerate(shape_of(a)) if i not in axes))


def plain_largest(a: Any) -> Any:
    """The values that only shift the exponent: the result does not depend on them, so they carry no derivative."""
    shift = stop_gradient(a)
    return select(elementwise.isfinite(shift), shift, 0.0)


@name("scipy.special.softmax")
def soft_max(x: Any, axis: Any = None) -> Any:
    return elementwise.exp(x - log_sum_exp(x, axis, keepdims=True))


@name("scipy.special.log_softmax")
def log_soft_max(x: Any, axis: Any = None) -> Any:
    return x - log_sum_exp(x, axis, keepdims=True)
