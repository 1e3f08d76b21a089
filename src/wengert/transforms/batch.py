"""Batches of programs: a loop over batched values is a loop whose body works on all lanes.

Where the lanes go ways of their own (the condition of a branch, the bounds or the test of a loop, what is printed, the
length of a slice), the equation that they disagree about becomes a loop over the lanes.  Its body is the program of one
lane, so the batch is as long for ten thousand lanes as for three, and a lane meets no effect, exception or NaN of a way
that it does not take, at any order.  All around it stays together.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive
from wengert.core.types import dtype_of, shape_of
from wengert.ir.order import has_effect, reads
from wengert.ir.program import (
    AnyType,
    Equation,
    Hole,
    Program,
    Stack,
    Type,
    Var,
    filled_params,
    has_extents,
    numeric,
    parameter_types,
    result_types,
    type_in,
    type_of,
    zero,
)
from wengert.modes.batch import Batch, Batched, Kind, Piled, Shared
from wengert.modes.stage import Stage
from wengert.rules.control import (
    call,
    check,
    cleared,
    conform,
    for_,
    if_,
    is_batched,
    length,
    lifted_type,
    stack_lift,
    value_type,
    weak,
    while_,
)
from wengert.rules.indexing import add_at, align, getitem, lift_params, shape_after, write
from wengert.rules.lanes import lane_put, lane_take, piled, unpiled, whole
from wengert.rules.linear import broadcast_to, convert, transpose
from wengert.rules.reduce import argmin, reduce_all
from wengert.transforms.build import apply, build, called, derived_of, named, optimised, replay

SHARED, TOGETHER, APART = Kind
Kinds = Sequence[Kind]

# ---------------------------------------------------------------- which values differ between lanes


def result_kinds(program: Program, kinds: Kinds) -> list[Kind]:
    """How the lanes have the results, where they have the parameters so."""
    known = derived_of(program, kinds_within, kinds)
    return [kind_in(x, known) for x in program.results]


def kinds_within(program: Program, kinds: Kinds) -> dict[Var, Kind]:
    known = dict(zip(program.params, kinds))
    for e in program.equations:
        ins = [kind_in(x, known) for x in e.ins]
        known.update(zip(e.outs, out_kinds(e, ins) if any(ins) else [SHARED] * len(e.outs)))
    return known


def kind_in(x: Any, known: dict[Var, Kind]) -> Kind:
    return known[x] if isinstance(x, Var) else SHARED


def out_kinds(e: Equation, kinds: Kinds) -> list[Kind]:
    if goes_apart(e, kinds):
        return [lane_kind(o.type) for o in e.outs]
    match e.row.name:
        case "length" | "check":  # the arrays of all lanes have one shape
            return [SHARED]
        case "if_":
            return latest([result_kinds(side, kinds[1:]) for side in e.regions])
        case "for_":
            return carry_kinds(e.params["body"], kinds[3:], e.params["consts"])
        case "while_":
            return carry_kinds(e.params["body"], kinds, e.params["consts"])
        case "call":
            return result_kinds(e.params["program"], kinds)
    return [TOGETHER] * len(e.outs)


def lane_kind(type: AnyType) -> Kind:
    """Of a result of which each lane has found one of its own."""
    return APART if isinstance(type, Stack) or has_extents(type) else TOGETHER


def carry_kinds(body: Program, kinds: Kinds, consts: int) -> list[Kind]:
    """Of the carries of a loop: at the start, or from then on.  `kinds`: constants, carries."""
    constants, carries = list(kinds[:consts]), list(kinds[consts:])
    heads = [SHARED] * (len(body.params) - len(kinds))  # the index
    while True:
        more = latest([carries, result_kinds(body, [*heads, *constants, *carries])])
        if more == carries:
            return carries
        carries = more


def latest(kinds: Sequence[Kinds]) -> list[Kind]:
    return [max(each) for each in zip(*kinds)]


def goes_apart(e: Equation, kinds: Kinds) -> bool:
    """Whether each lane goes through the equation alone."""
    match e.row.name:
        case "if_":
            return bool(kinds[0])
        case "for_":
            return any(kinds[:3])
        case "while_":
            return test_differs(e.params["test"], e.params["body"], kinds, e.params["consts"])
        case "call":
            return False
        case "recur" | "piled" | "unpiled":
            return True
    together = e.row.elementwise or e.row.lift is not None or e.row.batch is not None
    return APART in kinds or not together or (any(kinds[e.count :]) and not is_gather(e, kinds))


def test_differs(test: Program, body: Program, kinds: Kinds, consts: int) -> bool:
    (kind,) = result_kinds(test, [*kinds[:consts], *carry_kinds(body, kinds, consts)])
    return bool(kind)


# ---------------------------------------------------------------- values of a kind


def type_for(type: AnyType, kind: Kind, size: int) -> AnyType:
    """Of all lanes."""
    return type if kind is SHARED else lifted_type(type, size) if kind is TOGETHER else Stack(type)


def as_kind(x: Any, have: Kind, want: Kind, size: int, type: AnyType) -> Any:
    if have is SHARED and want is not SHARED:
        x = repeated(x, size, type)
    if have is APART and want is TOGETHER:
        return unpiled(x, type=Stack(type), size=size)
    return piled(x, type=Stack(type), size=size) if have < want is APART else x


def as_kinds(xs: Sequence[Any], have: Kinds, want: Kinds, size: int, types: Sequence[AnyType]) -> list[Any]:
    return [as_kind(x, h, w, size, t) for x, h, w, t in zip(xs, have, want, types)]


def repeated(x: Any, size: int, type: AnyType) -> Any:
    """The same for all lanes."""
    if isinstance(type, Stack):
        return stack_lift(x, size=size)
    x = broadcast_to(x, shape=(size, *shape_of(x)))
    return x if dtype_of(x) == type.dtype else convert(x, dtype=type.dtype)


def results_of(outs: Sequence[Any], kinds: Kinds, types: Sequence[AnyType]) -> tuple[Any, ...]:
    rows = zip(outs, kinds, types)
    return tuple(Shared(x) if k is SHARED else Piled(x, t) if k is APART else x for x, k, t in rows)


def handle(x: Any, kind: Kind, type: AnyType, mode: Batch) -> Any:
    (out,) = results_of([x], [kind], [type])
    return x if kind is SHARED else mode.handle(out)


# ---------------------------------------------------------------- programs for all lanes


def batched_program(program: Program, size: int, kinds: Kinds, wanted: Kinds) -> Program:
    """The program for all lanes, which have parameters and results of these kinds."""
    types = [type_for(p.type, k, size) for p, k in zip(program.params, kinds)]
    known = derived_of(program, kinds_within, kinds)

    def body(stage: Stage, values: list[Any]) -> list[Any]:
        mode = Batch(size)
        env = {p: handle(x, k, p.type, mode) for p, x, k in zip(program.params, values, kinds)}
        for part, apart in parts(program, known):
            values = [env[p] for p in part.params]
            if apart:
                stage.where, stage.origin = part.equations[0].where, part.equations[0].origin
                contents = [x.primal if known[p] else x for p, x in zip(part.params, values)]
                found = each_lane(part, size, [known[p] for p in part.params], contents)
                outs = [named(handle(x, known[p], p.type, mode), p.name) for p, x in zip(part.results, found)]
            else:
                outs = replay(part, values, stage, by=apply_to_lanes)
            env.update(zip(part.results, outs))
        mode.finished = True
        results = [env[x] if isinstance(x, Var) else x for x in program.results]
        have = [kind_in(x, known) for x in program.results]
        contents = [x.primal if k else x for x, k in zip(results, have)]
        return as_kinds(contents, have, wanted, size, result_types(program))

    return build(program.name, types, [p.name for p in program.params], body)


def parts(program: Program, known: dict[Var, Kind]) -> Iterator[tuple[Program, bool]]:
    """The program in parts, one after the other, and whether each lane goes through a part alone.

    What is printed is printed for all lanes before another part begins.
    """
    runs = joined(runs_of(program, known), known)
    equations = [e for _, run in runs for e in run]
    last = {x: i for i, e in enumerate(equations) for x in reads([e])}
    last.update({x: len(equations) for x in program.results if isinstance(x, Var)})
    done = 0
    for alone, run in runs:
        made, done = [o for e in run for o in e.outs], done + len(run)
        params = [x for x in reads(run) if x not in made]
        yield Program(params, run, [o for o in made if last.get(o, -1) >= done], program.name), alone


Run = tuple[bool, list[Equation]]  # whether each lane goes through these equations alone


def runs_of(program: Program, known: dict[Var, Kind]) -> list[Run]:
    """Equations that follow each other and are alike; what is printed stands for itself."""

    def alike(numbered: tuple[int, Equation]) -> tuple[bool, int]:
        i, e = numbered
        kinds = [kind_in(x, known) for x in e.ins]
        alone = any(kinds) and goes_apart(e, kinds)
        return alone, i if alone and has_effect(e) else -1

    return [(alone, [e for _, e in run]) for (alone, _), run in groupby(enumerate(program.equations), alike)]


def joined(runs: list[Run], known: dict[Var, Kind]) -> list[Run]:
    """Where all that stands between two loops over the lanes is a few numbers of each lane, one loop does all: it
    needs no piles.  What the lanes share comes first."""
    found: list[Run] = []
    for alone, run in runs:
        before = found[-2:] if alone and len(found) > 1 else []
        if before and before[0][0] and may_join(before[0][1], before[1][1], run, known):
            first, between = (r for _, r in before)
            shared = [e for e in between if not any(kind_in(x, known) for x in e.ins)]
            found[-2:] = [(False, shared), (True, [*first, *(e for e in between if e not in shared), *run])]
        else:
            found.append((alone, run))
    return [(alone, run) for alone, run in found if run]


def may_join(first: list[Equation], between: list[Equation], then: list[Equation], known: dict[Var, Kind]) -> bool:
    if any(map(has_effect, [*first, *between, *then])):
        return False
    piles = {o for e in first for o in e.outs if known[o] is APART}
    own = [e for e in between if any(kind_in(x, known) for x in e.ins)]
    return bool(piles & set(reads(then))) and all(map(is_number, own))


def is_number(e: Equation) -> bool:
    """Whether the equation makes a number, of numbers or by reading an array."""
    types = [x.type for x in e.outs]
    reading = e.row is getitem or e.row is weak
    return (e.row.elementwise or reading) and all(isinstance(t, Type) and t.shape == () for t in types)


def apply_to_lanes(e: Equation, operands: list[Any], stage: Stage) -> list[Any]:
    """The results of an equation that all lanes go through together, of the dtypes that are declared for one."""
    mode = next((x.mode for x in operands[e.count :] if isinstance(x, Batched)), None)
    outs = apply(e, operands, stage) if mode is None else [gathered(e, operands, mode)]  # type: ignore[arg-type]
    return [of_dtype(x, o.type) for x, o in zip(outs, e.outs)]


def of_dtype(x: Any, type: AnyType) -> Any:
    """A weak number, which has lost its weakness in an array, may have made its result another type."""
    is_other = isinstance(x, Batched) and isinstance(type, Type) and dtype_of(x) != type.dtype
    return convert(x, dtype=type.dtype) if is_other else x  # type: ignore[union-attr]


# ---------------------------------------------------------------- one lane after the other


def each_lane(part: Program, size: int, kinds: Kinds, operands: Sequence[Any]) -> list[Any]:
    """The results of the program for all lanes: arrays of them, and piles of what no array holds.

    A loop over the lanes.  Its constants are what the lanes share or have together, its carries the results and the
    piles that are taken apart.
    """
    apart = [k is APART or (k is TOGETHER and isinstance(p.type, Stack)) for p, k in zip(part.params, kinds)]
    order = sorted(range(len(apart)), key=lambda i: apart[i])
    part = Program([part.params[i] for i in order], part.equations, part.results, part.name)
    want = [APART if apart[i] else kinds[i] for i in order]
    xs = as_kinds([operands[i] for i in order], [kinds[i] for i in order], want, size, parameter_types(part))
    types = [value_type(x) if k is TOGETHER else type_for(p.type, k, size) for x, p, k in zip(xs, part.params, want)]
    starts = [zero(type_for(t, lane_kind(t), size)) for t in result_types(part)]
    names, results = [p.name for p in part.params], [x.name if isinstance(x, Var) else "c" for x in part.results]
    n = len(xs) - sum(apart)
    loop = build(
        f"{part.name}_lanes",
        [type_of(0), *types[:n], *map(type_of, starts), *types[n:]],
        ["lane", *names[:n], *results, *names[n:]],
        lambda stage, values: one_lane(part, size, want[:n], stage, values),
    )
    outs = for_(0, size, 1, *xs[:n], *starts, *xs[n:], body=loop, consts=n)
    return [called(x, p.name) for x, p in zip(outs, loop.params[1 + n : 1 + n + len(starts)])]


def one_lane(part: Program, size: int, kinds: Kinds, stage: Stage, values: list[Any]) -> list[Any]:
    """One iteration of the loop over the lanes.  kinds: of its constants"""
    k, n, m = values[0], 1 + len(kinds), 1 + len(kinds) + len(part.results)
    rows = [row_of(x, k, p.type) if kind else x for x, p, kind in zip(values[1:n], part.params, kinds)]
    piles = [(p.name, x, Stack(p.type)) for x, p in zip(values[m:], part.params[len(kinds) :])]
    taken = [lane_take(x, k, type=t, size=size, inplace=False) for _, x, t in piles]
    lane = [named(x, p.name) if kind else x for x, p, kind in zip(rows, part.params, kinds)]
    lane += [named(x, name) for (name, _, _), (_, x) in zip(piles, taken)]
    outs = replay(part, lane, stage)
    stored = [put(s, x, k, t, size) for s, x, t in zip(values[n:m], outs, result_types(part))]
    return [*stored, *(called(left, name) for (name, _, _), (left, _) in zip(piles, taken))]


def row_of(x: Any, k: Any, type: AnyType) -> Any:
    """What lane k has of an array, of the type that is declared for one lane."""
    x = getitem(x, index=(k,))
    x = x if dtype_of(x) == numeric(type).dtype else convert(x, dtype=numeric(type).dtype)
    return weak(x) if numeric(type).form == "weak" else conform(x, type)


def put(all_lanes: Any, x: Any, k: Any, type: AnyType, size: int) -> Any:
    if lane_kind(type) is APART:
        return called(lane_put(all_lanes, x, k, type=Stack(type), size=size, inplace=False), all_lanes.aux.name)
    return write(all_lanes, x, steps=(), index=(k,), inplace=False)


# ---------------------------------------------------------------- positions that differ between lanes


def is_gather(e: Equation, kinds: Kinds) -> bool:
    """Whether all lanes can read or write at once, each at positions of its own, which are whole parts of the index.

    Positions have to stand first.  Numbers can be moved there, which is a view; the sum at what is read there has none.
    """
    if e.row not in (getitem, write, add_at):
        return False
    own = {i for i in range(e.count, len(e.ins)) if kinds[i]}
    if not own <= {p.operand for p in e.params["index"] if isinstance(p, Hole)}:
        return False
    ranks = ranks_of(e)
    return stand_first(ranks) or (max(ranks) == 0 and e.row is not add_at)


def ranks_of(e: Equation) -> list[int]:
    """For each part of the index, how many axes the positions have that it chooses; -1 of slices and new axes."""
    return [rank_of(p, e) for p in e.params["index"]]


def rank_of(part: Any, e: Equation) -> int:
    if isinstance(part, Hole):
        return len(numeric(type_in(e.ins[part.operand])).shape)
    return -1 if isinstance(part, slice) or part is None else np.ndim(part)


def stand_first(ranks: Sequence[int]) -> bool:
    return sorted(r < 0 for r in ranks) == [r < 0 for r in ranks]


def gathered(e: Equation, operands: list[Any], mode: Batch) -> Any:
    """What is read or written at arrays of positions; where the lanes have an axis, the first of these counts them."""
    params, ranks = filled_params(e, operands), ranks_of(e)
    root, *values = operands[: e.count]
    rank, has_lanes = max(ranks), isinstance(root, Batched) or e.row is not getitem
    places = [align(p.primal, rank) if isinstance(p, Batched) else p for p in params["index"]]
    axes = np.cumsum([p is not None for p in places]) - 1
    order = sorted(range(len(places)), key=lambda i: ranks[i] < 0)
    moved = [int(axes[i]) + has_lanes for i in order if places[i] is not None]
    places = [places[i] for i in order]
    if has_lanes:
        root = root.primal if isinstance(root, Batched) else repeated(root, mode.size, type_in(e.ins[0]))
        places = [np.arange(mode.size).reshape(mode.size, *(1,) * rank), *places]
        moved = [0, *moved]
    steps = tuple([(step, lift_params(step, p, mode.size)) for step, p in params.get("steps", ())])
    ndim = len(shape_after(shape_of(root), steps))
    if not stand_first(ranks):
        steps = (*steps, (transpose, {"axes": (*moved, *range(len(moved), ndim))}))
    left = ndim - 1 - sum(r >= 0 for r in ranks) + sum(p is None for p in places) + rank
    values = [align(v.primal, left) if isinstance(v, Batched) else v for v in values]
    if e.row is write:
        params["steps"] = steps
    else:
        for step, how in steps:
            root = step(root, **how)
    return Batched(mode, e.row(root, *values, **{**params, "index": tuple(places)}))


# ---------------------------------------------------------------- rules of the rows


def call_batch(
    size: int,
    kinds: Kinds,
    operands: Sequence[Any],
    *,
    program: Program,
    by: Callable[..., Any] = call,
    may_pile: bool = True,
) -> Any:
    """by: what calls the program of all lanes;  may_pile: whether that may return piles"""
    lanes, wanted = derived_of(program, batched_call, [size, may_pile], kinds)
    return results_of(by(*operands, program=lanes), wanted, result_types(program))


def batched_call(program: Program, how: tuple[int, bool], kinds: Kinds) -> tuple[Program, list[Kind]]:
    size, may_pile = how
    wanted, types = result_kinds(program, kinds), result_types(program)
    if not may_pile:
        wanted = [min(k, TOGETHER) for k in wanted]
    elif APART in wanted:  # a derivative is piled as what it belongs to
        wanted = [APART if has_extents(t) else k for t, k in zip(types, wanted)]
    return optimised(batched_program(program, size, kinds, wanted)), wanted


def if_batch(size: int, kinds: Kinds, operands: Sequence[Any], *, then: Program, orelse: Program) -> Any:
    if kinds[0]:
        return each_alone(if_, size, kinds, operands, parameter_types(then), {"then": then, "orelse": orelse})
    wanted = latest([result_kinds(side, kinds[1:]) for side in (then, orelse)])
    sides = [batched_program(side, size, kinds[1:], wanted) for side in (then, orelse)]
    return results_of(if_(*operands, then=sides[0], orelse=sides[1]), wanted, result_types(then))


def for_batch(size: int, kinds: Kinds, operands: Sequence[Any], *, body: Program, consts: int) -> Any:
    if any(kinds[:3]):
        return each_alone(for_, size, kinds, operands, parameter_types(body)[1:], {"body": body, "consts": consts})
    found, xs, bodies = loop_lanes(size, kinds[3:], operands[3:], body, consts)
    return results_of(for_(*operands[:3], *xs, body=bodies, consts=consts), found[consts:], result_types(body))


def while_batch(size: int, kinds: Kinds, operands: Sequence[Any], *, test: Program, body: Program, consts: int) -> Any:
    if test_differs(test, body, kinds, consts):
        params = {"test": test, "body": body, "consts": consts}
        return each_alone(while_, size, kinds, operands, parameter_types(body), params)
    found, xs, bodies = loop_lanes(size, kinds, operands, body, consts)
    tests = batched_program(test, size, found, [SHARED])
    return results_of(while_(*xs, test=tests, body=bodies, consts=consts), found[consts:], result_types(body))


def loop_lanes(
    size: int, kinds: Kinds, xs: Sequence[Any], body: Program, consts: int
) -> tuple[list[Kind], list[Any], Program]:
    """(kinds of constants and carries, their values, the body for all lanes)."""
    carries = carry_kinds(body, kinds, consts)
    found = [*kinds[:consts], *carries]
    heads = [SHARED] * (len(body.params) - len(xs))  # the index
    values = as_kinds(xs, kinds, found, size, parameter_types(body)[len(heads) :])
    return found, values, batched_program(body, size, [*heads, *found], carries)


def each_alone(
    row: Primitive, size: int, kinds: Kinds, operands: Sequence[Any], types: Sequence[AnyType], params: dict[str, Any]
) -> tuple[Any, ...]:
    """A row whose lanes go ways of their own.  types: of the last operands; the first are numbers that decide."""
    deciders = zip(operands[: len(operands) - len(types)], kinds)
    types = [*(Type(dtype_of(x), (), "scalar") if k else value_type(x) for x, k in deciders), *types]
    ins = [Var("x", t) for t in types]
    outs = [Var(row.name, t) for t in row.types(types, **params)]  # type: ignore[misc]
    part = Program(ins, [Equation(outs, row, list(ins), params, len(ins))], list(outs), row.name)
    found = each_lane(part, size, kinds, operands)
    return results_of(found, [lane_kind(x.type) for x in outs], [x.type for x in outs])


def piled_batch(lanes: int, kinds: Kinds, operands: Sequence[Any], *, type: Stack, size: int) -> Any:
    params = {"type": type, "size": size}
    return each_alone(piled, lanes, kinds, operands, [lifted_type(type.element, size)], params)[0]


def unpiled_batch(lanes: int, kinds: Kinds, operands: Sequence[Any], *, type: Stack, **params: Any) -> Any:
    return each_alone(unpiled, lanes, kinds, operands, [type], {"type": type, **params})[0]


def whole_batch(size: int, kinds: Kinds, operands: Sequence[Any], *, type: Type) -> Any:
    (x,) = operands
    x = unpiled(x, type=Stack(type), size=size) if kinds[0] is APART else x
    return whole(x, type=lifted_type(type, size)) if is_batched(x) else x


def cleared_batch(size: int, kinds: Kinds, operands: Sequence[Any], *, type: AnyType) -> Any:
    return Piled(cleared(*operands, type=Stack(type)), type)


def length_batch(size: int, kinds: Kinds, operands: Sequence[Any], *, axis: int) -> Any:
    return Shared(length(*operands, axis=axis + 1))


def check_batch(size: int, kinds: Kinds, operands: Sequence[Any], **params: Any) -> Any:
    """With the values of the first lane that fails."""
    if size == 0:
        return Shared(np.True_)
    ok, *values = operands
    first = argmin(ok, axis=0) if kinds[0] and any(kinds[1:]) else 0
    values = [getitem(x, index=(first,)) if b else x for x, b in zip(values, kinds[1:])]
    return Shared(check(reduce_all(ok, axes=(0,)) if kinds[0] else ok, *values, **params))


for row, rule in (
    (length, length_batch),
    (check, check_batch),
    (piled, piled_batch),
    (unpiled, unpiled_batch),
    (whole, whole_batch),
    (cleared, cleared_batch),
    (call, call_batch),
    (if_, if_batch),
    (for_, for_batch),
    (while_, while_batch),
):
    row.batch = rule
