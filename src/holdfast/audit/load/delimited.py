"""Delimited text (CSV, TSV and their relatives) -> a table of text columns, every record accounted for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from holdfast.audit.load.cells import read_cells
from holdfast.audit.load.dialect import EVEN, NONE, Dialect, collapse_spaces, guess_dialect
from holdfast.audit.load.errors import InputError, safe_text
from holdfast.audit.load.header import clean_names, is_header
from holdfast.audit.load.structure import structure
from holdfast.audit.load.text import Text, split_text

if TYPE_CHECKING:
    import polars

LOOK = 200  # records that decide whether there is a header


def read_delimited(data: bytes, path: str) -> tuple[polars.DataFrame, list[str]]:
    """All cells as text, and notes. `data` is UTF-8."""
    notes: list[str] = []
    data = _without_comments(data, notes)
    if b"\n" not in data[: 1 << 20] and b"\r" in data[: 1 << 20]:
        data = data.replace(b"\r", b"\n")  # line breaks of old Macs
    data, dialect = _split_evenly(data)
    text = split_text(data, path, dialect, notes)
    text.check_longest_cell()
    first = _first_record(text, notes)
    header = text.records(first, 1)[0]
    if is_header(header, text.records(first + 1, LOOK)):
        first += 1
    else:
        header = [f"x{position}" for position in range(dialect.width)]
        which = f"columns are called x0 to {header[-1]}" if len(header) > 1 else "column is called x0"
        notes.append(f"the file has no header line: its {which}")
    if first >= len(text.shape.starts) or not (text.shape.widths[first:] > 0).any():
        raise InputError(f"{path} has a header but no rows; expected rows below {safe_text(','.join(header))}.")
    frame = read_cells(text, first, notes)
    names, more = clean_names(_fit(header, frame))
    frame.columns = names
    return frame, notes + more


def _without_comments(data: bytes, notes: list[str]) -> bytes:
    """Of leading lines that start with '#', the last is the header if it splits as the rows do; others are comments."""
    rest, comments, last = data.lstrip(b"\r\n"), 0, b""
    while rest.startswith(b"#") and b"\n" in rest:
        last, _, rest = rest.partition(b"\n")
        comments += 1
    if not comments:
        return data
    dialect = guess_dialect(rest)
    for header in (last[1:].lstrip(b"# "), last):  # "#,price" has a column called "#"
        found = structure(header, dialect.delimiter, dialect.quotes)
        if found.widths.tolist() == [dialect.width] and not header.startswith(dialect.delimiter):
            comments, rest = comments - 1, header + b"\n" + rest
            break
    if comments:
        notes.append(f"left out {comments:,} comment line(s) that start with '#'")
    return rest


def _split_evenly(data: bytes) -> tuple[bytes, Dialect]:
    dialect = guess_dialect(data)
    if (dialect.evenness < EVEN or dialect.delimiter == NONE) and b"  " in data[: 1 << 16]:
        collapsed = collapse_spaces(data)
        other = guess_dialect(collapsed)
        if other.delimiter == b" " and other.evenness >= EVEN:
            return collapsed, other
    return data, dialect


def _first_record(text: Text, notes: list[str]) -> int:
    """The header or first row: titles and blank lines above the table are left out."""
    widths, usual = text.shape.widths, text.dialect.width
    if not (widths > 0).any():
        raise InputError(f"{text.path} holds only blank lines; expected a table with a header line.")
    first = int(np.flatnonzero(widths > 0)[0])
    if usual == 1:
        _refuse_other_delimiter(text, first)
        return first
    if widths[first] in (usual, usual - 1) and widths[first] > 1:
        return first
    fitting = np.flatnonzero(widths == usual)
    table = int(fitting[0]) if len(fitting) else first
    header, delimiter = text.record_bytes(first), text.dialect.shown()
    other = guess_dialect(header + b"\n" + header)
    if table == first + 1 and other.width == usual and other.delimiter != text.dialect.delimiter:
        raise InputError(
            f"{text.path} separates its header by {other.shown()} and its rows by {delimiter}; expected one delimiter "
            "throughout. Save it again with one."
        )
    notes.append(f"left out {table - first:,} line(s) above the table")
    return table


def _refuse_other_delimiter(text: Text, first: int) -> None:
    header = text.record_bytes(first)
    other = guess_dialect(header + b"\n" + header)
    if other.width > 2 and other.delimiter in (b",", b"\t", b";", b"|"):
        raise InputError(
            f"{text.path} reads as one column, although its first line would split into {other.width} by "
            f"{other.shown()}: its rows do not split the same way. Check delimiter and quotes, and save it again."
        )


def _fit(header: list[str], frame: polars.DataFrame) -> list[str]:
    """A header with one name too few: the row names have none (R), or every row ends in a delimiter."""
    if len(header) == frame.width - 1:
        ends_empty = frame.to_series(frame.width - 1).null_count() == frame.height
        return [*header, ""] if ends_empty else ["", *header]
    return [*header, *[""] * (frame.width - len(header))][: frame.width]
