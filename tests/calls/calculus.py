"""Calls of differences, integrals, interpolation, polynomials and convolutions."""

import numpy as np

from calls.call import calls, each, in_numpy

KNOTS = np.array([0.1, 0.35, 0.7, 0.9])
HEIGHTS = np.array([0.5, -0.4, 0.8, 0.3])
PHASES = np.array([0.3, 3.4, 6.9, 13.0, 12.0])
LONG = np.array([0.4, -0.3, 0.9, 0.7, -0.2])

CALLS = {
    np.diff: calls(
        "V; A; A, axis=0; CUBE, 2, 1; V, n=0; V, 4; A, prepend=0.3; A, 1, 0, append=B",
        "A, prepend=V[:2, None], append=0",
        "COMPLEX; INTS, prepend=0.5; EMPTY",
    ),
    np.ediff1d: calls("V; A; V, 0.4; V, to_begin=[0.1, 0.2]; V, V[:2], 0.3"),
    np.gradient: calls(
        "V; A; V, 0.3; V, np.array([0.1, 0.5, 0.8]); A, axis=1; CUBE, 0.2, 0.3, axis=(0, 2); V, edge_order=2",
        "V, np.array([0.1, 0.5, 0.8]), edge_order=2; CUBE, KNOTS, axis=2, edge_order=2",
        "A, 0.5, np.array([0.1, 0.5, 0.8])",
        "V, Fixed(np.array([0.0, 0.5, 1.0])); COMPLEX, 0.3; [0.3, 0.7, 0.2], listed=True",
        KNOTS=KNOTS,
    ),
    np.trapezoid: calls(
        "V; A; A, dx=0.3; A, V; A, [0.1, 0.6], axis=0; CUBE, CUBE + 0.1 * CUBE**2, axis=1; V, [1, 2, 4]; COMPLEX, V",
        "A[0], A",
    ),
    np.interp: calls(
        "V, KNOTS, HEIGHTS; A, KNOTS, HEIGHTS, 0.2, 0.6; 0.5, KNOTS, HEIGHTS; [-0.2, 1.4], KNOTS, HEIGHTS",
        "[-0.2, 1.4], KNOTS, HEIGHTS, left=0.3, right=0.7; 3.0 * A, KNOTS, HEIGHTS, period=Fixed(1.0)",
        "A, KNOTS, HEIGHTS + 0.3j; V, Fixed(KNOTS), HEIGHTS; A, KNOTS[:1], HEIGHTS[:1]; A, [0, 1, 2], [1.0, 3.0, 2.0]",
        "Fixed(KNOTS), Fixed(KNOTS), HEIGHTS; 0.3, [0.0, 1.0], [0.5, 0.9]",
        KNOTS=KNOTS,
        HEIGHTS=HEIGHTS,
    ),
    np.unwrap: calls("P; np.stack([P, 0.9 * P]); P, axis=0; P, 4.0; P, period=5.0; V", P=PHASES),
    np.polyval: calls("V, 0.3; V, A; [1, 2, 3], A; COMPLEX[0], 0.4; V, V; [0.3], 2.0"),
    **each([np.polyadd, np.polysub], calls("V, V[:2]; V[:1], V; V, 0.3; V, [1, 2, 3, 4]")),
    np.polymul: calls("V, V[:2]; V, 0.3; V, [0, 1, 2]; [0.3, 0.6], V"),
    np.polyder: calls("V; V, 2; LONG, m=3; V, 0; V, 4", LONG=LONG),
    np.polyint: calls("V; V, 2; V, 2, [0.1, 0.2]; V, 2, 0.3; V, k=0.4; V, 0"),
    np.poly: calls("V; COMPLEX[0]"),
    np.vander: calls("V; V, 2; V, 4, increasing=True; V, 0; COMPLEX[0]; [0.3, 0.6], listed=True"),
    **each(
        [np.convolve, np.correlate],
        calls(
            *[
                f"LONG, V, {m}; V, LONG, {m}; LONG, V[:2], {m}; V[:2], LONG, {m}"
                for m in ("'full'", "'same'", "'valid'")
            ],
            "V, V + 0.1; LONG, [1, 2]; COMPLEX[0], LONG; LONG, COMPLEX[0]; COMPLEX[1], COMPLEX[0], 'full'",
            LONG=LONG,
        ),
    ),
    np.cross: calls(
        "V, V[::-1]; A, B; A, V; CUBE, CUBE**2, axis=1; A, B[::-1], axisc=0; A.T, B, axisa=0; A.T, B, 0, 1, 0",
        "V, [1, 2, 3]",
    ),
    np.linalg.cross: calls("V, V[::-1]; A, B; CUBE, CUBE**2, axis=1"),
    np.kron: calls("V, V; A, B; A, V; V, A; 0.3, A; CUBE, V; A, INTS; COMPLEX, V"),
}
CALLS |= in_numpy("trapz", "V; A, V")
