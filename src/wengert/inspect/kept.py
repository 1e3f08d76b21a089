"""What reverse mode keeps of a program, and why: one table for the program and one for each of its regions."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from wengert.frontend.jit import built_for
from wengert.ir.order import varied_results
from wengert.ir.program import AnyType, Program, Stack, dtype_in, elements, makers, walk
from wengert.ir.text import scope_of
from wengert.transforms.keep import Plan, plans_inside
from wengert.transforms.reverse import split

HEADINGS = ("value", "type", "bytes", "from", "line", "why")


@dataclass(frozen=True)
class Entry:
    """One value that the way back reads.

    choice  "kept", "again" (evaluated a second time) or "at hand"
    bytes   that are kept of it each time that its region runs; None where only the run tells
    line    of the user's, if known
    """

    name: str
    type: AnyType
    choice: str
    why: str
    bytes: int | None
    line: int | None


@dataclass(frozen=True)
class Kept:
    """
    region  the user's name of the program or region
    loop    whether it is the body of a loop;  trips: how often that runs, if known
    lines   the first and the last of the user's lines, if known
    inner   the same for the regions in it
    """

    region: str
    loop: bool
    trips: int | None
    lines: tuple[int, int] | None
    entries: "list[Entry]"
    inner: "list[Kept]"

    @property
    def bytes(self) -> int | None:
        """Kept each time that the region runs; what inner loops keep is among it, as their tape."""
        sizes = [e.bytes for e in self.entries if e.choice == "kept"]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    def __str__(self) -> str:
        return "\n".join(written(self, 0))


def kept(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Kept:
    """What reverse mode keeps of `jit(f)` at these arguments, and why: one table for f and one for each of its regions.

    A value that the way back reads is at hand (an argument, a constant of the loop), evaluated again, or kept.  All
    floating-point arguments count as differentiated.  The result prints as tables; `.entries`, `.bytes` and `.inner`
    hold the same.

    >>> import numpy as np
    >>> import wengert as wg
    >>> def logistic(x, rate, n):
    ...     for i in range(n):
    ...         x = rate * x * (1.0 - x)
    ...     return x
    >>> report = wg.kept(logistic, 0.5, 3.0, 100)
    >>> report.inner[0].bytes
    8
    >>> [(entry.name, entry.why) for entry in report.inner[0].entries if entry.choice == "kept"]
    [('x', 'changes from one iteration to the next')]
    """
    built = built_for(f, args, kwargs)
    params = built.program.params
    given = len(params) - len(built.staging.captured.inputs)
    return kept_by(built.program, [i < given and dtype_in(p.type).kind in "fc" for i, p in enumerate(params)])


def kept_by(program: Program, traced: Sequence[bool] | None = None) -> Kept:
    """What the reverse sweep of a program keeps.

    traced  which parameters are differentiated; all that are real or complex, if nothing is said
    """
    flags = traced or [dtype_in(p.type).kind in "fc" for p in program.params]
    with plans_inside() as plans:
        split(program, flags, varied_results(program, flags), [True] * len(flags))
    return described(plans[-1])


def described(plan: Plan) -> Kept:
    names, maker = scope_of(plan.program), makers(plan.program)
    entries = []
    for x, choice, why in plan.reasons:
        where = maker[x].where if x in maker else None
        size = size_of(x.type) if choice == "kept" else 0
        entries.append(Entry(names[x], x.type, choice, why, size, where and where.line))
    wheres = [e.where.line for e in walk(plan.program) if e.where is not None]
    lines = (min(wheres), max(wheres)) if wheres else None
    inner = [described(p) for p in plan.inner]
    return Kept(plan.program.name, plan.loop, plan.trips, lines, entries, inner)


def size_of(type: AnyType) -> int | None:
    return None if isinstance(type, Stack) else elements(type) * type.dtype.itemsize


# ---------------------------------------------------------------- as text


def written(k: Kept, depth: int) -> Iterator[str]:
    pad = "  " * depth
    yield f"{pad}{title(k)}"
    rows = [cells(e) for e in k.entries]
    if rows:
        yield from (f"{pad}  {line}" for line in aligned([HEADINGS, *rows]))
    for inner in k.inner:
        yield from written(inner, depth + 1)


def title(k: Kept) -> str:
    what = f"loop `{k.region}`" if k.loop else f"`{k.region}`"
    return f"{what}{lines_text(k)}: {total(k)}"


def lines_text(k: Kept) -> str:
    if k.lines is None:
        return ""
    first, last = k.lines
    return f", line {first}" if first == last else f", lines {first}-{last}"


def total(k: Kept) -> str:
    if not any(e.choice == "kept" for e in k.entries):
        return "keeps nothing"
    if k.bytes is None:
        return "keeps stacks, whose length only the run tells"
    size = f"keeps {k.bytes} byte{'s' * (k.bytes != 1)}"
    if not k.loop:
        return size
    return f"{size} in each iteration" if k.trips is None else f"{size} in each of {k.trips} iterations"


def cells(e: Entry) -> tuple[str, ...]:
    size = "?" if e.bytes is None else str(e.bytes) if e.choice == "kept" else ""
    return e.name, str(e.type), size, e.choice, "" if e.line is None else str(e.line), e.why


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
