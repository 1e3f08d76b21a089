"""The functions that must be differentiable, by theme: one list, as the project planned it."""

NUMPY = {
    "most used": """
        sum sin exp cos abs sqrt arange atleast_1d atleast_2d atleast_3d zeros log prod empty dot tanh mean floor
        empty_like newaxis zeros_like repeat where arctan max maximum reshape arctan2 sign tan tril triu hstack linspace
        std mgrid transpose add multiply size clip cov outer flip eye minimum roll vstack log10 power
        """,
    "ufuncs": """
        float_power log1p expm1 log2 exp2 hypot logaddexp sinh cosh arcsinh arccosh arctanh arcsin arccos reciprocal
        square cbrt sinc deg2rad mod fmod divmod copysign nextafter rint ceil trunc ldexp real imag conj angle
        subtract divide floor_divide remainder negative positive absolute fabs radians degrees rad2deg fmax fmin
        logaddexp2 heaviside modf frexp
        equal not_equal less less_equal greater greater_equal logical_and logical_or logical_xor logical_not
        isnan isinf isfinite signbit
        """,
    "reductions": """
        min max amin amax ptp var std average median quantile percentile cumsum cumprod trace any all
        nansum nanprod nancumsum nancumprod nanmean nanvar nanstd nanmin nanmax nanmedian nanquantile nanpercentile
        nanargmin nanargmax
        """,
    "shape": """
        ravel swapaxes moveaxis rollaxis expand_dims squeeze broadcast_to concatenate stack column_stack dstack
        split array_split hsplit vsplit dsplit tile rot90 pad diag diagonal diagflat meshgrid append insert delete
        resize block
        """,
    "products": "inner vdot matmul tensordot einsum kron cross convolve correlate",
    "selection": """
        select piecewise choose take take_along_axis put_along_axis compress extract sort argsort partition argpartition
        argmax argmin searchsorted unique nonzero
        """,
    "calculus": "diff gradient trapezoid interp polyval vander",
}
OTHERS = {
    "numpy.linalg": """
        norm solve inv det slogdet pinv cholesky qr svd eigh eig eigvals eigvalsh lstsq matrix_power multi_dot
        matrix_rank cond
        """,
    "numpy.fft": """
        fft ifft fft2 ifft2 fftn ifftn rfft irfft rfft2 irfft2 rfftn irfftn hfft ihfft fftshift ifftshift
        fftfreq rfftfreq
        """,
    "scipy.special": """
        erf erfc erfcx erfi erfinv erfcinv gamma gammaln loggamma psi digamma polygamma beta betaln gammainc gammaincc
        betainc multigammaln logit expit log_expit logsumexp softmax log_softmax xlogy xlog1py entr rel_entr kl_div
        ndtr ndtri log_ndtr i0 i0e i1 i1e iv ive j0 j1 jv jve y0 y1 yn yv yve sici exprel
        """,
    "scipy.linalg": "solve solve_triangular cholesky cho_solve lu_solve expm sqrtm solve_sylvester block_diag toeplitz",
}
REQUIRED = [f"numpy.{name}" for names in NUMPY.values() for name in names.split()]
REQUIRED += [f"{module}.{name}" for module, names in OTHERS.items() for name in names.split()]

# no arguments that could be traced, or none but a size: they must work inside a differentiated function
CONSTANT = "numpy.zeros numpy.empty numpy.newaxis numpy.eye numpy.mgrid numpy.fft.fftfreq numpy.fft.rfftfreq".split()

# asked for as refused, or zero, as fits
MAY_BE_ABSENT = "numpy.nextafter numpy.linalg.matrix_rank numpy.linalg.cond".split()

UFUNC_METHODS = {
    "add": "reduce accumulate outer at",
    "subtract": "outer at",
    "multiply": "reduce accumulate outer at",
    "divide": "outer at",
    "maximum": "reduce accumulate outer at",
    "minimum": "reduce accumulate outer at",
    "logaddexp": "reduce outer",
}
