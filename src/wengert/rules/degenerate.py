"""Where factorisations are not unique: what counts as equal or zero, and the refusal of derivatives that do not exist.

Equal eigenvalues come out of LAPACK a few roundings apart (at most 11 eps max|w| in trials up to order 200), and the
reciprocal of such a distance is a large number without meaning.  So values count as equal within `resolution`.
"""

from typing import Any, NamedTuple

import numpy as np

from wengert.core.diagnostic import Diagnostic
from wengert.core.primitive import Primitive as row
from wengert.core.types import dtype_of, shape_of
from wengert.rules.elementwise import conj, imag, real, where
from wengert.rules.join import concatenate, stretch
from wengert.rules.linear import reduce_sum, swap_last


def resolution(n: int, dtype: Any) -> float:
    """Relative to the largest value: what is closer cannot be told apart."""
    return float(16 * np.sqrt(max(n, 1)) * np.finfo(dtype).eps)


# ---------------------------------------------------------------- equal and zero values


def ties_evaluate(w: Any, *, n: int) -> Any:
    """(..., n, n) for n sorted values: entry ij is 1/k where i and j are among k equal ones, else 0."""
    limit = resolution(n, w.dtype) * np.max(np.abs(w), axis=-1, keepdims=True, initial=0)
    apart = ~(np.abs(np.diff(w, axis=-1)) <= limit)
    group = np.concatenate([np.zeros_like(w[..., :1], np.intp), np.cumsum(apart, axis=-1)], axis=-1)
    return shares(group[..., :, None] == group[..., None, :], w.dtype)


def shares(equal: Any, dtype: Any) -> Any:
    return np.divide(equal, np.maximum(equal.sum(axis=-1, keepdims=True), 1), dtype=dtype)


def negligible_evaluate(s: Any, *, n: int) -> Any:
    """Which singular values count as zero; s is in descending order."""
    return s <= resolution(n, s.dtype) * s[..., :1]


def repeated_evaluate(shares: Any) -> Any:
    """(..., 1, n): which columns belong to a value that occurs more than once."""
    return (np.count_nonzero(shares, axis=-1) > 1)[..., None, :]


SORTED = np.array([0.5, 1.5, 1.5])
ties = row("ties", ties_evaluate, lift=lambda n: {"n": n}, examples=[((SORTED,), {"n": 3})])
negligible = row(
    "negligible",
    negligible_evaluate,
    lift=lambda n: {"n": n},
    examples=[((np.array([2.0, 1.0, 0.0]),), {"n": 3})],
)
repeated = row("repeated", repeated_evaluate, lift=lambda: {}, examples=[((ties_evaluate(SORTED, n=3),), {})])


def mean_of_ties(shares: Any, x: Any) -> Any:
    """Equal values share what is theirs, so that the result does not depend on the basis that LAPACK chose."""
    return sum_last(shares * x[..., None, :])


def inverse_gaps(w: Any, shares: Any) -> Any:
    """(..., n, n): 1 / (w_j - w_i), and 0 where they are equal."""
    equal = shares != 0
    return where(equal, 0.0, 1.0 / where(equal, 1.0, w[..., None, :] - w[..., :, None]))


# ---------------------------------------------------------------- small products that the rules share


def sum_last(x: Any) -> Any:
    return reduce_sum(x, axes=(len(shape_of(x)) - 1,))


def sum_rows(x: Any) -> Any:
    return reduce_sum(x, axes=(len(shape_of(x)) - 2,))


def conjugate(x: Any) -> Any:
    return conj(x) if dtype_of(x).kind == "c" else x


def adjoint(x: Any) -> Any:
    """The conjugate transpose of the last two axes."""
    return swap_last(conjugate(x))


def real_part(x: Any) -> Any:
    return real(x) if dtype_of(x).kind == "c" else x


def imaginary_part(x: Any) -> Any:
    """None for an exact zero."""
    return imag(x) if dtype_of(x).kind == "c" else None


def times_columns(x: Any, factors: Any) -> Any:
    """x diag(factors)."""
    return x * factors[..., None, :]


def inner_columns(x: Any, y: Any) -> Any:
    """The diagonal of xᴴ y."""
    return sum_rows(conjugate(x) * y)


def beside(x: Any, y: Any) -> Any:
    return concatenate(x, y, axis=len(shape_of(x)) - 1)


def total(*terms: Any) -> Any:
    """The sum of those that are not None."""
    there = [t for t in terms if t is not None]
    return sum(there[1:], there[0]) if there else None


# ---------------------------------------------------------------- refusal


class Reason(NamedTuple):
    """The text of a W303."""

    what: str
    because: str
    instead: str


def refuse_evaluate(bar: Any, undefined: Any, *, reason: Reason) -> Any:
    if np.any(undefined & (bar != 0)):
        raise Diagnostic("W303", *reason)
    return np.broadcast_to(bar, np.broadcast_shapes(bar.shape, undefined.shape))  # in a batch, either may be without


def refuse_push(bar_dot: Any, undefined: Any) -> Any:
    return None if bar_dot is None else where(undefined, np.nan, bar_dot)


def refuse_pull(ct: Any, undefined: Any) -> tuple[Any, None]:
    return where(undefined, np.nan, ct), None


# The cotangent of something that has no derivative where `undefined`: it must be zero there.  Its own derivative is
# nan there, as in forward mode, which does not know what the result is used for.
refuse = row(
    "refuse",
    refuse_evaluate,
    push=refuse_push,
    pull=refuse_pull,
    elementwise=True,
    examples=[(((2, 3), np.zeros(3, bool)), {"reason": Reason("", "", "")})],
)


FREE_PHASE = Reason(
    "the derivative of complex vectors is used by a function that depends on their phase",
    "each vector is determined up to a factor of modulus 1, and LAPACK's choice is not smooth",
    "use what does not depend on the phase, for example abs(v) or v v^H, or divide each vector by the phase of one of "
    "its components",
)


def refuse_phase_evaluate(bar: Any, turn: Any, *, reason: Reason) -> Any:
    """`turn`: the derivative by the phase of each column.  Half of its digits must vanish: it may be a difference."""
    size = np.sqrt(np.sum(np.abs(bar) ** 2, axis=(-2, -1)))[..., None]
    if np.any(np.abs(turn) > np.sqrt(np.finfo(size.dtype).eps) * size):
        raise Diagnostic("W303", *reason)
    return bar


# The cotangent of complex vectors whose phase is arbitrary: the function must not depend on it.
refuse_phase = row(
    "refuse_phase",
    refuse_phase_evaluate,
    push=lambda bar_dot: bar_dot,
    pull=lambda ct: (ct, None),
    batch=lambda size, batched, operands, *, reason: refuse_phase(*stretch(size, batched, operands), reason=reason),
    examples=[(((2, 3), np.zeros(3, np.intp)), {"reason": Reason("", "", "")})],
)


def without_phase(bar: Any, turn: Any) -> Any:
    return bar if turn is None else refuse_phase(bar, turn, reason=FREE_PHASE)


# ---------------------------------------------------------------- matrices of the examples

SPREAD = np.array([[2.0, 0.3, 0.1], [0.4, 1.1, 0.2], [0.6, 0.7, 4.0]])  # eigenvalues far apart
ROTATING = np.array([[0.5, -1.2, 0.1], [0.9, 0.3, 0.4], [0.2, -0.3, 1.7]])  # one real eigenvalue, a conjugate pair
SQUARES = np.stack([SPREAD, SPREAD.T])
TALL = np.array([[1.0, 0.2], [0.5, -0.8], [0.3, 1.4], [-0.6, 0.9]])
WIDE = np.ascontiguousarray(TALL.T)
AWAY = np.eye(3) + 0.1
