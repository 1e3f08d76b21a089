"""Calls of functions that arrange and join."""

import numpy as np

from calls.call import calls, each, in_numpy

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
    np.dstack: calls("[A, B]; [V, V + 0.1]; [0.3, 0.6]; [CUBE, CUBE]"),
    np.append: calls("A, B; A, 0.3; A, B, axis=0; V, [1.0, 2.0]; [0.3], V; A, B, 1; INTS, A; EMPTY, A, 0"),
    np.block: calls(
        "[A, B]; [[A, B], [B, A]]; [[A], [B]]; [V, 0.3]; A; [[A, A[:, :1]], [np.ones((1, 4))]]; [[V], [INTS]]",
    ),
    np.atleast_3d: calls("0.3; V; A; CUBE; V, A"),
    np.rollaxis: calls("CUBE, 2; CUBE, 1, 3; CUBE, -1, 1; A, 0"),
    np.fliplr: calls("A; CUBE"),
    np.flipud: calls("A; V; CUBE"),
    np.rot90: calls("A; A, 2; A, -1; A, 0; CUBE, 1, (1, 2); CUBE, 3, (0, 2); A, 1, (1, 0)"),
    np.split: calls("V, 3; A, 3, axis=1; A, [1], 1; CUBE, [1, 3], axis=-1; V, [2, 1]; V, [-1]; V, np.array([1, 9])"),
    np.array_split: calls("V, 2; A, 2, axis=1; CUBE, 3, -1; V, [1]; V, 5"),
    np.hsplit: calls("A, 3; V, [1]; CUBE, 3"),
    np.vsplit: calls("A, 2; CUBE, [1]"),
    np.dsplit: calls("CUBE, 2; CUBE, [1, 3]"),
    np.require: calls("A; A, np.float32; A, None, 'C'; 0.3"),
    np.meshgrid: calls(
        "V, A[0]; V, A[:, 0], indexing='ij'; V, V, sparse=True; V, 0.3; V; V, V[:2], [1, 2]",
        "V, A[0], copy=False; V, V[:2], sparse=True, indexing='ij'",
    ),
    np.roll: calls("V, 1; A, 1; A, -1, axis=1; A, (1, 2), axis=(0, 1); A, 7, 1; CUBE, 2, (0, 2); EMPTY, 1; A, 0, 0"),
    np.tile: calls("V, 2; A, (2, 1); V, (2, 2); CUBE, (1, 2); 0.3, 3; A, 0; [0.3, 0.6], 2, listed=True"),
    np.repeat: calls("V, 2; A, 2; A, 3, axis=1; A, [1, 2], axis=0; V, [0, 2, 1]; 0.3, 3; CUBE, np.array([2]), -1"),
    np.resize: calls("A, (3, 4); A, 4; V, (2, 2); A, (0,); EMPTY, 2"),
    np.insert: calls(
        "V, 1, 0.5; V, [0, 2], [0.5, 0.6]; A, 1, 0.5; A, 1, V, axis=0; A, [0, 2], B[:, :2], axis=1; V, -1, 2",
        "V, slice(0, 2), 0.4; A, 1, [0.1, 0.2], axis=1; INTS, 1, 0.7; V, np.array([True, False, True]), 0.5",
    ),
    np.delete: calls("V, 1; A, 1; A, 0, axis=1; A, [0, 2], 1; V, slice(None, None, 2); V, [True, False, False]; V, []"),
    np.trim_zeros: calls("V; Fixed(np.array([0.0, 0.3, 0.0, 0.6, 0.0])), 'f'"),
    np.diag: calls("V; V, 1; V, -2; SQUARE; SQUARE, 1; A; [0.3, 0.6], listed=True; A, -1; EMPTY[:, 0]"),
    np.diagonal: calls("SQUARE; A, 1; A, offset=-1; CUBE; CUBE, 0, 0, 2; CUBE, 0, -1, 0"),
    np.diagflat: calls("V; A; V, 1; 0.3; [[0.3, 0.6]], -1, listed=True"),
    **each([np.tril, np.triu], calls("A; SQUARE, 1; CUBE, -1; V; SQUARE + 0.1j; EMPTY; INTS")),
}


CALLS |= in_numpy("row_stack", "[A, V]")
CALLS |= in_numpy("unstack", "A; CUBE, axis=1; A, axis=-1; V")
