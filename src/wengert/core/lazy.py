"""The one loader of heavy modules: imported when the first of their names is used, not before."""

import importlib
from types import ModuleType
from typing import Any


class LazyModule:
    """A module by its name; `lazy("scipy.special").erf` imports it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._load(), attribute)

    def _load(self) -> ModuleType:
        return importlib.import_module(self._name)


lazy = LazyModule
