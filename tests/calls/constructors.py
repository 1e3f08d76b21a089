"""Calls of functions that make arrays."""

import numpy as np

from calls.call import calls, each

CONVERSIONS = calls("A; ZERO_D; 0.3; EMPTY; [0.3, 0.6, 2], listed=True")
CONVERSIONS += calls("[[0.3, 1], [V[0], 2.0]], listed=True; [A, B], listed=True; A, dtype=np.float32")
CONVERSIONS += calls("(A, [V, [1, 2, 3]]), listed=True; COMPLEX; A.T, order='F'")
LIKE = calls("A; ZERO_D; A, dtype=np.float32; A, dtype=int; A, shape=(3,); EMPTY")

CALLS = {
    np.array: CONVERSIONS
    + calls(
        "A, ndmin=3; A, copy=False; [0.3, 0.6], float, listed=True; [0.5, 0.25j], listed=True",
        "[0.3, 0.6], dtype=complex, listed=True",
    ),
    **each([np.asarray, np.asanyarray], CONVERSIONS),
    **each([np.asfortranarray, np.asarray_chkfinite], calls("A; A.T; [0.3, 0.6], listed=True")),
    np.diag_indices_from: calls("SQUARE"),
    **each([np.tril_indices_from, np.triu_indices_from], calls("SQUARE; A, 1")),
    np.kaiser: calls("5, 3.2; 4, ZERO_D; 1, 0.5; 0, 0.5"),
    np.ascontiguousarray: calls("A; A.T; [0.3, 0.6], listed=True"),
    np.copy: calls("A; A.T, order='F'; ZERO_D; [0.3, 0.6], listed=True"),
    np.zeros_like: LIKE,
    np.ones_like: LIKE,
    np.empty_like: LIKE,
    np.full_like: calls("A, 0.4; A, 2; A, V; A, 0.4, dtype=np.float32; A, 1.5, shape=(2, 2)"),
    **dict.fromkeys((np.zeros, np.ones), calls("3; (2, 3); 2, np.float32; [2, 2]; ()")),
    np.empty: calls("0; (0, 3); 0, np.float32"),
    np.full: calls("3, 0.4; (2, 3), 0.4; (2, 3), V; (), 0.4; 3, 0.4, np.float32; 0, 0.4"),
    np.linspace: calls(
        "0.1, 0.8; 0.1, 0.8, 5; 0, 0.8, num=4; 0.1, 1, 1; 0.1, 0.8, 4, endpoint=False; V, 0.8, 3",
        "A, B, 3, axis=-1; 0.1, 0.8, 5, retstep=True; 0.1, 0.8, 0",
    ),
    np.logspace: calls(
        "0.1, 0.8, 5; 0.1, 1, 3, False; 0.2, 0.6, 4, base=2.5; V, 0.8, 3; 0.1, 0.9, 3, base=V",
        "0.3, 0.8, 3, dtype=np.float32; A, B, 3, axis=-1; 0.1, 0.8, 0",
    ),
    np.geomspace: calls(
        "0.1, 0.8, 5; 0.1, 8, 4, endpoint=False; -0.2, -0.7, 3; V, 0.8, 3; A, B, 3, axis=-1; 0.4, 0.9, 1; 0.4, 0.9, 0",
        "0.1, 0.8, num=2; 0.3, 0.8, 3, dtype=np.float32",
    ),
    np.arange: calls("0.1, 0.8, 0.2; 2.5; 0.1, 3; 1, Fixed(2.4), 0.4; 3, Fixed(0.5), -0.7"),
}
if hasattr(np, "astype"):  # NumPy 2.1
    CALLS[np.astype] = calls("A, np.float32; A, int; A, float, copy=False; COMPLEX, complex")
