"""Building programs by calling rows, and running the equations of one through any mode."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from wengert.core.diagnostic import Diagnostic
from wengert.core.mode import Value
from wengert.ir.program import AnyType, Equation, Function, Program, Var, clone, filled_params, is_unnamed, map_regions
from wengert.modes.batch import Batched, LanesDiffer
from wengert.modes.stage import NeedsValue, Stage
from wengert.passes.optimise import optimise


def build(
    name: str, types: Sequence[AnyType], names: Sequence[str], body: Callable[[Stage, list[Any]], Any]
) -> Program:
    """The program of `body(stage, variables)`, which returns a list of results."""
    stage = Stage()
    with stage.building(name) as block:
        results = body(stage, [stage.parameter(n, t) for n, t in zip(names, types)])
        block.program.results = [stage.operand(x) for x in results]
    stage.finished = True
    return block.program


def no_lengths(needs: NeedsValue) -> Diagnostic:
    return Diagnostic(
        "W602",
        "the derivative of this line needs lengths that are known when the program runs only",
        needs.reason,
        "loop over the elements of slices whose bounds depend on values, or differentiate without wg.jit",
        needs.where,
    )


_derived: "WeakKeyDictionary[Program | Function, dict[Any, Any]]" = WeakKeyDictionary()
_journal: ContextVar[list[tuple[dict[Any, Any], Any]]] = ContextVar("journal")


def derived_of(source: Program | Function, make: Callable[..., Any], *how: Sequence[Any]) -> Any:
    """What `make(source, *how)` gives, made once; of a function, it is known before it is built."""
    known = _derived.setdefault(source, {})
    key = (make, *map(tuple, how))
    if key not in known:
        try:
            made = make(source, *how)
            known[key] = made
            _journal.get([]).append((known, key))
            if isinstance(source, Function):
                made.build()
        except BaseException as error:
            known.pop(key, None)
            if isinstance(error, NeedsValue):
                raise no_lengths(error) from None
            raise
    return known[key]


@contextmanager
def forgetting() -> Iterator[Callable[[], None]]:
    """A function that forgets what is derived from here on."""
    journal: list[tuple[dict[Any, Any], Any]] = []
    token = _journal.set(journal)

    def forget() -> None:
        for known, key in journal:
            known.pop(key, None)
        journal.clear()

    try:
        yield forget
    finally:
        _journal.reset(token)
        _journal.get([]).extend(journal)


def optimised(program: Program) -> Program:
    """The program optimised, with variables of its own: it and what it derives from may meet in one program."""

    @cache
    def renewed(p: Program) -> Program:
        return clone(Program(p.params, [map_regions(e, renewed) for e in p.equations], p.results, p.name))

    return optimise(renewed(program))


def build_like(program: Program, body: Callable[[Stage, list[Any]], Any]) -> Program:
    """The same with the parameters of a program."""
    return build(program.name, [p.type for p in program.params], [p.name for p in program.params], body)


def replay(
    program: Program, values: Sequence[Any], stage: Stage, done: Callable[[Equation, Sequence[Any]], None] | None = None
) -> list[Any]:
    """The results for these values, of any mode above `stage`, which gets the equations.

    done   is told each equation of the program with its results
    """
    env: dict[Var, Any] = dict(zip(program.params, values))
    for e in program.equations:
        stage.where, stage.origin = e.where, e.origin
        operands = [env[x] if isinstance(x, Var) else x for x in e.ins]
        outs = apply(e, operands, stage)
        for var, out in zip(e.outs, outs):
            env[var] = named(out, var.name)
        if done is not None:
            done(e, outs)
    stage.where = stage.origin = None
    return [env[x] if isinstance(x, Var) else x for x in program.results]


def apply(e: Equation, operands: list[Any], stage: Stage) -> Sequence[Any]:
    params = filled_params(e, operands)
    for x in operands[e.count :]:
        same_for_all_lanes(x)
    args = operands[: e.count]
    if any(isinstance(x, Value) for x in operands):
        out = e.row(*args, **params)
    else:
        out = stage.apply(e.row, tuple(args), params)
    return out if e.row.several else (out,)


def same_for_all_lanes(x: Any) -> None:
    """Each lane of a batch would read or write at a place of its own."""
    while isinstance(x, Value):
        if isinstance(x, Batched):
            raise LanesDiffer(x.mode)  # type: ignore[arg-type]
        x = x.primal


def named(out: Any, name: str) -> Any:
    """The value, which the program calls so."""
    var = var_of(out)
    if var is not None:
        var.name = name
    return out


def called(out: Any, name: str) -> Any:
    """The value, which the program calls so if it has no better name."""
    var = var_of(out)
    if var is not None and is_unnamed(var.name):
        var.name = name
    return out


def var_of(x: Any) -> Var | None:
    while isinstance(x, Value):
        if x.mode.staged:
            return x.aux  # type: ignore[no-any-return]
        x = x.primal
    return None


def bar(name: str) -> str:
    """The cotangent of what is called so."""
    return f"{name}_bar"


def dot(name: str) -> str:
    """The tangent of what is called so."""
    return f"{name}_dot"
