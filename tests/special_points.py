"""Special points: what replaces the operands of a call, and what is asked of the derivative there.

NumPy itself says what is right: its value (or error) at the point, and its differences around it.
"""

import warnings

import numpy as np

import wengert as wg
from wengert.core.tree import flatten, unflatten
from wengert.core.types import dtype_of, shape_of

# what NumPy, SciPy and Python raise where they refuse an operand
RAISED = (ValueError, TypeError, ArithmeticError, LookupError, RuntimeError)

# ---------------------------------------------------------------- the points


def everywhere(value):
    """All elements of all operands are `value`."""

    def place(xs):
        return [x * 0 + value for x in xs]

    return place


def scaled(factor):
    def place(xs):
        return [x * factor for x in xs]

    return place


def once(value, operands=slice(None)):
    """`value` stands in one place of each of the chosen operands."""

    def place(xs):
        chosen = range(len(xs))[operands]
        return [with_first(x, value) if i in chosen else x for i, x in enumerate(xs)]

    return place


def with_first(x, value):
    if not isinstance(x, np.ndarray):
        return type(x)(value)
    x = x.copy()
    if x.size:
        x[(0,) * x.ndim] = value
    return x


def below_zero(xs):
    return [-x if dtype_of(x).kind == "c" else -abs(x) for x in xs]


def cut_to_nothing(xs):
    return [x[:0] if shape_of(x) else x for x in xs]


def without_axes(xs):
    return [x if isinstance(x, np.ndarray) else np.array(x) for x in xs]


POINTS = {
    "zeros": everywhere(0.0),
    "ones": everywhere(1.0),
    "minus_ones": everywhere(-1.0),
    "twos": everywhere(2.0),
    "minus_twos": everywhere(-2.0),
    "equal": everywhere(0.5),
    "negative": below_zero,
    "nan_in_each": once(np.nan),
    "nan_in_the_first": once(np.nan, slice(1)),
    "inf_in_each": once(np.inf),
    "inf_in_the_first": once(np.inf, slice(1)),
    "minus_inf_in_each": once(-np.inf),
    "minus_inf_in_the_first": once(-np.inf, slice(1)),
    "tiny": scaled(1e-300),
    "huge": scaled(1e300),
    "empty": cut_to_nothing,
    "without_axes": without_axes,
}

# ---------------------------------------------------------------- what is asked


class Wrong(Exception):
    """What a special point showed."""


def attempt(function, *args):
    """(result, None), or (None, the error)."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            return function(*args), None
        except (*RAISED, wg.Diagnostic) as error:
            return None, error


def check_point(function, xs, rtol=0.0, may_give_nan=False, kink=False):
    """Compare both modes with NumPy at `xs`; raises Wrong, or returns the Diagnostic that refused the point.

    may_give_nan    where plain Python raises, inf or nan is right, too (docs/conventions.md, Types)
    kink            differences show no derivative here, though they look like one
    """
    expected, refused = attempt(function, *xs)
    numeric = refused is None and all(dtype_of(x).kind in "fc" for x in leaves(expected))
    directions = [direction(x, seed) for seed, x in enumerate(xs)]

    def both(*xs):
        out = function(*xs)
        return (out if numeric else 0.0), out

    def pushed():
        return wg.jvp(both, tuple(xs), tuple(directions), has_aux=True)

    def pulled():
        out, pullback, aux = wg.vjp(both, *xs, has_aux=True)
        out_bar = like(out, [direction(o, 7 + i, scale=1.0) for i, o in enumerate(leaves(out))])
        return out, pullback(out_bar), aux, out_bar

    results = []
    for mode, run in (("forward", pushed), ("reverse", pulled)):
        result, error = attempt(run)
        if isinstance(error, wg.Diagnostic):
            return None if error.code == "W303" else error  # it says that there is no derivative at this point
        if refused is not None:
            check_refused(mode, refused, error, result, may_give_nan)
        elif error is not None:
            raise Wrong(f"{mode}: {type(error).__name__}: {error}; NumPy gives {expected!r}") from error
        else:
            check_value(mode, result[2], expected, rtol)
            results.append(result)
    if refused is not None or not numeric or not xs:
        return None
    (out, tangent, _), (_, bars, _, out_bar) = results
    check_alike("tangent", leaves(tangent), leaves(out))
    check_alike("cotangent", bars, xs)
    check_adjoint(leaves(out), leaves(out_bar), leaves(tangent), bars, directions)
    if not kink:
        check_differences(function, xs, directions, leaves(tangent))
        check_nan_shows(xs, leaves(out), leaves(tangent))
    return None


def leaves(x):
    return flatten(x)[0]


def like(x, new):
    return unflatten(flatten(x)[1], new)


def direction(x, seed, scale=None):
    """A fixed direction of the shape and type of x, as long as x is large."""
    rng = np.random.default_rng(seed)
    length = largest(x) if scale is None else scale
    v = rng.uniform(0.3, 1.0, shape_of(x)) * rng.choice([-1.0, 1.0], shape_of(x)) * length
    v = v * (0.8 - 0.6j) if dtype_of(x).kind == "c" else v
    return type(x)(v) if not isinstance(x, np.ndarray) else v.astype(x.dtype)


def largest(x):
    finite = np.abs(np.asarray(x)[np.isfinite(x)])
    return finite.max(initial=0.0) or 1.0


def check_refused(mode, refused, error, result, may_give_nan):
    if error is None and may_give_nan and not np.isfinite(leaves(result[2])).any():
        return
    if error is None:
        raise Wrong(f"{mode}: gives {result[2]!r}; NumPy raises {type(refused).__name__}: {refused}")
    if not isinstance(error, type(refused)):
        raise Wrong(f"{mode}: {type(error).__name__}: {error}; NumPy raises {type(refused).__name__}: {refused}")


def check_value(mode, got, expected, rtol):
    if flatten(got)[1] != flatten(expected)[1]:
        raise Wrong(f"{mode}: value {got!r} is arranged differently than {expected!r}")
    for g, e in zip(leaves(got), leaves(expected)):
        same = g == e if isinstance(e, np.dtype | str | int) else is_close(g, e, rtol)
        if not same:
            raise Wrong(f"{mode}: value {g!r}; NumPy gives {e!r}")


def is_close(got, expected, rtol):
    if (shape_of(got), dtype_of(got)) != (shape_of(expected), dtype_of(expected)):
        return False
    got, expected = np.asarray(got), np.asarray(expected)
    if expected.dtype.kind == "c":  # NumPy itself is of two minds about which part of a complex infinity is nan
        finite = np.isfinite(expected)
        return np.array_equal(np.isfinite(got), finite) and np.allclose(
            got[finite], expected[finite], rtol, 2 * rtol * scale_of(expected)
        )
    return np.allclose(got, expected, rtol, 2 * rtol * scale_of(expected), equal_nan=True)


def check_alike(what, got, expected):
    for g, e in zip(got, expected, strict=True):
        if (shape_of(g), dtype_of(g)) != (shape_of(e), dtype_of(e)):
            raise Wrong(f"{what} of {shape_of(g)} {dtype_of(g)} for {shape_of(e)} {dtype_of(e)}")


def check_adjoint(out, out_bar, out_dot, bars, x_dots):
    """<out_bar, J x_dot> = <Jᵀ out_bar, x_dot>, where all of it is finite."""
    left, right = products(out_bar, out_dot), products(bars, x_dots)
    terms = np.concatenate([left, right])
    if not np.isfinite(terms).all():
        return
    rounding = 1e-10 if min([16, *(dtype_of(x).itemsize for x in (*out_dot, *bars))]) >= 8 else 1e-4
    size = np.abs(terms).sum() + 1e-4 * np.abs(products(out_bar, out)).sum()
    if abs(left.sum() - right.sum()) > rounding * size + 1e-290:
        raise Wrong(f"forward and reverse mode differ: {left.sum()} and {right.sum()}; {out_dot} and {bars}")


def products(cotangents, tangents):
    with np.errstate(all="ignore"):
        return np.concatenate([[0.0], *(np.ravel(np.real(c * t)) for c, t in zip(cotangents, tangents))])


STEP = 1e-5


def check_differences(function, xs, directions, tangents):
    """Where NumPy's differences show a derivative, the tangent is that slope.

    They do where both sides, a shorter step, and the sum of two directions agree.  At nan and infinity, and where
    products overflow or vanish, a tangent that is not finite is right, too.
    """
    others = [direction(x, 100 + seed) for seed, x in enumerate(xs)]
    both = [t + u for t, u in zip(directions, others)]
    ways = [(directions, STEP), (directions, -STEP), (directions, STEP / 8), (others, STEP), (both, STEP)]
    base = at_step(function, xs, directions, 0.0)
    moved = [at_step(function, xs, way, step) for way, step in ways]
    if any(m is None or [x.shape for x in m] != [x.shape for x in base] for m in moved):
        return
    length = max(largest(t) for t in directions)
    regular = all(is_ordinary(x) for x in xs)
    for tangent, start, *ends in zip(tangents, base, *moved):
        if start.dtype.itemsize < 8:
            continue
        with np.errstate(all="ignore"):
            there, back, nearer, other, sum_ = ((end - start) / step for end, (_, step) in zip(ends, ways))
            tolerance = 2e-3 * np.abs(there) + 1e2 * np.finfo(float).eps * scale_of(start) / STEP
            alike = [np.abs(there - d) <= tolerance for d in (back, nearer)]
            linear = np.abs(there + other - sum_) <= tolerance + 2e-3 * np.abs(other)
            away = ~(np.abs(tangent - there) <= 2 * tolerance)
            wrong = np.all([*alike, linear, away], axis=0) & is_a_float(np.abs(there), length)
        if np.any(wrong if regular else wrong & np.isfinite(tangent)):
            raise Wrong(f"tangent {tangent}; differences {there}, {back} of {start}")


def check_nan_shows(xs, out, tangents):
    """Where the function has no value at finite operands, it has no derivative."""
    if not all(np.isfinite(x).all() for x in xs):
        return
    for o, t in zip(out, tangents):
        if np.any(np.isnan(o) & np.isfinite(t) & (t != 0)):
            raise Wrong(f"value {o}, but tangent {t}")


def is_ordinary(x):
    return bool(np.isfinite(x).all()) and np.all((np.abs(x) < 1e200) & ((np.abs(x) > 1e-200) | (np.asarray(x) == 0)))


def is_a_float(change, length):
    """Whether the slope is not beyond what floating-point numbers can hold, where huge operands meet tiny ones."""
    slope = change / length
    return (change == 0) | (slope > 1e-305) & (slope < 1e305)


def at_step(function, xs, directions, step):
    out, error = attempt(function, *[x + step * t if step else x for x, t in zip(xs, directions)])
    return None if error else [np.asarray(x) for x in leaves(out)]


def scale_of(x):
    with np.errstate(all="ignore"):
        size = np.abs(x)
        return np.max(size, where=np.isfinite(size), initial=0.0)
