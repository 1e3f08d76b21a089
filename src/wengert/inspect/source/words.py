"""What values are called: names of the user, and words for results that he gave no name."""

import re

from wengert.ir.program import is_unnamed


def better(name: str, other: str) -> str:
    """That of two names which the user gave."""
    return other if is_derived_from_row(name) else name


def is_derived_from_row(name: str) -> bool:
    return is_unnamed(stem_of(name)[0])


SUFFIX = re.compile(r"((?:_bar|_dot|_kept)*)$")


def stem_of(name: str) -> tuple[str, str]:
    """A name without the suffixes of derivatives, and these."""
    suffix = SUFFIX.search(name).group()  # type: ignore[union-attr]
    return name[: len(name) - len(suffix)], suffix


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
