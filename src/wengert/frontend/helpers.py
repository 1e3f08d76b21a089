"""Helpers: a function that is called again with the same signature is not staged again.

    def helper(x, w): ...        program helper(x: f64[3], w: f64[3]): ...
    y = helper(a, b)       ->    y: f64 = call(a, b, program=helper)
    z = helper(c, d)             z: f64 = call(c, d, program=helper)

A body is staged in a block of its own.  Where the call did nothing but compute from what it was given, the block
becomes a program that others may call.  Else its equations move to the block around it, as if the text stood there.

A call with the signature of one that is being staged is a call of itself, at run time:

    fib(n): if n < 2: n else: recur fib(n - 1) + recur fib(n - 2)

What that returns is what its body returns, of which it is part.  So the body is staged without an answer first, as if
such a call never came back: what the other ways return is the first answer, with which the body is staged again, until
it returns what was assumed.
"""

import functools
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.mode import Value
from wengert.frontend.library import is_users
from wengert.frontend.refuse import Ended, NeedsGeneral, Refused
from wengert.frontend.scope import (
    Alias,
    Choice,
    Closure,
    Entered,
    Frame,
    Maybe,
    Range,
    Rows,
    Transparent,
    Unbound,
    is_box,
    root_of,
)
from wengert.frontend.state import NUMBERS, State
from wengert.ir.order import has_effect
from wengert.ir.program import Equation, Function, Program, Var, extents_of, substituted, walk
from wengert.modes.stage import LARGE, Block, Staged
from wengert.passes.optimise import optimise, prepare
from wengert.rules.control import call, recur

if TYPE_CHECKING:
    from wengert.frontend.build import Staging


class Opaque(Exception):
    """Two calls cannot be compared, or have to be staged apart."""


def called(s: "Staging", f: Any, frame: Frame, run: Callable[[], Any]) -> Any:
    """The call of f with the arguments in its frame, by a program that there is; else `run` stages the body."""
    try:
        signature = Signature(s, frame)
        key = (signature.describe(f), *((name, signature.describe(x)) for name, x in frame.names.items()))
    except Opaque:
        return run()
    for recording in s.recordings:
        if recording.key == key:
            return recording.call_itself(s, signature)
    for helper in s.helpers.get(key, ()):
        seen = helper.seen_by(s, signature)
        if seen is not None:
            return helper.emit(s, seen)
    return staged(s, key, signature, frame, run)


ATTEMPTS = 8  # to find out what a function returns that calls itself; types that widen need two or three


def staged(s: "Staging", key: Any, signature: "Signature", frame: Frame, run: Callable[[], Any]) -> Any:
    name = getattr(frame.function, "__name__", "helper")
    before, known = Before(s, frame), None
    for _ in range(ATTEMPTS):
        recording, block = Recording(s, key, signature.copy(), frame, known), Block(name, s.stage.block)
        s.recordings.append(recording)
        try:
            with s.stage.within(block):
                out = run()
        except BaseException as error:
            if not recording.calls_itself:
                splice(block, s.stage.block)
                raise
            before.restore()
            if isinstance(error, Ended):
                raise Refused(
                    f"`{name}` calls itself whatever the values are", "return without it in some case"
                ) from None
            raise
        finally:
            s.recordings.pop()
        try:
            with s.stage.within(block):  # where views that it returns are read
                helper = Helper(s, recording, block, out)
        except Opaque:
            if recording.calls_itself:
                before.restore()
                raise Refused(f"`{name}` calls itself, and {OPAQUE}", RECURSION) from None
            splice(block, s.stage.block)
            return out
        if not recording.calls_itself or (known is not None and known.is_answered_by(helper)):
            found = known or helper
            s.helpers.setdefault(key, []).append(found)
            return found.emit(s, recording.signature)
        known = helper
        known.function = Function(name, [x.aux.type for x in helper.outs])
        before.restore()
    raise Refused(f"the types of what `{name}` returns, which calls itself, never settle", RECURSION)


OPAQUE = "does more than to compute from its arguments"
RECURSION = "give it numbers and arrays, and return numbers and arrays of the same types at each depth"


class Before:
    """What was known before a call was staged, so that its body can be staged once more."""

    def __init__(self, s: "Staging", frame: Frame) -> None:
        self.s, self.frame, self.names, self.state = s, frame, dict(frame.names), State.now(s)
        passed = s.reached(list(frame.names.values())).values()
        self.state.contents += [(box, box.primal, box.aux, box.link) for box in passed]
        self.aliases, self.places = list(s.aliases), dict(s.refusals.places)
        self.helpers = {key: list(helpers) for key, helpers in s.helpers.items()}
        self.plans = set(s.plans)

    def restore(self) -> None:
        s = self.s
        self.state.restore()
        self.frame.names.clear()
        self.frame.names.update(self.names)
        s.aliases[:], s.refusals.places, s.helpers = self.aliases, self.places, self.helpers
        for key in [key for key in s.plans if key not in self.plans]:
            del s.plans[key]


def splice(block: Block, outer: Block) -> None:
    """The block's equations, in the one around it."""
    names = {param: outer.read(var) for var, param in block.captured.items()}
    for e in block.program.equations:
        e.ins = substituted(e.ins, names)
    outer.program.equations += block.program.equations
    outer.own |= block.own


# ---------------------------------------------------------------- what a call sees


class Signature:
    """What a call sees, described so that two calls with equal descriptions are staged alike.

    things    what was described, by id: its number; two names of one thing are not two things
    vars      variables of the program, in the order in which they were met
    boxes     arrays: their numbers -> (array, its content when the call begins)
    viewed    arrays that are seen through views, too
    before    contents of all arrays that names lead to when the call begins
    is_fixed  the call has begun: a view that is out of date cannot be read as it was before
    """

    def __init__(self, s: "Staging", frame: Frame) -> None:
        self.s = s
        self.things: dict[int, tuple[int, Any]] = {}
        self.vars: dict[Var, int] = {}
        self.boxes: dict[int, tuple[Staged, Var]] = {}
        self.viewed: set[int] = set()
        self.is_fixed = False
        self.before = {id(box): (box, box.snapshot()) for box in s.boxes(frame.cells.values())}

    def copy(self) -> "Signature":
        new = object.__new__(Signature)
        new.s, new.before, new.viewed, new.is_fixed = self.s, self.before, set(self.viewed), False
        new.things, new.vars, new.boxes = dict(self.things), dict(self.vars), dict(self.boxes)
        return new

    def describe(self, x: Any) -> Any:
        if isinstance(x, Entered):
            return self.describe(x.value)
        if is_plain(x):
            return type(x), repr(x)
        if id(x) in self.things:
            return "again", self.things[id(x)][0]
        number = len(self.things)
        self.things[id(x)] = number, x
        if isinstance(x, Value):
            return self.value(x, number)
        return x.__class__, *self.others(x)

    def others(self, x: Any) -> tuple[Any, ...]:
        each = self.describe
        match x:
            case Maybe():
                return each(x.value), each(x.bound)
            case Closure():  # what it reads of its frame is noted when it does
                return id(x.node), id(x.frame), *map(each, [*x.defaults, *x.keyword_defaults.values()])
            case types.MethodType():
                return each(x.__func__), each(x.__self__)
            case functools.partial():
                return each(x.func), *map(each, x.args), tuple(x.keywords), *map(each, x.keywords.values())
            case Rows() | Range() | Choice() | Transparent():
                raise Opaque
            case types.FunctionType() if x.__closure__ and x.__globals__["__name__"].startswith("wengert."):
                raise Opaque  # of a derivative: it may hold values of the program
        if not self.s.is_made(x) and id(x) not in self.s.given:
            return (id(x),)  # from outside: what is read of it is a fact
        labels, values = opened(x)
        return labels, *map(each, values)

    def value(self, x: Value, number: int) -> tuple[Any, ...]:
        s = self.s
        if self.is_fixed and x.link is not None and not x.link.is_current():
            raise Opaque
        x.fresh()
        if x.mode is not s.stage:
            raise Opaque
        then = self.before[id(x)][1] if id(x) in self.before else x  # what it held when the call began
        if is_box(x) and x.link is None:
            self.boxes[number] = x, then.aux  # type: ignore[assignment]
        # what is captured the body may read by its own name, too: another value in its place would not be that
        captured = next((var for var, _ in s.captured.inputs if var is then.aux), None)
        about = then.aux.type, self.vars.setdefault(then.aux, len(self.vars)), self.known(then), captured
        return (*about, *self.memory(x)) if is_box(x) else about

    def memory(self, x: Any) -> tuple[Any, ...]:
        """What decides whose memory a write reaches."""
        s, root = self.s, root_of(x)
        if s.aliases_of(root):
            raise Opaque
        strides = None if x.primal.flags.c_contiguous else x.primal.strides
        if x.link is not None:
            self.viewed.add(id(root))
            return strides, x.link.writable, x.link.elements, self.describe(root)
        return (strides,)

    def known(self, x: Any) -> Any:
        """Numbers that are known while staging decide what is staged."""
        found = self.s.stage.known.get(x.aux)
        if found is None:
            return None
        return (found, np.asarray(x.primal).tobytes()) if np.size(x.primal) <= LARGE else x.aux


def is_plain(x: Any) -> bool:
    return x is None or isinstance(x, NUMBERS) or type(x) in (str, bytes)


def opened(x: Any) -> tuple[Any, list[Any]]:
    """(labels, values) of a container or an object of the user's."""
    kind = type(x)
    if kind is dict:
        return tuple((type(key), key) for key in x), list(x.values())
    if kind in (list, tuple) or hasattr(kind, "_make"):
        return len(x), list(x)
    if isinstance(x, list | tuple | dict) or not is_users(kind) or not hasattr(x, "__dict__") or has_slots(kind):
        raise Opaque
    return tuple(vars(x)), list(vars(x).values())


def has_slots(kind: type) -> bool:
    return any("__slots__" in vars(base) for base in kind.__mro__)


def closed(s: "Staging", like: Any, values: list[Any]) -> Any:
    """A new container with these values."""
    kind: Any = type(like)
    if kind is dict:
        return s.own(dict(zip(like, values)))
    if kind in (list, tuple):
        return s.own(kind(values))
    if hasattr(kind, "_make"):
        return s.own(kind._make(values))
    new = object.__new__(kind)
    vars(new).update(zip(vars(like), values))
    return s.own(new)


# ---------------------------------------------------------------- what a call does


class Recording:
    """What is found out about a call while its body is staged.

    names         its arguments
    reads         what it reads through closures: (frame, name) -> description
    is_apart      it does what a program cannot: it must be staged at each call
    calls_itself  it was met inside itself
    known         what a call of itself does, if an attempt has found that out
    """

    def __init__(self, s: "Staging", key: Any, signature: Signature, frame: Frame, known: "Helper | None") -> None:
        self.key, self.signature, self.frame, self.known = key, signature, frame, known
        self.calls_itself = False
        self.names = dict(frame.names)
        self.made, self.aliases = len(s.made), len(s.aliases)
        self.reads: dict[tuple[int, str], tuple[Frame, Any]] = {}
        self.is_apart = False
        signature.is_fixed = True

    def call_itself(self, s: "Staging", signature: Signature) -> Any:
        if s.may_be_general(self.frame):
            raise NeedsGeneral(self.frame.source)
        self.calls_itself = s.calls_itself = True
        if self.known is None:
            raise Ended
        seen = self.known.seen_by(s, signature)
        if seen is None:
            raise Refused("a function calls itself with other values in its closure", RECURSION)
        return self.known.emit(s, seen)

    def read(self, owner: Frame, name: str, value: Any) -> None:
        if self.is_apart or owner.number >= self.frame.number or (id(owner), name) in self.reads:
            return
        try:
            self.reads[id(owner), name] = owner, self.signature.describe(self.signature.s.own_value(value))
        except Opaque:
            self.is_apart = True

    def rebinds(self, frame: Frame) -> None:
        """A function begins that may give names of enclosing frames other values."""
        owners = [frame.cells[name] for name in frame.nonlocals if name in frame.cells]
        self.is_apart |= any(owner.number < self.frame.number for owner in owners)


Result = Callable[[list[Staged], list[Any]], Any]  # (results of the program, what the call sees) -> a value


class Helper:
    """A program for one signature.

    reads      what it reads through closures
    program    (variables that it sees) -> (outs, contents of arrays that it writes)
    operands   of its calls: numbers of variables in the signature, or hidden inputs of the whole program
    outs       of each result: the value that it was while the body was staged
    written    numbers of arrays whose contents are the last results
    result     what the function returns
    form       a description of that
    may_be     of each result: numbers of arrays that it may be, in cases that only the run knows
    function   in place of the program, where it calls itself
    """

    def __init__(self, s: "Staging", recording: Recording, block: Block, out: Any) -> None:
        if recording.is_apart:
            raise Opaque
        self.signature, self.reads = recording.signature, recording.reads
        self.function: Function | None = None
        self.form: list[Any] = []
        boxes = self.signature.boxes
        self.outs: list[Staged] = []
        self.places: dict[int, int] = {}  # of values that are returned, by id
        self.result = self.returned(s, out)
        self.written = [n for n, (box, var) in boxes.items() if box.aux is not var]
        self.refuse_strays(s, recording)
        self.outs += [boxes[n][0].snapshot() for n in self.written]  # type: ignore[misc]
        with s.stage.within(block):
            results = [s.stage.operand(x) for x in self.outs]
        self.operands = [self.operand(s, var) for var in block.captures()]
        given = [n for var in block.captures() for n in extents_of(var.type)]
        if any(n not in given for x in self.outs for n in extents_of(x.aux.type)):
            raise Opaque  # of another length at each call
        for name, x in recording.names.items():
            if isinstance(x, Value) and x.link is None and x.aux in block.captured:
                block.captured[x.aux].name = name
        self.program = Program(block.program.params, block.program.equations, results, block.program.name)

    def operand(self, s: "Staging", var: Var) -> int | Var:
        number = self.signature.vars.get(var)
        if number is not None:
            return number
        if not any(var is hidden for hidden, _ in s.captured.inputs):
            raise Opaque
        return var

    def refuse_strays(self, s: "Staging", recording: Recording) -> None:
        """Where arrays are written that another call would not find, or may have another name, calls stay apart."""
        seen = self.signature
        boxes = [box for box, _ in seen.boxes.values()]
        if any(id(seen.boxes[n][0]) in seen.viewed for n in self.written):
            raise Opaque
        if any(box.aux is not then.aux and id(box) not in seen.things for box, then in seen.before.values()):
            raise Opaque
        self.may_be = [[n for n, (box, _) in seen.boxes.items() if stands_for(s, x, box)] for x in self.outs]
        if len(s.aliases) == recording.aliases:
            return
        outs, given = set(map(id, self.outs)), {id(box) for box, _ in seen.before.values()}
        if any(id(y) in given for x in boxes for y in connected(s, x)):
            raise Opaque
        for x, numbers in zip(self.outs, self.may_be):
            # where the body stands in place of the call, it may be known which array it is
            known = {id(seen.boxes[n][0]) for n in numbers if recording.calls_itself}
            if any(id(y) in (outs | given) - known for y in connected(s, x)):
                raise Opaque

    # ------------------------------------------------------------ functions that call themselves

    def is_answered_by(self, helper: "Helper") -> bool:
        """Whether the body does what was assumed of calls of itself; then it is their program."""
        assert self.function is not None
        ours, others = (
            (h.form, [(x.aux.type, self.signature.known(x)) for x in h.outs], h.may_be, h.written, list(h.reads))
            for h in (self, helper)
        )
        if ours != others or not set(helper.operands) <= set(self.operands):
            return False
        own = dict(zip(helper.operands, helper.program.params))
        params = [own.get(x) or Var(p.name, p.type) for x, p in zip(self.operands, self.program.params)]
        program = Program(params, helper.program.equations, helper.program.results, helper.program.name)
        self.function.effect = any(is_effect(e, self.function) for e in walk(program))
        self.function.program = optimise(prepare(program))
        return True

    # ------------------------------------------------------------ what is returned

    def returned(self, s: "Staging", x: Any) -> Result:
        if is_plain(x):
            self.form.append((type(x), repr(x)))
            return lambda outs, things: x
        if id(x) in self.signature.things:
            number = self.signature.things[id(x)][0]
            self.form.append(number)
            return lambda outs, things: things[number]
        if isinstance(x, Value):
            return self.value(s, x)
        if id(x) in self.places or not s.is_made(x):
            raise Opaque
        self.places[id(x)] = -1
        labels, inner = opened(x)
        self.form.append((type(x), labels))
        parts = [self.returned(s, part) for part in inner]
        return lambda outs, things: closed(s, x, [part(outs, things) for part in parts])

    def value(self, s: "Staging", x: Value) -> Result:
        if x.fresh().mode is not s.stage:
            raise Opaque
        if x.link is not None:  # the only name of what it looks at
            root = x.link.root
            if not x.link.writable or id(root) in self.signature.things or id(root) in self.places:
                raise Opaque
            self.places[id(root)] = -1
        place = self.places.setdefault(id(x), len(self.outs))
        if place < 0:
            raise Opaque
        if place == len(self.outs):
            self.outs.append(x)  # type: ignore[arg-type]
        self.form.append(("out", place))
        return lambda outs, things: outs[place]

    # ------------------------------------------------------------ calls

    def seen_by(self, s: "Staging", signature: Signature) -> Signature | None:
        """What a call sees, closures included; None where they hold something else than when this was staged."""
        seen = signature.copy()
        for (_, name), (frame, described) in self.reads.items():
            try:
                if seen.describe(frame.names.get(name, Unbound)) != described:
                    return None
            except Opaque:
                return None
        written = [seen.boxes[n][0] for n in self.written]
        is_refused = any(s.is_captured(box) or id(box) in s.given for box in written)
        return None if is_refused else seen

    def emit(self, s: "Staging", seen: Signature) -> Any:
        """The call that sees this."""
        for (_, name), (frame, _) in self.reads.items():
            s.note_read(frame, name)
        vars_, things = list(seen.vars), [x for _, x in seen.things.values()]
        operands = [vars_[x] if isinstance(x, int) else x for x in self.operands]
        outs: list[Staged] = []
        if self.program.equations or self.outs:
            types, names = [x.aux.type for x in self.outs], [call.name for _ in self.outs]
            names[len(names) - len(self.written) :] = [self.signature.boxes[n][0].aux.name for n in self.written]
            calls_itself = self.function is not None
            row, params = (recur, {"function": self.function}) if calls_itself else (call, {"program": self.program})
            outs = s.stage.emit(row, operands, params, types, names, [x.primal for x in self.outs])
        for x, out in zip(self.outs, outs):
            if x.aux in s.stage.known:
                out.primal, s.stage.known[out.aux] = x.primal, s.stage.known[x.aux]
        for out, numbers in zip(outs, self.may_be):
            s.aliases += [Alias(out, seen.boxes[n][0], None) for n in numbers]
        for n, out in zip(self.written, outs[len(outs) - len(self.written) :]):
            box = seen.boxes[n][0]
            s.note_write(box)
            box.hold(out)
        return self.result(outs, things)


def is_effect(e: Equation, function: Function) -> bool:
    """Whether e has an effect beside that of calling this function."""
    return e.row.effect or (e.row is recur and e.params["function"] is not function and has_effect(e))


def stands_for(s: "Staging", x: Any, box: Any) -> bool:
    """Whether x may be the array `box`, and is not known to be."""
    return x is not box and any(y is box for y in s.identities(x))


def connected(s: "Staging", box: Any) -> list[Any]:
    """Arrays that may be the same as this one, through any others."""
    found = [box]
    for x in found:  # which grows
        for a in s.aliases:
            other = a.source if a.box is x else a.box if a.source is x else x
            if not any(other is y for y in found):
                found.append(other)
    return found[1:]
