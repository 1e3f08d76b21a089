"""Staging: a call of a row becomes an equation of the program that is being built."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from wengert.core.diagnostic import Position
from wengert.core.layout import copied, laid_as, layout_of, zeros_apart
from wengert.core.mode import Buffer, Mode, Value, is_array, lane_of, leaked, lies_in, view_of
from wengert.core.primitive import Primitive
from wengert.core.types import shape_of
from wengert.ir.keys import key_of
from wengert.ir.program import (
    AnyType,
    Equation,
    Extent,
    Hole,
    Items,
    Program,
    Unread,
    Var,
    elements,
    fill,
    has_extents,
    holes,
    is_unnamed,
    type_of,
)
from wengert.ir.samples import quiet, sample, samples_of, types_of_results
from wengert.passes.ranges import RULES, Range, is_index, learn
from wengert.rules.control import array, check, length, literal, slice_length, weak
from wengert.rules.elementwise import greater_equal
from wengert.rules.indexing import BASIC, getitem, has_open_slice, is_basic, positions, without_ellipsis, written_types
from wengert.rules.linear import relabel, reshape


class Staged(Value):
    """A variable of a program; its content is a sample, of its type and shape."""

    __slots__ = ()
    mode: "Stage"

    def fresh(self) -> Value:
        """A view that was last read in a region which has ended is read again."""
        if self.link is not None and self.mode.blocks and not self.mode.is_visible(self.aux):
            self.link.seen = None
        return super().fresh()

    @property
    def version(self) -> Any:
        """Samples of one kind are shared."""
        return self.aux

    def hold(self, new: "Staged") -> None:
        """Take over the content of a new variable, which lies where the array's content lay."""
        self.primal, self.aux = laid_as(new.primal, self.primal), new.aux

    def lie_as(self, x: Any) -> None:
        """What is known of an array's memory, from a value that lies in the same way."""
        self.primal = laid_as(self.primal, lane_of(x))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if self.dtype.kind in "iub" and self.fresh().aux is not None and self.shape == ():
            raise NeedsValue(self.aux, self.mode.where)
        return super().__array__(dtype, copy)

    def as_length(self, extent: Extent) -> "Length":
        """The number as this extent, or as the one that an array here has by it."""
        return Length(self.mode, self.mode.extent_of(self) or extent, (), self.aux)

    @property
    def shape(self) -> tuple[Any, ...]:
        if self.link is not None:
            self.fresh()  # which may turn this handle into one of another mode
        if type(self) is not Staged or not has_extents(self.aux.type):
            return super().shape
        shape = self.aux.type.shape
        return tuple([Length(self.mode, n, (self, i)) if isinstance(n, Extent) else n for i, n in enumerate(shape)])

    @property
    def size(self) -> Any:
        size = super().size
        return size.snapshot() if isinstance(size, Length) else size


class Length(Staged):
    """An extent of an array, as a number of the program: equal to another where they are the same extent.

    source   (array, axis), of which it is read where nothing else tells it
    """

    __slots__ = ("extent", "source")

    def __init__(self, mode: "Stage", extent: Extent, source: tuple[Any, ...] = (), var: Var | None = None) -> None:
        super().__init__(mode, extent.number, var)
        self.extent, self.source = extent, source

    def fresh(self) -> "Length":
        if self.aux is None or not self.mode.is_visible(self.aux):
            self.aux = self.mode.length(self.extent, *self.source)
        return self

    def snapshot(self) -> Staged:
        """As any other number of the program."""
        return Staged(self.mode, self.primal, self.fresh().aux)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Length) and self.extent.number == other.extent.number

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.extent.number)


class NeedsValue(Exception):
    """Python asked for the number of a variable that is known at run time only."""

    def __init__(self, var: Var, where: Position | None) -> None:
        super().__init__(var.name)
        self.var, self.where = var, where

    @property
    def reason(self) -> str:
        return f"Python needs the number of `{self.var.name}`, which is known when the program runs only"


class NeedsLengths(NeedsValue):
    """A row cannot tell what it gives for arrays whose lengths only the run knows."""

    def __init__(self, row: str, problem: Exception, var: Var, where: Position | None) -> None:
        super().__init__(var, where)
        self.row, self.problem = row, problem

    @property
    def reason(self) -> str:
        return f"`{self.row}` gets arrays whose lengths are known when the program runs only ({self.problem})"


class Block:
    """A program that is being built; what it reads from around it becomes a parameter."""

    def __init__(self, name: str, parent: "Block | None") -> None:
        self.program = Program([], name=name)
        self.parent = parent
        self.own: set[Var] = set()
        self.captured: dict[Var, Var] = {}  # variable of an outer block -> parameter
        self.places: dict[Any, Var] = {}  # parameters of whoever builds the block

    def parameter(self, name: str, type: AnyType) -> Var:
        var = Var(name, type)
        self.own.add(var)
        self.program.params.append(var)
        return var

    def read(self, var: Var) -> Var:
        """The variable as this block knows it."""
        if var in self.own:
            return var
        found = self.captured.get(var)
        if found is None:
            if self.parent is None:
                raise leaked(STAGING)
            self.parent.read(var)
            found = self.captured[var] = self.parameter(var.name, var.type)
        return found

    def captures(self) -> list[Var]:
        """What the block reads from around it, in the order of its last parameters."""
        return list(self.captured)


class Stage(Mode):
    """Equations go to the innermost block.

    known    values of variables that are known while the program is built, with the parameters that they follow from
    lengths  variables for the extents that the run decides, by their number
    measured  of numbers that were read off an array: its extent
    slices   extents of slices, by what their length follows from
    shorter  for the number of an extent that leaves out some of another: (number of the other, how many)
    used     numbers that extents have
    ranges   between which numbers whole numbers lie
    numbers  equal whole numbers are one of them: those that follow by the same rows from the same numbers
    guards   parameters whose value the program was built for
    free     parameters that are at hand wherever the way back may want them
    """

    name = "program"
    differentiates = False
    staged = True

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[Block] = []
        self.known: dict[Var, frozenset[Var]] = {}
        self.guards: dict[Var, Any] = {}
        self.free: set[Var] = set()
        self.lengths: dict[int, Var] = {}
        self.measured: dict[Var, Extent] = {}
        self.slices: dict[Any, Extent] = {}
        self.shorter: dict[int, tuple[int, int]] = {}
        self.used: set[int] = set()
        self.numbers: dict[Any, Var] = {}
        self.ranges: dict[Var, Range] = {}
        self.where: Position | None = None
        self.origin: Equation | None = None

    # ------------------------------------------------------------ blocks and values

    @property
    def block(self) -> Block:
        return self.blocks[-1]

    @contextmanager
    def building(self, name: str) -> Iterator[Block]:
        """A block inside the current one."""
        with self.within(Block(name, self.blocks[-1] if self.blocks else None)) as block:
            yield block

    @contextmanager
    def within(self, block: Block) -> Iterator[Block]:
        """Equations go to this block."""
        self.blocks.append(block)
        try:
            yield block
        finally:
            self.blocks.pop()

    def parameter(self, name: str, type: AnyType) -> Staged:
        self.use([type])
        return self.value(self.block.parameter(name, type))

    def argument(self, name: str, value: Any) -> Staged:
        """A parameter that may be specialised: to ask for its number makes a guard."""
        var = self.block.parameter(name, type_of(value))
        self.known[var] = frozenset([var])
        return Staged(self, value, var)

    def constant(self, value: Any, name: str = "c") -> Staged:
        """A plain number or array as a variable; written out as `full` where all its elements are equal."""
        if isinstance(value, np.ndarray):
            value = copied(value)
            value.flags.writeable = False  # a constant of the program
        var = Var(name, type_of(value))
        self.known[var] = frozenset()
        self.block.own.add(var)
        row, ins, params = literal(value)
        self.append(Equation([var], row, ins, params, len(ins), self.where, self.origin))
        return self.value(var) if isinstance(value, Unread) else Staged(self, value, var)

    def value(self, var: Var) -> Staged:
        return Staged(self, sample(var.type), var)

    def append(self, e: Equation) -> None:
        self.block.program.equations.append(e)

    def is_visible(self, var: Var) -> bool:
        return any(var in block.own for block in self.blocks)

    def is_known(self, x: Value) -> bool:
        return x.aux in self.known

    # ------------------------------------------------------------ lengths that the run decides

    def length(self, extent: Extent, x: Staged, axis: int) -> Var:
        """The variable for an extent of x."""
        found = self.lengths.get(extent.number)
        if found is None or not self.is_visible(found):
            found = self.lengths[extent.number] = self.apply(length, (x,), {"axis": axis}).aux
        return found

    def extent_of(self, param: Any) -> Extent | None:
        """The extent that a length among the parameters is."""
        if isinstance(param, Length):
            return param.extent
        if param.aux in self.measured:
            return self.measured[param.aux]
        return next((e for e in self.slices.values() if self.lengths.get(e.number) is param.aux), None)

    def with_extents(self, row: Primitive, args: Sequence[Any], params: dict[str, Any]) -> dict[str, Any]:
        """The parameters, with names for the lengths of results that only the run knows."""
        if row is getitem:
            index = without_ellipsis(params["index"], len(shape_of(args[0])))
            extents = self.extents_of(args[0], index, params.get("extents", ()))
            return {"index": index, "extents": extents} if extents else {"index": index}
        if row is positions:
            mask = args[0].aux
            found = params.get("extent") or Extent(self.unused_number(), elements(mask.type))
            return {"extent": self.slices.setdefault((positions, mask), found)}
        if any(type(n) is Staged for n in params.get("shape", ())):
            return {**params, "shape": tuple([self.length_of(n) if type(n) is Staged else n for n in params["shape"]])}
        return params

    def extents_of(self, x: Any, index: tuple[Any, ...], given: Sequence[Any]) -> tuple[Any, ...]:
        """For each slice in the index its extent, None where its length is known; `given` are named already."""
        shape = shape_of(x)
        if not given and not has_open_slice(index) and not any(isinstance(n, Length) for n in shape):
            return ()
        lengths, names, found = iter(shape), iter(given), []
        for part in index:
            n = None if part is None else next(lengths)
            if isinstance(part, slice):
                bounds, name = (part.start, part.stop, part.step), next(names, None)
                is_open = name or isinstance(n, Length) or any(isinstance(b, Value) for b in bounds)
                found.append(self.extent(n, part, name) if is_open else None)
        return tuple(found) if any(found) else ()

    def extent(self, n: Any, part: slice, given: Extent | None) -> Extent:
        """What such a slice chooses of n elements.

        Nothing is left of fewer than it leaves out, so that n less 1 has a number that is no number less 1: with one
        element more it may be n or not.  But n less 1 less 1 is n less 2.
        """
        if isinstance(n, Length) and part in (slice(None), slice(None, None, -1)):
            return n.extent
        less = left_out(n, part)
        if less:
            whole, before = self.shorter.get(n.extent.number, (n.extent.number, 0))
            rest = whole, before + less
        bounds = rest if less else tuple([self.number(b) for b in (n, part.start, part.stop, part.step)])
        found = self.slices.get(bounds)
        if found is None:
            found = given or Extent(self.unused_number(), max(most(n) - less, 0))
            self.used.add(found.number)
            self.slices[bounds] = found
            if less:
                self.shorter[found.number] = rest
            self.lengths[found.number] = self.apply(slice_length, (n,), {"index": (part,)}).aux
        return found

    def length_of(self, n: Staged) -> Any:
        """A number of the program as the length of an array: an extent where it has a bound, else Python needs it."""
        n = n.fresh()  # type: ignore[assignment]
        extent = self.extent_of(n)
        if extent is not None:
            return n if isinstance(n, Length) else n.as_length(extent)
        found = None if n.aux in self.known else self.ranges.get(n.aux)
        if found is None:
            return self.decide(n)
        lo, hi = found
        if lo < 0:
            ok = self.apply(greater_equal, (n, 0), {})
            self.apply(check, (ok,), {"error": ValueError, "arguments": ("negative dimensions are not allowed",)})
        part = slice(None, n, None)
        extent = self.extent(max(hi, 0), part, None)
        if not self.is_visible(self.lengths[extent.number]):
            self.lengths[extent.number] = self.apply(slice_length, (max(hi, 0),), {"index": (part,)}).aux
        return Length(self, extent, (), self.lengths[extent.number])

    def note_range(self, e: Equation, operands: Sequence[Any]) -> None:
        """Operands as the equation has them are parameters of the block where they come from outside."""
        if e.row.name in RULES and is_index(e.outs[0]):
            seen = {
                x: self.ranges[v.aux] for x, v in zip(e.ins, operands) if isinstance(v, Value) and v.aux in self.ranges
            }
            learn(e, seen)
            self.ranges.update({o: seen[o] for o in e.outs if o in seen})

    def common_shape(self, a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """A shape for arrays of either: lengths that differ are known when the program runs only."""
        if len(a) != len(b):
            return None
        found = []
        for n, m in zip(a, b):
            bound = max(x.bound if isinstance(x, Extent) else x for x in (n, m))
            found.append(n if n == m else self.new_extent(bound))
        return tuple(found)

    def new_extent(self, bound: int) -> Extent:
        found = Extent(self.unused_number(), bound)
        self.used.add(found.number)
        return found

    def renamed(self, outs: Sequence[Any], operands: Sequence[Any]) -> list[Any]:
        """Results of a call.  Two calls give arrays of different lengths: what no operand has is named anew."""
        names: dict[Any, Extent] = {n: n for x in operands for n in extents_in(x)}
        for x in outs:
            for n in extents_in(x):
                names[n] = names.get(n) or self.new_extent(n.bound)
        wanted = [tuple([names.get(getattr(n, "extent", n), n) for n in shape_of(x)]) for x in outs]
        return [relabel(x, shape=shape) if any(extents_in(x)) else x for x, shape in zip(outs, wanted)]

    def number(self, x: Any) -> Any:
        """What tells a whole number from others: itself, or the first variable that follows in the same way."""
        if not isinstance(x, Value):
            return x
        if isinstance(x, Length):
            return x.extent.number, Extent
        return self.numbers.get(x.fresh().aux, x.aux)

    def note_number(self, row: Primitive, operands: Sequence[Any], params: dict[str, Any], out: Var) -> None:
        key = (row, *map(self.number, operands), key_of(params))
        self.numbers[out] = self.numbers.setdefault(key, out)

    def use(self, types: Sequence[AnyType]) -> None:
        """Note which numbers extents have."""
        for t in types:
            if has_extents(t):
                self.used.update(n.number for n in t.shape if isinstance(n, Extent))

    def unused_number(self) -> int:
        """A prime: sums and products of lengths of samples are not mistaken for others."""
        return next((n for n in PRIMES if n not in self.used), max(self.used, default=0) + 1)

    # ------------------------------------------------------------ equations

    def apply(self, row: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        if row.name == "duplicate":  # values of a program never change: another name will do
            same = args[0].snapshot()
            same.primal = np.asarray(same.primal, order="C") if is_array(same) else same.primal
            return same
        if row is array and isinstance(args[0], np.ndarray):
            return self.constant(args[0])
        args = tuple([self.placed(x) for x in args])
        fills: list[Any] = []
        given, params = params, self.with_extents(row, args, params)
        params = {key: self.lifted(key, p, len(args), fills) for key, p in params.items()}
        if "inplace" in params:
            params["inplace"] = False  # how, is the business of who runs the program
        params.update(row.staged)
        operands = [*args, *fills]
        samples, types, known = self.evaluated(row, args, operands, params)
        outs = [Var(result_name(row, args), t) for t in types]
        self.block.own.update(outs)
        if known is not None:
            self.known.update((o, known) for o in outs)
        ins = [self.operand(x) for x in operands]
        name_constants(ins, params)
        made = Equation(outs, row, ins, params, len(args), self.where, self.origin)
        self.append(made)
        self.note_range(made, operands)
        values = tuple([Staged(self, s, o) for s, o in zip(samples, outs)])
        if row is length and isinstance(args[0], Staged) and has_extents(args[0].aux.type):
            n = args[0].aux.type.shape[params["axis"]]
            self.measured.update({o: n for o in outs if isinstance(n, Extent)})
        if is_whole(outs):
            self.note_number(row, operands, params, outs[0])
        if row.view and is_view_of_open(row, args[0], made, given):
            values[0].link = view_of(args[0], (row, given))
        return values if row.several else values[0]

    def emit(
        self,
        row: Primitive,
        operands: Sequence[Any],
        params: dict[str, Any],
        types: Sequence[AnyType],
        names: Sequence[str],
        like: Sequence[Any] = (),
    ) -> list[Staged]:
        """The results of an equation whose types are known; operands may be variables of any outer block.

        like  values that lie in memory as the results do
        """
        ins = [self.block.read(x) if isinstance(x, Var) else self.operand(x) for x in operands]
        outs = [Var(name, t) for name, t in zip(names, types)]
        self.use(types)
        self.block.own.update(outs)
        name_constants(ins, params)
        self.append(Equation(outs, row, ins, params, len(ins), self.where, self.origin))
        values = [self.value(o) for o in outs]
        for value, x in zip(values, like):
            value.lie_as(x)
        return values

    def placed(self, x: Any) -> Any:
        """An operand: a value of another program or derivative is an input of this one, a buffer is its array."""
        if not isinstance(x, Value):
            return x
        x = x.fresh()
        if isinstance(x, Buffer):
            return x.primal
        return x if x.mode is self else self.foreign(x)

    def foreign(self, x: Value) -> Staged:
        raise leaked(x.mode)

    def operand(self, x: Any) -> Any:
        """As it stands in an equation of the current block: a variable or a plain number."""
        x = self.placed(x)
        if isinstance(x, Value):
            return self.block.read(x.aux)
        return self.constant(x).aux if isinstance(x, np.ndarray | Items | Unread) else x

    def lifted(self, key: str, param: Any, count: int, fills: list[Any]) -> Any:
        """The parameter with a hole in place of each value that may differ from run to run.

        These are integers of an index; lengths and axes must be known, since types depend on them.
        """
        if isinstance(param, Value):
            extent = None if key in ("index", "steps") else self.extent_of(param)
            if extent is not None or key in ("index", "steps"):
                fills.append(self.placed(param))
                return Hole(count + len(fills) - 1, extent)
            return self.decide(param) if isinstance(param, Staged) else param.primal
        kind = type(param)
        if kind is tuple or kind is list:
            return kind(self.lifted(key, p, count, fills) for p in param)
        if kind is slice:
            return slice(*(self.lifted("index", p, count, fills) for p in (param.start, param.stop, param.step)))
        if kind is dict:
            return {k: self.lifted(key if key == "steps" else k, p, count, fills) for k, p in param.items()}
        return param

    def evaluated(
        self, row: Primitive, args: Sequence[Any], operands: Sequence[Any], params: dict[str, Any]
    ) -> tuple[list[Any], list[AnyType], frozenset[Var] | None]:
        """Samples of the results, and types; where they are known values, the parameters that they follow from."""
        types = row.types([type_in(x) for x in operands], **params) if row.types is not None else None
        if types is not None and row is not weak:
            self.use(types)
            samples = [sample(t) for t in types]
            if row.types is written_types:  # what is written lies where it lay
                samples = [laid_as(samples[0], lane_of(args[0]))]
            elif row is getitem and not (lies_in(args[0], "C") and in_one_piece(params["index"], operands)):
                samples = [zeros_apart(samples[0].shape, samples[0].dtype)]
            return samples, types, None
        contents = [x.primal if isinstance(x, Value) else x for x in operands]
        known = self.knowledge(row, operands)
        if known is not None:
            try:
                with quiet():
                    out = row.evaluate(*contents[: len(args)], **fill(params, contents))
            except (ArithmeticError, ValueError):
                if not known:
                    raise
                # of an argument, which another run may have another number for
            else:
                samples = list(out) if row.several else [out]
                return samples, list(map(type_of, samples)), known
        if not any(isinstance(x, Staged) and has_extents(x.aux.type) for x in operands) and not fills_length(params):
            samples = self.sampled(row, args, operands, contents, params)
            return samples, list(map(type_of, samples)), None
        variable = [isinstance(x, Value) for x in args]
        try:
            samples = samples_of(row, variable, contents, params)
            types = types_of_results(row, variable, list(map(type_in, operands)), contents, params)
        except Exception as problem:
            var = next(x.aux for x in operands if isinstance(x, Staged))
            raise NeedsLengths(row.name, problem, var, self.where) from problem
        self.use(types)
        return samples, types, None

    def sampled(
        self,
        row: Primitive,
        args: Sequence[Any],
        operands: Sequence[Any],
        contents: list[Any],
        params: dict[str, Any],
    ) -> list[Any]:
        """Samples of the results, found once for each kind of operands; but whether one is a view is seen there."""
        if row.view:
            return samples_of(row, [isinstance(x, Value) for x in args], contents, params)
        known = [not isinstance(x, Value) or x.aux in self.known for x in operands]
        kinds = [key_of(c) if k else x.aux.type for x, c, k in zip(operands, contents, known)]
        key = row, len(args), tuple(kinds), tuple(map(layout_of, contents)), key_of(params)
        try:
            found = _samples.get(key)
        except TypeError:  # a parameter without a hash
            return samples_of(row, [isinstance(x, Value) for x in args], contents, params)
        if found is None:
            found = samples_of(row, [isinstance(x, Value) for x in args], contents, params)
            if len(_samples) == MOST:
                _samples.clear()
            _samples[key] = found
        return found

    def knowledge(self, row: Primitive, operands: Sequence[Any]) -> frozenset[Var] | None:
        """What a result that can be computed now depends on; None where it is for the run."""
        if row.effect:
            return None
        known: frozenset[Var] = frozenset()
        for x in operands:
            if isinstance(x, Value):
                found = self.known.get(x.aux)
                if found is None or np.size(x.primal) > LARGE:
                    return None
                known |= found
        return known

    # ------------------------------------------------------------ numbers that Python asks for

    def decide(self, x: Value) -> Any:
        """The number of a value that is known now; where it follows from arguments, the program holds for them only."""
        known = self.known.get(x.aux)
        if known is None:
            raise NeedsValue(x.aux, self.where)
        for var in known:
            self.guards[var] = True
        return x.primal

    def is_constant(self, x: Value) -> bool:
        """Whether its number is the same at each run."""
        return self.known.get(x.fresh().aux) == frozenset()


UPDATES = ("write", "add_at")


def result_name(row: Primitive, args: Sequence[Any]) -> str:
    """Of the row; an array that is updated keeps the user's name."""
    name = args[0].aux.name if row.name in UPDATES and isinstance(args[0], Value) else row.name
    return row.name if is_unnamed(name) else name


def name_constants(ins: Sequence[Any], params: dict[str, Any]) -> None:
    """Constants that a region reads are called as it calls them."""
    for region in params.values():
        if isinstance(region, Program):
            for x, p in zip(reversed(ins), reversed(region.params)):
                if isinstance(x, Var) and x.name in ("c", "full"):
                    x.name = p.name


def most(n: Any) -> int:
    return int(n.extent.bound if isinstance(n, Length) else n)


def left_out(n: Any, part: slice) -> int:
    """How many of n elements, which only the run knows, a slice leaves out at both ends; 0 where it depends on n."""
    bounds = (part.start, part.stop, part.step)
    if isinstance(n, Length) and BASIC.issuperset(map(type, bounds)) and part.step in (None, 1) and part.stop != 0:
        start, stop = part.start or 0, part.stop or 0
        return start - stop if start >= 0 >= stop else 0
    return 0


def fills_length(params: dict[str, Any]) -> bool:
    return any(hole.extent is not None for hole in holes(params))


def is_view_of_open(row: Primitive, x: Any, e: Equation, given: dict[str, Any]) -> bool:
    """Whether this looks at an array where only the run knows lengths: samples of these share no memory."""
    if not isinstance(x, Staged) or not (has_extents(e.outs[0].type) or has_extents(x.aux.type)) or not is_array(x):
        return False
    if row is getitem:
        return "extents" in e.params and is_basic(given["index"])
    return row is reshape and lies_in(x, "C")


def in_one_piece(index: Any, operands: Sequence[Any]) -> bool:
    """Whether what this picks of an array in C's order lies in one piece: some rows, one after the other, or a copy."""
    parts = [operands[part.operand] if isinstance(part, Hole) else part for part in index if part is not None]
    if any(shape_of(part) != () for part in parts if not isinstance(part, slice)):
        return True
    first = next((i for i, part in enumerate(parts) if isinstance(part, slice)), len(parts))
    rows, rest = parts[first : first + 1], parts[first + 1 :]
    return all(part.step in (None, 1) for part in rows) and all(type(p) is slice and p == slice(None) for p in rest)


def extents_in(x: Any) -> list[Extent]:
    shape: tuple[Any, ...] = shape_of(x) if isinstance(x, Value) else ()
    return [n.extent for n in shape if isinstance(n, Length)]


def is_whole(outs: Sequence[Var]) -> bool:
    return len(outs) == 1 and outs[0].type == WHOLE


WHOLE = type_of(0)
# apart from each other, so that a length less a few is not mistaken for another
COMPOSITE = {m for k in range(2, 142) for m in range(k * k, 20_000, k)}
PRIMES = [n for n in range(67, 20_000) if n not in COMPOSITE][::8]
STAGING = Stage()
MOST = 10_000  # kinds of operands whose results are remembered
_samples: dict[Any, list[Any]] = {}
LARGE = 4096  # elements; larger constants are not computed while the program is built


def type_in(x: Any) -> AnyType:
    return x.aux.type if isinstance(x, Value) else type_of(x)
