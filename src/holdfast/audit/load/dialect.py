"""Which delimiter and quoting a text file uses, judged by how evenly its first lines split."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from holdfast.audit.load.structure import structure

DELIMITERS = (b",", b"\t", b";", b"|", b" ")
NONE = b"\x1f"  # the delimiter of a file with one column: does not occur in text
SAMPLE = 1 << 18  # bytes
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
    found = [_judge(sample, delimiter, quotes) for delimiter in DELIMITERS for quotes in (True, False)]
    believable = [dialect for dialect in found if dialect.evenness >= EVEN]
    if not believable:
        believable = [dialect for dialect in found if dialect.evenness >= 0.5]
    if not believable:
        return Dialect(NONE, b'"' in sample and structure(sample, NONE).closed)
    return max(believable, key=_rank)


def collapse_spaces(data: bytes) -> bytes:
    """Columns aligned with several spaces -> one space between cells."""
    return re.sub(rb"(?m)^[ \t]+|[ \t]+(?=\r?$)", b"", re.sub(rb"[ \t]{2,}", b" ", data))


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
    found = structure(sample, delimiter, quotes)
    used = found.widths > 0
    if not found.closed and len(sample) >= SAMPLE // 2:
        used[-1:] = False  # the sample may end inside a quoted cell
    widths, sizes = found.widths[used], (found.ends - found.starts)[used]
    if not len(widths) or widths.max() < 2:
        return Dialect(delimiter, quotes, 1, 0.0)
    width = int(np.bincount(widths, weights=sizes)[1:].argmax()) + 1
    if width < 2:
        return Dialect(delimiter, quotes, 1, 0.0)
    evenness = float(sizes[widths == width].sum() / sizes.sum())
    # The header must split the same way; a row-name column may lack a name, a delimiter may end each row.
    if len(widths) > 1 and widths[0] != width and (delimiter == b" " or widths[0] == 1):
        evenness *= 0.85
    pads, all_delimiters = sample.count(delimiter + b" "), sample.count(delimiter)
    return Dialect(delimiter, quotes, width, evenness, delimiter != b" " and pads >= 0.95 * all_delimiters)
