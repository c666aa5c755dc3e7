"""Tables of runs: which column is what, and which rows can be used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl

from holdfast.audit.load import InputError, read_table
from holdfast.audit.load.errors import did_you_mean, listed, quoted


def read_runs(source: Any) -> pl.DataFrame:
    """A table of runs from a file or a DataFrame; `InputError` where it cannot be read or has no row."""
    frame = read_table(source, "runs").frame
    if frame.height == 0:
        raise InputError("the table of runs has no rows; expected one run or model per row.")
    return frame


def find_column(frame: pl.DataFrame, given: str | None, words: Iterable[str], option: str) -> str | None:
    """The column that was named, else the one whose name is one of `words`, read without case and signs."""
    if given is not None:
        if given not in frame.columns:
            hint = did_you_mean(given, frame.columns)
            raise InputError(
                f"{option} {quoted(given)}: the table has no such column.{' ' + hint if hint else ''} It has: "
                f"{listed(frame.columns, 20)}."
            )
        return given
    plain = {_plain(name): name for name in reversed(frame.columns)}
    return next((plain[word] for word in words if word in plain), None)


def numbers(frame: pl.DataFrame, column: str) -> np.ndarray:
    """A column as floats, NaN where a cell is empty; `InputError` where it holds text."""
    values = frame[column]
    if not values.dtype.is_numeric() and values.dtype != pl.Boolean:
        cast = values.cast(pl.Float64, strict=False)
        wrong = values.filter(cast.is_null() & values.is_not_null())
        if len(wrong):
            raise InputError(f"column {quoted(column)} holds {quoted(wrong[0])}; expected numbers.")
        values = cast
    return values.cast(pl.Float64).to_numpy().astype(np.float64)


def usable(columns: Mapping[str, np.ndarray], least: int, positive: Iterable[str] = ()) -> tuple[np.ndarray, list[str]]:
    """Which rows hold a finite number in every column, and what to say of the others.

    Numbers of `positive` columns that are not above zero are an error, as is a table with fewer than `least` rows left.
    """
    keep = np.all([np.isfinite(values) for values in columns.values()], axis=0)
    for name in positive:
        wrong = np.flatnonzero(keep & (columns[name] <= 0))
        if len(wrong):
            row = int(wrong[0])
            raise InputError(
                f"column {quoted(name)} holds {columns[name][row]:g} in row {row + 1}; expected a number above zero. "
                "Take the row out or correct it."
            )
    left = int((~keep).sum())
    if keep.sum() < least:
        lost = f" ({left} of {len(keep)} have an empty or infinite cell in {listed(columns)})" if left else ""
        raise InputError(f"the table holds {int(keep.sum())} usable runs{lost}; expected at least {least}.")
    notes = [f"{left} of {len(keep)} rows left out: an empty or infinite cell in {listed(columns)}."] if left else []
    return keep, notes


def shares(values: np.ndarray, column: str) -> tuple[np.ndarray, list[str]]:
    """Accuracies or errors between 0 and 1; percent are divided, which a note says."""
    known = values[np.isfinite(values)]
    outside = known[(known < 0) | (known > 100)]
    if len(outside):
        worst = outside[0]
        raise InputError(f"column {quoted(column)} holds {worst:g}; expected shares between 0 and 1, or percent.")
    if len(known) and known.max() > 1:
        if np.median(known) <= 1:
            raise InputError(
                f"column {quoted(column)} holds {known.max():g} among shares; expected all between 0 and 1, or all in "
                "percent."
            )
        return values / 100, [f"Column {quoted(column)} was read as percent."]
    return values, []


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
