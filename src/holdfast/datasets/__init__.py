"""Bundled data, read from the installed package, and splits of any table (`splits`).

>>> train, test = load_heart_disease()
>>> train.shape, test.shape, test["hospital"].unique().sort().to_list()
((303, 15), (617, 15), ['hungarian', 'long_beach', 'switzerland'])
"""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars

    from holdfast.datasets.splits import DomainSplit, MatchedFold, domain_split, judge_split, matched_folds

__all__ = [
    "DomainSplit",
    "MatchedFold",
    "domain_split",
    "heart_disease",
    "judge_split",
    "load_heart_disease",
    "matched_folds",
]


def __getattr__(name: str) -> Any:
    """Split generators, imported when they are asked for."""
    if name in __all__:
        from importlib import import_module

        return getattr(import_module("holdfast.datasets.splits"), name)
    raise AttributeError(f"holdfast.datasets has no {name!r}. It has: {', '.join(__all__)}.")


@cache
def heart_disease() -> tuple[str, str]:
    """The files of the heart disease data: train (Cleveland) and test (Hungary, Switzerland, Long Beach).

    920 patients of four hospitals; target `disease` (no, yes); `hospital` says where. Licence and citation stand in
    the README beside the files.
    """
    folder = _folder("heart_disease")
    return str(folder / "train.csv"), str(folder / "test.csv")


def load_heart_disease() -> tuple[polars.DataFrame, polars.DataFrame]:
    """The heart disease data as two polars frames, train and test."""
    import polars as pl

    train, test = (pl.read_csv(path, infer_schema_length=None) for path in heart_disease())
    return train, test


def _folder(name: str) -> Path:
    """The folder on disk. From a zipped package, a copy that lives as long as the process."""
    import atexit
    from contextlib import ExitStack

    keep = ExitStack()
    atexit.register(keep.close)
    return keep.enter_context(as_file(files("holdfast.datasets") / "bundled" / name))
