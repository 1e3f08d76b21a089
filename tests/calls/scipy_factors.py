"""Calls of scipy.linalg: determinants, eigenvalues, singular values, QR and least squares."""

import numpy as np
import scipy.linalg as sl

from calls.call import DEFINITE, SQUARE, calls

HALF = SQUARE + 0.1j * DEFINITE  # one triangle is read
TALL = np.array([[1.0, 0.2], [0.5, -0.8], [0.3, 1.4], [-0.6, 0.9]])


def factor_calls(*texts):
    return calls(*texts, HALF=HALF, TALL=TALL)


CALLS = {
    sl.det: factor_calls("SQUARE; HALF; np.stack([SQUARE, DEFINITE]); SQUARE[:1, :1]; SQUARE, False, False"),
    sl.pinv: factor_calls("SQUARE; TALL; TALL.T; TALL + 0.2j * TALL[::-1]; np.stack([A, B]); TALL, rtol=Fixed(0.01)"),
    sl.pinvh: factor_calls("SQUARE; SQUARE, lower=False; HALF; SQUARE, rtol=Fixed(0.01)"),
    sl.lstsq: factor_calls(
        "TALL, TALL[:, 0] + [0.3, 0.1, 0.7, 0.2]; TALL, np.cos(DEFINITE[[0, 1, 2, 1]])",
        "TALL.T, V[:2]; SQUARE, V, Fixed(0.01)",
    ),
    sl.eigh: factor_calls(
        "SQUARE; DEFINITE + SQUARE, lower=False; SQUARE, eigvals_only=True; SQUARE, subset_by_index=[0, 1]; SQUARE, driver='evd'",
        "SQUARE, DEFINITE; DEFINITE, SQUARE + np.eye(3), lower=False; SQUARE, DEFINITE, eigvals_only=True",
        "HALF, eigvals_only=True; np.stack([SQUARE, DEFINITE]), eigvals_only=True",
    ),
    sl.eigvalsh: factor_calls("SQUARE; SQUARE, lower=False; HALF, DEFINITE; SQUARE, subset_by_index=[1, 2]"),
    sl.eigvalsh_tridiagonal: factor_calls("V, A[0, :2]; 5.0 * V, B[1, :2], 'a'"),
    sl.eig: factor_calls("SQUARE; SQUARE, right=False"),
    sl.eigvals: factor_calls("SQUARE; HALF; SQUARE, overwrite_a=False"),
    sl.svd: factor_calls("SQUARE; TALL, False; TALL.T, full_matrices=False; TALL, compute_uv=False"),
    sl.svdvals: factor_calls("SQUARE; TALL; HALF; np.stack([A, B])"),
    sl.qr: factor_calls(
        "SQUARE; TALL, mode='economic'; TALL, mode='r'; TALL.T; HALF; SQUARE, mode='r'",
        "SQUARE, pivoting=True, mode='r'; TALL, mode='economic', pivoting=True",
    ),
}
