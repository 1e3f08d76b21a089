"""Nested containers <-> flat lists of leaves.

A container is a dict, list, tuple, namedtuple, dataclass or None (no leaves); everything else is a leaf.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

LEAF = None  # the structure of a leaf; containers have a Structure
PLAIN_LEAVES = frozenset({float, int, bool, complex, str, np.ndarray, np.float64, np.float32})  # no need to look closer


class Structure:
    """What remains of a container when its leaves are taken out; compares equal when the containers fit."""

    __slots__ = ("children", "kind", "labels")

    def __init__(self, kind: type, labels: tuple[Any, ...], children: tuple[Any, ...]) -> None:
        self.kind, self.labels, self.children = kind, labels, children

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Structure):
            return False
        return (self.kind, self.labels, self.children) == (other.kind, other.labels, other.children)

    def __hash__(self) -> int:
        return hash((self.kind, self.labels, self.children))

    def __repr__(self) -> str:
        return repr(unflatten(self, iter(lambda: _Star(), None)))


class _Star:
    def __repr__(self) -> str:
        return "*"


def flatten(tree: Any) -> tuple[list[Any], Structure | None]:
    """Leaves from left to right, and the structure that `unflatten` needs to put them back."""
    leaves: list[Any] = []
    return leaves, _flatten(tree, leaves)


def _flatten(tree: Any, leaves: list[Any]) -> Structure | None:
    opened = open_container(tree)
    if opened is None:
        leaves.append(tree)
        return LEAF
    labels, values = opened
    return Structure(type(tree), labels, tuple([_flatten(v, leaves) for v in values]))


def open_container(tree: Any) -> tuple[tuple[Any, ...], Iterable[Any]] | None:
    """(labels, values) of a container, or None for a leaf."""
    kind = type(tree)
    if kind in PLAIN_LEAVES:
        return None
    if kind is list or kind is tuple:
        return tuple(range(len(tree))), tree
    if isinstance(tree, dict):
        return tuple(tree), tree.values()
    if tree is None:
        return (), ()
    if isinstance(tree, tuple | list):
        return getattr(tree, "_fields", tuple(range(len(tree)))), tree
    if is_dataclass(tree) and not isinstance(tree, type):
        names = tuple(f.name for f in fields(tree))
        return names, [getattr(tree, name) for name in names]
    return None


def unflatten(structure: Structure | None, leaves: Iterable[Any]) -> Any:
    return _build(structure, iter(leaves))


def _build(structure: Structure | None, leaves: Iterator[Any]) -> Any:
    if structure is None:
        return next(leaves)
    values = [_build(child, leaves) for child in structure.children]
    kind = structure.kind
    if kind is tuple:
        return tuple(values)
    if kind is list:
        return values
    if issubclass(kind, dict):
        return _build_dict(kind, dict(zip(structure.labels, values)))
    if kind is type(None):
        return None
    if hasattr(kind, "_make"):
        return kind._make(values)
    if issubclass(kind, tuple | list):
        return kind(values)
    return _build_dataclass(kind, structure.labels, values)


def _build_dict(kind: type, items: dict[Any, Any]) -> Any:
    if kind is dict:
        return items
    made: dict[Any, Any] = kind()  # OrderedDict, defaultdict and other subclasses that start empty
    made.update(items)
    return made


def _build_dataclass(kind: type, names: tuple[str, ...], values: list[Any]) -> Any:
    # not through __init__, which may check, convert or derive; frozen classes need object.__setattr__
    made: Any = object.__new__(kind)
    for name, value in zip(names, values):
        object.__setattr__(made, name, value)
    return made


def map_leaves(f: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Apply f to corresponding leaves; all trees have the structure of the first."""
    leaves, structure = flatten(tree)
    return unflatten(structure, map(f, leaves, *[flatten(other)[0] for other in others]))


def with_kinds(change: Callable[[type], type], structure: Structure | None) -> Structure | None:
    """The structure with other types of containers."""
    if structure is None:
        return None
    children = tuple([with_kinds(change, child) for child in structure.children])
    return Structure(change(structure.kind), structure.labels, children)


def paths(tree: Any, name: str) -> Iterator[tuple[str, Any]]:
    """(readable path, leaf) pairs, e.g. `params['w'][0]`."""
    opened = open_container(tree)
    if opened is None:
        yield name, tree
        return
    attribute = is_dataclass(tree) or hasattr(tree, "_fields")
    for label, value in zip(*opened):
        yield from paths(value, f"{name}.{label}" if attribute else f"{name}[{label!r}]")
