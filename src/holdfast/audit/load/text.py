"""Delimited text together with its dialect and shape: records, lines, and the cell that is too large."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from holdfast.audit.load.dialect import Dialect, cells_up_to
from holdfast.audit.load.errors import InputError
from holdfast.audit.load.structure import Structure, structure

if TYPE_CHECKING:
    from _csv import Reader

MAX_CELL = 16 << 20  # bytes; more is a missing quote, or not a table
EVEN = 0.99  # share of records of the usual width above which text is taken to be split rightly


@dataclass(frozen=True)
class Text:
    """Delimited text with its dialect and shape. `is_even`: quotes and widths are regular, so both can be trusted."""

    data: bytes
    path: str
    dialect: Dialect
    shape: Structure
    is_even: bool = True

    def record_bytes(self, record: int) -> bytes:
        """One record as it stands in the file."""
        return self.data[self.shape.starts[record] : self.shape.ends[record]]

    def records(self, first: int, count: int) -> list[list[str]]:
        """A few records, parsed; blank ones are left out."""
        last = min(first + count, len(self.shape.starts)) - 1
        if last < first:
            return []
        with cells_up_to(MAX_CELL + 1):
            return [row for row in self.parse(self.data[self.shape.starts[first] : self.shape.ends[last]]) if row]

    def parse(self, data: bytes) -> Reader:
        """Records by Python's csv module; a blank one is an empty list."""
        return csv.reader(
            io.StringIO(data.decode("utf-8"), newline=""),
            delimiter=self.dialect.delimiter.decode(),
            quoting=csv.QUOTE_MINIMAL if self.dialect.quotes else csv.QUOTE_NONE,
            skipinitialspace=self.dialect.padded,
        )

    def line(self, record: int) -> int:
        """The 1-based line on which a record starts."""
        return self.data.count(b"\n", 0, int(self.shape.starts[record])) + 1

    def check_longest_cell(self) -> None:
        """Refuse a cell that no table holds."""
        if self.shape.longest <= MAX_CELL:
            return
        record = int(np.searchsorted(self.shape.starts, self.shape.longest_start, side="right")) - 1
        before = self.data[self.shape.starts[record] : self.shape.longest_start]
        raise InputError(
            f"{self.path} line {self.line(record):,}, cell {before.count(self.dialect.delimiter) + 1:,} holds "
            f"{self.shape.longest:,} bytes; expected at most {MAX_CELL:,} in a cell. Is a closing quote or a line "
            "break missing? Otherwise shorten the cell."
        )


def split_text(data: bytes, path: str, dialect: Dialect, notes: list[str]) -> Text:
    """The shape of the whole text; where quotes do not enclose cells they become ordinary characters."""
    shape = structure(data, dialect.delimiter, dialect.quotes)
    is_even = _evenness(shape, dialect.width) == 1 and shape.closed and not shape.misplaced
    if dialect.quotes and (shape.misplaced or not shape.closed):
        plain = structure(data, dialect.delimiter, quotes=False)
        if _evenness(plain, dialect.width) >= EVEN:  # every line is a record as it stands
            shape, dialect = plain, dialect._replace(quotes=False)
    if not dialect.quotes and b'"' in data:
        notes.append("quotes do not enclose cells in this file: they were read as ordinary characters")
    return Text(data, path, dialect, shape, is_even)


def _evenness(shape: Structure, width: int) -> float:
    """The share of the text, in bytes, that is in records of the usual width."""
    sizes = shape.ends - shape.starts
    return float(sizes[shape.widths == width].sum() / max(1, sizes.sum()))
