"""Folder = index: `holdfast.ood.Energy` is the class in `ood/energy.py`, imported when it is asked for.

There is nothing to register. A file named in snake case holds one public class whose name is the same words run
together (`k_nearest_neighbours.py` holds `KNearestNeighbours`, `bbse.py` holds `BBSE`).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

FAMILIES = (
    "labels", "leakage", "shift", "ood", "slices", "estimation", "calibration", "weighting", "mixing", "curation",
    "selection", "augmentation", "training", "generalization", "merging", "adaptation", "language", "faults",
)  # fmt: skip
EXTRAS = {"torch": "torch", "safetensors": "torch", "transformers": "language"}  # the extra that installs a module


def attach(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The module-level `__getattr__` and `__dir__` of a family folder."""
    folder = Path(file).parent

    def find(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        for path in _method_files(folder):
            if _squash(path.stem) == _squash(name):
                found = getattr(import_module(f"{package}.{path.stem}"), name, None)
                if found is not None:
                    return found
        names = public_names(folder)
        close = get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f" Did you mean {close[0]!r}?" if close else f" It has: {', '.join(names)}."
        raise AttributeError(f"{package} has no {name!r}.{hint}")

    return find, lambda: public_names(folder)


def make_callable(package: str, module: str) -> None:
    """Let a package be called: `holdfast.audit(...)` is the verb `audit` of `holdfast.audit.run`, found when called."""
    verb = package.rpartition(".")[2]

    class Verb(ModuleType):
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return getattr(import_module(f"{package}.{module}"), verb)(*args, **kwargs)

    sys.modules[package].__class__ = Verb


@cache
def public_names(folder: Path) -> list[str]:
    """The class names of a family folder, read from the source without importing it."""
    names = []
    for path in _method_files(folder):
        classes = re.findall(r"^class (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        names += [name for name in classes if _squash(name) == _squash(path.stem)]
    return sorted(names)


@cache
def methods(*families: str) -> dict[str, Any]:
    """Every method of these families (of all by default), imported: `{"ood.Energy": <class>, ...}`, sorted by name.

    A method whose extra is not installed is left out; `missing_extras` lists those.
    """
    found = {}
    for family in families or FAMILIES:
        module = import_module(f"holdfast.{family}")
        for name in dir(module):
            try:
                found[f"{family}.{name}"] = getattr(module, name)
            except ModuleNotFoundError as problem:
                if problem.name not in EXTRAS:
                    raise
    return found


def missing_extras() -> dict[str, str]:
    """Methods that cannot be imported here, with the extra that they need: `{"merging.TiesMerging": "torch"}`."""
    missing = {}
    for family in FAMILIES:
        module = import_module(f"holdfast.{family}")
        for name in dir(module):
            try:
                getattr(module, name)
            except ModuleNotFoundError as problem:
                missing[f"{family}.{name}"] = EXTRAS[str(problem.name)]
    return missing


def _method_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))


def _squash(name: str) -> str:
    return name.replace("_", "").lower()
