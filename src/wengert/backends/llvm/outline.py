"""Long functions become short ones: runs of nests of array loops move into functions of their own.

LLVM asks of each loop what the conditions of all loops before it imply, which takes the square of their number.  A nest
makes no numbers, so that its lines can move as they are: names that they read become parameters.  Addresses and whole
numbers are computed again where they are read; so a parameter is never a second way into another parameter's memory.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

MOST = 12  # nests in a function
NAME = re.compile(r"%[\w.]+")
NUMBER = r"(half|float|double|i\d+)"
TYPES = [  # of what a line makes, where that is a number
    re.compile(rf"select i1 [^,]+, {NUMBER} "),
    re.compile(rf"\w+ .* to {NUMBER}$"),
    re.compile(rf"(?!getelementptr)\w+ (?:(?:reassoc|nsw|nuw|volatile) )*{NUMBER}\b"),
]


class Span(NamedTuple):
    """The lines of a nest, and the block that leads to it."""

    start: int
    end: int
    before: str


class Outline:
    """
    types   of the names that the function is given
    lines   of the function;  ends  blocks that end it, with a status, for any line that jumps there
    pure    names that may be computed again
    """

    def __init__(
        self, name: str, types: Mapping[str, str], lines: Sequence[str], ends: Sequence[str], pure: Iterable[str]
    ) -> None:
        self.name, self.types, self.lines, self.ends, self.pure = name, types, lines, ends, set(pure)
        self.names = [NAME.findall(line) for line in lines]
        self.made = {found[0]: i for i, found in enumerate(self.names) if " = " in lines[i]}
        self.first: dict[str, int] = {}  # line that names it
        self.last: dict[str, int] = {}
        for i, found in enumerate(self.names):
            for x in found:
                self.first.setdefault(x, i)
                self.last[x] = i

    def run(self, spans: Sequence[Span]) -> tuple[list[str], list[str]]:
        """(the lines, with calls in place of what moved; the functions)"""
        lines: list[str] = []
        functions: list[str] = []
        at = 0
        for run in self.runs(spans):
            moved = self.moved(run, f"{self.name}.part{len(functions)}")
            if moved is not None:
                call, function = moved
                lines += [*self.lines[at : run.start], *call]
                functions.append(function)
                at = run.end
        return [*lines, *self.lines[at:]], functions

    def runs(self, spans: Sequence[Span]) -> Iterator[Span]:
        """Nests with nothing between them but what can be computed again."""
        left = list(spans)
        while left:
            run, count = left.pop(0), 1
            while left and count < MOST and all(map(self.is_pure, range(run.end, left[0].start))):
                run, count = run._replace(end=left.pop(0).end), count + 1
            yield run

    def is_pure(self, i: int) -> bool:
        return bool(self.names[i]) and self.names[i][0] in self.pure

    def moved(self, run: Span, name: str) -> tuple[list[str], str] | None:
        """(what stands in the place of these lines, the function); None where something else than text would move."""
        lines = self.lines[run.start : run.end]
        labels = [line[:-1] for line in [*self.ends, run.before + ":", *lines] if line.endswith(":")]
        inside = {x for x, i in self.made.items() if run.start <= i < run.end}
        read = {x for names in self.names[run.start : run.end] for x in names} - inside - {f"%{x}" for x in labels}
        given, before = self.needed(read)
        types = {x: self.type_of(x) for x in sorted(given)}
        numbers, after = self.needed(x for x in inside if self.first[x] < run.start or self.last[x] >= run.end)
        if not all(types.values()) or numbers & inside:
            return None
        head = f"define internal i32 {name}({', '.join(f'{type} {x}' for x, type in types.items())}) #1 {{"
        again = [self.lines[i] for i in before]
        function = "\n".join([head, f"{run.before}:", *again, *lines, "ret i32 0", *self.ends, "}"])
        arguments = ", ".join(f"{str(type).split()[0]} {x}" for x, type in types.items())
        again = [self.lines[i] for i in after if run.start <= i < run.end]
        return [*called(name, arguments, labels[-1]), *again], function

    def needed(self, names: Iterable[str]) -> tuple[set[str], list[int]]:
        """(names that must be given, lines that compute the others again)"""
        given: set[str] = set()
        again: set[int] = set()
        left = list(names)
        while left:
            x = left.pop()
            if x not in self.pure:
                given.add(x)
            elif self.made[x] not in again:
                again.add(self.made[x])
                left += self.names[self.made[x]][1:]
        return given, sorted(again)

    def type_of(self, x: str) -> str | None:
        """Of a number, or of what the function is given."""
        if x in self.types or x not in self.made:
            return self.types.get(x)
        line = self.lines[self.made[x]].partition(" = ")[2]
        return next((found[1] for found in (type.match(line) for type in TYPES) if found), None)


def called(name: str, arguments: str, after: str) -> list[str]:
    """A call that leaves the function where its status is not 0; then the block `after`."""
    status = f"%{name[1:]}"
    return [
        f"{status} = call i32 {name}({arguments})",
        f"{status}.done = icmp eq i32 {status}, 0",
        f"br i1 {status}.done, label %{after}, label {status}.leave",
        f"{status[1:]}.leave:",
        f"ret i32 {status}",
        f"{after}:",
    ]
