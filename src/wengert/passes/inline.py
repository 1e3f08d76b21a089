"""A call becomes the equations of its program, where that is small or called in one place only.

    y = call(x, program=p)   ->   the equations of p, with x for its parameter

The derivative of a call is a pair of calls, of the forward sweep and of the way back; inlined, each sees what the other
evaluates.
"""

from collections import Counter
from functools import cache

from wengert.ir.program import Equation, Program
from wengert.passes.rewrite import Names, fits, rebuilt, renamed, spliced, stands_for, with_regions

SMALL = 16  # equations, those of regions included


def inline(program: Program) -> Program:
    return Inline(program).visit(program)


class Inline:
    def __init__(self, program: Program) -> None:
        self.places = places(program)
        self.visit = cache(self.block)
        self.size = cache(self.found_size)

    def block(self, program: Program) -> Program:
        names: Names = {}
        equations: list[Equation] = []
        for old in program.equations:
            e = renamed(with_regions(old, self.visit), names)
            if e.row.name == "call" and self.is_inlined(old.params["program"]) and fits(e.ins, e.regions[0].params):
                inner, results = spliced(e.regions[0], e.ins, e)
                equations += inner
                names.update(zip(e.outs, results))
            else:
                equations.append(e)
        return rebuilt(program, equations, [stands_for(x, names) for x in program.results])

    def is_inlined(self, callee: Program) -> bool:
        return self.places[callee] == 1 or self.size(self.visit(callee)) <= SMALL

    def found_size(self, program: Program) -> int:
        return sum(1 + sum(map(self.size, e.regions)) for e in program.equations)


def places(program: Program) -> Counter[Program]:
    """In how many equations each program is called."""
    found: Counter[Program] = Counter()
    seen, todo = {program}, [program]
    while todo:
        for e in todo.pop().equations:
            if e.row.name == "call":
                found[e.params["program"]] += 1
            todo += [p for p in dict.fromkeys(e.regions) if p not in seen]
            seen.update(e.regions)
    return found
