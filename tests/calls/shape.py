"""Calls of functions that arrange and join."""

import numpy as np

from calls.call import calls, each

CALLS = {
    **each([np.shape, np.ndim], calls("A; 0.3; ZERO_D; [[0.3, 0.4]], listed=True")),
    np.size: calls("A; A, 1; A, axis=-1; EMPTY"),
    np.reshape: calls(
        "A, 6; A, (3, 2); A, (-1, 2); A, [3, -1]; A, (3, 2), order='F'; A.T, -1; CUBE, (4, -1), order='F'",
        "ZERO_D, (1, 1); EMPTY, (3, 0); 0.3, 1; A, shape=(6,); [0.3, 0.6], (2, 1), listed=True",
    ),
    np.ravel: calls("A; A, order='F'; ZERO_D; 0.3; [[0.3, 0.6]], listed=True"),
    np.transpose: calls("A; CUBE, (2, 0, 1); CUBE, (-1, 0, 1); V; CUBE, axes=[1, 0, 2]"),
    np.swapaxes: calls("A, 0, 1; CUBE, -1, 0; CUBE, 1, 1"),
    np.linalg.matrix_transpose: calls("A; CUBE"),
    np.matrix_transpose: calls("A; CUBE"),
    np.moveaxis: calls("CUBE, 0, -1; CUBE, (0, 1), (-1, 0); CUBE, -1, 0"),
    np.expand_dims: calls("A, 0; A, -1; A, (0, 2); 0.3, 0"),
    np.squeeze: calls("A[None]; A[:, None], axis=1; A[None, :, None], axis=(0, -2); A"),
    np.broadcast_to: calls("V, (2, 3); 0.3, (2, 2); A[:, :1], (2, 3); ZERO_D, 4; A, (2, 3)"),
    np.broadcast_arrays: calls("A, V; A, 0.3; A[:, :1], V"),
    np.atleast_1d: calls("0.3; V; 0.3, A"),
    np.atleast_2d: calls("0.3; V; V, CUBE"),
    np.flip: calls("A; A, 0; A, axis=-1; CUBE, (0, 2); V"),
    np.concatenate: calls(
        "[A, B]; (A, B), axis=1; [A, B], -1; [A, B], axis=None; [V, [1.0, 2.0]]; [A, INTS]; [A, EMPTY]; [V]",
        "[A, COMPLEX]; [V, V], dtype=np.float32; [[0.3], V]",
    ),
    np.stack: calls(
        "[A, B]; (A, B), axis=1; [A, B], axis=-1; [0.3, 0.6]; [V, [1, 2, 3]]; [V, V + 1], dtype=np.float32"
    ),
    np.hstack: calls("[A, B]; [V, 0.3]; [0.3, 0.6]; [V, V], dtype=np.float32"),
    np.vstack: calls("[A, V]; [V, V + 0.1]; [0.3, 0.6]"),
    np.column_stack: calls("[V, V + 0.1]; [A, A[:, :1]]; [A, A[:, 0]]"),
}
