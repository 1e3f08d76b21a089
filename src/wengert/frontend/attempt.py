"""One attempt to stage a loop.

It carries every array that the function can reach, and the names that its body binds; what turns out unchanged is a
constant of the loop.  What the attempt finds out (a name holds a float after the body where it held an int before) is
remembered in the `Plan`, and the loop is staged again.
"""

import ast
import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wengert.core.mode import Value
from wengert.core.tree import flatten
from wengert.frontend.refuse import Ended, NeedsUnrolling, Refused
from wengert.frontend.scope import (
    BROKEN,
    CONTINUED,
    RESULT,
    RETURNED,
    Alias,
    Closure,
    Entered,
    Frame,
    Maybe,
    Name,
    Poison,
    Rows,
    Unbound,
    bound_names,
    is_box,
    root_of,
)
from wengert.frontend.state import State, is_number, join, kind_of, rebuilt, same_value
from wengert.frontend.views import Sight, fixed_shape, seen, sight
from wengert.ir.program import Program, Var, type_of, variables, zero
from wengert.modes.stage import Block, Staged
from wengert.rules import elementwise
from wengert.rules.control import conform, for_, value_type, while_

if TYPE_CHECKING:
    from wengert.frontend.build import Staging


@dataclass
class Plan:
    """What attempts to stage a loop found out.

    types      of carries that need another type than their first value has
    rebound    names that hold another array after the body: their content is carried, not the array
    extra      names beside those that the body binds
    late       names that the body binds first: structure and types
    moving     numbers of views that differ from iteration to iteration
    open       views whose lengths do, too
    mixed      views that are carried by content: of other arrays, or along other axes, afterwards
    flagged    names that the body may leave unbound
    origins    of carried arrays: what they may be views of when an iteration begins, arrays from before the loop and
               keys of others that are carried
    leaves     the loop may be left early: it tests before each iteration
    reason     why its iterations are staged one by one
    unrolled   its iterations are staged one by one
    """

    types: dict[Any, Any] = field(default_factory=dict)
    rebound: set[Any] = field(default_factory=set)
    extra: set[Any] = field(default_factory=set)
    late: dict[Any, tuple[Any, Any]] = field(default_factory=dict)
    flagged: set[Any] = field(default_factory=set)
    moving: set[Any] = field(default_factory=set)
    open: set[Any] = field(default_factory=set)
    mixed: set[Any] = field(default_factory=set)
    origins: dict[Any, list[Any]] = field(default_factory=dict)
    leaves: bool = False
    unrolled: bool = False
    reason: Exception | None = None
    attempts: int = 0


class Again(Exception):
    """The plan has changed."""


class EndsAtOnce(Exception):
    """The first iteration ends with an exception."""


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
class Shown:
    """A view of an array that stays the same: what differs from iteration to iteration are numbers of its index."""

    key: Any
    sight: Sight
    numbers: list[Any]  # carries, or numbers that stay as they are
    shape: tuple[int, ...] | None  # where it is the same in all iterations

    def view(self, values: dict[int, Any]) -> Any:
        """The view with values in place of carries."""
        return seen(self.sight, [values.get(id(n), n) for n in self.numbers], self.shape)

    def collect(self, leaf: Any, plan: Plan) -> None:
        """The numbers of the view that the next iteration starts with."""
        found = sight(leaf)
        if found is None or not self.sight.is_like(found):
            plan.mixed.add(self.key)
            raise Again
        if self.shape is not None and fixed_shape(leaf) != self.shape:
            plan.open.add(self.key)
            raise Again
        for k, (x, n) in enumerate(zip(self.numbers, found.numbers)):
            if isinstance(x, Carry):
                collect_number(x, n, plan)
            elif not same_value(x, n):
                plan.moving.add((*self.key, k))
        if any((*self.key, k) in plan.moving and not isinstance(x, Carry) for k, x in enumerate(self.numbers)):
            raise Again


def collect_number(x: Carry, value: Any, plan: Plan) -> bool:
    """The value of a carry for the next iteration; whether there is a type for it and what it was before."""
    wanted = join(x.type, value_type(value))
    if wanted is not None and wanted != x.type:
        plan.types[x.key] = wanted
        raise Again
    x.result = value
    return wanted is not None


@dataclass(eq=False)
class Held:
    """A name that the loop carries: its leaves are carries, views, or constants that stay as they are."""

    frame: Frame
    name: str
    structure: Any
    leaves: list[Any]
    flag: Carry | None  # whether it is bound
    like: Any = None
    entered: Any = None  # what the body finds under the name
    parts: "list[Part]" = field(default_factory=list)
    unreadable: Poison | None = None  # what it holds before the first iteration, in place of a value
    lost: Poison | None = None  # what the name holds after an iteration, in place of a value

    @property
    def place(self) -> Name:
        return self.frame, self.name

    def now(self) -> Any:
        value = self.frame.names.get(self.name, Unbound)
        return value.value if isinstance(value, Entered) else value

    def enter(self, s: "Staging") -> None:
        leaves = valued(self.leaves, {id(c): c.param for c in carries_in(self.leaves)})
        value = rebuilt(s, self.like, self.structure, leaves)
        self.entered = Entered(value if self.flag is None else Maybe(value, self.flag.param))
        self.frame.names[self.name] = self.entered
        likes = [None] * len(leaves) if self.like is None else flatten(self.like)[0]
        arrays = [(x, like) for x, like in zip(self.leaves, likes) if isinstance(x, Carry) and is_box(x.param)]
        self.parts = [Part(self, x, like, s.regions.count("loop")) for x, like in arrays]


def valued(leaves: list[Any], values: dict[int, Any]) -> list[Any]:
    """The leaves with values in place of carries."""
    return [x.view(values) if isinstance(x, Shown) else values.get(id(x), x) for x in leaves]


def carries_in(leaves: list[Any]) -> list[Carry]:
    found = [n for x in leaves for n in (x.numbers if isinstance(x, Shown) else [x])]
    return [x for x in found if isinstance(x, Carry)]


@dataclass(eq=False)
class Part:
    """An array that a held name leads to: the name holds it, or a container does."""

    held: Held
    carry: Carry
    like: Any  # the array before the loop, None where there is none
    loops: int  # around an iteration
    origins: list[Any] = field(default_factory=list)  # arrays from before the loop that it may be afterwards
    views: list[Any] = field(default_factory=list)  # what it may be a view of, as the plan notes it
    after: Any = None  # the one that it is after an iteration


@dataclass
class Attempt:
    """What one attempt carries."""

    held: list[Held]
    boxes: list[tuple[Staged, Carry]]
    flags: list[tuple[str, Carry]]  # BROKEN, RETURNED: false at the start of each iteration that runs
    index: Carry | None
    unbound: list[tuple[Frame, str]]  # names that the body may bind
    lost: list[tuple[Frame, str]]  # names that hold nothing to go on with, before the loop and after it
    arrays: list[tuple[Frame, str, Any]]  # names of arrays that the body binds: they should hold the same afterwards

    def carries(self) -> list[Carry]:
        found = [] if self.index is None else [self.index]
        found += [c for _, c in self.flags]
        found += [x for h in self.held for x in carries_in([*h.leaves, h.flag])]
        return found + [c for _, c in self.boxes]

    def parts(self) -> list[Part]:
        return [part for h in self.held for part in h.parts]


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
    a = Attempt([], [], [], None, [], [], [])
    if rows is not None and plan.leaves:
        a.index = Carry(("index",), 0, type_of(0), "k")
    a.flags = [
        (f, Carry(("flag", f), False, type_of(False), f.strip("%"))) for f in (BROKEN, RETURNED) if f in plan.extra
    ]
    for frame, name in bound_in(s, node, plan):
        value = frame.names.get(name, Unbound)
        value = value.read() if isinstance(value, Entered) else value
        if isinstance(value, Poison) and not (runs(rows) and not plan.leaves):
            a.lost.append((frame, name))
        elif (value is Unbound or isinstance(value, Poison)) and (id(frame), name) in plan.late:
            a.held.append(first_held(plan, frame, name, value))
        elif value is Unbound or isinstance(value, Poison):
            a.unbound.append((frame, name))
        elif is_box(value) and (id(frame), name) not in plan.rebound:
            a.arrays.append((frame, name, value))
        else:
            a.held.append(holding(plan, frame, name, value, [box for box, *_ in before.contents]))
    for box, primal, var, _ in before.contents:
        a.boxes.append((box, Carry(("box", id(box)), Staged(s.stage, primal, var), var.type, var.name)))
    return a


def bound_in(s: "Staging", node: Any, plan: Plan) -> list[tuple[Frame, str]]:
    """Names that the body binds, and others that it was found to change."""
    frame = s.frame
    names = bound_names([node.target]) if isinstance(node, ast.For) else []
    names = [frame.source.mangled(n) for n in [*names, *bound_names(node.body)]]
    names += [RESULT] if RETURNED in plan.extra else []
    found = {(id(frame.owner(n)), n): (frame.owner(n), n) for n in names}
    for owner in s.all_frames():
        for name in owner.names:
            if (id(owner), name) in plan.extra:
                found[(id(owner), name)] = (owner, name)
    return list(found.values())


def holding(plan: Plan, frame: Frame, name: str, value: Any, boxes: list[Any]) -> Held:
    flag = None
    if isinstance(value, Maybe):
        flag = Carry(("bound", id(frame), name), value.bound, value_type(value.bound), "bound")
        value = value.value
    elif (id(frame), name) in plan.flagged:
        flag = Carry(("bound", id(frame), name), True, type_of(True), "bound")
    leaves, structure = flatten(value)
    made = [leaf_of(plan, frame, name, i, leaf, boxes) for i, leaf in enumerate(leaves)]
    return Held(frame, name, structure, made, flag, value)


def leaf_key(frame: Frame, name: str, i: int) -> tuple[Any, ...]:
    """Of the i-th leaf of what a name holds, in the plan."""
    return "name", id(frame), name, i


def leaf_of(plan: Plan, frame: Frame, name: str, i: int, leaf: Any, boxes: list[Any]) -> Any:
    if not is_number(leaf):
        return leaf
    key = leaf_key(frame, name, i)
    is_mixed = key in plan.mixed or not is_box(leaf) or not any(root_of(leaf) is box for box in boxes)
    found = None if is_mixed else sight(leaf)
    if found is not None:
        numbers = [number_of(plan, (*key, k), n, f"{name.strip('%')}_at") for k, n in enumerate(found.numbers)]
        return Shown(key, found, numbers, None if key in plan.open else fixed_shape(leaf))
    return Carry(key, leaf, plan.types.get(key, value_type(leaf)), name.strip("%"))


def number_of(plan: Plan, key: Any, value: Any, name: str) -> Any:
    if not isinstance(value, Value) and key not in plan.moving:
        return value
    return Carry(key, value, plan.types.get(key, value_type(value)), name)


def first_held(plan: Plan, frame: Frame, name: str, before: Any) -> Held:
    """A name that the loop binds first: zeros until then, and a flag that says so."""
    structure, types = plan.late[(id(frame), name)]
    leaves: list[Any] = []
    for i, t in enumerate(types):
        if isinstance(t, Constant):
            leaves.append(t.value)
            continue
        key = leaf_key(frame, name, i)
        t = plan.types.get(key, t)
        leaves.append(Carry(key, zero(t), t, name.strip("%")))
    flag = Carry(("bound", id(frame), name), False, type_of(False), "bound")
    return Held(frame, name, structure, leaves, flag, unreadable=before if isinstance(before, Poison) else None)


@dataclass
class Constant:
    """In place of the type of a leaf that is no number."""

    value: Any


def enter(s: "Staging", block: Block, a: Attempt) -> None:
    """Parameters of the block for all carries, under the names and in the arrays that they belong to."""
    for c in a.carries():
        c.param = s.stage.value(block.parameter(c.name, c.type))
        c.param.lie_as(c.start)
        block.places[id(c)] = c.param.aux
    for h in a.held:
        h.enter(s)
    for box, c in a.boxes:
        box.hold(c.param)


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
                go = s.test(node.test)
            else:
                go = s.conditional(go, lambda: s.test(node.test), lambda: False)
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
    names, parts = s.frame.names, len(s.parts)
    with s.region("loop"):
        s.stage.blocks.append(block)
        try:
            index = None
            if rows is not None and a.index is None:
                index = s.stage.value(block.parameter("for_", type_of(0)))  # the user's name, if he has one for it
                if not isinstance(rows.length, Value):
                    s.stage.ranges[index.aux] = 0, rows.length - 1
            enter(s, block, a)
            s.parts += a.parts()
            begin_as_views(s, a, plan)
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
                # a view as it is now: outside of the body its array has another content
                now = c.result.snapshot() if isinstance(c.result, Value) else c.result
                c.result = conform(now, c.type)
        finally:
            del s.parts[parts:]
            s.stage.blocks.pop()


def collect(
    s: "Staging", node: Any, a: Attempt, plan: Plan, before: State, frames: list[tuple[Frame, dict[str, Any]]]
) -> None:
    """What the body leaves behind for the next iteration; Again where the plan did not foresee it."""
    collect_flags(s, a, plan)
    problems: list[Exception] = []
    for h in a.held:
        try:
            collect_name(s, h, plan)
        except (Again, NeedsUnrolling) as problem:
            problems.append(problem)
    for frame, name, box in a.arrays:
        if frame.names.get(name, Unbound) is not box:
            plan.rebound.add((id(frame), name))
            then, now = sight(box), sight(frame.names.get(name, Unbound))
            if then is None or now is None or not then.is_like(now):
                plan.mixed.add(leaf_key(frame, name, 0))
            problems.append(Again())
    if problems:
        raise next((p for p in problems if isinstance(p, Again)), problems[0])
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
    note_views(s, a, plan, before)
    known = {(id(h.frame), h.name) for h in a.held} | {(id(f), n) for f, n in a.unbound}
    known |= {(id(f), n) for f, n, _ in a.arrays} | {(id(f), n) for f, n in a.lost}
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
    if h.unreadable is not None and h.entered.is_read:
        raise NeedsUnrolling(f"`{h.name}` {h.unreadable.reason}", "give it values of one kind")
    if isinstance(value, Poison) or value is Unbound:
        h.lost = value if isinstance(value, Poison) else None
        if h.lost is not None and (h.lost.reason is None or not h.entered.is_read):
            for x in carries_in([*h.leaves, h.flag]):
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
        if isinstance(x, Shown):
            x.collect(leaf, plan)
        elif not isinstance(x, Carry):
            if not same_value(x, leaf) and x is not leaf:
                raise NeedsUnrolling(
                    f"`{h.name}` is {kind_of(x)} before and {kind_of(leaf)} after an iteration",
                    "use numbers and arrays",
                )
        elif not is_number(leaf):
            raise NeedsUnrolling(f"`{h.name}` is {kind_of(leaf)} after an iteration", "use numbers and arrays")
        elif not collect_number(x, leaf, plan):
            raise NeedsUnrolling(
                f"`{h.name}` is {x.type} before and {value_type(leaf)} after an iteration",
                "keep shape and kind the same",
            )


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


def begin_as_views(s: "Staging", a: Attempt, plan: Plan) -> None:
    """What is carried by content is in some iterations a view of an array that has names of its own."""
    params = {part.carry.key: part.carry.param for part in a.parts()}
    for part in a.parts():
        found = plan.origins.setdefault(part.carry.key, [])
        note_origins(s, part.like, found, lambda root: [root])
        s.aliases += [Alias(part.carry.param, params.get(x, x) if is_key(x) else x, None) for x in found]


def note_views(s: "Staging", a: Attempt, plan: Plan, before: State) -> None:
    """The arrays that the next iteration may begin with views of: from before the loop, or carried themselves."""
    parts, old = a.parts(), {id(box) for box, *_ in before.contents}
    params = {id(k.carry.param): k for k in parts}
    results = [(k, {id(root_of(x)) for x in s.identities(k.carry.result)}) for k in parts]

    def origins(part: Part, root: Any) -> list[Any]:
        found = [k.carry.key for k, roots in results if k is not part and id(root) in roots]
        k = params.get(id(root))
        if k is None:
            return [*found, root] if id(root) in old else found
        return [*found, *plan.origins[k.carry.key], *([] if k.like is None else [root_of(k.like)])]

    new = []
    for part in parts:
        part.views = plan.origins[part.carry.key]
        new.append(note_origins(s, part.carry.result, part.views, functools.partial(origins, part)))
    if any(new):
        raise Again


def note_origins(s: "Staging", x: Any, found: list[Any], origins: Callable[[Any], list[Any]]) -> bool:
    """Add the arrays that x is or may be a view of, but not x; whether there are new ones."""
    roots = [root for y in s.identities(x) if y is not x or y.link is not None for root in origins(root_of(y))]
    new = [root for k, root in enumerate(roots) if not any(is_same(root, f) for f in [*found, *roots[:k]])]
    found += new
    return bool(new)


def is_key(x: Any) -> bool:
    """Whether x, of the origins in a plan, tells a carry."""
    return isinstance(x, tuple)


def is_same(x: Any, y: Any) -> bool:
    return x is y or (is_key(x) and is_key(y) and x == y)


def refuse_lost_aliases(s: "Staging", a: Attempt, before: State) -> None:
    """Names that take turns with arrays are carried by content: right where what is written has no other name."""
    parts = a.parts()
    old = {id(box): box for box, *_ in before.contents}
    starts = {id(part.carry.param): part.like for part in parts}
    written = {id(box) for box, c in a.boxes if box.aux is not c.param.aux}
    written |= {id(x.carry.param) for x in parts if x.carry.param.aux is not s.stage.block.places[id(x.carry)]}
    named = named_elsewhere(s, parts, before)
    for part in parts:
        may_be = s.identities(part.carry.result)
        part.after = may_be[0] if len(may_be) == 1 and id(may_be[0]) in old else None
        roots = [root_of(x) for x in may_be]  # a view is carried by content, and writes into it would miss its array
        part.origins = [starts.get(id(x), old.get(id(x))) for x in roots]
        if not part.held.entered.is_read:
            continue  # each iteration binds the name before it is read
        shared = any(x is y for k in parts if k is not part for x in may_be for y in s.identities(k.carry.result))
        others = [x for x in may_be if id(x) in old]
        is_written = id(part.carry.param) in written
        may_start = starts_of(part, parts, s) if is_written else []
        s.ask_who_sees(may_start)
        seen = any(id(x) in named for x in may_start)
        is_view = part.like is not None and part.like.link is not None
        if (
            any(id(x) in written for x in others)
            or part.held.entered.is_stale
            or (is_written and (is_view or others or shared or seen))
            or (is_written and sum(k.like is part.like for k in parts) > 1)
        ):
            raise Refused(
                f"`{part.held.name}` names different arrays in different iterations, and one that has another name is "
                "written",
                "copy it before the loop (`x = x.copy()`), and write `x[:] = y` in place of `x = y`",
            )


def starts_of(part: Part, parts: list[Part], s: "Staging") -> list[Any]:
    """The arrays from before the loop that the part may be at the start of an iteration."""
    found, todo = [part], [part]
    while todo:
        may_be = {id(x) for x in s.identities(todo.pop().carry.result)}
        more = [k for k in parts if id(k.carry.param) in may_be and not any(k is f for f in found)]
        found += more
        todo += more
    return [k.like for k in found if k.like is not None]


def named_elsewhere(s: "Staging", parts: list[Part], before: State) -> dict[int, Any]:
    """Arrays that the caller sees, or that names lead to which the loop does not bind."""
    bound = {part.held.place for part in parts}
    names = [v for f, names in before.names for n, v in names.items() if (f, n) not in bound]
    return s.reached([*names, *s.captured.values.values(), *s.arguments], bound)


# ---------------------------------------------------------------- the equation


def emit_loop(s: "Staging", rows: Rows | None, test: Block | None, body: Block, a: Attempt, before: State) -> None:
    stays = {id(c) for c in a.carries() if c is not a.index and is_unchanged(c, body)}
    carries = [c for c in a.carries() if id(c) not in stays]
    blocks = [body] if test is None else [test, body]
    body.program.results = [operand_in(s, body, c.result) for c in carries]
    read = {x for b in blocks for e in b.program.equations for x in variables(e)}
    read |= {x for b in blocks for x in b.program.results if isinstance(x, Var)}
    fixed = [c for c in a.carries() if id(c) in stays and any(b.places[id(c)] in read for b in blocks)]
    captured = list(dict.fromkeys(v for b in blocks for v in b.captures()))
    programs = [arranged(b, a, captured, fixed, carries, b is body and test is None) for b in blocks]
    starts = [s.stage.operand(conform(c.start, c.type)) for c in [*fixed, *carries]]
    operands = [*captured, *starts]
    consts = len(captured) + len(fixed)
    types, names, like = [c.type for c in carries], [c.name for c in carries], [c.param for c in carries]
    if test is None:
        params: dict[str, Any] = {"body": programs[0], "consts": consts}
        length = rows.length  # type: ignore[union-attr]
        outs = s.stage.emit(for_, [0, length, 1, *operands], params, types, names, like)
    else:
        outs = s.stage.emit(
            while_, operands, {"test": programs[0], "body": programs[1], "consts": consts}, types, names, like
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
    ran = runs(rows) and a.index is None  # to the end of the last iteration
    found = {id(c): outs.get(id(c), c.start) for c in a.carries()}
    found.update({id(part.carry): part.after for part in a.parts() if ran and part.after is not None})
    for h in a.held:
        value = rebuilt(s, h.like, h.structure, valued(h.leaves, found))
        if h.flag is not None:
            bound = outs.get(id(h.flag), h.flag.start)
            always = h.flag.result is True and ran
            value = value if always or bound is True else Maybe(value, bound)
        value = value if h.lost is None else h.lost
        h.frame.names[h.name] = value
    after = {part.carry.key: found[id(part.carry)] for part in a.parts()}
    for part in a.parts():
        if not ran or part.after is None:
            name_origins(s, part, after, a, rows)
    for box, c in a.boxes:
        if id(c) in outs:
            box.hold(outs[id(c)])
    for flag, c in a.flags:
        s.frame.names[flag] = outs.get(id(c), c.start)


def name_origins(s: "Staging", part: Part, after: dict[Any, Any], a: Attempt, rows: Rows | None) -> None:
    """After the loop the name holds what an iteration bound, or, where there was none, what it held before."""
    value = after[part.carry.key]
    for x in [*part.origins, *(after.get(x) if is_key(x) else x for x in part.views)]:
        if x is not None and x is not value:
            s.aliases.append(Alias(value, root_of(x), None))
    if part.like is not None and part.like is not value and not runs(rows):
        is_known = rows is not None and a.index is None and part.like.link is None
        skipped = elementwise.equal(rows.length, 0) if is_known else None  # type: ignore[union-attr]
        s.aliases.append(Alias(value, root_of(part.like), skipped))


def runs(rows: Rows | None) -> bool:
    """Whether it is known that there is an iteration."""
    return rows is not None and not isinstance(rows.length, Value) and rows.length > 0
