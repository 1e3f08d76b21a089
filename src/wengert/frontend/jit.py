"""`jit`: programs of a function, one for each kind of arguments, built when they are first needed."""

import functools
import gc
import inspect
import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import wengert.transforms  # noqa: F401  fills the columns of the rows of control flow
from wengert.core.diagnostic import Diagnostic, Position, definition
from wengert.core.layout import Layout, layout_of
from wengert.core.lazy import lazy
from wengert.core.mode import Value, decide, is_array, lane_of, unbuffer
from wengert.core.tree import flatten, paths, unflatten
from wengert.frontend.build import Staging
from wengert.frontend.capture import known_number, parameter, same_fact
from wengert.frontend.expressions import Message
from wengert.frontend.read import Source
from wengert.frontend.refuse import Ended, NeedsGeneral, NeedsSpecialising
from wengert.frontend.route import own_derivatives
from wengert.frontend.scope import ACTIVE, Transparent, is_box, root_of
from wengert.ir.evaluate import evaluate
from wengert.ir.program import Program, Var, has_extents, result_types
from wengert.passes.optimise import optimise, prepare
from wengert.rules.control import call, value_type
from wengert.rules.lanes import whole

if TYPE_CHECKING:
    from wengert.frontend.machine import Machine

# who compiles nothing need not wait for the import of what compiles
compiled, machine = lazy("wengert.frontend.compiled"), lazy("wengert.frontend.machine")

NUMBERS = (int, float, complex, np.number, np.bool_, Value)


def is_operand(x: Any) -> bool:
    """Whether an argument is a value of the program; other arguments are facts that it is built for."""
    if isinstance(x, np.ndarray):
        return x.dtype.kind in "fciub"
    return isinstance(x, NUMBERS) and not isinstance(x, bool)


@dataclass
class Built:
    """
    program     (operands, hidden inputs) -> (results, contents of arrays that were written)
    structure   of what the function returns
    leaves      of that: what is no number, and where numbers belong
    places      which leaves of the arguments are operands
    written     which operands are written
    guards      operands and hidden inputs whose value the program was built for
    layouts     how operands and hidden inputs lay in memory, which decides what NumPy's views are, where arrays are
                written; else None
    """

    program: Program
    structure: Any
    leaves: list[Any]
    places: list[int]
    written: list[int]
    guards: list[tuple[int, Any]]
    layouts: list[Layout] | None
    staging: Staging

    @functools.cached_property
    def optimised(self) -> Program:
        """The program as it runs where no derivative is taken."""
        with compiling():
            return optimise(self.program)

    @functools.cached_property
    def machine(self) -> "Machine":
        """The program as machine code."""
        with compiling():
            found: Machine = machine.machine_of(self.optimised)
            return found

    def returned(self) -> list[tuple[Any, bool]]:
        """What the function returns: leaves, and whether they are results of the program."""
        return [(x, x is RESULT) for x in self.leaves]

    def hidden(self, operands: list[Any]) -> list[Any] | None:
        """The hidden inputs of a call with these operands; None where the program was built for other facts."""
        captured = self.staging.captured
        if not captured.hold():
            return None
        hidden = [read() for _, read in captured.inputs]
        values = [*operands, *hidden]
        if not all(same_fact(known_number(values[i]), seen) for i, seen in self.guards):
            return None
        if self.layouts is not None and [layout_of(lane_of(x)) for x in values] != self.layouts:
            return None
        return hidden if all(value_type(x) == var.type for x, (var, _) in zip(hidden, captured.inputs)) else None


BACKENDS = ("llvm", "numpy")
VARIABLE = "WENGERT_BACKEND"  # one of them, for who names none
ENTRIES = 8  # one asks the next whether the arguments are of its kind


class Jitted(Transparent):
    """
    backend   what runs the programs;  programs  by the kind of their arguments
    __call__  what sees the arguments first: machine code, where there is some; a slot, since Python finds it there
              without a call of its own
    """

    __slots__ = ("__call__",)
    __call__: Callable[..., Any]
    __name__: str

    def __init__(self, f: Callable[..., Any], backend: str | None = None) -> None:
        backend = backend or os.environ.get(VARIABLE) or BACKENDS[0]
        if backend not in BACKENDS:
            raise ValueError(f"backend is {backend!r}, and can be {' or '.join(map(repr, BACKENDS))}")
        functools.update_wrapper(self, f)
        self.f, self.backend = f, backend
        self.programs: dict[Any, list[Built]] = {}
        self.__call__ = self.general
        self.entered: list[Built] = []  # which have an entry there

    def general(self, *args: Any, **kwargs: Any) -> Any:
        """For arguments of any kind."""
        leaves, structure = arguments(args, kwargs)
        operands = [x for x in leaves if is_operand(x)]
        if overlap(operands):
            return self.f(*args, **kwargs)
        built, hidden = self.built(leaves, structure, operands)
        around = ACTIVE.get()
        hidden = hidden if around is None else around.share(built.staging.captured)
        if around is not None:
            around.has_writes = around.has_writes or built.staging.has_writes
        values = [*operands, *hidden]
        for i, _ in built.guards:
            decide(values[i])  # a number that a program around this one knows: that holds for this number only, too
        if any(isinstance(x, Value) for x in values):
            outs = self.called(built, values, leaves, structure)
        elif self.backend == "llvm":
            outs = self.computed(built, values, leaves, structure, args, kwargs)
        else:
            outs = self.evaluated(built, values, args, kwargs)
        if around is not None:
            outs = around.stage.renamed(outs, values)
        if built.staging.ended:  # here a program around this one is built: nothing of it comes after
            raise Ended
        count = len(built.program.results) - len(built.written)
        results = iter([own(x, values) for x in outs[:count]])  # before an array that they look into is written
        for i, new in zip(built.written, outs[count:]):
            operands[i][...] = new
        found = [next(results) if x is RESULT else x for x in built.leaves]
        return unflatten(built.structure, found)

    def called(self, built: Built, values: list[Any], leaves: list[Any], structure: Any) -> Sequence[Any]:
        """What the program gives for values of any mode, each an array."""
        run = compiled.run if self.backend == "llvm" else call
        outs = zip(run(*values, program=built.program), result_types(built.program))
        return [whole(x, type=t) if has_extents(t) else x for x, t in outs]

    def computed(
        self,
        built: Built,
        values: list[Any],
        leaves: list[Any],
        structure: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Sequence[Any]:
        """What machine code gives; where it fails, the interpreter tells why."""
        outs = built.machine.run(values)
        self.enter(built, structure, leaves)
        return self.evaluated(built, values, args, kwargs) if outs is None else outs

    def enter(self, built: Built, structure: Any, leaves: list[Any]) -> None:
        """Let machine code see arguments of this kind first."""
        is_new = all(b is not built for b in self.entered)
        is_plain = not built.machine.prints and not built.staging.captured.draws() and not any(built.layouts or ())
        if is_new and is_plain and len(self.entered) < ENTRIES:
            self.__call__ = built.machine.entry(built, structure, leaves, self.__call__)
            self.entered.append(built)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Make ready for arguments of this kind: stage, and compile; nothing is run."""
        leaves, structure = arguments(args, kwargs)
        built, _ = self.built(leaves, structure, [x for x in leaves if is_operand(x)])
        if self.backend == "llvm":
            self.enter(built, structure, leaves)

    def evaluated(self, built: Built, values: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """What the program gives.  Where it raises, no argument is written yet: Python does what precedes that."""
        try:
            return evaluate(built.optimised, values)
        except Exception as error:
            if not built.staging.writes or built.staging.captured.draws():
                raise
            try:
                with redirect_stdout(io.StringIO() if built.staging.prints else sys.stdout):  # printed already
                    self.f(*args, **kwargs)
            except Exception as same:
                for note in getattr(error, "__notes__", ()):
                    same.add_note(note)
                raise same from None
            raise RuntimeError(f"the program of `{self.__name__}` raises an exception, and Python does not") from error

    def built(self, leaves: list[Any], structure: Any, operands: list[Any]) -> tuple[Built, list[Any]]:
        """The program for these arguments, which is built if there is none, and its hidden inputs."""
        key = (own_derivatives.generation, structure, *(kind_of(x, operands) for x in leaves))
        for built in self.programs.get(key, ()):
            hidden = built.hidden(operands)
            if hidden is not None:
                return built, hidden
        built = build(self.f, leaves, structure, [i for i, x in enumerate(leaves) if is_operand(x)])
        self.programs.setdefault(key, []).append(built)
        hidden = built.hidden(operands)
        assert hidden is not None
        return built, hidden

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __repr__(self) -> str:
        return f"<jit of {self.f!r}>"


def jit(f: Callable[..., Any], *, backend: str | None = None) -> Jitted:
    """f compiled: loops stay loops, branches stay branches, and only what depends on the arguments is computed.

    f   a function, method, lambda, callable object or partial, in ordinary Python with NumPy, whose source Python can
        read.  Its loops, branches on values, in-place writes and helpers are read from the source and become a typed
        program, once for each kind of arguments (shapes, dtypes, structure; other objects and what the function reads
        from outside are compared at each call, so that a change is seen).
    backend   "llvm" compiles the program to machine code, which is kept on disk (the environment variable WENGERT_CACHE
        names the folder, or says "off"); "numpy" runs it one NumPy call at a time, which starts sooner and can do all
        that NumPy can.  Without a name, what the environment variable WENGERT_BACKEND says, or else "llvm".

    The result behaves as f does, writes into its arguments included, and composes with every derivative in any order.
    Raises Diagnostic W601 (no source), W602 (what cannot be staged, every place), W604 (what has no machine code), and
    the exceptions of f at its lines.

    >>> import numpy as np
    >>> import wengert as wg
    >>> def newton(a, x):
    ...     while abs(x * x - a) > 1e-12:
    ...         x = 0.5 * (x + a / x)
    ...     return x
    >>> root = wg.jit(newton)
    >>> round(root(2.0, 1.0), 12)
    1.414213562373
    >>> round(wg.derivative(root)(2.0, 1.0), 6)
    0.353553
    >>> slope = wg.jit(wg.derivative(newton))  # as fast as written by hand
    >>> round(float(slope(2.0, 1.0)), 6)
    0.353553
    """
    return Jitted(f, backend)


def built_for(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Built:
    """What `jit(f)` runs for these arguments."""
    leaves, structure = arguments(args, kwargs)
    jitted = f if isinstance(f, Jitted) else Jitted(f)
    return jitted.built(leaves, structure, [x for x in leaves if is_operand(x)])[0]


def arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Any], Any]:
    leaves, structure = flatten((args, kwargs))
    return [x.item() if isinstance(x, np.bool_) else x for x in leaves], structure


class RESULT:
    """In place of a number among the leaves of what a function returns."""


def kind_of(x: Any, operands: list[Any]) -> Any:
    if not is_operand(x):
        return Fact(x)
    type = value_type(x)
    is_array = getattr(type, "form", None) == "array"
    return (type, next(i for i, other in enumerate(operands) if other is x)) if is_array else type


class Fact:
    """An argument that is no number, as part of a key."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        return hash(type(self.value))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fact) and same_fact(self.value, other.value)


def overlap(operands: list[Any]) -> bool:
    """Whether two different arrays share memory: then Python itself runs the function."""
    arrays = list({id(x): x for x in operands if isinstance(x, np.ndarray | Value)}.values())
    return any(share_memory(x, y) for i, x in enumerate(arrays) for y in arrays[:i])


def share_memory(x: Any, y: Any) -> bool:
    """Traced arrays do where they are views of one array; a Buffer is a plain array under another name."""
    x, y = unbuffer(x), unbuffer(y)
    if isinstance(x, np.ndarray) and isinstance(y, np.ndarray):
        return np.may_share_memory(x, y)
    return isinstance(x, Value) and isinstance(y, Value) and root_of(x) is root_of(y)


def own(x: Any, operands: list[Any]) -> Any:
    """Results never share memory with arguments, nor with constants of the program."""
    if not isinstance(x, np.ndarray):
        return x
    shared = x.base is not None or not x.flags.writeable or any(x is y for y in operands)
    return x.copy() if shared else x


def build(f: Callable[..., Any], leaves: list[Any], structure: Any, places: list[int]) -> Built:
    """Stage one call."""
    with compiling():
        general: list[Source] = []
        while True:
            try:
                return staged(f, leaves, structure, places, general=general)
            except NeedsGeneral as found:
                general.append(found.source)
            except NeedsSpecialising:
                return staged(f, leaves, structure, places, specialised=True)


@contextmanager
def compiling() -> Iterator[None]:
    """An interpreter of calls inside calls, or of branches inside branches, needs many frames of its own for each.

    Hardly an object that is made here is garbage: the collector would walk through all that the user has for nothing.
    """
    limit, collects = sys.getrecursionlimit(), gc.isenabled()
    sys.setrecursionlimit(max(limit, 20_000))
    gc.disable()
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
        if collects:
            gc.enable()


@contextmanager
def active(staging: Staging) -> Iterator[None]:
    token = ACTIVE.set(staging)
    try:
        yield
    finally:
        ACTIVE.reset(token)


def staged(
    f: Callable[..., Any],
    leaves: list[Any],
    structure: Any,
    places: list[int],
    specialised: bool = False,
    general: Sequence[Source] = (),
) -> Built:
    staging = Staging(getattr(f, "__name__", type(f).__name__), specialised, general)
    stage = staging.stage
    with active(staging), stage.building(staging.refusals.function) as block:
        values, seen = list(leaves), dict[int, Any]()
        names = argument_names(f, structure, leaves)
        for i in places:
            x = leaves[i]
            if id(x) in seen and is_array(x):
                values[i] = seen[id(x)]
                continue
            values[i] = seen[id(x)] = parameter(stage, names[i], x)
        params = [values[i].aux for i in places]
        stage.free.update(params)  # the caller holds them anyway
        staging.arguments = [values[i] for i in places if is_box(values[i])]
        args, kwargs = unflatten(structure, values)
        out = staging.whole(f, list(args), kwargs)
        found, shape = flatten(out)
        refuse_texts(found, definition(inspect.unwrap(f)))
        numbers = [x for x in found if is_result(x)]
        written = [k for k, i in enumerate(places) if values[i].aux is not params[k]]
        written = [k for k in written if not any(values[places[j]] is values[places[k]] for j in written if j < k)]
        results = [stage.operand(x) for x in [*numbers, *(values[places[k]] for k in written)]]
    stage.finished = True
    own_params = [p for i, p in enumerate(params) if p not in params[:i]]
    hidden = [var for var, _ in staging.captured.inputs]
    assert block.program.params == [*own_params, *hidden]
    program = Program([*params_apart(params), *hidden], block.program.equations, results, block.program.name)
    kept = [RESULT if is_result(x) else x for x in found]
    # only what is guarded is read: random numbers are drawn once for each call
    reads = [*(lambda i=i: leaves[i] for i in places), *(read for _, read in staging.captured.inputs)]
    guards = [(k, known_number(reads[k]())) for k, p in enumerate([*params, *hidden]) if p in stage.guards]
    lay = [*(layout_of(lane_of(leaves[i])) for i in places), *staging.captured.layouts]
    layouts = lay if staging.has_writes else None
    return Built(prepare(program), shape, kept, places, written, guards, layouts, staging)


def params_apart(params: list[Var]) -> list[Var]:
    """One parameter for each operand; an array that is passed twice is read from the first."""
    return [p if p not in params[:i] else Var(p.name, p.type) for i, p in enumerate(params)]


def refuse_texts(leaves: list[Any], where: Position | None) -> None:
    for x in leaves:
        if isinstance(x, Message):
            raise Diagnostic(
                "W602",
                "a text with values of the program in it is returned",
                "texts are made while the function is staged, when its values are not known",
                "return the values, and make the text of them",
                where,
            )


def is_result(x: Any) -> bool:
    return isinstance(x, bool | np.bool_ | np.ndarray) or is_operand(x)


def argument_names(f: Callable[..., Any], structure: Any, leaves: list[Any]) -> list[str]:
    """What the function calls its arguments."""
    args, kwargs = unflatten(structure, leaves)
    try:
        bound = inspect.signature(f).bind(*args, **kwargs).arguments
    except (TypeError, ValueError):
        return [f"x{i}" for i in range(len(leaves))]
    found = {id(leaf): path for name, value in bound.items() for path, leaf in paths(value, name)}
    names = [found.get(id(leaf), f"x{i}") for i, leaf in enumerate(leaves)]
    return [re.sub(r"\W+", "_", name).strip("_") for name in names]
