"""The row: one primitive, written once, read by every mode, backend and generated test.

Rules name what they need by their parameter names, and the engine keeps only that for the way back:

    ct              cotangent of the result (reverse rules; always first)
    into            the cotangent to add to (`transpose_into`, first)
    size            the batch size (`lift`, first)
    ct_owned        True where nobody else holds `ct`, so that it may be overwritten (second)
    out             the result
    x, y, ...       an operand, by its name in `evaluate`;   xs  all operands of a row that takes any number
    x_shape         the shape of operand x, without keeping x;   xs_shape  the shapes of all
    x_dot           the tangent of operand x, None for an exact zero (forward rules);   xs_dot  the tangents of all
    traced          one flag per operand: does it carry a derivative?
    anything else   a parameter of the call, by its name
"""

import inspect
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from wengert.core.diagnostic import Diagnostic, Position
from wengert.core.mode import Value, leaked, link_view
from wengert.core.types import shape_of

Rule = Callable[..., Any]
Resolver = Callable[..., tuple[Any, ...]]

SUPPLIED = ("ct", "ct_owned", "into", "lanes")  # given by the engine at the time of the call

TABLE: "dict[str, Primitive]" = {}


@dataclass(frozen=True)
class Unknown:
    """In place of a partial that nobody can give: the operand may be anything but differentiated.

    (None in that place says something else: a derivative that is zero.)
    """

    reason: str
    row: str = ""
    operand: str = ""

    def __call__(self) -> Any:
        raise Diagnostic(
            "W301",
            f"`{self.row}` has no rule for its operand `{self.operand}`, which carries a derivative",
            self.reason,
            "keep it constant (wg.stop_gradient cuts on purpose), or give the derivative with wg.custom_vjp",
        )


class Primitive:
    """One row of the table.  Which columns it fills decides its kind:

    elementwise     `partials`: one rule or constant per operand, None where the operand has no derivative, `Unknown`
                    where it has one that cannot be given
    linear          `transposes`: one rule per operand, None where there is none; linear in those operands jointly, or
                    in each alone (`multilinear`)
    general         `push` and `pull` (returns one cotangent per operand)
    constant        none of them: the result is piecewise constant or not a real number

    evaluate        NumPy evaluation; its positional parameters name the operands, keyword-only ones the parameters
    transpose_into  for a row that reads part of one operand: adds the contribution into a given array of
                    the operand's shape, so that n reads of single elements cost n and not n**2
    lift            for one operand: the parameters for an operand with a batch axis in front
    batch           general batching rule (size, batched, operands, parameters); axis 0 is the batch.  Elementwise
                    rows need none
    singular        partials may be infinite or NaN: a cotangent that is exactly zero then contributes exactly zero
    view            NumPy may return a view of operand 0
    shows           NumPy's function, where it returns a view and `evaluate` a copy
    several         evaluate returns a tuple of results
    types           (types of operands and of what fills holes, parameters) -> types of the results in a program, where
                    evaluation on samples does not tell; None where it does
    linearize       for a row with programs among its parameters: (primals, traced, parameters) -> (results, pull), and
                    pull(cotangents, totals so far) -> totals
    forward         the same for forward mode: (primals, tangents, parameters) -> (results, their tangents)
    staged          parameters that are set where it is called in a program: a result has one type there, for all runs
    effect          it does something beside its results: it keeps its place in a program, and is never left out
    absent          columns that are left out on purpose, with the reason
    domain          where generated tests may sample (elementwise)
    examples        operands and parameters for generated tests (other rows): (shapes or arrays, parameters)
    """

    def __init__(
        self,
        name: str,
        evaluate: Callable[..., Any],
        *,
        partials: tuple[Any, ...] | None = None,
        transposes: tuple[Rule | None, ...] | None = None,
        transpose_into: Rule | None = None,
        push: Rule | None = None,
        pull: Rule | None = None,
        lift: Callable[..., dict[str, Any]] | None = None,
        batch: Rule | None = None,
        elementwise: bool = False,
        singular: bool = False,
        multilinear: bool = False,
        view: bool = False,
        shows: Callable[..., Any] | None = None,
        several: bool = False,
        types: Callable[..., Any] | None = None,
        linearize: Callable[..., Any] | None = None,
        forward: Callable[..., Any] | None = None,
        staged: dict[str, Any] | None = None,
        effect: bool = False,
        absent: dict[str, str] | None = None,
        domain: tuple[float, float] | None = None,
        examples: Iterable[tuple[tuple[Any, ...], dict[str, Any]]] = (),
        register: bool = True,
    ) -> None:
        self.name, self.evaluate = name, evaluate
        self.operands = positional(evaluate)
        self.places = [key for key in ("index", "shape", "n") if key in keywords(evaluate)]  # that the run may decide
        self.partials = partials and tuple([self.named(p, i) for i, p in enumerate(partials)])
        self.transposes, self.transpose_into = transposes, transpose_into
        self.push, self.pull, self.lift, self.batch = push, pull, lift, batch
        self.elementwise = elementwise or partials is not None
        self.singular, self.multilinear, self.several = singular, multilinear, several
        self.view, self.shows = view, shows
        self.types, self.linearize, self.forward, self.effect = types, linearize, forward, effect
        self.staged = staged or {}
        self.absent = absent or {}
        self.domain = domain or (-2.0, 2.0)
        self.examples = list(examples)
        self.constant = not (partials or transposes or transpose_into or push or pull or linearize)
        self.where = defined_at()
        self.resolvers: dict[Rule, Resolver] = {}
        self.recorders: dict[int, Callable[..., Any]] = {}  # filled by reverse mode, by which operands are traced
        if register:
            if name in TABLE:
                raise ValueError(f"two rows are called {name!r}: {TABLE[name].where} and {self.where}")
            TABLE[name] = self

    def named(self, partial: Any, operand: int) -> Any:
        if not isinstance(partial, Unknown):
            return partial
        return replace(partial, row=self.name, operand=self.operands[operand])

    def __call__(self, *args: Any, **params: Any) -> Any:
        """Let the innermost mode among the operands interpret the row; plain operands reach NumPy."""
        top, level = None, -2
        for x in args:
            if isinstance(x, Value):
                if x.link is not None:
                    x.fresh()
                mode = x.mode
                if mode.level > level:
                    top, level = mode, mode.level
        for key in self.places if top is None else ():
            top = staged_mode(params[key]) or top
        if top is None:
            return self.evaluate(*args, **params)
        if top.finished:
            raise leaked(top)
        out = top.apply(self, args, params)
        if self.view:
            link_view(self, args[0], params, out)
        return out

    def __repr__(self) -> str:
        return f"<primitive {self.name} at {self.where}>"

    def resolver(self, rule: Rule) -> Resolver:
        """(operands, out, params, tangents, traced) -> what `rule` asks for by name, `ct` and `ct_owned` left out."""
        found = self.resolvers.get(rule)
        if found is None:
            names = [n for n in positional(rule) if n not in SUPPLIED]
            found = self.resolvers[rule] = compile_resolver(names, self.operands)
        return found


def wants_ownership(rule: Rule) -> bool:
    return "ct_owned" in positional(rule)


def positional(f: Callable[..., Any]) -> tuple[str, ...]:
    """Names of the positional parameters."""
    code = getattr(f, "__code__", None)
    if code is not None:
        names: tuple[str, ...] = code.co_varnames[: code.co_argcount]
        return names
    return ("x", "y", "z")[: operand_count(f)]  # functions written in C: by position


def keywords(f: Callable[..., Any]) -> tuple[str, ...]:
    """Names of the parameters that can be given by name only."""
    code = getattr(f, "__code__", None)
    return () if code is None else code.co_varnames[code.co_argcount :][: code.co_kwonlyargcount]


def staged_mode(index: Any) -> Any:
    """The mode of a position or length that is known only when a program runs; plain operands follow it there."""
    for part in index if type(index) is tuple else (index,):
        for x in (part.start, part.stop, part.step) if type(part) is slice else (part,):
            if isinstance(x, Value) and x.fresh().mode.staged:
                return x.mode
    return None


def operand_count(f: Callable[..., Any]) -> int:
    if hasattr(f, "nin"):
        return int(f.nin)
    return sum(p.default is p.empty for p in inspect.signature(f).parameters.values())


def compile_resolver(wanted: Iterable[str], operands: tuple[str, ...]) -> Resolver:
    """One small function per rule: it runs once for every recorded operation, so it must not loop or look up."""
    terms = "".join(source_term(name, operands) + ", " for name in wanted)
    code = f"lambda args, out, params, tangents=None, traced=None: ({terms})"
    resolver: Resolver = eval(code, {"shape_of": shape_of})
    return resolver


def source_term(name: str, operands: tuple[str, ...]) -> str:
    """Where a rule's parameter comes from, as an expression."""
    everything = {
        "out": "out",
        "traced": "traced",
        "xs": "tuple(args)",
        "xs_shape": "tuple([shape_of(x) for x in args])",
        "xs_dot": "tuple(tangents)",
    }
    if name in operands:
        return f"args[{operands.index(name)}]"
    if name in everything:
        return everything[name]
    for suffix, form in (("_shape", "shape_of(args[{}])"), ("_dot", "tangents[{}]")):
        if name.endswith(suffix) and name.removesuffix(suffix) in operands:
            return form.format(operands.index(name.removesuffix(suffix)))
    return f"params[{name!r}]"


def no_rule(row: Primitive, mode: str) -> Diagnostic:
    columns = ", ".join(c for c in ("partials", "transposes", "push", "pull") if getattr(row, c)) or "none"
    reason = row.absent.get("pull" if mode == "reverse" else "push", "nobody wrote it")
    return Diagnostic(
        "W302",
        f"`{row.name}` has no rule for {mode} mode",
        f"{reason}; the row at {row.where} has: {columns}",
        "use the other mode (wg.jvp and wg.jacfwd, or wg.vjp and wg.grad), or give a rule with wg.custom_vjp",
    )


def defined_at() -> Position:
    """File and line of the row: the first caller outside this file."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return Position(frame.f_code.co_filename, frame.f_lineno)
