"""The shape of delimited text, in one pass over its bytes: where records start and how many cells each has."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NEWLINE, RETURN, QUOTE = 10, 13, 34
STEP = 1 << 22  # bytes looked at together


class Structure(NamedTuple):
    """`starts` and `ends` (without the line break) of every record in bytes, and its number of cells (`widths`).

    A blank record has width 0. `longest` is the size of the largest cell in bytes, `longest_start` where it starts;
    `closed` is false where a quote is left open at the end; `misplaced` counts quotes that open or close in the middle
    of a cell.
    """

    starts: np.ndarray
    ends: np.ndarray
    widths: np.ndarray
    longest: int
    longest_start: int
    closed: bool
    misplaced: int


def structure(data: bytes, delimiter: bytes, quotes: bool = True) -> Structure:
    r"""Count records and cells; a quoted delimiter or line break does not count.

    >>> found = structure(b'a,b\n1,"x,y"\n\n2\n', b",")
    >>> found.widths.tolist(), found.longest, found.closed, found.misplaced
    ([2, 2, 0, 1], 5, True, 0)
    """
    text, quotes = np.frombuffer(data, np.uint8), quotes and b'"' in data
    ends, totals, total, last, longest, closed, misplaced = [], [], 0, -1, (0, 0), True, 0
    for start in range(0, len(text), STEP):
        edges, wrong, closed = _edges(text, start, delimiter[0], quotes, closed)
        misplaced += wrong
        if not len(edges):
            continue
        sizes = np.diff(edges, prepend=last) - 1
        widest = int(sizes.argmax())
        longest = max(longest, (int(sizes[widest]), int(edges[widest] - sizes[widest])))
        last = int(edges[-1])
        is_break = text[edges] == NEWLINE
        ends.append(edges[is_break])
        delimiters = total + np.cumsum(~is_break)
        totals.append(delimiters[is_break])
        total = int(delimiters[-1])
    longest = max(longest, (len(text) - 1 - last, last + 1))
    if (len(text) and text[-1] != NEWLINE) or not closed:  # the last record has no line break of its own
        ends.append(np.array([len(text)]))
        totals.append(np.array([total]))
    starts, stops, widths = _records(text, np.concatenate([*ends, []]), np.concatenate([*totals, []]))
    return Structure(starts, stops, widths, *longest, closed, misplaced)


def _edges(text: np.ndarray, start: int, delimiter: int, quotes: bool, closed: bool) -> tuple[np.ndarray, int, bool]:
    """Of one piece: where cells end, how many quotes are misplaced, and whether no quote is open after it."""
    piece = text[start : start + STEP]
    is_edge = (piece == NEWLINE) | (piece == delimiter)
    if not quotes:
        return np.flatnonzero(is_edge) + start, 0, True
    is_quote = piece == QUOTE
    inside = np.bitwise_xor.accumulate(is_quote.view(np.uint8)) ^ np.uint8(not closed)
    at = np.flatnonzero(is_quote)
    opens = inside[at] == 1
    beside = np.where(opens, at - 1, at + 1) + start  # an opening quote looks back, a closing one ahead
    is_outer = (beside < 0) | (beside >= len(text))
    borders = np.array([delimiter, NEWLINE, RETURN, QUOTE], np.uint8)
    wrong = ~is_outer & ~np.isin(text[np.clip(beside, 0, len(text) - 1)], borders)
    return np.flatnonzero(is_edge & (inside == 0)) + start, int(wrong.sum()), not inside[-1]


def _records(text: np.ndarray, ends: np.ndarray, totals: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    ends, totals = ends.astype(np.int64), totals.astype(np.int64)
    starts = np.concatenate([[0], ends + 1])[:-1].astype(np.int64)
    if len(ends):
        ends = ends - ((ends > starts) & (text[np.maximum(ends, 1) - 1] == RETURN))
    return starts, ends, np.where(ends == starts, 0, np.diff(totals, prepend=0) + 1)
