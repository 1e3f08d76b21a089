"""The list: rows that machine code asks Python for, and why.  See `rows/python.py`."""

SCIPY = "SciPy computes it in Python, in several steps"
ARRANGEMENT = "NumPy leaves open in which order the other elements come, and machine code would choose another"
PYTHON = "it runs Python"

IN_PYTHON: dict[str, str] = {
    **dict.fromkeys(["toeplitz_solve", "circulant_solve", "banded_solve", "hermitian_banded_solve"], SCIPY),
    **dict.fromkeys(["sylvester", "lyapunov", "discrete_lyapunov", "riccati", "hermitian", "cosine_transform"], SCIPY),
    **dict.fromkeys(["matrix_function", "frechet", "angle_of_spectrum", "sqrtm", "signm", "polar_unitary"], SCIPY),
    **dict.fromkeys(["pivots", "packed_lu", "column_order", "phases"], SCIPY),
    **dict.fromkeys(["partition_order", "argpartition"], ARRANGEMENT),
    **dict.fromkeys(["show", "host"], PYTHON),
}
