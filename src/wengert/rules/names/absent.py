"""The reviewed list of functions without a rule, and why: what W301 says, and what tests/test_coverage.py accepts."""

ABSENT: dict[str, str] = {}


def absent(module: str, reason: str, names: str) -> None:
    """Add functions of a module, which have the same reason."""
    for name in names.split():
        ABSENT[f"{module}.{name}"] = reason


absent(
    "numpy", "it steps to a neighbouring floating-point number: there is nothing to differentiate", "nextafter spacing"
)
absent(
    "scipy.fft",
    "it chooses a length or a setting: there is nothing to differentiate",
    "next_fast_len prev_fast_len get_workers set_workers set_backend skip_backend set_global_backend register_backend",
)
absent(
    "scipy.fft",
    "the logarithmic transform is not in the table; rfft and irfft, which it is made of, are",
    "fht ifht fhtoffset",
)
