"""Rewrites of statements that make them shorter."""

from wengert.inspect.source.statements import Block, Statement, all_statements, blocks_in, sets, variables_in
from wengert.inspect.source.words import stem_of
from wengert.ir.program import Var


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
