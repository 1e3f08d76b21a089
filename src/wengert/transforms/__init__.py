"""Program -> program: the derivatives.  To import any of it fills the columns of the rows of control flow."""

from wengert.transforms import batch, control, recursion

__all__ = ["batch", "control", "recursion"]
