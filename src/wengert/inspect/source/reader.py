"""A program becomes statements."""

import linecache
import re
from collections.abc import Callable, Iterator
from typing import Any

from wengert.inspect.source.statements import Apply, Block, Statement, type_of_in
from wengert.inspect.source.words import better, is_derived_from_row, marked
from wengert.ir.evaluate import line_of
from wengert.ir.program import (
    Equation,
    Program,
    Var,
    numeric,
)


class Reader:
    """Statements with a variable for each value; regions stand in place, what they read are the variables around."""

    def __init__(self, helper: Callable[[Program], str], is_double: bool, users: set[str]) -> None:
        self.helper, self.is_double, self.users = helper, is_double, users
        self.depth = 0

    def block(self, program: Program, env: dict[Var, Any]) -> Block:
        found: Block = []
        for e in program.equations:
            for s in self.statements(e, [env.get(x, x) if isinstance(x, Var) else x for x in e.ins], env):
                s.depth = self.depth
                found.append(s)
        return found

    def made(self, e: Equation, env: dict[Var, Any]) -> list[Var]:
        env.update({o: Var(marked(o.name, self.users, e.row.name), o.type) for o in e.outs})
        return [env[o] for o in e.outs]

    def statements(self, e: Equation, ins: list[Any], env: dict[Var, Any]) -> Iterator[Statement]:
        name = e.row.name
        if name in REGION_READERS:
            yield from REGION_READERS[name](self, e, ins, env)
        elif name in KINDS:
            yield Statement(KINDS[name], self.made(e, env), ins, e)
        elif self.is_same(e, ins[0] if ins else None):
            env[e.outs[0]] = ins[0]
            if isinstance(ins[0], Var) and is_derived_from_row(ins[0].name):
                ins[0].name = better(ins[0].name, marked(e.outs[0].name, self.users, e.row.name))
        else:
            yield Statement("let", self.made(e, env), ins, e)

    def is_same(self, e: Equation, x: Any) -> bool:
        """Whether the result is what is given, as far as plain numbers go."""
        if e.row.name == "array" and not isinstance(x, Var):
            return True
        if e.row.name not in ("weak", "convert", "stop_gradient") or not self.is_double or isinstance(x, Apply):
            return False
        have, made = numeric(type_of_in(x)), numeric(e.outs[0].type)
        return bool(
            have.form != "array" and made.form != "array" and have.dtype == made.dtype and have.dtype.kind in "fcb"
        )

    def results(self, program: Program, env: dict[Var, Any]) -> list[Any]:
        return [env.get(x, x) if isinstance(x, Var) else x for x in program.results]

    def moved(self, outs: list[Var], values: list[Any], e: Equation) -> Statement:
        return Statement("move", outs, values, e, depth=self.depth)

    def for_(self, e: Equation, ins: list[Any], env: dict[Var, Any]) -> Iterator[Statement]:
        body, consts = e.params["body"], e.params["consts"]
        index = Var(self.index_name(e), body.params[0].type)
        carries, inner = self.carried(body.params[1:], ins[3:], consts, e, env)
        inner[body.params[0]] = index
        yield self.moved(carries, ins[3 + consts :], e)
        yield Statement("for", [index], ins[:3], e, [self.looped(body, carries, inner, e)])

    def index_name(self, e: Equation) -> str:
        """The user's, where the loop counts as his does: from 0 in steps of 1."""
        where = line_of(e)
        line = "" if where is None else linecache.getline(where.filename, where.line).strip()
        found = re.match(r"for (\w+) in range\([^,]*\):", line)
        return found.group(1) if found and found.group(1) != "_" else "k"

    def while_(self, e: Equation, ins: list[Any], env: dict[Var, Any]) -> Iterator[Statement]:
        test, body, consts = e.params["test"], e.params["body"], e.params["consts"]
        carries, inner = self.carried(body.params, ins, consts, e, env)
        asked = dict(zip(test.params, [inner[p] for p in body.params]))
        yield self.moved(carries, ins[consts:], e)
        self.depth += 1
        asking = self.block(test, asked)
        self.depth -= 1
        yield Statement("while", [], self.results(test, asked), e, [asking, self.looped(body, carries, inner, e)])

    def carried(
        self, params: list[Var], ins: list[Any], consts: int, e: Equation, env: dict[Var, Any]
    ) -> tuple[list[Var], dict[Var, Any]]:
        """Variables for the carries, which are the results of the loop, and what the parameters are."""
        carries = [
            Var(better(marked(o.name, self.users), marked(p.name, self.users)), p.type)
            for o, p in zip(e.outs, params[consts:])
        ]
        env.update(zip(e.outs, carries))
        return carries, dict(zip(params, [*ins[:consts], *carries]))

    def looped(self, body: Program, carries: list[Var], inner: dict[Var, Any], e: Equation) -> Block:
        self.depth += 1
        block = self.block(body, inner)
        block.append(self.moved(carries, self.results(body, inner), e))
        self.depth -= 1
        return block

    def if_(self, e: Equation, ins: list[Any], env: dict[Var, Any]) -> Iterator[Statement]:
        outs = self.made(e, env)
        blocks = []
        for side in (e.params["then"], e.params["orelse"]):
            inner = dict(zip(side.params, ins[1:]))
            blocks.append([*self.block(side, inner), self.moved(outs, self.results(side, inner), e)])
        yield Statement("if", [], ins[:1], e, blocks)

    def call(self, e: Equation, ins: list[Any], env: dict[Var, Any]) -> Iterator[Statement]:
        program = e.params["function"].program if e.row.name == "recur" else e.params["program"]
        yield Statement("call", self.made(e, env), ins, e, text=self.helper(program))


REGION_READERS: dict[str, Callable[..., Iterator[Statement]]] = {
    "for_": Reader.for_,
    "while_": Reader.while_,
    "if_": Reader.if_,
    "call": Reader.call,
    "recur": Reader.call,
}
KINDS = {
    **{"write": "update", "add_at": "update", "stack_push": "push", "stack_pop": "pop"},
    **{"check": "check", "show": "show"},
}
