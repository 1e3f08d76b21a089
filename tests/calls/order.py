"""Calls of sorting, order statistics and sets."""

import numpy as np

from calls.call import Fixed, calls, each, in_numpy

TIES = np.array([0.4, 0.2, 0.4, 0.7, 0.2])
SORTED = calls("A; A, 0; A, axis=None; V; CUBE, axis=1; [0.6, 0.3], listed=True; EMPTY; A, kind='stable'; COMPLEX")
QUANTILES = [0.0, 0.13, 0.5, 0.9, 1.0]
METHODS = (
    "linear lower higher midpoint nearest inverted_cdf averaged_inverted_cdf closest_observation "
    "interpolated_inverted_cdf hazen weibull median_unbiased normal_unbiased"
).split()
WITH_NAN = np.array([[0.4, np.nan, 0.2, 0.9], [0.3, 0.8, 0.5, 0.6], [np.nan, np.nan, 0.1, np.nan]])


def quantile_calls(unit):
    shares = {"Q": Fixed([unit * q for q in QUANTILES]), "q": 0.37 * unit, "half": Fixed(0.5 * unit)}
    texts = [f"CUBE, Q, axis=1, method={method!r}" for method in METHODS]
    texts += [f"V, half, method={method!r}" for method in METHODS]
    texts += ["A, q; A, q, axis=1; CUBE, q, axis=(0, 2), keepdims=True"]
    texts += ["A, [[half.value, half.value]]; A, q, 0, out=True"]
    texts += ["A, q, method='hazen'; CUBE, np.array([0.3 * q, 1.2 * q]), axis=-1"]
    texts += ["A, Q, keepdims=True; V, q, method='weibull'"]
    return calls(*texts, **shares)


CALLS = {
    np.sort: SORTED,
    np.argsort: SORTED,
    np.partition: calls("V, 1; A, 1; A, [0, 2]; CUBE, 1, axis=1; A, 2, axis=None; A, -1, 0"),
    np.argpartition: calls("V, 1; A, 1; CUBE, 1, axis=1; A, 2, axis=None"),
    np.sort_complex: calls("COMPLEX; V"),
    np.lexsort: calls("(V, V + 0.1); A; CUBE, axis=0"),
    np.searchsorted: calls("np.sort(V), A; np.sort(V), 0.5; np.sort(V), V, 'right'; V, A, sorter=np.argsort(V)"),
    np.digitize: calls("A, np.sort(V); A, np.sort(V)[::-1]; 0.5, np.sort(V), right=True; V, np.sort(V), True"),
    np.median: calls("V; A; A, axis=0; CUBE, axis=(0, 2), keepdims=True; A, 1, out=True; 0.3; [0.3, 0.6], listed=True"),
    np.nanmedian: calls("V; A, axis=1; WITH_NAN, axis=1; WITH_NAN; WITH_NAN, 0, keepdims=True", WITH_NAN=WITH_NAN),
    **each([np.quantile, np.nanquantile], quantile_calls(1.0)),
    **each([np.percentile, np.nanpercentile], quantile_calls(100.0)),
    np.unique: calls(
        "A; TIES, True; TIES, return_inverse=True; TIES, True, True, True; A, axis=0; A, equal_nan=False",
        "TIES; Fixed(np.stack([V, V])), axis=0",
        TIES=Fixed(TIES),
    ),
    **each([np.unique_values, np.unique_counts, np.unique_inverse, np.unique_all], calls("A; TIES", TIES=Fixed(TIES))),
    np.union1d: calls("V, A; V, [0.5, 0.9]"),
    np.setdiff1d: calls("A, Fixed(V); Fixed(V), Fixed(V[:2]); V, Fixed(B[0]), assume_unique=True"),
    np.setxor1d: calls("V, A; Fixed(V), Fixed(V[:2])"),
    np.intersect1d: calls("Fixed(V), Fixed(V[1:]); Fixed(V), Fixed(V[1:]), return_indices=True"),
    np.isin: calls("A, [0.31, 0.9]; A, V, invert=True"),
    np.bincount: calls("INTS[0]; INTS[0], V; INTS[0], V, 7; INTS[0], weights=Fixed(V), minlength=1; INTS[0], INTS[1]"),
    np.histogram_bin_edges: calls("A; A, 4; A, 4, (0, 1); A, 3, (0.1, 1.2); A, Fixed(np.sort(V)); A, 'sturges'"),
    np.histogram: calls(
        "Fixed(A), 4; A, 4, (0, 1); Fixed(A), 3, weights=B; A, Fixed(np.sort(V)), weights=B; Fixed(A), 3, density=True",
        "Fixed(A), 4, (0, 1), weights=B, density=True; A, 4",
    ),
}
CALLS[np.nanquantile] = CALLS[np.nanquantile] + calls(
    "WITH_NAN, 0.4, axis=1; WITH_NAN, [0.2, 0.9], 1; WITH_NAN, 0.4; WITH_NAN, Fixed([0.3, 0.5]), 1, method='lower'",
    WITH_NAN=WITH_NAN,
)
CALLS |= in_numpy("in1d", "A, [0.31, 0.9]; A, V, invert=True")
