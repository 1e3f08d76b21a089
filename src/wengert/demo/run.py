"""The demo from end to end."""

import os
import time

import wengert as wg
from wengert.demo import fits, picture
from wengert.demo.report import Fit, heading


def run(path: str | os.PathLike[str] = "wengert-demo.png") -> list[Fit]:
    """All three fits, printed as they go; writes the picture (a PNG) to `path`."""
    started = time.perf_counter()
    print(f"wengert {wg.__version__}: exact derivatives of plain NumPy functions, in three fits of real data")
    results = []
    for number, fit in enumerate((fits.mixture, fits.logistic, fits.network), start=1):
        heading(number, fit.__doc__)
        results.append(fit())
    picture.draw(results, path)
    print(f"\npicture written to {path}\n{time.perf_counter() - started:.1f} s in all", flush=True)
    return results


def main(path: str | os.PathLike[str]) -> int:
    run(path)
    return 0
