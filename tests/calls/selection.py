"""Calls of functions that choose elements; those that write do it in a copy, which is the result."""

import numpy as np

from calls.call import A, calls

FIRST = np.array([[0, 2, 1], [1, 0, 2]])

CALLS = {
    np.take: calls(
        "V, [0, 2, 0]; A, [5, 0]; A, 1, axis=0; A, [[0, 1], [2, 2]], axis=1; CUBE, -1, 2; V, [4, -5], mode='wrap'",
        "V, [4, -5], mode='clip'; A, [0, -1], 1, out=True; V, np.array([True, False]); CUBE, [1, 0], 0; V, INTS - 2",
    ),
    np.take_along_axis: calls("A, FIRST, 1; A, FIRST[:1] % 2, 0; A, FIRST[0], None; A, FIRST - 3, axis=-1", FIRST=FIRST)
    + calls("CUBE, np.array([[[1, 0, 2, 3]]]), -1; CUBE[:, :1], np.argsort(CUBE[:1], 2), 2"),
    np.choose: calls(
        "[0, 1, 0], [V, V + 1]; np.array([1, 0]), [A[:, :1], 0.5]; [3, -1, 0], [V, V + 1], mode='wrap'",
        "[3, -1, 0], [V, V + 1], mode='clip'; FIRST % 2, (V, 2.0 * V); [0, 1, 1], A, out=True",
        FIRST=FIRST,
    ),
    np.compress: calls("[True, False, True], A, axis=1; [False, True], A, 0; [0, 1, 1], A; [True, False], V"),
    np.extract: calls("MASK, A; [1, 0, 1], V"),
    np.flatnonzero: calls("A; MASK"),
    np.argwhere: calls("A; MASK"),
    np.select: calls(
        "[MASK, ~MASK], [A, B]; [MASK], [A], 0.4; [MASK, np.array([True, True, False])], [A, V], V; [MASK], [0.3], A",
        "[MASK, MASK], [A, 2.0 * A], default=INTS",
    ),
    np.piecewise: calls(
        "V, [V < 0.5, V >= 0.5], [np.sin, np.cos]; A, [A < 0.5], [np.sqrt, 0.5]; V, V > 0.3, [np.exp]",
        "V, [V > 0.3], [lambda x, k: k * x], 2.0; 0.3, [True], [np.sin, np.cos]; V, [V > 9.0], [np.log, lambda x: x]",
    ),
    np.copyto: calls("A, B; A, 0.3; A, V; A, B, where=MASK; A, [0.1, 2.0, 0.3]"),
    np.put: calls(
        "A, [0, 4], [0.1, 0.2]; A, [1, 1, 2], V; A, [7, -9], V[:2], 'wrap'; A, 9, 0.4, mode='clip'",
        "V, [0, 2], 1",
    ),
    np.putmask: calls("A, MASK, B; A, MASK, V[:2]; A, MASK, 0.4; V, [True, False, True], [1, 2]"),
    np.place: calls("A, MASK, B; A, MASK, V[:2]; A, MASK, [0.4]; A, A > 9.0, V"),
    np.put_along_axis: calls(
        "A, FIRST, B, 1; A, FIRST[:1, :1], 0.4, axis=1; A, FIRST[:1] % 2, V, 0; A, FIRST[1], 0.3, None", FIRST=FIRST
    ),
    np.fill_diagonal: calls(
        "SQUARE, 0.3; A, V; np.tile(A, (3, 1)), 0.4, wrap=True; SQUARE, V[:2]",
        "CUBE[:, :2, :2], 0.5",
    ),
    np.apply_along_axis: calls(
        "np.sum, 0, A; np.cumsum, 1, A; lambda v: v[0] * v[1], -1, CUBE; lambda v: np.outer(v, v), 1, A",
        "lambda v, k: k * v, 0, A, 2.0; np.sort, 1, CUBE",
    ),
    np.apply_over_axes: calls("np.sum, CUBE, [0, 2]; np.max, A, 1; np.mean, CUBE, (0, -1)"),
}
WRITING = (np.copyto, np.put, np.putmask, np.place, np.put_along_axis, np.fill_diagonal)
assert A.flags.writeable
