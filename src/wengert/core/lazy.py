"""The one loader of heavy modules: imported when the first of their names is used, not before."""

import gc
import importlib
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any


class LazyModule:
    """A module by its name; `lazy("scipy.special").erf` imports it.

    extra   the optional dependency of wengert that brings it, for those who do not have it.
    """

    def __init__(self, name: str, extra: str | None = None) -> None:
        self._name, self._extra = name, extra
        self._module: ModuleType | None = None

    def __getattr__(self, attribute: str) -> Any:
        if self._module is None:
            self._module = self._load()
        return getattr(self._module, attribute)

    def _load(self) -> ModuleType:
        collects = gc.isenabled()
        gc.disable()  # what imports make stays; to look through all of it for garbage takes as long as the import
        try:
            return importlib.import_module(self._name)
        except ModuleNotFoundError as error:
            if self._extra is None:
                raise
            hint = f'{self._name} is not installed; it comes with pip install "wengert[{self._extra}]"'
            raise ModuleNotFoundError(hint, name=error.name) from error
        finally:
            if collects:
                gc.enable()


lazy = LazyModule


def folder_of(name: str) -> Path | None:
    """Where a package lies, which is not imported for that; None where there is none, or not in a folder."""
    spec = importlib.util.find_spec(name)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent
