"""The evaluation trace of a small function, and the tangents and cotangents that flow through it, as a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from wengert.api import Call, counted, derivative, hessian, name_of, results, seeds_like
from wengert.core.diagnostic import Diagnostic, Position
from wengert.core.mode import Value
from wengert.core.tree import flatten, paths
from wengert.core.types import dtype_of, shape_of
from wengert.inspect import render
from wengert.inspect.notation import tidy, value_of
from wengert.inspect.trace import (
    Application,
    Formula,
    Spelled,
    Step,
    Symbol,
    Term,
    Trace,
    in_textbook_order,
    name_steps,
    term_of,
)
from wengert.modes.forward import fit, push
from wengert.modes.reverse import Leaf, Node, Reverse, Sweep
from wengert.rules.linear import zeros_like
from wengert.testing import is_differentiable


@dataclass(frozen=True)
class Line:
    """One line of a trace: symbol = term = value.

    `term` is None for what is given: an argument, a seed.  `operation` is the primitive, `where` the user's line.
    """

    symbol: Symbol
    term: Term
    value: Any
    operation: str | None = None
    where: Position | None = None


@dataclass(frozen=True)
class Explanation:
    """What `explain` found.  It prints as tables, shows as HTML in notebooks, and gives LaTeX for slides.

    name        of the function
    inputs      the differentiated arguments, as lines without term
    evaluation  one line per elementary operation
    tangents    argument -> lines of the tangent trace with that argument's seed, inputs first
    adjoint     lines of the adjoint trace, from the results back to the inputs
    output      the value of the function, as lines
    """

    name: str
    inputs: list[Line]
    evaluation: list[Line]
    tangents: dict[str, list[Line]]
    adjoint: list[Line]
    output: list[Symbol]
    digits: int
    second: Callable[[], Any]

    @property
    def value(self) -> Any:
        """The value of the function, a list where it returns several."""
        values = [symbol.value for symbol in self.output]
        return values[0] if len(values) == 1 else values

    @property
    def cotangents(self) -> dict[str, Any]:
        """Argument -> its cotangent: the gradient, where the function is scalar and the seed 1."""
        found = {line.symbol.name: line.value for line in self.adjoint}
        return {line.symbol.name: found[line.symbol.name] for line in self.inputs}

    @cached_property
    def hessian(self) -> Any:
        """Second derivatives of a scalar function of numbers: f'' for one argument, a matrix for several; or None."""
        return self.second()

    def __str__(self) -> str:
        return render.text(self)

    __repr__ = __str__

    def html(self) -> str:
        """The tables as an HTML fragment, which needs no script."""
        return render.html(self)

    _repr_html_ = html  # asked for by notebooks

    def latex(self) -> str:
        """The tables as LaTeX, to be put into a document in display mathematics (needs amsmath)."""
        return render.latex(self)


def explain(
    f: Callable[..., Any], *args: Any, tangents: Sequence[Any] | None = None, cotangent: Any = None, digits: int = 5
) -> Explanation:
    """The evaluation trace, tangent trace and adjoint trace of f at `args`, as a textbook table.

    args       numbers, arrays and containers of them; what is floating point is differentiated.
    tangents   one seed for each differentiated number or array, each with its shape; ones by default.  There is one
               tangent trace for each, the others being held.
    cotangent  the seed of the way back, with the structure of the result; ones by default.
    digits     significant digits in the tables; the data keep all.

    A result that is stored under a name keeps it, with #2, #3 ... for later values of that name; what has no name
    becomes v1, v2, ...  Steps of one line stand by depth, as in textbooks.  The formulas come from the
    same rules that `grad` and `jvp` use.  As in Griewank and Walther 2008, tables 1.2 to 1.4, and Baydin et al. 2018,
    tables 2 and 3.
    Raises Diagnostic W102 (no floating-point argument), W401 (a seed does not fit).

    >>> import numpy as np
    >>> import wengert as wg
    >>> def f(x1, x2):
    ...     return np.log(x1) + x1 * x2 - np.sin(x2)
    >>> wg.explain(f, 2.0, 5.0)
    f(x1=2, x2=5)
    <BLANKLINE>
    evaluation
      x1                                   = 2
      x2                                   = 5
      v1 = log(x1)   = log(2)              = 0.69315
      v2 = x1*x2     = 2*5                 = 10
      v3 = sin(x2)   = sin(5)              = -0.95892
      v4 = v1 + v2   = 0.69315 + 10        = 10.693
      y  = v4 - v3   = 10.693 - (-0.95892) = 11.652
    <BLANKLINE>
    tangents
                                                     along x1                   along x2
      x1_dot                                       = 1                        = 0
      x2_dot                                       = 0                        = 1
      v1_dot = x1_dot/x1               = 1/2       = 0.5        = 0/2         = 0
      v2_dot = x2*x1_dot + x1*x2_dot   = 5*1 + 2*0 = 5          = 5*0 + 2*1   = 2
      v3_dot = cos(x2)*x2_dot          = cos(5)*0  = 0          = cos(5)*1    = 0.28366
      v4_dot = v1_dot + v2_dot         = 0.5 + 5   = 5.5        = 0 + 2       = 2
      y_dot  = v4_dot - v3_dot         = 5.5 - 0   = 5.5        = 2 - 0.28366 = 1.7163
    <BLANKLINE>
    adjoints
      y_bar                                                     = 1
      v4_bar = y_bar                                            = 1
      v3_bar = -y_bar                       = -1                = -1
      v2_bar = v4_bar                                           = 1
      v1_bar = v4_bar                                           = 1
      x2_bar = cos(x2)*v3_bar + x1*v2_bar   = cos(5)*(-1) + 2*1 = 1.7163
      x1_bar = x2*v2_bar + v1_bar/x1        = 5*1 + 1/2         = 5.5
    <BLANKLINE>
    value = 11.652
    second derivatives = [[-0.25 1]
                          [1 -0.95892]]
    """
    positions = tuple(i for i, arg in enumerate(args) if is_differentiable(arg)) or 0
    call = Call(f, positions, args, {})
    inputs = [Symbol(x, name) for name, x in zip(names_of_leaves(call), call.leaves)]
    trace = Trace()
    leaves, structure = results(call.run(trace, [trace.value(symbol) for symbol in inputs]))
    outputs = [term_of(x) if isinstance(x, Value) and x.mode is trace else Symbol(x, "result") for x in leaves]
    steps = in_textbook_order(trace.steps)
    name_steps(steps, inputs, outputs[0] if len(outputs) == 1 else None)
    seeds = [ones_like(s.value) for s in outputs]
    if cotangent is not None:
        seeds = seeds_like(cotangent, [s.value for s in outputs], structure, "cotangent", "the result")
    directions = [ones_like(s.value) for s in inputs] if tangents is None else checked_tangents(tangents, inputs)
    return Explanation(
        name_of(f),
        [Line(symbol, None, symbol.value) for symbol in inputs],
        [Line(r, step_term(step), r.value, step.row.name, step.where) for step in steps for r in step.results],
        {s.name: tangent_trace(steps, inputs, i, d) for i, (s, d) in enumerate(zip(inputs, directions))},
        adjoint_trace(steps, inputs, list(zip(outputs, seeds))),
        outputs,
        digits,
        lambda: second_derivatives(f, args, positions, inputs, outputs),
    )


def names_of_leaves(call: Call) -> list[str]:
    """`x`, and `p['w']` or `p[0]` for what lies in containers."""
    return [path for key in call.keys for path, _ in paths(call.argument(key), call.parameter(key))]


def ones_like(x: Any) -> Any:
    return 1.0 if type(x) is float else zeros_like(x) + dtype_of(x).type(1)


def checked_tangents(tangents: Sequence[Any], inputs: Sequence[Symbol]) -> list[Any]:
    if len(tangents) != len(inputs):
        raise Diagnostic(
            "W401",
            f"there are {counted(len(tangents), 'tangent')} for {counted(len(inputs), 'differentiated argument')}",
            "each differentiated number or array needs one seed",
            f"pass seeds for {', '.join(s.name for s in inputs)}, in this order",
        )
    return [seeds_like(t, [s.value], None, "tangent", f"`{s.name}`")[0] for t, s in zip(tangents, inputs)]


def step_term(step: Step) -> Term:
    """The operation of a step as a formula."""
    mode = Formula()
    out = step.row(*[mode.value(x) if isinstance(x, Symbol) else x for x in step.operands], **step.params)
    return term_of(out[0] if step.row.several else out)


# ---------------------------------------------------------------- tangents


def tangent_trace(steps: Sequence[Step], inputs: Sequence[Symbol], seeded: int, direction: Any) -> list[Line]:
    """Along one seed, from the arguments to the results: the engine's own `push` of each step."""
    flowing: dict[int, Symbol] = {}
    lines = []
    for i, symbol in enumerate(inputs):
        seed = direction if i == seeded else zeros_like(symbol.value)[()]
        flowing[id(symbol)] = symbol.as_kind("tangent", seed)
        lines.append(Line(flowing[id(symbol)], None, seed))
    for step in steps:
        for result, pushed in zip(step.results, push_step(step, flowing)):
            value = zeros_like(result.value)[()] if pushed is None else value_of(pushed)
            flowing[id(result)] = result.as_kind("tangent", value)
            lines.append(Line(flowing[id(result)], tidy(pushed), value))
    return lines


def push_step(step: Step, flowing: dict[int, Symbol]) -> list[Any]:
    """The tangents of a step's results as terms; None for an exact zero."""
    if step.row.constant:
        return [None] * len(step.results)
    mode = Formula()
    primals = [mode.value(x) if isinstance(x, Symbol) else x for x in step.operands]
    tangents = [mode.value(flowing[id(x)]) if isinstance(x, Symbol) else None for x in step.operands]
    outs = [mode.value(symbol) for symbol in step.results]
    if all(t is None for t in tangents):
        return [None] * len(outs)
    pushed = push(step.row, primals, tangents, outs if step.row.several else outs[0], step.params)
    return [None if t is None else term_of(fit(t, o)) for t, o in zip(pushed if step.row.several else [pushed], outs)]


# ---------------------------------------------------------------- cotangents


def adjoint_trace(steps: Sequence[Step], inputs: Sequence[Symbol], seeds: Sequence[tuple[Symbol, Any]]) -> list[Line]:
    """From the seeds back to the arguments: the engine's own sweep over the record of each step.

    A value that several steps use adds up what they send, the latest first.
    """
    arriving: dict[int, list[Term]] = {}
    for symbol, seed in seeds:
        arriving.setdefault(id(symbol), []).append(seed)
    lines = []
    for step in reversed(steps):
        cotangents = []
        for symbol in reversed(step.results):
            lines.append(total(symbol, arriving.get(id(symbol), [])))
            cotangents.insert(0, lines[-1].symbol if id(symbol) in arriving else None)
        for operand, term in pull_step(step, cotangents):
            arriving.setdefault(id(operand), []).append(term)
    return lines + [total(symbol, arriving.get(id(symbol), [])) for symbol in reversed(inputs)]


def total(symbol: Symbol, terms: Sequence[Term]) -> Line:
    """The cotangent of a value: the sum of what arrived."""
    if not terms:
        zero = zeros_like(symbol.value)[()]
        return Line(symbol.as_kind("cotangent", zero), None, zero)
    mode = Formula()
    parts = [Spelled(mode, value_of(term), term) for term in terms]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + part
    term = term_of(whole)
    value = value_of(term)
    return Line(symbol.as_kind("cotangent", value), tidy(term) if is_formula(term) else None, value)


def is_formula(term: Term) -> bool:
    return isinstance(term, Application | Symbol)


def pull_step(step: Step, cotangents: Sequence[Symbol | None]) -> list[tuple[Symbol, Term]]:
    """What a step sends to each of its operands."""
    if step.row.constant or not any(cotangents):
        return []
    formulas = Formula(step.results)
    way_back = Reverse()
    leaves = {id(x): Leaf() for x in step.operands if isinstance(x, Symbol)}
    nodes = [Node(way_back, formulas.value(x), leaves[id(x)]) if isinstance(x, Symbol) else x for x in step.operands]
    out = step.row(*nodes, **step.params)
    outs = out if step.row.several else (out,)
    seeds = [(o.aux, formulas.value(ct)) for o, ct in zip(outs, cotangents) if ct is not None]
    found = Sweep(keep=False).run(seeds)
    operands = {id(x): x for x in step.operands if isinstance(x, Symbol)}
    return [(operands[key], term_of(found[leaf])) for key, leaf in leaves.items() if leaf in found]


# ---------------------------------------------------------------- second derivatives


def second_derivatives(
    f: Callable[..., Any], args: Sequence[Any], positions: Any, inputs: Sequence[Symbol], outputs: Sequence[Symbol]
) -> Any:
    """Of a scalar function of a few numbers that can be differentiated twice; else None."""
    numbers = all(shape_of(s.value) == () and dtype_of(s.value).kind == "f" for s in [*inputs, *outputs])
    if not numbers or len(outputs) != 1 or any(not is_number(args[i]) for i in positions):
        return None
    try:
        if len(inputs) == 1:
            return derivative(derivative(f, positions[0]), positions[0])(*args)
        return np.array(hessian(f, positions)(*args))
    except Diagnostic as refused:
        if refused.code not in ("W302", "W503"):  # a rule of the user's that has no second derivative
            raise
        return None


def is_number(x: Any) -> bool:
    return shape_of(x) == () and len(flatten(x)[0]) == 1
