"""Which papers a report stands on: the entries of `sources.toml` behind the methods that its checks name."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any


def sources_of(methods: Iterable[str]) -> dict[str, dict[str, Any]]:
    """`{"labels.ConfidentLearning": {"key", "title", "authors", "year", "id", ...}}` for dotted method names."""
    found = {}
    for name in sorted(set(methods)):
        family, cls = name.split(".")
        key = getattr(import_module(f"holdfast.{family}"), cls).source
        found[name] = {"key": key, **family_sources(family)[key]}
    return found


@cache
def family_sources(family: str) -> dict[str, dict[str, Any]]:
    """The parsed `sources.toml` of a family."""
    path = Path(__file__).parent.parent / family / "sources.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def done_elsewhere() -> list[tuple[dict[str, Any], str]]:
    """Papers with a row of the catalogue behind a function of `datasets` or a page of the documentation, and its name.

    A page counts where it names the paper's key; pages are there where the repository is, not in a package alone.
    """
    root = Path(__file__).parent.parent
    found = [(entry, f"datasets.{entry['by']}") for entry in family_sources("datasets").values()]
    pages = root.parents[1] / "docs"
    for table in sorted(root.glob("*/sources.toml")):
        for key, entry in family_sources(table.parent.name).items():
            page = pages / entry.get("page", "")
            if "page" in entry and page.is_file() and key in page.read_text(encoding="utf-8"):
                found.append((entry, f"docs/{entry['page']}"))
    return [(entry, name) for entry, name in found if "catalog" in entry]


def reproduced() -> dict[str, dict[str, Any]]:
    """The papers of `reproduce/` by script, each with a committed record: empty where only the package is installed."""
    folder = Path(__file__).parents[3] / "reproduce"
    table = folder / "sources.toml"
    entries = tomllib.loads(table.read_text(encoding="utf-8")) if table.exists() else {}
    return {key: entry for key, entry in entries.items() if (folder / "records" / f"{key}.json").exists()}
