"""A program as plain NumPy that runs on its own, for people to read, step through and edit.

Three steps.  The program becomes statements with the regions of loops and branches in place (`Reader`).  What is read
once moves to where it is read (`inline`).  Then values get names (`Names`): values that never live at the same time
may share one, so that an update of an array is a write into it; and a copy is made where two values would share
memory (`Sharing`).  (Values that are alive at the same time interfere: Chaitin 1982, "Register allocation and spilling
via graph coloring".)
"""

import ast
import builtins
import inspect
import itertools
import keyword
import linecache
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, is_dataclass
from typing import Any

import numpy as np

from wengert.api import jvp, vjp
from wengert.core.tree import flatten, paths, unflatten
from wengert.frontend.jit import RESULT, Built, arguments, built_for, is_operand, jit
from wengert.inspect.spelling import (
    ATOM,
    HELPERS,
    PRODUCT,
    SIGN,
    SPELLING,
    SUM,
    Module,
    Text,
    Written,
    numbered,
    ranged,
    refusal,
    spell,
)
from wengert.ir.evaluate import line_of
from wengert.ir.program import (
    Equation,
    Program,
    Stack,
    Type,
    Var,
    dtype_in,
    holes,
    is_unnamed,
    type_in,
    walk,
)
from wengert.rules.indexing import is_basic

WIDTH = 60  # of an expression, about: longer ones are not made by moving what is read once


# ---------------------------------------------------------------- what is written


@dataclass(frozen=True)
class Global:
    """A constant above the functions."""

    name: str
    type: Any


@dataclass
class Apply:
    """An expression: a row applied to variables, constants and other expressions."""

    e: Equation
    ins: list[Any]


@dataclass(eq=False)
class Statement:
    """
    kind    let (one row), update, push, pop, move, if, for, while, call, check, show, unpack, return
    outs    variables that it sets;  ins  what it reads: variables, constants, expressions
    e       the equation that it comes from
    blocks  of a region: those that run under it
    text    of a call: the function; of an unpacking: the expression
    live    variables that are read later;  depth  of loops around it
    """

    kind: str
    outs: list[Var]
    ins: list[Any]
    e: Equation | None = None
    blocks: list["Block"] = field(default_factory=list)
    text: Any = ""
    live: set[Var] = field(default_factory=set)
    depth: int = 0
    number: int = field(default_factory=itertools.count().__next__)


Block = list[Statement]


def variables_in(xs: Iterable[Any]) -> Iterator[Var]:
    for x in xs:
        if isinstance(x, Var):
            yield x
        elif isinstance(x, Apply):
            yield from variables_in(x.ins)


def applications(xs: Iterable[Any]) -> Iterator[Apply]:
    for x in xs:
        if isinstance(x, Apply):
            yield x
            yield from applications(x.ins)


def all_statements(block: Block) -> Iterator[Statement]:
    for s in block:
        yield s
        for inner in s.blocks:
            yield from all_statements(inner)


def type_of_in(x: Any) -> Any:
    if isinstance(x, Apply):
        return x.e.outs[0].type
    return x.type if isinstance(x, Global) else type_in(x)


# ---------------------------------------------------------------- a program as statements


class Reader:
    """Statements with a variable for each value; regions stand in place, what they read are the variables around."""

    def __init__(self, helper: Callable[[Program], str], is_double: bool) -> None:
        self.helper, self.is_double = helper, is_double
        self.depth = 0

    def block(self, program: Program, env: dict[Var, Any]) -> Block:
        found: Block = []
        for e in program.equations:
            for s in self.statements(e, [env.get(x, x) if isinstance(x, Var) else x for x in e.ins], env):
                s.depth = self.depth
                found.append(s)
        return found

    def made(self, e: Equation, env: dict[Var, Any]) -> list[Var]:
        env.update({o: Var(o.name, o.type) for o in e.outs})
        return [env[o] for o in e.outs]

    def statements(self, e: Equation, ins: list[Any], env: dict[Var, Any]) -> Iterator[Statement]:
        name = e.row.name
        if name in REGION_READERS:
            yield from REGION_READERS[name](self, e, ins, env)
        elif name in KINDS:
            yield Statement(KINDS[name], self.made(e, env), ins, e)
        elif self.is_same(e, ins[0] if ins else None):
            env[e.outs[0]] = ins[0]
            if isinstance(ins[0], Var) and is_derived_from_row(ins[0].name):
                ins[0].name = better(ins[0].name, e.outs[0].name)
        else:
            yield Statement("let", self.made(e, env), ins, e)

    def is_same(self, e: Equation, x: Any) -> bool:
        """Whether the result is what is given, as far as plain numbers go."""
        if e.row.name == "array" and not isinstance(x, Var):
            return True
        if e.row.name not in ("weak", "convert", "stop_gradient") or not self.is_double or isinstance(x, Apply):
            return False
        have, made = type_of_in(x), e.outs[0].type
        return bool(
            have.form != "array" and made.form != "array" and have.dtype == made.dtype and have.dtype.kind in "fc"
        )

    def results(self, program: Program, env: dict[Var, Any]) -> list[Any]:
        return [env.get(x, x) if isinstance(x, Var) else x for x in program.results]

    def moved(self, outs: list[Var], values: list[Any], e: Equation) -> Statement:
        return Statement("move", outs, values, e, depth=self.depth)

    def for_(self, e: Equation, ins: list[Any], env: dict[Var, Any]) -> Iterator[Statement]:
        body, consts = e.params["body"], e.params["consts"]
        index = Var(self.index_name(e), body.params[0].type)
        carries, inner = self.carried(body.params[1:], ins[3:], consts, e, env)
        inner[body.params[0]] = index
        yield self.moved(carries, ins[3 + consts :], e)
        yield Statement("for", [index], ins[:3], e, [self.looped(body, carries, inner, e)])

    def index_name(self, e: Equation) -> str:
        """The user's, where the loop counts as his does: from 0 in steps of 1."""
        where = line_of(e)
        line = "" if where is None else linecache.getline(where.filename, where.line).strip()
        found = re.match(r"for (\w+) in range\([^,]*\):", line)
        return found.group(1) if found and found.group(1) != "_" else "k"

    def while_(self, e: Equation, ins: list[Any], env: dict[Var, Any]) -> Iterator[Statement]:
        test, body, consts = e.params["test"], e.params["body"], e.params["consts"]
        carries, inner = self.carried(body.params, ins, consts, e, env)
        asked = dict(zip(test.params, [inner[p] for p in body.params]))
        yield self.moved(carries, ins[consts:], e)
        self.depth += 1
        asking = self.block(test, asked)
        self.depth -= 1
        yield Statement("while", [], self.results(test, asked), e, [asking, self.looped(body, carries, inner, e)])

    def carried(
        self, params: list[Var], ins: list[Any], consts: int, e: Equation, env: dict[Var, Any]
    ) -> tuple[list[Var], dict[Var, Any]]:
        """Variables for the carries, which are the results of the loop, and what the parameters are."""
        carries = [Var(better(o.name, p.name), p.type) for o, p in zip(e.outs, params[consts:])]
        env.update(zip(e.outs, carries))
        return carries, dict(zip(params, [*ins[:consts], *carries]))

    def looped(self, body: Program, carries: list[Var], inner: dict[Var, Any], e: Equation) -> Block:
        self.depth += 1
        block = self.block(body, inner)
        block.append(self.moved(carries, self.results(body, inner), e))
        self.depth -= 1
        return block

    def if_(self, e: Equation, ins: list[Any], env: dict[Var, Any]) -> Iterator[Statement]:
        outs = self.made(e, env)
        blocks = []
        for side in (e.params["then"], e.params["orelse"]):
            inner = dict(zip(side.params, ins[1:]))
            blocks.append([*self.block(side, inner), self.moved(outs, self.results(side, inner), e)])
        yield Statement("if", [], ins[:1], e, blocks)

    def call(self, e: Equation, ins: list[Any], env: dict[Var, Any]) -> Iterator[Statement]:
        yield Statement("call", self.made(e, env), ins, e, text=self.helper(e.params["program"]))


REGION_READERS: dict[str, Callable[..., Iterator[Statement]]] = {
    "for_": Reader.for_,
    "while_": Reader.while_,
    "if_": Reader.if_,
    "call": Reader.call,
}
KINDS = {
    **{"write": "update", "add_at": "update", "stack_push": "push", "stack_pop": "pop"},
    **{"check": "check", "show": "show"},
}


def better(name: str, other: str) -> str:
    """That of two names which the user gave."""
    return other if is_derived_from_row(name) else name


def is_derived_from_row(name: str) -> bool:
    return is_unnamed(stem_of(name)[0])


SUFFIX = re.compile(r"((?:_bar|_dot|_kept)*)$")


def stem_of(name: str) -> tuple[str, str]:
    """A name without the suffixes of derivatives, and these."""
    suffix = SUFFIX.search(name).group()  # type: ignore[union-attr]
    return name[: len(name) - len(suffix)], suffix


def blocks_in(block: Block) -> Iterator[Block]:
    yield block
    for s in block:
        for inner in s.blocks:
            yield from blocks_in(inner)


def drop_unread(block: Block) -> None:
    """Values that nobody reads, which stand in a program since their rows may raise, and loops that do no more."""
    size = -1
    while size != (size := sum(1 for _ in all_statements(block))):
        read = {x for s in all_statements(block) for x in variables_in(s.ins)}
        for inner in blocks_in(block):
            inner[:] = [s for s in inner if not is_idle(s, read)]


def is_idle(s: Statement, read: set[Var]) -> bool:
    if s.kind in ("for", "if"):
        return not any(s.blocks)
    idle = s.kind == "move" or (s.kind == "let" and not s.e.row.effect)  # type: ignore[union-attr]
    return idle and not read.intersection(s.outs)


def keep_early(block: Block) -> None:
    """What is kept for the way back is kept as soon as it is known, so that its name may be used again."""
    for s in [*block]:
        if s.kind not in ("push", "update") or not stem_of(s.outs[0].name)[1].endswith("_kept"):
            continue
        read = set(variables_in(s.ins))
        i = block.index(s)
        if any(x is s.ins[0] for other in block[:i] for x in variables_in(other.ins)):
            continue
        early = next((k + 1 for k in reversed(range(i)) if read.intersection(sets(block[k]))), 0)
        while early < i and block[early].kind in ("unpack", "pop"):
            early += 1
        block.insert(early, block.pop(i))


# ---------------------------------------------------------------- what is read once moves to where it is read


def inline(block: Block, weight: "Callable[[Any], int]") -> None:
    """Where nothing that it reads is changed on the way there; names that the user gave stay."""
    counts = Counter(x for s in all_statements(block) for x in variables_in(s.ins))
    inline_block(block, counts, partners_in(block), weight)


def inline_block(
    block: Block, counts: "Counter[Var]", partners: dict[Var, set[Var]], weight: Any, asked: Statement | None = None
) -> None:
    """`asked`: the loop whose test the block computes."""
    for s in block:
        for inner in s.blocks if s.kind != "while" else s.blocks[1:]:
            inline_block(inner, counts, partners, weight)
        if s.kind == "while" and s is not asked:
            asking = [*s.blocks[0], s]
            inline_block(asking, counts, partners, weight, s)
            s.blocks[0] = asking[:-1]
    set_by = [set(sets(s)) for s in block]
    gone: set[int] = set()
    for i, s in enumerate(block):
        if s.kind != "let" or len(s.outs) != 1 or counts[s.outs[0]] != 1 or not may_move(s):
            continue
        out, expression = s.outs[0], Apply(s.e, s.ins)  # type: ignore[arg-type]
        for j in range(i + 1, len(block)):
            target = block[j]
            places = [k for k, x in enumerate(target.ins) if x is out]
            if places and (target.kind != "while" or target is asked) and fits(target, places[0], expression, weight):
                target.ins[places[0]] = expression
                gone.add(i)
            if places or is_changed(expression, set_by[j], partners):
                break
    block[:] = [s for i, s in enumerate(block) if i not in gone]


def sets(s: Statement) -> Iterator[Var]:
    yield from s.outs
    for inner in s.blocks:
        for other in inner:
            yield from sets(other)


def may_move(s: Statement) -> bool:
    """Values that the user named stand on lines of their own; so do those that hold memory which is written."""
    assert s.e is not None
    name = s.outs[0].name
    return is_derived_from_row(name) and not s.e.row.several and not s.e.row.effect


def fits(target: Statement, place: int, expression: Apply, weight: Any) -> bool:
    """What is updated has a name; and lines do not get long."""
    if target.kind in ("update", "push", "pop") and place == 0:
        return False
    if target.kind == "call" and isinstance(expression.e.outs[0].type, Stack):
        return False
    return sum(map(weight, target.ins)) + weight(expression) <= WIDTH


def is_changed(expression: Apply, now: set[Var], partners: dict[Var, set[Var]]) -> bool:
    return any(partners.get(x, set()) & now for x in variables_in([expression]))


def partners_in(block: Block) -> dict[Var, set[Var]]:
    """Values that should share a name: of updates, carries, results of branches."""
    found: dict[Var, set[Var]] = {}
    for out, source in wishes(block):
        found.setdefault(out, set()).add(source)
        found.setdefault(source, set()).add(out)
    return found


def wishes(block: Block) -> Iterator[tuple[Var, Var]]:
    """Pairs of values, the latter of which becomes the former."""
    for s in all_statements(block):
        if s.kind == "move":
            yield from ((o, x) for o, x in zip(s.outs, s.ins) if isinstance(x, Var))
        elif s.kind in ("update", "push", "pop") and isinstance(s.ins[0], Var):
            yield s.outs[0], s.ins[0]


# ---------------------------------------------------------------- who is alive, and what shares a name


def set_live(block: Block, after: set[Var]) -> set[Var]:
    """Note what is read after each statement; what is read before the block is returned."""
    live = after
    for s in reversed(block):
        s.live = live
        if s.kind == "if":
            live = set().union(*[set_live(inner, live) for inner in s.blocks], variables_in(s.ins))
        elif s.kind in ("for", "while"):
            live = live_around(s, live)
        else:
            read = [x for o, x in zip(s.outs, s.ins) if o in live] if s.kind == "move" else s.ins
            live = live.difference(s.outs).union(variables_in(read))
    return live


def live_around(s: Statement, after: set[Var]) -> set[Var]:
    """Before a loop: what is read in one iteration may come from the one before."""
    head = set(after)
    while True:
        if s.kind == "for":
            found = set_live(s.blocks[0], head).difference(s.outs) | after
        else:
            body = set_live(s.blocks[1], head)
            found = set_live(s.blocks[0], body.union(after, variables_in(s.ins)))
        if found <= head:
            return head.union(variables_in(s.ins) if s.kind == "for" else ())
        head |= found


class Names:
    """A name for each variable; variables that never live at the same time may have the same.

    pinned   variables whose names are given
    """

    def __init__(self, block: Block, params: list[Var], pinned: dict[Var, str], reserved: set[str]) -> None:
        self.clashes: dict[Var, set[Var]] = {}
        self.group: dict[Var, list[Var]] = {}
        self.note(params, set_live(block, set()).union(params), ())
        for s in all_statements(block):
            if s.kind == "for":
                self.note(s.outs, live_at_start(s.blocks[0]) | s.live, ())
            elif s.kind == "move":
                kept = [(o, x) for o, x in zip(s.outs, s.ins) if o in s.live]
                self.note([o for o, _ in kept], s.live, kept)
            elif s.outs:
                self.note(s.outs, s.live, ())
        for x in {*self.clashes}:
            self.group[x] = [x]

        self.pinned, self.reserved = pinned, reserved
        self.names: dict[Var, str] = {}

    def note(self, outs: list[Var], live: set[Var], copies: Sequence[tuple[Var, Any]]) -> None:
        for o in outs:
            mine = self.clashes.setdefault(o, set())
            source = next((x for out, x in copies if out is o), None)
            for x in live.union(outs):
                if x is not o and x is not source:
                    mine.add(x)
                    self.clashes.setdefault(x, set()).add(o)

    def may_share(self, x: Var, y: Var) -> bool:
        return not any(self.clashes[a] & set(self.group[y]) for a in self.group[x])

    def share(self, x: Var, y: Var) -> None:
        if x not in self.group or y not in self.group or self.group[x] is self.group[y]:
            return
        if (x in self.pinned and y in self.pinned) or not self.may_share(x, y):
            return
        if sum(v in self.pinned for v in {*self.group[x], *self.group[y]}) > 1:
            return
        together = self.group[x] + self.group[y]
        for v in together:
            self.group[v] = together

    def same(self, x: Any, y: Any) -> bool:
        return isinstance(x, Var) and isinstance(y, Var) and self.group[x] is self.group[y]

    def choose(self) -> None:
        """Names that are given first, then those of the user, in the order in which the values are made."""
        groups = list({id(g): g for g in self.group.values()}.values())
        taken: dict[str, list[Var]] = {}
        for group in sorted(groups, key=lambda g: (not any(x in self.pinned for x in g), min(x.number for x in g))):
            given = [self.pinned[x] for x in group if x in self.pinned]
            around = set().union(*[self.clashes[x] for x in group])
            for name in given or numbered(self.wish(group)):
                if given or (name not in self.reserved and not around.intersection(taken.get(name, ()))):
                    taken.setdefault(name, []).extend(group)
                    self.names.update(dict.fromkeys(group, name))
                    break

    def wish(self, group: list[Var]) -> str:
        counts = Counter(x.name for x in group)
        best = max(group, key=lambda x: (not is_derived_from_row(x.name), counts[x.name], -x.number))
        stem, suffix = stem_of(best.name)
        if is_unnamed(stem):
            stem = WORDS.get(stem, stem)
        name = re.sub(r"\W+", "_", stem).strip("_") + suffix
        bad = not name.isidentifier() or keyword.iskeyword(name) or name in RESERVED
        return f"{name}_" if bad and f"{name}_".isidentifier() else "x" if bad else name


def live_at_start(block: Block) -> set[Var]:
    """Before the first statement."""
    for s in block:
        return s.live.difference(s.outs).union(variables_in(s.ins))
    return set()


RESERVED = {"np", "len", "range", "reversed", "float", "int", "complex", "bool"}
WORDS = {  # what results of rows are called, where the user gave no name
    "add": "total",
    "sub": "difference",
    "mul": "product",
    "div": "quotient",
    "scale": "scaled_bar",
    "getitem": "part",
    "pow": "power",
    "ipow": "power",
    "reduce_sum": "total",
    "collapse": "total",
    "matmul": "product",
    "neg": "negative",
    "c": "value",
    "logical_not": "is_not",
    "logical_and": "both",
    "logical_or": "any_",
    "greater": "is_greater",
    "less": "is_less",
    "equal": "is_equal",
    "full": "filled",
    "weak": "number",
    "spread": "spread_",
    "abs": "size",
}


# ---------------------------------------------------------------- who shares memory, and where a copy is made

# in place of memory that is not the function's own, and of arguments that it writes as the user's function does
CALLER, LENT = (Var(name, Type(np.dtype(float))) for name in ("caller", "lent"))

HEAD = -1  # in place of a statement: the head of the function
Place = tuple[int, int, int]  # a statement and an operand, where a copy may be made; how many loops are around it
State = dict[frozenset[Var], frozenset[Place]]  # who may share memory, and where a copy would part them


class Sharing:
    """What may share memory at each statement; where that would be wrong, a copy is made, outside of loops if it can.

    own      parameters and parts of arguments that hold the caller's arrays
    copied   places (statement, operand) of the copies
    end      what shares memory at the end
    """

    def __init__(self, block: Block, names: Names, own: list[Var], lent: set[Var]) -> None:
        self.names, self.own, self.lent = names, own, lent
        self.copied: set[tuple[int, int]] = set()
        while True:
            self.wrong: list[frozenset[Place]] = []
            self.end = self.run(block, self.start())
            if not self.wrong:
                break
            left = [at for at in self.wrong[0] if at[:2] not in self.copied]
            if not left:
                raise refusal(None, "two of its lists hold the same array, which it writes")
            statement, place, _ = min(left, key=lambda at: (at[2], at))
            self.copied.add((statement, place))

    def start(self) -> State:
        """Of parameters."""
        places = [(p, (HEAD, i, 0)) for i, p in enumerate(self.own)]
        theirs = {p: LENT if p in self.lent else CALLER for p in self.own}
        return {frozenset((p, theirs[p])): frozenset([at]) for p, at in places if at[:2] not in self.copied}

    def is_callers(self, x: Var) -> bool:
        """Whether x may be memory of the caller's at the end."""
        return x is CALLER or any(frozenset((x, theirs)) in self.end for theirs in (CALLER, LENT))

    def run(self, block: Block, state: State) -> State:
        for s in block:
            if s.kind == "if":
                state = self.of_living(either([self.run(inner, state) for inner in s.blocks]), s)
            elif s.kind in ("for", "while"):
                state = self.of_living(self.around(s, state), s)
            elif s.outs and s.kind != "unpack":
                state = self.after(s, state)
        return state

    def around(self, s: Statement, state: State) -> State:
        while True:
            out = state
            for inner in s.blocks:
                out = self.run(inner, out)
            merged = either([state, out])
            if merged == state:
                return state
            state = merged

    def of_living(self, state: State, s: Statement) -> State:
        return {pair: at for pair, at in state.items() if all(x in s.live or x in (CALLER, LENT) for x in pair)}

    def after(self, s: Statement, state: State) -> State:
        made: State = {}
        old = self.of_living({pair: at for pair, at in state.items() if pair.isdisjoint(s.outs)}, s)
        if s.kind in ("let", "move"):
            sources = [s.ins[k] if s.kind == "move" else Apply(s.e, s.ins) for k in range(len(s.outs))]  # type: ignore[arg-type]
            flows = [(o, k, [*memory(x)]) for k, (o, x) in enumerate(zip(s.outs, sources)) if is_shared(o)]
            for o, k, found in flows:
                self.flow(made, state, o, found, (s.number, k, s.depth))
            self.cross(made, state, s, flows)
        elif s.kind in ("update", "push", "pop"):
            self.change(made, state, s)
        return {**old, **self.of_living(made, s)}

    def flow(self, made: State, state: State, o: Var, found: list[Var], at: Place) -> None:
        """o shares what the variables share that it is made of."""
        for x in found:
            for y, places in [(x, frozenset[Place]()), *near(state, x)]:
                if at[:2] not in self.copied:
                    add(made, o, y, places | {at})

    def cross(self, made: State, state: State, s: Statement, flows: list[tuple[Var, int, list[Var]]]) -> None:
        """What moves at the same time may share memory, too."""
        for i, (o, k, found) in enumerate(flows):
            for p, j, others in flows[:i]:
                for x in found:
                    for y in others:
                        pair = frozenset((x, y))
                        if (x is y and x is not CALLER) or (x is not y and pair in state):
                            places = [(s.number, n, s.depth) for n in (k, j)]
                            if not any(at[:2] in self.copied for at in places):
                                add(made, o, p, state.get(pair, frozenset()) | frozenset(places))

    def change(self, made: State, state: State, s: Statement) -> None:
        """Nobody else may hold what is written; a list may be held where its elements are written, and elements
        where the list is."""
        out, root = s.outs[0], s.ins[0]
        in_place = self.names.same(out, root)
        holders = near(state, root) if isinstance(root, Var) else []
        for y, places in holders:
            if y is root:
                add(made, out, out, places)
            elif in_place:
                is_same = not isinstance(out.type, Stack) or y.type == out.type
                if is_same and (y in s.live or y is CALLER):
                    self.wrong.append(places)
                add(made, out, y, places)
        at = (s.number, 1, s.depth)
        if s.kind == "push" and is_shared_operand(s.ins[1]):
            found = [*memory(s.ins[1])]
            self.flow(made, state, out, found, at)
            if at[:2] not in self.copied and any(y in found for y, _ in holders):
                add(made, out, out, frozenset([at]))  # twice
        if s.kind == "pop" and is_shared(s.outs[1]) and at[:2] not in self.copied:
            for y, places in holders:
                add(made, s.outs[1], out if y is root else y, places | {at})


def near(state: State, x: Var) -> list[tuple[Var, frozenset[Place]]]:
    """What shares memory with x; x itself where it is a stack that may hold an array twice."""
    return [(next(iter(pair - {x}), x), at) for pair, at in state.items() if x in pair]


def add(state: State, x: Var, y: Var, places: frozenset[Place]) -> None:
    pair = frozenset((x, y))
    state[pair] = state.get(pair, frozenset()) | places


def either(states: Sequence[State]) -> State:
    merged: State = {}
    for state in states:
        for pair, places in state.items():
            merged[pair] = merged.get(pair, frozenset()) | places
    return merged


def is_shared_operand(x: Any) -> bool:
    return (isinstance(x, Apply) and is_shared(x.e.outs[0])) or (isinstance(x, Global | Var) and is_shared(x))


def is_shared(x: Any) -> bool:
    """Whether a value has memory that another may share: numbers have none."""
    return isinstance(x.type, Stack) or x.type.form == "array"


def memory(x: Any) -> Iterator[Var]:
    """The variables whose memory an expression may give."""
    if isinstance(x, Var):
        if is_shared(x):
            yield x
    elif isinstance(x, Global | np.ndarray):
        yield CALLER
    elif isinstance(x, Apply):
        name = x.e.row.name
        if name in ("broadcast_to", "spread", "array"):
            yield CALLER  # what NumPy repeats cannot be written
        if x.e.row.view or name in SAME:
            yield from memory(x.ins[0])


SAME = {"relabel", "stop_gradient", "broadcast_to", "spread", "array", "weak", "conj"}


# ---------------------------------------------------------------- lines


class Writer:
    """One function."""

    def __init__(
        self, module: Module, program: Program, outs: Callable[[list[str]], str], written: Sequence[int] = ()
    ) -> None:
        self.module, self.program, self.written = module, program, list(written)
        self.result = outs
        self.lines: list[str] = []

    def write(
        self,
        name: str,
        head: str,
        params: dict[Var, str],
        hidden: dict[Var, Any],
        unpacked: dict[Var, str],
        reserved: set[str],
    ) -> str:
        """params: those that are names of the function;  unpacked: those that are parts of arguments."""
        env: dict[Var, Any] = {p: Var(p.name, p.type) for p in self.program.params}
        env.update(hidden)
        pinned = {env[p]: n for p, n in params.items()}
        reader = Reader(self.helper, self.module.is_double)
        count = len(self.program.results) - len(self.written)
        block: Block = [Statement("unpack", [env[p]], [], text=text) for p, text in unpacked.items()]
        unpacking = len(block)
        block += reader.block(self.program, env)
        results = reader.results(self.program, env)
        stores = [(env[self.program.params[i]], x) for i, x in zip(self.written, results[count:])]
        block.append(Statement("return", [], [*results[:count], *(x for pair in stores for x in pair)]))
        drop_unread(block)
        for inner in blocks_in(block):
            keep_early(inner)
        inline(block, weight)
        used = {x for s in all_statements(block) for x in variables_in(s.ins)}
        block = [s for i, s in enumerate(block) if i >= unpacking or s.outs[0] in used]
        self.spell_functions(block)
        own = list(pinned)
        taken = {*reserved, *self.module.functions, *self.module.constants, *pinned.values(), *RESERVED}
        last, stored = block[-1].ins, block[-1]
        direct = {p for p, x in stores if is_update_of(x, p, block)}
        while True:
            stored.ins = [*last[:count], *(x for _, x in stores), *(p for p, _ in stores if p not in direct)]
            names = self.names = Names(block, own, pinned, taken)
            for p, x in stores:
                if p in direct and isinstance(x, Var):
                    names.share(p, x)
            for out, source in self.in_order(block):
                names.share(out, source)
            apart = {p for p, x in stores if p in direct and not names.same(p, x)}
            if not apart:
                break
            direct -= apart
        callers = [x for s in block if s.kind == "unpack" for x in s.outs] + own
        names.choose()
        self.sharing = Sharing(block, names, [p for p in callers if is_shared(p)], direct)
        self.lines = []
        self.last_comment = ""
        copied = {p for i, p in enumerate(self.sharing.own) if (HEAD, i) in self.sharing.copied}
        for s in block[: len(block) - 1]:
            if s.kind == "unpack" and s.outs[0] in copied:
                s.text += ".copy()"
        for p in own:
            if p in copied:
                self.line(1, f"{names.names[p]} = {names.names[p]}.copy()")
        self.block(block[:-1], 1)
        for p, x in stores:
            if p not in direct:
                self.line(1, f"{names.names[p]}[...] = {self.text(x).text}")
        texts = []
        for x in last[:count]:
            text = self.text(x)
            if any(self.sharing.is_callers(y) for y in memory(x)):
                text = Text(f"{text.within(ATOM)}.copy()")
            texts.append(text.text)
        result = self.result(texts)
        self.line(1, f"return {result[1:-1] if is_open_tuple(result) else result}")
        return "\n".join([f"def {name}({head}):", *self.lines])

    def spell_functions(self, block: Block) -> None:
        """Helpers get their names before variables do."""
        rows = [s.e.row for s in all_statements(block) if s.kind == "let" and s.e is not None]
        rows += [x.e.row for s in all_statements(block) for x in applications(s.ins)]
        for row in rows:
            if row.name in HELPERS:
                self.module.functions.setdefault(*HELPERS[row.name])
            elif row.name not in SPELLING:
                self.module.function(row.evaluate, row, row.name)

    def in_order(self, block: Block) -> list[tuple[Var, Var]]:
        """Updates first, then what flows around inner loops."""
        pairs = []
        for s in all_statements(block):
            if s.kind in ("update", "push", "pop") and isinstance(s.ins[0], Var):
                pairs.append((0, -s.depth, s.outs[0], s.ins[0]))
            elif s.kind == "move":
                pairs += [(1, -s.depth, o, x) for o, x in zip(s.outs, s.ins) if isinstance(x, Var)]
        return [(o, x) for _, _, o, x in sorted(pairs, key=lambda p: p[:2])]

    def helper(self, program: Program) -> str:
        """A function of the user's that is called."""
        known = self.module.names.get(program)
        if known is None:
            known = self.module.free_name(identifier(program.name))
            self.module.names[program] = known
            self.module.functions[known] = ""
            names = dict(zip(program.params, distinct(program.params)))
            text = Writer(self.module, program, tupled).write(known, ", ".join(names.values()), names, {}, {}, set())
            del self.module.functions[known]
            self.module.functions[known] = text
        return known

    # ------------------------------------------------------------ expressions

    def text(self, x: Any) -> Text:
        if isinstance(x, Var):
            return Text(self.names.names[x])
        if isinstance(x, Global):
            return Text(x.name)
        if isinstance(x, Apply):
            return self.applied(x.e, x.ins)
        if hasattr(x, "items") and not isinstance(x, np.ndarray | np.generic):
            return Text("[]")
        return self.module.literal(x)

    def applied(self, e: Equation, ins: list[Any]) -> Text:
        ins = [self.unspread(e, ins, i) for i in range(len(ins))]
        shorter = self.shorter(e, ins)
        if shorter is not None:
            return shorter
        texts = [self.text(x) for x in ins]
        types = [type_of_in(x) for x in ins]
        return spell(Written(e.row, texts, types, e.params, e.count, e.outs[0].type, self.module))

    def unspread(self, e: Equation, ins: list[Any], i: int) -> Any:
        """A number in place of an array of it, where another operand has the shape."""
        x = ins[i]
        if not isinstance(x, Apply) or x.e.row.name not in ("spread", "broadcast_to") or not e.row.elementwise:
            return x
        others = [type_of_in(y) for k, y in enumerate(ins) if k != i]
        inner = type_of_in(x.ins[0])
        if inner.shape == () and any(
            t.shape == e.outs[0].type.shape and t.dtype == e.outs[0].type.dtype for t in others
        ):
            return x.ins[0]
        return x

    def shorter(self, e: Equation, ins: list[Any]) -> Text | None:
        """x for x * 1, -x for 0 - x and x * -1, x - y for x + (-y)."""
        name, type = e.row.name, e.outs[0].type
        if name == "mul":
            for x, y in (ins, ins[::-1]):
                if is_number(y, 1) and same_type(x, type):
                    return self.text(x)
                if is_number(y, -1) and same_type(x, type):
                    return Text(f"-{self.text(x).within(SIGN)}", SIGN)
        if name == "sub" and is_number(ins[0], 0) and same_type(ins[1], type):
            return Text(f"-{self.text(ins[1]).within(SIGN)}", SIGN)
        if name == "add":
            first, second = self.text(ins[0]), self.text(ins[1])
            if second.text.startswith("-") and second.binding in (SIGN, PRODUCT):
                return Text(f"{first.within(SUM)} - {second.text[1:]}", SUM)
            if first.text.startswith("-") and first.binding == SIGN and not second.text.startswith("-"):
                return Text(f"{second.within(SUM)} - {first.text[1:]}", SUM)
        return None

    # ------------------------------------------------------------ statements

    def line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def comment(self, s: Statement, depth: int) -> None:
        """The user's line that a derived one differentiates."""
        if s.e is None or s.e.origin is None or s.kind in ("move", "push", "pop"):
            return
        where = line_of(s.e)
        text = "" if where is None else linecache.getline(where.filename, where.line).strip()
        if text and (text, depth) != self.last_comment:
            self.line(depth, f"# {text}")
            self.last_comment = (text, depth)

    def block(self, block: Block, depth: int) -> None:
        before = len(self.lines)
        for s in block:
            self.comment(s, depth)
            getattr(self, f"write_{s.kind}")(s, depth)
        if not any(not line.lstrip().startswith("#") for line in self.lines[before:]):
            self.line(depth, "pass")

    def target(self, x: Var, s: Statement) -> str:
        return self.names.names[x] if x in s.live else "_"

    def copied(self, s: Statement, place: int, text: Text) -> str:
        if (s.number, place) not in self.sharing.copied:
            return text.text
        return copy_of(text, s.outs[place].type if s.kind != "push" else type_of_in(s.ins[1]))

    def write_unpack(self, s: Statement, depth: int) -> None:
        self.line(depth, f"{self.names.names[s.outs[0]]} = {s.text}")

    def write_let(self, s: Statement, depth: int) -> None:
        e = s.e
        assert e is not None
        if e.row.effect and not s.live.intersection(s.outs):
            self.line(depth, self.applied(e, s.ins).text)
            return
        if len(s.outs) > 1 or e.row.several:
            self.line(depth, f"{', '.join(self.target(o, s) for o in s.outs)} = {self.applied(e, s.ins).text}")
            return
        name = self.target(s.outs[0], s)
        if not is_shared(s.outs[0]) and self.accumulated(depth, s.outs[0], Apply(e, s.ins), name):
            return
        if e.row.name in AUGMENTED and not is_shared(s.outs[0]):
            for x, y in (s.ins, s.ins[::-1])[: 1 if e.row.name == "sub" else 2]:
                if self.names.same(s.outs[0], x) and s.outs[0].type == type_of_in(x):
                    self.augmented(depth, name, AUGMENTED[e.row.name], self.text(y))
                    return
        self.line(depth, f"{name} = {self.copied(s, 0, self.applied(e, s.ins))}")

    def augmented(self, depth: int, target: str, symbol: str, value: Text) -> None:
        if symbol in "+-" and value.text.startswith("-") and value.binding in (SIGN, PRODUCT):
            symbol, value = "+-"[symbol == "+"], Text(value.text[1:], value.binding)
        self.line(depth, f"{target} {symbol}= {value.text}")

    def root(self, s: Statement, depth: int) -> str:
        """The name of what is updated, which is a copy where the old one is still read."""
        name = self.names.names[s.outs[0]]
        if not self.names.same(s.outs[0], s.ins[0]):
            old = self.text(s.ins[0])
            self.line(depth, f"{name} = {old.text if old.text == '[]' else copy_of(old, s.outs[0].type)}")
        return name

    def write_update(self, s: Statement, depth: int) -> None:
        e = s.e
        assert e is not None
        name = self.root(s, depth)
        texts = [Text(name), *(self.text(x) for x in s.ins[1:])]
        types = [type_of_in(x) for x in s.ins]
        place = Text(name)
        for step, params in e.params.get("steps", ()):
            place = spell(Written(step, [place, *texts[1:]], types, params, 1, types[0], self.module))
        index = e.params["index"]
        w = Written(e.row, texts, types, e.params, e.count, types[0], self.module)
        inside = w.index(index) if index else "..."
        if e.row.name == "write":
            self.line(depth, f"{place.within(ATOM)}[{inside}] = {texts[1].text}")
        elif is_basic(index) and all(types[hole.operand].shape == () for hole in holes(index)):
            self.augmented(depth, f"{place.within(ATOM)}[{inside}]", "+", texts[1])
        else:
            at = w.value(index[0] if len(index) == 1 else tuple(index))
            self.line(depth, f"np.add.at({name}, {at}, {texts[1].text})")

    def write_push(self, s: Statement, depth: int) -> None:
        name = self.root(s, depth)
        self.line(depth, f"{name}.append({self.copied(s, 1, self.text(s.ins[1]))})")

    def write_pop(self, s: Statement, depth: int) -> None:
        name = self.root(s, depth)
        popped = Text(f"{name}.pop()")
        zeros = s.e.params.get("zeros")  # type: ignore[union-attr]
        text = self.copied(s, 1, popped)
        if zeros is not None:
            text += f" if {name} else {self.zero(s, zeros)}"
        self.line(depth, f"{self.target(s.outs[1], s)} = {text}" if s.outs[1] in s.live else text)

    def zero(self, s: Statement, zeros: Any) -> str:
        type = s.outs[1].type
        if isinstance(type, Stack):
            return "[]"
        if type.form != "array":
            return self.module.literal(type.dtype.type(0)).text
        shape = s.e.params["zeros"] or type.shape  # type: ignore[union-attr]
        w = Written(s.e.row, [self.text(x) for x in s.ins], [], s.e.params, s.e.count, type, self.module)  # type: ignore[union-attr]
        of = "" if type.dtype.name == "float64" else f", dtype={self.module.dtype(type.dtype)}"
        return f"np.zeros({w.shape(shape) if shape else '()'}{of})"

    def write_move(self, s: Statement, depth: int) -> None:
        kept = [(k, o, x) for k, (o, x) in enumerate(zip(s.outs, s.ins)) if o in s.live]
        kept = [(k, o, x) for k, o, x in kept if not self.names.same(o, x) or (s.number, k) in self.sharing.copied]
        ordered = self.sequence(kept)
        if ordered is None:
            targets = ", ".join(self.names.names[o] for _, o, _ in kept)
            self.line(depth, f"{targets} = {', '.join(self.copied(s, k, self.text(x)) for k, _, x in kept)}")
            return
        for k, o, x in ordered:
            text, name = self.copied(s, k, self.text(x)), self.names.names[o]
            if text != name:
                self.assign_moved(depth, o, x, name, text)

    def assign_moved(self, depth: int, o: Var, x: Any, name: str, text: str) -> None:
        if is_shared(o) or not self.accumulated(depth, o, x, name):
            self.line(depth, f"{name} = {text}")

    def accumulated(self, depth: int, o: Var, x: Any, name: str) -> bool:
        """x += a + b for x = x + a + b."""
        terms = []
        while isinstance(x, Apply) and x.e.row.name in ("add", "sub") and x.e.outs[0].type.dtype == o.type.dtype:
            terms.append((x.e.row.name, x.ins[1]))
            x = x.ins[0]
        if not terms or not isinstance(x, Var) or self.names.names[x] != name or x.type.dtype != o.type.dtype:
            return False
        (row, first), *rest = reversed(terms)
        if row == "sub" and rest:
            return False
        value = self.text(first)
        for row, term in rest:
            value = self.summed(value, self.text(term), row == "sub")
        self.augmented(depth, name, "+" if terms[-1][0] == "add" else "-", value)
        return True

    def summed(self, x: Text, y: Text, is_difference: bool) -> Text:
        if y.text.startswith("-") and y.binding in (SIGN, PRODUCT):
            return Text(f"{x.within(SUM)} {'+' if is_difference else '-'} {y.text[1:]}", SUM)
        return Text(f"{x.within(SUM)} {'-' if is_difference else '+'} {y.within(PRODUCT)}", SUM)

    def sequence(self, moves: list[tuple[int, Var, Any]]) -> list[tuple[int, Var, Any]] | None:
        """An order in which no move overwrites what a later one reads; None where there is none."""
        left, found = list(moves), []
        while left:
            for move in left:
                name = self.names.names[move[1]]
                if not any(self.names.names[v] == name for m in left if m is not move for v in variables_in([m[2]])):
                    found.append(move)
                    left.remove(move)
                    break
            else:
                return None
        return found

    def write_call(self, s: Statement, depth: int) -> None:
        args = ", ".join(self.text(x).text for x in s.ins)
        targets = ", ".join(self.target(o, s) for o in s.outs)
        self.line(depth, f"{targets} = {s.text}({args})" if s.outs else f"{s.text}({args})")

    def write_check(self, s: Statement, depth: int) -> None:
        e = s.e
        assert e is not None
        error, values = e.params["error"], iter(s.ins[1:])
        if getattr(builtins, error.__name__, None) is not error and error.__module__ != "numpy.linalg":
            raise refusal(e.row, f"it raises {error.__name__}, which is not Python's", line_of(e))
        name = error.__name__ if error.__module__ == "builtins" else f"np.linalg.{error.__name__}"
        wanted = Text(self.negated(s.ins[0]))
        self.line(depth, f"if {wanted.text}:")
        self.line(depth + 1, f"raise {name}({', '.join(self.worded(a, values) for a in e.params['arguments'])})")

    def write_show(self, s: Statement, depth: int) -> None:
        assert s.e is not None
        params, values = s.e.params, iter(s.ins)
        parts = [self.worded(text, values) for text in params["texts"]]
        parts += [f"{key}={params[key]!r}" for key, usual in (("sep", " "), ("end", "\n")) if params[key] != usual]
        self.line(depth, f"print({', '.join(parts)})")

    def worded(self, argument: Any, values: Iterator[Any]) -> str:
        """A text with values in it; see `rules/control.py`."""
        if not isinstance(argument, tuple):
            return repr(argument)
        if argument == (("",),):
            return self.text(next(values)).text
        parts = []
        for part in argument:
            if isinstance(part, str):
                parts.append(part.replace("{", "{{").replace("}", "}}"))
            else:
                parts.append("{" + self.text(next(values)).text + (f":{part[0]}" if part[0] else "") + "}")
        quoted = repr("".join(parts))
        return f"f{quoted}"

    def negated(self, x: Any) -> str:
        if isinstance(x, Apply) and x.e.row.name == "logical_not" and x.e.outs[0].type.form != "array":
            return self.text(x.ins[0]).text
        text = self.text(x)
        return f"not {text.text}" if text.binding > 3 else f"not ({text.text})"

    def write_if(self, s: Statement, depth: int) -> None:
        then, orelse = (self.inside(inner, depth + 1) for inner in s.blocks)
        if not then and not orelse:
            return
        test = self.text(s.ins[0]).text
        if not then:
            self.line(depth, f"if {self.negated(s.ins[0])}:")
            self.lines += orelse
            return
        self.line(depth, f"if {test}:")
        self.lines += then
        head = "    " * (depth + 1)
        if (
            orelse
            and orelse[0].startswith(f"{head}if ")
            and all(line.startswith((head + " ", f"{head}el")) for line in orelse[1:])
        ):
            self.lines += ["    " * depth + "el" + orelse[0].lstrip(), *(line[4:] for line in orelse[1:])]
        elif orelse:
            self.line(depth, "else:")
            self.lines += orelse

    def inside(self, block: Block, depth: int) -> list[str]:
        """The lines of a block; none where it does nothing."""
        before, self.lines, comment = self.lines, [], self.last_comment
        for s in block:
            self.comment(s, depth)
            getattr(self, f"write_{s.kind}")(s, depth)
        found, self.lines, self.last_comment = self.lines, before, comment
        return found if any(not line.lstrip().startswith("#") for line in found) else []

    def write_for(self, s: Statement, depth: int) -> None:
        lo, hi, step = map(self.text, s.ins)
        index = s.outs[0]
        is_read = any(index in variables_in(inner.ins) for inner in all_statements(s.blocks[0]))
        counted = self.counted(lo, hi, step)
        if not is_read and counted.startswith("reversed(range("):
            counted = counted[len("reversed(") : -1]
        self.line(depth, f"for {self.names.names[index] if is_read else '_'} in {counted}:")
        self.block(s.blocks[0], depth + 1)
        self.last_comment = ""

    def counted(self, lo: Text, hi: Text, step: Text) -> str:
        if step.text == "-1" and hi.text == "-1":
            if lo.text.endswith(" - 1"):
                return f"reversed({ranged(Text('0'), Text(lo.text[: -len(' - 1')]), Text('1'))})"
            if lo.text.isdigit():
                return f"reversed(range({int(lo.text) + 1}))"
        return ranged(lo, hi, step)

    def write_while(self, s: Statement, depth: int) -> None:
        asking = self.inside(s.blocks[0], depth + 1)
        if asking:
            self.line(depth, "while True:")
            self.lines += asking
            self.line(depth + 1, f"if {self.negated(s.ins[0])}:")
            self.line(depth + 2, "break")
        else:
            self.line(depth, f"while {self.text(s.ins[0]).text}:")
        self.block(s.blocks[1], depth + 1)
        self.last_comment = ""


AUGMENTED = {"add": "+", "sub": "-", "mul": "*"}


def is_update_of(x: Any, param: Var, block: Block) -> bool:
    """Whether x is the array of a parameter after writes into it, and nothing else."""
    made: dict[Var, list[Any]] = {}
    for s in all_statements(block):
        for k, o in enumerate(s.outs):
            made.setdefault(o, []).append(s.ins[k] if s.kind in ("update", "move") else None)
    seen, queue = {x}, [x]
    for y in queue:
        if y is param:
            continue
        if not isinstance(y, Var) or y not in made:
            return False
        for z in made[y]:
            if not isinstance(z, Var):
                return False
            if z not in seen:
                seen.add(z)
                queue.append(z)
    return True


def is_number(x: Any, n: int) -> bool:
    return isinstance(x, int | float | np.number) and bool(x == n) and not np.signbit(x) ^ (n < 0)


def same_type(x: Any, type: Any) -> bool:
    mine = type_of_in(x)
    return bool(mine.shape == type.shape and mine.dtype == type.dtype)


def weight(x: Any) -> int:
    """About how many characters an operand takes."""
    if isinstance(x, Apply):
        inside = sum(map(weight, x.ins)) + 3 * len(x.ins)
        return inside + (4 if x.e.row.name in SHORT_FORMS else 8)
    return len(x.name) if isinstance(x, Var) else min(len(str(x)), 8)


SHORT_FORMS = {"add", "sub", "mul", "div", "neg", "getitem", "weak"}


def is_open_tuple(text: str) -> bool:
    """Whether it is a tuple of several, whose brackets may be left out."""
    if not (text.startswith("(") and text.endswith(")")) or text.endswith(",)") or text == "()":
        return False
    tree = ast.parse(text, mode="eval").body
    return isinstance(tree, ast.Tuple)


def copy_of(x: Text, type: Any, name: str = "x") -> str:
    """A copy of an array; of a list with copies of what it holds."""
    if isinstance(type, Stack) and is_shared(Var("", type.element)):
        return f"[{copy_of(Text(name), type.element, name + 'x')} for {name} in {x.text}]"
    return f"{x.within(ATOM)}.copy()"


def tupled(texts: list[str]) -> str:
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})" if texts else "None"


def distinct(params: list[Var]) -> list[str]:
    """Different names for parameters."""
    found: list[str] = []
    for p in params:
        found.append(next(n for n in numbered(identifier(p.name)) if n not in found))
    return found


def identifier(name: str) -> str:
    name = re.sub(r"\W+", "_", name).strip("_")
    return name if name.isidentifier() and not keyword.iskeyword(name) and name not in RESERVED else f"{name or 'f'}_"


# ---------------------------------------------------------------- what users call


class Source(str):
    """The text of a module with one public function.

    name   of the function
    """

    name: str

    def __new__(cls, text: str, name: str) -> "Source":
        self = super().__new__(cls, text)
        self.name = name
        return self

    def function(self) -> Callable[..., Any]:
        """The function that the text defines, with lines that `pdb`, tracebacks and `inspect.getsource` show."""
        filename = f"<wengert source {next(_numbers)}: {self.name}>"
        linecache.cache[filename] = (len(self), None, self.splitlines(keepends=True), filename)
        space: dict[str, Any] = {"__name__": self.name}
        exec(compile(self, filename, "exec"), space)
        return space[self.name]  # type: ignore[no-any-return]


_numbers = itertools.count(1)


def source(f: Callable[..., Any], *args: Any, mode: str | None = None, **kwargs: Any) -> Source:
    """The program that `jit(f)` runs for these arguments as plain NumPy: text that runs on its own.

    f       a function; for a gradient, `source(wg.grad(f), x)`
    mode    "forward": of the result and its tangent; a tangent for each float argument comes after the arguments.
            "reverse": of the result and a tuple of cotangents, one for each float argument; the cotangent of the
            result, `out_bar`, comes after the arguments

    The text has your names, with `_bar` for cotangents and `_dot` for tangents; a derived line stands under a comment
    with your line that it differentiates.  It holds for arguments of these shapes, dtypes and structure; numbers and
    arrays that the function reads from outside are written into it.  Division of two numbers of Python by zero raises,
    as in Python.  `source(...).function()` is the function, whose lines tracebacks, `pdb` and `inspect.getsource` show.
    Raises Diagnostic W601 and W602 as `jit(f)` does, and W603 for what has no text.

    >>> import numpy as np
    >>> import wengert as wg
    >>> def damped(x):
    ...     s = 0.0
    ...     for i in range(len(x)):
    ...         s = 0.5 * s + np.sin(x[i])
    ...     return s
    >>> gradient = wg.source(wg.grad(damped), np.ones(3))
    >>> print(gradient)
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def grad_damped(x):
        x_bar = np.zeros(3)
        s_bar = 1.0
        # for i in range(len(x)):
        for i in reversed(range(3)):
            # s = 0.5 * s + np.sin(x[i])
            x_bar[i] += np.cos(x[i]) * s_bar
            s_bar *= 0.5
        return x_bar
    <BLANKLINE>
    >>> gradient.function()(np.zeros(3))
    array([0.25, 0.5 , 1.  ])
    """
    if mode is not None:
        if mode not in DERIVATIVES:
            raise ValueError(f"mode is {mode!r}; it may be 'forward', 'reverse', or left out")
        f, args, kwargs = DERIVATIVES[mode](Moving(f, args, kwargs))
    return written(f, built_for(f, args, kwargs), args, kwargs)


class Moving:
    """A function, and which of its arguments are floats.

    moved   their places;  names  of all
    """

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.f, self.staged = f, jit(f)
        bound = inspect.signature(f).bind(*args, **kwargs)
        self.args, self.kwargs = bound.args, bound.kwargs
        self.moved = [i for i, x in enumerate(self.args) if is_moving(x)]
        self.names = [n for n in inspect.signature(f).parameters if n in bound.arguments][: len(self.args)]
        if len(self.names) < len(self.args):
            self.names = [f"x{i}" for i in range(len(self.args))]

    def of_moved(self, args: Sequence[Any]) -> Callable[..., Any]:
        """The function of its float arguments alone."""

        def f(*xs: Any) -> Any:
            every = list(args)
            for i, x in zip(self.moved, xs):
                every[i] = x
            return self.staged(*every, **self.kwargs)

        return with_parameters(f, [self.names[i] for i in self.moved])

    def named(self, derivative: Callable[..., Any], more: list[str], suffix: str) -> Callable[..., Any]:
        derivative.__name__ = f"{getattr(self.f, '__name__', 'f')}{suffix}"
        return with_parameters(derivative, [*self.names, *more])

    def result_like(self) -> Any:
        """Something of the structure, shapes and dtypes of the result."""
        built = built_for(self.staged, self.args, self.kwargs)
        numbers = iter([np.zeros(t.shape, t.dtype)[()] for t in map(type_in, built.program.results)])
        return unflatten(built.structure, [next(numbers) if x is RESULT else x for x in built.leaves])


def with_parameters(f: Callable[..., Any], names: list[str]) -> Callable[..., Any]:
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    f.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n in names])  # type: ignore[attr-defined]
    return f


def with_tangents(moving: Moving) -> tuple[Any, ...]:
    """f as a function that takes a tangent for each float argument, too, and returns the result and its tangent."""
    count, moved = len(moving.args), moving.moved

    def pushed(*both: Any) -> Any:
        return jvp(moving.of_moved(both[:count]), tuple([both[i] for i in moved]), tuple(both[count:]))

    dotted = [f"{moving.names[i]}_dot" for i in moved]
    return moving.named(pushed, dotted, "_dot"), (*moving.args, *(moving.args[i] for i in moved)), {}


def with_cotangents(moving: Moving) -> tuple[Any, ...]:
    """f as a function that takes the cotangent of the result, too, and returns the result and those of floats."""

    def pulled(*both: Any) -> Any:
        *args, out_bar = both
        out, pull = vjp(moving.of_moved(args), *[args[i] for i in moving.moved])
        return out, pull(out_bar)

    name = next(n for n in numbered("out_bar") if n not in moving.names)
    return moving.named(pulled, [name], "_vjp"), (*moving.args, moving.result_like()), {}


DERIVATIVES = {"forward": with_tangents, "reverse": with_cotangents}


def is_moving(x: Any) -> bool:
    leaves = flatten(x)[0]
    return bool(leaves) and all(is_operand(leaf) and np.asarray(leaf).dtype.kind in "fc" for leaf in leaves)


class Leaf:
    """In place of a number among the arguments."""

    def __init__(self, place: int) -> None:
        self.place = place


def written(f: Callable[..., Any], built: Built, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Source:
    program = built.optimised
    captured = built.staging.captured
    if captured.draws():
        raise refusal(None, "it draws random numbers, which a text would draw once and for all")
    leaves, structure = arguments(args, kwargs)
    operands = [i for i, x in enumerate(leaves) if is_operand(x)]
    module = Module(is_double(program))
    head, places = signature_of(f, structure, leaves)
    names = {p: places[i] for p, i in zip(program.params, operands)}
    direct = {p: path for p, path in names.items() if path.isidentifier()}
    unpacked = {p: path for p, path in names.items() if not path.isidentifier()}
    hidden: dict[Var, Any] = {}
    reserved = {n.lstrip("*") for n in head.replace("=", " ").replace(",", " ").split()}
    for var, (_, read) in zip(program.params[len(operands) :], captured.inputs):
        name = next(n for n in numbered(identifier(var.name)) if n not in reserved and n not in module.constants)
        value = read()
        module.constants[name] = ""
        del module.constants[name]
        module.constants[name] = constant_text(module, value)
        hidden[var] = Global(name, var.type)
    own = identifier(program.name)
    module.names[own] = own
    writer = Writer(module, program, lambda texts: returned(built, texts), built.written)
    body = writer.write(own, head, direct, hidden, unpacked, {*reserved, own})
    parts = ["\n".join(sorted(module.imports, key=lambda line: (line.startswith("from"), line)))]
    if module.constants:
        parts.append("\n".join(f"{name} = {text}" for name, text in module.constants.items()))
    parts = ["\n\n".join(parts), *module.functions.values(), body]
    return Source("\n\n\n".join(parts) + "\n", own)


def constant_text(module: Module, value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return module.literal(value).text
    other = Module(module.is_double)
    text = other.array(value).text
    return next(iter(other.constants.values()), text)


def is_double(program: Program) -> bool:
    """Whether all numbers have 64 bits: then numbers of Python and of NumPy mean the same."""
    types = [type_in(x) for e in walk(program) for x in [*e.outs, *e.ins]] + [p.type for p in program.params]
    return all(dtype_in(t).name in ("float64", "int64", "bool", "complex128") for t in types)


def signature_of(f: Callable[..., Any], structure: Any, leaves: list[Any]) -> tuple[str, list[str]]:
    """The parameters of the function as text, and where each number among the arguments is found."""
    args, kwargs = unflatten(structure, [Leaf(i) for i in range(len(leaves))])
    try:
        signature = inspect.signature(f)
        bound = signature.bind(*args, **kwargs).arguments
        kinds = {name: signature.parameters[name].kind for name in bound}
    except (TypeError, ValueError):
        bound = {f"x{i}": x for i, x in enumerate(args)} | kwargs
        kinds = dict.fromkeys(bound, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    parts = []
    for name, kind in kinds.items():
        if kind is inspect.Parameter.KEYWORD_ONLY and not any(p.startswith("*") for p in parts):
            parts.append("*")
        parts.append(stars.get(kind, "") + name)
    found = {
        leaf.place: path for name, value in bound.items() for path, leaf in paths(value, name) if isinstance(leaf, Leaf)
    }
    return ", ".join(parts), [found[i] for i in range(len(leaves))]


class Piece(str):
    """The text of a number among the results."""


def returned(built: Built, texts: list[str]) -> str:
    left = iter(texts)
    whole = unflatten(built.structure, [Piece(next(left)) if x is RESULT else x for x in built.leaves])
    return container(whole)


def container(x: Any) -> str:
    """A container of results as an expression; named tuples and dataclasses by the names of their fields."""
    if isinstance(x, Piece):
        return str(x)
    if isinstance(x, dict):
        return f"{{{', '.join(f'{key!r}: {container(v)}' for key, v in x.items())}}}"
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return container(x._asdict())
    if isinstance(x, tuple):
        return f"({', '.join(map(container, x))}{',' * (len(x) == 1)})"
    if isinstance(x, list):
        return f"[{', '.join(map(container, x))}]"
    if is_dataclass(x):
        return container({name: getattr(x, name) for name in x.__dataclass_fields__})
    if x is None or isinstance(x, bool | int | float | str | complex):
        return repr(x)
    raise refusal(None, f"it returns a {type(x).__name__}, which has no text")
