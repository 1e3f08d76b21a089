"""Calls of methods of arrays."""

import numpy as np

from calls.call import COMPLEX, CUBE, DIVISIONS, A, V, call, calls
from calls.functions import CALLS

INDEX = "1|-1|::-2|0, 1|:, 2|..., 0|None, 1|[1, 0, 1]|np.array([0, 0])|MASK|0, [2, 0, 2]|[0, 1], [2, 0]|...".split("|")
INDEX += [":, [True, False, True]", "np.array([[0], [1]]), [0, 2]", "1:, None, ::2", "[0, 1], None, [2, 2]", "True"]
WRITES = [
    ("1", "0.5"),
    ("0, 1", "0.5"),
    (":", "V"),
    (":, 1", "B[:, 0]"),
    ("MASK", "0.3"),
    ("[0, 0]", "B"),
    ("...", "B"),
]
WRITES += [(":, [0, 2]", "B[:, :2]"), ("np.array([1, 1, 0])", "0.7"), ("1, 1:", "[0.1, 2]"), ("0", "INTS[1]")]


def of_method(calls, without=()):
    """The calls of the NumPy function as methods: the first operand must be an array."""
    return [
        c
        for c in calls
        if isinstance(c.args[0], np.ndarray)
        and c.args[0].dtype.kind in "fc"
        and not c.listed
        and not {*without} & {*c.kwargs}
    ]


METHOD_CALLS = {
    **{
        name: of_method(CALLS[getattr(np, name)]) for name in ("sum", "mean", "prod", "max", "min", "cumsum", "cumprod")
    },
    **{
        name: of_method(CALLS[getattr(np, name)]) for name in ("argmax", "argmin", "any", "all", "dot", "clip", "trace")
    },
    **{name: of_method(CALLS[getattr(np, name)]) for name in ("diagonal", "swapaxes", "squeeze", "nonzero", "round")},
    **{
        name: of_method(CALLS[getattr(np, name)], ["correction", "axes"])
        for name in ("var", "std", "ravel", "transpose")
    },
    **{
        name: of_method(CALLS[getattr(np, name)])
        for name in ("take", "repeat", "searchsorted", "argsort", "argpartition", "put")
    },
    "choose": calls("A, [INTS, 2 * INTS], prepare=above_half; A, [INTS[0], 7], prepare=above_half"),
    **{
        name: [c for c in of_method(CALLS[getattr(np, name)]) if c.kwargs != {"axis": None}]
        for name in ("sort", "partition")
    },
    "compress": calls("A, [True, False, True], axis=1; A, [0, 1, 1]"),
    "flatten": calls("A; A, 'F'; A.T; ZERO_D"),
    "reshape": calls("A, 6; A, 3, 2; A, (3, -1); A, (3, 2), order='F'; A, -1; ZERO_D, 1, 1"),
    "conj": calls("A; COMPLEX"),
    "conjugate": calls("A; COMPLEX"),
    "astype": calls("A, float; A, np.float32; A, 'complex128'; A, int; SIGNED, bool; A, 'f4', copy=False"),
    "copy": calls("A; A.T; A, 'F'; ZERO_D"),
    "view": calls("A; A.T; CUBE; ZERO_D"),
    "item": calls("np.array([0.3]); A, 4; A, 1, 2; A, (1, 2); ZERO_D"),
    "fill": calls("A, 0.3; A, 2"),
    "tolist": calls("A; V; ZERO_D"),
    "__getitem__": [call(f"A, np.index_exp[{index}]") for index in INDEX],
    "__setitem__": [call(f"A, np.index_exp[{index}], {value}") for index, value in WRITES],
    "__neg__": calls("A"),
    "__pos__": calls("A"),
    "__abs__": calls("SIGNED; COMPLEX"),
    "__invert__": calls("A, prepare=above_half"),
    "__divmod__": DIVISIONS[:2],
    "__rdivmod__": calls("0.2 + A, 3.0; 0.2 + A, 2"),
}
METHOD_CALLS["transpose"] += calls("CUBE, 2, 0, 1; CUBE, None")
PROPERTIES = {"T": [A, V, CUBE], "mT": [A, CUBE], "real": [A, COMPLEX], "imag": [A, COMPLEX], "flat": [A]}
OPERATORS = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow"]
