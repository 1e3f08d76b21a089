"""Calls of np.pad."""

import numpy as np

from calls.call import calls

CALLS = {
    np.pad: calls(
        "V, 2; A, 1; A, ((1, 0), (0, 2)); V, (1, 2), 'edge'; A, 1, mode='edge'; V, 1, constant_values=0.4",
        "A, 1, constant_values=((0.1, 0.2), (0.3, 0.4)); A, 1, constant_values=(0.1, 0.2)",
        "V, 2, 'reflect'; V, 5, 'reflect'; A, 2, 'symmetric'; A, (1, 2), 'wrap'; V, 7, 'wrap'; A, 4, 'symmetric'",
        "V, 2, 'reflect', reflect_type='odd'; V, 5, 'reflect', reflect_type='odd'",
        "A, 3, 'symmetric', reflect_type='odd'",
        "V[:1], 2, 'reflect', reflect_type='odd'; V, 3, 'linear_ramp'; A, 2, 'linear_ramp', end_values=(0.1, 0.2)",
        "A, 2, 'mean'; V, 2, 'mean', stat_length=2; A, 1, 'maximum'; A, 1, 'minimum', stat_length=(1, 2)",
        "A, ((1, 1), (2, 0)), 'median'; V, 0; A, [[1, 2]], 'constant'; CUBE, 1, 'linear_ramp'",
        "[0.3, 0.6], 1, listed=True",
    ),
}
if np.lib.NumpyVersion(np.__version__) >= "2.2.0":
    CALLS[np.pad] += calls("CUBE, {1: 1, -1: (0, 2)}")
