"""What values are called: names of the user, and words for results that he gave no name."""

import linecache
import re
from collections.abc import Iterable

from wengert.core.diagnostic import Position
from wengert.ir.program import is_unnamed

DERIVED = "%"  # begins the name of a value that the user gave none


def users_names(lines: Iterable[Position | None]) -> set[str]:
    """The names of variables in the user's lines."""
    texts = {linecache.getline(at.filename, at.line) for at in lines if at is not None}
    return {name for text in texts for name in re.findall(r"(?<![.\w])([A-Za-z_]\w*)(?!\w|\s*\()", text)}


def marked(name: str, users: set[str], row: str = "") -> str:
    """The name of a value that a row made: one that only says this is no name of the user's."""
    stem, suffix = stem_of(name)
    is_users = not is_unnamed(stem) or (stem in users and (bool(suffix) or stem != row))
    return name if is_users or name.startswith(DERIVED) else DERIVED + name


def better(name: str, other: str) -> str:
    """That of two names which the user gave."""
    return other if is_derived_from_row(name) else name


def is_derived_from_row(name: str) -> bool:
    return name.startswith(DERIVED)


SUFFIX = re.compile(r"((?:_bar|_dot|_kept)*)$")


def stem_of(name: str) -> tuple[str, str]:
    """A name without the suffixes of derivatives, and these."""
    suffix = SUFFIX.search(name).group()  # type: ignore[union-attr]
    return name[: len(name) - len(suffix)], suffix


def shown(name: str) -> str:
    """The name that a value gets if it is free."""
    stem, suffix = stem_of(name)
    return (WORDS.get(stem[1:], stem[1:]) if is_derived_from_row(stem) else stem) + suffix


RESERVED = {"np", "len", "range", "reversed", "float", "int", "complex", "bool", "max", "min"}
WORDS = {  # what results of rows are called, where the user gave no name
    "add": "total",
    "sub": "difference",
    "mul": "product",
    "div": "quotient",
    "scale": "scaled_bar",
    "getitem": "part",
    "pow": "power",
    "ipow": "power",
    "reduce_sum": "total",
    "collapse": "total",
    "matmul": "product",
    "neg": "negative",
    "c": "value",
    "choose": "chosen",
    "logical_not": "is_not",
    "logical_and": "both",
    "logical_or": "any_",
    "greater": "is_greater",
    "less": "is_less",
    "equal": "is_equal",
    "full": "filled",
    "weak": "number",
    "spread": "spread_",
    "abs": "size",
}
