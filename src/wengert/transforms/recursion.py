"""Derivatives of functions that call themselves: functions that call themselves, too.

A derivative has its name before it has its program, so that it may be called in there.  The way back is a second
function, which takes the record that the call left: what it kept, the records of the calls inside among that.  Which
operands the way back reads, and whether a call keeps anything, is assumed at first (nothing), and the programs are made
again where that was wrong; so a function whose way back needs no record has none, and its memory is that of its depth.
"""

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from wengert.ir.order import recursive_outs, varied_results
from wengert.ir.program import (
    RECORD,
    Function,
    Program,
    Var,
    dtype_in,
    parameter_types,
    tangent_type,
)
from wengert.rules.control import filled, lifted_type, pack, recur, unpack, value_type
from wengert.transforms.batch import batched_program, batched_results, repeated, results_of
from wengert.transforms.build import derived_of, forgetting, named, optimised
from wengert.transforms.control import (
    Flags,
    Linearized,
    bars,
    chosen,
    cotangents_in,
    free_to_read,
    parted,
    pushed_program,
    spread_out,
    totals_in,
    with_dots,
)
from wengert.transforms.reverse import recorded, split

# ---------------------------------------------------------------- forward mode


class Pushed:
    """The function with tangents; `moving` are the results that have one."""

    def __init__(self, f: Function, traced: Flags) -> None:
        self.f, self.traced = f, traced
        self.moving = recursive_outs(f, traced, varied_results)
        dots = [tangent_type(t) for t in chosen(f.results, self.moving)]
        self.function = Function(f.name, [*f.results, *dots], f.effect)

    def build(self) -> None:
        places = list(range(len(self.traced)))
        self.function.program = optimised(pushed_program(self.f.program, [places], self.traced, self.moving))


def recur_forward(primals: Sequence[Any], tangents: Sequence[Any], params: dict[str, Any]) -> Any:
    f: Function = params["function"]
    traced = [t is not None for t in tangents]
    pushed: Pushed = derived_of(f, Pushed, traced)
    operands = with_dots(primals, tangents, traced, parameter_types(f.program))
    return parted(recur(*operands, function=pushed.function), pushed.moving)


# ---------------------------------------------------------------- reverse mode


class Reversed:
    """The forward sweep of a function, and its way back.

    forward    (parameters) -> (results, record)
    backward   (parameters at hand, record, cotangents, totals) -> totals
    hand       which parameters the way back reads, by position
    keeps      whether there is a record
    """

    def __init__(self, f: Function, traced: Flags, free: Flags) -> None:
        self.f, self.traced, self.free = f, traced, list(free)
        self.moving = recursive_outs(f, traced, varied_results)
        self.assume([], False)

    def assume(self, hand: list[int], keeps: bool) -> None:
        f, self.hand, self.keeps = self.f, hand, keeps
        totals = [tangent_type(p.type) for p in chosen(f.program.params, self.traced)]
        self.forward = Function(f.name, [*f.results, *[RECORD] * keeps], f.effect)
        self.backward = Function(f"{f.name}_back", totals, effect=False)

    def build(self) -> None:
        while True:
            token = _building.set({**_building.get({}), (self.f, tuple(self.traced)): self})
            try:
                with forgetting() as forget:
                    free, halves = self.free, split(self.f.program, self.traced, self.moving, self.free)
                    hand, keeps = sorted({*self.hand, *halves.hand}), self.keeps or bool(halves.kept)
                    if (free, hand, keeps) == (self.free, self.hand, self.keeps):
                        break
                    forget()
            finally:
                _building.reset(token)
            self.assume(*((hand, keeps) if free == self.free else ([], False)))
        halves = recorded(halves) if self.keeps else halves
        self.forward.program = optimised(halves.forward)
        self.backward.program = optimised(self.with_hand(halves.backward, halves.hand))

    def with_hand(self, back: Program, hand: list[int]) -> Program:
        """The way back with a parameter for each operand that it was assumed to read."""
        own = iter(back.params)
        read = {i: next(own) for i in hand}
        params = [read.get(i) or Var(p.name, p.type) for i, p in enumerate(self.f.program.params) if i in self.hand]
        return Program([*params, *own], back.equations, back.results, back.name)


_building: ContextVar[dict[Any, Reversed]] = ContextVar("building")


def reversed_of(f: Function, traced: Flags, free: Flags) -> Reversed:
    """Inside its own programs it is itself, where arrays that are not at hand in one call are so in none."""
    found = _building.get({}).get((f, tuple(traced)))
    if found is None:
        found = derived_of(f, Reversed, traced, free)
        assert isinstance(found, Reversed)
    else:
        found.free = [a and b for a, b in zip(found.free, free)]
    return found


def recur_linearize(primals: Sequence[Any], traced: Flags, params: dict[str, Any]) -> Linearized:
    f: Function = params["function"]
    derived = reversed_of(f, traced, free_to_read(primals))
    n, types = len(f.results), parameter_types(f.program)
    out = recur(*primals, function=derived.forward)
    record = [named(x, "record") for x in out[n:]]

    def pull(cts: Sequence[Any], waiting: Sequence[Any]) -> list[Any]:
        hand = [primals[i] for i in derived.hand]
        seeds = cotangents_in(cts, derived.moving, f.results, out)
        totals = totals_in(waiting, traced, types, primals)
        found = recur(*hand, *record, *seeds, *totals, function=derived.backward)
        return spread_out(bars(found, chosen(f.program.params, traced)), traced)

    return list(out[:n]), pull


# ---------------------------------------------------------------- batches


class Lanes:
    """The function for all lanes; `wanted` are the results that differ between them."""

    def __init__(self, f: Function, sizes: Sequence[int], batched: Flags) -> None:
        (self.size,) = sizes
        self.f, self.batched = f, batched
        self.wanted = recursive_outs(f, batched, batched_results)
        results = [lifted_type(t, self.size) if w else t for t, w in zip(f.results, self.wanted)]
        self.function = Function(f.name, results, f.effect)

    def build(self) -> None:
        self.function.program = optimised(batched_program(self.f.program, self.size, self.batched, self.wanted))


def recur_batch(size: int, batched: Flags, operands: Sequence[Any], *, function: Function) -> Any:
    lanes: Lanes = derived_of(function, Lanes, [size], batched)
    return results_of(recur(*operands, function=lanes.function), lanes.wanted)


# ---------------------------------------------------------------- records: what is unpacked was packed


def pack_forward(primals: Sequence[Any], tangents: Sequence[Any], params: dict[str, Any]) -> Any:
    return pack(*primals), pack(*map(as_tangent, tangents, primals))


def as_tangent(tangent: Any, x: Any) -> Any:
    return filled(tangent, tangent_type(value_type(x)), x)


def pack_linearize(primals: Sequence[Any], traced: Flags, params: dict[str, Any]) -> Linearized:
    types = tuple(tangent_type(value_type(x)) for x in primals)

    def pull(cts: Sequence[Any], waiting: Sequence[Any]) -> list[Any]:
        found = [None] * len(types) if cts[0] is None else unpack(cts[0], types=types)
        return [added(x, w) if t else None for x, w, t in zip(found, waiting, traced)]

    return list(pack(*primals)), pull


def added(bar: Any, waiting: Any) -> Any:
    """A total with one more term; of stacks and records, which are used once, there is one term only."""
    if bar is None or waiting is None:
        return waiting if bar is None else bar
    return bar + waiting


def unpack_forward(primals: Sequence[Any], tangents: Sequence[Any], params: dict[str, Any]) -> Any:
    types = tuple(map(tangent_type, params["types"]))
    dots = unpack(*tangents, types=types)
    return unpack(*primals, **params), [d if dtype_in(t).kind in "fc" else None for d, t in zip(dots, types)]


def unpack_linearize(primals: Sequence[Any], traced: Flags, params: dict[str, Any]) -> Linearized:
    out = unpack(*primals, **params)
    return list(out), lambda cts, waiting: list(pack(*map(as_tangent, cts, out)))


def pack_batch(size: int, batched: Flags, operands: Sequence[Any]) -> Any:
    return pack(*(x if b else repeated(x, size, value_type(x)) for x, b in zip(operands, batched)))


def unpack_batch(size: int, batched: Flags, operands: Sequence[Any], *, types: Sequence[Any]) -> Any:
    return unpack(*operands, types=tuple(lifted_type(t, size) for t in types))


for row, forward, linearize, batch in (
    (recur, recur_forward, recur_linearize, recur_batch),
    (pack, pack_forward, pack_linearize, pack_batch),
    (unpack, unpack_forward, unpack_linearize, unpack_batch),
):
    row.forward, row.linearize, row.batch, row.constant = forward, linearize, batch, False
