"""What a run of a program costs, counted: the derivative of a loop of n steps must cost a multiple of n."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.core.types import shape_of
from wengert.ir.evaluate import Interpreter
from wengert.ir.program import Equation, Items, Program


@dataclass
class Cost:
    """
    equations    executed, regions and calls not counted but what runs in them
    operations   the same, each weighted by the elements that it reads or makes, whichever are more
    bytes        of results in new storage: what is updated in place, or a view, costs nothing
    """

    equations: int = 0
    operations: int = 0
    bytes: int = 0


class Counter(Interpreter):
    def __init__(self) -> None:
        self.cost = Cost()

    def apply(self, e: Equation, values: list[Any], evaluate: Callable[[list[Any]], Any]) -> Any:
        if e.regions:
            return super().apply(e, values, evaluate)
        before, sizes = {storage(x) for x in values}, [size(x) for x in values]  # numbers: a reference would be counted
        out = super().apply(e, values, evaluate)
        outs = out if e.row.several else (out,)
        fresh = [x for x in outs if storage(x) not in before]
        self.cost.equations += 1
        self.cost.operations += weight(e, sizes, outs, fresh)
        self.cost.bytes += sum(map(bytes_of, fresh))
        return out


def count(program: Program, operands: list[Any]) -> Cost:
    """The cost of one run."""
    counter = Counter()
    counter.run(program, list(operands))
    return counter.cost


def storage(x: Any) -> int:
    """The identity of what holds the elements."""
    if isinstance(x, Items):
        return id(x.items)
    while isinstance(x, np.ndarray) and isinstance(x.base, np.ndarray):
        x = x.base
    return id(x)


def size(x: Any) -> int:
    return 1 if isinstance(x, Items) else int(np.prod(shape_of(x)))


def bytes_of(x: Any) -> int:
    return 8 * len(x.items) if isinstance(x, Items) else int(getattr(x, "nbytes", 0))


def weight(e: Equation, sizes: list[int], outs: Any, fresh: list[Any]) -> int:
    match e.row.name:
        case "write" | "add_at":
            return max(1, sizes[1]) + sum(map(size, fresh))
        case "getitem" | "take" | "reshape" | "transpose" | "flip" | "full":
            return max(1, sum(map(size, fresh)))
        case "stack_push" | "stack_pop":
            return 1 + sum(len(x.items) for x in fresh if isinstance(x, Items))
    return max([1, *sizes, *map(size, outs)])
