"""Nearest rows by a Gram matrix in blocks: few values of a block are below a bound, and only those are ranked."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

BLOCK = 1 << 20  # numbers worked on at a time
WIDE = 4_096  # base rows of a block


def nearest_exactly(
    asked: np.ndarray, base: np.ndarray, wanted: int, dtype: DTypeLike = np.float64, near: int = WIDE
) -> np.ndarray:
    """(n, wanted) row numbers of the nearest base rows, unordered.

    Where the first `near` base rows are likely to be near, few of the others are ranked.

    >>> base = np.array([[1.0], [0.0], [5.0], [6.0]])
    >>> np.sort(nearest_exactly(np.array([[4.0], [0.4]]), base, 2, near=2)).tolist()
    [[2, 3], [0, 1]]
    """
    chosen = np.empty((len(asked), wanted), dtype=np.int64)
    for start in range(0, len(asked), BLOCK // WIDE):
        rows = slice(start, start + BLOCK // WIDE)
        query = np.column_stack([asked[rows], np.ones(len(asked[rows]))]).astype(dtype)
        for first in range(0, len(base), WIDE):
            part = base[first : first + WIDE].astype(dtype, copy=False)
            # one product gives norm - 2 query part; the query's own norm does not change the order
            values = query @ np.column_stack([-2 * part, np.einsum("ij,ij->i", part, part)]).T
            if not first:
                best, kept = _smallest(values, wanted, near)
                continue
            full = best.shape[1] == wanted
            found, where = _up_to(values, best.max(axis=1)) if full else _smallest(values, wanted)
            best, keep = _smallest(np.hstack([best, found]), wanted)
            kept = np.take_along_axis(np.hstack([kept, where + first]), keep, 1)
        chosen[rows] = kept
    return chosen


def _smallest(values: np.ndarray, count: int, near: int = WIDE) -> tuple[np.ndarray, np.ndarray]:
    """The `count` smallest values of every row, unordered, and their columns; the first `near` bound them."""
    if values.shape[1] <= count:
        return values, np.broadcast_to(np.arange(values.shape[1]), values.shape)
    bound = np.partition(values[:, : max(near, count)], count - 1, axis=1)[:, count - 1]
    found, where = _up_to(values, bound)
    keep = np.argpartition(found, count - 1, axis=1)[:, :count]
    return np.take_along_axis(found, keep, 1), np.take_along_axis(where, keep, 1)


def _up_to(values: np.ndarray, bound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values of every row up to its bound, and their columns, padded with infinity."""
    places = np.flatnonzero(values <= bound[:, None])  # on one axis it is faster
    row, column = np.divmod(places, values.shape[1])
    counts = np.bincount(row, minlength=len(values))
    place = np.arange(len(row)) - (counts.cumsum() - counts)[row]
    found = np.full((len(values), counts.max()), np.inf, dtype=values.dtype)
    where = np.zeros(found.shape, dtype=np.int64)
    found[row, place], where[row, place] = values.ravel()[places], column
    return found, where
