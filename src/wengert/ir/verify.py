"""What a legal program is, and an interpreter that compares every value with its declared type.

Tests verify a program after each transform and pass.  What the transforms rely on:

    variables    each is defined once, before it is read, and belongs to one program
    regions      are closed: they read their own parameters and results only
    signatures   parameters of a region have the types of its operands; a carry has one type in all iterations, and
                 both sides of a branch have the same results
    types        those of the results follow from the operands, by the row
    holes        are numbered in the order in which they stand, from `count` on, and filled by integers
    extents      are lengths that the run decides: at most their bound, and the same where they have the same number
    constants    are numbers in equations and results; an array is the result of a row, so that it has one owner
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from wengert.ir.evaluate import Interpreter
from wengert.ir.program import (
    AnyType,
    Equation,
    Program,
    Stack,
    Type,
    Var,
    agrees,
    holes,
    result_types,
    type_in,
    type_of,
)
from wengert.ir.samples import sample, types_of_results
from wengert.ir.text import described

INDEX = type_of(0)


class InvalidProgram(ValueError):
    """A program breaks a rule of its form: a defect of who made it, never of the user's function."""


def verify(program: Program) -> Program:
    """The program itself, for use in expressions.

    Raises InvalidProgram, which shows the equation.
    """
    Verifier().program(program, ())
    return program


class Verifier:
    """Walks a program once; `owner` says to which program a variable belongs."""

    def __init__(self) -> None:
        self.owner: dict[Var, Program] = {}
        self.done: set[Program] = set()

    def program(self, p: Program, path: tuple[Program, ...]) -> None:
        if p in path:
            raise InvalidProgram(f"`{p.name}` is a region of itself")
        if p in self.done:
            return
        self.done.add(p)
        path = (*path, p)
        for x in p.params:
            self.define(x, p, path, None)
        literals: dict[Var, Any] = {}
        for e in p.equations:
            for problem in self.equation(e, p, literals):
                raise failure(problem, path, e)
            for region in e.regions:
                self.program(region, path)
            if e.row.name == "recur":
                self.program(e.params["function"].program, ())
            for x in e.outs:
                self.define(x, p, path, e)
        for x in p.results:
            for problem in self.reading(x, p):
                raise failure(f"result: {problem}", path, None)

    def define(self, x: Any, p: Program, path: tuple[Program, ...], e: Equation | None) -> None:
        if not isinstance(x, Var) or not isinstance(x.type, Type | Stack):
            raise failure(f"{x!r} is defined, which is no variable with a type", path, e)
        if x in self.owner:
            other = self.owner[x]
            where = "twice" if other is p else f"in `{p.name}`, and in another program, `{other.name}`"
            raise failure(f"`{x.name}` is defined {where}", path, e)
        self.owner[x] = p

    def reading(self, x: Any, p: Program) -> Iterator[str]:
        if isinstance(x, Var):
            owner = self.owner.get(x)
            if owner is None:
                yield f"`{x.name}` is read before it is defined"
            elif owner is not p:
                yield f"`{x.name}` belongs to `{owner.name}`: regions are closed, so `{p.name}` must be given it"
        elif isinstance(x, np.ndarray):
            yield "an array stands where a variable or a number is expected"
        else:
            yield from plain_problem(x)

    def equation(self, e: Equation, p: Program, literals: dict[Var, Any]) -> Iterator[str]:
        """Problems, each of which makes no sense before the ones ahead of it are solved."""
        if e.row.name != "array":
            for x in e.ins:
                yield from self.reading(x, p)
        yield from hole_problems(e)
        check = SIGNATURES.get(e.row.name)
        if check is not None:
            yield from check(e)
        yield from type_problems(e, literals)


def failure(problem: str, path: Sequence[Program], e: Equation | None) -> InvalidProgram:
    lines = [problem]
    if e is not None:
        lines.append(f"    {described(path[-1], e)}")
    lines.append(f"in {' > '.join(p.name for p in path)}")
    if e is not None and e.where is not None:
        lines.append(f"from {e.where}\n{e.where.excerpt()}")
    return InvalidProgram("\n".join(lines))


def plain_problem(x: Any) -> Iterator[str]:
    try:
        type_of(x)
    except TypeError as problem:
        yield str(problem)


# ---------------------------------------------------------------- holes


def hole_problems(e: Equation) -> Iterator[str]:
    if not 0 <= e.count <= len(e.ins):
        yield f"{e.count} operands are claimed, {len(e.ins)} are there"
    found = [hole.operand for hole in holes(e.params)]
    expected = list(range(e.count, len(e.ins)))
    if found != expected:
        yield f"holes name the operands {found}; those without another meaning are {expected}"
    for i in found:
        type = type_in(e.ins[i])
        if isinstance(type, Stack) or type.dtype.kind not in "iub":
            yield f"a hole is filled by {type}, and not by an integer"
    if e.row.name == "getitem":
        yield from extent_problems(e.params["index"], e.params.get("extents", ()))


def extent_problems(index: Sequence[Any], extents: Sequence[Any]) -> Iterator[str]:
    slices = [part for part in index if isinstance(part, slice)]
    if extents and len(extents) != len(slices):
        yield f"{len(extents)} extents are named for {len(slices)} slices"
    for part, extent in zip_longest(slices, extents):
        if extent is None and any(holes(part)):
            yield "the bound of a slice is a hole, and the extent of what it reads has no name"


# ---------------------------------------------------------------- types of results


def type_problems(e: Equation, literals: dict[Var, Any]) -> Iterator[str]:
    declared = [x.type for x in e.outs]
    if not e.row.several and len(declared) != 1:
        yield f"`{e.row.name}` has one result, {len(declared)} are named"
    try:
        found = inferred(e, literals)
    except Unknowable:
        return
    except Exception as problem:  # noqa: BLE001 - whatever NumPy says about such operands
        yield f"`{e.row.name}` cannot be evaluated on such operands: {type(problem).__name__}: {problem}"
        return
    if found != declared:
        yield f"declared as {listed(declared)}; the row gives {listed(found)}"


class Unknowable(Exception):
    """Samples do not tell."""


def inferred(e: Equation, literals: dict[Var, Any]) -> list[AnyType]:
    types = e.row.types([type_in(x) for x in e.ins], **e.params) if e.row.types is not None else None
    if types is not None:
        return list(types)
    variable = [isinstance(x, Var) and x not in literals for x in e.ins]
    contents = [sample(x.type) if v else literals[x] if isinstance(x, Var) else x for x, v in zip(e.ins, variable)]
    try:
        found = types_of_results(e.row, variable[: e.count], [type_in(x) for x in e.ins], contents, e.params)
    except np.linalg.LinAlgError as problem:
        raise Unknowable from problem
    if e.row.name in ("full", "array") and not any(variable):
        literals[e.outs[0]] = e.row.evaluate(*contents, **e.params)
    return found


def listed(types: Sequence[AnyType]) -> str:
    return ", ".join(map(str, types)) or "nothing"


# ---------------------------------------------------------------- control flow


def for_signature(e: Equation) -> Iterator[str]:
    for name, x in zip(("start", "stop", "step"), e.ins):
        type = type_in(x)
        if isinstance(type, Stack) or type.shape != () or type.dtype.kind not in "iub":
            yield f"the {name} of a loop is {type}, and not an integer"
    yield from loop_signature(e, "body", e.ins[3:], [INDEX])


def while_signature(e: Equation) -> Iterator[str]:
    yield from loop_signature(e, "body", e.ins, [])
    yield from parameters_problem(e, "test", types_in(e.ins))
    if len(e.params["test"].results) != 1 or not is_truth(type_in(e.params["test"].results[0])):
        yield f"the test of a loop gives {listed(result_types(e.params['test']))}, and not one truth value"


def loop_signature(e: Equation, region: str, ins: Sequence[Any], heads: list[AnyType]) -> Iterator[str]:
    consts = e.params["consts"]
    if not 0 <= consts <= len(ins):
        yield f"{consts} constants are claimed, {len(ins)} operands are there"
    yield from parameters_problem(e, region, [*heads, *types_in(ins)])
    yield from results_problem(e, region, types_in(ins[consts:]), "carries")


def if_signature(e: Equation) -> Iterator[str]:
    if not e.ins or not is_truth(type_in(e.ins[0])):
        yield f"a branch depends on {listed(types_in(e.ins[:1]))}, and not on a truth value"
    for side in ("then", "orelse"):
        yield from parameters_problem(e, side, types_in(e.ins[1:]))
    yield from results_problem(e, "orelse", result_types(e.params["then"]), "results of `then`")


def call_signature(e: Equation) -> Iterator[str]:
    yield from parameters_problem(e, "program", types_in(e.ins))


def recur_signature(e: Equation) -> Iterator[str]:
    function = e.params["function"]
    yield from operands_problem(e, "function", function.program.params, types_in(e.ins))
    found = result_types(function.program)
    if found != function.results:
        yield f"the results of `{function.name}` are {listed(found)}, declared {listed(function.results)}"


SIGNATURES: dict[str, Callable[[Equation], Iterator[str]]] = {
    "for_": for_signature,
    "while_": while_signature,
    "if_": if_signature,
    "call": call_signature,
    "recur": recur_signature,
}


def types_in(xs: Sequence[Any]) -> list[AnyType]:
    return [type_in(x) for x in xs]


def is_truth(type: AnyType) -> bool:
    return isinstance(type, Type) and type.shape == () and type.dtype.kind == "b"


def parameters_problem(e: Equation, region: str, expected: list[AnyType]) -> Iterator[str]:
    yield from operands_problem(e, region, e.params[region].params, expected)


def operands_problem(e: Equation, region: str, params: list[Var], expected: list[AnyType]) -> Iterator[str]:
    types = [p.type for p in params]
    for p, type in zip(params, expected):
        if p.type != type:
            yield f"`{p.name}` of `{region}` is {p.type}, its operand {type}"
    if len(types) != len(expected):
        yield f"`{region}` has {len(types)} parameters for {len(expected)} operands"


def results_problem(e: Equation, region: str, expected: list[AnyType], what: str) -> Iterator[str]:
    found = result_types(e.params[region])
    if found != expected:
        yield f"the results of `{region}` are {listed(found)}; the {what} are {listed(expected)}"


# ---------------------------------------------------------------- while it runs


class Checked(Interpreter):
    """An interpreter that compares each value with the type that the program declares."""

    def run(self, program: Program, operands: list[Any]) -> list[Any]:
        compare(program.params, operands, f"parameters of `{program.name}`")
        results = super().run(program, operands)
        for x, value in zip(program.results, results):
            if not agrees(type_of(value), type_in(x)):
                raise InvalidProgram(f"a result of `{program.name}` is {type_of(value)}, declared {type_in(x)}")
        return results

    def apply(self, e: Equation, values: list[Any], evaluate: Callable[[list[Any]], Any]) -> Any:
        out = super().apply(e, values, evaluate)
        compare(e.outs, out if e.row.several else [out], f"results of `{e.row.name}`")
        return out


def compare(declared: Sequence[Var], values: Sequence[Any], what: str) -> None:
    if len(declared) != len(values):
        raise InvalidProgram(f"{what}: {len(declared)} are declared, {len(values)} are there")
    for x, value in zip(declared, values):
        if not agrees(type_of(value), x.type):
            raise InvalidProgram(f"{what}: `{x.name}` is {type_of(value)}, declared {x.type}")
