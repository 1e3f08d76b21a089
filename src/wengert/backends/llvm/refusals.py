"""Two lists: rows that machine code asks Python for, and rows that it cannot do at all; with the reasons."""

SCIPY = "SciPy computes it in Python, in several steps"
ARRANGEMENT = "NumPy leaves open in which order the other elements come, and machine code would choose another"
PYTHON = "it runs Python"
LANES = "a batch whose lanes differ in more than numbers has no machine code"

IN_PYTHON: dict[str, str] = {
    **dict.fromkeys(["toeplitz_solve", "circulant_solve", "banded_solve", "hermitian_banded_solve"], SCIPY),
    **dict.fromkeys(["sylvester", "lyapunov", "discrete_lyapunov", "riccati", "hermitian", "cosine_transform"], SCIPY),
    **dict.fromkeys(["matrix_function", "frechet", "angle_of_spectrum", "sqrtm", "signm", "polar_unitary"], SCIPY),
    **dict.fromkeys(["pivots", "packed_lu", "column_order", "phases"], SCIPY),
    **dict.fromkeys(["partition_order", "argpartition"], ARRANGEMENT),
    **dict.fromkeys(["show", "host"], PYTHON),
}
REFUSED: dict[str, str] = {
    **dict.fromkeys(["lane_take", "lane_put", "piled", "unpiled", "whole"], LANES),
    **dict.fromkeys(["cleared", "stack_lift", "stack_sum"], LANES),
}
