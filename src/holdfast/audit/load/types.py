"""Column types of every library -> the few that an audit works with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.audit.load.errors import quoted
from holdfast.audit.load.python_cells import as_cell_text

if TYPE_CHECKING:
    import polars

WIDEST = 4096  # numbers in a list column that is spread over columns of its own


def plain_columns(column: polars.Series) -> tuple[list[polars.Series], list[str]]:
    """One column (several for a column of equally long lists of numbers) of plain type, and notes."""
    import polars as pl

    kind = column.dtype
    if kind.is_integer():
        whole = column.cast(pl.Int64, strict=False)
        return [whole if whole.null_count() == column.null_count() else column.cast(pl.Float64)], []
    if kind.is_float() or kind.is_decimal():
        return _finite(column if kind in (pl.Float32, pl.Float64) else column.cast(pl.Float64))
    if kind in (pl.Boolean, pl.String, pl.Date):
        return [column], []
    if kind in (pl.Categorical, pl.Enum, pl.Time, pl.Null):
        return [column.cast(pl.String)], []
    if isinstance(kind, pl.Datetime):
        return [_without_zone(column, kind)], []
    if isinstance(kind, pl.Duration):
        seconds = (column.dt.total_microseconds() / 1e6).alias(column.name)
        return [seconds], [f"column {quoted(column.name)}: durations were read as seconds"]
    if kind == pl.Binary:
        sizes = pl.Series(column.name, [None if cell is None else f"{len(cell)} bytes" for cell in column], pl.String)
        return [sizes], [f"column {quoted(column.name)}: binary content was left out, only its size is kept"]
    return _nested(column)


def _finite(column: polars.Series) -> tuple[list[polars.Series], list[str]]:
    if column.is_finite().all():
        return [column], []
    column = column.fill_nan(None)
    infinite = int(column.is_infinite().sum() or 0)
    if not infinite:
        return [column], []
    row = int(column.is_infinite().fill_null(False).arg_true()[0])
    note = f"column {quoted(column.name)}: {infinite:,} infinite value(s), the first in row {row:,}, count as missing"
    return [column.set(column.is_infinite().fill_null(False), None)], [note]


def _without_zone(column: polars.Series, kind: Any) -> polars.Series:
    if kind.time_zone:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.dt.cast_time_unit("us")


def _nested(column: polars.Series) -> tuple[list[polars.Series], list[str]]:
    import polars as pl

    name, kind = quoted(column.name), column.dtype
    if isinstance(kind, (pl.List, pl.Array)) and kind.inner is not None and kind.inner.is_numeric():
        lists = column.arr.to_list() if isinstance(kind, pl.Array) else column
        lengths = lists.drop_nulls().list.len()
        if len(lengths) and lengths.n_unique() == 1 and 0 < lengths[0] <= WIDEST:
            width = int(lengths[0])
            spread = [lists.list.get(i).cast(pl.Float32).alias(f"{column.name}[{i}]") for i in range(width)]
            spread = [_finite(each)[0][0] for each in spread]
            return spread, [f"column {name}: lists of {width:,} numbers were spread over {width:,} columns"]
    cells = [None if cell is None else as_cell_text(cell) for cell in column.to_list()]
    return [pl.Series(column.name, cells, pl.String)], [f"column {name}: nested values ({kind}) were read as text"]
