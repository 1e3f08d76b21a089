"""Who is alive, and what shares a name.

Values that are alive at the same time interfere (Chaitin 1982, "Register allocation and spilling via graph coloring");
others may share a name, so that an update of an array is a write into it.
"""

import keyword
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from wengert.inspect.source.inlining import wishes
from wengert.inspect.source.statements import Block, Statement, all_statements, variables_in
from wengert.inspect.source.words import DERIVED, RESERVED, is_derived_from_row, shown, stem_of
from wengert.inspect.spelling import (
    numbered,
)
from wengert.ir.program import (
    Hole,
    Var,
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
        name = re.sub(r"\W+", "_", shown(best.name)).strip("_")
        bad = not name.isidentifier() or keyword.iskeyword(name) or name in RESERVED
        return f"{name}_" if bad and f"{name}_".isidentifier() else "x" if bad else name


# ---------------------------------------------------------------- elements are called after their arrays


def name_elements(block: Block) -> None:
    """`x_i` for an unnamed value that is read from x[i] or becomes x[i]; `x_kept` for where such are kept."""
    elements = Elements(block)
    for s in all_statements(block):
        if s.kind == "let" and s.e is not None and s.e.row.name == "getitem":
            elements.name(s.outs[0], s.ins[0], s)
    for s in all_statements(block):
        if s.kind == "update" and s.e is not None and s.e.row.name == "write" and isinstance(s.ins[1], Var):
            elements.name(s.ins[1], s.outs[0], s)
    for s in all_statements(block):
        if s.kind in ("push", "update") and isinstance(s.ins[1], Var) and s.ins[1] in elements.arrays:
            elements.name_kept(s.outs[0], s.ins[1])
    for s in all_statements(block):
        if s.kind == "pop" and is_derived_from_row(s.outs[1].name):
            s.outs[1].name = elements.of_kept.get(s.outs[0], s.outs[1].name)


class Elements:
    """
    arrays     value -> the name of the array whose element it is
    of_kept    where values are kept -> the name of one
    """

    def __init__(self, block: Block) -> None:
        self.arrays: dict[Var, str] = {}
        self.of_kept: dict[Var, str] = {}
        self.partners: dict[Var, set[Var]] = {}
        for x, y in wishes(block):
            self.partners.setdefault(x, set()).add(y)
            self.partners.setdefault(y, set()).add(x)

    def name(self, element: Var, array: Any, s: Statement) -> None:
        assert s.e is not None
        if not is_derived_from_row(element.name) or not isinstance(array, Var) or is_derived_from_row(array.name):
            return
        stem, suffix = stem_of(array.name)
        if suffix.endswith("_kept") or element in self.arrays:
            return
        self.arrays[element] = array.name
        index = [s.ins[p.operand] if isinstance(p, Hole) else p for p in s.e.params["index"]]
        letters = [p.name if isinstance(p, Var) else str(p) for p in index]
        simple = letters and all(re.fullmatch(r"[a-z]|\d", letter) for letter in letters)
        element.name = f"{DERIVED}{stem}_{''.join(letters) if simple else 'part'}{suffix}"

    def name_kept(self, kept: Var, element: Var) -> None:
        if not is_derived_from_row(kept.name) or not kept.name.endswith("_kept"):
            return
        name = f"{DERIVED}{self.arrays[element]}_kept"
        found, queue = {kept}, [kept]
        for x in queue:
            x.name = name
            self.of_kept[x] = element.name
            new = self.partners.get(x, set()) - found
            found |= new
            queue += new


def live_at_start(block: Block) -> set[Var]:
    """Before the first statement."""
    for s in block:
        return s.live.difference(s.outs).union(variables_in(s.ins))
    return set()
