"""Program -> program: the derivatives."""
