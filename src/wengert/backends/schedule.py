"""What machine code does with each array of a program: evaluate it where it is read, look into another, or store it.

    lazy     elementwise results with one reader: evaluated there, never stored
    views    parts and other shapes of an array: they take no memory, and keep it alive
    last     the last equation that reads a variable, itself or through views and lazy values

This is decided for one program at a time, and the same for any machine.
"""

import math
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from wengert.ir.evaluate import variables_of
from wengert.ir.program import (
    REGIONS,
    AnyType,
    Equation,
    Program,
    Type,
    Var,
    elements,
    has_extents,
    numeric,
    reads_of,
    type_in,
    variables,
)

# whose result is memory of the first operand, by other strides
VIEWS = frozenset(["reshape", "transpose", "flip", "relabel", "broadcast_to", "spread", "stop_gradient", "real"])
# elementwise rows that may end the call must run where they stand
UNLIKELY = frozenset(["wrap_index", "finite", "refuse"])


# an operation for each element that takes no longer than to load it
LIGHT = frozenset(["add", "sub", "mul", "neg", "square", "ipow", "abs", "where", "convert", "scale"])
FOLDING = LIGHT | {"reduce_sum", "add_at"}  # who evaluates an element where he needs it
SAME = frozenset(["full", "spread", "broadcast_to"])  # of a number, the same everywhere
HEAVY, WORK = 100, 8


@dataclass
class Schedule:
    """
    lazy   variables;  views  variables;  last  variable -> position, `len(equations)` for results
    ends   position -> variables that are read there for the last time
    """

    lazy: set[Var]
    views: set[Var]
    last: dict[Var, int]
    ends: dict[int, list[Var]]


_schedules: "WeakKeyDictionary[Program, Schedule]" = WeakKeyDictionary()


def schedule(program: Program) -> Schedule:
    found = _schedules.get(program)
    if found is None:
        found = _schedules[program] = make(program)
    return found


def make(program: Program) -> Schedule:
    single = [e for e in program.equations if len(e.outs) == 1]
    views = {e.outs[0] for e in single if is_view(e)}
    lazy = {e.outs[0] for e in single if is_lazy(e)} & read_once(program)
    lazy |= light(program, lazy, views)
    lazy |= sums_of_parts(program, lazy)
    while True:
        last = last_reads(program, views | lazy)
        broken = in_the_way(program, views, lazy, last)
        if not broken:
            ends: dict[int, list[Var]] = {}
            for x, i in last.items():
                ends.setdefault(i, []).append(x)
            return Schedule(lazy, views, last, ends)
        views, lazy = views - broken, lazy - broken


def is_array(type: AnyType) -> bool:
    """Whether it needs memory: not a number, an array of no axes, or a stack."""
    return isinstance(type, Type) and type.shape != ()


def is_view(e: Equation) -> bool:
    if not is_array(e.outs[0].type) or not e.ins:
        return False
    if not isinstance(e.ins[0], Var):
        return e.row.name in SAME and numeric(type_in(e.ins[0])).shape == ()
    if e.row.name == "getitem":
        return not any(hasattr(part, "shape") for part in e.params["index"]) and not reads_places(e)
    return e.row.name in VIEWS


def reads_places(e: Equation) -> bool:
    """Whether a hole of the index is an array of positions."""
    return any(numeric(x.type).shape != () for x in e.ins[e.count :] if isinstance(x, Var))


def is_lazy(e: Equation) -> bool:
    return e.row.elementwise and is_array(e.outs[0].type) and e.row.name not in UNLIKELY


def read_once(program: Program) -> set[Var]:
    """Variables with one reader in this program, which is no result of it."""
    return {x for x, n in reads_of(program).items() if n == 1} - variables_of(program.results)


def readers_of(program: Program) -> dict[Var, list[Equation]]:
    """Those that read a variable twice stand there twice."""
    found: dict[Var, list[Equation]] = {}
    for e in program.equations:
        for x in variables(e):
            found.setdefault(x, []).append(e)
    return found


def light(program: Program, lazy: set[Var], views: set[Var]) -> set[Var]:
    """Variables with several readers that cost less to evaluate for each of them than to store and load."""
    readers = readers_of(program)
    for e in reversed(program.equations):  # who reads a part reads the whole
        if e.row.name == "getitem" and e.outs[0] in views:
            mine = readers[e.ins[0]]
            mine[:] = [r for r in mine if r is not e] + readers.get(e.outs[0], [])
    results = variables_of(program.results)
    work: dict[Var, int] = {}  # operations for an element
    known: set[Var] = set()  # the same number everywhere
    found = set()
    for e in program.equations:
        if len(e.outs) != 1:
            continue
        x = e.outs[0]
        if (e.row.elementwise or e.row.name in SAME) and known.issuperset(variables(e)):
            known.add(x)
        if not is_lazy(e):
            continue
        here = HEAVY if e.row.name not in LIGHT else 0 if x in known else 1  # 0: the compiler does it
        work[x] = sum(work.get(y, 0) for y in variables(e)) + here
        if x in lazy:
            continue
        mine = readers.get(x, [])
        if x not in results and work[x] * len(mine) <= WORK and all(r.row.name in FOLDING for r in mine):
            found.add(x)
        else:
            work[x] = 0
    return found


def sums_of_parts(program: Program, lazy: set[Var]) -> set[Var]:
    """Zeros with parts added, where it costs less to evaluate them for each reader than to store and load them."""
    zeros = {e.outs[0] for e in program.equations if e.row.name == "full" and e.params["value"] == 0}
    if not any(e.row.name == "add_at" and e.ins[0] in zeros for e in program.equations):
        return set()
    times = times_in_order(program, lazy)
    work: dict[Var, int] = {}
    found = set[Var]()
    for e in program.equations:
        x = e.outs[0] if len(e.outs) == 1 else None
        is_sum = e.row.name == "add_at" and (e.ins[0] in zeros or e.ins[0] in found) and is_box(e)
        if x is None or not (x in lazy or is_sum):
            continue
        cost = sum(work.get(y, 0) for y in variables(e)) + (1 if e.row.name in FOLDING else HEAVY)
        if x in lazy:
            work[x] = cost
        elif times[x] == 1 or times[x] * cost <= WORK:
            work[x] = cost
            found.add(x)
    return found


def times_in_order(program: Program, lazy: set[Var]) -> dict[Var, float]:
    """How often those who read an array go through its rows; infinite where one of them does not do so in order.

    Each part of a sum has loops of its own, which another order would break into questions for each element.
    """
    readers = readers_of(program)
    times = dict.fromkeys(variables_of(program.results), math.inf)
    for e in reversed(program.equations):
        for x in e.outs:
            times.setdefault(x, sum(times_for(r, x, times, lazy) for r in readers.get(x, ())))
    return times


def times_for(reader: Equation, x: Var, times: dict[Var, float], lazy: set[Var]) -> float:
    is_in_order = reader.ins[0] is x and is_box(reader) if reader.row.name == "add_at" else reader.row.name in LIGHT
    if not is_in_order or reader.outs[0].type != x.type:
        return math.inf
    return times[reader.outs[0]] if reader.outs[0] in lazy else 1


def is_box(e: Equation) -> bool:
    """Whether the index of an update names neighbours along one axis, and all of the others."""
    type = numeric(e.outs[0].type)
    parts = e.params["index"]
    if e.has_holes or has_extents(type) or not all(isinstance(p, int | slice) for p in parts):
        return False
    axes = [a for a, (p, n) in enumerate(zip(parts, type.shape)) if isinstance(p, int) or p != slice(None)]
    return axes == [0] and type.shape[0] != 0 and all(p.step in (None, 1) for p in parts if isinstance(p, slice))


def last_reads(program: Program, through: set[Var]) -> dict[Var, int]:
    """`through`: variables that read their operands when they are read themselves."""
    last: dict[Var, int] = dict.fromkeys(variables_of(program.results), len(program.equations))
    for i, e in reversed(list(enumerate(program.equations))):
        until = max([i, *(last.get(o, i) for o in e.outs if o in through)])
        for x in variables(e):
            last[x] = max(last.get(x, -1), until)
    return last


def in_the_way(program: Program, views: set[Var], lazy: set[Var], last: dict[Var, int]) -> set[Var]:
    """Views and lazy values that are read after their array was updated in place, or could have been: to store these
    costs less than a copy of the array, as long as they are not larger."""
    changes: dict[Var, int] = {}
    for i, e in enumerate(program.equations):
        for x in e.ins[:1] if "inplace" in e.params else variables(e) if e.row.name in REGIONS else ():
            if isinstance(x, Var):
                changes[x] = i
    found = set()
    for i, e in reversed(list(enumerate(program.equations))):
        out = e.outs[0] if e.outs else None
        if out is None or not (out in views or out in lazy):
            continue
        until = last.get(out, -1)
        for whole in variables(e):
            if i < changes.get(whole, -1) < until and (out in lazy or is_smaller(out, whole)):
                found.add(out)
    return found


def is_smaller(part: Var, whole: Var) -> bool:
    return elements(numeric(part.type)) < elements(numeric(whole.type)) or has_extents(part.type)
