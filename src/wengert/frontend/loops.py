"""Loops: of the program, or unrolled where Python must see the index."""

import ast
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wengert.core.mode import Value
from wengert.core.tree import flatten
from wengert.frontend.attempt import Again, EndsAtOnce, Plan, attempt
from wengert.frontend.builtin import rows_of
from wengert.frontend.expressions import iterated
from wengert.frontend.refuse import EAGER, UNROLLED, NeedsUnrolling, Refused, refusal_of
from wengert.frontend.scope import (
    BROKEN,
    CONTINUED,
    RETURNED,
    Rows,
    walk_here,
)
from wengert.frontend.state import State
from wengert.modes.stage import NeedsValue, Staged
from wengert.rules import elementwise

if TYPE_CHECKING:
    from wengert.frontend.build import Staging

LIMIT = 40  # attempts; each finds out something new, so a loop that needs more has types that never settle


def for_statement(s: "Staging", node: ast.For) -> None:
    iterable = s.eval(node.iter)
    rows = rows_of(s, iterable)
    outer = save_flags(s)
    if rows is None:
        items = iterated(s, iterable)
        unrolled(s, node, len(items), lambda k: items[k])
    elif not isinstance(rows.length, Value) and rows.length == 0:
        pass
    else:
        loop(s, node, rows)
    finish(s, node, outer)


def while_statement(s: "Staging", node: ast.While) -> None:
    if any(isinstance(n, ast.NamedExpr) for n in walk_here(node.test)) and not node.orelse:
        node = with_test_inside(node)
    outer = save_flags(s)
    loop(s, node, None)
    finish(s, node, outer)


@functools.lru_cache(1024)
def with_test_inside(node: ast.While) -> ast.While:
    """`while True: if not test: break`, for a test that binds names."""
    leave = ast.copy_location(ast.Break(), node.test)
    negated = ast.copy_location(ast.UnaryOp(ast.Not(), node.test), node.test)
    first = ast.copy_location(ast.If(negated, [leave], []), node.test)
    return ast.copy_location(ast.While(ast.copy_location(ast.Constant(True), node.test), [first, *node.body], []), node)


def save_flags(s: "Staging") -> tuple[Any, Any]:
    names = s.frame.names
    found = names.get(BROKEN, False), names.get(CONTINUED, False)
    names[BROKEN] = names[CONTINUED] = False
    return found


def finish(s: "Staging", node: ast.For | ast.While, outer: tuple[Any, Any]) -> None:
    """The `else` of a loop, and the flags of the loop around it."""
    names = s.frame.names
    broken, returned = names[BROKEN], names[RETURNED]
    names[BROKEN], names[CONTINUED] = outer
    if not node.orelse:
        return
    skip: Any = False
    for flag in (broken, returned):
        if flag is True:
            return
        if flag is not False:
            skip = flag if skip is False else elementwise.logical_or(skip, flag)
    if skip is False:
        s.block(node.orelse)
    else:
        s.conditional(s.negated(skip), lambda: s.block(node.orelse), lambda: None)


def loop(s: "Staging", node: ast.For | ast.While, rows: Rows | None) -> None:
    """One loop of the program; staged again until its plan holds, unrolled where Python must see its index."""
    key = (id(node), *(id(f.source.node) for f in s.frames), len(s.regions))
    plan: Plan = s.plans.setdefault(key, Plan())
    before, plan.attempts = State.now(s), 0
    while not plan.unrolled:
        plan.attempts += 1
        if plan.attempts > LIMIT:
            raise Refused(
                "the types of this loop's values never settle", "make them the same before and after the body"
            )
        mark = len(s.stage.block.program.equations)
        try:
            attempt(s, node, rows, plan, before)
            return
        except Again:
            pass
        except EndsAtOnce:
            undo(s, mark, before)
            before.restore()
            first_iteration(s, node, rows)
            return
        except Exception as problem:
            if not may_unroll(s, problem, node, rows):
                before.restore()
                raise
            plan.unrolled, plan.reason = True, problem
        undo(s, mark, before)
        before.restore()
    if rows is None:
        unrolled_while(s, node, plan)  # type: ignore[arg-type]
    else:
        unrolled(s, node, rows.length.__index__(), rows.item)


def first_iteration(s: "Staging", node: ast.For | ast.While, rows: Rows | None) -> None:
    """In place of a loop whose first iteration, if there is one, raises an exception."""

    def run() -> None:
        if isinstance(node, ast.For) and rows is not None:
            s.assign(node.target, rows.item(0))
        s.block(node.body)
        raise Refused("iterations after the first raise an exception, whatever the values are", EAGER)

    test = s.truth(rows.length > 0) if rows is not None else s.test(node.test)  # type: ignore[union-attr]
    if test is True:
        run()
    elif test is not False:
        s.conditional(test, run, lambda: None)


def undo(s: "Staging", mark: int, before: State) -> None:
    """Equations since `mark` are gone, and so is what views have read by them."""
    undone = s.stage.block.program.equations[mark:]
    s.stage.block.own.difference_update(o for e in undone for o in e.outs)
    del s.stage.block.program.equations[mark:]
    for _, names in before.names:
        for x in flatten(list(names.values()))[0]:
            if isinstance(x, Value) and x.link is not None:
                x.link.seen = None


def may_unroll(s: "Staging", problem: Exception, node: Any, rows: Rows | None) -> bool:
    if not isinstance(problem, NeedsValue | NeedsUnrolling):
        return False
    if rows is None:
        return True
    if isinstance(rows.length, Staged) and not s.stage.known.get(rows.length.fresh().aux):
        return False
    if int(rows.length.__index__()) > UNROLLED:
        where = getattr(problem, "where", None)
        refused = Refused(
            f"the body needs the number of the loop's index, and {int(rows.length)} iterations are too many to stage "
            f"one by one (the limit is {UNROLLED})",
            "index arrays by whole numbers and slices that do not depend on the index",
        )
        refused.where = where  # type: ignore[attr-defined]
        raise refused
    return True


def unrolled(s: "Staging", node: Any, count: int, item: Callable[[int], Any], k: int = 0) -> None:
    """The iterations from k on, one by one."""
    while k < count:
        s.assign(node.target, item(k))
        stop = iteration(s, node)
        k += 1
        if stop is True:
            return
        if stop is not False:
            s.conditional(s.negated(stop), functools.partial(unrolled, s, node, count, item, k), lambda: None)
            return


def unrolled_while(s: "Staging", node: ast.While, plan: Plan, k: int = 0) -> None:
    while True:
        if k > UNROLLED:
            raise why_unrolled(plan, f"in a loop of more than {UNROLLED} iterations")
        test = s.test(node.test)
        if isinstance(test, Value):
            raise why_unrolled(plan, "in a loop that ends at run time")
        if not test:
            return
        stop = iteration(s, node)
        k += 1
        if stop is True:
            return
        if stop is not False:
            s.conditional(s.negated(stop), functools.partial(unrolled_while, s, node, plan, k), lambda: None)
            return


def iteration(s: "Staging", node: ast.For | ast.While) -> Any:
    """One run of the body; whether the loop is left: True, False, or a value of the program."""
    s.block(node.body)
    s.frame.names[CONTINUED] = False
    return s.stopped()


def why_unrolled(plan: Plan, obstacle: str) -> Refused:
    """A loop without a known, small number of iterations cannot be unrolled, for whatever reason it should be."""
    refused = refusal_of(plan.reason)  # type: ignore[arg-type]
    refused.reason = f"{refused.reason}, {obstacle}"
    refused.where = getattr(plan.reason, "where", None)  # type: ignore[attr-defined]
    return refused
