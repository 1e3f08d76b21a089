"""What cannot be staged: every place is found, and one error lists them."""

from dataclasses import dataclass, field
from linecache import getline
from typing import Any

from wengert.core.diagnostic import Diagnostic, Position
from wengert.modes.stage import NeedsLengths, NeedsValue


class Refused(Exception):
    """A place that cannot be staged; whoever runs statements notes it and goes on with the next."""

    def __init__(self, reason: str, instead: str) -> None:
        super().__init__(reason)
        self.reason, self.instead = reason, instead


class Endless(Refused):
    """Calls inside calls without an end in sight: nothing else is looked for."""


# what Python raises in the user's code; anything else is an error of ours
PYTHON_ERRORS = (ArithmeticError, AttributeError, LookupError, NameError, TypeError, ValueError)


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


@dataclass(frozen=True)
class Place:
    """
    code     of the error that staging would be: W602 or, where something else is in its way, W601, W301 ...
    reason   why this cannot be staged;  instead  what to write
    """

    where: Position
    reason: str
    instead: str
    code: str = "W602"

    @property
    def file(self) -> str:
        return self.where.filename

    @property
    def line(self) -> int:
        return self.where.line

    @property
    def text(self) -> str:
        """The line of the user's."""
        return getline(self.file, self.line).strip()

    def __str__(self) -> str:
        return "\n".join(
            filter(None, (f"{self.head()}: {self.reason}", self.where.excerpt(), f"      instead  {self.instead}"))
        )

    def head(self) -> str:
        return str(self.where) if self.code == "W602" else f"{self.where}: {self.code}"


@dataclass
class Refusals:
    """The places found so far, in the order in which they were met."""

    function: str
    places: dict[tuple[str, int, int | None], Place] = field(default_factory=dict)

    def note(self, where: Position, refused: Refused) -> None:
        self.add(Place(where, refused.reason, refused.instead))

    def add(self, place: Place) -> None:
        where = place.where
        self.places.setdefault((where.filename, where.line, where.column), place)

    def diagnostic(self) -> Diagnostic:
        first, *others = places = list(self.places.values())
        if not others:
            what, instead = f"`{self.function}` cannot be staged here", first.instead
        else:
            what = f"`{self.function}` cannot be staged, for {len(places)} reasons"
            instead = "\n".join([first.instead, *map(str, others)])
        found = Diagnostic("W602", what, first.reason, instead, first.where)
        found.places = tuple(places)
        return found


def places_of(found: Diagnostic, where: Position | None = None) -> tuple[Place, ...]:
    """What an error of staging lists; `where` the function is at this time, if the error does not know."""
    where = where or found.where or Position("<unknown>", 1)
    reason = found.because if found.code == "W602" else f"{found.what}: {found.because}"
    return found.places or (Place(where, reason, found.instead, found.code),)


OUTSIDE = "leave the function that changes things outside un-jitted, or return the new value"
EAGER = "differentiate it without wg.jit, which runs any Python"


def changed_outside(what: str) -> Refused:
    return Refused(f"{what} changes an object that was made outside", OUTSIDE)


def written_outside() -> Refused:
    return Refused("an array is written that was made outside", OUTSIDE)


def global_assigned(name: str) -> Refused:
    return Refused(f"the global name `{name}` is assigned", OUTSIDE)


def outer_assigned(name: str) -> Refused:
    return Refused(f"the name `{name}` of an enclosing function is assigned", OUTSIDE)


def refusal_of(needs: NeedsValue | NeedsUnrolling) -> Refused:
    if isinstance(needs, NeedsUnrolling):
        return Refused(needs.reason, needs.instead)
    if isinstance(needs, NeedsLengths):
        return Refused(needs.reason, "write the slices it gets with the same bounds, or loop over their elements")
    return Refused(
        needs.reason,
        "use it in calculations and comparisons; lengths, axes and positions in Python's containers must be known",
    )
