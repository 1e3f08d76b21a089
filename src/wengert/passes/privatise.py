"""A work array that a loop wholly writes before it reads it, in each iteration, is made inside.

    a = zeros(m)                            for i in range(n):
    for i in range(n):                          a = full(m)
        for j in range(m): a[j] = ...   ->      for j in range(m): a[j] = ...
        ... a ...                               ... a ...

Then it is no carry: the body depends on its constants alone, and the way back may evaluate it again and keep nothing.
Nobody may read the array after the loop.
"""

from dataclasses import replace
from typing import Any

from wengert.ir.program import Equation, Hole, Program, Type, Var, has_extents
from wengert.passes.dead import used
from wengert.passes.rewrite import everywhere, is_plain, place, rebuilt, times
from wengert.rules.control import full


def privatise_block(program: Program) -> Program:
    read = used(program)
    return rebuilt(
        program, [private(e, read) if e.row.name == "for_" else e for e in program.equations], program.results
    )


privatise = everywhere(privatise_block)


def private(e: Equation, read: set[Var]) -> Equation:
    body, first = e.params["body"], 1 + e.params["consts"]
    inside = [o not in read and is_work(body, first + k, o) for k, o in enumerate(e.outs)]
    if not any(inside):
        return e
    carries = e.ins[2 + first :]
    made = [fresh(p, e) for p, i in zip(body.params[first:], inside) if i]
    params = [*body.params[:first], *(p for p, i in zip(body.params[first:], inside) if not i)]
    results = [r for r, i in zip(body.results, inside) if not i]
    changed = Program(params, [*made, *body.equations], results, body.name)
    ins = [*e.ins[: 2 + first], *(x for x, i in zip(carries, inside) if not i)]
    outs = [o for o, i in zip(e.outs, inside) if not i]
    return replace(e, outs=outs, ins=ins, count=len(ins), params={**e.params, "body": changed})


def fresh(p: Var, e: Equation) -> Equation:
    """Storage; its content is never read."""
    assert isinstance(p.type, Type)
    params = {"shape": p.type.shape, "value": p.type.dtype.type(0).item(), "dtype": p.type.dtype.str}
    return Equation([p], full, [], params, 0, e.where, e.origin)


def is_work(body: Program, position: int, out: Var) -> bool:
    p = body.params[position]
    return isinstance(p.type, Type) and is_array(p.type) and overwrites(body, p)


def is_array(type: Type) -> bool:
    return type.form == "array" and type.shape != () and not has_extents(type)


def overwrites(body: Program, p: Var) -> bool:
    """Is every element of p written before any is read?"""
    users = [q for q in body.equations if times(p, q.ins)]
    if len(users) != 1 or times(p, body.results) or users[0].row.name != "for_":
        return False
    e, k = users[0], carry_of(users[0], p)
    if k is None:
        return False
    if covers(e, k, ()):
        return True
    # a nest that fills it in its first iteration, which takes place, and in each that follows
    return runs(e) and overwrites(e.params["body"], e.params["body"].params[1 + e.params["consts"] + k])


def carry_of(e: Equation, p: Var) -> int | None:
    """Which carry of the loop starts with p; None where p is anything else beside."""
    first = 3 + e.params["consts"]
    return place(p, e.ins) - first if times(p, e.ins) == times(p, e.ins[first:]) == 1 else None


def runs(e: Equation) -> bool:
    return all(map(is_plain, e.ins[:3])) and e.ins[2] != 0 and len(range(*map(int, e.ins[:3]))) > 0


def covers(e: Equation, k: int, outer: tuple[Var, ...]) -> bool:
    """Does the nest write carry k at exactly its own indices, over the whole shape, and read nothing of it?

    outer   the indices of the loops around, as the body of e knows them
    """
    body, consts = e.params["body"], e.params["consts"]
    p, result = body.params[1 + consts + k], body.results[k]
    shape = p.type.shape
    n = shape[len(outer)]
    if not isinstance(n, int) or not all(map(is_plain, e.ins[:3])):
        return False
    if list(e.ins[:3]) not in ([0, n, 1], [n - 1, -1, -1]):
        return False
    index = (*outer, body.params[0])
    users = [q for q in body.equations if times(p, q.ins)]
    if len(users) != 1 or times(p, body.results):
        return False
    q = users[0]
    if q.row.name == "for_":
        return len(index) < len(shape) and covers_inner(q, p, result, index, body)
    return is_element(q, p, index, shape) and q.outs[0] is result and not read_elsewhere(body, q.outs[0])


def covers_inner(q: Equation, p: Var, result: Any, index: tuple[Var, ...], body: Program) -> bool:
    k = carry_of(q, p)
    if k is None or q.outs[k] is not result or read_elsewhere(body, q.outs[k]):
        return False
    inner = inner_names(q, index)
    return inner is not None and covers(q, k, inner)


def inner_names(q: Equation, index: tuple[Var, ...]) -> tuple[Var, ...] | None:
    """These variables as the body of q knows them."""
    constants = q.ins[3 : 3 + q.params["consts"]]
    if not all(times(i, constants) for i in index):
        return None
    return tuple([q.params["body"].params[1 + place(i, constants)] for i in index])


def is_element(q: Equation, p: Var, index: tuple[Var, ...], shape: tuple[int, ...]) -> bool:
    """p[i, j, ...] = v with the indices of all loops; axes that are left are written whole."""
    if q.row.name != "write" or q.params["steps"] or q.ins[0] is not p or times(p, q.ins) != 1:
        return False
    parts = q.params["index"]
    heads, rest = parts[: len(index)], parts[len(index) :]
    filled = [q.ins[h.operand] if isinstance(h, Hole) else None for h in heads]
    return tuple(filled) == index and all(isinstance(r, slice) and r == slice(None) for r in rest)


def read_elsewhere(body: Program, out: Var) -> bool:
    return any(times(out, q.ins) for q in body.equations) or times(out, body.results) > 1
