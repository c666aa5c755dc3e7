"""Which delimiter and quoting a text file uses, judged by how evenly its first lines split."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

DELIMITERS = (b",", b"\t", b";", b"|", b" ")
NONE = b"\x1f"  # the delimiter of a file with one column: does not occur in text
SAMPLE = 1 << 18  # bytes
TITLES = 20  # lines that may stand above a table
EVEN = 0.9  # share of the sample's bytes in records of the usual width that makes a delimiter believable


class Dialect(NamedTuple):
    """`evenness` is the share of the sample in records of the usual width; `padded`: a space follows each delimiter."""

    delimiter: bytes
    quotes: bool
    width: int = 1
    evenness: float = 1.0
    padded: bool = False

    def shown(self) -> str:
        """The delimiter in words."""
        names = {b"\t": "tab", b" ": "space", NONE: "no delimiter"}
        return names.get(self.delimiter, f"'{self.delimiter.decode()}'")


def guess_dialect(data: bytes) -> Dialect:
    r"""The most believable dialect of the first lines.

    >>> guess_dialect(b'name;price\n"a;b";1,5\nc;2,5\n')[:3]
    (b';', True, 2)
    """
    sample = _whole_lines(data)
    quoting = (True, False) if b'"' in sample else (True,)
    found = [_judge(sample, delimiter, quotes) for delimiter in DELIMITERS for quotes in quoting]
    believable = [dialect for dialect in found if dialect.evenness >= EVEN]
    if not believable:
        believable = [dialect for dialect in found if dialect.evenness >= 0.5]
    if not believable:
        return Dialect(NONE, quotes=sample.count(b'"') % 2 == 0)
    return max(believable, key=_rank)


def collapse_spaces(data: bytes) -> bytes:
    """Columns aligned with several spaces -> one space between cells."""
    return re.sub(rb"(?m)^[ \t]+|[ \t]+(?=\r?$)", b"", re.sub(rb"[ \t]{2,}", b" ", data))


@contextmanager
def cells_up_to(size: int) -> Iterator[None]:
    """The csv module's limit on the size of a cell, which holds for the whole process, changed for a while."""
    before = csv.field_size_limit(size)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _rank(dialect: Dialect) -> tuple:
    # A space is the last resort: words are separated by it too. A tie goes to more columns, then to quoting.
    return (
        dialect.evenness >= EVEN,
        dialect.delimiter != b" ",
        dialect.evenness >= 0.99,
        dialect.width,
        dialect.evenness,
        dialect.quotes,
    )


def _whole_lines(data: bytes) -> bytes:
    sample = data[:SAMPLE]
    cut = sample.rfind(b"\n")
    return sample[: cut + 1] if len(data) > SAMPLE and cut >= 0 else sample


def _judge(sample: bytes, delimiter: bytes, quotes: bool) -> Dialect:
    pads, all_delimiters = sample.count(delimiter + b" "), sample.count(delimiter)
    padded = delimiter != b" " and pads >= 0.95 * all_delimiters
    widths, sizes = _rows(sample, delimiter, quotes, padded)
    if not len(widths) or widths.max() < 2:
        return Dialect(delimiter, quotes, 1, 0.0)
    width = int(np.bincount(widths, weights=sizes)[1:].argmax()) + 1
    start = _header(widths, width, delimiter)
    if width < 2 or start is None:
        return Dialect(delimiter, quotes, 1, 0.0)
    evenness = float(sizes[start:][widths[start:] == width].sum() / sizes[start:].sum())
    if not start and widths[0] not in (width, width - 1):
        evenness *= 0.98  # quoted cells with delimiters inside are more believable than a header that does not fit
    if start:
        evenness *= 0.98 if evenness >= EVEN else 0  # a table without a title is more believable
    return Dialect(delimiter, quotes, width, evenness, padded)


def _rows(sample: bytes, delimiter: bytes, quotes: bool, padded: bool) -> tuple[np.ndarray, np.ndarray]:
    """The number of cells and the size of every record that is not blank."""
    lines = io.StringIO(sample.decode("utf-8", "replace"), newline="")
    try:
        with cells_up_to(2 * SAMPLE):
            reader = csv.reader(
                lines,
                delimiter=delimiter.decode(),
                quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
                skipinitialspace=padded,
            )
            rows = [row for row in reader if row]
    except csv.Error:
        return np.zeros(0, int), np.zeros(0, int)
    if len(sample) >= SAMPLE // 2 and quotes:
        rows = rows[:-1]  # the sample may end inside a quoted cell
    return np.array([len(row) for row in rows]), np.array([sum(map(len, row)) + len(row) for row in rows])


def _header(widths: np.ndarray, width: int, delimiter: bytes) -> int | None:
    """The record at which the table starts, if the header splits as the rows do.

    Row names may lack a name in the header (one cell fewer). Lines of one cell above the table are titles, but only
    above a table of three columns: "Doe, John" below "name" is a name.
    """
    first = int(widths[0])
    if first == width or (first > 1 and delimiter != b" "):
        return 0
    fitting = np.flatnonzero(widths == width)
    is_titled = width > 2 and delimiter != b" " and len(fitting) > 1 and fitting[0] <= TITLES
    return int(fitting[0]) if is_titled else None
