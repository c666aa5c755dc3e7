"""Column types of every library -> the few that an audit works with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.audit.load.errors import quoted
from holdfast.audit.load.python_cells import as_cell_text
from holdfast.audit.load.vectors import vectors_of_lists

if TYPE_CHECKING:
    import polars


def plain_column(column: polars.Series) -> tuple[polars.Series, list[str]]:
    """The column with a plain type, and notes."""
    import polars as pl

    kind = column.dtype
    if kind.is_integer():
        whole = column.cast(pl.Int64, strict=False)
        return whole if whole.null_count() == column.null_count() else column.cast(pl.Float64), []
    if kind.is_float() or kind.is_decimal():
        return _finite(column if kind in (pl.Float32, pl.Float64) else column.cast(pl.Float64))
    if kind in (pl.Boolean, pl.String, pl.Date):
        return column, []
    if kind in (pl.Categorical, pl.Enum, pl.Time, pl.Null):
        return column.cast(pl.String), []
    if isinstance(kind, pl.Datetime):
        return _without_zone(column, kind), []
    if isinstance(kind, pl.Duration):
        seconds = (column.dt.total_microseconds() / 1e6).alias(column.name)
        return seconds, [f"column {quoted(column.name)}: durations were read as seconds"]
    if kind == pl.Binary:
        sizes = pl.Series(column.name, [None if cell is None else f"{len(cell)} bytes" for cell in column], pl.String)
        return sizes, [f"column {quoted(column.name)}: binary content was left out, only its size is kept"]
    return _nested(column)


def _finite(column: polars.Series) -> tuple[polars.Series, list[str]]:
    if column.is_finite().all():
        return column, []
    column = column.fill_nan(None)
    infinite = int(column.is_infinite().sum() or 0)
    if not infinite:
        return column, []
    row = int(column.is_infinite().fill_null(False).arg_true()[0])
    note = f"column {quoted(column.name)}: {infinite:,} infinite value(s), the first in row {row:,}, count as missing"
    return column.set(column.is_infinite().fill_null(False), None), [note]


def _without_zone(column: polars.Series, kind: Any) -> polars.Series:
    if kind.time_zone:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.dt.cast_time_unit("us")


def _nested(column: polars.Series) -> tuple[polars.Series, list[str]]:
    import polars as pl

    kind, notes = column.dtype, []
    if isinstance(kind, (pl.List, pl.Array)) and kind.inner is not None and kind.inner.is_numeric():
        vectors, note = vectors_of_lists(column)
        if vectors is not None:
            return vectors, [note]
        notes.append(f"{note}: it was read as text")
    cells = [None if cell is None else as_cell_text(cell) for cell in column.to_list()]
    text = pl.Series(column.name, cells, pl.String)
    return text, notes or [f"column {quoted(column.name)}: nested values ({kind}) were read as text"]
