"""What a call is, and the operands that calls share."""

from dataclasses import dataclass, field

import numpy as np

# operands: no ties, no zeros, inside the domain of log, arcsin and logit; lanes of a batch are scaled by 0.9 and 1.1
A = np.array([[0.31, 0.74, 0.52], [0.83, 0.26, 0.47]])
B = np.array([[0.65, 0.22, 0.81], [0.37, 0.58, 0.29]])
V = np.array([0.41, 0.77, 0.23])
SIGNED = np.array([[-0.6, 1.3, 0.2], [0.9, -1.7, -0.4]])
CUBE = np.linspace(0.1, 0.9, 24).reshape(2, 3, 4)[:, ::-1]
SQUARE = np.array([[2.0, 0.3, 0.1], [0.4, 1.5, 0.2], [0.6, 0.7, 3.0]])
DEFINITE = SQUARE @ SQUARE.T
COMPLEX = A - 1j * B
ZERO_D = np.array(0.6)
EMPTY = np.zeros((0, 3))
SPECIAL = np.array([0.3, np.nan, np.inf, -np.inf])
MASK = np.array([[True, False, True], [True, True, False]])
INTS = np.array([[2, 3, 1], [1, 2, 4]])
WHERE = {"where": MASK}
ROWS = {"where": np.array([[True], [False]])}


class Fixed:
    """A floating-point operand that the derivative leaves alone."""

    def __init__(self, value):
        self.value = value


INF, MINUS_INF = Fixed(np.inf), Fixed(-np.inf)


@dataclass
class Call:
    """f(*args, **kwargs); all floats and arrays of floats in it are differentiated, in lists too.

    text     how it was written, for the names of the tests
    out      give `out=`, an array made inside the differentiated function
    prepare  what is done to each operand first
    listed   traced values stand in a list, where NumPy does not look before it dispatches
    """

    text: str
    args: tuple
    kwargs: dict = field(default_factory=dict)
    out: bool = False
    prepare: object = None
    listed: bool = False


def calls(*texts, **operands):
    """One call per part of the texts between semicolons; `operands` are names in them beside those of this file."""
    return [call(part.strip(), **operands) for text in texts for part in text.split(";")]


def call(text, **names):
    args, kwargs = eval(f"(lambda *args, **kwargs: (args, kwargs))({text})", globals(), names)
    options = {name: kwargs.pop(name) for name in ("prepare", "listed", "out") if name in kwargs}
    return Call(text, args, kwargs, **options)


def above_half(x):
    return x > 0.5


def each(functions, calls):
    return {function: calls for function in functions}


def in_numpy(name, *texts, **operands):
    """Calls of a function that some versions of NumPy lack."""
    return {getattr(np, name): calls(*texts, **operands)} if hasattr(np, name) else {}


# quotients away from integers
DIVISIONS = calls("2.5 + 0.3 * A, 1.0 + 0.1 * B; 2.5 + 0.3 * A, 0.78; 4, 1.5 + 0.1 * A; -1.7, 0.6")
