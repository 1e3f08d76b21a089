"""Keys of operands and parameters: equal where these are equal, bit for bit."""

from typing import Any

import numpy as np

from wengert.ir.program import Program, Var


def key_of(x: Any) -> Any:
    """Equal for operands and parameters that mean the same; 0.0 and -0.0, 1 and True and 1.0 are different."""
    if isinstance(x, (Var, Program)):
        return x
    if isinstance(x, (tuple, list)):
        return type(x), tuple(map(key_of, x))
    if isinstance(x, dict):
        return dict, tuple([(key, key_of(p)) for key, p in x.items()])
    if isinstance(x, slice):
        return slice, key_of(x.start), key_of(x.stop), key_of(x.step)
    if isinstance(x, (float, complex)) and not isinstance(x, np.generic):
        return type(x), np.asarray(x).tobytes()
    if isinstance(x, (np.ndarray, np.generic)):
        return type(x), x.dtype.str, x.shape, x.tobytes()
    return type(x), x
