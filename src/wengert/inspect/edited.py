"""A derivative that was written by `write_adjoint` and edited, in the place of the derived one.

In derivatives and programs, a call of f with arguments of the kinds that the file is for becomes one operation: the
program of f, with the edited function as its way back.  Forward mode and batches of values derive from the program.
The edited function runs as Python; in a program it is one equation (see host.py), and need not be stageable.
"""

import io
import linecache
import os
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from wengert import numerical
from wengert.api import vmap
from wengert.core.diagnostic import Diagnostic, Position, definition
from wengert.core.mode import Value, content_of, decide, is_staged, unbuffer
from wengert.core.primitive import Primitive
from wengert.core.tree import flatten, open_container, unflatten
from wengert.core.types import dtype_of, random_like, shape_of
from wengert.frontend.jit import RESULT, Built, Jitted, arguments, is_operand, overlap
from wengert.frontend.route import give_all, own_derivatives, route, running_inside
from wengert.frontend.scope import apart
from wengert.inspect.adjoint import (
    NamedCall,
    Names,
    argument_of,
    facts_of,
    function_of,
    is_array,
    is_float,
    name_of,
    source_hash,
    underived,
)
from wengert.inspect.host import Some, as_equation, total
from wengert.ir.evaluate import evaluate
from wengert.ir.order import has_effects
from wengert.ir.program import Program, result_types, tangent_type
from wengert.rules.control import filled, row, value_type
from wengert.testing import Subject, copied, paired
from wengert.transforms.batch import batched_call, results_of
from wengert.transforms.build import derived_of
from wengert.transforms.control import call_forward


def use_adjoint(f: Callable[..., Any], edited: "str | os.PathLike[str] | types.ModuleType | None") -> None:
    """Make an edited derivative that of f, for arguments of the kinds that its file was written for.

    f        the function that `write_adjoint` was given; `jit(f)` counts as f
    edited   the path of the file, or the module; None goes back to the derived one

    From then on `wg.grad(f)`, `wg.jit(wg.grad(f))` and every derivative of a function that calls f use it in reverse
    mode; derivatives of it, such as second ones, differentiate the edited code.  Forward mode, and arguments of other
    shapes, dtypes or structure, keep the derived rule.  At the first call with such arguments it is compared with
    differences, at the arguments that the file holds, along a random direction for each: f runs 14 times for each
    argument with floats in it, more where that leaves doubts.

    Raises Diagnostic W507 where f, or a helper that it calls, has changed since the file was written, where what was
    edited is not such a file, or f is no function of Python's; at the first call W506, where the comparison fails.
    Calls with a `wg.Tensor` are not changed.

    >>> import os, tempfile
    >>> import numpy as np
    >>> import wengert as wg
    >>> def energy(x, k):
    ...     return 0.5 * k * np.sum(x**2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = wg.write_adjoint(energy, np.array([1.0, 2.0]), 3.0, path=os.path.join(folder, "energy.py"))
    ...     text = path.read_text().replace("out_bar):\\n", "out_bar):\\n    print('way back')\\n")
    ...     _ = path.write_text(text)
    ...     wg.use_adjoint(energy, path)
    >>> wg.grad(energy)(np.array([3.0, 4.0]), 2.0)
    way back
    array([6., 8.])
    """
    f = function_of(f)
    if edited is None:
        own_derivatives.give(f, None)
        return
    own_derivatives.give(f, Edited(f, File.read(f, edited)))


# ---------------------------------------------------------------- the file


class File:
    """What a file of `write_adjoint` defines, after editing."""

    def __init__(self, f: types.FunctionType, space: dict[str, Any], filename: str) -> None:
        self.filename = filename
        try:
            self.function: Callable[..., Any] = space[space["FUNCTION"]]
            self.source, self.facts, self.fixed = space["SOURCE"], space["FACTS"], set(space["FIXED"])
            self.form = space["STRUCTURE"]
            self.arguments = {path: argument_of(x) for path, x in space["ARGUMENTS"].items()}
        except KeyError as missing:
            raise not_its(
                f, filename, f"it does not define {missing}", "edit a file of wg.write_adjoint, and keep its last part"
            ) from None

    @staticmethod
    def read(f: types.FunctionType, edited: "str | os.PathLike[str] | types.ModuleType") -> "File":
        if isinstance(edited, types.ModuleType):
            found = File(f, vars(edited), getattr(edited, "__file__", None) or edited.__name__)
        else:
            path = os.path.abspath(edited)
            space: dict[str, Any] = {"__name__": Path(path).stem, "__file__": path}
            linecache.checkcache(path)  # for tracebacks and pdb, after another edit
            exec(compile(Path(path).read_text(), path, "exec"), space)
            found = File(f, space, path)
        if found.function.__name__ != name_of(f):
            because = f"it defines `{found.function.__name__}`"
            raise not_its(f, found.filename, because, "give the function that it was written for")
        if source_hash(f) != found.source:
            raise changed(f, found.filename, "its source, or that of a function that it calls, is another now")
        return found

    @property
    def where(self) -> Position:
        return definition(self.function) or Position(self.filename, 1)


def not_its(f: Any, filename: str, because: str, instead: str) -> Diagnostic:
    what = f"{os.path.basename(filename)} is no derivative of `{f.__name__}`"
    return Diagnostic("W507", what, because, instead)


def changed(f: Any, filename: str, because: str) -> Diagnostic:
    return Diagnostic(
        "W507",
        f"`{f.__name__}` has changed since {os.path.basename(filename)} was written",
        because,
        "write its derivative again with wg.write_adjoint, and carry your edits over",
    )


# ---------------------------------------------------------------- calls of f


class Edited(Jitted):
    """f as its program, whose way back is the edited function."""

    def __init__(self, f: types.FunctionType, file: File) -> None:
        super().__init__(underived(f))
        self.file = file
        self.is_checked = self.is_busy = False
        self.named: dict[int, Names] = {}  # by id of what is built: parameters of the edited function

    def is_for(self, args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
        """Whether the file was written for arguments of these kinds.  In f itself, f has no other derivative."""
        if self.is_busy:
            return False
        try:
            call = NamedCall(self.f, tuple(args), kwargs)
        except TypeError:
            return False
        wanted = self.file.arguments
        if call.form != self.file.form or len({id(x) for x in call.operands}) < sum(map(is_array, call.operands)):
            return False
        pairs = zip(call.leaves, wanted.values())
        if not all(is_like(x, like) for x, like in pairs) or overlap(call.operands):
            return False
        return all(
            self.is_fixed(x, wanted[path]) for path, x in zip(call.paths, call.leaves) if path in self.file.fixed
        )

    def is_fixed(self, x: Any, number: Any) -> bool:
        """Whether a whole number is the one that the text is written for; a program that asks is built for that."""
        return bool(not is_staged(x) or x.aux in x.mode.known) and int(decide(x)) == number

    def general(self, *args: Any, **kwargs: Any) -> Any:
        if not self.is_for(args, kwargs):
            return route(self.f)(*args, **kwargs)
        call = NamedCall(self.f, args, kwargs)
        if not self.is_checked:
            self.check(call)
            self.is_checked = True
        return super().general(*call.args, **call.kwargs)

    def built(self, leaves: list[Any], structure: Any, operands: list[Any]) -> tuple[Built, list[Any]]:
        self.is_busy = True
        try:
            built, hidden = super().built(leaves, structure, operands)
        finally:
            self.is_busy = False
        if id(built) not in self.named:
            self.named[id(built)] = self.names(built)
        return built, hidden

    def names(self, built: Built) -> Names:
        now, then = facts_of(self.f, built), self.file.facts
        if now != then:
            text = ", ".join(sorted({*now} - {*then})) or "fewer of them"
            raise changed(self.f, self.file.filename, f"what it reads from outside is another now: {text}")
        return Names.of(self.f, built, [path for path, x in self.file.arguments.items() if is_operand(x)])

    def called(self, built: Built, values: list[Any], leaves: list[Any], structure: Any) -> Sequence[Any]:
        return applied(values, Rule(self, built, leaves, structure))

    # ------------------------------------------------------------ the way back

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any], more: dict[str, Any]) -> list[Any]:
        """The cotangents of the leaves of the arguments, None for zero."""
        named = {**kwargs, **more}
        leaves, structure = flatten((args, named))
        if any(isinstance(x, Value) for x in leaves):
            with running_inside:
                found = route(self.file.function)(*give_all(args), **give_all(named))
        else:
            given, named = unflatten(structure, map(copied, leaves))
            found = self.file.function(*given, **named)
        return self.fitted(NamedCall(self.f, args, kwargs), found)

    def fitted(self, call: NamedCall, found: Any) -> list[Any]:
        """The leaves of what the edited function returned; None for zero."""
        wanted = call.cotangents(call.floats)
        found = (found,) if len(wanted) == 1 else found
        if not isinstance(found, tuple | list) or len(found) != len(wanted):
            raise self.wrong("the result", f"{len(wanted)} cotangents, as a tuple", describe(found))
        out: list[Any] = [None] * len(call.leaves)
        for (name, tree), bar in zip(wanted.items(), found):
            for i, x in self.matched(name, tree, bar):
                out[i] = self.shaped(call, i, x)
        return out

    def matched(self, name: str, tree: Any, bar: Any) -> Iterator[tuple[int, Any]]:
        """(place of a leaf, its cotangent) pairs; None stands for zeros at any depth."""
        if bar is None or tree is None:
            return
        opened, given = open_container(tree), open_container(bar)
        if opened is None and given is None:
            yield tree, bar
        elif opened is None or given is None or set(opened[0]) != set(given[0]):
            raise self.wrong(f"`{name}_bar`", f"the structure of `{name}`", describe(bar))
        else:
            parts = dict(zip(*given))
            for label, part in zip(*opened):
                yield from self.matched(name, part, parts[label])

    def shaped(self, call: NamedCall, i: int, bar: Any) -> Any:
        bar, like = unbuffer(bar), call.leaves[i]
        if shape_of(bar) != shape_of(like):
            raise self.wrong(f"the cotangent of `{call.paths[i]}`", f"shape {shape_of(like)}", f"shape {shape_of(bar)}")
        return filled(bar, tangent_type(value_type(like)), like)

    def wrong(self, what: str, want: str, have: str) -> Diagnostic:
        return Diagnostic(
            "W502",
            f"`{self.file.function.__name__}` returned {have} for {what}, which needs {want}",
            f"a cotangent has the structure and shapes of the argument of `{self.f.__name__}` that it belongs to",
            "return one for each argument with floats in it, None for zero",
            self.file.where,
        )

    # ------------------------------------------------------------ the first call

    def check(self, like: NamedCall) -> None:
        """Compare with differences along one random direction of each argument, at the arguments of the file."""
        leaves = list(self.file.arguments.values())
        with apart(), redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
            built, hidden = self.built(
                *arguments(*unflatten(like.structure, leaves)), [x for x in leaves if is_operand(x)]
            )
            if any(isinstance(x, Value) for x in hidden):
                raise outside_value(self.f)
            rule = Rule(self, built, leaves, like.structure)

            def every(*xs: Any) -> list[Any]:
                given = list(map(copied, xs))
                args, kwargs = unflatten(like.structure, given)
                out = self.f(*args, **kwargs)
                operands = [x for x in given if is_operand(x)]
                return [x for x in [*flatten(out)[0], *(operands[k] for k in built.written)] if is_float(x)]

            random = np.random.default_rng(0)
            seeds = [random_like(random, x) for x in every(*leaves)]
            bars = rule.at(leaves, seeds)
            for i in [i for i, x in enumerate(leaves) if is_float(x)]:
                x = leaves[i]
                direction = random_like(random, x) * np.where(x == 0, 1.0, np.abs(x)).astype(dtype_of(x))[()]
                along = lambda t, i=i, d=direction: product(
                    seeds, every(*leaves[:i], moved(leaves[i], t, d), *leaves[i + 1 :])
                )
                single = any(dtype_of(v).name in SINGLE for v in [x, *seeds])
                self.compare(like.paths[i], along, 0.0 if bars[i] is None else paired(bars[i], direction), single)

    def compare(self, path: str, along: Callable[[float], float], got: float, single: bool) -> None:
        """The derivative along a direction of one argument, with differences.

        Where a cheap one (f runs 14 times) disagrees, extrapolation over many steps decides.
        """
        allowed, step = (1e-2, 0.05) if single else (1e-6, None)
        for method in ("central", "richardson"):
            try:
                expected = numerical.derivative(along, 0.0, method=method, step=step, error=True)
            except (ArithmeticError, ValueError) as error:
                raised = f"{type(error).__name__} ({error})"
                raise self.disagreement(
                    path, f"is not compared: `{self.f.__name__}` raises {raised} close by"
                ) from error
            limit = Subject(self.f, path, (), allowed, single).limits(expected)[0]
            if abs(got - expected.value) / (1.0 + abs(expected.value)) <= limit:
                return
        differences = f"differences of `{self.f.__name__}` give {expected.value:.9g}"
        raise self.disagreement(path, f"is {got:.9g} along a random direction, and {differences}")

    def disagreement(self, path: str, what: str) -> Diagnostic:
        return Diagnostic(
            "W506",
            f"the derivative by `{path}` that `{self.file.function.__name__}` gives {what}",
            "what was edited is not the derivative, or the function is not smooth at the arguments in the file",
            f"correct the cotangent of `{path}`, or take the derived one: wg.use_adjoint({self.f.__name__}, None)",
            self.file.where,
        )


SINGLE = ("float16", "float32", "complex64")


def moved(x: Any, t: float, direction: Any) -> Any:
    """x + t direction, of the type and dtype of x."""
    found = x + np.asarray(t * direction, dtype_of(x))[()]
    return found if isinstance(x, np.ndarray | np.generic) else type(x)(found)


def product(seeds: Sequence[Any], outs: Sequence[Any]) -> float:
    """Re <seed, out>, in 64 bits."""
    wide = [np.asarray(x, np.result_type(dtype_of(x), np.float64)) for x in outs]
    return float(paired(list(seeds), wide))


def is_like(x: Any, like: Any) -> bool:
    """Whether the file was written for something like x: of its shape and dtype, or the same text or truth value."""
    if not is_operand(x) or not is_operand(like):
        return type(x) is type(like) and bool(x == like)
    type_, wanted = value_type(x), value_type(like)
    return (type_.shape, type_.dtype) == (wanted.shape, wanted.dtype)  # type: ignore[union-attr]


def describe(x: Any) -> str:
    kind, opened = type(content_of(unbuffer(x))).__name__, open_container(x)
    return f"a {kind}" if opened is None else f"a {kind} of {len(opened[0])}"


# ---------------------------------------------------------------- one call as an operation


class Rule:
    """A call whose derivative is the edited function.

    leaves, structure   of its arguments; numbers among them are operands
    """

    def __init__(self, edited: Edited, built: Built, leaves: list[Any], structure: Any) -> None:
        self.edited, self.built, self.structure = edited, built, structure
        self.places = [i for i, x in enumerate(leaves) if is_operand(x)]
        self.static = [None if is_operand(x) else x for x in leaves]
        self.program = built.program

    def __repr__(self) -> str:
        return f"{self.edited.file.function.__name__} of {os.path.basename(self.edited.file.filename)}"

    def pull(self, values: Sequence[Any], cts: Sequence[Any]) -> list[Any]:
        """A cotangent or None for each operand, from one or None for each result."""
        if any(map(is_staged, [*values, *cts])):
            return as_equation(repr(self), self.back, values, cts)
        return self.back(values, cts)

    def back(self, values: Sequence[Any], cts: Sequence[Any]) -> list[Any]:
        leaves = list(self.static)
        for i, x in zip(self.places, values):
            leaves[i] = x
        names = self.edited.named[id(self.built)]
        first = len(cts) - len(self.built.written)
        rest = iter(cts[:first])
        out_bar = unflatten(self.built.structure, [next(rest) if x is RESULT else None for x in self.built.leaves])
        written = dict(zip(self.built.written, cts[first:]))
        more = {names.out: out_bar, **{name: written[i] for i, name in names.after.items()}}
        more |= dict(zip(names.outside, values[len(self.places) :]))
        args, kwargs = unflatten(self.structure, leaves)
        bars = self.edited.run(args, kwargs, more)
        return [*(bars[i] for i in self.places), *[None] * (len(values) - len(self.places))]

    def at(self, leaves: list[Any], seeds: Sequence[Any]) -> list[Any]:
        """The cotangents of all leaves, for these and cotangents of the floats among the results."""
        operands, rest = [leaves[i] for i in self.places], iter(seeds)
        cts = [next(rest) if t.dtype.kind in "fc" else None for t in result_types(self.program)]  # type: ignore[union-attr]
        hidden = self.built.hidden(operands)
        assert hidden is not None
        bars = dict(zip(self.places, self.pull([*operands, *hidden], cts)))
        return [bars.get(i) for i in range(len(leaves))]


class Lanes:
    """A batch of calls."""

    def __init__(self, rule: "Rule | Lanes", program: Program, batched: Sequence[bool], wanted: Sequence[bool]) -> None:
        self.rule, self.program, self.batched, self.wanted = rule, program, batched, wanted

    def __repr__(self) -> str:
        return f"{self.rule!r}, batched"

    def pull(self, values: Sequence[Any], cts: Sequence[Any]) -> list[Any]:
        """Lane by lane; an operand that all lanes share gets the sum."""
        n = len(values)
        present = [i for i, ct in enumerate(cts) if ct is not None]

        def lane(*both: Any) -> list[Any]:
            every: list[Any] = [None] * len(cts)
            for i, ct in zip(present, both[n:]):
                every[i] = ct
            return self.rule.pull(both[:n], every)

        axes = [0 if b else None for b in [*self.batched, *(self.wanted[i] for i in present)]]
        both = [*values, *(cts[i] for i in present)]
        some = Some(lane, both, range(len(both)))
        bars = some.whole(vmap(some, in_axes=tuple(axes))(*both), n)
        return [bar if bar is None or b else np.sum(bar, axis=0) for bar, b in zip(bars, self.batched)]


def applied(values: Sequence[Any], rule: "Rule | Lanes") -> Sequence[Any]:
    row = with_adjoint_and_effects if has_effects(rule.program) else with_adjoint
    return row(*values, rule=rule)  # type: ignore[no-any-return]


def linearize(primals: Sequence[Any], traced: Sequence[bool], params: dict[str, Any]) -> Any:
    rule = params["rule"]
    if isinstance(rule, Rule) and any(traced[len(rule.places) :]):
        raise outside_value(rule.edited.f)
    outs = applied(primals, rule)
    types = result_types(rule.program)

    def pull(cts: Sequence[Any], waiting: Sequence[Any]) -> list[Any]:
        seeds = [
            filled(ct, tangent_type(t), out) if dtype_of(out).kind in "fc" else None
            for ct, t, out in zip(cts, types, outs)
        ]
        bars = rule.pull(primals, seeds)
        return [total(bar, w) if t else None for bar, w, t in zip(bars, waiting, traced)]

    return list(outs), pull


def batch(size: int, batched: Sequence[bool], operands: Sequence[Any], *, rule: Any) -> Any:
    program, wanted = derived_of(rule.program, batched_call, (size, True), batched)
    return results_of(applied(operands, Lanes(rule, program, batched, wanted)), wanted, result_types(rule.program))


def outside_value(f: Callable[..., Any]) -> Diagnostic:
    return Diagnostic(
        "W504",
        f"`{f.__name__}` uses a traced value that is not among its arguments",
        "its edited derivative only knows the arguments, so the derivative by the other value would be lost",
        "pass the value as an argument",
    )


def operation(name: str, effect: bool) -> Primitive:
    made = row(
        name,
        lambda *xs, rule: tuple(evaluate(rule.program, list(xs))),
        types=lambda ins, rule: result_types(rule.program),
        batch=batch,
        several=True,
        effect=effect,
    )
    made.linearize, made.constant = linearize, False
    made.forward = lambda primals, tangents, params: call_forward(
        primals, tangents, {"program": params["rule"].program}
    )
    return made


with_adjoint = operation("with_adjoint", effect=False)
with_adjoint_and_effects = operation("with_adjoint_and_effects", effect=True)  # it prints, or checks something
