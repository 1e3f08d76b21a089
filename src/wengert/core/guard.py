"""Arrays that user code may overwrite between recording and the way back.

wengert's own arrays are never overwritten while someone needs them.  A plain array of the caller's has no such
protection: a small one is copied, a large one is fingerprinted, and a change found before use is an error instead of
a wrong derivative (PyTorch keeps version counters for the same purpose; NumPy has none).
"""

import weakref
from typing import Any

import numpy as np

from wengert.core.diagnostic import Diagnostic

COPIED = 4096  # elements; below, a copy is cheaper than a fingerprint
WIDTHS = (1021, 1031)  # primes: sums of words at equal position modulo both tell a permutation, too


class Guard:
    """A large foreign array, with its fingerprint at the time of recording.

    mark is None where every write is seen by `refuse_overwrite`: during one call, on an array that came in as a Buffer.
    """

    __slots__ = ("__weakref__", "array", "mark")

    def __init__(self, array: np.ndarray, mark: Any) -> None:
        self.array, self.mark = array, mark

    def verify(self) -> None:
        if self.mark is not None and fingerprint(self.array) != self.mark:
            raise overwritten(self.array)


_known: "weakref.WeakValueDictionary[int, Guard]" = weakref.WeakValueDictionary()


def guard(array: np.ndarray, blind: bool) -> Guard:
    """`blind`: writes may happen that wengert does not see."""
    found = _known.get(id(array))
    if found is None or found.array is not array or (blind and found.mark is None):
        found = _known[id(array)] = Guard(array, fingerprint(array) if blind else None)
    return found


def refuse_overwrite(array: np.ndarray) -> None:
    """Called before a plain write into an array that lives outside the function."""
    for known in list(_known.values()):
        if np.may_share_memory(known.array, array):
            raise overwritten(array)


def overwritten(array: np.ndarray) -> Diagnostic:
    return Diagnostic(
        "W204",
        f"an array of shape {array.shape} is overwritten after the derivative has recorded it",
        "the way back needs the values that the function used, and they would be gone",
        "write into a copy (`a = a.copy()`), or finish the derivative before the array is used again",
    )


def fingerprint(array: np.ndarray) -> tuple[bytes, ...]:
    """Two passes over the bytes."""
    if not array.flags.c_contiguous:
        array = array.T if array.flags.f_contiguous else np.ascontiguousarray(array)
    octets = array.reshape(-1).view(np.uint8)
    words = octets[: octets.size // 8 * 8].view(np.uint64)
    marks = [octets[words.size * 8 :].tobytes()]
    for width in WIDTHS:
        rows = words.size // width
        marks.append(np.add.reduce(words[: rows * width].reshape(rows, width), axis=0).tobytes())
        marks.append(words[rows * width :].tobytes())
    return tuple(marks)


def protect(edges: Any, foreign: list[tuple[np.ndarray, bool]]) -> tuple[Any, tuple[Guard, ...]]:
    """Edges whose saved foreign arrays are copies, and guards for those too large to copy."""
    if not any(edge[3] for edge in edges):
        return edges, ()
    copies: dict[int, np.ndarray] = {}
    guards = []
    for array, blind in foreign:
        if not any(holds(edge[3], array) for edge in edges):
            continue
        if array.size <= COPIED:
            copies[id(array)] = array.copy()
        else:
            guards.append(guard(array, blind))
    if copies:
        edges = [(*edge[:3], exchange(edge[3], copies), edge[4]) for edge in edges]
    return edges, tuple(guards)


def holds(saved: Any, array: np.ndarray) -> bool:
    return saved is array or (type(saved) is tuple and any(holds(s, array) for s in saved))


def exchange(saved: Any, copies: dict[int, np.ndarray]) -> Any:
    if type(saved) is tuple:
        return tuple([exchange(s, copies) for s in saved])
    return copies.get(id(saved), saved)
