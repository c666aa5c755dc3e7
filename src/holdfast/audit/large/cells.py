"""Cells of a piece of a table as the loader reads them: what it does to whole columns, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.audit.load.types import plain_column
from holdfast.audit.load.values import MISSING, MISSING_IN_TARGET, _cleaned
from holdfast.audit.load.vectors import vectors_of_text

if TYPE_CHECKING:
    import polars


def plain_cells(column: polars.Series, is_target: bool = False) -> polars.Series:
    """With a plain type; NaN, infinities, empty text and words for missing are missing."""
    import polars as pl

    plain = plain_column(column)[0]
    if plain.dtype != pl.String:
        return plain
    markers = MISSING_IN_TARGET if is_target else MISSING
    return plain.set(plain.str.strip_chars().str.to_lowercase().is_in(list(markers)).fill_null(False), None)


def typed_cells(column: polars.Series, name: str, kind: Any, is_target: bool = False) -> polars.Series:
    """A column of a file as the audit holds it: under its name, with the type that it has there."""
    import polars as pl

    plain = plain_cells(column, is_target)
    if plain.dtype == pl.String and kind == pl.Boolean:
        plain = plain.str.to_lowercase() == "true"
    elif plain.dtype == pl.String and kind.is_numeric():
        plain = _cleaned(plain)
    elif plain.dtype == pl.String and kind.is_nested():
        vectors = vectors_of_text(plain)[0]
        plain = pl.Series(name, [None] * len(column), kind) if vectors is None else vectors
    elif plain.dtype == pl.String and kind.is_temporal():
        from holdfast.audit.load.dates import to_dates

        dates = to_dates(plain)[0] if plain.null_count() < len(plain) else plain
        plain = pl.Series(name, [None] * len(column), kind) if dates is None else dates
    return plain.cast(kind, strict=False).alias(name)
