"""Choosing rows and writing cells: what every fault shares. Frames are never changed in place, dtypes are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from holdfast.faults._tables import CannotPlant, Tables


def need_test(tables: Tables) -> pl.DataFrame:
    """The test table; `CannotPlant` where there is none or it has no rows."""
    if tables.test is None or tables.test.height == 0:
        raise CannotPlant("There is no test table, and this fault lies in one.")
    return tables.test


def need_share(strength: float, below_one: bool = False) -> float:
    """The strength as a share; `ValueError` outside 0..1 (or at 1, where all rows cannot have the fault)."""
    if not 0 <= strength <= 1 or (below_one and strength == 1):
        raise ValueError(f"strength is {strength:g}; expected a share from 0 to {'below ' if below_one else ''}1.")
    return float(strength)


def column_of(frame: pl.DataFrame, column: str) -> pl.Series:
    """A column under a harmless name: polars takes the name of a series for a pattern where it looks like one."""
    return frame.get_column(column).alias("cells")


def draw_rows(eligible: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """(n,) bool: `share` of all rows, drawn from the eligible ones; all of these where they are fewer.

    From the same state of `rng` a larger share holds the rows of a smaller one.

    >>> int(draw_rows(np.array([True, False, True, True]), 0.5, np.random.default_rng(0)).sum())
    2
    """
    chosen = np.zeros(len(eligible), dtype=bool)
    chosen[rng.permutation(np.flatnonzero(eligible))[: round(share * len(eligible))]] = True
    return chosen


def overwrite(frame: pl.DataFrame, column: str, rows: np.ndarray, values: pl.Series) -> pl.DataFrame:
    """The frame with `values` (one per row of the frame, the column's dtype) where `rows` is true."""
    old = column_of(frame, column)
    return frame.with_columns(values.cast(old.dtype).zip_with(pl.Series(rows), old).alias(column))


def cells(frame: pl.DataFrame, column: str, rows: np.ndarray) -> tuple[Any, ...]:
    """The values of a column in the true rows: what stood there before."""
    return tuple(column_of(frame, column).filter(pl.Series(rows)).to_list())


def insert_copies(n: int, copies: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows 0..n-1 in order with `copies` of some set in at random places: the origin of every row, and who is a copy.

    >>> origin, copied = insert_copies(3, np.array([1]), np.random.default_rng(0))
    >>> sorted(origin.tolist()), origin[copied].tolist()
    ([0, 1, 1, 2], [1])
    """
    places = rng.integers(0, n + 1, len(copies))
    return np.insert(np.arange(n), places, copies), np.insert(np.zeros(n, dtype=bool), places, True)
