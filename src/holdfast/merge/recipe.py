"""A recipe: a TOML file that says which files to merge, how, and where the result goes."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

KEYS = {"method": str, "models": list, "base": str, "fishers": list, "out": str, "settings": dict}


def read_recipe(path: Path) -> dict[str, Any]:
    """The recipe as arguments of `holdfast.merge`; paths are relative to the recipe.

    Raises `ValueError` that names the key and what was expected.

    A recipe::

        method = "TiesMerging"
        base = "base.safetensors"
        models = ["cooking.safetensors", "chess.safetensors"]
        out = "both.safetensors"

        [settings]
        density = 0.5
    """
    try:
        recipe = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise ValueError(f"{path}: cannot be read as a recipe: {problem}.") from None
    for key, value in recipe.items():
        if key not in KEYS:
            raise ValueError(f"{path}: unknown key {key!r}. A recipe has: {', '.join(KEYS)}.")
        if not isinstance(value, KEYS[key]):
            raise ValueError(f"{path}: {key} is {type(value).__name__}; expected {KEYS[key].__name__}.")
    for key in ("models", "out"):
        if not recipe.get(key):
            raise ValueError(f"{path}: {key} is missing.")
    settings = recipe.pop("settings", {})
    placed = {key: _placed(path.parent, value) if key != "method" else value for key, value in recipe.items()}
    return {**placed, **settings}


def _placed(folder: Path, value: str | list[Any]) -> Any:
    if isinstance(value, str):
        return folder / value
    if any(not isinstance(part, str) for part in value):
        raise ValueError("models and fishers are lists of paths.")
    return [folder / part for part in value]
