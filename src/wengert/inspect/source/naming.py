"""Who is alive, and what shares a name.

Values that are alive at the same time interfere (Chaitin 1982, "Register allocation and spilling via graph coloring");
others may share a name, so that an update of an array is a write into it.
"""

import keyword
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from wengert.inspect.source.statements import Block, Statement, all_statements, variables_in
from wengert.inspect.source.words import RESERVED, WORDS, is_derived_from_row, stem_of
from wengert.inspect.spelling import (
    numbered,
)
from wengert.ir.program import (
    Var,
    is_unnamed,
)


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
