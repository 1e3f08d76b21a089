"""The command line: `wengert demo`, and `wengert check`, `explain`, `program`, `source` and `report` of a function.

Exit codes: 0 all is well; 1 a derivative is wrong or refused (a Diagnostic or the report says which); 2 the input is
wrong or a package is missing (one line says what).
"""

import argparse
import ast
import copy
import importlib
import importlib.util
import itertools
import operator
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import wengert as wg
from wengert.api import parameter_names
from wengert.core.tree import flatten, paths
from wengert.inspect.timing import duration, seconds, times
from wengert.testing import Check, is_differentiable

# a command, and what runs it: looked up when it is given, since the demo's packages are optional and slow to import
COMMANDS = {
    "demo": "wengert.demo:main",
    "check": "wengert.cli:check",
    "explain": "wengert.cli:explain",
    "program": "wengert.cli:program",
    "source": "wengert.cli:source",
    "report": "wengert.cli:report",
}
FORMATS = {"text": str, "html": wg.Explanation.html, "latex": wg.Explanation.latex}
EXAMPLES = {"sklearn": "scikit-learn", "matplotlib": "matplotlib", "tqdm": "tqdm"}


class InputError(Exception):
    """What the user gave cannot be used; the message is one line."""


def main(argv: Sequence[str] | None = None) -> int:
    options = vars(parser().parse_args(argv))
    command = options.pop("command")
    try:
        return resolve(COMMANDS[command])(**options)
    except wg.Diagnostic as diagnostic:
        print(diagnostic, file=sys.stderr)
        return 1
    except InputError as error:
        print(f"wengert {command}: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="wengert", description=wg.__doc__)
    top.add_argument("--version", action="version", version=f"wengert {wg.__version__}")
    commands = top.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="three real fits of real data, in a few seconds")
    demo.add_argument("--picture", metavar="PATH", default="wengert-demo.png", help="default: %(default)s")
    check = commands.add_parser(
        "check",
        help="check the derivatives of your function, and what they cost",
        usage="wengert check [--order {1,2}] FILE.py:FUNC ARGS...",
        epilog="example: wengert check model.py:loss 'np.linspace(0, 1, 5)' 3 @data.npy",
    )
    check.add_argument("--order", type=int, choices=(1, 2), default=2, help="check up to these derivatives; default: 2")
    add_call(check)
    explain = commands.add_parser(
        "explain",
        help="show every step of your function, and what flows through it forward and back",
        usage="wengert explain [--format {text,html,latex}] FILE.py:FUNC ARGS...",
        epilog="example: wengert explain model.py:f 2.0 5.0",
    )
    explain.add_argument("--format", choices=FORMATS, default="text", help="default: %(default)s")
    add_call(explain)
    program = commands.add_parser(
        "program",
        help="print the program that `wg.jit` makes of your function",
        usage="wengert program [--gradient | --kept] FILE.py:FUNC ARGS...",
        epilog="example: wengert program --gradient model.py:loss 'np.ones(3)' 2.0",
    )
    instead = program.add_mutually_exclusive_group()
    instead.add_argument("--gradient", action="store_true", help="the program of its gradient by all float arguments")
    instead.add_argument("--kept", action="store_true", help="what reverse mode keeps, and why")
    add_call(program)
    source = commands.add_parser(
        "source",
        help="print the program of your function, or its derivative, as plain NumPy",
        usage="wengert source [--gradient | --forward] FILE.py:FUNC ARGS...",
        epilog="example: wengert source --gradient model.py:loss 'np.ones(3)' 2.0",
    )
    derivative = source.add_mutually_exclusive_group()
    derivative.add_argument("--gradient", action="store_true", help="its gradient by all float arguments")
    derivative.add_argument("--forward", action="store_true", help="its value and tangent")
    add_call(source)
    report = commands.add_parser(
        "report",
        help="list what `wg.jit` refuses of your function, which is not run",
        usage="wengert report FILE.py:FUNC [ARGS...]",
        epilog="example: wengert report model.py:loss, or wengert report model.py:loss 'np.ones(3)' 2.0",
    )
    add_call(report)
    return top


def add_call(command: argparse.ArgumentParser) -> None:
    """The user's function and its arguments."""
    command.add_argument("target", metavar="FILE.py:FUNC", help="a function, or a dotted name such as Model.loss")
    command.add_argument(
        "arguments",
        metavar="ARGS",
        nargs=argparse.REMAINDER,
        help="a Python literal, an expression with np, or @FILE.npy; integers are constants",
    )


def resolve(place: str) -> Callable[..., int]:
    """The function behind "module:name"."""
    module, _, name = place.partition(":")
    try:
        return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]
    except ModuleNotFoundError as error:
        missing = str(error.name).partition(".")[0]
        if missing not in EXAMPLES:
            raise
        raise InputError(f'{EXAMPLES[missing]} is not installed: pip install "wengert[examples]"') from error


# ---------------------------------------------------------------- cost


@dataclass(frozen=True)
class Cost:
    """Seconds for a function, for its derivative, and for the derivative by central differences in `size` numbers."""

    function: float
    gradient: float
    differences: float
    size: int

    @property
    def gradient_over_function(self) -> float:
        return self.gradient / self.function

    @property
    def differences_over_gradient(self) -> float:
        return self.differences / self.gradient

    def lines(self, what: str = "gradient") -> list[str]:
        """As text; `what` names the derivative."""
        differences = f"central differences {duration(self.differences)} (in {self.size} number{'s'[: self.size - 1]})"
        return [
            f"function {duration(self.function)}",
            f"{what} {duration(self.gradient)}, {times(self.gradient_over_function)} times the function",
            f"{differences}, {times(self.differences_over_gradient)} times the {what}",
        ]


# ---------------------------------------------------------------- wengert check


def check(target: str, arguments: Sequence[str], order: int = 2) -> int:
    """Check the derivatives of the user's function at the given arguments, and print them and their cost."""
    f, args = function_at(target), given(arguments)
    positions = tuple(i for i, arg in enumerate(args) if is_differentiable(arg))
    value = called(f, target, args)
    show("value", text_of(value, target.rpartition(":")[2]))
    what, derivative = ("gradient", wg.grad) if is_real_scalar(value) else ("jacobian", wg.jacobian)
    for i in positions:
        show(what, derivative_text(derivative(f, argnums=i)(*args), value, args[i], parameter_name(f, i)))
    show("checked", table(wg.check_grads(f, tuple(args), order=order)))
    show("cost", measured(f, derivative(f, argnums=positions), args, positions).lines(what))
    return 0


def measured(
    f: Callable[..., Any], derivative: Callable[..., Any], args: Sequence[Any], positions: Sequence[int]
) -> Cost:
    """Central differences take two calls of f for each number."""
    size = sum(np.size(leaf) for i in positions for leaf in flatten(args[i])[0])
    once = seconds(f, *args)
    return Cost(once, seconds(derivative, *args), 2 * size * once, size)


def parameter_name(f: Callable[..., Any], position: int) -> str:
    names = parameter_names(f)
    return names[position] if position < len(names) else f"argument {position}"


def is_real_scalar(value: Any) -> bool:
    return not isinstance(value, dict | list | tuple) and np.shape(value) == () and not np.iscomplexobj(value)


# ---------------------------------------------------------------- wengert explain


def explain(target: str, arguments: Sequence[str], format: str = "text") -> int:
    """Print the evaluation, tangent and adjoint traces of the user's function."""
    f, args = function_at(target), given(arguments)
    called(f, target, args)
    print(FORMATS[format](wg.explain(f, *args)))
    return 0


# ---------------------------------------------------------------- wengert program


def program(target: str, arguments: Sequence[str], gradient: bool = False, kept: bool = False) -> int:
    """Print the program of the user's function, that of its gradient, or what reverse mode keeps."""
    f, args = function_at(target), given(arguments)
    called(f, target, args)
    print((wg.kept if kept else wg.program)(gradient_of(f, args) if gradient else f, *args))
    return 0


def source(target: str, arguments: Sequence[str], gradient: bool = False, forward: bool = False) -> int:
    """Print the user's function, its gradient, or its value and tangent, as plain NumPy."""
    f, args = function_at(target), given(arguments)
    called(f, target, args)
    print(wg.source(gradient_of(f, args) if gradient else f, *args, mode="forward" if forward else None), end="")
    return 0


def report(target: str, arguments: Sequence[str]) -> int:
    """Print what cannot be staged, from the source alone or for arguments."""
    found = wg.report(function_at(target), *map(argument, arguments))
    print(found)
    return 1 if found else 0


def gradient_of(f: Callable[..., Any], args: Sequence[Any]) -> Callable[..., Any]:
    """By all float arguments."""
    return wg.grad(f, tuple(i for i, arg in enumerate(args) if is_differentiable(arg)))


# ---------------------------------------------------------------- what the user gave


def given(arguments: Sequence[str]) -> list[Any]:
    """The arguments of the call, one of which must be something to differentiate by."""
    args = [argument(text) for text in arguments]
    if not any(map(is_differentiable, args)):
        raise InputError("no argument is a float or an array of floats; write 3.0 for 3")
    return args


def function_at(target: str) -> Callable[..., Any]:
    """The function behind "file.py:name"."""
    filename, colon, name = target.rpartition(":")
    if not colon or not name:
        raise InputError(f"{target!r} names no function; write FILE.py:FUNC")
    module = load(filename)
    try:
        f = operator.attrgetter(name)(module)
    except AttributeError as error:
        raise InputError(f"{filename} has no function {name!r}") from error
    if not callable(f):
        raise InputError(f"{name!r} in {filename} is a {type(f).__name__}, not a function")
    return f  # type: ignore[no-any-return]


def load(filename: str) -> Any:
    """The user's file as a module, its folder on the import path as with `python file.py`."""
    if not os.path.isfile(filename):
        raise InputError(f"there is no file {filename!r}")
    # a name of its own: a file called signal.py must not stand for the standard library's
    name = "checked_" + os.path.splitext(os.path.basename(filename))[0]
    spec = importlib.util.spec_from_file_location(name, filename)
    if spec is None or spec.loader is None:
        raise InputError(f"{filename!r} is not a Python file")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    sys.path.insert(0, os.path.dirname(os.path.abspath(filename)))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(f"{filename} does not load: {one_line(error)} ({origin(error)})") from error
    return module


def argument(text: str) -> Any:
    """A literal, an expression with np, or the contents of @file.npy."""
    if text.startswith("--"):
        raise InputError(f"{text} is an option: write it before FILE.py:FUNC")
    try:
        if text.startswith("@"):
            return np.load(text[1:], allow_pickle=False)
        return literal_or_expression(text)
    except Exception as error:
        raise InputError(f"cannot read the argument {text!r}: {one_line(error)}") from error


def literal_or_expression(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return eval(text, {"np": np})


def called(f: Callable[..., Any], target: str, args: Sequence[Any]) -> Any:
    try:
        return f(*copy.deepcopy(args))
    except wg.Diagnostic:
        raise
    except Exception as error:
        raise InputError(f"{target} raised {one_line(error)} ({origin(error)})") from error


def one_line(error: Exception) -> str:
    """Kind and message of an exception."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def origin(error: Exception) -> str:
    """Where it was raised."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{os.path.basename(last.filename)}:{last.lineno}"


# ---------------------------------------------------------------- text


def show(label: str, lines: Iterable[str]) -> None:
    for i, line in enumerate(lines):
        print(f"{label if i == 0 else '':<10}{line}", flush=True)


def text_of(tree: Any, name: str) -> Iterator[str]:
    for path, leaf in paths(tree, name):
        yield from entries(path, leaf)


def derivative_text(derivative: Any, value: Any, arg: Any, name: str) -> Iterator[str]:
    """The leaves of a gradient or jacobian, whose structure is that of the value with that of the argument inside."""
    outputs = [""] if is_real_scalar(value) else [f"{path} by " for path, _ in paths(value, "value")]
    inputs = [path for path, _ in paths(arg, name)]
    for (output, path), leaf in zip(itertools.product(outputs, inputs), flatten(derivative)[0]):
        yield from entries(output + path, leaf)


def entries(name: str, leaf: Any) -> Iterator[str]:
    """Type, shape and a few entries."""
    array = np.asarray(leaf)
    text = np.array2string(array, precision=6, threshold=20, edgeitems=3, max_line_width=100, separator=", ")
    if array.ndim == 0:
        yield f"{name} = {text}"
        return
    yield f"{name}: {array.dtype} {array.shape}"
    yield from ("  " + line for line in text.splitlines())


def table(checks: Sequence[Check]) -> Iterator[str]:
    """Largest error for each argument, order and mode."""
    yield "largest error against differences along random directions, relative to 1 + |derivative|"
    yield f"{'argument':<16}{'order':<8}{'forward':<10}reverse"
    for name, order in dict.fromkeys((entry.argument, entry.order) for entry in checks):
        errors = [worst(checks, name, order, mode) for mode in ("forward", "reverse")]
        yield f"{name:<16}{order:<8}{errors[0]:<10.1e}{errors[1]:.1e}"


def worst(checks: Sequence[Check], name: str, order: int, mode: str) -> float:
    return max(c.error for c in checks if (c.argument, c.order, c.mode) == (name, order, mode))
