"""What stands in the way of staging a function."""

import html as markup
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from wengert.core.diagnostic import Diagnostic
from wengert.frontend.jit import Jitted, arguments, build, is_operand
from wengert.frontend.refuse import Place, places_of
from wengert.frontend.survey import survey


@dataclass(frozen=True)
class Report:
    """The places of a function that cannot be staged; false where there are none, and then it prints as one line.

    places   each with `code`, `file`, `line`, `text` (the line of code), `reason` and `instead`
    is_for_arguments   whether the function was staged for arguments; otherwise its source was read
    """

    function: str
    places: tuple[Place, ...]
    is_for_arguments: bool

    def __iter__(self) -> Iterator[Place]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)

    def __str__(self) -> str:
        return "\n".join([heading(self), *map(str, self.places)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Asked for by notebooks."""
        return f"<pre>{markup.escape(str(self))}</pre>"


def heading(found: Report) -> str:
    if found.places:
        count = len(found.places)
        return f"`{found.function}` cannot be staged, for {count} reason{'s' * (count > 1)}:"
    if found.is_for_arguments:
        return f"`{found.function}` can be staged for these arguments."
    return f"Nothing in the source of `{found.function}` is certain to be refused by staging."


def report(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Report:
    """What `jit` will refuse: of the source of f alone, or, with arguments, of staging f for these.

    Without arguments it lists what is certainly unsupported in f, and in the functions that f calls by names which
    lead to them; what depends on values, shapes and kinds is not known then.  With arguments it lists what
    `jit(f)(*args)` would refuse, as its error W602 does, and other errors of staging (W601, W301 ...).
    f is read, not run: nothing is printed, drawn or written.  (Modules that f imports are imported.)

    Returns a `Report`, which prints as a list, is false where it is empty, and yields its places.

    >>> import numpy as np
    >>> import wengert as wg
    >>> def logged(x):
    ...     try:
    ...         y = np.log(x)
    ...     except FloatingPointError:
    ...         y = 0.0 * x
    ...     history.append(y)
    ...     return [1.0, 2.0][int(x)] * y
    >>> history = []
    >>> [(place.line, place.reason) for place in wg.report(logged)]  # doctest: +NORMALIZE_WHITESPACE
    [(2, '`try` is not part of what can be staged'),
     (6, '`.append` changes an object that was made outside')]
    >>> wg.report(lambda x: x[int(x[0])], np.array([1.0, 2.0]))
    `<lambda>` can be staged for these arguments.
    >>> wg.report(lambda x: x + open("offset.txt"), 1.0)  # doctest: +ELLIPSIS
    `<lambda>` cannot be staged, for 1 reason:
    <...>:1:25: `open` cannot be staged
        1 | wg.report(lambda x: x + open("offset.txt"), 1.0)  # doctest: +ELLIPSIS
          |                         ^^^^^^^^^^^^^^^^^^
          instead  read the data before, and pass it
    """
    name = getattr(f, "__name__", type(f).__name__)
    if not args and not kwargs:
        return Report(name, tuple(survey(f).places.values()), is_for_arguments=False)
    return Report(name, staged_for(f, args, kwargs), is_for_arguments=True)


def staged_for(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Place, ...]:
    """The places that staging f for these arguments refuses."""
    leaves, structure = arguments(args, kwargs)
    places = [i for i, x in enumerate(leaves) if is_operand(x)]
    try:
        build(f.f if isinstance(f, Jitted) else f, leaves, structure, places)
    except Diagnostic as found:
        return places_of(found)
    return ()
