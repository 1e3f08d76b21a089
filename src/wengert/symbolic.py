"""Closed forms: what a function computed, as SymPy expressions (`to_sympy`).

A mode of its own: each value carries an expression, or an object array of them, beside its numbers.  Most of the table
needs nothing for this: a linear row is moves and additions, which NumPy does on object arrays as it does on numbers;
and where SymPy has a function of the row's name, that is what the row means.  The rest is in the dictionaries below.
"""

import functools
import inspect
import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from wengert.api import results, run
from wengert.core.diagnostic import Diagnostic
from wengert.core.lazy import lazy
from wengert.core.mode import Buffer, Mode, Value, buffer, escape, plain
from wengert.core.primitive import TABLE, Primitive
from wengert.core.tree import flatten, paths, unflatten
from wengert.core.types import dtype_of, shape_of
from wengert.frontend.route import give, give_all, route_structure
from wengert.rules.elementwise import real, where
from wengert.rules.linear import convert

sympy = lazy("sympy", extra="symbolic")


def to_sympy(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The closed form of f(*args, **kwargs) as a SymPy expression; needs `pip install "wengert[symbolic]"`.

    args    numbers, arrays and containers as f takes them.  Every floating-point number in them becomes a symbol that
            is called after its parameter: `x`; `x0`, `x1`, ... or `x0_1` in an array, `x_0` or `x_name` in a container.
            The symbols are real, those of complex numbers are not: `sympy.Symbol("x")` is another one than
            `sympy.Symbol("x", real=True)`, and the expression does not depend on it.
    kwargs  stay numbers.

    Returns one expression for a scalar, an object array of them for an array, and containers as f returns them.
    f may be a derivative, which gives it in the form in which automatic differentiation computes it.

    The expression is that of this run.  What Python decides (`if x > 0`, the length of a loop, an index, `argmax`)
    follows the numbers in args; `np.where(x > 0, ...)` and `np.maximum` keep both sides.  `==` inside `np.where` is
    true only where both sides are the same expression, so that the result holds for points in general position.
    Numbers of the function become exact where their binary fraction is short (0.25), and π and e are recognised.
    Raises Diagnostic W304 where a function means nothing to SymPy, W301 where it has no rule.

    >>> import numpy as np
    >>> import sympy
    >>> import wengert as wg
    >>> def f(x):
    ...     y = x
    ...     for _ in range(2):
    ...         y = np.sin(x * y)
    ...     return y / 2.0
    >>> wg.to_sympy(f, 0.3)
    sin(x*sin(x**2))/2
    >>> expression = wg.to_sympy(wg.grad(f), 0.3)
    >>> x = sympy.Symbol("x", real=True)
    >>> sympy.simplify(expression - sympy.diff(wg.to_sympy(f, 0.3), x))
    0
    >>> wg.to_sympy(lambda a, x: a @ x, np.ones((2, 2)), np.ones(2))
    array([a0_0*x0 + a0_1*x1, a1_0*x0 + a1_1*x1], dtype=object)
    """
    mode = Symbolic()
    taken: set[str] = set()
    formulas = [with_symbols(mode, x, name, taken) for x, name in zip(args, argument_names(f, len(args)))]
    out = run(mode, f, formulas, {name: give_all(x) for name, x in kwargs.items()})
    leaves, structure = results(out)
    return unflatten(structure, [each(sympy.sympify, expressions(mode, leaf)) for leaf in leaves])


# ---------------------------------------------------------------- arguments


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """Of the parameters that `count` positional arguments reach; those of `*xs` are called xs0, xs1, ..."""
    try:
        places = inspect.signature(f).bind_partial(*range(count)).arguments
    except (TypeError, ValueError):
        return ["x"] if count == 1 else [f"x{i}" for i in range(count)]
    return [
        called
        for name, place in places.items()
        for called in ([f"{name}{i}" for i in range(len(place))] if isinstance(place, tuple) else [name])
    ]


def with_symbols(mode: "Symbolic", tree: Any, name: str, taken: set[str]) -> Any:
    """The argument with formulas for its floating-point leaves."""
    leaves, structure = flatten(tree)
    names = [path for path, _ in paths(tree, name)]
    return unflatten(
        route_structure(structure),
        [
            Formula(mode, leaf, symbols_for(leaf, path, taken)) if is_inexact(leaf) else give(leaf)
            for leaf, path in zip(leaves, names)
        ],
    )


def is_inexact(x: Any) -> bool:
    return isinstance(x, float | complex | np.ndarray | np.generic) and dtype_of(x).kind in "fc"


def symbols_for(x: Any, path: str, taken: set[str]) -> Any:
    name = re.sub(r"\W+", "_", path).strip("_")
    while name in taken:
        name += "_"
    taken.add(name)
    real = True if dtype_of(x).kind == "f" else None
    if shape_of(x) == ():
        return sympy.Symbol(name, real=real)
    symbols = np.empty(shape_of(x), object)
    for index in np.ndindex(*symbols.shape):
        symbols[index] = sympy.Symbol(name + "_".join(map(str, index)), real=real)
    return symbols


# ---------------------------------------------------------------- the mode


class Formula(Value):
    """A number or array, and the expression or object array of expressions that it came from."""

    __slots__ = ()
    expression = Value.aux


class Symbolic(Mode):
    name = "symbolic"

    def apply(self, row: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        operands = [expressions(self, x) for x in args]  # first: the row may overwrite its operands
        numbers = [x.primal if isinstance(x, Value) and x.mode is self else plain(x) for x in args]
        kinds = [dtype_of(x).kind for x in numbers]
        if row.several:
            raise without_meaning(row, TypeError(NOTHING))
        out = row(*numbers, **params)
        if follows_the_numbers(row, out):
            return buffer(out)
        if row is not where and dtype_of(out).kind != "b":
            operands = [each(as_number, x) if kind == "b" else x for x, kind in zip(operands, kinds)]
        if row is convert and kinds == ["c"] and dtype_of(out).kind == "f":
            row, params = real, {}
        return Formula(self, out, meaning(row, operands, params, out))


NOTHING = "no function of SymPy stands for it"


def follows_the_numbers(row: Primitive, out: Any) -> bool:
    """Positions and truth values that SymPy has no function for are decisions of this run."""
    if not row.constant or means_of(row) is not None:
        return False
    return row.name == "share" or dtype_of(out).kind in "biu"


def expressions(mode: Symbolic, x: Any) -> Any:
    """The expression or object array of a value of any kind; whole numbers in an array may be indices, and stay."""
    if isinstance(x, Value) and x.fresh().mode is mode:
        return x.aux
    if isinstance(x, Value) and not isinstance(x, Buffer):
        raise escape("to_sympy()", "derive the formula: wg.to_sympy(wg.grad(f), x)")
    x = plain(x)
    return each(exact, x) if shape_of(x) == () or dtype_of(x).kind not in "iu" else x


def meaning(row: Primitive, operands: list[Any], params: dict[str, Any], number: Any) -> Any:
    """The row on expressions, in the shape that it has on numbers."""
    means = means_of(row)
    try:
        if means is None:
            raise TypeError(NOTHING)
        out = np.asarray(means(*operands, **params), object)
        return np.broadcast_to(out, shape_of(number)) if out.shape != shape_of(number) else out[()]
    except (TypeError, ValueError, NotImplementedError, AttributeError) as error:
        raise without_meaning(row, error) from error


def means_of(row: Primitive) -> Callable[..., Any] | None:
    """What a row of the table does with expressions, None where nothing is known."""
    if TABLE.get(row.name) is not row:
        return None  # a user's primitive may be called as any function
    if row.name in ARRAYS:
        return ARRAYS[row.name]
    if row.elementwise:
        means = ELEMENTWISE[row.name] if row.name in ELEMENTWISE else function_named(row)
        return means and functools.partial(each, means)
    moves = row.transposes or row.transpose_into
    return functools.partial(on_objects, row) if moves or row.name in ON_OBJECTS else None


def function_named(row: Primitive) -> Callable[..., Any] | None:
    """SymPy's function of the same name, for a row that has no parameters."""
    if getattr(getattr(row.evaluate, "__code__", None), "co_kwonlyargcount", 0):
        return None
    found = getattr(sympy, row.name.replace("arc", "a"), None)
    return found if isinstance(found, type) and issubclass(found, sympy.Function) else None


def on_objects(row: Primitive, *operands: Any, **params: Any) -> Any:
    """NumPy's own evaluation; the first operand may be read or written in parts, and must be an array for that."""
    first = [np.asarray(x, object) for x in operands[: len(row.operands[:1])]]
    return row.evaluate(*first, *operands[len(first) :], **params)


def each(means: Callable[..., Any], *operands: Any, **params: Any) -> Any:
    """An expression for each element, broadcast as NumPy does."""
    return np.frompyfunc(functools.partial(means, **params), len(operands), 1)(*operands)


def without_meaning(row: Primitive, error: Exception) -> Diagnostic:
    reason = str(error).partition("\n")[0] or type(error).__name__
    return Diagnostic(
        "W304",
        f"`{row.name}` means nothing to SymPy",
        f"the row at {row.where} computes with numbers: {reason}",
        "keep this part out of the function that is given to wg.to_sympy, or write it in elementary functions",
    )


# ---------------------------------------------------------------- numbers


def exact(x: Any) -> Any:
    """A number as SymPy would like it: integers and short binary fractions exact, π and e by their names."""
    if isinstance(x, complex | np.complexfloating):
        return exact(x.real) + sympy.I * exact(x.imag)
    if isinstance(x, bool | int | np.bool_ | np.integer):
        return sympy.Integer(int(x))
    x = float(x)
    if not math.isfinite(x):
        return sympy.nan if math.isnan(x) else sympy.oo if x > 0 else -sympy.oo
    if x in (math.pi, math.e):
        return sympy.pi if x == math.pi else sympy.E
    fraction = Fraction(x)
    return sympy.Rational(fraction.numerator, fraction.denominator) if fraction.denominator <= 1024 else sympy.Float(x)


def as_number(x: Any) -> Any:
    """A condition in arithmetic counts 1 or 0."""
    return sympy.Piecewise((1, x), (0, True)) if is_condition(x) else x


def as_condition(x: Any) -> Any:
    return x if is_condition(x) else sympy.Ne(x, 0)


def is_condition(x: Any) -> bool:
    return isinstance(x, sympy.logic.boolalg.Boolean)


# ---------------------------------------------------------------- meanings that have another name in SymPy, or none


def choose(condition: Any, x: Any, y: Any) -> Any:
    condition = as_condition(condition)
    return x if condition == True else y if condition == False else sympy.Piecewise((x, condition), (y, True))  # noqa: E712


def truncated(x: Any) -> Any:
    return sympy.sign(x) * sympy.floor(sympy.Abs(x))


def same_expression(x: Any, y: Any) -> Any:
    return sympy.true if x == y else sympy.false


def sinc(x: Any, n: int) -> Any:
    """The n-th derivative of NumPy's sinc; SymPy's own has no π."""
    t = sympy.Dummy(real=True)
    return sympy.diff(sympy.sin(sympy.pi * t) / (sympy.pi * t), t, n).subs(t, x)


ELEMENTWISE: dict[str, Callable[..., Any] | None] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "scale": lambda d, c: d * c,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: x**y,
    "ipow": lambda x, n: x**n,
    "neg": lambda x: -x,
    **dict.fromkeys(("reciprocal", "log_slope"), lambda x: 1 / x),
    "square": lambda x: x**2,
    "mod": lambda x, y: sympy.Mod(x, y),
    "floordiv": lambda x, y: sympy.floor(x / y),
    "fmod": lambda x, y: x - y * truncated(x / y),
    "exp2": lambda x: 2**x,
    "expm1": lambda x: sympy.exp(x) - 1,
    "log2": lambda x: sympy.log(x) / sympy.log(2),
    "log10": lambda x: sympy.log(x) / sympy.log(10),
    "log1p": lambda x: sympy.log(1 + x),
    "sqrt": lambda x: sympy.sqrt(x),
    "cbrt": lambda x: sympy.sign(x) * sympy.Abs(x) ** sympy.Rational(1, 3),
    "logaddexp": lambda x, y: sympy.log(sympy.exp(x) + sympy.exp(y)),
    "sech2": lambda x: sympy.sech(x) ** 2,
    "hypot": lambda x, y: sympy.sqrt(x**2 + y**2),
    **dict.fromkeys(("maximum", "fmax"), lambda x, y: sympy.Max(x, y)),
    **dict.fromkeys(("minimum", "fmin"), lambda x, y: sympy.Min(x, y)),
    "winner": lambda x, y: sympy.Heaviside(x - y),  # 1/2 at 0, as ties share
    "abs": lambda x: sympy.Abs(x),
    "real": lambda x: sympy.re(x),
    "imag": lambda x: sympy.im(x),
    "conj": lambda x: sympy.conjugate(x),
    "angle": lambda x: sympy.arg(x),
    "where": choose,
    **dict.fromkeys(("convert", "duplicate", "stop_gradient"), lambda x, **params: x),
    "ceil": lambda x: sympy.ceiling(x),
    "trunc": truncated,
    "equal": same_expression,
    "not_equal": lambda x, y: sympy.Not(same_expression(x, y)),
    "less": lambda x, y: x < y,
    "less_equal": lambda x, y: x <= y,
    "greater": lambda x, y: x > y,
    "greater_equal": lambda x, y: x >= y,
    **dict.fromkeys(("logical_and", "bitwise_and"), lambda x, y: sympy.And(as_condition(x), as_condition(y))),
    **dict.fromkeys(("logical_or", "bitwise_or"), lambda x, y: sympy.Or(as_condition(x), as_condition(y))),
    **dict.fromkeys(("logical_xor", "bitwise_xor"), lambda x, y: sympy.Xor(as_condition(x), as_condition(y))),
    **dict.fromkeys(("logical_not", "invert"), lambda x: sympy.Not(as_condition(x))),
    "isfinite": lambda x: sympy.true,  # symbols stand for numbers
    **dict.fromkeys(("isnan", "isinf"), lambda x: sympy.false),
    "expit": lambda x: 1 / (1 + sympy.exp(-x)),
    "logit": lambda x: sympy.log(x / (1 - x)),
    "log_expit": lambda x: -sympy.log(1 + sympy.exp(-x)),
    "gammaln": lambda x: sympy.loggamma(x),
    "polygamma": lambda x, n: sympy.polygamma(n, x),
    "polygamma_step": lambda x, y, n: sympy.polygamma(n, x + y) - sympy.polygamma(n, x),
    "erfcinv": lambda x: sympy.erfinv(1 - x),
    "sinc": sinc,
    **dict.fromkeys(("yn", "betainc")),  # SymPy's functions of these names are others
    "xlogy": lambda x, y: x * sympy.log(y),
}


def folded(pair: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def fold(x: Any, axes: tuple[int, ...]) -> Any:
        for axis in sorted(axes, reverse=True):
            x = np.frompyfunc(pair, 2, 1).reduce(x, axis=axis)
        return x

    return fold


def of_matrices(compute: Callable[..., Any]) -> Callable[..., Any]:
    """SymPy knows one matrix at a time, and no stacks of them."""

    def stacked(*operands: Any) -> Any:
        stack = np.broadcast_shapes(*[x.shape[:-2] for x in operands])
        operands = tuple(np.broadcast_to(x, stack + x.shape[-2:]) for x in operands)
        parts = [compute(*[sympy.Matrix(x[i]) for x in operands]).tolist() for i in np.ndindex(*stack)]
        out = np.array(parts, object)
        return out.reshape(stack + out.shape[1:])

    return stacked


ARRAYS: dict[str, Callable[..., Any]] = {
    "reduce_max": folded(ELEMENTWISE["maximum"]),
    "reduce_min": folded(ELEMENTWISE["minimum"]),
    "inv": of_matrices(lambda a: a.inv()),
    "solve": of_matrices(lambda a, b: a.LUsolve(b)),
}
ON_OBJECTS = frozenset({"concatenate", "stack", "einsum", "write", "reduce_prod", "cumprod"})
