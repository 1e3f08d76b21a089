"""Branches of the program: what either side changed is a result."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wengert.core.layout import layout_of
from wengert.core.mode import Value, lane_of
from wengert.core.tree import flatten
from wengert.frontend.refuse import PYTHON_ERRORS, Ended
from wengert.frontend.scope import (
    Alias,
    Choice,
    Entered,
    Frame,
    Maybe,
    Poison,
    Unbound,
    is_box,
    root_of,
)
from wengert.frontend.state import State, is_number, join, kind_of, rebuilt, same_value
from wengert.frontend.views import Sight, fixed_shape, seen, sight
from wengert.ir.program import Program, Var, zero
from wengert.modes.stage import Block, Staged
from wengert.rules.control import conform, if_, value_type

if TYPE_CHECKING:
    from wengert.frontend.build import Staging


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
        emit_branch(s, test, sides, Merge(s, sides, test, before))
        raise Ended
    merge = Merge(s, sides, test, before)
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
        except PYTHON_ERRORS as error:  # of an expression: where this side is not taken, nothing happens
            s.raises(type(error), error.args)
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

    def __init__(self, s: "Staging", sides: Sequence[Side], test: Any, before: State) -> None:
        self.s, self.sides, self.test = s, sides, test
        self.before = {id(box) for box, *_ in before.contents}
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
        view = self.view_of_one(name, leaf, second)
        if view is not None:
            return view
        type, left = value_type(leaf), self.as_left(leaf, int(second))
        slot = self.slot(name, type, (zero(type), left) if second else (left, zero(type)))
        return (lambda outs: other_name(self.s, slot(outs), leaf)) if is_box(leaf) else slot

    def view_of_one(self, name: str, x: Any, second: bool) -> Callable[[list[Any]], Any] | None:
        """A view of an array from before, made by the only side that goes on."""
        found, shape = self.seen_in(x, int(second))
        if found is None or x.link is None:
            return None
        slots = [self.alone(f"{name} at", n, second) for n in found.numbers]
        return lambda outs: seen(found, [slot(outs) for slot in slots], shape)

    def view_of_two(self, name: str, x: Any, y: Any) -> Callable[[list[Any]], Any] | None:
        """Views of one array from before, which differ by the numbers of their index."""
        if root_of(x) is not root_of(y):
            return None
        (a, shape), (b, other) = self.seen_in(x, 0), self.seen_in(y, 1)
        if a is None or b is None or not a.is_like(b):
            return None
        slots = [self.leaf(f"{name} at", n, m) for n, m in zip(a.numbers, b.numbers)]
        fixed = shape if shape == other else None
        return lambda outs: seen(a, [slot(outs) for slot in slots], fixed)

    def seen_in(self, x: Any, k: int) -> tuple[Sight | None, Any]:
        """What a side sees of an array from before, and the lengths of that."""
        if not is_box(x) or id(root_of(x)) not in self.before:
            return None, None
        with self.s.stage.within(self.sides[k].block):
            return sight(x), fixed_shape(x)

    def as_left(self, x: Any, k: int) -> Any:
        """An array with the content that a side left in it; a view is read of what its array then held."""
        view = x.link if isinstance(x, Value) else None
        found = self.sides[k].contents.get(id(x if view is None else view.root))
        if found is None:
            return x
        left = Staged(self.s.stage, found[0].primal, found[1])
        with self.s.stage.within(self.sides[k].block):
            return left if view is None else view.read(left)

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
        if is_box(x) and is_box(y):
            view = self.view_of_two(name, x, y)
            if view is not None:
                return view
        elif isinstance(x, Staged) and isinstance(y, Staged) and x.aux is y.aux:
            return lambda outs: x
        type = join(value_type(x), value_type(y), self.s.stage)
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


def other_name(s: "Staging", box: Any, source: Any) -> Any:
    """An array, or a view of one, that a side left under this name."""
    s.aliases.append(Alias(box, root_of(source), None))
    return box


def chosen_box(s: "Staging", box: Any, sources: tuple[Any, Any], test: Any) -> Any:
    """An array that is one of two others; what is written into a view of one would have to reach all of that."""
    for source, when in zip(sources, (test, s.negated(test))):
        root = root_of(source)
        s.aliases.append(Alias(box, root, when if root is source else None))
    return box


def with_flag(value: Any, bound: Any) -> Any:
    return value if bound is True or isinstance(value, Poison) else Maybe(value, bound)


def joined(s: "Staging", like: Any, structure: Any, leaves: list[Any]) -> Any:
    bad = next((x for x in leaves if isinstance(x, Poison)), None)
    return bad if bad is not None else rebuilt(s, like, structure, leaves)


def set_name(frame: Frame, name: str, value: Callable[[list[Any]], Any]) -> Callable[[list[Any]], None]:
    def change(outs: list[Any]) -> None:
        frame.names[name] = value(outs)

    return change


def set_content(s: "Staging", box: Staged, value: Callable[[list[Any]], Any]) -> Callable[[list[Any]], None]:
    def change(outs: list[Any]) -> None:
        new = value(outs)
        box.hold(new)

    return change


def emit_branch(s: "Staging", test: Any, sides: Sequence[Side], merge: Merge) -> list[Any]:
    lanes: list[list[Any]] = []
    for k, x in enumerate(sides):
        with s.stage.within(x.block):
            values = [conform(pair[k], type) for type, pair in merge.slots]
            x.block.program.results = [s.stage.operand(value) for value in values]
            lanes.append([lane_of(value) for value in values])
    then, orelse = with_same_captures([x.block for x in sides])
    operands = list(dict.fromkeys(v for x in sides for v in x.block.captures()))
    params = {"then": then, "orelse": orelse}
    if not (merge.slots or then.equations or orelse.equations):
        return []
    like = [a if layout_of(a) == layout_of(b) else None for a, b in zip(*lanes)]
    return s.stage.emit(if_, [test, *operands], params, [t for t, _ in merge.slots], merge.names, like)


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
