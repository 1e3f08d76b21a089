"""Calls of numpy.linalg."""

import numpy as np

from calls.call import DEFINITE, SQUARE
from calls.call import calls as calls_of

TURNING = SQUARE + 0.2j * DEFINITE
STACK = np.stack([SQUARE, DEFINITE])
LINES = np.array([[2.0, 0.3, 0.1], [0.4, 1.5, 0.2], [2.4, 1.8, 0.3]])  # singular
ROTATION = np.array([[0.5, -1.2, 0.1], [0.9, 0.3, 0.4], [0.2, -0.3, 1.7]])  # a conjugate pair of eigenvalues
GRID = 2.0 * np.eye(6) + np.arange(36).reshape(6, 6) / 50
OPERANDS = {"GRID": GRID, "TURNING": TURNING, "STACK": STACK, "LINES": LINES, "ROTATION": ROTATION}


def calls(*texts):
    return calls_of(*texts, **OPERANDS)


CALLS = {
    np.linalg.solve: calls(
        "SQUARE, V; SQUARE, A.T; SQUARE, Fixed(V); Fixed(SQUARE), V; SQUARE, [1, 2, 3]",
        "np.stack([SQUARE, DEFINITE]), A.T; SQUARE + 0.2j * DEFINITE, V; np.stack([SQUARE] * 2), A[..., None]",
    ),
    np.linalg.cholesky: calls("DEFINITE; np.stack([DEFINITE, DEFINITE + SQUARE]); DEFINITE, upper=True"),
    np.linalg.inv: calls("SQUARE; np.stack([SQUARE, DEFINITE]); SQUARE + 0.2j * DEFINITE"),
    np.linalg.norm: calls(
        "V; A; A, 'fro'; A, axis=1; A, None, -1, True; CUBE, axis=(0, 2); CUBE; COMPLEX; A, keepdims=True",
        "SIGNED, 1; SIGNED, INF; SIGNED, -1; SIGNED, MINUS_INF; CUBE, 'fro', axis=(1, 2)",
        "SIGNED, 0, axis=1; SIGNED, 1, axis=1; SIGNED, 2, axis=1; SIGNED, 3, axis=1; SIGNED, Fixed(2.5), axis=1",
        "SIGNED, -1, axis=1; SIGNED, INF, axis=1; SIGNED, MINUS_INF, axis=1",
        "V, 0; V, 1; V, 2; V, 3; V, Fixed(0.5); V, INF",
        "SIGNED, 2; SIGNED, -2; SIGNED, 'nuc'; SIGNED, 2, keepdims=True; CUBE[:, :2], 'nuc', axis=(2, 0)",
        "CUBE[:, :2], 1, axis=(2, 0); CUBE, INF, axis=(0, 2), keepdims=True; CUBE, MINUS_INF, axis=(-1, 0); COMPLEX, 2",
        "COMPLEX, 'nuc'; COMPLEX, 1",
    ),
    np.linalg.matrix_norm: calls("SIGNED; CUBE; SIGNED, ord=2; CUBE, ord=1, keepdims=True; SIGNED, ord='nuc'"),
    np.linalg.vector_norm: calls("V; CUBE; CUBE, axis=1; CUBE, axis=(0, 2), keepdims=True; SIGNED, ord=1; V, ord=INF"),
    np.linalg.det: calls("SQUARE; np.stack([SQUARE, DEFINITE]); TURNING; SQUARE[:0, :0]; LINES; SQUARE[:1, :1]"),
    np.linalg.slogdet: calls("SQUARE; np.stack([SQUARE, DEFINITE]); TURNING; -SQUARE"),
    np.linalg.pinv: calls(
        "SQUARE; A; A.T; CUBE[:, :2]; COMPLEX; DEFINITE, hermitian=True; A, 1e-8; A, rtol=None; A, rtol=1e-9; EMPTY",
    ),
    np.linalg.lstsq: calls(
        "A.T, V; A, V[:2]; A.T, SIGNED.T; SQUARE, V; A.T, V, 1e-8; A.T, V, -1",
        "COMPLEX.T, V; Fixed(A.T), V; A.T, [1, 2, 4]",
    ),
    np.linalg.matrix_rank: calls("A; LINES; CUBE; V; SQUARE, 2.0; DEFINITE, hermitian=True; A, rtol=0.5"),
    np.linalg.cond: calls(
        "SQUARE; A; SQUARE, 2; SQUARE, -2; SQUARE, 1; SQUARE, 'fro'; STACK; STACK, INF; TURNING, 'nuc'"
    ),
    np.linalg.qr: calls(
        "SQUARE; A; A.T; A.T, 'reduced'; A.T, 'r'; A, 'r'; A.T, 'complete'",
        "STACK; TURNING; COMPLEX.T; A, mode='complete'",
    ),
    np.linalg.svd: calls(
        "SQUARE; A; A.T; A, full_matrices=False; A.T, False; A, compute_uv=False; STACK; DEFINITE, hermitian=True",
        "SQUARE, False, False, True; COMPLEX, compute_uv=False",
    ),
    np.linalg.svdvals: calls("SQUARE; A; A.T; CUBE[:, :2]; COMPLEX"),
    np.linalg.eigh: calls("DEFINITE; SQUARE; SQUARE, 'U'; SQUARE, UPLO='u'; STACK; SQUARE[:0, :0]"),
    np.linalg.eigvalsh: calls("DEFINITE; SQUARE; SQUARE, 'U'; SQUARE, UPLO='L'; STACK; TURNING"),
    np.linalg.eig: calls("SQUARE; DEFINITE; STACK; TURNING; ROTATION; SQUARE[:0, :0]"),
    np.linalg.eigvals: calls("SQUARE; DEFINITE; STACK; TURNING; ROTATION"),
    np.linalg.matrix_power: calls(
        "SQUARE, 0; SQUARE, 1; SQUARE, 2; SQUARE, 3; SQUARE, 5; SQUARE, 6",
        "SQUARE, -1; SQUARE, -3; STACK, 4; TURNING, -2",
    ),
    np.linalg.multi_dot: calls(
        "[A, A.T], listed=True; [A, SQUARE, B.T], listed=True; [V, SQUARE, B.T], listed=True",
        "[A, SQUARE, V], listed=True",
        "[V, SQUARE, V], listed=True; [A, B.T, A, SQUARE], listed=True; [V, A.T, B, SQUARE, V], listed=True",
        "[A, TURNING, B.T], listed=True",
    ),
    np.linalg.tensorsolve: calls(
        "GRID.reshape(2, 3, 6), SIGNED; GRID.reshape(2, 3, 3, 2), SIGNED; GRID.reshape(6, 2, 3), SIGNED, (0,)"
    ),
    np.linalg.tensorinv: calls("GRID.reshape(2, 3, 6); SQUARE, 1; GRID.reshape(6, 2, 3), ind=1"),
    np.linalg.trace: calls("SQUARE; CUBE; CUBE, offset=1; COMPLEX, offset=-1"),
    np.linalg.diagonal: calls("SQUARE; CUBE; CUBE, offset=1; A, offset=-1"),
    np.linalg.outer: calls("V, A[0]; V, COMPLEX[0]; V, [1, 2]"),
    np.linalg.matmul: calls("A, B.T; A, V; CUBE, CUBE[0].T"),
    np.linalg.tensordot: calls("A, B; A, B.T, axes=1; CUBE, A, axes=([1], [1])"),
    np.linalg.vecdot: calls("A, B; A, V; A, B, axis=0; A[0], A.T, axis=0; COMPLEX, A; A, COMPLEX; CUBE, CUBE[:, :1]"),
}
