"""Calls of scipy.linalg."""

import numpy as np
import scipy.linalg as sl

from calls.call import calls, each

TURNED = np.array([[1.2, -0.9, 0.1], [0.8, 1.1, 0.2], [0.1, 0.3, 1.7]])  # a complex pair of eigenvalues
NEGATIVE = np.array([[-1.3, 0.4, 0.1], [0.2, 1.5, 0.2], [0.1, 0.3, 2.5]])
BAND = np.array([[0.1, 0.2, 0.3, 0.4], [3.0, 2.0, 4.0, 3.0], [0.7, 0.6, 0.8, 0.1], [0.5, 0.4, 0.3, 0.2]])
RIGHT = np.array([0.4, 0.7, 0.2, 0.9])
FUNCTIONS = "SQUARE; DEFINITE; 0.3 * SQUARE + 0.2j * DEFINITE; TURNED; np.stack([SQUARE, TURNED]); SQUARE[:1, :1]"


def linear_calls(*texts):
    return calls(*texts, BAND=BAND, RIGHT=RIGHT, TURNED=TURNED, NEGATIVE=NEGATIVE)


CALLS = {
    sl.solve: calls(
        "SQUARE, V; SQUARE, A.T; DEFINITE, V, assume_a='gen'; SQUARE, V, transposed=True; SQUARE[:1, :1], V[:1]",
        "np.stack([SQUARE, DEFINITE]), A.T; SQUARE, np.stack([A.T, B.T]); SQUARE, [1, 2, 3]; Fixed(SQUARE), V",
        "SQUARE, V, assume_a='sym'; SQUARE, V, True, assume_a='symmetric'; DEFINITE, A.T, assume_a='pos'",
        "DEFINITE + SQUARE, V, assume_a='positive definite', lower=True; SQUARE + 0.2j * DEFINITE, V, assume_a='sym'",
        "SQUARE + 0.2j * DEFINITE, V, assume_a='her'; DEFINITE + 0.2j * SQUARE, V, assume_a='pos', lower=True",
        "SQUARE, V, assume_a='diagonal'; SQUARE, V, assume_a='tridiagonal'; SQUARE, V, assume_a='banded'",
        "SQUARE, V, assume_a='upper triangular'; SQUARE, V, assume_a='lower triangular', transposed=True",
        "SQUARE, V, check_finite=False; np.triu(SQUARE), V",
    ),
    sl.inv: calls("SQUARE; SQUARE + 0.2j * DEFINITE; SQUARE, True"),
    sl.solve_triangular: calls(
        "SQUARE, V; SQUARE, A.T, lower=True; SQUARE, V, trans=1; SQUARE, V, trans='T', lower=True",
        "SQUARE, V, unit_diagonal=True; SQUARE + 0.2j * DEFINITE, V, trans='C'; Fixed(SQUARE), V",
        "SQUARE, V, 2, True, True; np.stack([SQUARE, DEFINITE]), V; SQUARE, np.stack([A.T, B.T]); SQUARE, Fixed(V)",
    ),
    sl.solve_banded: linear_calls(
        "(2, 1), BAND, RIGHT; (1, 1), BAND[:3], RIGHT; (0, 1), BAND[:2], np.stack([RIGHT, RIGHT + 1.0], 1)",
        "(1, 2), BAND[[3, 2, 1, 0]], RIGHT; (0, 0), BAND[1:2], RIGHT; (2, 1), BAND + 0.2j * BAND[::-1], RIGHT",
        "(2, 1), np.stack([BAND, 2.0 * BAND]), RIGHT; (2, 1), BAND, Fixed(RIGHT); (0, 0), BAND[1:2, :1], RIGHT[:1]",
    ),
    sl.solveh_banded: linear_calls(
        "BAND[1:], RIGHT, lower=True; BAND[1:3], RIGHT, lower=True; BAND[:2], np.stack([RIGHT, RIGHT + 1.0], 1)",
        "BAND[[3, 2, 1]], RIGHT; BAND[1:] + 0.2j * BAND[:3], RIGHT, lower=True; BAND[:2] + 0.1j, RIGHT",
        "np.stack([BAND[:2], 2.0 * BAND[:2]]), RIGHT; Fixed(BAND[:2]), RIGHT",
    ),
    sl.solve_toeplitz: linear_calls(
        "RIGHT + [2.0, 0.0, 0.0, 0.0], RIGHT; (RIGHT + [2.0, 0.0, 0.0, 0.0], BAND[2]), BAND.T",
        "RIGHT + [2.0 + 0j, 0.1j, 0.3, 0.0], RIGHT; Fixed(BAND[2, :1]), RIGHT[:1]",
        "np.stack([RIGHT + [2.0, 0.0, 0.0, 0.0]] * 2), RIGHT",
    ),
    sl.solve_circulant: linear_calls(
        "RIGHT + [2.0, 0.0, 0.0, 0.0], RIGHT; RIGHT + [2.0, 0.0, 0.0, 0.0], BAND",
        "RIGHT + [2.0 + 0j, 0.1j, 0.3, 0.0], RIGHT",
    ),
    sl.cholesky: calls("DEFINITE; DEFINITE, lower=True; DEFINITE, True; DEFINITE + SQUARE; DEFINITE + 0.1j * SQUARE"),
    sl.cho_factor: calls("DEFINITE; DEFINITE + SQUARE, lower=True; DEFINITE + 0.1j * SQUARE"),
    sl.cho_solve: calls(
        "(SQUARE, True), V; (SQUARE, False), A.T; (SQUARE + 0.2j * DEFINITE, True), V; (SQUARE, False), Fixed(V)",
        "(SQUARE + 0.2j * DEFINITE, False), V; (np.stack([SQUARE, DEFINITE]), True), A.T",
    ),
    sl.lu_factor: calls("SQUARE; SQUARE[[2, 0, 1]] + 0.1j * DEFINITE; SQUARE[::-1, :2]; A"),
    sl.lu_solve: calls(
        "(SQUARE, np.array([2, 1, 2])), V; (SQUARE, np.array([1, 2, 2])), A.T, 1; (SQUARE, np.array([0, 2, 2])), V, 2",
        "(SQUARE + 0.2j * DEFINITE, np.array([1, 2, 2])), V, 2; (SQUARE + 0.2j * DEFINITE, np.array([1, 2, 2])), V, 1",
        "(np.stack([SQUARE, DEFINITE]), np.array([[1, 2, 2], [0, 2, 2]])), V",
    ),
    sl.lu: calls(
        "SQUARE[[2, 0, 1]]; A; A.T; SQUARE[::-1], permute_l=True; SQUARE[[1, 2, 0]], p_indices=True",
        "SQUARE[[1, 2, 0]] + 0.1j * DEFINITE; np.stack([SQUARE, SQUARE[::-1]]); np.stack([A, B])",
    ),
    sl.polar: calls("SQUARE; A; A.T; A, side='left'; SQUARE, 'left'; SQUARE + 0.2j * DEFINITE; A.T + 0.2j * B.T"),
    sl.orthogonal_procrustes: calls(
        "A.T, B.T; SQUARE, DEFINITE; SQUARE + 0.2j * DEFINITE, SQUARE; SQUARE, Fixed(DEFINITE)"
    ),
    sl.norm: calls("V; A; SIGNED, 1; A, 'fro'; SIGNED, 1, axis=1; V, INF; V, check_finite=False"),
    sl.expm: linear_calls(FUNCTIONS + "; np.zeros((3, 3)); np.eye(3); 0.4; np.triu(SQUARE); 5.0 * TURNED"),
    sl.expm_frechet: linear_calls(
        "0.1 * SQUARE, DEFINITE; TURNED, SQUARE, compute_expm=False; 0.1 * SQUARE, 0.2j * DEFINITE",
        "Fixed(0.1 * TURNED), SQUARE",
        "np.zeros((2, 2)), A[:, :2], 'blockEnlarge'",
    ),
    sl.logm: linear_calls(FUNCTIONS + "; np.eye(3); NEGATIVE"),
    sl.sqrtm: linear_calls(FUNCTIONS + "; np.eye(3); NEGATIVE"),
    sl.signm: linear_calls("SQUARE - 1.2 * np.eye(3); NEGATIVE; SQUARE - (1.2 + 0.1j) * np.eye(3)"),
    sl.fractional_matrix_power: linear_calls(
        "SQUARE, Fixed(0.3); TURNED, Fixed(0.5); SQUARE, 2; SQUARE, -1; SQUARE, 0",
        "SQUARE + 0.2j * DEFINITE, Fixed(-0.7); SQUARE, 0.3; NEGATIVE, Fixed(0.3)",
        "np.stack([SQUARE, DEFINITE]), Fixed(0.3)",
    ),
    **each(
        [sl.cosm, sl.sinm, sl.tanm, sl.coshm, sl.sinhm, sl.tanhm],
        linear_calls("0.3 * SQUARE; 0.3 * TURNED; np.zeros((2, 2))"),
    ),
    sl.solve_sylvester: linear_calls(
        "SQUARE, DEFINITE[:2, :2], A.T; TURNED, TURNED, SQUARE; SQUARE + 0.2j * DEFINITE, 2.0 * SQUARE, DEFINITE",
        "Fixed(SQUARE), DEFINITE, TURNED; SQUARE, Fixed(DEFINITE), Fixed(TURNED)",
        "np.stack([SQUARE, TURNED]), SQUARE, SQUARE",
    ),
    sl.solve_continuous_lyapunov: linear_calls(
        "SQUARE, DEFINITE; TURNED, SQUARE; SQUARE + 0.2j * DEFINITE, SQUARE; Fixed(TURNED), SQUARE",
        "TURNED, Fixed(SQUARE)",
    ),
    sl.solve_discrete_lyapunov: linear_calls(
        "0.3 * SQUARE, DEFINITE; 0.3 * TURNED, SQUARE, 'bilinear'; 0.1 * SQUARE + 0.1j * TURNED, SQUARE",
        "Fixed(0.3 * TURNED), SQUARE; 0.3 * TURNED, Fixed(SQUARE)",
    ),
    sl.solve_continuous_are: linear_calls(
        "SQUARE, A.T, Fixed(DEFINITE), Fixed(DEFINITE[:2, :2]); TURNED, A.T + 0.1j, Fixed(np.eye(3)), Fixed(np.eye(2))",
        "TURNED, SQUARE, Fixed(np.eye(3)), Fixed(DEFINITE), balanced=False",
    ),
    sl.solve_discrete_are: linear_calls(
        "SQUARE, A.T, Fixed(DEFINITE), Fixed(DEFINITE[:2, :2]); TURNED, A.T + 0.1j, Fixed(np.eye(3)), Fixed(np.eye(2))"
    ),
    sl.diagsvd: calls("V, 3, 5; V, 4, 3; V, 3, 3; [0.3, 0.4], 2, 3, listed=True"),
    sl.toeplitz: calls("V; V, A[0]; V, [1.0, 2.0]; COMPLEX[0]; 0.4; V, COMPLEX[1]; [0.3, 0.4], listed=True"),
    sl.matmul_toeplitz: calls("V, A[0]; (V, A[0]), B.T; (A[0, :2], V), A[1]; COMPLEX[0], V"),
    sl.hankel: calls("V; V, A[0]; COMPLEX[0], V"),
    sl.circulant: calls("V; COMPLEX[0]; 0.3"),
    sl.leslie: calls("V, A[0, :2]; COMPLEX[0], A[0, :2]"),
    sl.companion: calls("V; COMPLEX[0]; V[:2]; np.concatenate([V, A[0]])"),
    sl.fiedler: calls("V; V[:1]; np.concatenate([V, A[0]])"),
    sl.fiedler_companion: calls("V; V[:2]; COMPLEX[0]; np.concatenate([V, A[0]]); np.concatenate([V, A[0, :2]])"),
    sl.convolution_matrix: calls(
        "V, 4; V, 2, 'same'; V, 4, mode='valid'; V, 1, 'same'; COMPLEX[0], 5, 'same'; V, 2, 'valid'"
    ),
    sl.block_diag: calls("A, V, 0.4; A; COMPLEX, B; np.stack([A, B]), A; V, [[0.3, 0.2]]"),
    sl.khatri_rao: calls("A, B; SQUARE, A; COMPLEX, B; A, np.stack([A, B])"),
    sl.bandwidth: calls("np.triu(SQUARE); DEFINITE"),
    sl.issymmetric: calls("SQUARE; DEFINITE"),
    sl.ishermitian: calls("SQUARE; DEFINITE"),
}
