"""Branches and loops of the program, and the state that flows through them.

State is what names hold, and what the arrays behind them contain.  A branch returns what either side changed.  A loop
carries every array that the function can reach, and the names that its body binds; what turns out unchanged is a
constant of the loop.  What an attempt to stage a loop finds out (a name holds a float after the body where it held an
int before) is remembered in its `Plan`, and the loop is staged again.
"""

import ast
import functools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.mode import Value
from wengert.core.tree import flatten, unflatten
from wengert.frontend.calls import iterated, rows_of
from wengert.frontend.capture import same_fact
from wengert.frontend.refuse import UNROLLED, Ended, NeedsUnrolling, Refused, refusal_of
from wengert.frontend.scope import (
    BROKEN,
    CONTINUED,
    RESULT,
    RETURNED,
    Alias,
    Choice,
    Closure,
    Entered,
    Frame,
    Maybe,
    Poison,
    Rows,
    Unbound,
    bound_names,
    is_box,
    root_of,
    walk_here,
)
from wengert.ir.program import KINDS, Program, Type, Var, type_of, zero
from wengert.modes.stage import Block, NeedsValue, Staged
from wengert.rules import elementwise
from wengert.rules.control import conform, for_, if_, value_type, while_

if TYPE_CHECKING:
    from wengert.frontend.build import Staging

NUMBERS = (bool, int, float, complex, np.generic)

# ---------------------------------------------------------------- state


@dataclass
class State:
    """Names of all frames, and contents of all arrays, at one time."""

    names: list[tuple[Frame, dict[str, Any]]]
    contents: list[tuple[Staged, Any, Any, Any]]

    @classmethod
    def now(cls, s: "Staging") -> "State":
        names = [(frame, dict(frame.names)) for frame in s.all_frames()]
        return cls(names, [(b, b.primal, b.aux, b.link) for b in s.boxes()])

    def restore(self) -> None:
        for frame, names in self.names:
            frame.names.clear()
            frame.names.update(names)
        for box, primal, var, link in self.contents:
            box.primal, box.aux, box.link = primal, var, link


def is_number(x: Any) -> bool:
    """Whether x can be a variable of the program."""
    return isinstance(x, NUMBERS) or (isinstance(x, Value) and x.fresh().mode.staged)


def join(a: Any, b: Any) -> Any:
    """The type that holds values of both, None where there is none."""
    if a == b:
        return a
    if not isinstance(a, Type) or not isinstance(b, Type) or a.shape != b.shape:
        return None
    if (a.dtype.kind == "b") != (b.dtype.kind == "b"):
        return None
    forms = {a.form, b.form}
    if "array" in forms:
        if forms != {"array"}:
            return None
        return Type(np.promote_types(a.dtype, b.dtype), a.shape, "array")
    if forms == {"weak"}:
        return Type(np.promote_types(a.dtype, b.dtype), (), "weak")
    if forms == {"scalar"}:
        return Type(np.promote_types(a.dtype, b.dtype), (), "scalar")
    strong, soft = (a, b) if a.form == "scalar" else (b, a)
    return Type(np.result_type(strong.dtype.type(0), KINDS[soft.dtype.kind](0)), (), "scalar")


# ---------------------------------------------------------------- branches


@dataclass
class Side:
    block: Block
    names: list[tuple[Frame, dict[str, Any]]]
    contents: dict[int, tuple[Staged, Any]]
    value: Any
    ended: bool


def conditional(s: "Staging", test: Any, then: Callable[[], Any], orelse: Callable[[], Any]) -> Any:
    """The value of the side that `test` chooses, with the changes that this side makes."""
    before, where = State.now(s), s.stage.where
    sides = [side(s, "then", then, before), side(s, "else", orelse, before)]
    s.stage.where = where
    if all(x.ended for x in sides):
        emit_branch(s, test, sides, Merge(s, sides, test))
        raise Ended
    merge = Merge(s, sides, test)
    live = [x for x in sides if not x.ended]
    changes: list[Callable[[list[Any]], None]] = []
    for k, (frame, old) in enumerate(before.names):
        names = dict.fromkeys([*old, *(n for x in live for n in x.names[k][1])])
        for name in names:
            found = [x.names[k][1].get(name, Unbound) for x in sides]
            found = [f if not x.ended else Skip for f, x in zip(found, sides)]
            if any(f is not old.get(name, Unbound) for f in found if f is not Skip):
                changes.append(set_name(frame, name, merge.value(name, *found)))
    for box, _, var, _ in before.contents:
        vars_ = [x.contents[id(box)][1] if not x.ended else None for x in sides]
        if any(v is not None and v is not var for v in vars_):
            changes.append(set_content(s, box, merge.content(box, vars_, var)))
    result = merge.value("the result", *(x.value if not x.ended else Skip for x in sides))
    s.stage.where = where
    outs = emit_branch(s, test, sides, merge)
    for change in changes:
        change(outs)
    return result(outs)


class Skip:
    """In place of what a side leaves behind that ends with an exception."""


def side(s: "Staging", name: str, run: Callable[[], Any], before: State) -> Side:
    value, ended = None, False
    with s.stage.building(name) as block, s.region("branch"):
        try:
            value = run()
        except Ended:
            ended = True
        finally:
            after = State.now(s)
            contents = {id(b): (b, var) for b, _, var, _ in after.contents}
            for b, _, _, _ in before.contents:
                contents.setdefault(id(b), (b, b.aux))
            before.restore()
    frames = {id(frame): names for frame, names in after.names}
    names = [(frame, frames.get(id(frame), old)) for frame, old in before.names]
    return Side(block, names, contents, value, ended)


class Merge:
    """Slots of the results of a branch: what each side gives for each."""

    def __init__(self, s: "Staging", sides: Sequence[Side], test: Any) -> None:
        self.s, self.sides, self.test = s, sides, test
        self.slots: list[tuple[Any, tuple[Any, Any]]] = []  # (type, the two values)
        self.names: list[str] = []

    def value(self, name: str, a: Any, b: Any) -> Callable[[list[Any]], Any]:
        """What the name holds after the branch, as a function of the results."""
        if a is Skip or b is Skip:
            return self.passed(name, b if a is Skip else a, a is Skip)
        if a is b:
            return lambda outs: a
        a, b = (x.read() if isinstance(x, Entered) else x for x in (a, b))
        if isinstance(a, Poison) or isinstance(b, Poison):
            return lambda outs: a if isinstance(a, Poison) else b
        if Unbound in (type(a) and a, type(b) and b) or isinstance(a, Maybe) or isinstance(b, Maybe):
            return self.maybe(name, a, b)
        return self.both(name, a, b)

    def passed(self, name: str, x: Any, second: bool) -> Callable[[list[Any]], Any]:
        """A value of the only side that goes on."""
        x = x.read() if isinstance(x, Entered) else x
        if x is Unbound or isinstance(x, Poison):
            return lambda outs: x
        if isinstance(x, Maybe):
            value, bound = self.passed(name, x.value, second), self.passed(name, x.bound, second)
            return lambda outs: Maybe(value(outs), bound(outs))
        leaves, structure = flatten(x)
        slots = [self.alone(name, leaf, second) for leaf in leaves]
        return lambda outs: rebuilt(self.s, x, structure, [slot(outs) for slot in slots])

    def alone(self, name: str, leaf: Any, second: bool) -> Callable[[list[Any]], Any]:
        if not isinstance(leaf, Value):
            return lambda outs: leaf
        if is_box(leaf) and leaf.aux in self.sides[second].block.program.params:
            return lambda outs: leaf
        type, leaf = value_type(leaf), self.as_left(leaf, int(second))
        pair = (zero(type), leaf) if second else (leaf, zero(type))
        return self.slot(name, type, pair)

    def as_left(self, x: Any, k: int) -> Any:
        """An array with the content that a side left in it."""
        found = self.sides[k].contents.get(id(x))
        return x if found is None else Staged(self.s.stage, x.primal, found[1])

    def maybe(self, name: str, a: Any, b: Any) -> Callable[[list[Any]], Any]:
        values = [x.value if isinstance(x, Maybe) else x for x in (a, b)]
        flags = [x.bound if isinstance(x, Maybe) else x is not Unbound for x in (a, b)]
        if values[0] is Unbound or values[1] is Unbound:
            value = self.passed(name, values[1] if values[0] is Unbound else values[0], values[0] is Unbound)
        else:
            value = self.both(name, *values)
        bound = self.both(f"{name} is bound", *flags)
        return lambda outs: with_flag(value(outs), bound(outs))

    def both(self, name: str, a: Any, b: Any) -> Callable[[list[Any]], Any]:
        (xs, structure), (ys, other) = flatten(a), flatten(b)
        if structure != other:
            reason = f"is a {kind_of(a)} on one way and a {kind_of(b)} on the other"
            return lambda outs: Poison(reason)
        slots = [self.leaf(name, x, y) for x, y in zip(xs, ys)]
        return lambda outs: joined(self.s, a, structure, [slot(outs) for slot in slots])

    def leaf(self, name: str, x: Any, y: Any) -> Callable[[list[Any]], Any]:
        if x is y or (not isinstance(x, Value) and not isinstance(y, Value) and same_value(x, y)):
            return lambda outs: x
        if callable(x) and callable(y) and not isinstance(x, Value) and not isinstance(y, Value):
            return lambda outs: Choice(self.test, x, y)
        if not is_number(x) or not is_number(y):
            return lambda outs: Poison(f"is {kind_of(x)} on one way and {kind_of(y)} on the other")
        type = join(value_type(x), value_type(y))
        if type is None:
            reason = f"is {value_type(x)} on one way and {value_type(y)} on the other"
            return lambda outs: Poison(reason)
        slot = self.slot(name, type, (self.as_left(x, 0), self.as_left(y, 1)))
        if is_box(x) and is_box(y):
            return lambda outs: chosen_box(self.s, slot(outs), (x, y), self.test)
        return slot

    def content(self, box: Staged, vars_: Sequence[Any], old: Var) -> Callable[[list[Any]], Any]:
        values = [zero(old.type) if v is None else Staged(self.s.stage, box.primal, v) for v in vars_]
        return self.slot(old.name, old.type, (values[0], values[1]))

    def slot(self, name: str, type: Any, pair: tuple[Any, Any]) -> Callable[[list[Any]], Any]:
        place = len(self.slots)
        self.slots.append((type, pair))
        self.names.append("either" if name == "the result" else name.replace(" ", "_").replace("%", ""))
        return lambda outs: outs[place]


def chosen_box(s: "Staging", box: Any, sources: tuple[Any, Any], test: Any) -> Any:
    """An array that is one of two others."""
    s.aliases.append(Alias(box, sources[0], test))
    s.aliases.append(Alias(box, sources[1], s.negated(test)))
    return box


def same_value(x: Any, y: Any) -> bool:
    if type(x) is not type(y):
        return False
    if isinstance(x, float | complex | np.generic):
        return repr(x) == repr(y)
    return same_fact(x, y) or (isinstance(x, str | int) and x == y)


def kind_of(x: Any) -> str:
    return "None" if x is None else str(value_type(x)) if is_number(x) else type(x).__name__


def with_flag(value: Any, bound: Any) -> Any:
    return value if bound is True or isinstance(value, Poison) else Maybe(value, bound)


def joined(s: "Staging", like: Any, structure: Any, leaves: list[Any]) -> Any:
    bad = next((x for x in leaves if isinstance(x, Poison)), None)
    return bad if bad is not None else rebuilt(s, like, structure, leaves)


def rebuilt(s: "Staging", like: Any, structure: Any, leaves: list[Any]) -> Any:
    if structure is None:
        return leaves[0]
    return s.own(unflatten(structure, leaves))


def set_name(frame: Frame, name: str, value: Callable[[list[Any]], Any]) -> Callable[[list[Any]], None]:
    def change(outs: list[Any]) -> None:
        frame.names[name] = value(outs)

    return change


def set_content(s: "Staging", box: Staged, value: Callable[[list[Any]], Any]) -> Callable[[list[Any]], None]:
    def change(outs: list[Any]) -> None:
        new = value(outs)
        box.primal, box.aux = new.primal, new.aux

    return change


def emit_branch(s: "Staging", test: Any, sides: Sequence[Side], merge: Merge) -> list[Any]:
    for k, x in enumerate(sides):
        with s.stage.within(x.block):
            x.block.program.results = [s.stage.operand(conform(pair[k], type)) for type, pair in merge.slots]
    then, orelse = with_same_captures([x.block for x in sides])
    operands = list(dict.fromkeys(v for x in sides for v in x.block.captures()))
    params = {"then": then, "orelse": orelse}
    if not (merge.slots or then.equations or orelse.equations):
        return []
    return s.stage.emit(if_, [test, *operands], params, [t for t, _ in merge.slots], merge.names)


def with_same_captures(blocks: Sequence[Block]) -> list[Program]:
    """The programs, all with a parameter for whatever one of them reads from around it."""
    wanted = list(dict.fromkeys(v for b in blocks for v in b.captures()))
    return [
        Program(
            [b.captured.get(v) or Var(v.name, v.type) for v in wanted],
            b.program.equations,
            b.program.results,
            b.program.name,
        )
        for b in blocks
    ]


# ---------------------------------------------------------------- loops


@dataclass
class Plan:
    """What attempts to stage a loop found out.

    types      of carries that need another type than their first value has
    rebound    names that hold another array after the body: their content is carried, not the array
    extra      names beside those that the body binds
    late       names that the body binds first: structure and types
    flagged    names that the body may leave unbound
    leaves     the loop may be left early: it tests before each iteration
    reason     why its iterations are staged one by one
    unrolled   its iterations are staged one by one
    """

    types: dict[Any, Any] = field(default_factory=dict)
    rebound: set[Any] = field(default_factory=set)
    extra: set[Any] = field(default_factory=set)
    late: dict[Any, tuple[Any, Any]] = field(default_factory=dict)
    flagged: set[Any] = field(default_factory=set)
    leaves: bool = False
    unrolled: bool = False
    reason: Exception | None = None
    attempts: int = 0


class Again(Exception):
    """The plan has changed."""


class EndsAtOnce(Exception):
    """The first iteration ends with an exception."""


LIMIT = 40  # attempts; each finds out something new, so a loop that needs more has types that never settle


def for_statement(s: "Staging", node: ast.For) -> None:
    iterable = s.eval(node.iter)
    rows = rows_of(s, iterable)
    outer = save_flags(s)
    if rows is None:
        items = iterated(s, iterable)
        unrolled(s, node, len(items), lambda k: items[k])
    elif not isinstance(rows.length, Value) and rows.length == 0:
        pass
    else:
        loop(s, node, rows)
    finish(s, node, outer)


def while_statement(s: "Staging", node: ast.While) -> None:
    if any(isinstance(n, ast.NamedExpr) for n in walk_here(node.test)) and not node.orelse:
        node = with_test_inside(node)
    outer = save_flags(s)
    loop(s, node, None)
    finish(s, node, outer)


@functools.lru_cache(1024)
def with_test_inside(node: ast.While) -> ast.While:
    """`while True: if not test: break`, for a test that binds names."""
    leave = ast.copy_location(ast.Break(), node.test)
    negated = ast.copy_location(ast.UnaryOp(ast.Not(), node.test), node.test)
    first = ast.copy_location(ast.If(negated, [leave], []), node.test)
    return ast.copy_location(ast.While(ast.copy_location(ast.Constant(True), node.test), [first, *node.body], []), node)


def save_flags(s: "Staging") -> tuple[Any, Any]:
    names = s.frame.names
    found = names.get(BROKEN, False), names.get(CONTINUED, False)
    names[BROKEN] = names[CONTINUED] = False
    return found


def finish(s: "Staging", node: ast.For | ast.While, outer: tuple[Any, Any]) -> None:
    """The `else` of a loop, and the flags of the loop around it."""
    names = s.frame.names
    broken, returned = names[BROKEN], names[RETURNED]
    names[BROKEN], names[CONTINUED] = outer
    if not node.orelse:
        return
    skip: Any = False
    for flag in (broken, returned):
        if flag is True:
            return
        if flag is not False:
            skip = flag if skip is False else elementwise.logical_or(skip, flag)
    if skip is False:
        s.block(node.orelse)
    else:
        s.conditional(s.negated(skip), lambda: s.block(node.orelse), lambda: None)


def loop(s: "Staging", node: ast.For | ast.While, rows: Rows | None) -> None:
    """One loop of the program; staged again until its plan holds, unrolled where Python must see its index."""
    key = (id(node), *(id(f.source.node) for f in s.frames), len(s.regions))
    plan: Plan = s.plans.setdefault(key, Plan())
    before = State.now(s)
    while not plan.unrolled:
        plan.attempts += 1
        if plan.attempts > LIMIT:
            raise Refused(
                "the types of this loop's values never settle", "make them the same before and after the body"
            )
        mark = len(s.stage.block.program.equations)
        try:
            attempt(s, node, rows, plan, before)
            return
        except Again:
            pass
        except EndsAtOnce:
            undo(s, mark, before)
            before.restore()
            first_iteration(s, node, rows)
            return
        except Exception as problem:
            if not may_unroll(s, problem, node, rows):
                before.restore()
                raise
            plan.unrolled, plan.reason = True, problem
        undo(s, mark, before)
        before.restore()
    if rows is None:
        unrolled_while(s, node, plan)  # type: ignore[arg-type]
    else:
        unrolled(s, node, rows.length.__index__(), rows.item)


def first_iteration(s: "Staging", node: ast.For | ast.While, rows: Rows | None) -> None:
    """In place of a loop whose first iteration, if there is one, raises an exception."""

    def run() -> None:
        if isinstance(node, ast.For) and rows is not None:
            s.assign(node.target, rows.item(0))
        s.block(node.body)

    test = s.truth(rows.length > 0 if rows is not None else s.eval(node.test))  # type: ignore[union-attr]
    if test is True:
        run()
    elif test is not False:
        s.conditional(test, run, lambda: None)


def undo(s: "Staging", mark: int, before: State) -> None:
    """Equations since `mark` are gone, and so is what views have read by them."""
    del s.stage.block.program.equations[mark:]
    for _, names in before.names:
        for x in flatten(list(names.values()))[0]:
            if isinstance(x, Value) and x.link is not None:
                x.link.seen = None


def may_unroll(s: "Staging", problem: Exception, node: Any, rows: Rows | None) -> bool:
    if not isinstance(problem, NeedsValue | NeedsUnrolling):
        return False
    if rows is None:
        return True
    if isinstance(rows.length, Staged) and not s.stage.known.get(rows.length.fresh().aux):
        return False
    if int(rows.length.__index__()) > UNROLLED:
        where = getattr(problem, "where", None)
        refused = Refused(
            f"the body needs the number of the loop's index, and {int(rows.length)} iterations are too many to stage "
            f"one by one (the limit is {UNROLLED})",
            "index arrays by whole numbers and slices that do not depend on the index",
        )
        refused.where = where  # type: ignore[attr-defined]
        raise refused
    return True


def unrolled(s: "Staging", node: Any, count: int, item: Callable[[int], Any], k: int = 0) -> None:
    """The iterations from k on, one by one."""
    while k < count:
        s.assign(node.target, item(k))
        stop = iteration(s, node)
        k += 1
        if stop is True:
            return
        if stop is not False:
            s.conditional(s.negated(stop), functools.partial(unrolled, s, node, count, item, k), lambda: None)
            return


def unrolled_while(s: "Staging", node: ast.While, plan: Plan, k: int = 0) -> None:
    while True:
        if k > UNROLLED:
            raise Refused(
                f"more than {UNROLLED} iterations are needed while staging", "loop over values of the program"
            )
        test = s.truth(s.eval(node.test))
        if isinstance(test, Value):
            raise why_unrolled(plan)
        if not test:
            return
        stop = iteration(s, node)
        k += 1
        if stop is True:
            return
        if stop is not False:
            s.conditional(s.negated(stop), functools.partial(unrolled_while, s, node, plan, k), lambda: None)
            return


def iteration(s: "Staging", node: ast.For | ast.While) -> Any:
    """One run of the body; whether the loop is left: True, False, or a value of the program."""
    s.block(node.body)
    s.frame.names[CONTINUED] = False
    return s.stopped()


def why_unrolled(plan: Plan) -> Refused:
    """A loop that ends at run time cannot be unrolled, for whatever reason it should be."""
    refused = refusal_of(plan.reason)  # type: ignore[arg-type]
    refused.reason = f"{refused.reason}, in a loop that ends at run time"
    refused.where = getattr(plan.reason, "where", None)  # type: ignore[attr-defined]
    return refused


# ---------------------------------------------------------------- one attempt


@dataclass(eq=False)
class Carry:
    """One value that a loop hands from iteration to iteration; `key` names it in the plan."""

    key: Any
    start: Any
    type: Any
    name: str
    param: Any = None  # in the block that is being built
    result: Any = None


@dataclass(eq=False)
class Held:
    """A name that the loop carries: its leaves are carries, or constants that stay as they are."""

    frame: Frame
    name: str
    structure: Any
    leaves: list[Any]
    flag: Carry | None  # whether it is bound
    like: Any = None
    entered: Any = None  # what the body finds under the name
    origins: list[Any] = field(default_factory=list)  # arrays from before the loop that it may name afterwards
    after: Any = None  # the one that it does name after an iteration

    def now(self) -> Any:
        value = self.frame.names.get(self.name, Unbound)
        return value.value if isinstance(value, Entered) else value

    def enter(self, s: "Staging") -> None:
        leaves = [x.param if isinstance(x, Carry) else x for x in self.leaves]
        value = rebuilt(s, self.like, self.structure, leaves)
        self.entered = Entered(value)
        self.frame.names[self.name] = self.entered if self.flag is None else Maybe(value, self.flag.param)


@dataclass
class Attempt:
    """What one attempt carries."""

    held: list[Held]
    boxes: list[tuple[Staged, Carry]]
    flags: list[tuple[str, Carry]]  # BROKEN, RETURNED: false at the start of each iteration that runs
    index: Carry | None
    unbound: list[tuple[Frame, str]]  # names that the body may bind
    arrays: list[tuple[Frame, str, Any]]  # names of arrays that the body binds: they should hold the same afterwards

    def carries(self) -> list[Carry]:
        found = [] if self.index is None else [self.index]
        found += [c for _, c in self.flags]
        found += [x for h in self.held for x in [*h.leaves, h.flag] if isinstance(x, Carry)]
        return found + [c for _, c in self.boxes]


def attempt(s: "Staging", node: Any, rows: Rows | None, plan: Plan, before: State) -> None:
    a = planned(s, node, rows, plan, before)
    tests = rows is None or plan.leaves
    test, body = Block("test", s.stage.block), Block("body", s.stage.block)
    if tests and not run_test(s, node, rows, test, a, before):
        return
    run_body(s, node, rows, body, a, plan, before)
    before.restore()
    s.stage.where = s.frame.source.position(node)
    emit_loop(s, rows, test if tests else None, body, a, before)


def planned(s: "Staging", node: Any, rows: Rows | None, plan: Plan, before: State) -> Attempt:
    a = Attempt([], [], [], None, [], [])
    if rows is not None and plan.leaves:
        a.index = Carry(("index",), 0, type_of(0), "k")
    a.flags = [
        (f, Carry(("flag", f), False, type_of(False), f.strip("%"))) for f in (BROKEN, RETURNED) if f in plan.extra
    ]
    for frame, name in bound_in(s, node, plan):
        value = frame.names.get(name, Unbound)
        value = value.read() if isinstance(value, Entered) else value
        if value is Unbound and (id(frame), name) in plan.late:
            a.held.append(first_held(plan, frame, name))
        elif value is Unbound or isinstance(value, Poison):
            a.unbound.append((frame, name))
        elif is_box(value) and (id(frame), name) not in plan.rebound:
            a.arrays.append((frame, name, value))
        else:
            a.held.append(holding(plan, frame, name, value))
    for box, primal, var, _ in before.contents:
        a.boxes.append((box, Carry(("box", id(box)), Staged(s.stage, primal, var), var.type, var.name)))
    return a


def bound_in(s: "Staging", node: Any, plan: Plan) -> list[tuple[Frame, str]]:
    """Names that the body binds, and others that it was found to change."""
    frame = s.frame
    names = bound_names([ast.Assign([node.target], ast.Constant(0))]) if isinstance(node, ast.For) else []
    names = [frame.source.mangled(n) for n in [*names, *bound_names(node.body)]]
    names += [RESULT] if RETURNED in plan.extra else []
    found = {(id(frame.owner(n)), n): (frame.owner(n), n) for n in names}
    for owner in s.all_frames():
        for name in owner.names:
            if (id(owner), name) in plan.extra:
                found[(id(owner), name)] = (owner, name)
    return list(found.values())


def holding(plan: Plan, frame: Frame, name: str, value: Any) -> Held:
    flag = None
    if isinstance(value, Maybe):
        flag = Carry(("bound", id(frame), name), value.bound, value_type(value.bound), "bound")
        value = value.value
    elif (id(frame), name) in plan.flagged:
        flag = Carry(("bound", id(frame), name), True, type_of(True), "bound")
    leaves, structure = flatten(value)
    made = [leaf_of(plan, frame, name, i, leaf) for i, leaf in enumerate(leaves)]
    return Held(frame, name, structure, made, flag, value)


def leaf_of(plan: Plan, frame: Frame, name: str, i: int, leaf: Any) -> Any:
    if not is_number(leaf):
        return leaf
    key = ("name", id(frame), name, i)
    return Carry(key, leaf, plan.types.get(key, value_type(leaf)), name.strip("%"))


def first_held(plan: Plan, frame: Frame, name: str) -> Held:
    """A name that the loop binds first: zeros until then, and a flag that says so."""
    structure, types = plan.late[(id(frame), name)]
    leaves: list[Any] = []
    for i, t in enumerate(types):
        if isinstance(t, Constant):
            leaves.append(t.value)
            continue
        key = ("name", id(frame), name, i)
        t = plan.types.get(key, t)
        leaves.append(Carry(key, zero(t), t, name.strip("%")))
    flag = Carry(("bound", id(frame), name), False, type_of(False), "bound")
    return Held(frame, name, structure, leaves, flag)


@dataclass
class Constant:
    """In place of the type of a leaf that is no number."""

    value: Any


def enter(s: "Staging", block: Block, a: Attempt) -> None:
    """Parameters of the block for all carries, under the names and in the arrays that they belong to."""
    for c in a.carries():
        c.param = s.stage.value(block.parameter(c.name, c.type))
        block.places[id(c)] = c.param.aux
    for h in a.held:
        h.enter(s)
    for box, c in a.boxes:
        box.primal, box.aux = c.param.primal, c.param.aux


def run_test(s: "Staging", node: Any, rows: Rows | None, block: Block, a: Attempt, before: State) -> bool:
    """The program that decides whether there is another iteration; False where it is known that there is none."""
    with s.region("loop"):
        s.stage.blocks.append(block)
        try:
            enter(s, block, a)
            seen = State.now(s)
            go: Any = True
            for _, c in a.flags:
                stays = s.negated(c.param)
                go = stays if go is True else elementwise.logical_and(go, stays)
            if rows is not None:
                more = elementwise.less(a.index.param, rows.length)  # type: ignore[union-attr]
                go = more if go is True else elementwise.logical_and(go, more)
            elif go is True:
                go = s.truth(s.eval(node.test))
            else:
                go = s.conditional(go, lambda: s.truth(s.eval(node.test)), lambda: False)
            if changed(seen, State.now(s)):
                raise Refused("the test of the loop changes names or arrays", "do it in the body of the loop")
            if go is True and not (rows is None and isinstance(node.test, ast.Constant)):
                raise NeedsUnrolling("the test of the loop is known while staging", "loop over values of the program")
            block.program.results = [s.stage.operand(go)]
        finally:
            s.stage.blocks.pop()
            before.restore()
    return go is not False


def changed(a: State, b: State) -> bool:
    names = {id(f): n for f, n in b.names}
    if any(names.get(id(f)) != n for f, n in ((f, n) for f, n in a.names) if not same_names(n, names.get(id(f), {}))):
        return True
    now = {id(box): var for box, _, var, _ in b.contents}
    return any(now.get(id(box), var) is not var for box, _, var, _ in a.contents)


def same_names(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(a[k] is b[k] for k in a)


def run_body(s: "Staging", node: Any, rows: Rows | None, block: Block, a: Attempt, plan: Plan, before: State) -> None:
    names, standins = s.frame.names, len(s.standins)
    with s.region("loop"):
        s.stage.blocks.append(block)
        try:
            index = None
            if rows is not None and a.index is None:
                index = s.stage.value(block.parameter("for_", type_of(0)))  # the user's name, if he has one for it
            enter(s, block, a)
            s.standins += [h.entered.value for h in a.held if is_box(h.entered.value)]
            frames = [(f, dict(f.names)) for f in s.all_frames()]
            if rows is not None:
                s.assign(node.target, rows.item(index if a.index is None else a.index.param))
                if index is not None:
                    s.name_result(index, "i")
            try:
                s.block(node.body)
            except Ended:
                raise EndsAtOnce from None
            names[CONTINUED] = False
            collect(s, node, a, plan, before, frames)
            if a.index is not None:
                a.index.result = a.index.param + 1
            for c in a.carries():
                c.result = conform(c.result, c.type)
        finally:
            del s.standins[standins:]
            s.stage.blocks.pop()


def collect(
    s: "Staging", node: Any, a: Attempt, plan: Plan, before: State, frames: list[tuple[Frame, dict[str, Any]]]
) -> None:
    """What the body leaves behind for the next iteration; Again where the plan did not foresee it."""
    collect_flags(s, a, plan)
    for h in a.held:
        collect_name(s, h, plan)
    for frame, name, box in a.arrays:
        if frame.names.get(name, Unbound) is not box:
            plan.rebound.add((id(frame), name))
            raise Again
    for box, c in a.boxes:
        c.result = Staged(s.stage, box.primal, box.aux)
    for frame, name in a.unbound:
        value = frame.names.get(name, Unbound)
        if (
            value is not Unbound
            and not isinstance(value, Poison)
            and (name == RESULT or is_read_elsewhere(s, node, name))
        ):
            plan.late[(id(frame), name)] = late_types(value)
            raise Again
    known = {(id(h.frame), h.name) for h in a.held} | {(id(f), n) for f, n in a.unbound}
    known |= {(id(f), n) for f, n, _ in a.arrays}
    for frame, old in frames:
        for name, value in frame.names.items():
            if name in (BROKEN, CONTINUED, RETURNED, RESULT) or (id(frame), name) in known:
                continue
            if value is not old.get(name, Unbound):
                plan.extra.add((id(frame), name))
                raise Again
    refuse_lost_aliases(s, a, before)


def collect_flags(s: "Staging", a: Attempt, plan: Plan) -> None:
    names = s.frame.names
    for flag in (BROKEN, RETURNED):
        state = names.get(flag, False)
        carry = next((c for f, c in a.flags if f == flag), None)
        if carry is not None:
            carry.result = state
        elif state is not False:
            plan.extra.add(flag)
            plan.leaves = True
            raise Again


def collect_name(s: "Staging", h: Held, plan: Plan) -> None:
    value = h.now()
    key = (id(h.frame), h.name)
    if isinstance(value, Poison) or value is Unbound:
        if isinstance(value, Poison) and value.reason is None:
            for x in [*h.leaves, h.flag]:
                if isinstance(x, Carry):
                    x.result = x.param
            return
        reason = value.reason if isinstance(value, Poison) else "is deleted in a loop"
        raise NeedsUnrolling(f"`{h.name}` {reason}", "give it values of one kind")
    if isinstance(value, Maybe):
        if h.flag is None:
            plan.flagged.add(key)
            raise Again
        h.flag.result, value = value.bound, value.value
    elif h.flag is not None:
        h.flag.result = True
    leaves, structure = flatten(value)
    if structure != h.structure:
        raise NeedsUnrolling(f"`{h.name}` changes its structure from iteration to iteration", "keep it the same")
    for x, leaf in zip(h.leaves, leaves):
        if not isinstance(x, Carry):
            if not same_value(x, leaf) and x is not leaf:
                raise NeedsUnrolling(
                    f"`{h.name}` is {kind_of(x)} before and {kind_of(leaf)} after an iteration",
                    "use numbers and arrays",
                )
            continue
        if not is_number(leaf):
            raise NeedsUnrolling(f"`{h.name}` is {kind_of(leaf)} after an iteration", "use numbers and arrays")
        wanted = join(x.type, value_type(leaf))
        if wanted is None:
            raise NeedsUnrolling(
                f"`{h.name}` is {x.type} before and {value_type(leaf)} after an iteration",
                "keep shape and kind the same",
            )
        if wanted != x.type:
            plan.types[x.key] = wanted
            raise Again
        x.result = leaf


def late_types(value: Any) -> tuple[Any, list[Any]]:
    value = value.value if isinstance(value, Maybe) else value
    leaves, structure = flatten(value)
    return structure, [value_type(x) if is_number(x) else Constant(x) for x in leaves]


def is_read_elsewhere(s: "Staging", node: Any, name: str) -> bool:
    """Whether the function reads the name outside of the loop (inner functions count)."""
    function = s.frame.function.node if isinstance(s.frame.function, Closure) else s.frame.source.node
    inside, everywhere = read_counts(node), read_counts(function)
    return any(s.frame.source.mangled(n) == name and count > inside.get(n, 0) for n, count in everywhere.items())


@functools.lru_cache(4096)
def read_counts(node: ast.AST) -> dict[str, int]:
    """How often each name is read in the node."""
    return Counter(n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Store))


def refuse_lost_aliases(s: "Staging", a: Attempt, before: State) -> None:
    """Names that take turns with arrays are carried by content: right where what is written has no other name."""
    rebound = [h for h in a.held if is_box(h.entered.value)]
    old = {id(box): box for box, *_ in before.contents}
    starts = {id(h.entered.value): h.like for h in rebound}
    written = {id(box) for box, c in a.boxes if box.aux is not c.param.aux}
    written |= {
        id(h.entered.value) for h in rebound if h.entered.value.aux is not s.stage.block.places[id(h.leaves[0])]
    }
    for h in rebound:
        may_be = s.identities(h.now())
        h.after = may_be[0] if len(may_be) == 1 and id(may_be[0]) in old else None
        roots = [root_of(x) for x in may_be]  # a view is carried by content, and writes into it would miss its array
        h.origins = [starts.get(id(x), old.get(id(x))) for x in roots]
        if not h.entered.is_read:
            continue  # each iteration binds the name before it is read
        shared = [k for k in rebound if k is not h and any(x is y for x in may_be for y in s.identities(k.now()))]
        others = [x for x in may_be if id(x) in old]
        is_written = id(h.entered.value) in written
        may_start = starts_of(h, rebound, starts, s)
        seen = any(s.is_argument(x) or is_named(x, before, rebound) for x in may_start)
        is_view = isinstance(h.like, Value) and h.like.link is not None
        if (
            any(id(x) in written for x in others)
            or (is_view and (is_written or id(root_of(h.like)) in written))
            or (is_written and (others or shared or seen))
            or (is_written and sum(k.like is h.like for k in rebound) > 1)
        ):
            raise Refused(
                f"`{h.name}` names different arrays in different iterations, and one that has another name is written",
                "copy it before the loop (`x = x.copy()`), and write `x[:] = y` in place of `x = y`",
            )


def starts_of(h: Held, rebound: list[Held], starts: dict[int, Any], s: "Staging") -> list[Any]:
    """The arrays from before the loop that the name may hold at the start of an iteration."""
    found, todo = [h], [h]
    while todo:
        may_be = {id(x) for x in s.identities(todo.pop().now())}
        more = [k for k in rebound if id(k.entered.value) in may_be and not any(k is f for f in found)]
        found += more
        todo += more
    return [k.like for k in found if k.like is not None]


def is_named(x: Any, before: State, rebound: list[Held]) -> bool:
    """Whether a name that the loop does not bind holds the array, too."""
    bound = {(id(h.frame), h.name) for h in rebound}
    return any(v is x and (id(f), n) not in bound for f, names in before.names for n, v in names.items())


# ---------------------------------------------------------------- the equation


def emit_loop(s: "Staging", rows: Rows | None, test: Block | None, body: Block, a: Attempt, before: State) -> None:
    stays = {id(c) for c in a.carries() if c is not a.index and is_unchanged(c, body)}
    carries = [c for c in a.carries() if id(c) not in stays]
    fixed = [c for c in a.carries() if id(c) in stays]
    blocks = [body] if test is None else [test, body]
    body.program.results = [operand_in(s, body, c.result) for c in carries]
    captured = list(dict.fromkeys(v for b in blocks for v in b.captures()))
    programs = [arranged(b, a, captured, fixed, carries, b is body and test is None) for b in blocks]
    starts = [s.stage.operand(conform(c.start, c.type)) for c in [*fixed, *carries]]
    operands = [*captured, *starts]
    consts = len(captured) + len(fixed)
    types, names = [c.type for c in carries], [c.name for c in carries]
    if test is None:
        params: dict[str, Any] = {"body": programs[0], "consts": consts}
        length = rows.length  # type: ignore[union-attr]
        outs = s.stage.emit(for_, [0, length, 1, *operands], params, types, names)
    else:
        outs = s.stage.emit(
            while_, operands, {"test": programs[0], "body": programs[1], "consts": consts}, types, names
        )
    leave(s, a, {id(c): out for c, out in zip(carries, outs)}, rows, before)


def is_unchanged(c: Carry, body: Block) -> bool:
    return isinstance(c.result, Staged) and c.result.aux is body.places[id(c)]


def arranged(
    block: Block, a: Attempt, captured: list[Var], fixed: list[Carry], carries: list[Carry], counts: bool
) -> Program:
    """The block's program with its parameters in the order: index, captured, constants, carries."""
    own = block.program.params
    params = block.places
    head = own[:1] if counts else []
    caught = [block.captured.get(v) or Var(v.name, v.type) for v in captured]
    ordered = [*head, *caught, *(params[id(c)] for c in fixed), *(params[id(c)] for c in carries)]
    return Program(ordered, block.program.equations, block.program.results, block.program.name)


def operand_in(s: "Staging", block: Block, x: Any) -> Any:
    with s.stage.within(block):
        return s.stage.operand(x)


def leave(s: "Staging", a: Attempt, outs: dict[int, Any], rows: Rows | None, before: State) -> None:
    """Names and arrays after the loop."""
    for h in a.held:
        leaves = [outs.get(id(x), x.start) if isinstance(x, Carry) else x for x in h.leaves]
        value = rebuilt(s, h.like, h.structure, leaves)
        if h.flag is not None:
            bound = outs.get(id(h.flag), h.flag.start)
            always = h.flag.result is True and a.index is None and runs(rows)
            value = value if always or bound is True else Maybe(value, bound)
        h.frame.names[h.name] = h.after if h.after is not None and runs(rows) and a.index is None else value
        if is_box(value):
            name_origins(s, h, value, a, rows)
    for box, c in a.boxes:
        if id(c) in outs:
            box.primal, box.aux = outs[id(c)].primal, outs[id(c)].aux
    for flag, c in a.flags:
        s.frame.names[flag] = outs.get(id(c), c.start)


def name_origins(s: "Staging", h: Held, value: Any, a: Attempt, rows: Rows | None) -> None:
    """After the loop the name holds what an iteration bound, or, where there was none, what it held before."""
    for x in h.origins:
        if x is not None and x is not value:
            s.aliases.append(Alias(value, x, None))
    if h.like is not None and not runs(rows):
        skipped = elementwise.equal(rows.length, 0) if rows is not None and a.index is None else None
        s.aliases.append(Alias(value, h.like, skipped))


def runs(rows: Rows | None) -> bool:
    """Whether it is known that there is an iteration."""
    return rows is not None and not isinstance(rows.length, Value) and rows.length > 0
