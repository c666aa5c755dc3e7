"""Choosing rows and writing cells: what every fault shares. Frames are never changed in place, dtypes are kept."""

from __future__ import annotations

import numpy as np
import polars as pl

from holdfast.faults._tables import CannotPlant, Tables, Truth


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


def rewrite(
    tables: Tables, side: str, column: str, values: pl.Series, note: str, amount: float | None = None
) -> tuple[Tables, Truth]:
    """Put `values`, one per row, into a column of the train or test table; the truth is the cells that differ.

    The amount is the share of rows that differ unless it is given.
    """
    frame = tables.train if side == "train" else need_test(tables)
    old = column_of(frame, column)
    new = values.cast(old.dtype).alias("cells")
    rows = old.ne_missing(new).to_numpy()
    truth = Truth(
        train_rows=rows if side == "train" else None,
        test_rows=rows if side == "test" else None,
        columns=(column,),
        amount=(float(rows.mean()) if len(rows) else 0.0) if amount is None else amount,
        before=tuple(old.filter(pl.Series(rows)).to_list()),
        note=f"{rows.sum():,} cells of {column!r} in the {side} table: {note}",
    )
    written = frame.with_columns(new.alias(column))
    return (tables.with_train(written) if side == "train" else tables.with_test(written)), truth


def where(rows: np.ndarray, new: pl.Series, old: pl.Series) -> pl.Series:
    """`new` where `rows` is true, else `old`, in the dtype of `old`."""
    return new.cast(old.dtype).zip_with(pl.Series(rows), old)


def keep_test(tables: Tables, kept: np.ndarray) -> Tables:
    """The tables with the chosen rows of the test table, by number."""
    return tables.with_test(need_test(tables)[kept])


def systematic_sample(chances: np.ndarray, order: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Row numbers, ascending, drawn without replacement: row i with probability `chances[i]` in [0, 1].

    Walking the rows along `order` spreads the draw evenly over it, so that means along it hardly vary.

    >>> systematic_sample(np.array([1.0, 0.0, 1.0]), np.arange(3), np.random.default_rng(0)).tolist()
    [0, 2]
    """
    steps = np.floor(np.cumsum(chances[order]) + rng.random())
    return np.sort(order[np.diff(steps, prepend=0.0) >= 1])


def insert_copies(n: int, copies: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows 0..n-1 in order with `copies` of some set in at random places: the origin of every row, and who is a copy.

    >>> origin, copied = insert_copies(3, np.array([1]), np.random.default_rng(0))
    >>> sorted(origin.tolist()), origin[copied].tolist()
    ([0, 1, 1, 2], [1])
    """
    places = rng.integers(0, n + 1, len(copies))
    return np.insert(np.arange(n), places, copies), np.insert(np.zeros(n, dtype=bool), places, True)
