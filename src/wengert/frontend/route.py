"""Routing: run a copy of the user's function that looks up its names through us.

NumPy dispatches `np.sin(x)` to traced values, but not `np.zeros(n)`, `np.array([...])`, `math.sin(x)` or `float(x)`.
So a derivative runs the same code object with other globals: a dict that hands out modules, functions, classes and
arrays in a form that records.  No source is needed; closures, defaults and line numbers stay.

    numpy, scipy, math         functions with a rule record, constructors return buffers, others get plain arrays
    the user's functions       routed copies, through globals, closures, modules, methods, partials and decorators
    the user's classes         subclasses with routed methods; instances share their __dict__ with the original
    arrays outside             buffers that read and write the real array, and refuse traced writes
    standard library, others   untouched
"""

import abc
import builtins
import dis
import functools
import os
import re
import sys
import sysconfig
import threading
import types
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.diagnostic import is_engine
from wengert.core.mode import CONSTANT, GIVEN, OUTSIDE, Buffer, Value, content_of, is_array, plain
from wengert.core.tree import Structure, flatten, unflatten, with_kinds
from wengert.core.types import dtype_of
from wengert.rules.elementwise import mul
from wengert.rules.linear import convert
from wengert.rules.names.foreign import buffered, holds_traced, without_rule
from wengert.rules.names.operands import operand_of
from wengert.rules.names.protocols import call_ufunc
from wengert.rules.names.selection import vectorized
from wengert.rules.names.shape import joined_by
from wengert.rules.names.table import composition_of

NAMED = ("numpy", "scipy", "math", "cmath", "uarray")  # uarray: the functions of scipy.fft are instances of its class
# installed packages that run as they are; others count as the user's, as his own installed package would
FOREIGN = frozenset(
    [
        *("numpy", "scipy", "torch", "jax", "jaxlib", "tensorflow", "autograd", "casadi", "numba", "llvmlite"),
        *("sklearn", "pandas", "matplotlib", "sympy", "mpmath", "networkx", "joblib", "dask", "PIL", "cupy"),
        *("pytest", "_pytest", "pluggy", "hypothesis", "IPython", "ipykernel", "tqdm", "rich"),
    ]
)
STANDARD_LIBRARY = sysconfig.get_paths()["stdlib"] + os.sep
INSTALLED = re.compile(r"[/\\](?:site|dist)-packages[/\\](\w+)")


@functools.cache
def is_foreign(filename: str) -> bool:
    """Whether code in this file runs as it is: the engine's, Python's own, and that of well-known packages."""
    if is_engine(filename):
        return True
    installed = INSTALLED.search(filename)
    return installed[1] in FOREIGN if installed else filename.startswith((STANDARD_LIBRARY, "<frozen"))


def package_of(x: Any) -> str:
    return str(getattr(x, "__module__", None) or "").partition(".")[0]


# ---------------------------------------------------------------- any value that routed code looks up


def route(x: Any) -> Any:
    """The form of x that records; x itself where nothing needs recording."""
    router = ROUTERS.get(type(x))
    if router is not None:
        return router(x)
    if isinstance(x, type):
        return route_class(x)
    if isinstance(x, Value):
        return x
    if callable(x) and package_of(type(x)) in NAMED:
        return route_named(x)
    return route_instance(x)


def same(x: Any) -> Any:
    return x


def route_array(x: np.ndarray) -> Any:
    return Buffer(CONSTANT, x, OUTSIDE) if x.dtype.kind in "fciub" else x


# ---------------------------------------------------------------- modules


class NamedModule:
    """numpy, scipy, math or one of their parts."""

    def __init__(self, module: types.ModuleType) -> None:
        self.__dict__["__wrapped_module__"] = module

    def __getattr__(self, name: str) -> Any:
        routed = self.__dict__[name] = route_named(getattr(self.__wrapped_module__, name))
        return routed

    def __repr__(self) -> str:
        return repr(self.__wrapped_module__)


class UserModule:
    """A module of the user's: its names are looked up anew each time."""

    def __init__(self, module: types.ModuleType) -> None:
        self.__dict__["__wrapped_module__"] = module

    def __getattr__(self, name: str) -> Any:
        return route(getattr(self.__wrapped_module__, name))

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__wrapped_module__, name, value)

    def __repr__(self) -> str:
        return repr(self.__wrapped_module__)


@functools.cache
def route_module(module: types.ModuleType) -> Any:
    if module.__name__.partition(".")[0] in NAMED:
        return NamedModule(module)
    filename = getattr(module, "__file__", None)
    return module if filename is None or is_foreign(filename) else UserModule(module)


# ---------------------------------------------------------------- functions of numpy, scipy and math


@functools.singledispatch
def route_named(x: Any) -> Any:
    if isinstance(x, type):
        return vectorize if x is np.vectorize else SCALARS.get(x, x)
    return RoutedFunction(x) if callable(x) else x


@route_named.register
def _(x: types.ModuleType) -> Any:
    return route_module(x)


@route_named.register
def _(x: np.ufunc) -> Any:
    return RoutedUfunc(x)


class RoutedFunction:
    """A library function: by its rule where a value of ours is among the arguments, else as it is."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.__wrapped__ = function
        self.composition = composition_of(function)
        self.nin = getattr(function, "nin", None)
        self.__name__ = getattr(function, "__name__", type(function).__name__)
        self.__doc__ = getattr(function, "__doc__", None)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if any_value(args, kwargs):
            if self.composition is not None:
                return self.composition(*args, **kwargs)
            return without_rule(self.__wrapped__, args, kwargs)
        return buffered(self.__wrapped__(*args, **kwargs))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)


class RoutedUfunc(RoutedFunction):
    """A ufunc with its methods."""

    __wrapped__: np.ufunc

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        for x in args:
            if isinstance(x, Value):
                if (
                    self.composition is not None
                    and len(args) == self.nin
                    and not kwargs
                    and list not in map(type, args)
                ):
                    return self.composition(*args)
                return call_ufunc(self.__wrapped__, "__call__", args, kwargs)
        return buffered(self.__wrapped__(*[operand_of(a) for a in args], **kwargs))

    def method(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, Value) for x in args):
            return call_ufunc(self.__wrapped__, name, args, kwargs)
        return buffered(getattr(self.__wrapped__, name)(*args, **kwargs))

    def at(self, *args: Any, **kwargs: Any) -> Any:
        return self.method("at", *args, **kwargs)

    def reduce(self, *args: Any, **kwargs: Any) -> Any:
        return self.method("reduce", *args, **kwargs)

    def accumulate(self, *args: Any, **kwargs: Any) -> Any:
        return self.method("accumulate", *args, **kwargs)

    def reduceat(self, *args: Any, **kwargs: Any) -> Any:
        return self.method("reduceat", *args, **kwargs)

    def outer(self, *args: Any, **kwargs: Any) -> Any:
        return self.method("outer", *args, **kwargs)


class RoutedConcatenator:
    """np.r_ and np.c_."""

    def __init__(self, concatenator: Any) -> None:
        self.__wrapped__ = concatenator

    def __getitem__(self, key: Any) -> Any:
        if any_value(key if isinstance(key, tuple) else (key,), {}) or has_value_bound(key):
            return joined_by(self.__wrapped__, key)
        return buffered(self.__wrapped__[key])


def has_value_bound(key: Any) -> bool:
    parts = [p for p in (key if isinstance(key, tuple) else (key,)) if isinstance(p, slice)]
    return any(isinstance(bound, Value) for p in parts for bound in (p.start, p.stop, p.step))


@route_named.register(type(np.r_).mro()[1])
def _(x: Any) -> Any:
    return RoutedConcatenator(x)


class RoutedVectorized(RoutedFunction):
    """A function wrapped by np.vectorize: called element by element where a value is among the arguments."""

    def __init__(self, function: np.vectorize) -> None:
        super().__init__(function)
        self.composition = functools.partial(vectorized, function, route(function.pyfunc))


@route_named.register
def _(x: np.vectorize) -> Any:
    return RoutedVectorized(x)


def vectorize(*args: Any, **options: Any) -> Any:
    """np.vectorize as routed code calls it."""
    return RoutedVectorized(np.vectorize(*args, **options))


def any_value(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    for x in args:
        if isinstance(x, Value):
            return True
    return any(contains_value(x) for x in (*args, *kwargs.values()) if isinstance(x, list | tuple | Value))


def contains_value(x: Any) -> bool:
    return isinstance(x, Value) or (isinstance(x, list | tuple) and any(contains_value(item) for item in x))


# ---------------------------------------------------------------- builtins


class Standin(type):
    """Makes a routed `float` stand for Python's in isinstance, comparisons and as a dtype."""

    original: type

    def __instancecheck__(cls, x: Any) -> bool:
        return is_instance(x, cls.original)

    def __eq__(cls, other: object) -> bool:
        return other is cls.original or other is cls

    def __hash__(cls) -> int:
        return hash(cls.original)

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls.original, name)

    def __repr__(cls) -> str:
        return repr(cls.original)


def standin(kind: type) -> type:
    """`float`, `np.float32`, ...: as they are, but a traced value stays traced."""

    def new(cls: type, *args: Any) -> Any:
        if not any(isinstance(x, Value) for x in args):
            return kind(*args)
        number = to_number(args[0], np.dtype(kind))
        return number if len(args) == 1 else number + mul(args[1], 1j)

    return Standin(kind.__name__, (), {"__new__": new, "original": kind, "dtype": np.dtype(kind)})


SCALARS: dict[type, type] = {
    kind: standin(kind) for kind in (float, complex, np.float64, np.float32, np.complex128, np.complex64)
}


def to_number(x: Any, dtype: np.dtype[Any]) -> Any:
    """`float(x)`, `complex(x)`: the one element."""
    x = x.item() if isinstance(x, Value) and is_array(x) else x
    return x if dtype_of(x) == dtype else convert(x, dtype=dtype)


def is_instance(x: Any, kinds: Any) -> bool:
    """A traced value counts as what it stands for: an array, a NumPy scalar or a Python number."""
    kinds = original_class(kinds)
    if isinstance(x, Value):
        return isinstance(content_of(x), kinds) or isinstance(x, kinds)
    return isinstance(unrouted_function(x), kinds)


def is_subclass(kind: Any, kinds: Any) -> bool:
    return issubclass(original_class(kind), original_class(kinds))


def unrouted_function(x: Any) -> Any:
    return x.__wrapped__ if isinstance(x, RoutedFunction) else x


def type_of(cls: Any, x: Any, *definition: Any) -> Any:
    """`type(x)`: of a traced value, what it stands for; float and its like as routed code knows them."""
    if definition:
        return type(x, *definition)
    kind = type(content_of(x)) if isinstance(x, Value) else type(unrouted_function(x))
    return SCALARS.get(kind, kind)


def original_class(kinds: Any) -> Any:
    if isinstance(kinds, tuple):
        return tuple(original_class(kind) for kind in kinds)
    if isinstance(kinds, Standin):
        return kinds.original
    return getattr(kinds, "__routed_from__", kinds) if isinstance(kinds, type) else kinds


def import_routed(*args: Any, **kwargs: Any) -> Any:
    return route(builtins.__import__(*args, **kwargs))


BUILTINS = {
    **vars(builtins),
    "float": SCALARS[float],
    "complex": SCALARS[complex],
    "isinstance": is_instance,
    "issubclass": is_subclass,
    "type": Standin("type", (), {"__new__": type_of, "original": type}),
    "__import__": import_routed,
}

# ---------------------------------------------------------------- the user's functions


class RoutedGlobals(dict):  # type: ignore[type-arg]
    """Globals that look names up in the real ones, at every use, and route what they find.

    Only modules are kept, and looked at again at every call (`refresh`), since they are what code looks up most.
    Assignments to globals land here (Python writes them past any override), and are handed over at the next look-up.
    """

    def __init__(self, real: dict[str, Any]) -> None:
        super().__init__({"__builtins__": BUILTINS})
        self.real = real
        self.modules: dict[str, types.ModuleType] = {}
        self.assigned: set[str] = set()
        for name in KEPT:
            if name in real and name not in self:
                self[name] = real[name]
        self.own = len(self)

    def __missing__(self, name: str) -> Any:
        if len(self) > self.own + len(self.modules):
            self.hand_over()
        if name not in self.real:
            return BUILTINS[name]
        value = self.real[name]
        if isinstance(value, types.ModuleType):
            self.modules[name] = value
            self[name] = route_module(value)
            return self[name]
        return route(value)

    def hand_over(self) -> None:
        """Assignments by routed code, to where other code looks for them."""
        for name in [n for n in self if n not in KEPT and n not in self.modules]:
            self.real[name] = self.pop(name)
            self.assigned.add(name)

    def settle(self) -> None:
        """Leave no traced value behind in what was assigned."""
        self.hand_over()
        for name in self.assigned:
            self.real[name] = settled(self.real.get(name))
        self.assigned.clear()

    def refresh(self) -> None:
        """Forget modules whose name means something else by now."""
        for name, module in list(self.modules.items()):
            if self.real.get(name) is not module:
                del self.modules[name], self[name]


KEPT = ("__builtins__", "__name__", "__package__", "__spec__", "__file__", "__loader__")

_globals: dict[int, RoutedGlobals] = {}  # by id of the real globals, which each entry keeps alive
_assigned: list[RoutedGlobals] = []  # those that some routed function assigns to
# by id of the function: (weak reference to it, its copy, the cells that were replaced and what they held)
_functions: dict[int, tuple[Any, types.FunctionType, list[tuple[types.CellType, Any]]]] = {}
_stored: dict[types.CodeType, tuple[frozenset[str], frozenset[str]]] = {}


class OwnDerivatives(weakref.WeakKeyDictionary[types.FunctionType, Any]):
    """What stands for a function wherever routed or staged code calls it; `is_for(args, kwargs)` says whether it does.

    state   "generation": one more each time, since programs that were built before hold what stood for their functions
    """

    def __init__(self) -> None:
        super().__init__()
        self.state = {"generation": 0}

    @property
    def generation(self) -> int:
        return self.state["generation"]

    def give(self, f: types.FunctionType, own: Any) -> None:
        """Let `own` stand for f; None takes that back."""
        self.pop(f, None)
        if own is not None:
            self[f] = own
        self.state["generation"] += 1
        _functions.clear()  # closures and classes were routed when they were first met
        _classes.clear()


own_derivatives = OwnDerivatives()


def route_function(f: types.FunctionType) -> Callable[..., Any]:
    if own_derivatives.generation and f in own_derivatives:
        return own_derivatives[f]  # type: ignore[no-any-return]
    known = _functions.get(id(f))
    if known is not None and known[0]() is f and all(cell_holds(*pair) for pair in known[2]):
        known[1].__globals__.refresh()  # type: ignore[attr-defined]
        return known[1]
    if type(f.__globals__) is RoutedGlobals:
        return f
    if composition_of(f) is not None:
        return RoutedFunction(f)
    if is_foreign(f.__code__.co_filename):
        return f
    return copy_function(f)


def cell_holds(cell: types.CellType, seen: Any) -> bool:
    try:
        return cell.cell_contents is seen
    except ValueError:
        return False


def copy_function(f: types.FunctionType) -> types.FunctionType:
    """The same code with routed globals and closure."""
    real = f.__globals__
    routed_globals = _globals.get(id(real))
    if routed_globals is None:
        routed_globals = _globals[id(real)] = RoutedGlobals(real)
    if stored_names(f.__code__)[0] and not any(known is routed_globals for known in _assigned):
        _assigned.append(routed_globals)
    cells = [(cell, types.CellType()) if routable_cell(f, name, cell) else (cell, cell) for name, cell in closure_of(f)]
    copy = types.FunctionType(f.__code__, routed_globals, f.__name__, None, tuple(new for _, new in cells))
    copy.__qualname__, copy.__module__, copy.__doc__ = f.__qualname__, f.__module__, f.__doc__
    copy.__dict__ = f.__dict__  # one and the same: functions may count their calls in an attribute
    copy.__defaults__ = f.__defaults__ and tuple(route(d) for d in f.__defaults__)
    copy.__kwdefaults__ = f.__kwdefaults__ and {name: route(d) for name, d in f.__kwdefaults__.items()}
    # known before the cells are filled: a recursive function is in its own closure
    replaced = [(cell, cell.cell_contents) for cell, new in cells if new is not cell]
    _functions[id(f)] = (weakref.ref(f, functools.partial(forget, id(f))), copy, replaced)
    for cell, new in cells:
        if new is not cell:
            new.cell_contents = route(cell.cell_contents)
    return copy


def forget(key: int, _: Any) -> None:
    _functions.pop(key, None)


def closure_of(f: types.FunctionType) -> list[tuple[str, types.CellType]]:
    return list(zip(f.__code__.co_freevars, f.__closure__ or ()))


def routable_cell(f: types.FunctionType, name: str, cell: types.CellType) -> bool:
    """Whether the closure needs a cell of its own: what it holds is routed and is not assigned by the function."""
    try:
        content = cell.cell_contents
    except ValueError:
        return False
    unchanged = isinstance(content, (int, float, str, Value, type(None))) or name == "__class__"  # super() compares it
    return not unchanged and name not in stored_names(f.__code__)[1]


def stored_names(code: types.CodeType) -> tuple[frozenset[str], frozenset[str]]:
    """Global and closure names that the code, or a function defined in it, assigns to."""
    found = _stored.get(code)
    if found is None:
        instructions = list(dis.get_instructions(code))
        in_globals = {i.argval for i in instructions if i.opname in ("STORE_GLOBAL", "DELETE_GLOBAL")}
        in_cells = {i.argval for i in instructions if i.opname in ("STORE_DEREF", "DELETE_DEREF")}
        for inner in code.co_consts:
            if isinstance(inner, types.CodeType):
                inner_globals, inner_cells = stored_names(inner)
                in_globals |= inner_globals
                in_cells |= inner_cells
        found = _stored[code] = (frozenset(in_globals), frozenset(in_cells))
    return found


class Running(threading.local):
    """How many derivatives are running inside each other, and the instances whose attributes they may have set."""

    depth = 0

    def __init__(self) -> None:
        self.twins: dict[int, Any] = {}  # by id: an attribute is looked up again and again


running = Running()


class RunningInside:
    """One run of a user's function; after the outermost, no value of ours stays in globals and attributes."""

    def __enter__(self) -> None:
        running.depth += 1

    def __exit__(self, *error: object) -> None:
        running.depth -= 1
        if running.depth == 0:
            for routed in _assigned:
                routed.settle()
            while running.twins:
                attributes = running.twins.popitem()[1].__dict__
                for name, value in attributes.items():
                    if isinstance(value, Value):
                        attributes[name] = settled(value)


running_inside = RunningInside()  # it holds no state: the count is the thread's


def settled(x: Any) -> Any:
    """The plain content of a value whose derivative has ended; a tensor stays one."""
    return x if isinstance(x, Value) and x.mode.level == 0 else plain(x)


def route_method(m: types.MethodType) -> Any:
    return types.MethodType(route(m.__func__), route(m.__self__))


def route_partial(p: functools.partial) -> Any:  # type: ignore[type-arg]
    return functools.partial(
        route(p.func), *[route(a) for a in p.args], **{key: route(a) for key, a in p.keywords.items()}
    )


def route_cached(f: Any) -> Any:
    """functools.cache would keep traced values and hand them out after their derivative has ended."""
    return route(f.__wrapped__)


# ---------------------------------------------------------------- the user's classes

_classes: "weakref.WeakKeyDictionary[type, type]" = weakref.WeakKeyDictionary()
UNTOUCHED = {"__new__", "__del__", "__class_getitem__", "__init_subclass__", "__set_name__", "__getattribute__"}


def route_class(kind: type) -> Any:
    """A subclass whose methods are routed copies.

    Limit: a method reached through super() runs as it is, so that what it writes into plain arrays is an error.
    """
    if kind in CONTAINERS or not is_routable_class(kind):
        return SCALARS.get(kind, kind)
    routed = _classes.get(kind)
    if routed is None:
        routed = types.new_class(kind.__name__, (kind,), {}, lambda namespace: namespace.update(routed_namespace(kind)))
        _classes[kind] = routed
    return routed


def is_routable_class(kind: type) -> bool:
    return (
        type(kind) in (type, abc.ABCMeta)
        and "__routed_from__" not in vars(kind)
        and all(is_users_class(base) and "__slots__" not in vars(base) for base in written_bases(kind))
        and "__init_subclass__" not in {name for base in written_bases(kind) for name in vars(base)}
    )


def written_bases(kind: type) -> list[type]:
    """The class and its bases without those that only mark it (object, ABC, Generic, Protocol)."""
    return [base for base in kind.__mro__ if base is not object and base.__module__ not in ("abc", "typing")]


CONTAINERS = frozenset({dict, list, tuple, type(None)})


def is_users_class(kind: type) -> bool:
    if kind.__module__ in ("builtins", "__main__"):  # a runner such as pytest puts itself in the place of __main__
        return kind.__module__ == "__main__"
    module = sys.modules.get(kind.__module__)
    if module is None:
        return True
    filename = getattr(module, "__file__", None)  # None for modules written in C
    return filename is not None and not is_foreign(filename)


def routed_namespace(kind: type) -> dict[str, Any]:
    namespace: dict[str, Any] = {}
    for base in reversed(written_bases(kind)):
        for name, member in vars(base).items():
            routed = route_member(member)
            if name not in UNTOUCHED and routed is not member:
                namespace[name] = routed
    namespace |= {
        "__routed_from__": kind,
        "__getattribute__": route_attribute,
        "__setattr__": set_attribute(kind),
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
        "__doc__": kind.__doc__,
    }
    return namespace


def route_member(member: Any) -> Any:
    if isinstance(member, types.FunctionType):
        return route_function(member)
    if isinstance(member, staticmethod | classmethod):
        return type(member)(route(member.__func__))
    if isinstance(member, property):
        return property(*[f and route(f) for f in (member.fget, member.fset, member.fdel)])
    return member


def route_attribute(self: Any, name: str) -> Any:
    value = object.__getattribute__(self, name)
    return value if name.startswith("__") or isinstance(value, types.MethodType) else route(value)


def set_attribute(kind: type) -> Callable[[Any, str, Any], None]:
    def set_plain(self: Any, name: str, value: Any) -> None:
        """`self.w -= 1` on an array from outside has written it already; what is kept is the array, not a buffer."""
        outside = isinstance(value, Buffer) and value.aux is OUTSIDE
        kind.__setattr__(self, name, value.primal if outside else value)  # type: ignore[call-arg]

    return set_plain


def route_instance(x: Any) -> Any:
    """A routed twin of an instance of a user's class; both share one __dict__."""
    kind = type(x)
    if hasattr(kind, "__routed_from__") or not hasattr(x, "__dict__") or not is_routable_class(kind):
        return x
    twin = object.__new__(route_class(kind))
    object.__setattr__(twin, "__dict__", x.__dict__)
    if running.depth:
        running.twins[id(x)] = x
    return twin


ROUTERS: dict[type, Callable[[Any], Any]] = {
    types.ModuleType: route_module,
    types.FunctionType: route_function,
    types.MethodType: route_method,
    functools.partial: route_partial,
    type(functools.cache(same)): route_cached,
    np.ndarray: route_array,
    np.ufunc: route_named,
    types.BuiltinFunctionType: lambda x: RoutedFunction(x) if package_of(x) in NAMED else x,
    **dict.fromkeys((int, float, complex, str, bytes, bool, type(None), list, tuple, dict, set), same),
}


def unroute(x: Any) -> Any:
    """What the user knows: the real function, module, class, or an instance of the real class."""
    if isinstance(x, RoutedFunction):
        return x.__wrapped__
    if isinstance(x, NamedModule | UserModule):
        return x.__wrapped_module__
    if isinstance(x, type):
        return original_class(x)
    if "__routed_from__" in vars(type(x)):
        object.__setattr__(x, "__class__", type(x).__routed_from__)
    return x


def give(x: Any) -> Any:
    """An argument that is not differentiated: its arrays become buffers, so that the caller's are never written."""
    if isinstance(x, np.ndarray) and x.dtype.kind in "fciub":
        return Buffer(CONSTANT, x, GIVEN)
    if isinstance(x, Value) and is_array(x) and not x.mode.lasts:
        return Buffer(CONSTANT, x.primal, GIVEN) if isinstance(x, Buffer) else x.snapshot()
    return route(x)


def route_structure(structure: Structure | None) -> Structure | None:
    """Containers whose dataclasses have routed methods."""
    return with_kinds(route_class, structure)


def original_structure(structure: Structure | None) -> Structure | None:
    """The user's own dataclasses, not their routed twins."""
    return with_kinds(original_class, structure)


def give_all(tree: Any, given: dict[int, Any] | None = None) -> Any:
    """Arguments that are not differentiated; `given` stands for those of the whole call: one array stays one."""
    leaves, structure = flatten(tree)
    given = {} if given is None else given
    for leaf in leaves:
        if id(leaf) not in given:
            given[id(leaf)] = give(leaf)
    return unflatten(route_structure(structure), [given[id(leaf)] for leaf in leaves])


# ---------------------------------------------------------------- closures as arguments


def hoist(f: Callable[..., Any]) -> tuple[list[Any], Callable[[list[Any]], Callable[..., Any]]]:
    """The traced values that f finds in its closure, and f with others in their place."""
    if not isinstance(f, types.FunctionType):
        return [], lambda captured: f
    places = [i for i, (name, cell) in enumerate(closure_of(f)) if holds_traced(cell_content(cell))]

    def rebuild(captured: list[Any]) -> Callable[..., Any]:
        if not places:
            return f
        cells = list(f.__closure__ or ())
        for i, value in zip(places, captured):
            cells[i] = types.CellType(value)
        copy = types.FunctionType(f.__code__, f.__globals__, f.__name__, f.__defaults__, tuple(cells))
        copy.__kwdefaults__ = f.__kwdefaults__
        return copy

    return [cell_content((f.__closure__ or ())[i]) for i in places], rebuild


def cell_content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None
