"""Pixels of a test table, out and in: cells of an image column that hold arrays or name files, or numeric columns."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl

from holdfast.core import Fault
from holdfast.faults._columns import as_column
from holdfast.faults._picture_files import Change, corrupt_files
from holdfast.faults._rows import column_of, need_test
from holdfast.faults._tables import CannotPlant, Tables, Truth

WORST = 5  # severities are those of the source: 1 to 5


class PictureFault(Fault, abstract=True):
    """What all faults of pictures share. Their setting `shape` is for pixels in number columns.

    A copy in which it is planted may have every picture of the test set as a new file: planting is slow and takes room.
    """

    unit = "severity from 1 to 5"
    strengths = (1.0, 2.0, 3.0, 4.0, 5.0)
    silent: ClassVar[tuple[str, ...]] = ("shape",)  # tested by the family


def at_severity(strength: float, values: tuple[float, ...], without: float) -> float:
    """The parameter at a severity from 0 to 5, straight lines between the five published values.

    >>> at_severity(1.5, (2.0, 4.0, 6.0, 8.0, 10.0), without=0.0)
    3.0
    """
    if strength > WORST:
        raise ValueError(f"strength is {strength:g}; expected a severity from 0 to {WORST}.")
    return float(np.interp(strength, range(WORST + 1), (without, *values)))


def corrupt(
    tables: Tables, shape: tuple[int, ...], strength: float, change: Change, rng: np.random.Generator
) -> tuple[Tables, Truth]:
    """Change all pictures of the test table; `change` maps (n, height, width, channels) in 0..1 to the same.

    Black and white are the smallest and largest value of the training pictures; values beyond are cut. Without a
    `shape`, the first column of kind image; with one, all number columns in order. Of a column that names files, see
    `_picture_files`.
    """
    test = need_test(tables)
    columns = _columns(tables, shape)
    if test.schema[columns[0]] == pl.String:
        return corrupt_files(tables, columns[0], strength, change)
    old = _pixels(test, columns)
    train = _pixels(tables.train, columns)
    low, high = float(train.min()), float(train.max())
    if not low < high:
        raise CannotPlant("The training pictures are of one colour, so black and white are not known.")
    if strength == 0:
        return tables, Truth(test_rows=np.zeros(len(old), dtype=bool), columns=tuple(columns), note="nothing planted")
    size = shape or old.shape[1:]
    height, width, channels = (*size, 1)[:3]
    scaled = np.clip((old.reshape(len(old), height, width, channels) - low) / (high - low), 0, 1)
    new = (low + np.clip(change(scaled), 0, 1) * (high - low)).reshape(old.shape)
    written = test.with_columns([_as_stored(test, name, new, place, rng) for place, name in enumerate(columns)])
    differs = np.zeros(len(old), dtype=bool)
    for name in columns:
        differs |= _differ(column_of(test, name), column_of(written, name))
    note = f"{differs.sum():,} test pictures changed at severity {strength:g}"
    truth = Truth(test_rows=differs, columns=tuple(columns), amount=strength if differs.any() else 0.0, note=note)
    return tables.with_test(written), truth


def _columns(tables: Tables, shape: tuple[int, ...]) -> list[str]:
    if shape:
        names = [name for name in tables.columns_of("number") if name != tables.target]
        if len(names) != np.prod(shape):
            raise ValueError(f"shape is {shape}, {np.prod(shape)} pixels, but there are {len(names)} number columns.")
        return names
    names = tables.columns_of("image")
    if not names:
        raise CannotPlant("There is no image column; for pixels in number columns, say their shape.")
    kind = tables.train.schema[names[0]]
    if not isinstance(kind, pl.Array) and kind != pl.String:
        raise CannotPlant(f"Column {names[0]!r} holds no pixels and no paths but {kind}: decode it first.")
    return names[:1]


def _pixels(frame: pl.DataFrame, columns: list[str]) -> np.ndarray:
    parts = [column_of(frame, name) for name in columns]
    if any(part.null_count() for part in parts) or not frame.height:
        raise CannotPlant("Some pictures are missing, or all are.")
    if isinstance(parts[0].dtype, pl.Array):
        return parts[0].to_numpy().astype(float)
    return np.stack([part.cast(pl.Float64).to_numpy() for part in parts], axis=1)


def _as_stored(test: pl.DataFrame, name: str, new: np.ndarray, place: int, rng: np.random.Generator) -> pl.Series:
    old = column_of(test, name)
    if not isinstance(old.dtype, pl.Array):
        return as_column(new[:, place], old, rng).alias(name)
    kind = old.to_numpy().dtype
    cells = np.rint(new) if kind.kind in "iu" else new
    return pl.Series(name, cells.astype(kind)).cast(old.dtype)


def _differ(old: pl.Series, new: pl.Series) -> np.ndarray:
    return (old.to_numpy() != new.to_numpy()).reshape(len(old), -1).any(axis=1)
