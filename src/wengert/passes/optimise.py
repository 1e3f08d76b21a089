"""The order of the passes.  Before differentiation and after it, the same again (Moses and Churavy 2020)."""

from wengert.ir.program import Program
from wengert.passes.accumulate import accumulate
from wengert.passes.ascend import ascend
from wengert.passes.branch import branch
from wengert.passes.common import common
from wengert.passes.dead import dead
from wengert.passes.distribute import distribute
from wengert.passes.embed import embed
from wengert.passes.exchange import exchange
from wengert.passes.fold import fold
from wengert.passes.hoist import hoist
from wengert.passes.inline import inline
from wengert.passes.privatise import privatise
from wengert.passes.promote import promote, versioned
from wengert.passes.rewrite import Final
from wengert.passes.soon import soon

ROUND = (fold, common, branch, accumulate, dead, hoist)
ROUNDS = 4  # what a pass makes possible for an earlier one is done in the next round; most programs need two


def optimise(program: Program) -> Program:
    """The same results, sooner."""
    return embed(promote(ascend(rounds(inline(program)))))


def prepare(program: Program) -> Program:
    """The same results, in a form whose derivative keeps less: work arrays belong to one iteration."""
    return rounds(privatise(rounds(inline(program))))


def for_machine(program: Program) -> Program:
    """The same results, in a form that machine code is faster with: longer, and read by nobody."""
    return soon(versioned(exchange(ascend(distribute(program)))))


def rounds(program: Program) -> Program:
    """Passes in turn, until none of them has anything to do."""
    if final.has(program):
        return program
    idle = 0
    for each in ROUND * ROUNDS:
        before, program = program, each(program)
        idle = idle + 1 if program is before else 0
        if idle == len(ROUND):
            return final.note(program, program)
    return program


final = Final()
