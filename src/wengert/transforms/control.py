"""Derivatives of control flow: those of a loop are loops, those of a branch are branches."""

from collections.abc import Callable, Sequence
from typing import Any

from wengert.core.mode import Value
from wengert.core.types import shape_of
from wengert.ir.order import either, loop_varied, varied_results
from wengert.ir.program import (
    AnyType,
    Equation,
    Program,
    Stack,
    Type,
    Var,
    clone,
    has_extents,
    numeric,
    parameter_types,
    result_types,
    tangent_type,
    type_in,
    type_of,
    zero,
)
from wengert.modes.forward import Dual, Forward
from wengert.modes.stage import Stage
from wengert.rules.control import (
    call,
    filled,
    for_,
    full,
    if_,
    stack_pop,
    stack_push,
    trip_count,
    weak,
    while_,
)
from wengert.rules.indexing import getitem, write
from wengert.transforms.build import bar, build, called, derived_of, dot, named, optimised, replay
from wengert.transforms.reverse import Halves, begun, recorded, split, zero_variable
from wengert.transforms.settled import Facts, Operands, in_branch, in_loop, of_operands

Flags = Sequence[bool]

# ---------------------------------------------------------------- forward mode


def pushed_program(program: Program, groups: Sequence[Sequence[int]], traced: Flags, moving: Flags) -> Program:
    """The program with tangents.

    groups  of parameters; after each group come the tangents of those in it that are traced
    moving  results that have a tangent; these come after all results
    """
    names, types = [], []
    for group in groups:
        own = [program.params[i] for i in group]
        dots = [program.params[i] for i in group if traced[i]]
        names += [p.name for p in own] + [dot(p.name) for p in dots]
        types += [p.type for p in own] + [tangent_type(p.type) for p in dots]

    def body(stage: Stage, values: list[Any]) -> list[Any]:
        mode, rest, inputs = Forward(), iter(values), {}
        for group in groups:
            for i in group:
                inputs[i] = next(rest)
            for i in group:
                if traced[i]:
                    inputs[i] = Dual(mode, inputs[i], next(rest))
        outs = replay(program, [inputs[i] for i in range(len(program.params))], stage, name_tangents)
        mode.finished = True
        duals = [isinstance(x, Dual) and x.mode is mode for x in outs]
        dots = [
            filled(x.tangent if d else None, tangent_type(type_in(r)), x)
            for x, d, m, r in zip(outs, duals, moving, program.results)
            if m
        ]
        return [x.primal if d else x for x, d in zip(outs, duals)] + dots

    return build(program.name, types, names, body)


def name_tangents(e: Equation, outs: Sequence[Any]) -> None:
    for var, out in zip(e.outs, outs):
        if isinstance(out, Dual):
            called(out.tangent, dot(var.name))


def with_dots(xs: Sequence[Any], dots: Sequence[Any], flags: Flags, types: Sequence[AnyType]) -> list[Any]:
    """Values, followed by the tangents of those that are traced."""
    return [*xs, *(filled(d, tangent_type(t), x) for x, d, f, t in zip(xs, dots, flags, types) if f)]


def parted(outs: Sequence[Any], moving: Flags) -> tuple[list[Any], list[Any]]:
    """Results, and a tangent or None for each."""
    dots = iter(outs[len(moving) :])
    return list(outs[: len(moving)]), [next(dots) if m else None for m in moving]


def for_forward(primals: Sequence[Any], tangents: Sequence[Any], params: dict[str, Any]) -> Any:
    body, consts = params["body"], params["consts"]
    heads, xs, dots = primals[:3], primals[3:], tangents[3:]
    return loop_forward(for_, heads, xs, dots, body, consts, {})


def while_forward(primals: Sequence[Any], tangents: Sequence[Any], params: dict[str, Any]) -> Any:
    body, consts = params["body"], params["consts"]
    return loop_forward(while_, (), primals, tangents, body, consts, {"test": params["test"]})


def loop_forward(
    row: Any, heads: Sequence[Any], xs: Sequence[Any], dots: Sequence[Any], body: Program, consts: int, more: Any
) -> Any:
    skip = len(body.params) - len(xs)  # the index
    traced = [d is not None for d in dots[:consts]]
    moving = loop_varied(body, [d is not None for d in dots], consts)
    flags = [*[False] * skip, *traced, *moving]
    places = list(range(len(body.params)))
    groups = [places[:skip], places[skip : skip + consts], places[skip + consts :]]
    pushed = pushed_program(body, groups, flags, moving)
    types = parameter_types(body)[skip:]
    constants = with_dots(xs[:consts], dots[:consts], traced, types[:consts])
    carries = with_dots(xs[consts:], dots[consts:], moving, types[consts:])
    if "test" in more:
        more = {"test": ignoring(more["test"], groups[1], groups[2], traced, moving)}
    outs = row(*heads, *constants, *carries, body=pushed, consts=len(constants), **more)
    return parted(outs, moving)


def ignoring(test: Program, constants: Sequence[int], carries: Sequence[int], traced: Flags, moving: Flags) -> Program:
    """The test of a loop, with parameters for the tangents, which it does not read."""
    params = []
    for group, flags in ((constants, traced), (carries, moving)):
        own = [test.params[i] for i in group]
        params += [*own, *(Var(dot(p.name), tangent_type(p.type)) for p, f in zip(own, flags) if f)]
    return clone(Program(params, test.equations, test.results, test.name))


def if_forward(primals: Sequence[Any], tangents: Sequence[Any], params: dict[str, Any]) -> Any:
    traced = [t is not None for t in tangents[1:]]
    sides = {key: params[key] for key in ("then", "orelse")}
    moving = either([varied_results(side, traced) for side in sides.values()])
    places = list(range(len(traced)))
    pushed = {key: pushed_program(side, [places], traced, moving) for key, side in sides.items()}
    operands = with_dots(primals[1:], tangents[1:], traced, parameter_types(params["then"]))
    return parted(if_(primals[0], *operands, **pushed), moving)


def call_forward(
    primals: Sequence[Any], tangents: Sequence[Any], params: dict[str, Any], by: Callable[..., Any] = call
) -> Any:
    """by: what calls the derivative."""
    program = params["program"]
    traced = [t is not None for t in tangents]
    pushed, moving = derived_of(program, pushed_call, traced)
    return parted(by(*with_dots(primals, tangents, traced, parameter_types(program)), program=pushed), moving)


def pushed_call(program: Program, traced: Flags) -> tuple[Program, list[bool]]:
    moving = varied_results(program, traced)
    return optimised(pushed_program(program, [list(range(len(traced)))], traced, moving)), moving


# ---------------------------------------------------------------- reverse mode

Linearized = tuple[list[Any], Callable[[Sequence[Any], Sequence[Any]], list[Any]]]


def chosen(xs: Sequence[Any], flags: Flags) -> list[Any]:
    return [x for x, f in zip(xs, flags) if f]


def bars(found: Sequence[Any], params: Sequence[Var]) -> Sequence[Any]:
    """The cotangents of these parameters, called so."""
    return [called(x, bar(p.name)) for x, p in zip(found, params)]


def spread_out(found: Sequence[Any], flags: Flags) -> list[Any]:
    """One item for each flag, None where it is not set."""
    rest = iter(found)
    return [next(rest) if f else None for f in flags]


def totals_in(waiting: Sequence[Any], traced: Flags, types: Sequence[AnyType], xs: Sequence[Any]) -> list[Any]:
    rows = zip(waiting, traced, types, xs)
    return [filled(w, tangent_type(t), x) for w, f, t, x in rows if f and not isinstance(t, Stack)]


def cotangents_in(cts: Sequence[Any], moving: Flags, types: Sequence[AnyType], outs: Sequence[Any]) -> list[Any]:
    return [filled(ct, tangent_type(t), x) for ct, m, t, x in zip(cts, moving, types, outs) if m]


RECORDED = 8  # kept values, from which on a call returns them as one


class Derived:
    """The derivative programs of a called program, optimised; made once for each kind of call."""

    def __init__(self, program: Program, traced: Flags, free: Flags) -> None:
        self.moving = varied_results(program, traced)
        halves = self.adapted(split(program, traced, self.moving, free), program)
        self.forward = optimised(halves.forward)
        self.backward, self.hand, self.names = halves.backward, halves.hand, halves.names

    def adapted(self, halves: Halves, program: Program) -> Halves:
        """Calls in calls would return what all of them keep."""
        return recorded(halves) if len(halves.kept) > RECORDED else halves


def optimised_back(back: Program, fresh: Sequence[int]) -> Program:
    return optimised(begun(back, fresh))


def call_linearize(
    primals: Sequence[Any],
    traced: Flags,
    params: dict[str, Any],
    by: Callable[..., Any] = call,
    derive: type[Derived] = Derived,
) -> Linearized:
    """by: what calls the derivative programs, which `derive` makes."""
    program = params["program"]
    derived = derived_of(program, derive, traced, free_to_read(primals))
    n = len(program.results)
    out = by(*primals, program=derived.forward)
    for x, name in zip(out[n:], derived.names):
        named(x, name)

    def pull(cts: Sequence[Any], waiting: Sequence[Any]) -> list[Any]:
        hand = [primals[i] for i in derived.hand]
        seeds = cotangents_in(cts, derived.moving, result_types(program), out)
        fresh, totals = begin(waiting, traced, parameter_types(program), primals)
        back = derived_of(derived.backward, optimised_back, fresh)
        found = by(*hand, *out[n:], *seeds, *totals, program=back)
        return spread_out(bars(found, chosen(program.params, traced)), traced)

    return list(out[:n]), pull


def if_linearize(primals: Sequence[Any], traced: Flags, params: dict[str, Any]) -> Linearized:
    """What each side keeps is a result; the side that is not taken gives zeros for it."""
    condition, operands, flags = primals[0], primals[1:], traced[1:]
    sides = [params["then"], params["orelse"]]
    moving = either([varied_results(side, flags) for side in sides])
    known = of_operands(primals, len(moving))
    free = free_to_read(operands)
    halves = [split(side, flags, moving, free, facts=in_branch(known, side)) for side in sides]
    types, results = parameter_types(sides[0]), result_types(sides[0])
    kept = [half.kept for half in halves]
    stored = [[Var(name, t) for name, t in zip(half.names, half.kept)] for half in halves]
    names = [name for half in halves for name in half.names]
    n = len(results)
    then, orelse = keeping(halves[0], n, [], kept[1]), keeping(halves[1], n, kept[0], [])
    out = if_(condition, *operands, then=then, orelse=orelse)
    for x, name in zip(out[n:], names):
        named(x, name)

    def pull(cts: Sequence[Any], waiting: Sequence[Any]) -> list[Any]:
        hand = sorted({i for half in halves for i in half.hand})
        finals = sorted({i for half in halves for i in half.finals})
        arrays = [at_the_end(known, i + 1) for i in finals]
        seeds = cotangents_in(cts, moving, results, out)
        back = [backward_side(half, side, hand, finals, stored, k) for k, (half, side) in enumerate(zip(halves, sides))]
        fresh, totals = begin(waiting[1:], flags, types, operands)
        back = [begun(side, fresh) for side in back]
        read = [*(operands[i] for i in hand), *arrays]
        found = if_(condition, *read, *out[n:], *seeds, *totals, then=back[0], orelse=back[1])
        return [None, *spread_out(bars(found, chosen(sides[0].params, flags)), flags)]

    return list(out[:n]), pull


def free_to_read(operands: Sequence[Any]) -> list[bool]:
    """What the way back may read again: numbers, and arrays that nobody has to keep for it.

    Of other arrays it asks for the elements that it needs, since around this a loop may run.
    """
    return [is_free(x) or shape_of(x) == () for x in operands]


def begin(
    waiting: Sequence[Any], traced: Flags, types: Sequence[AnyType], xs: Sequence[Any]
) -> tuple[list[int], list[Any]]:
    """(which totals begin in the way back, since nothing waits for them; the others).

    Totals are the last parameters, and counted from the last.  Of those whose lengths only the run knows, a zero is
    made here, like the values themselves.
    """
    rows = zip(waiting, traced, types, xs)
    found = [(w, tangent_type(t), x) for w, f, t, x in rows if f and not isinstance(t, Stack)]
    begins = [w is None and not has_extents(t) for w, t, _ in found]
    fresh = [k - len(found) for k, b in enumerate(begins) if b]
    return fresh, [filled(*each) for each, b in zip(found, begins) if not b]


def keeping(half: Halves, n: int, before: list[AnyType], after: list[AnyType]) -> Program:
    """The forward sweep of one side, with zeros for what the other side keeps."""
    program = half.forward
    equations = list(program.equations)
    zeros = [[zero_variable("zero", t, equations) for t in types] for types in (before, after)]
    results = [*program.results[:n], *zeros[0], *program.results[n:], *zeros[1]]
    return Program(program.params, equations, results, program.name)


def backward_side(
    half: Halves, side: Program, hand: list[int], finals: list[int], kept: list[list[Var]], k: int
) -> Program:
    """The way back of one side, with the parameters of both: what is at hand, kept by one, kept by the other, rest."""
    own = iter(half.backward.params)
    at_hand = []
    for mine, all in ((half.hand, hand), (half.finals, finals)):
        found = {i: next(own) for i in mine}
        at_hand += [found.get(i) or Var(side.params[i].name, side.params[i].type) for i in all]
    stored = [[next(own) if j == k else Var(x.name, x.type) for x in xs] for j, xs in enumerate(kept)]
    return Program(
        [*at_hand, *stored[0], *stored[1], *own], half.backward.equations, half.backward.results, half.backward.name
    )


# ---------------------------------------------------------------- loops, on the way back


def at_the_end(known: Operands, operand: int, first: int = 0, outs: Sequence[Any] = ()) -> Any:
    """The final array of an operand, by position; of a carry (from `first` on) it may be what the loop gives."""
    if first and operand >= first:
        after = known.after[operand - first]
        return outs[operand - first] if after is None else after.value
    final = known.finals[operand]
    assert final is not None
    return final.value


class Tape:
    """What a loop keeps: a row of an array for each iteration where their number is known, else a stack."""

    def __init__(self, half: Halves, trips: int | None) -> None:
        kept = self.kept = half.kept
        self.values = half.names
        self.names = [kept_name(name) for name in half.names]
        self.is_array = [trips is not None and not isinstance(t, Stack) and not has_extents(t) for t in kept]
        self.types: list[AnyType] = [
            Type(numeric(t).dtype, (trips, *numeric(t).shape)) if a else Stack(t) for t, a in zip(kept, self.is_array)
        ]

    def start(self, near: Sequence[Any]) -> list[Any]:
        return [empty(t, near) for t in self.types]

    def store(self, tapes: Sequence[Any], values: Sequence[Any], k: Any) -> list[Any]:
        return [
            called(
                write(tape, x, steps=(), index=(k,), inplace=False)
                if a
                else stack_push(tape, x, type=t, inplace=False),
                name,
            )
            for tape, x, t, a, name in zip(tapes, values, self.types, self.is_array, self.names)
        ]

    def call(self, tapes: Sequence[Any]) -> None:
        for tape, name in zip(tapes, self.names):
            named(tape, name)

    def arrays(self, tapes: Sequence[Any]) -> list[Any]:
        return [tape for tape, a in zip(tapes, self.is_array) if a]

    def stacks(self, tapes: Sequence[Any]) -> list[Any]:
        return [tape for tape, a in zip(tapes, self.is_array) if not a]

    def load(self, arrays: Sequence[Any], stacks: Sequence[Any], k: Any) -> tuple[list[Any], list[Any]]:
        """(what was kept in iteration k, the stacks without it)."""
        rest, left, values = iter(arrays), [], []
        pile = iter(stacks)
        for kept, t, a, name, tape in zip(self.kept, self.types, self.is_array, self.values, self.names):
            if a:
                x = getitem(next(rest), index=(k,))
                x = weak(x) if kept.form == "weak" else x  # type: ignore[union-attr]
            else:
                stack, x = stack_pop(next(pile), type=t, inplace=False)
                left.append(called(stack, tape))
            values.append(called(x, name))
        return values, left


def kept_name(name: str) -> str:
    return name if name.endswith("_kept") else f"{name}_kept"


def empty(type: AnyType, near: Sequence[Any]) -> Any:
    """A zero; in a program an equation, where one of the values beside it is of a program."""
    stage = next(filter(None, map(stage_of, near)), None)
    if stage is None or isinstance(type, Stack):
        return zero(type)
    return stage.apply(full, (), {"shape": type.shape, "value": 0.0, "dtype": type.dtype.str})


def stage_of(x: Any) -> Stage | None:
    while isinstance(x, Value):
        if isinstance(x.mode, Stage):
            return x.mode
        x = x.primal
    return None


def is_free(x: Any) -> bool:
    """Whether nobody has to keep x for the way back."""
    return not isinstance(x, Value) or (isinstance(x.mode, Stage) and x.aux in x.mode.free)


def split_body(
    body: Program, xs: Sequence[Any], traced: Flags, consts: int, trips: int | None, facts: Facts | None = None
) -> tuple[Halves, list[bool]]:
    """The halves of a loop's body, and which carries vary.  What depends on no carry is at hand on the way back."""
    skip, n = len(body.params) - len(xs), len(xs) - consts
    moving = loop_varied(body, traced, consts)
    half = split(
        body,
        traced=[*[False] * skip, *traced[:consts], *moving],
        moving=moving,
        free=[*[True] * (skip + consts), *[False] * n],
        costly=[*[False] * skip, *(not is_free(x) for x in xs[:consts]), *[False] * n],
        fresh=[*[False] * (skip + consts), *[True] * n],
        trips=trips,
        repeats=True,
        facts=facts,
    )
    return half, moving


def for_linearize(primals: Sequence[Any], traced: Flags, params: dict[str, Any]) -> Linearized:
    body, consts = params["body"], params["consts"]
    bounds, xs = primals[:3], primals[3:]
    numbers = [n for x in bounds if (n := known_number(x)) is not None]
    trips = len(range(*numbers)) if len(numbers) == 3 else None
    if trips == 0:
        return passed_through(xs[consts:], traced, 3 + consts)
    known = of_operands(primals, len(xs) - consts)
    facts = in_loop(known, body, consts, [is_free(x) for x in xs[consts:]])
    half, moving = split_body(body, xs, traced[3:], consts, trips, facts)
    tape, n = Tape(half, trips), len(xs) - consts
    lo, _, step = bounds if trips is None else numbers

    def keeping_body(stage: Stage, values: list[Any]) -> list[Any]:
        i, lo_, step_ = (values[0], *values[1:3]) if trips is None else (values[0], lo, step)
        rest = values[3:] if trips is None else values[1:]
        outs = replay(half.forward, [i, *rest[: consts + n]], stage)
        return outs[:n] + tape.store(rest[consts + n :], outs[n:], position(i, lo_, step_))

    types = parameter_types(body)
    names = [p.name for p in body.params]
    extra = [lo, step] if trips is None else []
    forward = build(
        body.name,
        [types[0], *[WHOLE] * len(extra), *types[1:], *tape.types],
        [names[0], *["lo", "step"][: len(extra)], *names[1:], *tape.names],
        keeping_body,
    )
    out = for_(*bounds, *extra, *xs, *tape.start(primals), body=forward, consts=consts + len(extra))
    tape.call(out[n:])
    count = trip_count(*bounds) if trips is None else trips

    def pull(cts: Sequence[Any], waiting: Sequence[Any]) -> list[Any]:
        index = lambda k, extra: extra[0] + k * extra[1] if extra else lo + k * step if (lo, step) != (0, 1) else k
        finals = [at_the_end(known, i + 2, 3 + consts, out) for i in half.finals]
        found = loop_back(
            half,
            body,
            consts,
            moving,
            tape,
            xs,
            out[:n],
            out[n:],
            cts,
            waiting[3:],
            traced[3:],
            count,
            extra,
            index,
            finals,
        )
        return [None, None, None, *found]

    return list(out[:n]), pull


def passed_through(carries: Sequence[Any], traced: Flags, first: int) -> Linearized:
    """A loop that never runs: a tape without a slot for its index."""

    def pull(cts: Sequence[Any], waiting: Sequence[Any]) -> list[Any]:
        after = zip(cts, waiting[first:], traced[first:])
        return [*waiting[:first], *((w if ct is None else with_total(ct, w)) if t else None for ct, w, t in after)]

    return list(carries), pull


WHOLE = type_of(0)


def position(i: Any, lo: Any, step: Any) -> Any:
    """The number of the iteration, counted from 0."""
    k = i if isinstance(lo, int) and lo == 0 else i - lo
    return k if isinstance(step, int) and step == 1 else k // step


def known_number(x: Any) -> int | None:
    """An integer that is the same at each run."""
    if not isinstance(x, Value):
        return int(x)
    return int(x.primal) if isinstance(x.mode, Stage) and x.mode.is_constant(x) else None


def while_linearize(primals: Sequence[Any], traced: Flags, params: dict[str, Any]) -> Linearized:
    body, test, consts = params["body"], params["test"], params["consts"]
    half, moving = split_body(body, primals, traced, consts, None)
    tape, n = Tape(half, None), len(primals) - consts

    def keeping_body(stage: Stage, values: list[Any]) -> list[Any]:
        outs = replay(half.forward, values[: consts + n], stage)
        return [
            *outs[:n],
            called(values[consts + n] + 1, "trips"),
            *tape.store(values[consts + n + 1 :], outs[n:], None),
        ]

    types, names = parameter_types(body), [p.name for p in body.params]
    more = [WHOLE, *tape.types]
    forward = build(body.name, [*types, *more], [*names, "trips", *tape.names], keeping_body)
    unread = [Var(name, t) for name, t in zip(["trips", *tape.names], more)]
    longer = clone(Program([*test.params, *unread], test.equations, test.results, test.name))
    out = while_(*primals, 0, *tape.start(primals), test=longer, body=forward, consts=consts)
    named(out[n], "trips")
    tape.call(out[n + 1 :])

    def pull(cts: Sequence[Any], waiting: Sequence[Any]) -> list[Any]:
        return loop_back(
            half, body, consts, moving, tape, primals, out[:n], out[n + 1 :], cts, waiting, traced, out[n], [], None, []
        )

    return list(out[:n]), pull


def loop_back(
    half: Halves,
    body: Program,
    consts: int,
    moving: list[bool],
    tape: Tape,
    xs: Sequence[Any],
    outs: Sequence[Any],
    tapes: Sequence[Any],
    cts: Sequence[Any],
    waiting: Sequence[Any],
    traced: Flags,
    count: Any,
    extra: Sequence[Any],
    index: Any,
    finals: Sequence[Any],
) -> list[Any]:
    """The iterations from the last to the first.

    Constants are the values at hand, final arrays, and the arrays of the tape; carries are the cotangents of the
    carries, the totals of the constants, and the stacks of the tape.
    """
    skip = len(body.params) - len(xs)
    types = parameter_types(body)[skip:]
    hand = [i for i in half.hand if i >= skip]
    at_hand = [*(xs[i - skip] for i in hand), *finals]
    arrays, stacks = tape.arrays(tapes), tape.stacks(tapes)
    seeds = cotangents_in(cts, moving, types[consts:], outs)
    totals = totals_in(waiting[:consts], traced[:consts], types[:consts], xs)
    parts = [extra, at_hand, arrays, seeds, totals, stacks]

    def back_body(stage: Stage, values: list[Any]) -> list[Any]:
        k, rest = values[0], iter(values[1:])
        extra_, at_hand_, arrays_, seeds_, totals_, stacks_ = ([next(rest) for _ in part] for part in parts)
        kept, left = tape.load(arrays_, stacks_, k)
        heads = [index(k, extra_)] if 0 in half.hand and skip else []
        found = replay(half.backward, [*heads, *at_hand_, *kept, *seeds_, *totals_], stage)
        return [*found[len(totals_) :], *found[: len(totals_)], *left]

    back_types = [
        WHOLE,
        *[WHOLE] * len(extra),
        *(types[i - skip] for i in (*hand, *half.finals)),
        *tape.arrays(tape.types),
        *(tangent_type(t) for t in chosen(types[consts:], moving)),
        *(tangent_type(t) for t in chosen(types[:consts], traced[:consts])),
        *tape.stacks(tape.types),
    ]
    names = [
        "k",
        *["lo", "step"][: len(extra)],
        *(body.params[i].name for i in (*hand, *half.finals)),
        *tape.arrays(tape.names),
    ]
    names += [bar(p.name) for p in chosen(body.params[skip + consts :], moving)]
    names += [bar(p.name) for p in chosen(body.params[skip : skip + consts], traced[:consts])]
    names += tape.stacks(tape.names)
    program = build(f"{body.name}_back", back_types, names, back_body)
    constants = [*extra, *at_hand, *arrays]
    out = for_(count - 1, -1, -1, *constants, *seeds, *totals, *stacks, body=program, consts=len(constants))
    for x, p in zip(out, program.params[1 + len(constants) :]):
        called(x, p.name)
    carry_bars = spread_out(out[: len(seeds)], moving)
    const_bars = spread_out(out[len(seeds) : len(seeds) + len(totals)], traced[:consts])
    starts = zip(carry_bars, waiting[consts:], traced[consts:])
    return [*const_bars, *(with_total(bar, w) if t else None for bar, w, t in starts)]


def with_total(bar: Any, waiting: Any) -> Any:
    return bar if waiting is None else waiting + bar


for row, forward, linearize in (
    (for_, for_forward, for_linearize),
    (while_, while_forward, while_linearize),
    (if_, if_forward, if_linearize),
    (call, call_forward, call_linearize),
):
    row.forward, row.linearize, row.constant = forward, linearize, False
