"""The kind of a column, from its type and, for text, from what its cells look like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.audit.load.series import mean, spread_sample
from holdfast.audit.load.vectors import is_embedding

if TYPE_CHECKING:
    import polars

IMAGE = r"(?i)\.(?:png|jpe?g|gif|bmp|webp|tiff?)$"


def column_kind(column: polars.Series) -> str:
    """One of number, category, boolean, date, text, image, embedding, empty.

    Free text has four words a cell or more (or a hundred characters) and seldom repeats. Integers are numbers
    whatever their count of distinct values; digits with leading zeros stay text when read, and so are categories.

    >>> import polars
    >>> column_kind(polars.Series(["a.png", "b/c.JPG"])), column_kind(polars.Series(["red", "blue"]))
    ('image', 'category')
    """
    import polars as pl

    if column.null_count() == len(column):
        return "empty"
    if is_embedding(column):
        return "embedding"
    if column.dtype.is_numeric():
        return "number"
    if column.dtype == pl.Boolean:
        return "boolean"
    if column.dtype != pl.String:
        return "date"
    cells = spread_sample(column)
    if mean(cells.str.contains(IMAGE)) >= 0.9:
        return "image"
    return "text" if _is_free_text(cells) else "category"


def _is_free_text(cells: polars.Series) -> bool:
    seldom_repeats = cells.n_unique() >= 0.5 * len(cells)
    return seldom_repeats and (mean(cells.str.count_matches(r"\S+")) >= 4 or mean(cells.str.len_chars()) >= 100)
