"""What cannot be staged: every place is found, and one error lists them."""

from dataclasses import dataclass, field
from typing import Any

from wengert.core.diagnostic import Diagnostic, Position
from wengert.modes.stage import NeedsLengths, NeedsValue


class Refused(Exception):
    """A place that cannot be staged; whoever runs statements notes it and goes on with the next."""

    def __init__(self, reason: str, instead: str) -> None:
        super().__init__(reason)
        self.reason, self.instead = reason, instead


class Ended(Exception):
    """An exception is always raised here: nothing comes after."""


class Spoiled(Exception):
    """A value is used that could not be computed, since an earlier place was refused."""


class NeedsSpecialising(BaseException):
    """A recursion ends only where whole-number arguments are constants.  Not an Exception: it ends the staging."""


class NeedsGeneral(BaseException):
    """A recursion ends only where numbers among its arguments that are constants are values of the program."""

    def __init__(self, source: Any) -> None:
        super().__init__()
        self.source = source


class NeedsUnrolling(Exception):
    """A loop does something that only Python can do: its iterations must be staged one by one."""

    def __init__(self, reason: str, instead: str) -> None:
        super().__init__(reason)
        self.reason, self.instead = reason, instead
        self.where: Position | None = None


UNROLLED = 1000  # iterations of a loop that may be staged one by one


@dataclass
class Refusals:
    """The places found so far, in the order in which they were met."""

    function: str
    places: dict[tuple[str, int, int | None], tuple[Position, str, str]] = field(default_factory=dict)

    def note(self, where: Position, refused: Refused) -> None:
        self.places.setdefault((where.filename, where.line, where.column), (where, refused.reason, refused.instead))

    def diagnostic(self) -> Diagnostic:
        (first, reason, instead), *others = self.places.values()
        if not others:
            return Diagnostic("W602", f"`{self.function}` cannot be staged here", reason, instead, first)
        listing = "\n".join(f"{where}: {why}\n{where.excerpt()}\n      instead  {way}" for where, why, way in others)
        count = len(others) + 1
        return Diagnostic(
            "W602", f"`{self.function}` cannot be staged, for {count} reasons", reason, f"{instead}\n{listing}", first
        )


OUTSIDE = "leave the function that changes things outside un-jitted, or return the new value"
EAGER = "differentiate it without wg.jit, which runs any Python"


def refusal_of(needs: NeedsValue | NeedsUnrolling) -> Refused:
    if isinstance(needs, NeedsUnrolling):
        return Refused(needs.reason, needs.instead)
    if isinstance(needs, NeedsLengths):
        return Refused(needs.reason, "write the slices it gets with the same bounds, or loop over their elements")
    return Refused(
        needs.reason,
        "use it in calculations and comparisons; lengths, axes and positions in Python's containers must be known",
    )
