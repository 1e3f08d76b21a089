"""One kind of error: what happened, at which line of the user's, why, and what to write instead."""

import linecache
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

import numpy as np

CODES = {
    "W101": "the output of `grad` is not a real scalar",
    "W102": "a differentiated argument is not floating point",
    "W103": "an argument position or name does not exist",
    "W104": "`backward` on a value that depends on no tensor with requires_grad=True",
    "W105": "the result is not a number, an array or a container of them",
    "W201": "a traced value is turned into a plain number or array, which would lose its derivative",
    "W202": "a traced value is written into an array that cannot record it",
    "W203": "a value of a finished derivative is used",
    "W204": "an array that the derivative needs was overwritten",
    "W205": "a tensor with requires_grad=True is written in place",
    "W206": "the record of a computation was already used and freed",
    "W301": "a function has no rule",
    "W302": "a function has a rule, but not for this mode",
    "W303": "a derivative is used that does not exist at this point",
    "W304": "a function means nothing to SymPy",
    "W401": "a seed has the wrong structure, shape or dtype",
    "W402": "`vmap` got axes that do not fit its arguments",
    "W501": "a rule disagrees with finite differences",
    "W502": "a custom rule returned something of the wrong structure, shape or dtype",
    "W503": "a custom rule cannot be turned into the other mode",
    "W504": "a custom function uses a traced value that is not among its arguments",
    "W505": "a function with a rule of its own writes into its argument",
    "W506": "an edited derivative disagrees with finite differences",
    "W507": "an edited derivative does not belong to its function",
    "W601": "the source of a function cannot be read",
    "W602": "a function cannot be staged",
    "W603": "a program cannot be written as plain NumPy",
    "W604": "a program has no machine code",
}


@dataclass(frozen=True)
class Position:
    """A place in the user's source: file, line (from 1), columns (from 0), or None where Python does not know."""

    filename: str
    line: int
    column: int | None = None
    end_column: int | None = None

    def __str__(self) -> str:
        column = "" if self.column is None else f":{self.column + 1}"
        return f"{os.path.basename(self.filename)}:{self.line}{column}"

    def excerpt(self) -> str:
        """The line with a caret under the expression; empty where the source is not at hand."""
        text = linecache.getline(self.filename, self.line).rstrip("\n")
        if not text.strip():
            return ""
        lines = [f"{self.line:5d} | {text}"]
        if self.column is not None:
            width = (self.end_column or self.column + 1) - self.column
            lines.append("      | " + " " * self.column + "^" * max(width, 1))
        return "\n".join(lines)


class Diagnostic(Exception):
    """The only error that wengert raises on purpose.

    code     stable, listed in `CODES` and in docs/errors.md, e.g. "W201"
    where    `Position` of the user's line, or None
    what     what happened, in the user's terms
    because  one cause
    instead  one way out
    places   of a function that cannot be staged, all of them; otherwise empty
    """

    def __init__(self, code: str, what: str, because: str, instead: str, where: Position | None = None) -> None:
        assert code in CODES, code
        self.code, self.what, self.because, self.instead = code, what, because, instead
        self.where = where if where is not None else user_position()
        self.places: tuple[Any, ...] = ()
        super().__init__(self.render())

    def render(self) -> str:
        head = f"{self.where}: " if self.where else ""
        excerpt = self.where.excerpt() if self.where else ""
        lines = [f"{head}{self.code} {self.what}", excerpt, f"because  {self.because}", f"instead  {self.instead}"]
        return "\n".join(line for line in lines if line)


Diagnostic.__module__ = "wengert"  # tracebacks show the name that users import

_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_ENGINE = (
    "core",
    "rules",
    "modes",
    "ir",
    "transforms",
    "backends",
    "passes",
    "frontend",
    "inspect",
)  # folders; what else lies in folders of the package is written as users do
_NUMPY = os.path.dirname(os.path.abspath(np.__file__)) + os.sep
_SCIPY = os.path.join(os.path.dirname(_NUMPY.rstrip(os.sep)), "scipy") + os.sep


def user_position() -> Position | None:
    """The innermost line on the stack that belongs neither to the engine nor to NumPy or SciPy."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_passed_over(frame.f_code.co_filename):
        frame = frame.f_back
    return None if frame is None else position(frame)


def is_passed_over(filename: str) -> bool:
    return is_engine(filename) or filename.startswith((_NUMPY, _SCIPY, "<__array_function__", "<string>", "<program>"))


def is_engine(filename: str) -> bool:
    if not filename.startswith(_HERE):
        return False
    folders = filename[len(_HERE) :].split(os.sep)[:-1]
    return not folders or folders[0] in _ENGINE


def definition(f: Any) -> Position | None:
    """Where a function is defined, if it is written in Python."""
    code: CodeType | None = getattr(f, "__code__", None)
    return None if code is None else Position(code.co_filename, code.co_firstlineno)


def position(frame: FrameType) -> Position:
    """File, line and columns of the instruction that a frame is executing."""
    line, end_line, column, end_column = _columns(frame)
    if line is None:
        return Position(frame.f_code.co_filename, frame.f_lineno)
    same_line = end_line == line
    return Position(frame.f_code.co_filename, line, column, end_column if same_line else None)


def _columns(frame: FrameType) -> tuple[int | None, int | None, int | None, int | None]:
    positions: Iterable[tuple[int | None, int | None, int | None, int | None]] = frame.f_code.co_positions()
    for index, place in enumerate(positions):
        if index == frame.f_lasti // 2:
            return place
    return frame.f_lineno, None, None, None
