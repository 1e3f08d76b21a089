"""The reviewed list of functions without a rule, and why: what W301 says, and what tests/test_coverage.py accepts."""

ABSENT: dict[str, str] = {}  # by full name; a module stands for all its functions
WAYS_OUT: dict[str, str] = {}  # what to write instead, where it is not a rule of one's own

CUT = "give it wg.stop_gradient(x): the result then is a constant, on purpose"
WHOLE_NUMBERS = "give it whole numbers: int(x) is the number of x without its derivative"


def absent(module: str, reason: str, names: str, instead: str = "") -> None:
    """Add functions of a module, which have the same reason."""
    for name in names.split():
        add(f"{module}.{name}", reason, instead)


def absent_modules(reason: str, names: str, instead: str = "") -> None:
    """Add all functions of these modules."""
    for name in names.split():
        add(name, reason, instead)


def add(name: str, reason: str, instead: str) -> None:
    ABSENT[name] = reason
    if instead:
        WAYS_OUT[name] = instead


def listed(called: str) -> str | None:
    """The entry for a function: itself, or the module that it is in."""
    while called and called not in ABSENT:
        called = called.rpartition(".")[0]
    return called or None


# ---------------------------------------------------------------- numpy

absent(
    "numpy",
    "it steps to a neighbouring floating-point number: there is nothing to differentiate",
    "nextafter spacing",
    CUT,
)
absent(
    "numpy",
    "it makes an array of constants; its arguments are counts and positions, which do not change smoothly",
    """
    zeros ones empty eye identity tri indices diag_indices tril_indices triu_indices mask_indices ravel_multi_index
    unravel_index broadcast_shapes hanning hamming bartlett blackman
    """,
    WHOLE_NUMBERS,
)
absent("numpy", "its shape is a constant; what the function that it calls makes of x is differentiated", "fromfunction")
absent(
    "numpy",
    "it counts, and a count does not change smoothly",
    "histogram2d histogramdd",
    CUT,
)
absent(
    "numpy",
    "it writes numbers as text or into a file, where a derivative cannot follow",
    """
    save savez savez_compressed savetxt array2string array_repr array_str base_repr binary_repr
    format_float_positional format_float_scientific
    """,
    CUT,
)
absent(
    "numpy",
    "it reads numbers from bytes, text, files or other libraries, which hold no derivative",
    "load loadtxt genfromtxt fromfile fromregex fromstring frombuffer fromiter from_dlpack",
    "make the array of values with np.array or np.stack",
)
absent(
    "numpy",
    "it asks or sets how NumPy computes and prints",
    """
    seterr geterr seterrcall geterrcall setbufsize getbufsize set_printoptions get_printoptions printoptions
    show_config show_runtime get_include info test
    """,
    CUT,
)
absent(
    "numpy",
    "it is about types, not about numbers",
    """
    issubdtype isdtype can_cast promote_types min_scalar_type common_type mintypecode typename iterable frompyfunc
    """,
    "ask for x.dtype, or " + CUT,
)
absent(
    "numpy",
    "it is about memory, which a value with a derivative does not show",
    "shares_memory may_share_memory isfortran nested_iters",
    CUT,
)
absent(
    "numpy",
    "it works on whole numbers, bits or dates",
    """
    packbits unpackbits datetime_as_string datetime_data is_busday busday_count busday_offset isnat
    """,
    CUT,
)
absent("numpy", "it makes matrices of the class np.matrix, which NumPy advises against", "asmatrix bmat", "use arrays")
absent("numpy", "it plans a product, and computes nothing", "einsum_path", CUT)

# ---------------------------------------------------------------- modules

absent_modules(
    "a random draw has no derivative with respect to the parameters of its distribution",
    "numpy.random",
    "draw standard numbers and transform them: loc + scale * rng.standard_normal(size)",
)
absent_modules(
    "masked arrays are not supported", "numpy.ma", "select with np.where(mask, x, 0.0), or reduce with where=mask"
)
absent_modules("characters are no numbers", "numpy.char numpy.strings numpy.rec", CUT)
absent_modules(
    "its functions ask for plain arrays", "numpy.polynomial", "np.polyval, np.vander and np.matmul have rules"
)
