"""The reviewed list of functions without a rule, and why: what W301 says, and what tests/test_coverage.py accepts."""

ABSENT: dict[str, str] = {}


def absent(module: str, reason: str, names: str) -> None:
    """Add functions of a module, which have the same reason."""
    for name in names.split():
        ABSENT[f"{module}.{name}"] = reason


absent(
    "numpy", "it steps to a neighbouring floating-point number: there is nothing to differentiate", "nextafter spacing"
)
