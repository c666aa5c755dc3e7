"""Text cells -> numbers, booleans and dates, with everything that was read as missing counted in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.audit.load.dates import to_dates
from holdfast.audit.load.errors import quoted
from holdfast.audit.load.series import first_true, mean

if TYPE_CHECKING:
    import polars

# Cells that mean "not known", compared without case and outer spaces. A target may well have a class "none" or "-".
MISSING = ("", "?", "na", "n/a", "#n/a", "<na>", "null", "nan", "nat", "none", "-", "--", ".", "\\n")
MISSING_IN_TARGET = ("", "?", "na", "n/a", "#n/a", "<na>", "null", "nan", "nat", "\\n")
STRAY = 0.05  # share of cells that may not be numbers in a column of numbers
_CODES = r"^\s*(?:0\d+|\d{19,})\s*$"
_THOUSANDS = r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$"
_DECIMAL_COMMA = r"^[+-]?\d*,\d+(?:[eE][+-]?\d+)?$"


def type_values(
    column: polars.Series, is_target: bool = False, is_typed: bool = False
) -> tuple[polars.Series, list[str]]:
    """The column with the type that its text stands for, and notes.

    A target keeps every label: no cell of it is dropped for not being a number. `is_typed` says that the source had
    types of its own (not CSV), so that text there was meant; a text target then stays text.
    """
    markers = MISSING_IN_TARGET if is_target else MISSING
    stripped = column.str.strip_chars()
    is_missing = stripped.str.to_lowercase().is_in(list(markers)) & (stripped != "")
    notes = [_missing_note(column, is_missing)] if is_missing.any() else []
    text = column.set((is_missing | (stripped == "")).fill_null(False), None)
    if text.null_count() == len(text):
        return text, notes
    if not (is_target and is_typed):
        numbers, stray = _numbers(text)
        if numbers is not None and (stray is None or not is_target):
            return numbers, notes + ([stray] if stray else [])
    if is_target:
        return text, notes
    if text.str.to_lowercase().is_in(["true", "false"]).all():
        return (text.str.to_lowercase() == "true").alias(column.name), notes
    dates, note = to_dates(text)
    if dates is not None:
        return dates, notes + ([note] if note else [])
    return text, notes


def plain_numbers(frame: polars.DataFrame) -> dict[str, polars.Series]:
    """The text columns whose known cells are all numbers as they stand, as numbers: the common case, all at once."""
    import polars as pl

    text = [name for name, kind in frame.schema.items() if kind == pl.String]
    if not text:
        return {}
    floats = frame.select(pl.col(text).cast(pl.Float64, strict=False))
    lost = floats.null_count().row(0), frame.select(text).null_count().row(0)
    is_odd = floats.select(pl.all().is_nan().any()).row(0), frame.select(pl.col(text).str.contains(_CODES).any()).row(0)
    good = [
        name
        for name, after, before, is_nan, has_codes in zip(text, *lost, *is_odd, strict=True)
        if after == before < frame.height and not is_nan and not has_codes
    ]
    if not good:
        return {}
    whole = frame.select(pl.col(good).cast(pl.Int64, strict=False))
    is_whole = [after == floats[name].null_count() for name, after in zip(good, whole.null_count().row(0), strict=True)]
    return {name: whole[name] if fits else floats[name] for name, fits in zip(good, is_whole, strict=True)}


def _missing_note(column: polars.Series, is_missing: polars.Series) -> str:
    cells = column.filter(is_missing).str.strip_chars()
    shown = ", ".join(quoted(cell) for cell in cells.unique().sort().head(4).to_list())
    return f"column {quoted(column.name)}: {len(cells):,} cell(s) {shown} count as missing"


def _numbers(text: polars.Series) -> tuple[polars.Series | None, str | None]:
    """Int64 or Float64 if the text is numbers; a note if a few cells were not and count as missing."""
    import polars as pl

    if _are_codes(text):
        return None, None
    numbers = text.cast(pl.Float64, strict=False)
    known = len(text) - text.null_count()
    if len(numbers) - numbers.null_count() < known:
        numbers = _cleaned(text).cast(pl.Float64, strict=False)
    found = len(numbers) - numbers.null_count()
    if found < (1 - STRAY) * known or not found:
        return None, None
    note = None
    if found < known:
        row = first_true(numbers.is_null() & text.is_not_null())
        note = (
            f"column {quoted(text.name)}: {known - found:,} of {known:,} cells are not numbers "
            f"(row {row:,}: {quoted(text[row])}) and count as missing"
        )
    return _whole(_cleaned(text), numbers), note


def _cleaned(text: polars.Series) -> polars.Series:
    """Without outer spaces and thousands separators; a decimal comma becomes a point where all commas can be one."""
    stripped = text.str.strip_chars()
    if not stripped.str.contains(",", literal=True).any():
        return stripped
    commas = stripped.filter(stripped.str.contains(",", literal=True).fill_null(False))
    if mean(commas.str.contains(_THOUSANDS)) >= 1 - STRAY:
        return stripped.str.replace_all(",", "", literal=True)
    if mean(commas.str.contains(_DECIMAL_COMMA)) >= 1 - STRAY:
        return stripped.str.replace(",", ".", literal=True)
    return stripped


def _whole(text: polars.Series, numbers: polars.Series) -> polars.Series:
    import polars as pl

    whole = text.cast(pl.Int64, strict=False)
    return whole if whole.null_count() == numbers.null_count() else numbers


def _are_codes(text: polars.Series) -> bool:
    """Digits that are names: leading zeros ("007"), or too long for a number (20 digits)."""
    return bool(text.str.contains(_CODES).any()) and bool((text.str.contains(r"^\s*\d+\s*$") | text.is_null()).all())
