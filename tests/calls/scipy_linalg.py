"""Calls of scipy.linalg."""

import scipy.linalg as sl

from calls.call import calls

CALLS = {
    sl.solve: calls("SQUARE, V; SQUARE, A.T; DEFINITE, V, assume_a='gen'; SQUARE, V, transposed=True"),
    sl.inv: calls("SQUARE; SQUARE + 0.2j * DEFINITE"),
    sl.solve_triangular: calls(
        "SQUARE, V; SQUARE, A.T, lower=True; SQUARE, V, trans=1; SQUARE, V, trans='T', lower=True",
        "SQUARE, V, unit_diagonal=True; SQUARE + 0.2j * DEFINITE, V, trans='C'; Fixed(SQUARE), V",
    ),
    sl.cholesky: calls("DEFINITE; DEFINITE, lower=True; DEFINITE, True"),
    sl.norm: calls("V; A; SIGNED, 1; A, 'fro'; SIGNED, 1, axis=1; V, INF"),
}
