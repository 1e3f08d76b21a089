"""Object code on disk, so that a program is compiled once, and not in each process; and recipes (recipe.py) beside it.

A file is named after what it was made of (`key_of`), and holds the hash of its content before that.  What is
damaged, unreadable or cannot be written is as if it were not there: the code is made again.  Files are written under a
name of their own and renamed, so that several processes may write at once.
"""

import hashlib
import os
import re
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from wengert.core.lazy import lazy

tempfile = lazy("tempfile")  # which imports much, and is not needed where all is there

VARIABLE = "WENGERT_CACHE"  # a folder, or "off"
LIMIT = 256 * 2**20  # bytes; where it is exceeded, what was used longest ago leaves
KEPT = LIMIT * 3 // 4  # bytes that stay, so that not every new file removes another
LEAST = 1 << 14  # bytes that a file counts for at least: to look at all files takes time, too
SELDOM = 64  # one of so many new files looks; among 65,000 files that took longer than to compile most programs
SUFFIX = ".object"
OURS = re.compile(r"[0-9a-f]{64}\.(object|[^.]*\.unfinished)")  # other files in the folder are not touched


def key_of(*parts: str) -> str:
    """The name of code that was made of these; parts are counted, so that no two lists look alike."""
    hash = hashlib.sha256()
    for part in parts:
        text = part.encode()
        hash.update(b"%d:" % len(text) + text)
    return hash.hexdigest()


def load(key: str) -> bytes | None:
    """The code of this name, if it is there and whole."""
    folder = usable_folder()
    if folder is None:
        return None
    path = folder / (key + SUFFIX)
    try:
        content = path.read_bytes()
    except OSError:
        return None
    mark, code = content[:32], content[32:]
    if mark != hashlib.sha256(code).digest():
        return None
    with suppress(OSError):  # of a folder that cannot be written, what is there is used all the same
        os.utime(path)
    return code


def store(key: str, code: bytes) -> None:
    """Keep the code, where that is possible."""
    folder = usable_folder()
    if folder is None:
        return
    unfinished = None
    try:
        number, unfinished = tempfile.mkstemp(".unfinished", f"{key}.", folder)
        with open(number, "wb") as file:
            file.write(hashlib.sha256(code).digest() + code)
        os.replace(unfinished, folder / (key + SUFFIX))
        if int(key[-8:], 16) % SELDOM == 0:
            shrink(folder)
    except OSError:  # full or read-only: the next process compiles, too
        if unfinished is not None:
            with suppress(OSError):
                os.unlink(unfinished)


def shrink(folder: Path) -> None:
    """Remove what was used longest ago, if there is too much."""
    with os.scandir(folder) as entries:
        files = [(entry.stat(), entry.path) for entry in entries if OURS.fullmatch(entry.name)]
    oldest_first = sorted((status.st_mtime_ns, max(status.st_size, LEAST), path) for status, path in files)
    total = sum(size for _, size, _ in oldest_first)
    if total <= LIMIT:
        return
    for _, size, path in oldest_first:
        with suppress(OSError):  # another process has removed it
            os.unlink(path)
        total -= size
        if total <= KEPT:
            return


def usable_folder() -> Path | None:
    """The folder of the cache, which is made where it is missing; None where there is none, or others may write it.

    The code in it is run: who may write there may run code as this user.
    """
    folder = chosen_folder()
    if folder is None:
        return None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError:
        return None
    if os.name == "posix" and (status.st_uid != os.getuid() or status.st_mode & stat.S_IWOTH):
        return None
    return folder


def chosen_folder() -> Path | None:
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return None if chosen == "off" else Path(chosen)
    return next((Path(place) / "wengert" for place in user_cache_folders() if place), None)


def user_cache_folders() -> Iterable[str | None]:
    """Where this platform keeps what a program can make again, best first."""
    home = os.path.expanduser("~")
    if home == "~":  # a user without one
        return []
    if sys.platform == "win32":
        return [os.environ.get("LOCALAPPDATA"), os.path.join(home, "AppData", "Local")]
    if sys.platform == "darwin":
        return [os.path.join(home, "Library", "Caches")]
    return [os.environ.get("XDG_CACHE_HOME"), os.path.join(home, ".cache")]
