"""Who shares memory, and where a copy is made."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from wengert.inspect.source.naming import Names
from wengert.inspect.source.statements import Apply, Block, Global, Statement, type_of_in
from wengert.inspect.spelling import (
    refusal,
)
from wengert.ir.program import (
    Stack,
    Type,
    Var,
)

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
        if name == "array" or (name in ("broadcast_to", "spread") and type_of_in(x.ins[0]).shape):
            yield CALLER  # what NumPy repeats cannot be written
        if x.e.row.view or name in SAME:
            yield from memory(x.ins[0])


SAME = {"relabel", "stop_gradient", "broadcast_to", "spread", "array", "weak", "conj"}
