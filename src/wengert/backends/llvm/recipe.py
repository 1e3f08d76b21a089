"""The machine code of a program; where a process has made it before, by what that left on disk.

Then nothing is lowered, and none of the modules that do it are imported.  A recipe is a file beside the code, named
after the program's text, and holds the name of the code and what it needs to run.  No recipe is left of programs whose
code knows addresses of one process only: of Python's functions, and of large constants.
"""

import ast
import os
import sys
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

import wengert
from wengert.backends.llvm.cache import key_of, load, store, usable_folder
from wengert.backends.llvm.engine import Code, circumstances, compile, linked, lock, name_of
from wengert.backends.llvm.runtime import addresses
from wengert.core.lazy import lazy
from wengert.ir.program import Equation, Program
from wengert.ir.text import bare_text

lowering = lazy("wengert.backends.llvm.program")


@dataclass
class Made:
    """
    code  with `run`;  arena  bytes that it needs
    kept  what lives at addresses in the code;  in_python  equations for which Python is called
    """

    code: Code
    arena: int
    kept: list[Any] = field(default_factory=list)
    in_python: list[Equation] = field(default_factory=list)


def made(program: Program) -> Made:
    """Raises Unsupported."""
    key = key_for(program)
    found = None if key is None else from_disk(key)
    if found is not None:
        return found
    new = lowering.lowered(program)
    code = compile(new.text, new.symbols, level=new.level)
    if key is not None and len(new.shared) == len(new.symbols):
        recipe = {"code": name_of(new.text, new.level), "arena": new.arena, "symbols": new.shared}
        store(key, repr(recipe).encode())
    return Made(code, new.arena, new.kept, new.in_python)


def key_for(program: Program) -> str | None:
    text = bare_text(program) if usable_folder() else None
    return None if text is None else key_of("recipe", text, sources(), np.__version__, sys.version, *circumstances())


def from_disk(key: str) -> Made | None:
    found = load(key)
    recipe = None if found is None else ast.literal_eval(found.decode())  # the front end has imported ast
    code = None if recipe is None else load(recipe["code"])
    if recipe is None or code is None:
        return None
    try:
        symbols = addresses(recipe["symbols"])
    except (AttributeError, ValueError):  # there is another SciPy now, which has not that function
        return None
    with lock:
        return Made(linked(code, symbols), recipe["arena"])


@cache
def sources() -> str:
    """The files of this package, as they look from outside: with another of them, a program may become other code."""
    found = []
    folders = [os.path.dirname(wengert.__file__)]
    while folders:
        for entry in os.scandir(folders.pop()):
            if entry.name.endswith(".py"):
                status = entry.stat()
                found.append(f"{entry.path} {status.st_size} {status.st_mtime_ns}")
            elif entry.name != "__pycache__" and entry.is_dir():
                folders.append(entry.path)
    return "\n".join(sorted(found))
