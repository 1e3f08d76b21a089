"""The list: rows that have no machine code, and why.  `wg.jit(f, backend="numpy")` runs them."""

COMPLEX = "it is about complex numbers, which have no machine code"
SCIPY = "SciPy computes it in Python, in several steps"
ARRANGEMENT = "NumPy leaves open in which order the other elements come, and machine code would choose another"
PYTHON = "it runs Python"

REFUSED: dict[str, str] = {
    **dict.fromkeys(["imag", "angle", "wofz", "hankel1", "hankel2", "hankel1e", "hankel2e", "lambertw"], COMPLEX),
    **dict.fromkeys(["fft", "ifft", "rfft", "irfft", "refuse_phase"], COMPLEX),
    **dict.fromkeys(["eig", "eigvals", "anchor", "scattered_ties", "phases"], COMPLEX),
    **dict.fromkeys(["toeplitz_solve", "circulant_solve", "banded_solve", "hermitian_banded_solve"], SCIPY),
    **dict.fromkeys(["sylvester", "lyapunov", "discrete_lyapunov", "riccati", "hermitian", "cosine_transform"], SCIPY),
    **dict.fromkeys(["matrix_function", "frechet", "angle_of_spectrum", "sqrtm", "signm", "polar_unitary"], SCIPY),
    **dict.fromkeys(["pivots", "packed_lu", "column_order"], SCIPY),
    **dict.fromkeys(["partition_order", "argpartition"], ARRANGEMENT),
    **dict.fromkeys(["show", "host"], PYTHON),
}
