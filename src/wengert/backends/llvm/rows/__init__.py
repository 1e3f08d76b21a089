"""How rows are lowered: one function for each, in a table by the name of the row.  Importing this fills the table."""

from wengert.backends.llvm.rows import (
    calls,
    checks,
    compositions,
    control,
    elementwise,
    joins,
    lanes,
    library,
    ordering,
    parts,
    products,
    reductions,
    stacks,
    updates,
    views,
)

__all__ = [
    "calls",
    "checks",
    "compositions",
    "control",
    "elementwise",
    "joins",
    "lanes",
    "library",
    "ordering",
    "parts",
    "products",
    "reductions",
    "stacks",
    "updates",
    "views",
]
