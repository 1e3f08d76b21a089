"""Rows that SciPy's compiled libraries do, through pointers."""
