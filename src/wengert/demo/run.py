"""The demo from end to end."""

import os
import time

import wengert as wg
from wengert.cli import InputError
from wengert.demo import logistic, mixture, network, panels
from wengert.demo.report import Fit


def run(picture: str | os.PathLike[str] = "wengert-demo.png") -> list[Fit]:
    """All three fits, printed as they go; writes the picture (a PNG) to `picture`."""
    started = time.perf_counter()
    print(f"wengert {wg.__version__}: exact derivatives of plain NumPy functions, in three fits of real data")
    results = []
    for number, part in enumerate((mixture, logistic, network), start=1):
        print(f"\n{number}  {part.TITLE}")
        results.append(part.fit())
    panels.draw(results, picture)
    print(f"\npicture in {picture}; {time.perf_counter() - started:.1f} s in all", flush=True)
    return results


def main(picture: str | os.PathLike[str]) -> int:
    folder = os.path.dirname(os.path.abspath(picture))
    if not os.path.isdir(folder):
        raise InputError(f"there is no folder {folder!r} for the picture")
    run(picture)
    return 0
