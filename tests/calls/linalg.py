"""Calls of numpy.linalg."""

import numpy as np

from calls.call import calls

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
    ),
}
