"""Between which numbers an integer lies, in every run: what proves that an index is in range, or that a loop runs.

lo, hi + lo, hi    add the ends            i of for_(lo, hi, step > 0)    [lo, hi - 1]
lo, hi - lo, hi    lo - hi, hi - lo        i of for_(lo, hi, step < 0)    [hi + 1, lo]
lo, hi * lo, hi    extremes of four        x mod n, n > 0                 [0, n - 1]
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.ir.program import Equation, Extent, Program, Type, Var, elements, numeric, type_in

Range = tuple[int, int]
Ranges = dict[Var, Range]

WIDE = 2**62  # beyond, integers of NumPy could wrap around


def range_of(x: Any, known: Ranges) -> Range | None:
    if isinstance(x, Var):
        return known.get(x)
    if isinstance(x, bool | np.bool_) or not isinstance(x, int | np.integer):
        return None
    return narrow(int(x), int(x))


def narrow(lo: int, hi: int) -> Range | None:
    return (lo, hi) if -WIDE < lo <= hi < WIDE else None


def learn(e: Equation, known: Ranges) -> None:
    """Add what the result of one equation is known to lie between."""
    rule = RULES.get(e.row.name)
    if rule is None or not is_index(e.outs[0]):
        return
    found = rule([range_of(x, known) for x in e.ins[: e.count]], e)
    within = narrow(*found) if found else None
    if within is not None:
        known[e.outs[0]] = within


def context(program: Program, known: Ranges) -> Any:
    """What is known of its parameters."""
    return tuple([known.get(p) for p in program.params])


def is_index(x: Var) -> bool:
    return isinstance(x.type, Type) and x.type.shape == () and x.type.dtype == np.int64


def is_truth(x: Any) -> bool:
    return numeric(type_in(x)).dtype == np.bool_


def most(n: int | Extent) -> int:
    return n.bound if isinstance(n, Extent) else n


def products(a: Range, b: Range) -> Range:
    ends = [x * y for x in a for y in b]
    return min(ends), max(ends)


RULES: dict[str, Callable[[Sequence[Any], Equation], Any]] = {
    "add": lambda r, e: r[0] and r[1] and (r[0][0] + r[1][0], r[0][1] + r[1][1]),
    "sub": lambda r, e: r[0] and r[1] and (r[0][0] - r[1][1], r[0][1] - r[1][0]),
    "mul": lambda r, e: r[0] and r[1] and products(*r),
    "neg": lambda r, e: r[0] and (-r[0][1], -r[0][0]),
    "floordiv": lambda r, e: r[0] and r[1] and r[1][0] == r[1][1] > 0 and (r[0][0] // r[1][0], r[0][1] // r[1][0]),
    "mod": lambda r, e: r[1] and r[1][0] > 0 and (0, r[1][1] - 1),
    "minimum": lambda r, e: r[0] and r[1] and (min(r[0][0], r[1][0]), min(r[0][1], r[1][1])),
    "maximum": lambda r, e: r[0] and r[1] and (max(r[0][0], r[1][0]), max(r[0][1], r[1][1])),
    "convert": lambda r, e: r[0],
    "weak": lambda r, e: r[0],
    "truncate": lambda r, e: r[0],
    "reduce_sum": lambda r, e: (0, elements(numeric(type_in(e.ins[0])))) if is_truth(e.ins[0]) else None,
    "wrap_index": lambda r, e: (0, e.params["n"] - 1) if isinstance(e.params["n"], int) and e.params["n"] > 0 else None,
    "slice_length": lambda r, e: r[0] and (0, r[0][1]),
    "length": lambda r, e: (0, most(numeric(type_in(e.ins[0])).shape[e.params["axis"]])),
}


# ---------------------------------------------------------------- regions


def region_ranges(e: Equation, known: Ranges) -> dict[str, Ranges]:
    """What is known of the parameters of each region.  Of a carry, nothing is."""
    match e.row.name:
        case "for_":
            body = e.params["body"]
            ends = e.ins[3 : 3 + e.params["consts"]]
            inside = passed(body.params[1 : 1 + len(ends)], ends, known)
            index = index_range(*(range_of(x, known) for x in e.ins[:3]))
            return {"body": inside if index is None else {**inside, body.params[0]: index}}
        case "while_":
            constants = e.ins[: e.params["consts"]]
            return {key: passed(e.params[key].params, constants, known) for key in ("test", "body")}
        case "if_":
            return {key: passed(e.params[key].params, e.ins[1:], known) for key in ("then", "orelse")}
    return {key: {} for key, p in e.params.items() if isinstance(p, Program)}


def passed(params: list[Var], operands: list[Any], known: Ranges) -> Ranges:
    found = [(p, range_of(x, known)) for p, x in zip(params, operands)]
    return {p: r for p, r in found if r is not None}


def index_range(lo: Range | None, hi: Range | None, step: Range | None) -> Range | None:
    """Of the index, in iterations that take place."""
    if lo is None or hi is None or step is None:
        return None
    if step[0] > 0:
        return narrow(lo[0], hi[1] - 1)
    return narrow(hi[0] + 1, lo[1]) if step[1] < 0 else None


def least_trips(e: Equation, known: Ranges) -> int:
    """How often a `for_` runs at least."""
    lo, hi, step = (range_of(x, known) for x in e.ins[:3])
    if lo is None or hi is None or step is None or step[0] != step[1] or step[0] == 0:
        return 0
    return len(range(lo[1], hi[0], step[0])) if step[0] > 0 else len(range(lo[0], hi[1], step[0]))
