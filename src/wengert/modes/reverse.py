"""Reverse mode: every operation leaves a record that knows how to send a cotangent back.

The records form a graph that points backwards only, so what nobody needs any more is freed at once, and the way back
visits them from the latest to the earliest without recursion.  Griewank and Walther 2008, chapter 3.2.
"""

import itertools
import sys
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Any

import numpy as np

from wengert.core.diagnostic import Diagnostic
from wengert.core.mode import Buffer, Mode, Value, buffer
from wengert.core.primitive import Primitive, wants_ownership
from wengert.core.types import Shape, dtype_of, shape_of
from wengert.core.guard import protect
from wengert.rules.elementwise import scale
from wengert.rules.linear import cast, unbroadcast

_order = itertools.count()


class Record:
    """One operation on the tape: edges to the records of its operands, with what the way back needs.

    An edge is (send, parent, rule, saved, fit): `send` computes the contribution (below), `fit` brings it to the
    shape and dtype of the operand where broadcasting or promotion changed them.
    """

    __slots__ = ("__weakref__", "edges", "guards", "index")

    def __init__(self, edges: "Sequence[Edge] | None", guards: Any = None) -> None:
        self.index = next(_order)
        self.edges = edges
        self.guards = guards


Edge = tuple[Any, Any, Any, Any, Any]
Fit = tuple[Shape | None, np.dtype[Any] | None]


class Leaf(Record):
    """Where the way back ends: an argument, or a tensor, which adds up what arrives in `grad`."""

    __slots__ = ("grad",)

    def __init__(self) -> None:
        super().__init__(None)
        self.grad: Any = None


class Node(Value):
    """A primal and its record.  `Tensor` is the same thing with a user interface."""

    __slots__ = ()
    record = Value.aux


class Reverse(Mode):
    name = "reverse"
    node: Callable[..., Node] = Node
    outlives_call = False  # True where the pullback may run after the caller could have changed his arrays

    def apply(self, row: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        primals, traced = [], []
        foreign: list[tuple[np.ndarray, bool]] = []
        for x in args:
            if isinstance(x, Value):
                if x.mode is self:
                    primals.append(x.primal)
                    traced.append(x.aux is not None)
                    continue
                if isinstance(x, Buffer):
                    if x.aux:
                        foreign.append((x.primal, self.outlives_call))
                    primals.append(x.primal)
                else:
                    primals.append(x.snapshot())
            else:
                if type(x) is np.ndarray and x.flags.writeable:
                    foreign.append((x, True))
                primals.append(x)
            traced.append(False)
        out = row(*primals, **params)
        if row.constant:
            return self.constant(out)
        if not self.records(traced):
            return self.untraced(out)
        record = Record(edges_of(row, args, primals, traced, out, params))
        if foreign:
            record.edges, record.guards = protect(record.edges, foreign)
        if row.several:
            return tuple(self.node(self, o, Record(((component, record, i, len(out), None),))) for i, o in enumerate(out))
        return self.node(self, out, record)

    def records(self, traced: list[bool]) -> bool:
        return True in traced

    def constant(self, out: Any) -> Any:
        return buffer(out)

    def untraced(self, out: Any) -> Any:
        return tuple([buffer(o) for o in out]) if type(out) is tuple else buffer(out)


# ---------------------------------------------------------------- recording


def edges_of(
    row: Primitive, args: tuple[Any, ...], primals: list[Any], traced: list[bool], out: Any, params: dict[str, Any]
) -> list[Edge]:
    if row.partials is not None:
        send = send_singular if row.singular else send_partial
        return [
            partial_edge(row, send, partial, x, p, primals, out, params)
            for x, p, t, partial in zip(args, primals, traced, row.partials)
            if t and partial is not None
        ]
    if row.transpose_into is not None:
        saved = row.resolver(row.transpose_into)([None], out, params)
        zeros = (shape_of(primals[0]), dtype_of(primals[0]))
        return [(send_into, args[0].aux, row.transpose_into, saved, zeros)]
    if row.transposes is not None:
        return [
            (send_transpose, x.aux, rule, row.resolver(rule)(primals, out, params), fit_of(p, out, row.elementwise))
            for x, p, t, rule in zip(args, primals, traced, row.transposes)
            if t and rule is not None
        ]
    if row.pull is None:
        raise no_rule(row, "reverse")
    saved = row.resolver(row.pull)(primals, out, params, None, tuple(traced))
    parents = [x.aux if t else None for x, t in zip(args, traced)]
    fits = [fit_of(p, out, False) for p in primals]
    return [(send_owned if wants_ownership(row.pull) else send_pull, parents, row.pull, saved, fits)]


def partial_edge(
    row: Primitive, send: Any, partial: Any, x: Any, primal: Any, primals: list[Any], out: Any, params: dict[str, Any]
) -> Edge:
    fit = fit_of(primal, out, True)
    if callable(partial):
        return (send, x.aux, partial, row.resolver(partial)(primals, out, params), fit)
    return (send_same if partial == 1.0 else send_constant, x.aux, partial, None, fit)


def fit_of(primal: Any, out: Any, broadcasts: bool) -> Fit | None:
    """What a contribution must be brought to: (shape or None, dtype or None), or None where nothing can differ."""
    kind = type(primal)
    if kind is type(out) and kind in SCALARS:
        return None
    shape = shape_of(primal) if broadcasts and shape_of(primal) != shape_of(out) else None
    # a Python float is weak: it takes the dtype that the other operands have
    dtype = dtype_of(primal) if kind is not float and kind is not int and type(out) is not tuple else None
    if kind is float and dtype_of(out).kind == "c":
        dtype = dtype_of(primal)
    if dtype is not None and broadcasts and dtype == dtype_of(out):
        dtype = None
    return None if shape is None and dtype is None else (shape, dtype)


SCALARS = frozenset({float, np.float64, np.float32, complex, np.complex128})


def no_rule(row: Primitive, mode: str) -> Diagnostic:
    columns = ", ".join(c for c in ("partials", "transposes", "push", "pull") if getattr(row, c)) or "none"
    reason = row.absent.get("pull" if mode == "reverse" else "push", "nobody wrote it")
    return Diagnostic(
        "W302",
        f"`{row.name}` has no rule for {mode} mode",
        f"{reason}; the row at {row.where} has: {columns}",
        "use the other mode (wg.jvp and wg.jacfwd, or wg.vjp and wg.grad), or give a rule with wg.custom_vjp",
    )


# ---------------------------------------------------------------- the way back


def send_partial(rule: Any, ct: Any, saved: Any) -> Any:
    return rule(*saved) * ct


def send_singular(rule: Any, ct: Any, saved: Any) -> Any:
    return scale(rule(*saved), ct)


def send_same(rule: Any, ct: Any, saved: Any) -> Any:
    return ct


def send_constant(rule: Any, ct: Any, saved: Any) -> Any:
    return rule * ct


def send_transpose(rule: Any, ct: Any, saved: Any) -> Any:
    return rule(ct, *saved)


def send_pull(rule: Any, ct: Any, saved: Any) -> Any:
    return rule(ct, *saved)


def send_into() -> None: ...  # a mark: contributions add into the operand's cotangent


def send_owned() -> None: ...  # a mark: the rule may overwrite the cotangent


def component() -> None: ...  # a mark: one of several results of a row


_probe = np.zeros(1)
_ALONE = sys.getrefcount(_probe)  # of an array that one local name holds


class Sweep:
    """One way back: cotangents that wait at records, the latest record first."""

    def __init__(self, keep: bool) -> None:
        self.keep = keep
        self.heap: list[int] = []
        self.pending: dict[int, list[Any]] = {}  # -index: [record, cotangent, is the cotangent ours to overwrite]
        self.leaves: dict[Record, Any] = {}
        self.verified: set[int] = set()

    def run(self, seeds: Sequence[tuple[Record, Any]]) -> dict[Record, Any]:
        """Cotangents of the leaves reached."""
        for record, ct in seeds:
            self.add(record, ct)
        heap, pending = self.heap, self.pending
        while heap:
            key = heappop(heap)
            record, ct, _ = pending.pop(key)
            edges = record.edges
            if edges is None:
                self.leaves[record] = ct
                continue
            if edges is FREED:
                raise freed()
            if record.guards:
                self.verify(record.guards)
            for edge in edges:
                send, parent, rule, saved, fit = edge
                if send is send_into:
                    self.add_into(parent, rule, ct, saved, fit)
                elif send is send_pull:
                    self.add_all(parent, rule(ct, *saved), fit)
                elif send is send_owned:
                    owned = isinstance(ct, np.ndarray) and sys.getrefcount(ct) == _ALONE and ct.base is None
                    self.add_all(parent, rule(ct, owned, *saved), fit)
                elif send is component:
                    self.add_component(parent, rule, saved, ct)
                else:
                    contribution = send(rule, ct, saved)
                    if fit is not None:
                        contribution = refit(contribution, fit)
                    self.add(parent, contribution)
            if not self.keep:
                record.edges = FREED
        return self.leaves

    def add(self, record: Record, ct: Any) -> None:
        key = -record.index
        waiting = self.pending.get(key)
        if waiting is None:
            self.pending[key] = [record, ct, False]
            heappush(self.heap, key)
        elif waiting[2] and type(ct) is np.ndarray and type(waiting[1]) is np.ndarray and ct.dtype == waiting[1].dtype:
            waiting[1] += ct
        else:
            waiting[1] = waiting[1] + ct
            waiting[2] = True

    def add_into(self, record: Record, rule: Any, ct: Any, saved: Any, zeros: tuple[Shape, Any]) -> None:
        key = -record.index
        waiting = self.pending.get(key)
        if waiting is None:
            waiting = self.pending[key] = [record, np.zeros(*zeros), True]
            heappush(self.heap, key)
        elif not waiting[2]:
            # someone else may hold this cotangent; adding zeros gives one of our own
            waiting[1] = waiting[1] + np.zeros(*zeros)
            waiting[2] = True
        waiting[1] = rule(waiting[1], cast(ct, zeros[1]), *saved)

    def add_all(self, parents: Any, contributions: Any, fits: Any) -> None:
        for parent, contribution, fit in zip(parents, contributions, fits):
            if parent is not None and contribution is not None:
                self.add(parent, contribution if fit is None else refit(contribution, fit))

    def add_component(self, record: Record, position: int, count: int, ct: Any) -> None:
        key = -record.index
        waiting = self.pending.get(key)
        if waiting is None:
            waiting = self.pending[key] = [record, [None] * count, True]
            heappush(self.heap, key)
        waiting[1][position] = ct

    def verify(self, guards: Any) -> None:
        for guard in guards:
            if id(guard) not in self.verified:
                guard.verify()
                self.verified.add(id(guard))


FREED: tuple[Any, ...] = ("freed",)


def refit(ct: Any, fit: Fit) -> Any:
    shape, dtype = fit
    if shape is not None:
        ct = unbroadcast(ct, shape)
    return ct if dtype is None else cast(ct, dtype)


def freed() -> Diagnostic:
    return Diagnostic(
        "W206",
        "the way back runs a second time, but the record was freed by the first",
        "records are freed as soon as they are used, to keep little memory",
        "call backward(retain_graph=True) the first time, or compute the result anew",
    )

