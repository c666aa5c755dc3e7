"""Choosing columns, and numeric cells as floats and back."""

from __future__ import annotations

import numpy as np
import polars as pl

from holdfast.faults._rows import column_of
from holdfast.faults._tables import CannotPlant, Tables


def choose_column(
    tables: Tables, named: str, kinds: tuple[str, ...], rng: np.random.Generator, distinct: int = 2
) -> str:
    """The named feature column, or one drawn from those of these kinds that vary in the training table.

    `distinct` is how many values a column must hold at least. Raises `CannotPlant` where there is none, `ValueError`
    where the named one is not there or of another kind.
    """
    offered = [name for name in tables.columns_of(*kinds) if name != tables.target and varies(tables, name, distinct)]
    if named and named not in offered:
        there = ", ".join(map(repr, offered[:10])) or "none"
        raise ValueError(f"no varying column {named!r} of kind {' or '.join(kinds)}; there are: {there}.")
    if not offered:
        raise CannotPlant(
            f"No column of kind {' or '.join(kinds)} holds {distinct} values or more in the training table."
        )
    return named or offered[int(rng.integers(len(offered)))]


def varies(tables: Tables, column: str, distinct: int = 2) -> bool:
    """True where a column holds so many values; numbers must have a finite spread above 0."""
    values = column_of(tables.train, column)
    if tables.kinds.get(column) == "number":
        return spread(values) > 0 and (distinct <= 2 or values.drop_nulls().n_unique() >= distinct)
    return values.drop_nulls().n_unique() >= distinct


def numbers(values: pl.Series) -> np.ndarray:
    """(n,) float64, NaN where the cell is null."""
    return values.cast(pl.Float64).to_numpy()


def spread(values: pl.Series) -> float:
    """The standard deviation of the finite cells; 0 where fewer than two are finite or it overflows."""
    found = numbers(values)
    found = found[np.isfinite(found)]
    with np.errstate(over="ignore", invalid="ignore"):
        deviation = float(found.std()) if len(found) > 1 else 0.0
    return deviation if np.isfinite(deviation) else 0.0


def as_column(values: np.ndarray, like: pl.Series, rng: np.random.Generator) -> pl.Series:
    """Floats in the dtype of a column; null stays null, non-finite cells stay what they were.

    For whole numbers a value is rounded up with the probability of its fraction, so that means are kept; values
    beyond the dtype's range stop at its end.
    """
    old = numbers(like)
    values = np.where(np.isfinite(old), values, old)
    if like.dtype.is_integer():
        floor = np.floor(np.nan_to_num(values))
        up = rng.random(len(values)) < np.nan_to_num(values) - floor
        ends = pl.select(low=like.dtype.min(), high=like.dtype.max()).row(0)  # type: ignore[attr-defined]
        # floats near the ends of 64 bits are coarser than 1: step inside
        inside = np.clip(floor + up, np.nextafter(float(ends[0]), 0), np.nextafter(float(ends[1]), 0))
        found = pl.Series(inside.astype(np.int64) if ends[0] < 0 else inside.astype(np.uint64)).cast(like.dtype)
    else:
        found = pl.Series(values).cast(like.dtype)
    return found.zip_with(like.is_not_null(), pl.repeat(None, len(like), dtype=like.dtype, eager=True))


def sort_key(values: pl.Series, rng: np.random.Generator) -> np.ndarray:
    """(n,) float64 to sort rows by: a number itself, else the place of its level in a random order; null is lowest."""
    if values.dtype.is_numeric():
        return np.nan_to_num(numbers(values), nan=-np.inf)
    if values.dtype.is_temporal():
        return values.to_physical().cast(pl.Float64).fill_null(-np.inf).to_numpy()
    levels = values.drop_nulls().unique().sort()
    places = pl.Series(rng.permutation(len(levels)).astype(float))
    return values.replace_strict(levels, places, default=-np.inf, return_dtype=pl.Float64).to_numpy()


def top_rows(key: np.ndarray, eligible: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """(n,) bool: the `share` of all rows with the largest keys among the eligible; ties are broken at random.

    >>> top_rows(np.array([3.0, 1.0, 2.0, 9.0]), np.array([True, True, True, False]), 0.5, np.random.default_rng(0))
    array([ True, False,  True, False])
    """
    rows = np.flatnonzero(eligible)
    order = rows[np.lexsort((rng.random(len(rows)), -key[rows]))]
    chosen = np.zeros(len(key), dtype=bool)
    chosen[order[: round(share * len(key))]] = True
    return chosen
