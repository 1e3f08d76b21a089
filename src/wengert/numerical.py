"""Derivatives of plain NumPy functions, without automatic differentiation: finite differences and the complex step.

This is what exact derivatives are compared with, and what a function that cannot be traced falls back on.

=============  ============================================================================  ===================
method         formula and source                                                            calls per direction
=============  ============================================================================  ===================
"forward"      one-sided differences of `order` 1 (default), 2, 3 (Fornberg 1988, Table 3)   order + 1
"central"      centred differences of `order` 2 (default), 4, 6, 8 (Fornberg 1988, Table 1)  order
"richardson"   centred differences extrapolated to step 0 (Ridders 1982)                     33
"complex"      f' = Im f(x + ih) / h (Squire & Trapp 1998): no digit is lost, but x and      1
               f(x) must be real, and f analytic and written so that complex numbers pass
               through (no abs, max, comparison, float work array)
=============  ============================================================================  ===================

Common to all functions:

* `x` is a float, a complex number, an array or a list of those. `f` is called at `x` and near it, each time with a
  fresh argument of the type of `x`, which it may write into. Only the call at `x` shows floating-point warnings.
* Results have the precision of f(x); steps fit the coarser of the precisions of x and f(x).
* `step`: the absolute step (the first one of "richardson", the imaginary one of "complex"), a number or an array that
  broadcasts to `x`. Default: eps^(1/(order + derivatives)) max(|x|, 1), with order 8 for "richardson". It expects f to
  be defined, and to vary, on that scale: for log(x) at x = 1e-7 pass a smaller one.
* Complex `x`: a real f has the derivative ∂f/∂Re x - i ∂f/∂Im x; a complex f is taken to be holomorphic and has f'(x).
* `error=True` returns an `Estimate`, whose `error` estimates truncation plus rounding for each entry of `value`:

  - "forward", "central": 2 |D(h) - D(h/2)| + rounding;
  - "richardson": the distance to the two neighbours in its table + rounding;
  - "complex": rounding (`hessian`: the "richardson" estimate) + what the distance to the central difference has in
    excess of that difference's own error, so that an f that is not analytic shows;
  - complex f of complex x: + the violation of the Cauchy-Riemann equations.

  Rounding is measured: the noise of f (Moré & Wild 2011) over the step. The error is inf where nothing finite was
  found. It is no bound: a kink exactly at x goes unseen, and so may an f that varies much faster than the step.
* `TypeError` when x holds integers, or "complex" meets complex values; `ValueError` for an unknown method or order.

Fornberg, Math. Comp. 51 (1988) 699. Moré & Wild, SIAM J. Sci. Comput. 33 (2011) 1292. Ridders, Adv. Eng. Software 4
(1982) 75. Squire & Trapp, SIAM Review 40 (1998) 110.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Estimate", "derivative", "directional", "hessian", "jacobian"]

# {offset: weight}: f'(x) = sum of weight f(x + offset h) / h + O(h^order)
STENCILS: dict[tuple[str, int], dict[int, float]] = {
    ("forward", 1): {0: -1, 1: 1},
    ("forward", 2): {0: -3 / 2, 1: 2, 2: -1 / 2},
    ("forward", 3): {0: -11 / 6, 1: 3, 2: -3 / 2, 3: 1 / 3},
    ("central", 2): {-1: -1 / 2, 1: 1 / 2},
    ("central", 4): {-2: 1 / 12, -1: -2 / 3, 1: 2 / 3, 2: -1 / 12},
    ("central", 6): {-3: -1 / 60, -2: 3 / 20, -1: -3 / 4, 1: 3 / 4, 2: -3 / 20, 3: 1 / 60},
    ("central", 8): {-4: 1 / 280, -3: -4 / 105, -2: 1 / 5, -1: -4 / 5, 1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280},
}
DEFAULT_ORDER = {"forward": 1, "central": 2}
EXTRAPOLATED_ORDER = 8  # what a few columns of the table reach; it sets the first step only
EXTRAPOLATED_ROWS = 12
SHRINK = 2.0  # Ridders has 1.4: 2 reaches functions that vary 2000 times faster than the first step


class Estimate(NamedTuple):
    """A derivative, and for each of its entries an estimate of its absolute error."""

    value: Any
    error: Any


class _Scheme(NamedTuple):
    method: str
    order: int
    stencil: dict[int, float]
    step: Any
    error: bool


class _Local(NamedTuple):
    """f near x: `at(shift)` is f(x + shift) in at least double precision."""

    x: np.ndarray
    at: Callable[[Any], np.ndarray]
    base: np.ndarray
    dtype: np.dtype
    coarser: np.finfo  # of the precisions of x and f(x)


def derivative(f, x, *, method="central", order=None, step=None, error=False):
    """Derivative of a function of one number, at a number or at each entry of an array. Options: see the module.

    x: () gives the shape of f(x), which may be any. Any other shape is for elementwise f (entry i of f(x) depends on
    entry i of x alone) and gives x.shape; ValueError if f(x) has another shape.

    >>> round(float(derivative(np.sin, 0.0)), 9)
    1.0
    >>> value, error = derivative(np.exp, np.array([0.0, 1.0]), method="richardson", error=True)
    >>> value.round(9).tolist(), bool(error.max() < 1e-11)
    ([1.0, 2.718281828], True)
    """
    local, scheme = _local(f, x), _scheme(method, order, step, error)
    if local.x.ndim and local.base.shape != local.x.shape:
        raise ValueError(f"derivative: x has shape {local.x.shape}, f(x) {local.base.shape}; use jacobian")
    return _report(local, scheme, _partial(local, 1.0, scheme))


def jacobian(f, x, *, method="central", order=None, step=None, error=False):
    """All partial derivatives, [∂f_i/∂x_j], shape f(x).shape + x.shape. Options: see the module.

    >>> jacobian(lambda x: np.array([x[0] * x[1], x[1]]), np.array([2.0, 3.0]), method="complex").tolist()
    [[3.0, 2.0], [0.0, 1.0]]
    """
    local, scheme = _local(f, x), _scheme(method, order, step, error)
    columns = [_partial(local, axis, scheme) for axis in _axes(local.x)]
    return _report(local, scheme, _stacked(columns, local.base.shape + local.x.shape))


def hessian(f, x, *, method="central", order=None, step=None, error=False):
    """Second partial derivatives of a scalar-valued f, shape x.shape + x.shape, exactly symmetric.

    The stencil is applied along both axes of a pair. "complex" is the extrapolated central difference of the complex
    step, and so loses the digits of one differentiation, not of two. Options: see the module.
    Also raises TypeError when x is complex, ValueError when f(x) is not scalar.

    >>> hessian(lambda x: x[0] ** 2 * x[1], np.array([2.0, 3.0]), method="richardson").round(6).tolist()
    [[6.0, 4.0], [4.0, 0.0]]
    """
    local, scheme = _local(f, x), _scheme(method, order, step, error)
    if local.base.shape != ():
        raise ValueError(f"hessian: f(x) has shape {local.base.shape}, expected (); differentiate one entry at a time")
    if np.iscomplexobj(local.x):
        raise TypeError("hessian: x is complex; pass real and imaginary parts as one real array")
    axes = _axes(local.x)
    pairs = itertools.combinations_with_replacement(range(len(axes)), 2)
    upper = {(i, j): _along(local, [axes[i], axes[j]], scheme) for i, j in pairs}
    entries = [upper[min(i, j), max(i, j)] for i, j in np.ndindex(len(axes), len(axes))]
    return _report(local, scheme, _stacked(entries, local.x.shape * 2))


def directional(f, x, direction, *, method="central", order=None, step=None, error=False):
    """Derivative of t -> f(x + t direction) at t = 0, t real also where x is complex; shape of f(x).

    direction: x.shape, else ValueError; complex only where x is, else TypeError. Options: see the module.

    >>> round(float(directional(lambda x: x @ x, np.array([1.0, 2.0]), [1.0, -1.0])), 9)
    -2.0
    """
    local, scheme, vector = _local(f, x), _scheme(method, order, step, error), np.asarray(direction)
    if vector.shape != local.x.shape:
        raise ValueError(f"directional: x has shape {local.x.shape}, direction {vector.shape}")
    if np.iscomplexobj(vector) and not np.iscomplexobj(local.x):
        raise TypeError("directional: direction is complex where x is real")
    return _report(local, scheme, _along(local, [vector], scheme))


def _scheme(method, order, step, error) -> _Scheme:
    if method not in ESTIMATORS:
        raise ValueError(f"method is {method!r}, expected one of {', '.join(ESTIMATORS)}")
    if order is not None and (method, order) not in STENCILS:
        raise ValueError(f"no order {order} of {method!r}; known: {', '.join(f'{m} {o}' for m, o in STENCILS)}")
    if step is not None and np.any(np.asarray(step) <= 0):
        raise ValueError(f"step is {step}, expected a positive number")
    if method not in DEFAULT_ORDER:
        return _Scheme(method, EXTRAPOLATED_ORDER, STENCILS["central", 2], step, error)
    order = order or DEFAULT_ORDER[method]
    return _Scheme(method, order, STENCILS[method, order], step, error)


def _local(f, x) -> _Local:
    array = np.array(x)
    if not np.issubdtype(array.dtype, np.inexact):
        raise TypeError(f"x has dtype {array.dtype}, derivatives need floats: pass 2.0 for 2, or x.astype(float)")
    first = np.asarray(f(_typed_like(x, array.copy())))
    if first.dtype.kind not in "biufc":
        raise TypeError(f"f(x) has dtype {first.dtype}, expected numbers")
    dtype = first.dtype if first.dtype.kind in "fc" else np.finfo(array.dtype).dtype

    def at(shift):
        # the sum may be wider than x, but f must see the precision that it was called with
        kind = np.result_type(array.dtype, np.complex64 if np.iscomplexobj(shift) else array.dtype)
        result = np.asarray(f(_typed_like(x, np.array(array + shift, kind))))
        if result.shape != first.shape:
            raise ValueError(f"f(x) has shape {first.shape}, but {result.shape} near x")
        return _widened(result)

    coarser = max(np.finfo(array.dtype), np.finfo(dtype), key=lambda info: info.eps)
    return _Local(array, at, _widened(first), dtype, coarser)


def _typed_like(x, point: np.ndarray):
    if isinstance(x, np.generic):
        return point[()]
    return point.item() if isinstance(x, float | complex) else point


def _widened(value: np.ndarray) -> np.ndarray:
    """A copy: f may return the same buffer each time."""
    return value.astype(np.result_type(value.dtype, np.float64))


def _axes(x: np.ndarray) -> np.ndarray:
    return np.eye(x.size).reshape((x.size, *x.shape))


def _stacked(entries: list[Estimate], shape) -> Estimate:
    if not entries:
        return Estimate(np.zeros(shape), np.zeros(shape))
    return Estimate(*(np.stack(part, axis=-1).reshape(shape) for part in zip(*entries)))


@np.errstate(all="ignore")
def _report(local: _Local, scheme: _Scheme, estimate: Estimate):
    """The estimate in the precision of f(x); rounding to that joins the error."""
    real = np.finfo(local.dtype)
    kind = np.result_type(real.dtype, np.complex64) if np.iscomplexobj(estimate.value) else real.dtype
    value = estimate.value.astype(kind)[()]
    if not scheme.error:
        return value
    error = np.asarray(estimate.error + real.eps * abs(estimate.value)).astype(real.dtype)
    return Estimate(value, np.where(np.isfinite(error), error, real.dtype.type(np.inf))[()])


def _partial(local: _Local, vector, scheme: _Scheme) -> Estimate:
    """∂f/∂x; for complex x ∂/∂Re - i ∂/∂Im of a real f, and half of that, f' if holomorphic, of a complex f."""
    real = _along(local, [vector], scheme)
    if not np.iscomplexobj(local.x):
        return real
    imaginary = _along(local, [1j * vector], scheme)
    value, error = real.value - 1j * imaginary.value, real.error + imaginary.error
    if not np.iscomplexobj(local.base):
        return Estimate(value, error)
    return Estimate(value / 2, (error + abs(real.value + 1j * imaginary.value)) / 2)


@np.errstate(all="ignore")
def _along(local: _Local, vectors: list, scheme: _Scheme) -> Estimate:
    """Derivative along each of the vectors in turn. A number as vector moves every entry of x by a step of its own."""
    return ESTIMATORS[scheme.method](local, vectors, scheme)


def _by_stencil(local: _Local, vectors, scheme: _Scheme) -> Estimate:
    value, gain = _difference(local, vectors, scheme)
    if not scheme.error:
        return Estimate(value, np.full(value.shape, np.inf))
    finer, _ = _difference(local, vectors, scheme, shrink=0.5)
    return Estimate(value, 2 * abs(value - finer) + 4 * gain * _noise(local))


def _by_extrapolation(local: _Local, vectors, scheme: _Scheme) -> Estimate:
    """Ridders 1982: row k starts at step h / SHRINK^k, column j cancels h^(2j)."""
    noise = 2 * _noise(local)
    best, above = Estimate(np.full_like(local.base, np.nan), np.full(local.base.shape, np.inf)), []
    for k in range(EXTRAPOLATED_ROWS):
        value, gain = _difference(local, vectors, scheme, shrink=SHRINK**-k)
        row, found = [value], Estimate(value, np.inf)
        for j, coarser in enumerate(above, start=1):
            row.append(row[-1] + (row[-1] - coarser) / (SHRINK ** (2 * j) - 1))
            error = np.maximum(abs(row[-1] - row[-2]), abs(row[-1] - coarser)) + gain * noise
            found = _chosen(error < found.error, Estimate(row[-1], error), found)
        # a finer row that contradicts the best so far refutes it: coarse steps can agree beyond a pole or over a period
        refuted = abs(found.value - best.value) > 2 * (found.error + best.error)
        best, above = _chosen(refuted | (found.error < best.error), found, best), row
    return best


def _chosen(where, first: Estimate, second: Estimate) -> Estimate:
    return Estimate(*(np.where(where, a, b) for a, b in zip(first, second)))


def _by_complex_step(local: _Local, vectors, scheme: _Scheme) -> Estimate:
    if np.iscomplexobj(local.x) or np.iscomplexobj(local.base):
        raise TypeError('method "complex" needs real x and real f(x); use "richardson"')
    slope, rest = _imaginary_slope(local, vectors[0], scheme), vectors[1:]
    if rest:
        estimate = _by_extrapolation(slope, rest, scheme._replace(step=None))
    else:
        estimate = Estimate(slope.base, 8 * _noise(slope) if scheme.error else np.full(slope.base.shape, np.inf))
    if not scheme.error:
        return estimate
    check = _by_stencil(local, vectors, _scheme("central", None, None, error=True))
    excess = np.fmax(abs(estimate.value - check.value) - check.error, 0)
    return estimate._replace(error=estimate.error + excess)


def _imaginary_slope(local: _Local, vector, scheme: _Scheme) -> _Local:
    """The derivative of f along vector, as a function near x."""
    # nothing cancels, so that the step need not follow x: small, with room above the underflow for small derivatives
    precision = np.finfo(np.result_type(local.coarser.dtype, np.complex64))
    default = np.exp2(precision.dtype.type(precision.minexp // 3))
    step = _reach(np.broadcast_to(default if scheme.step is None else scheme.step, local.x.shape), vector)

    def at(shift):
        value = local.at(shift + 1j * (step * vector))
        if not np.iscomplexobj(value):
            raise TypeError('f drops the imaginary part of x, which method "complex" needs; use "richardson"')
        return value.imag / step

    return local._replace(at=at, base=at(0.0))


def _difference(local: _Local, vectors, scheme: _Scheme, shrink=1.0):
    """The stencil applied along each vector, and its gain: how large it makes a change of 1 in f."""
    steps = [_reach(_steps(local, scheme, len(vectors), shrink), vector) for vector in vectors]
    total = 0.0
    for points in itertools.product(scheme.stencil.items(), repeat=len(vectors)):
        shift = sum(offset * step * vector for (offset, _), step, vector in zip(points, steps, vectors))
        total = total + math.prod(weight for _, weight in points) * local.at(shift)
    divisor = math.prod(steps)
    return total / divisor, sum(map(abs, scheme.stencil.values())) ** len(vectors) / divisor


def _steps(local: _Local, scheme: _Scheme, derivatives: int, shrink: float) -> np.ndarray:
    """One step for each entry of x, such that x + step is exact: its rounding would be divided by step."""
    size = abs(local.x)
    relative = local.coarser.eps ** (1 / (scheme.order + derivatives))
    wanted = shrink * (relative * np.maximum(size, 1) if scheme.step is None else np.asarray(scheme.step))
    return _widened((size + wanted).astype(size.dtype) - size)


def _reach(steps: np.ndarray, vector):
    """How many vectors make a step: a number moves each entry by its own step, an array none by more than its step."""
    if not isinstance(vector, np.ndarray):
        return steps
    ratios = steps[vector != 0] / abs(vector[vector != 0])
    return ratios.min() if ratios.size else 1.0


def _noise(local: _Local) -> np.ndarray:
    """Rounding error of f, for each entry of f(x), at least one unit in the last place.

    As in Moré & Wild 2011, it is what a smooth function cannot explain over points a few hundred units apart: here the
    residual of a cubic, since equal distances can make all values round alike.
    """
    offsets = np.sqrt(np.arange(9.0))
    cubics, _ = np.linalg.qr(np.vander(offsets, 4))
    near = 200 * local.coarser.eps * np.maximum(abs(local.x), 1)
    values = np.stack([local.at(offset * near) - local.base for offset in offsets])
    residual = values - np.tensordot(cubics @ cubics.T, values, 1)
    noise = np.sqrt(np.sum(abs(residual) ** 2, axis=0) / (9 - 4))
    return np.fmax(noise, local.coarser.eps * abs(local.base))


ESTIMATORS = {"forward": _by_stencil, "central": _by_stencil}
ESTIMATORS |= {"richardson": _by_extrapolation, "complex": _by_complex_step}
