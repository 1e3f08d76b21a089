"""What an iteration keeps, it keeps as soon as it is there.

    new = y + f(y)                      kept = push(kept, y)
    kept = push(kept, y)        ->      new = y + f(y)
    -> new, kept                        -> new, kept

Nobody reads y afterwards, and machine code puts `new` in its place; else it would copy it there in the end.
"""

from wengert.ir.program import Equation, Program, Type, Var, reads_of, type_in, variables
from wengert.passes.rewrite import everywhere, rebuilt


def soon_block(program: Program) -> Program:
    reads = reads_of(program)
    alone = {p for p in program.params if reads[p] == 1}
    made = {x: i for i, e in enumerate(program.equations) for x in e.outs}
    ready = {
        i: max((made.get(x, -1) for x in variables(e)), default=-1)
        for i, e in enumerate(program.equations)
        if keeps_array(e) and e.ins[0] in alone
    }
    order = sorted(range(len(program.equations)), key=lambda i: (ready.get(i, i), i in ready, i))
    return rebuilt(program, [program.equations[i] for i in order], program.results)


soon = everywhere(soon_block)


def keeps_array(e: Equation) -> bool:
    """Whether it puts an array into a stack, or into an array of what is kept."""
    if e.row.name not in ("stack_push", "write") or not isinstance(e.ins[0], Var):
        return False
    type = type_in(e.ins[1])
    return isinstance(type, Type) and type.shape != ()
