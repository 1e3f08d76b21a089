"""Calls of reductions and running sums."""

import numpy as np

from calls.call import calls, each, in_numpy

REDUCE = calls("A; A, axis=0; A, 1; A, axis=-1, keepdims=True; CUBE, axis=(0, -1); 0.3")
REDUCE += calls("A, keepdims=True; ZERO_D; CUBE, axis=(2, 0), keepdims=True; [0.3, 0.6], listed=True")
REDUCE += calls("A, axis=np.int64(1); A.T, axis=0; A, axis=()")
EXTREMA = REDUCE + calls("A, where=MASK, initial=0.4; A, axis=1, initial=0.6")
EXTREMA += calls("EMPTY, axis=1; EMPTY, axis=0, initial=0.6")
RUNNING = calls("A; A, 0; A, axis=-1; V; EMPTY, axis=0; A, axis=1, dtype=np.float32")
RUNNING += calls("[0.3, 0.6], listed=True; 0.3")
POSITION = calls("A; A, 0; A, axis=-1; A, axis=1, keepdims=True; V; A, keepdims=True")
QUANTIFIED = calls("A; A, axis=0; A, axis=(0, 1); A, axis=-1, keepdims=True; EMPTY, axis=0")
QUANTIFIED += calls("A > 0.5, axis=1; A, prepare=above_half, axis=0; A, prepare=above_half, axis=0, **WHERE")
SPREAD = REDUCE + calls("A, ddof=1; A, axis=1, ddof=1; A, axis=0, **WHERE, ddof=Fixed(0.5); COMPLEX")
SPREAD += calls("A, axis=1, correction=1; A, axis=1, mean=np.mean(A, axis=1, keepdims=True); A, **ROWS")

NANS = np.array([[0.4, np.nan, 0.2, 0.9], [0.3, 0.8, 0.5, 0.6], [np.nan, 0.7, 0.1, np.nan]])
NAN = calls("NANS; NANS, 1; NANS, axis=0, keepdims=True; A; CUBE, (0, 2); NANS, axis=1, out=True; V, 0", NANS=NANS)

CALLS = {
    np.sum: REDUCE
    + calls(
        "A, axis=0, out=True; A, **WHERE; A, initial=0.7; A, 0, initial=2, **ROWS; EMPTY; COMPLEX",
        "A, dtype=np.float32; A.astype(np.float32), dtype=np.float64",
    ),
    np.mean: REDUCE
    + calls("A, axis=0, out=True; A, **WHERE; A, axis=0, **ROWS, keepdims=True; EMPTY, axis=1; COMPLEX, 0"),
    np.var: SPREAD,
    np.std: SPREAD,
    **each([np.max, np.amax, np.min, np.amin], EXTREMA),
    np.prod: REDUCE + calls("A, **WHERE; A, initial=0.7; EMPTY; np.array([0.4, 0.0, 0.3]); COMPLEX"),
    np.cumsum: RUNNING,
    np.cumprod: RUNNING + calls("np.array([0.4, 0.0, 0.3])"),
    np.argmax: POSITION,
    np.argmin: POSITION,
    np.any: QUANTIFIED,
    np.all: QUANTIFIED,
    np.trace: calls("SQUARE; A, 1; CUBE; CUBE, offset=-1, axis1=2, axis2=1; SQUARE, dtype=np.float32"),
    np.ptp: calls("A; A, 0; A, axis=(0, 1), keepdims=True; V; A, 1, out=True; 0.3"),
    np.count_nonzero: calls("A; SIGNED > 0.0; A, axis=1; A, axis=0, keepdims=True"),
    np.average: calls(
        "A; A, 0; A, weights=B; A, 1, V; A, axis=1, weights=B, keepdims=True; A, 0, [0.3, 0.6]",
        "A, 1, V, True; A, None, None, True",
        "CUBE, (2, 0), CUBE[:, 0].T; INTS, 1, V; COMPLEX, 1, V; A, 1, returned=True; A, 1, [1, 2, 3]",
    ),
    **each([np.nansum, np.nanprod], NAN + calls("NANS, axis=1, where=NANS > 0.3; NANS, initial=0.4", NANS=NANS)),
    **each([np.nanmean, np.nanmax, np.nanmin], NAN),
    **each([np.nanvar, np.nanstd], NAN + calls("NANS, axis=1, ddof=1; A, 1, correction=1", NANS=NANS)),
    **each([np.nancumsum, np.nancumprod], calls("NANS; NANS, 1; A, axis=0", NANS=NANS)),
    **each([np.nanargmax, np.nanargmin], calls("NANS; NANS, 1; A, axis=0; NANS, axis=1, keepdims=True", NANS=NANS)),
    np.cov: calls(
        "A; V; A, B; A, rowvar=False; A, bias=True; A, ddof=0; A, fweights=[1, 2, 3]; A, aweights=V; V, V[::-1]; V, A",
        "A[:, :1], A[:, 1:2], rowvar=False; COMPLEX; A, fweights=[1, 2, 3], aweights=V; A, dtype=np.float64",
        "A, fweights=[1, 2, 3], aweights=V, ddof=0",
    ),
    np.corrcoef: calls(
        "A[:, :2] + B[:, 1:]; SQUARE; SQUARE, DEFINITE; SQUARE, rowvar=False", "SQUARE + 1j * SQUARE.T**2"
    ),
}
CALLS |= in_numpy("cumulative_sum", "V; A, axis=1; A, axis=0, include_initial=True; V, dtype=np.float32")
CALLS |= in_numpy("cumulative_prod", "V; A, axis=1; A, axis=0, include_initial=True")
