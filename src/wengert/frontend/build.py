"""A Python function becomes a program: its syntax tree is interpreted, only what depends on run-time values is staged.

Containers, strings, classes and control flow over them are Python's own and are executed here; an operation on a
variable of the program becomes an equation, because the variable is a value of the mode `Stage`.
"""

import ast
import builtins
import functools
import operator
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FunctionType
from typing import Any

from wengert.core.diagnostic import Diagnostic, Position
from wengert.core.layout import layout_of
from wengert.core.mode import Buffer, Value, lane_of
from wengert.core.tree import open_container
from wengert.frontend import branches, calls, expressions, statements
from wengert.frontend.attempt import Part
from wengert.frontend.capture import Captured, Read, is_input, parameter
from wengert.frontend.helpers import Helper, Recording
from wengert.frontend.read import Source
from wengert.frontend.refuse import (
    PYTHON_ERRORS,
    Ended,
    Endless,
    NeedsSpecialising,
    NeedsUnrolling,
    Refusals,
    Refused,
    Spoiled,
    changed_outside,
    global_assigned,
    outer_assigned,
    places_of,
    refusal_of,
    written_outside,
)
from wengert.frontend.route import RoutedGlobals
from wengert.frontend.scope import (
    ACTIVE,
    BROKEN,
    CONTINUED,
    RETURNED,
    Alias,
    Closure,
    Entered,
    Frame,
    Maybe,
    Name,
    Poison,
    Unbound,
    bound_names,
    is_box,
    root_of,
)
from wengert.ir.program import Var, is_unnamed, numeric
from wengert.modes.stage import NeedsValue, Stage, Staged
from wengert.rules import elementwise
from wengert.rules.control import check, value_type, weak

MAY_BE_ANOTHER = "an array is written that may have another name, depending on branches and loops before"


class FunctionStage(Stage):
    """The stage of a function's program, which may read values from outside."""

    def __init__(self, staging: "Staging") -> None:
        super().__init__()
        self.staging = staging

    def foreign(self, x: Value) -> Staged:
        return self.staging.foreign(x)

    def before_write(self, x: Value) -> None:
        self.staging.before_write(x)


class Staging:
    """One program being built from a function.

    specialised   branches on whole numbers among the arguments are decided now, and the program is guarded
    general   functions whose arguments are values of the program, constants too
    made      containers and objects that the function made itself, by id, with the region that they were made in and
              how many were made before
    given     containers among the arguments and the values in them, by id
    helpers   programs of functions that were called, by signature (see helpers.py)
    recordings  calls that are being staged, from the outside in
    regions   what is being staged around the current statement: "branch" or "loop", from the outside in
    plans     what earlier attempts at a loop found out (see attempt.py)
    """

    def __init__(self, name: str, specialised: bool = False, general: Sequence[Source] = ()) -> None:
        self.specialised, self.general = specialised, general
        self.calls_itself = False  # somewhere a function does, when the program runs
        self.parent = ACTIVE.get()  # the program that this one is built inside
        self.stage = FunctionStage(self)
        self.ended = False  # an exception is always raised
        self.has_writes = False  # somewhere an array is written
        self.writes = False  # somewhere arrays of the caller's are written
        self.prints = False
        self.held: list[Value] = []  # of programs and derivatives around this one
        self.frames: list[Frame] = []
        self.captured = Captured()
        self.refusals = Refusals(name)
        self.made: dict[int, tuple[Any, int, int]] = {}
        self.given: dict[int, Any] = {}
        self.helpers: dict[Any, list[Helper]] = {}
        self.recordings: list[Recording] = []
        self.regions: list[str] = []
        self.plans: dict[Any, Any] = {}
        self.aliases: list[Alias] = []
        self.parts: list[Part] = []  # arrays that names led to when the iterations around began
        self.arguments: list[Staged] = []  # arrays that the caller sees
        self.tests: dict[Var, Staged] = {}  # truth values of Python -> what they were made of, good for tests

    @property
    def frame(self) -> Frame:
        return self.frames[-1]

    # ------------------------------------------------------------ statements

    def block(self, body: Sequence[ast.stmt]) -> None:
        """Statements in order; after one that may have left the function or the loop, the rest is conditional."""
        for k, statement in enumerate(body):
            self.statement(statement)
            stop = self.stopped()
            if stop is True:
                return
            if stop is not False:
                rest = list(body[k + 1 :])
                if rest:
                    self.conditional(self.negated(stop), lambda: self.block(rest), lambda: None)  # noqa: B023
                return

    def stopped(self) -> Any:
        """Whether the rest of the block is skipped: True, False, or a value of the program."""
        out: Any = False
        for flag in (RETURNED, BROKEN, CONTINUED):
            state = self.frame.names.get(flag, False)
            if state is True:
                return True
            if state is not False:
                out = state if out is False else elementwise.logical_or(out, state)
        return out

    def statement(self, node: ast.stmt) -> None:
        self.stage.where = self.frame.source.position(node)
        try:
            statements.handler_of(node)(self, node)
        except Endless:
            raise
        except Refused as refused:
            self.refusals.note(self.place_of(refused, node), refused)
            self.spoil(node)
        except Spoiled:
            self.spoil(node)
        except PYTHON_ERRORS as error:
            self.raises(type(error), error.args)
            raise Ended from None
        except (NeedsValue, NeedsUnrolling) as needs:
            needs.where = needs.where or self.stage.where or self.frame.source.position(node)
            if "loop" in self.regions:
                raise
            self.refusals.note(needs.where, refusal_of(needs))
            self.spoil(node)

    def whole(self, f: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """The call that the program is made of; what cannot be staged is one error."""
        given = [x for x in [*args, *kwargs.values()] if not isinstance(x, Value)]
        self.given = {id(part): part for x in given for part in inner_parts(x)}
        try:
            out = self.call(f, args, kwargs)
        except (NeedsValue, NeedsUnrolling) as needs:
            self.note(refusal_of(needs), getattr(needs, "where", None))
        except Refused as refused:
            self.note(refused, getattr(refused, "where", None))
        except Spoiled:
            pass
        except Diagnostic as found:
            if not self.refusals.places:
                raise
            for place in found.places or places_of(found, self.stage.where):
                self.refusals.add(place)
        except PYTHON_ERRORS:
            if not self.refusals.places:  # else the error may follow from what was refused
                raise
        except Ended:
            out, self.ended = None, True
        self.helpers.clear()
        if self.refusals.places:
            if (self.calls_itself or self.general) and not self.specialised:
                raise NeedsSpecialising  # constants may do
            raise self.refusals.diagnostic() from None
        return out

    def note(self, refused: Refused, where: Position | None) -> None:
        self.refusals.note(where or self.stage.where or Position("<unknown>", 1), refused)

    def place_of(self, refused: Refused, node: ast.stmt) -> Position:
        return getattr(refused, "where", None) or self.frame.source.position(node)

    def spoil(self, node: ast.stmt) -> None:
        for name in bound_names([node]):
            self.frame.names[name] = Poison()

    # ------------------------------------------------------------ expressions

    def eval(self, node: ast.expr) -> Any:
        handler = expressions.handler_of(node)
        if isinstance(node, expressions.PLACED):
            self.stage.where = self.frame.source.position(node)
        return handler(self, node)

    def is_constant(self, x: Any) -> bool:
        """Whether x is a value of the program that is the same at each run."""
        return isinstance(x, Staged) and x.mode is self.stage and self.stage.is_constant(x)

    def is_known(self, x: Any) -> bool:
        """Whether x is a number that is known while the program is built."""
        return type(x) in (int, float) or (
            isinstance(x, Staged) and x.shape == () and x.fresh().aux in self.stage.known
        )

    def is_general(self, source: Source) -> bool:
        """Whether calls of the function may differ in numbers, known ones too."""
        return any(source is general for general in self.general)

    def may_be_general(self, frame: Frame) -> bool:
        """Whether that would make it one function, which calls itself, where its first calls are staged apart now."""
        if self.specialised or self.is_general(frame.source):
            return False
        return self.frames[0].source is frame.source or any(map(self.is_known, frame.names.values()))

    def negated(self, x: Any) -> Any:
        return elementwise.logical_not(x) if isinstance(x, Value) else not x

    def as_bool(self, x: Any) -> Any:
        """A truth value as Python's bool, whose sums are numbers."""
        if not (isinstance(x, Staged) and x.mode is self.stage) or numeric(value_type(x)).form != "scalar":
            return x
        out = weak(x)
        self.tests[out.aux] = x
        return out

    def test(self, node: ast.expr) -> Any:
        return expressions.test(self, node)

    def truth(self, x: Any) -> Any:
        """True, False, or a truth value of the program."""
        if not isinstance(x, Value):
            return bool(x)
        x = x.fresh()
        if isinstance(x, Buffer):
            return bool(x.primal)
        x = self.tests.get(x.aux, x) if x.mode is self.stage else x
        if x.mode is self.stage and (self.stage.is_constant(x) or (self.specialised and x.aux in self.stage.known)):
            return bool(self.stage.decide(x))
        if x.size != 1:
            raise ValueError(
                "The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()"
            )
        if x.shape:
            x = x.reshape(())
        return x if x.dtype.kind == "b" else elementwise.not_equal(x, 0)

    # ------------------------------------------------------------ names

    def load(self, name: str) -> Any:
        frame = self.frame
        name = frame.source.mangled(name)
        if name in frame.names and name not in frame.nonlocals:
            return self.own_value(self.bound(name, frame.names[name]))
        if name in frame.cells:
            self.note_read(frame.cells[name], name)
            return self.own_value(self.bound(name, frame.cells[name].names.get(name, Unbound)))
        f = self.outermost(frame)
        if name in f.__code__.co_freevars:
            cell = (f.__closure__ or ())[f.__code__.co_freevars.index(name)]
            return self.fact(("cell", id(cell)), lambda: cell.cell_contents, name)
        if name in expressions.locals_of(frame) and name not in frame.outer_names:
            raise UnboundLocalError(f"cannot access local variable '{name}' where it is not associated with a value")
        module = self.globals_of(frame)
        if name in module:
            return self.fact(("global", id(module), name), functools.partial(operator.getitem, module, name), name)
        if hasattr(builtins, name):
            return getattr(builtins, name)
        raise NameError(f"name '{name}' is not defined")

    def note_read(self, owner: Frame, name: str) -> None:
        """A name of an enclosing frame is read: what is staged for it holds where the name holds the like of it."""
        value = owner.names.get(name, Unbound)
        if isinstance(value, Entered):
            value = value.read()
        for recording in self.recordings:
            recording.read(owner, name, value)
        if self.parent is not None:
            self.parent.note_read(owner, name)

    def note_rebinding(self, frame: Frame) -> None:
        """A function begins that may give names of enclosing frames other values."""
        for recording in self.recordings:
            recording.rebinds(frame)
        if self.parent is not None:
            self.parent.note_rebinding(frame)

    def note_change(self, x: Any) -> None:
        """An object is changed: calls that did not make it are staged each for itself."""
        _, _, number = self.made[id(x)]
        for recording in self.recordings:
            recording.is_apart |= number < recording.made

    def globals_of(self, frame: Frame) -> dict[str, Any]:
        found: dict[str, Any] = self.outermost(frame).__globals__
        return found.real if isinstance(found, RoutedGlobals) else found

    def outermost(self, frame: Frame) -> FunctionType:
        """The function of Python's in whose text the frame's function stands."""
        f = frame.function
        while isinstance(f, Closure):
            f = f.frame.function
        assert isinstance(f, FunctionType)
        return f

    def bound(self, name: str, value: Any) -> Any:
        """The value, after a check that the name has one."""
        if isinstance(value, Entered):
            value = value.read()
        value = self.usable(f"`{name}`", value)
        if value is Unbound:
            raise UnboundLocalError(f"cannot access local variable '{name}' where it is not associated with a value")
        if isinstance(value, Maybe):
            message = f"cannot access local variable '{name}' where it is not associated with a value"
            check(value.bound, error=UnboundLocalError, arguments=(message,))
            return value.value
        return value

    def usable(self, called: str, value: Any) -> Any:
        """The value, where it is one whatever the run decides."""
        if isinstance(value, Poison):
            if value.reason is None:
                raise Spoiled
            raise Refused(f"{called} {value.reason}", "give it values of one kind on all ways that lead here")
        return value

    def store(self, name: str, value: Any) -> None:
        frame = self.frame
        name = frame.source.mangled(name)
        if name in frame.outer_names:
            raise global_assigned(name)
        if name in frame.nonlocals and name not in frame.cells:
            raise outer_assigned(name)
        self.name_result(value, name)
        frame.owner(name).names[name] = value

    def name_result(self, value: Any, name: str) -> None:
        """The program calls its variables as the user does."""
        if isinstance(value, Staged) and is_unnamed(value.aux.name):
            value.aux.name = name

    # ------------------------------------------------------------ facts from outside

    def fact(self, key: Any, read: Read, name: str, varies: bool = False) -> Any:
        """A value that lives outside: an input of the program where it is a number or an array, else guarded.

        varies  it is another at each call, a whole number, too
        """
        if key in self.captured.values:
            return self.captured.values[key]
        for recording in self.recordings if varies else ():
            recording.is_apart = True
        value = read()
        if varies and not isinstance(value, Value):
            seen = self.input(name, value, read, is_known=False)
        elif isinstance(value, Staged) and value.mode is self.stage:
            seen = value
        elif is_input(value):
            seen = self.input(name, value, read)
        else:
            self.captured.guards[key] = (read, value)
            seen = value
        self.captured.values[key] = seen
        return seen

    def input(self, name: str, value: Any, read: Read, is_known: bool = True) -> Any:
        """A hidden parameter of the whole program; a whole number may be known while it is built."""
        with self.stage.within(self.stage.blocks[0]):
            made = parameter(self.stage, name, value, is_known)
        self.stage.free.add(made.aux)
        self.captured.inputs.append((made.aux, read))
        self.captured.layouts.append(layout_of(lane_of(value)))
        return made

    def share(self, inner: Captured) -> list[Any]:
        """The hidden inputs of a program that is called in this one; its guards are guards of both."""
        for key, guard in inner.guards.items():
            self.captured.guards.setdefault(key, guard)
        keys = {x.aux: key for key, x in inner.values.items() if isinstance(x, Staged)}
        return [self.shared(keys[var], read, var.name) for var, read in inner.inputs]

    def shared(self, key: Any, read: Read, name: str) -> Any:
        value = read()
        is_traced = isinstance(value, Value) and not isinstance(value.fresh(), Buffer)
        for recording in self.recordings if is_traced else ():
            recording.is_apart = True  # where the other program found it is not known
        return value if is_traced else self.fact(key, read, name, varies=key[0] == "draw")

    def foreign(self, x: Value) -> Staged:
        """A value of another program, or of a derivative around this one: a hidden input."""
        key = ("value", id(x.aux) if isinstance(x, Staged) else id(x))
        found = self.captured.values.get(key)
        if found is None:
            self.held.append(x)  # the key is its own as long as it lives
            kept = x.snapshot()
            found = self.captured.values[key] = self.input("outer", kept, lambda: kept)
        assert isinstance(found, Staged)
        return found

    def own_value(self, x: Any) -> Any:
        """What a closure holds; a value of the program around this one becomes an input of this one."""
        if not isinstance(x, Value) or isinstance(x.fresh(), Buffer) or x.mode is self.stage:
            return x
        return self.foreign(x)

    def is_made(self, x: Any) -> bool:
        """Whether x is the function's own, or that of a function around it: nothing of it is read at later calls."""
        return id(x) in self.made or (self.parent is not None and self.parent.is_made(x))

    def own(self, x: Any) -> Any:
        """Remember that x was made here, and may be changed here."""
        first = self.made[id(x)][2] if id(x) in self.made else len(self.made)
        self.made[id(x)] = (x, len(self.regions), first)
        return x

    def may_change(self, x: Any, what: str) -> None:
        """Refuse a change that escapes, or that a region could not undo."""
        entry = self.made.get(id(x))
        if entry is None:
            raise changed_outside(what)
        inside = self.regions[entry[1] :]
        if "branch" in inside:
            raise Refused(
                f"{what} happens in a branch that is taken or not when the program runs",
                "bind a name in both branches, and change the object after them",
            )
        if inside:
            raise NeedsUnrolling(f"{what} happens in a loop of the program", "write into an array that was made before")
        self.note_change(x)

    # ------------------------------------------------------------ regions

    def conditional(self, test: Any, then: Callable[[], Any], orelse: Callable[[], Any]) -> Any:
        return branches.conditional(self, test, then, orelse)

    @contextmanager
    def region(self, kind: str) -> Iterator[None]:
        self.regions.append(kind)
        try:
            yield
        finally:
            self.regions.pop()

    @contextmanager
    def inside(self, frame: Frame) -> Iterator[None]:
        self.frames.append(frame)
        try:
            yield
        finally:
            self.frames.pop()

    def raises(self, kind: type[BaseException], arguments: tuple[Any, ...]) -> None:
        statements.raise_if(self, False, kind, arguments)

    def set_attribute(self, base: Any, name: str, value: Any) -> None:
        statements.set_attribute(self, base, name, value)

    def assign(self, target: ast.expr, value: Any) -> None:
        statements.assign(self, target, value)

    def eval_error(self, node: ast.expr) -> tuple[type[BaseException], tuple[Any, ...]]:
        """The class and the arguments of an exception that is raised."""
        if isinstance(node, ast.Call):
            kind = self.eval(node.func)
            if isinstance(kind, type) and issubclass(kind, BaseException) and not node.keywords:
                return kind, tuple(expressions.items(self, node.args))
        value = self.eval(node)
        if not isinstance(value, BaseException | type):
            raise TypeError("exceptions must derive from BaseException")
        return (value, ()) if isinstance(value, type) else (type(value), value.args)

    def before_write(self, x: Value) -> None:
        """Refuse a write that would have to reach another array in cases that nobody can tell apart."""
        root = root_of(x)
        if is_box(root) and not self.is_argument(root) and self.is_captured(root):
            raise written_outside()
        self.note_write(root)
        self.give_up_names(root)
        for array in self.followed([root], lambda a: (a.box, a.source)):
            if any(a.when is None for a in self.aliases_of(array)):
                raise Refused(MAY_BE_ANOTHER, "copy it where it gets its second name (`a = b.copy()`)")

    def followed(self, arrays: list[Any], ends: Callable[[Alias], tuple[Any, Any]], unknown: bool = False) -> list[Any]:
        """The arrays with those that aliases lead to from them; `unknown` whether also where the run decides."""
        found = list(arrays)
        for x in found:  # which grows
            for first, second in (ends(a) for a in self.aliases if a.when is not None or unknown):
                if first is x and not any(second is y for y in found):
                    found.append(second)
        return found

    def give_up_names(self, root: Any) -> None:
        """Names that a branch or a loop left with an array that is written now: to read them again is refused."""
        down = lambda a: (a.source, a.box)
        written = self.followed(self.followed([root], lambda a: (a.box, a.source)), down)
        lost = [a.box for a in self.aliases if a.when is None and any(a.source is x for x in written)]
        boxes = [x for x in self.followed(lost, down, unknown=True) if x is not root]
        if not boxes:
            return
        for frame in self.all_frames():
            for name, value in frame.names.items():
                while isinstance(value, Maybe | Entered):
                    value = value.value
                if isinstance(value, Value) and any(root_of(value) is box for box in boxes):
                    frame.names[name] = Poison("is another name of an array that is written since, in some cases")
        reached = self.reached(self.named())
        if any(id(box) in reached for box in boxes):  # from containers
            raise Refused(MAY_BE_ANOTHER, "copy it where it gets its second name (`a = b.copy()`)")

    def note_write(self, root: Any) -> None:
        """The array is written, here or in the program of a helper."""
        self.has_writes = True
        self.writes = self.writes or any(map(self.is_argument, self.identities(root)))
        self.overtake(root)

    def after_write(self, x: Value) -> None:
        """What is the same array in some cases is written in these."""
        root = root_of(x)
        done, todo = [root], [root]
        while todo:
            changed = todo.pop()
            for a in self.aliases_of(changed):
                other = a.source if a.box is changed else a.box
                if a.when is None or any(other is y for y in done):  # None: it is another array where this was changed
                    continue
                chosen = self.conditional(a.when, lambda: changed.snapshot(), lambda: other.snapshot())  # noqa: B023
                self.overtake(other)
                other.hold(chosen)
                done.append(other)
                todo.append(other)

    def overtake(self, box: Any) -> None:
        """The array is written: what the iterations around carry apart from it, in its place, is so no more."""
        may_be = [box]
        for part in self.parts:
            if part.like is None or not any(root_of(part.like) is x for x in may_be):
                continue
            entered, array, (frame, name) = part.held.entered, part.carry.param, part.held.place
            may_be.append(array)
            is_held = frame.names.get(name) is entered
            without = [(frame, name)] if is_held else []
            others = self.reached(self.named(without), without).values()
            is_elsewhere = any(array is y for x in others for y in self.identities(x))
            if is_elsewhere or (is_held and self.regions.count("loop") > part.loops):
                entered.is_stale = entered.is_stale or entered.is_read
            entered.is_overtaken = entered.is_overtaken or is_held

    def aliases_of(self, box: Any) -> list[Alias]:
        """Those with arrays that can still be reached, through others that cannot if need be."""
        if not any(box is a.box or box is a.source for a in self.aliases):
            return []
        reachable = self.reached([*self.named(), *self.captured.values.values(), *self.arguments])
        ways: dict[int, list[Alias]] = {}  # to each array that can be reached
        passed, todo = [box], [(box, False)]
        while todo:
            here, is_far = todo.pop()
            for a in self.aliases:
                if here is not a.box and here is not a.source:
                    continue
                other = a.source if a.box is here else a.box
                if other is box:
                    continue
                if id(other) in reachable:
                    ways.setdefault(id(other), []).append(Alias(box, other, None) if is_far else a)
                elif not any(other is x for x in passed):
                    passed.append(other)
                    todo.append((other, True))
        return [found[0] if len(found) == 1 else Alias(box, found[0].source, None) for found in ways.values()]

    def identities(self, x: Any) -> list[Any]:
        """The arrays that x may be."""
        found: list[Any] = []
        x = x.value if isinstance(x, Maybe) else x
        todo = [x] if isinstance(x, Value) else []
        while todo:
            y = todo.pop()
            if not any(y is z for z in found):
                found.append(y)
                todo += [a.source for a in self.aliases if a.box is y]
        return found

    def is_argument(self, x: Any) -> bool:
        """Whether the caller sees it."""
        return any(x is box for box in self.arguments)

    def ask_who_sees(self, xs: list[Any]) -> None:
        """What is staged depends on it: two calls of a helper may differ in who sees an array that they are given."""
        for recording in self.recordings:
            recording.is_apart |= any(id(x) in recording.signature.things for x in xs)

    def is_captured(self, x: Any) -> bool:
        return any(x is y for y in self.captured.values.values())

    def call(self, f: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        return calls.call(self, f, list(args), dict(kwargs))

    # ------------------------------------------------------------ what a name may lead to

    def boxes(self, beside: Iterable[Frame] = ()) -> list[Staged]:
        """Arrays that the function can still reach, each once; `beside` its frames, from these, too."""
        starts = [part.carry.param for part in self.parts]
        found = self.reached([*self.named((), beside), *self.captured.values.values(), *self.arguments, *starts])
        return sorted(found.values(), key=lambda x: x.aux.number)

    def named(self, without: Collection[Name] = (), beside: Iterable[Frame] = ()) -> list[Any]:
        """What all names hold but these."""
        return [v for frame in self.all_frames(beside) for v in frame.others(without)]

    def reached(self, values: list[Any], without: Collection[Name] = ()) -> dict[int, Staged]:
        """Arrays that the values lead to, but not by these names, with those behind views, by id."""
        found: dict[int, Staged] = {}
        seen: set[int] = set()
        todo = list(values)
        while todo:
            x = todo.pop()
            if id(x) in seen:
                continue
            seen.add(id(x))
            if isinstance(x, Value):
                if x.link is not None:
                    todo.append(x.link.root)
                elif is_box(x) and x.mode is self.stage:
                    found[id(x)] = x  # type: ignore[assignment]
            elif isinstance(x, Maybe | Entered):
                todo.append(x.value)
            elif isinstance(x, list | tuple):
                todo += x
            elif isinstance(x, dict):
                todo += x.values()
            elif isinstance(x, Closure):
                todo += x.frame.others(without)
            elif id(x) in self.made and hasattr(x, "__dict__"):
                todo += vars(x).values()
        return found

    def all_frames(self, beside: Iterable[Frame] = ()) -> list[Frame]:
        found: dict[int, Frame] = {}
        todo = [*self.frames, *beside]
        while todo:
            frame = todo.pop()
            if id(frame) not in found:
                found[id(frame)] = frame
                todo += frame.cells.values()
        return list(found.values())


def inner_parts(x: Any) -> list[Any]:
    """Containers and values of the program in an argument."""
    opened = open_container(x)
    if opened is None:
        return [x] if isinstance(x, Value) else []
    return [x, *(inner for part in opened[1] for inner in inner_parts(part))]
