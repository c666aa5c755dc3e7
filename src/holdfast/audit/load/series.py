"""Small questions to a column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars

SAMPLE = 10_000


def mean(column: polars.Series) -> float:
    """The mean of known values as a float; of no values, 0."""
    value: Any = column.mean()
    return 0.0 if value is None else float(value)


def first_true(mask: polars.Series) -> int:
    """The row of the first true cell."""
    return int(mask.fill_null(False).arg_true()[0])


def spread_sample(column: polars.Series, size: int = SAMPLE) -> polars.Series:
    """Known cells from all over the column, at most about `size`."""
    known = column.drop_nulls()
    return known.gather_every(max(1, len(known) // size))


def as_text(column: polars.Series) -> polars.Series:
    """Cells as one would write them: whole floats without ".0"."""
    import polars as pl

    if column.dtype in (pl.Float32, pl.Float64):
        whole = column.cast(pl.Int64, strict=False)
        if whole.null_count() == column.null_count() and (whole.cast(pl.Float64) == column.cast(pl.Float64)).all():
            return whole.cast(pl.String)
    return column.cast(pl.String)
