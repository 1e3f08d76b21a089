"""The derivative of a function as a file, to be read and edited: `use_adjoint` (edited.py) puts it back.

The function that is written takes the arguments of f and the cotangents of all that f gives: of its result, and of the
arrays among its arguments that f writes.  It returns the cotangents of the arguments.  What f reads from outside
comes in by name, so that no value of today is frozen in the text.
"""

import base64
import functools
import hashlib
import inspect
import os
import textwrap
import types
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from wengert.api import vjp
from wengert.core.diagnostic import Diagnostic
from wengert.core.tree import Structure, flatten, paths, unflatten
from wengert.core.types import dtype_of
from wengert.frontend.capture import PLAIN, Captured
from wengert.frontend.jit import RESULT, Built, Jitted, arguments, built_for, is_operand
from wengert.frontend.survey import texts
from wengert.inspect.source.entry import constant_text, written
from wengert.inspect.source.lines import identifier
from wengert.inspect.spelling import Module, numbered, refusal
from wengert.ir.program import Program, Type, dtype_in, map_regions, type_in
from wengert.rules.control import show, value_type

SMALL = 64  # numbers of an array that are written as numbers
Parameter = inspect.Parameter


def write_adjoint(f: Callable[..., Any], *args: Any, path: str | os.PathLike[str] | None = None, **kwargs: Any) -> Path:
    """Write the reverse derivative of f at these arguments as a module of plain NumPy, to be read and edited.

    f      a function that is written in Python (`def` or `lambda`); `jit(f)` counts as f
    path   of the file; `NAME_adjoint.py` in the current folder, if nothing is said.  An existing file is not replaced.

    The module defines `NAME_vjp`.  It takes the arguments of f and `out_bar`, the derivative of some number by the
    result of f (of its structure, None for what is no float), and returns the derivatives of that number by the
    arguments with floats in them: one, or a tuple of them.  An array `x` that f writes has a further parameter
    `x_after_bar`, the derivative by what it holds when f returns; numbers and arrays that f reads from outside are
    keyword parameters.  The text holds for arguments of these shapes and dtypes.  The file holds the arguments, too,
    exactly, for the comparison that `use_adjoint` makes, and a hash of the source of f.

    Returns the path.  Raises FileExistsError, Diagnostic W601 and W602 as `jit(f)` does, W603 for what has no text, and
    W507 where f is no function of Python's or gets one array twice.
    Each derived line is that of `source`, which says where the method is from.

    >>> import os, tempfile
    >>> import numpy as np
    >>> import wengert as wg
    >>> def energy(x, k):
    ...     return 0.5 * k * np.sum(x**2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = wg.write_adjoint(energy, np.array([1.0, 2.0]), 3.0, path=os.path.join(folder, "energy.py"))
    ...     print("def " + path.read_text().partition("def ")[2].partition("# -----")[0].rstrip())
    def energy_vjp(x, k, out_bar):
        # return 0.5 * k * np.sum(x**2)
        x_bar = 2.0 * x * (0.5 * k * out_bar)
        k_bar = 0.5 * ((x**2).sum() * out_bar)
        return x_bar, k_bar
    """
    f = function_of(f)
    where = Path(path if path is not None else f"{identifier(f.__name__)}_adjoint.py")
    if where.exists():
        raise FileExistsError(f"{where} exists, and may hold edits: remove it, or give another path")
    call = NamedCall(f, args, kwargs)
    if call.has_overlap:
        raise not_written(f, "two of its arguments share memory", "write it for arguments that are apart")
    where.write_text(text_of(f, call))
    return where


def function_of(f: Any) -> types.FunctionType:
    f = f.f if isinstance(f, Jitted) else f
    if not isinstance(f, types.FunctionType):
        name = getattr(f, "__name__", type(f).__name__)
        because = f"it is a {type(f).__name__}, and such a derivative belongs to one function of Python's"
        raise not_written(f, because, f"write a function that calls it: def f(x): return {name}(x)")
    return f


def not_written(f: Any, because: str, instead: str) -> Diagnostic:
    name = getattr(f, "__name__", type(f).__name__)
    return Diagnostic("W507", f"`{name}` can have no edited derivative", because, instead)


def underived(f: types.FunctionType) -> types.FunctionType:
    """The same function, apart from any derivative that was given to it."""
    copy = types.FunctionType(f.__code__, f.__globals__, f.__name__, f.__defaults__, f.__closure__)
    copy.__signature__ = inspect.signature(f)  # type: ignore[attr-defined]  # found once
    copy.__kwdefaults__, copy.__qualname__, copy.__module__ = f.__kwdefaults__, f.__qualname__, f.__module__
    return copy


# ---------------------------------------------------------------- one call, by the names of its arguments


class NamedCall:
    """
    args, kwargs   of all parameters: those that were left out have their defaults
    leaves, structure   of these;  paths  where each leaf is found, such as `params['w']`
    trees    name -> structure
    """

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        bound = inspect.signature(f).bind(*args, **kwargs)
        bound.apply_defaults()
        self.args, self.kwargs = bound.args, bound.kwargs
        self.leaves, self.structure = arguments(bound.args, bound.kwargs)
        self.trees = {name: flatten(value)[1] for name, value in bound.arguments.items()}
        self.paths = [path for name, value in bound.arguments.items() for path, _ in paths(value, name)]

    @property
    def form(self) -> str:
        """The names and the structure as text: `params: dict(w: *, b: *), x: *`."""
        return listed(self.trees.keys(), self.trees.values())

    @property
    def operands(self) -> list[Any]:
        return [x for x in self.leaves if is_operand(x)]

    @property
    def floats(self) -> list[int]:
        """The places of the leaves that have a derivative."""
        return [i for i, x in enumerate(self.leaves) if is_float(x)]

    @property
    def has_overlap(self) -> bool:
        arrays = [x for x in self.operands if isinstance(x, np.ndarray)]
        return any(np.may_share_memory(x, y) for i, x in enumerate(arrays) for y in arrays[:i])

    def cotangents(self, bars: Sequence[Any]) -> dict[str, Any]:
        """One for each argument with floats in it, of its structure, from those of the floats."""
        every = dict(zip(self.floats, bars))
        rest = iter(range(len(self.leaves)))
        found = {}
        for name, tree in self.trees.items():
            places = [next(rest) for _ in range(count(tree))]
            if any(i in every for i in places):
                found[name] = unflatten(tree, [every.get(i) for i in places])
        return found


def listed(labels: Iterable[Any], trees: Iterable[Structure | None]) -> str:
    return ", ".join(f"{label}: {form_of(tree)}" for label, tree in zip(labels, trees))


def form_of(tree: Structure | None) -> str:
    return "*" if tree is None else f"{tree.kind.__name__}({listed(tree.labels, tree.children)})"


def count(tree: Structure | None) -> int:
    return 1 if tree is None else sum(map(count, tree.children))


def is_array(x: Any) -> bool:
    return is_operand(x) and getattr(value_type(x), "form", None) == "array"


def is_float(x: Any) -> bool:
    return is_operand(x) and dtype_of(x).kind in "fc"


# ---------------------------------------------------------------- the function that is written


@dataclass
class Names:
    """What the written function calls its parameters beside those of f.

    after    place of a written array among the operands -> name of its cotangent
    outside  names of the hidden inputs of the program of f, in their order
    """

    out: str
    after: dict[int, str]
    outside: list[str]

    @staticmethod
    def of(f: Callable[..., Any], built: Built, places: Sequence[str]) -> "Names":
        taken = set(inspect.signature(f).parameters)

        def free(name: str) -> str:
            found = next(n for n in numbered(identifier(name)) if n not in taken)
            taken.add(found)
            return found

        out = free("out_bar")
        floats = [i for i in built.written if dtype_in(built.program.params[i].type).kind in "fc"]
        after = {i: free(f"{places[i]}_after_bar") for i in floats}
        return Names(out, after, [free(var.name) for var, _ in built.staging.captured.inputs])


def names_for(f: Callable[..., Any], built: Built, call: NamedCall) -> Names:
    return Names.of(f, built, [path for path, x in zip(call.paths, call.leaves) if is_operand(x)])


def text_of(f: types.FunctionType, call: NamedCall) -> str:
    staged = Jitted(underived(f))
    built = built_for(staged, call.args, call.kwargs)
    names = names_for(f, built, call)
    pulled = pulled_through(f, staged, names)
    seeds = {names.out: result_like(built), **{n: np.ones_like(call.operands[i]) for i, n in names.after.items()}}
    derivative = built_for(pulled, call.args, {**call.kwargs, **seeds})
    captured = derivative.staging.captured
    hidden = {name: read() for name, (_, read) in zip(names.outside, captured.inputs)}
    pulled.__signature__ = signature_of(f, [*seeds, *hidden])  # type: ignore[attr-defined]
    plain = types.SimpleNamespace(captured=Captured(values=captured.values))
    open_built = replace(derivative, program=silent(derivative.program), staging=plain)  # type: ignore[arg-type]
    text = written(pulled, open_built, call.args, {**call.kwargs, **seeds, **hidden})
    imports, _, rest = text.partition("\n\n\n")
    return f'"""{docstring(f, call, names)}"""\n\n{imports}\n\n\n{rest}{comparison(f, call, derivative, staged, built)}'


def silent(program: Program) -> Program:
    """The program without what it prints: f has printed it."""

    @functools.cache
    def quiet(p: Program) -> Program:
        equations = [map_regions(e, quiet) for e in p.equations if e.row is not show]
        return Program(p.params, equations, p.results, p.name)

    return quiet(program)


def pulled_through(f: types.FunctionType, staged: Jitted, names: Names) -> Callable[..., Any]:
    """The function whose program is written."""
    seeds = [names.out, *names.after.values()]

    def pulled(*args: Any, **kwargs: Any) -> Any:
        given = {name: kwargs.pop(name) for name in seeds}
        call = NamedCall(f, args, kwargs)

        def of_floats(*xs: Any) -> Any:
            every = [x.copy() if is_array(x) else x for x in call.leaves]  # f may write whole numbers, too
            for i, x in zip(call.floats, xs):
                every[i] = x
            args_, kwargs_ = unflatten(call.structure, every)
            out = staged(*args_, **kwargs_)
            operands = [x for x in every if is_operand(x)]
            return [x for x in flatten(out)[0] if is_float(x)], [operands[i] for i in names.after]

        of_floats.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [Parameter(f"{identifier(call.paths[i])}", Parameter.POSITIONAL_ONLY) for i in call.floats]
        )
        _, pull = vjp(of_floats, *[call.leaves[i] for i in call.floats])
        bars = pull((flatten(given[names.out])[0], [given[n] for n in names.after.values()]))
        found = tuple(call.cotangents(bars).values())
        return found[0] if len(found) == 1 else found

    pulled.__name__ = name_of(f)
    pulled.__signature__ = signature_of(f, seeds)  # type: ignore[attr-defined]
    return pulled


def signature_of(f: Callable[..., Any], more: list[str]) -> inspect.Signature:
    """The parameters of f, and further ones, which are given by name."""
    own = [
        p.replace(default=Parameter.empty, annotation=Parameter.empty) for p in inspect.signature(f).parameters.values()
    ]
    rest = [p for p in own if p.kind is Parameter.VAR_KEYWORD]
    own = [p for p in own if p.kind is not Parameter.VAR_KEYWORD]
    has_star = any(p.kind in (Parameter.VAR_POSITIONAL, Parameter.KEYWORD_ONLY) for p in own)
    kind = Parameter.KEYWORD_ONLY if has_star else Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Signature([*own, *(Parameter(n, kind) for n in more), *rest])


def result_like(built: Built) -> Any:
    """A cotangent of the result: ones of its shapes and dtypes, None for what is no float."""
    rest = iter([type_in(x) for x in built.program.results])
    ones = [one_of(next(rest)) if x is RESULT else None for x in built.leaves]
    return unflatten(built.structure, ones)


def one_of(type: Any) -> Any:
    if not isinstance(type, Type) or type.dtype.kind not in "fc":
        return None
    return np.ones(type.shape, type.dtype) if type.form == "array" else type.dtype.type(1)


# ---------------------------------------------------------------- what stands around it


def name_of(f: types.FunctionType) -> str:
    """Of the function that is written."""
    return identifier(f"{f.__name__}_vjp")


def docstring(f: types.FunctionType, call: NamedCall, names: Names) -> str:
    name, own = f.__name__, name_of(f)
    by = [f"`{n}`" for n in call.cotangents([0] * len(call.floats))]
    parts = [
        f"The derivative of `{name}`, to be read and edited.",
        f"`{own}` takes the arguments of `{name}` and `{names.out}`, the derivative of some number by the result of "
        f"`{name}`. It returns the derivative{'s' * (len(by) != 1)} of that number by {', '.join(by)}.",
    ]
    parts += [f"`{n}` is its derivative by what that array holds when `{name}` returns." for n in names.after.values()]
    if names.outside:
        parts.append(f"{', '.join(f'`{n}`' for n in names.outside)}: read by `{name}` from outside.")
    parts.append(
        f"To put it back, with `path` that of this file: `wg.use_adjoint({name}, path)`. It is compared with "
        f"differences at its first call, and is for arguments of the shapes and dtypes below."
    )
    return "\n\n".join(textwrap.fill(part, 100) for part in parts) + "\n"


def comparison(f: types.FunctionType, call: NamedCall, derivative: Built, staged: Jitted, built: Built) -> str:
    """What `use_adjoint` reads."""
    operands = [i for i, x in enumerate(call.leaves) if is_operand(x)]
    fixed = [call.paths[operands[k]] for b in (derivative, built) for k, _ in b.guards if k < len(operands)]
    lines = [
        "# ---------------------------------------------------------------- for wg.use_adjoint: leave it as it is",
        f"FUNCTION = {name_of(f)!r}",
        f"SOURCE = {source_hash(f)!r}",
        f"FACTS = {facts_of(staged.f, built)!r}  # whole numbers and texts that it reads from outside",
        f"FIXED = {sorted(set(fixed))!r}  # whole numbers that the text is written for",
        f"STRUCTURE = {call.form!r}",
        "ARGUMENTS = {",
        *(f"    {path!r}: {argument_text(x)}," for path, x in zip(call.paths, call.leaves)),
        "}",
    ]
    return "\n\n" + "\n".join(lines) + "\n"


def source_hash(f: types.FunctionType) -> str:
    """Of the lines of f and of the helpers that it calls by names that lead to them, but for comments and blanks."""
    found = hashlib.sha256()
    for text in texts(f):
        node = text.source.node
        lines = textwrap.dedent("\n".join(text.source.lines[node.lineno - 1 : node.end_lineno])).splitlines()
        code = [line.rstrip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
        found.update("\n".join([*code, ""]).encode())
    return found.hexdigest()


def facts_of(f: types.FunctionType, built: Built) -> list[str]:
    """Whole numbers and texts from outside that the program of f was built for.  Its own defaults are arguments."""
    guards = [(key, value) for key, (_, value) in built.staging.captured.guards.items() if isinstance(value, PLAIN)]
    names = [(" ".join(map(str, (key[0], *key[2:]))), value) for key, value in guards if key[:2] != ("default", id(f))]
    return sorted(f"{name} = {value!r}" for name, value in names)  # key[1] is an id


def argument_text(x: Any) -> str:
    """Exactly what x is: short arrays as numbers, long ones as packed bytes."""
    if not is_operand(x) and not isinstance(x, bool | str):
        raise refusal(None, f"an argument is a {type(x).__name__}, which has no text")
    if not isinstance(x, np.ndarray) or x.size <= SMALL:
        return constant_text(Module(False), x).replace("\n" + " " * 9, "\n" + " " * 13)
    packed = base64.b85encode(zlib.compress(np.ascontiguousarray(x).tobytes(), 9)).decode()
    rows = "".join(f"\n        {packed[i : i + 100]!r}" for i in range(0, len(packed), 100))
    return f"({x.dtype.str!r}, {x.shape!r},{rows})"


def argument_of(x: Any) -> Any:
    """What `argument_text` wrote, read by Python."""
    if not isinstance(x, tuple):
        return x
    dtype, shape, packed = x
    return np.frombuffer(zlib.decompress(base64.b85decode(packed)), dtype).reshape(shape).copy()
