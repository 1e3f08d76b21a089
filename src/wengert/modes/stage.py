"""Staging: a call of a row becomes an equation of the program that is being built."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from wengert.core.diagnostic import Position
from wengert.core.mode import Buffer, Mode, Value, leaked
from wengert.core.primitive import Primitive
from wengert.ir.keys import key_of
from wengert.ir.program import AnyType, Equation, Hole, Items, Program, Var, fill, is_unnamed, type_of
from wengert.ir.samples import quiet, sample, samples_of
from wengert.rules.control import array, literal, weak


class Staged(Value):
    """A variable of a program; its content is a sample, of its type and shape."""

    __slots__ = ()


class NeedsValue(Exception):
    """Python asked for the number of a variable that is known at run time only."""

    def __init__(self, var: Var) -> None:
        super().__init__(var.name)
        self.var = var


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
        return self.value(self.block.parameter(name, type))

    def argument(self, name: str, value: Any) -> Staged:
        """A parameter that may be specialised: to ask for its number makes a guard."""
        var = self.block.parameter(name, type_of(value))
        self.known[var] = frozenset([var])
        return Staged(self, value, var)

    def constant(self, value: Any, name: str = "c") -> Staged:
        """A plain number or array as a variable; written out as `full` where all its elements are equal."""
        if isinstance(value, np.ndarray):
            value = value.copy()
            value.flags.writeable = False  # a constant of the program
        var = Var(name, type_of(value))
        self.known[var] = frozenset()
        self.block.own.add(var)
        row, ins, params = literal(value)
        self.append(Equation([var], row, ins, params, len(ins), self.where, self.origin))
        return Staged(self, value, var)

    def value(self, var: Var) -> Staged:
        return Staged(self, sample(var.type), var)

    def append(self, e: Equation) -> None:
        self.block.program.equations.append(e)

    # ------------------------------------------------------------ equations

    def apply(self, row: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        if row.name == "duplicate":  # values of a program never change: another name will do
            return args[0].snapshot()
        if row is array and isinstance(args[0], np.ndarray):
            return self.constant(args[0])
        args = tuple([self.placed(x) for x in args])
        fills: list[Any] = []
        params = {key: self.lifted(key, p, len(args), fills) for key, p in params.items()}
        if "inplace" in params:
            params["inplace"] = False  # how, is the business of who runs the program
        params.update(row.staged)
        operands = [*args, *fills]
        samples, known = self.evaluated(row, args, operands, params)
        outs = [Var(result_name(row, args), type_of(s)) for s in samples]
        self.block.own.update(outs)
        if known is not None:
            self.known.update((o, known) for o in outs)
        ins = [self.operand(x) for x in operands]
        name_constants(ins, params)
        self.append(Equation(outs, row, ins, params, len(args), self.where, self.origin))
        values = tuple([Staged(self, s, o) for s, o in zip(samples, outs)])
        return values if row.several else values[0]

    def emit(
        self,
        row: Primitive,
        operands: Sequence[Any],
        params: dict[str, Any],
        types: Sequence[AnyType],
        names: Sequence[str],
    ) -> list[Staged]:
        """The results of an equation whose types are known; operands may be variables of any outer block."""
        ins = [self.block.read(x) if isinstance(x, Var) else self.operand(x) for x in operands]
        outs = [Var(name, t) for name, t in zip(names, types)]
        self.block.own.update(outs)
        name_constants(ins, params)
        self.append(Equation(outs, row, ins, params, len(ins), self.where, self.origin))
        return [self.value(o) for o in outs]

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
        return self.constant(x).aux if isinstance(x, np.ndarray | Items) else x

    def lifted(self, key: str, param: Any, count: int, fills: list[Any]) -> Any:
        """The parameter with a hole in place of each value that may differ from run to run.

        These are integers of an index; lengths and axes must be known, since types depend on them.
        """
        if isinstance(param, Value):
            if key in ("index", "steps"):
                fills.append(self.placed(param))
                return Hole(count + len(fills) - 1)
            return self.decide(param) if isinstance(param, Staged) else param.primal
        kind = type(param)
        if kind is tuple or kind is list:
            return kind(self.lifted(key, p, count, fills) for p in param)
        if kind is slice:
            parts = (param.start, param.stop, param.step)
            return slice(*(p.__index__() if isinstance(p, Value) else p for p in parts))
        if kind is dict:
            return {k: self.lifted(key if key == "steps" else k, p, count, fills) for k, p in param.items()}
        return param

    def evaluated(
        self, row: Primitive, args: Sequence[Any], operands: Sequence[Any], params: dict[str, Any]
    ) -> tuple[list[Any], frozenset[Var] | None]:
        """Samples of the results; and, where they are known values, the parameters that they follow from."""
        types = row.types([type_in(x) for x in args], **params) if row.types is not None else None
        if types is not None and row is not weak:
            return [sample(t) for t in types], None
        contents = [x.primal if isinstance(x, Value) else x for x in operands]
        known = self.knowledge(row, operands)
        if known is None:
            return self.sampled(row, args, operands, contents, params), None
        with quiet():
            out = row.evaluate(*contents[: len(args)], **fill(params, contents))
        return list(out) if row.several else [out], known

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
        key = row, len(args), tuple(kinds), key_of(params)
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
            raise NeedsValue(x.aux)
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


STAGING = Stage()
MOST = 10_000  # kinds of operands whose results are remembered
_samples: dict[Any, list[Any]] = {}
LARGE = 4096  # elements; larger constants are not computed while the program is built


def type_in(x: Any) -> AnyType:
    return x.aux.type if isinstance(x, Value) else type_of(x)
