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
from numpy import ndarray

from wengert.core.diagnostic import Diagnostic
from wengert.core.guard import protect
from wengert.core.mode import ALONE, Buffer, Mode, Value, buffer, exclusive, owns_storage
from wengert.core.primitive import SUPPLIED, Primitive, Unknown, no_rule, positional, source_term, wants_ownership
from wengert.core.types import Shape, dtype_of, shape_of
from wengert.rules.elementwise import scale
from wengert.rules.linear import cast, duplicate, unbroadcast
from wengert.rules.linear import zeros as zeros_of

_order = itertools.count()


class Record:
    """One operation on the tape: edges to the records of its operands, with what the way back needs.

    An edge is (kind, parent, rule, saved, fit): `kind` says how the contribution is made (below), `fit` brings it to
    the shape and dtype of the operand where broadcasting or promotion changed them.
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
    record = Value.aux  # type: ignore[misc]  # another name of the slot


class Reverse(Mode):
    name = "reverse"
    node: Callable[..., Node] = Node
    outlives_call = False  # True where the pullback may run after the caller could have changed his arrays

    def apply(self, row: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        primals, mask, bit, foreign, nested = [], 0, 1, None, False
        for x in args:
            if isinstance(x, Value):
                if x.mode is self:
                    primal = x.primal
                    primals.append(primal)
                    if isinstance(primal, Value):
                        nested = True
                    if x.aux is not None:
                        mask |= bit
                elif isinstance(x, Buffer):
                    if x.aux:
                        foreign = [*(foreign or ()), (x.primal, self.outlives_call)]
                    primals.append(x.primal)
                else:
                    primals.append(x.snapshot())
                    nested = True
            else:
                if type(x) is ndarray and (x.flags.writeable or x.base is not None):
                    foreign = [*(foreign or ()), (x, True)]
                primals.append(x)
            bit <<= 1
        if row.linearize is not None and mask and self.recording():
            return self.linearized(row, args, primals, params)
        out = row(*primals, **params) if nested else row.evaluate(*primals, **params)
        if row.constant:
            return self.constant(out)
        if not mask or not self.recording():
            return self.untraced(out)
        recorder = row.recorders.get(mask | bit) or recorder_of(row, mask, len(args))
        record = Record(recorder(args, primals, out, params))
        if foreign:
            record.edges, record.guards = protect(record.edges, foreign)
        if row.several:
            return tuple(self.component(record, i, len(out), o) for i, o in enumerate(out))
        return self.node(self, out, record)

    def linearized(self, row: Primitive, args: tuple[Any, ...], primals: list[Any], params: dict[str, Any]) -> Any:
        """A row that knows by itself what it keeps."""
        parents = [x.aux if isinstance(x, Value) and x.mode is self else None for x in args]
        outs, pull = row.linearize(primals, [p is not None for p in parents], params)  # type: ignore[misc]
        record = Record(((TOTALS, parents, pull, None, None),))
        return tuple(self.component(record, i, len(outs), o) for i, o in enumerate(outs))

    def component(self, record: Record, position: int, count: int, out: Any) -> Any:
        """One of several results; a whole number among them (a rank) has no derivative."""
        if dtype_of(out).kind not in "fc":
            return self.constant(out)
        return self.node(self, out, Record(((COMPONENT, record, position, count, None),)))

    def recording(self) -> bool:
        return True

    def constant(self, out: Any) -> Any:
        return buffer(out)

    def untraced(self, out: Any) -> Any:
        return tuple([buffer(o) for o in out]) if type(out) is tuple else buffer(out)


# ---------------------------------------------------------------- recording

# how an edge computes its contribution from the cotangent `ct`
PARTIAL = 0  # rule(*saved) * ct
SAME = 1  # ct
CONSTANT = 2  # rule * ct
SINGULAR = 3  # scale(rule(*saved), ct)
TRANSPOSE = 4  # rule(ct, *saved)
INTO = 5  # rule(waiting, ct, *saved), added into what waits at the parent
PULL = 6  # rule(ct, *saved), one contribution per parent
OWNED = 7  # the same for a rule that may overwrite ct
COMPONENT = 8  # ct is one of several results of the parent
TOTALS = 9  # rule(ct, what waits at each parent), which returns all of it with the contribution


def recorder_of(row: Primitive, mask: int, count: int) -> Callable[..., Any]:
    """(args, primals, out, params) -> edges, for operands traced as the bits of `mask` say.

    Compiled once per row and mask: it runs for every recorded operation.
    """
    traced = tuple(bool(mask >> i & 1) for i in range(count))
    names: dict[str, Any] = {"fit": fit_of, "shape_of": shape_of, "dtype_of": dtype_of, "traced": traced}
    terms = [edge_term(row, i, rule, names) for i, rule in enumerate(rules_of(row)) if traced[i] and rule is not None]
    if row.pull is not None:
        parents = ", ".join(f"args[{i}].aux" if t else "None" for i, t in enumerate(traced))
        fits = ", ".join(f"fit(primals[{i}], out, False)" for i in range(count))
        kind = OWNED if wants_ownership(row.pull) else PULL
        terms = [f"({kind}, ({parents},), {bind(row, row.pull, names)}, ({fits},))"]
    elif not rules_of(row):
        raise no_rule(row, "reverse")
    recorder = eval(f"lambda args, primals, out, params: ({''.join(t + ', ' for t in terms)})", names)
    row.recorders[mask | 1 << count] = recorder  # rows that take any number of operands have one per count
    return recorder  # type: ignore[no-any-return]


def rules_of(row: Primitive) -> tuple[Any, ...]:
    """One rule or constant per operand."""
    if row.pull is not None:
        return ()
    return row.partials or row.transposes or ((row.transpose_into,) if row.transpose_into else ())


def edge_term(row: Primitive, i: int, rule: Any, names: dict[str, Any]) -> str:
    """The text of one edge: (kind, parent, rule, saved, fit)."""
    if isinstance(rule, Unknown):
        rule()  # refuses now, at the user's line, and not on the way back
    if row.transpose_into is not None:
        zeros = "(shape_of(primals[0]), dtype_of(primals[0]))"
        return f"({INTO}, args[0].aux, {bind(row, rule, names)}, {zeros})"
    fit = f"fit(primals[{i}], out, {row.elementwise})"
    if not callable(rule):
        return f"({SAME if rule == 1.0 else CONSTANT}, args[{i}].aux, {rule!r}, None, {fit})"
    kind = TRANSPOSE if row.partials is None else SINGULAR if row.singular else PARTIAL
    return f"({kind}, args[{i}].aux, {bind(row, rule, names)}, {fit})"


def bind(row: Primitive, rule: Any, names: dict[str, Any]) -> str:
    """The text `rule, (what it asks for)`."""
    name = f"rule{len(names)}"
    names[name] = rule
    wanted = [n for n in positional(rule) if n not in SUPPLIED]
    terms = "".join(source_term(n, row.operands).replace("args", "primals") + ", " for n in wanted)
    return f"{name}, ({terms})"


def fit_of(primal: Any, out: Any, broadcasts: bool) -> Fit | None:
    """What a contribution must be brought to: (shape or None, dtype or None), or None where nothing can differ."""
    kind = type(primal)
    if kind is type(out) and broadcasts:
        if kind in SCALARS:
            return None
        if kind is ndarray and primal.shape == out.shape and primal.dtype is out.dtype:
            return None
    shape = shape_of(primal) if broadcasts and shape_of(primal) != shape_of(out) else None
    # a Python float is weak: it takes the dtype that the other operands have
    dtype = dtype_of(primal) if kind is not float and kind is not int else None
    if kind is float and type(out) is not tuple and dtype_of(out).kind == "c":
        dtype = dtype_of(primal)
    if dtype is not None and broadcasts and dtype == dtype_of(out):
        dtype = None
    return None if shape is None and dtype is None else (shape, dtype)


SCALARS = frozenset({float, np.float64, np.float32, complex, np.complex128})


# ---------------------------------------------------------------- the way back


class Sweep:
    """One way back: cotangents that wait at records, the latest record first."""

    def __init__(self, keep: bool) -> None:
        self.keep = keep
        self.heap: list[int] = []
        self.pending: dict[int, list[Any]] = {}  # -index: [record, cotangent]
        self.leaves: dict[Record, Any] = {}
        self.verified: set[int] = set()
        self.silent: Any = None

    def run(self, seeds: Sequence[tuple[Record, Any]]) -> dict[Record, Any]:
        """Cotangents of the leaves reached."""
        for record, ct in seeds:
            self.add(record, ct)
        try:
            return self.walk()
        finally:
            if self.silent is not None:
                self.silent.__exit__(None, None, None)

    def silence(self) -> None:
        """An infinite slope is a result, and no accident that deserves a warning; from the first on, to the end."""
        self.silent = np.errstate(all="ignore")
        self.silent.__enter__()

    def walk(self) -> dict[Record, Any]:
        heap, pending, keep = self.heap, self.pending, self.keep
        while heap:
            record, ct = pending.pop(heappop(heap))
            edges = record.edges
            if edges is None:
                self.leaves[record] = ct
                continue
            if edges is FREED:
                raise freed()
            if record.guards:
                self.arrive(record.guards, ct)
            for kind, parent, rule, saved, fit in edges:
                if kind == PARTIAL:
                    contribution = rule(*saved) * ct
                elif kind == SAME:
                    contribution = ct
                elif kind == CONSTANT:
                    # summed first: fewer numbers to multiply
                    contribution = rule * (ct if fit is None or fit[0] is None else unbroadcast(ct, fit[0]))
                elif kind == SINGULAR:
                    if self.silent is None:
                        self.silence()
                    contribution = scale(rule(*saved), ct)
                elif kind == TRANSPOSE:
                    contribution = rule(ct, *saved)
                else:
                    # no name may hold the cotangent that a rule is told it owns
                    self.special(kind, parent, rule, saved, fit, ct)
                    continue
                if fit is not None:
                    contribution = refit(contribution, fit)
                key = -parent.index
                if key in pending:
                    self.add(parent, contribution)
                else:
                    pending[key] = [parent, contribution]
                    heappush(heap, key)
            if not keep:
                record.edges = FREED
        return self.leaves

    def special(self, kind: int, parent: Any, rule: Any, saved: Any, fit: Any, ct: Any) -> None:
        if kind == INTO:
            self.add_into(parent, rule, ct, saved, fit)
        elif kind == PULL:
            self.add_all(parent, rule(ct, *saved), fit)
        elif kind == OWNED:
            # held by `run` and here, and by nobody else
            owned = sys.getrefcount(ct) == ALONE + 1 and (exclusive(ct) if isinstance(ct, Value) else owns_storage(ct))
            self.add_all(parent, rule(ct, owned, *saved), fit)
        elif kind == TOTALS:
            self.replace_totals(parent, rule, ct)
        else:
            self.add_component(parent, rule, saved, ct)

    def add(self, record: Record, ct: Any) -> None:
        key = -record.index
        waiting = self.pending.get(key)
        if waiting is None:
            self.pending[key] = [record, ct]
            heappush(self.heap, key)
        elif type(ct) is type(waiting[1]) is ndarray and ct.dtype == waiting[1].dtype and is_ours(waiting):
            waiting[1] += ct
        else:
            waiting[1] = waiting[1] + ct

    def add_into(self, record: Record, rule: Any, ct: Any, saved: Any, zeros: tuple[Shape, Any]) -> None:
        key = -record.index
        waiting = self.pending.get(key)
        if waiting is None:
            waiting = self.pending[key] = [record, zeros_of(*zeros)]
            heappush(self.heap, key)
        elif not is_ours(waiting):
            waiting[1] = duplicate(waiting[1])
        waiting[1] = rule(waiting[1], cast(ct, zeros[1]), *saved)

    def add_all(self, parents: Any, contributions: Any, fits: Any) -> None:
        for parent, contribution, fit in zip(parents, contributions, fits):
            if parent is not None and contribution is not None:
                self.add(parent, contribution if fit is None else refit(contribution, fit))

    def add_component(self, record: Record, position: int, count: int, ct: Any) -> None:
        key = -record.index
        waiting = self.pending.get(key)
        if waiting is None:
            waiting = self.pending[key] = [record, [None] * count]
            heappush(self.heap, key)
        waiting[1][position] = ct

    def replace_totals(self, parents: Sequence[Any], pull: Any, cts: Any) -> None:
        """What waits goes through the pull, so that a loop adds into it in place."""
        waiting: list[Any] = []
        for parent in parents:
            entry = None if parent is None else self.pending.get(-parent.index)
            waiting.append(None if entry is None else entry[1])
            if entry is not None:
                entry[1] = None
        for parent, total in zip(parents, pull(cts, waiting)):
            if total is not None:
                entry = self.pending.get(-parent.index)
                if entry is not None and entry[1] is None:
                    entry[1] = total
                else:
                    self.add(parent, total)

    def arrive(self, guards: Any, ct: Any) -> None:
        """Before the rules of a record are asked for its contributions."""
        for guard in guards:
            if id(guard) not in self.verified:
                guard.verify()
                self.verified.add(id(guard))


def is_ours(waiting: list[Any]) -> bool:
    """Whether nobody but the sweep holds the cotangent that waits, so that more may be added in place."""
    if sys.getrefcount(waiting[1]) != ALONE:
        return False
    return exclusive(waiting[1]) if isinstance(waiting[1], Value) else owns_storage(waiting[1])


FREED: tuple[Any, ...] = ("freed",)


def refit(ct: Any, fit: Fit) -> Any:
    shape, dtype = fit
    if shape is not None and shape_of(ct) != shape:
        ct = unbroadcast(ct, shape)
    return ct if dtype is None else cast(ct, dtype)


def freed() -> Diagnostic:
    return Diagnostic(
        "W206",
        "the way back runs a second time, but the record was freed by the first",
        "records are freed as soon as they are used, to keep little memory",
        "call backward(retain_graph=True) the first time, or compute the result anew",
    )
