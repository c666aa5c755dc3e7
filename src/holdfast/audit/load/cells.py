"""The cells of delimited text: by polars, or by Python's csv module where polars and the counted records disagree."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from holdfast.audit.load.dialect import cells_up_to
from holdfast.audit.load.errors import InputError
from holdfast.audit.load.text import MAX_CELL, Text

if TYPE_CHECKING:
    import polars

RAGGED = 0.01  # share of records with a wrong number of cells that is left out; with more, an error or a note


class _Body(NamedTuple):
    """The rows of a table: cells, how many cells each row had in the file (0: blank), and on which line it starts."""

    frame: polars.DataFrame
    widths: np.ndarray
    line: Callable[[int], int]


def read_cells(text: Text, first: int, notes: list[str]) -> polars.DataFrame:
    """The table from record `first` on, every cell text, an empty cell missing. Columns are named by number."""
    import polars as pl

    body = _by_polars(text, first) or _by_csv(text, first, notes)
    frame = _without_ragged(text, body, notes)
    blank = (body.widths == 0) & (text.dialect.width > 1)
    if blank.any():
        frame = frame.filter(pl.Series(~blank))
        if blank[: int(np.flatnonzero(~blank)[-1])].any():  # blank lines at the end are nothing to tell
            notes.append(f"left out {int(blank.sum()):,} blank line(s)")
    return _without_empty_end(_tidy(frame, text), text.path, notes)


def _without_empty_end(frame: polars.DataFrame, path: str, notes: list[str]) -> polars.DataFrame:
    """Spreadsheets like to write rows without a cell below the table."""
    import polars as pl

    filled = frame.select(pl.any_horizontal(pl.all().is_not_null())).to_series().arg_true()
    if not len(filled):
        raise InputError(f"{path} has no cell that holds anything below its header; expected rows of data.")
    empty = frame.height - int(filled[-1]) - 1
    if empty:
        notes.append(f"left out {empty:,} empty row(s) at the end")
    return frame.head(frame.height - empty)


def _without_ragged(text: Text, body: _Body, notes: list[str]) -> polars.DataFrame:
    """Rows with a wrong number of cells keep their place, but nobody knows which cell is which: all are missing."""
    import polars as pl

    usual, widths = text.dialect.width, body.widths
    is_long, is_short = widths > usual, (widths < usual) & (widths > 0)
    limit = RAGGED * len(widths)
    if is_long.sum() > limit:
        row = int(np.flatnonzero(is_long)[0])
        raise InputError(
            f"{text.path} line {body.line(row):,} has {widths[row]:,} cells; expected {usual:,} as in most rows "
            f"(delimiter: {text.dialect.shown()}). {int(is_long.sum()):,} row(s) are like that. "
            "Quote cells that hold the delimiter."
        )
    if is_short.sum() > limit:  # a habit of the writer: cells at the end are left off when they are empty
        line = body.line(int(np.flatnonzero(is_short)[0]))
        notes.append(f"{int(is_short.sum()):,} row(s), the first at line {line:,}, end early: the rest is missing")
        is_short[:] = False
    ragged = is_long | is_short
    if not ragged.any():
        return body.frame
    row = int(np.flatnonzero(ragged)[0])
    notes.append(
        f"{int(ragged.sum()):,} row(s) do not have {usual:,} cells (the first, at line {body.line(row):,}, has "
        f"{widths[row]:,}): all of their cells count as missing"
    )
    return body.frame.select(pl.when(pl.lit(pl.Series(~ragged))).then(pl.all()))


def _by_polars(text: Text, first: int) -> _Body | None:
    import polars as pl

    body, widths = text.data[text.shape.starts[first] :], text.shape.widths[first:]
    if text.dialect.quotes and b'"' in body and (text.dialect.padded or not text.is_even):
        return None  # quotes inside cells and after spaces are read in other ways by polars
    try:
        frame = pl.read_csv(
            body,
            has_header=False,
            schema={str(number): pl.String for number in range(text.dialect.width)},
            separator=text.dialect.delimiter.decode(),
            quote_char='"' if text.dialect.quotes else None,
            truncate_ragged_lines=bool((widths > text.dialect.width).any()),
        )
    except pl.exceptions.PolarsError:
        return None
    return _Body(frame, widths, lambda row: text.line(first + row)) if frame.height == len(widths) else None


def _by_csv(text: Text, first: int, notes: list[str]) -> _Body:
    """Slow and exact: quotes inside cells mean what they mean to a spreadsheet."""
    import polars as pl

    usual, offset = text.dialect.width, text.line(first)
    body = text.data[text.shape.starts[first] :]
    rows, lines = [], [offset]
    reader = text.parse(body if body.endswith(b"\n") else body + b"\n")
    try:
        with cells_up_to(MAX_CELL + 1):
            for row in reader:
                rows.append(row)
                lines.append(offset + reader.line_num)
    except csv.Error as error:
        raise InputError(f"{text.path} cannot be read as delimited text ({error}). Save it again as CSV.") from None
    if rows[-1] and rows[-1][-1].endswith("\n"):  # the last line break fell inside quotes
        raise InputError(
            f"{text.path} opens a quote in the record that starts at line {lines[-2]:,} and never closes it. "
            "Close or double that quote; or was the file cut off?"
        )
    spans = np.flatnonzero(np.diff(lines) > 1)
    if text.shape.misplaced and len(spans):
        notes.append(
            f"quotes stand inside cells, and {len(spans):,} row(s) span several lines, the first at line "
            f"{lines[spans[0]]:,}: check that no line was swallowed"
        )
    columns = {str(j): [row[j] if j < len(row) else None for row in rows] for j in range(usual)}
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    return _Body(frame, np.array([len(row) for row in rows]), lines.__getitem__)


def _tidy(frame: polars.DataFrame, text: Text) -> polars.DataFrame:
    """Drop the space after each delimiter, and quotes around cells where quotes had to be ordinary characters."""
    import polars as pl

    cell = pl.all()
    if text.dialect.padded:
        cell = cell.str.strip_chars_start(" ")
    if not text.dialect.quotes and b'"' in text.data:
        inner = cell.str.strip_prefix('"').str.strip_suffix('"').str.replace_all('""', '"', literal=True)
        is_quoted = cell.str.starts_with('"') & cell.str.ends_with('"') & (cell.str.len_chars() > 1)
        cell = pl.when(is_quoted).then(inner).otherwise(cell)
    return frame.select(pl.when(cell != "").then(cell).name.keep())
