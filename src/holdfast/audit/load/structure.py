"""The shape of delimited text, in one pass over its bytes: where records start and how many cells each has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

NEWLINE, RETURN, QUOTE = 10, 13, 34
STEP = 1 << 22  # bytes looked at together


class Structure(NamedTuple):
    """`starts` and `ends` (without the line break) of every record in bytes, and its number of cells (`widths`).

    A blank record has width 0. `longest` is the size of the largest cell in bytes, `longest_start` where it starts;
    `closed` is false where a quote is left open at the end.
    """

    starts: np.ndarray
    ends: np.ndarray
    widths: np.ndarray
    longest: int
    longest_start: int
    closed: bool


def structure(data: bytes, delimiter: bytes, quotes: bool = True) -> Structure:
    r"""Count records and cells; a quoted delimiter or line break does not count.

    >>> found = structure(b'a,b\n1,"x,y"\n\n2\n', b",")
    >>> found.widths.tolist(), found.longest, found.closed
    ([2, 2, 0, 1], 5, True)
    """
    text = np.frombuffer(data, np.uint8)
    ends, totals, total, last, longest, closed = [], [], 0, -1, (0, 0), True
    for edges, is_break, is_closed in _edges(text, delimiter[0], quotes):
        closed = is_closed
        if not len(edges):
            continue
        sizes = np.diff(edges, prepend=last) - 1
        widest = int(sizes.argmax())
        longest = max(longest, (int(sizes[widest]), int(edges[widest] - sizes[widest])))
        last = int(edges[-1])
        ends.append(edges[is_break])
        delimiters = total + np.cumsum(~is_break)
        totals.append(delimiters[is_break])
        total = int(delimiters[-1])
    longest = max(longest, (len(text) - 1 - last, last + 1))
    if (len(text) and text[-1] != NEWLINE) or not closed:  # the last record has no line break of its own
        ends.append(np.array([len(text)]))
        totals.append(np.array([total]))
    return _records(text, np.concatenate([*ends, []]), np.concatenate([*totals, []]), longest, closed)


def _edges(text: np.ndarray, delimiter: int, quotes: bool) -> Iterator[tuple[np.ndarray, np.ndarray, bool]]:
    """Piece by piece: where cells end, whether the record ends there too, and whether no quote is open after it."""
    state = np.uint8(0)
    for start in range(0, len(text), STEP):
        piece = text[start : start + STEP]
        is_edge = (piece == NEWLINE) | (piece == delimiter)
        if quotes:
            inside = np.bitwise_xor.accumulate((piece == QUOTE).view(np.uint8)) ^ state
            state = inside[-1]
            is_edge &= inside == 0
        edges = np.flatnonzero(is_edge)
        yield edges + start, piece[edges] == NEWLINE, bool(state == 0)


def _records(
    text: np.ndarray, ends: np.ndarray, totals: np.ndarray, longest: tuple[int, int], closed: bool
) -> Structure:
    ends, totals = ends.astype(np.int64), totals.astype(np.int64)
    starts = np.concatenate([[0], ends + 1])[:-1].astype(np.int64)
    if len(ends):
        ends = ends - ((ends > starts) & (text[np.maximum(ends, 1) - 1] == RETURN))
    widths = np.where(ends == starts, 0, np.diff(totals, prepend=0) + 1)
    return Structure(starts, ends, widths, longest[0], longest[1], closed)
