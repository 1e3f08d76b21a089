"""Calls of functions that are not staged: of NumPy, SciPy, and other libraries; random numbers."""

import copy
import functools
import random
import types
from operator import getitem
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.mode import Buffer, Value
from wengert.core.tree import flatten, map_leaves
from wengert.frontend.expressions import is_pythons, iterated, length_of
from wengert.frontend.refuse import OUTSIDE, Refused
from wengert.frontend.route import NAMED, is_foreign, route
from wengert.frontend.scope import (
    ACTIVE,
    Range,
    Rows,
    is_box,
    root_of,
)
from wengert.ir.program import numeric
from wengert.modes.stage import Staged
from wengert.rules.control import value_type, weak

if TYPE_CHECKING:
    from wengert.frontend.build import Staging


def library(s: "Staging", f: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """A function that is not staged: by its rule on values of the program, as it is on facts."""
    refuse_impure(f)
    args = [plain_argument(s, a) for a in args]
    kwargs = {k: plain_argument(s, a) for k, a in kwargs.items()}
    if isinstance(f, types.MethodType) or module_of(f).partition(".")[0] == "wengert":
        return adopted(s, f(*args, **kwargs))
    arrays = [(a, root_of(a).aux) for a in [*args, *kwargs.values()] if is_box(a)]
    if f is functools.reduce or module_of(f).partition(".")[0] in ("numpy", "scipy"):  # others keep their functions
        args = [staged_when_called(s, a) for a in args]
    out = adopted(s, route(f)(*args, **kwargs))
    for a, before in arrays:
        if root_of(a).aux is not before:
            s.after_write(a)
    is_pythons_own = module_of(f) == "math" or (f in (round, divmod) and all(is_pythons(a) for a in args))
    return pythons(s, out) if is_pythons_own else out


def refuse_impure(f: Any) -> None:
    module = module_of(f).partition(".")[0]
    if module in ("shutil", "subprocess", "socket", "tempfile") or getattr(f, "__name__", "") in FILES.get(module, ()):
        raise Refused(f"`{f.__name__}` reads or changes what is outside of Python", "call it before or after")
    if module in IMPURE:
        raise Refused(f"`{f.__name__}` gives something else at each call", "call it outside, and pass what it gives")


def pythons(s: "Staging", x: Any) -> Any:
    """A number of NumPy as one of Python's."""
    if isinstance(x, tuple):
        return s.own(tuple(pythons(s, y) for y in x))
    return weak(x) if isinstance(x, Staged) and numeric(value_type(x)).form == "scalar" else x


RANDOM = (np.random.Generator, np.random.RandomState, random.Random)
FILES = {
    "numpy": {"load", "save", "savez", "savez_compressed", "loadtxt", "savetxt", "genfromtxt", "fromfile", "memmap"},
    "pathlib": {"open", "read_text", "read_bytes", "write_text", "write_bytes", "touch", "mkdir", "unlink", "rename"},
}
IMPURE = frozenset({"time", "datetime", "os", "posix", "uuid", "secrets", "logging"})


def is_random(f: Any) -> bool:
    if any(f is maker for maker in (np.random.default_rng, np.random.RandomState, random.Random)):
        return True  # not `in`: users define equality of their objects
    return not is_users(type(f)) and isinstance(getattr(f, "__self__", None), RANDOM)


def makes_generator(f: Any) -> bool:
    return isinstance(f, type) or f is np.random.default_rng


def made_generator() -> Refused:
    return Refused("a random generator is made in the function", "make it outside: `rng = default_rng()`")


def drawn(s: "Staging", f: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Random numbers are drawn at each call of the program, and are inputs of it."""
    if makes_generator(f):
        if not args or args[0] is None or any(isinstance(a, Value) for a in args):
            raise made_generator()
        return s.own(f(*args, **kwargs))  # the same at each call, and so is what it draws
    if s.regions:
        raise Refused(
            "random numbers are drawn in a loop or branch of the program",
            "draw them before it, in one array: `noise = rng.standard_normal(n)`",
        )
    args, kwargs = map_leaves(lambda x: s.stage.decide(x) if s.is_constant(x) else x, (args, kwargs))
    if any(isinstance(x, Value) for x in flatten((args, kwargs))[0]):
        raise Refused("random numbers with parameters of the program", "draw standard ones, then scale and shift them")
    if s.is_made(getattr(f, "__self__", None)):
        return adopted(s, f(*args, **kwargs))
    if getattr(f, "__name__", "") in ("seed", "shuffle", "set_state"):
        raise Refused(f"`{f.__name__}` changes an object that was made outside", OUTSIDE)

    def draw() -> Any:
        """While a program is built, of a copy: staging wants the type, and leaves the generator as it is."""
        source = f if ACTIVE.get() is None else getattr(copy.deepcopy(f.__self__), f.__name__)
        return source(*args, **kwargs)

    return s.fact(("draw", id(draw)), draw, "noise", varies=True)


def is_users(kind: type) -> bool:
    module = getattr(kind, "__module__", "") or ""
    return module.partition(".")[0] not in LIBRARIES


LIBRARIES = frozenset({*NAMED, "builtins", "wengert", "functools", "types", "collections", "itertools"})


def module_of(f: Any) -> str:
    owner = getattr(f, "__self__", None)
    found = getattr(f, "__module__", None) or (type(owner).__module__ if owner is not None else "")
    return str(found or "")


def plain_argument(s: "Staging", x: Any) -> Any:
    """Containers from outside as the program sees them."""
    if isinstance(x, Rows | Range):
        return s.own(iterated(s, x))
    if isinstance(x, list | tuple | dict) and not s.is_made(x):
        leaves, _ = flatten(x)
        if any(isinstance(leaf, float | np.ndarray) for leaf in leaves):
            return outside_tree(s, x)
    return x


def staged_when_called(s: "Staging", x: Any) -> Any:
    """A function of the user's that a library calls."""
    if not isinstance(x, types.FunctionType) or is_foreign(x.__code__.co_filename):
        return x
    return functools.wraps(x)(lambda *args, **kwargs: s.call(x, args, kwargs))


def outside_tree(s: "Staging", x: Any) -> Any:
    if isinstance(x, dict):
        return s.own(
            {k: outside_tree(s, s.fact(("item", id(x), repr(k)), functools.partial(getitem, x, k), str(k))) for k in x}
        )
    if isinstance(x, list | tuple) and not hasattr(x, "_fields"):
        parts = [
            s.fact(("item", id(x), repr(i)), functools.partial(getitem, x, i), "item") for i in range(length_of(s, x))
        ]
        return s.own(type(x)(outside_tree(s, p) for p in parts))
    return x


def adopted(s: "Staging", out: Any) -> Any:
    """A result: its arrays become variables of the program, its containers belong to the function."""
    if isinstance(out, Value):
        if isinstance(out, Buffer):
            return s.stage.constant(out.fresh().primal) if isinstance(out.fresh(), Buffer) else out
        return out
    if isinstance(out, np.ndarray) and out.dtype.kind in "fciub":
        return s.stage.constant(out)
    if type(out) in (list, tuple):
        return s.own(type(out)(adopted(s, x) for x in out))
    if type(out) is dict:
        return s.own({k: adopted(s, x) for k, x in out.items()})
    if isinstance(out, tuple) and hasattr(out, "_fields"):
        return s.own(type(out)(*(adopted(s, x) for x in out)))
    return out
