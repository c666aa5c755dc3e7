"""Nearest rows by a Gram matrix in blocks: few values of a block are below a bound, and only those are ranked."""

from __future__ import annotations

from functools import reduce

import numpy as np
from numpy.typing import DTypeLike

BLOCK = 1 << 20  # numbers worked on at a time
WIDE = 4_096  # base rows of a block
GROUP = 8  # columns of which the smallest is looked at first


def nearest_exactly(
    asked: np.ndarray, base: np.ndarray, wanted: int, dtype: DTypeLike = np.float64, near: int = WIDE
) -> np.ndarray:
    """(n, wanted) row numbers of the nearest base rows, unordered.

    Where the first `near` base rows are likely to be near, few of the others are ranked.

    >>> base = np.array([[1.0], [0.0], [5.0], [6.0]])
    >>> np.sort(nearest_exactly(np.array([[4.0], [0.4]]), base, 2, near=2)).tolist()
    [[2, 3], [0, 1]]
    """
    return _nearest(asked, base, wanted, dtype, near)[0]


def nearest_surely(asked: np.ndarray, base: np.ndarray, wanted: int, needed: int) -> np.ndarray:
    """(n, wanted) row numbers of base rows, unordered, among which the `needed` nearest are for sure.

    Single precision is twice as fast; rows whose order it may have confused are asked again in double precision.

    >>> base = np.array([[1.0], [0.0], [5.0], [6.0]], dtype=np.float32)
    >>> np.sort(nearest_surely(base[:1], base, 3, 2)).tolist()
    [[0, 1, 2]]
    """
    chosen, values = _nearest(asked, base, wanted, np.float32, WIDE)
    if wanted == len(base):
        return chosen
    values = np.partition(values, needed - 1, axis=1)
    lengths = [np.sqrt(np.einsum("ij,ij->i", part, part, dtype=np.float64)) for part in (asked, base)]
    farthest = float(lengths[1].max())
    # each value is a sum of d + 1 products, so many roundings of terms that are together at most this large
    error = (base.shape[1] + 3) * 2.0**-24 * (2 * lengths[0] * farthest + farthest**2)
    doubtful = np.flatnonzero(values[:, needed - 1] + 2 * error >= values[:, needed:].max(axis=1))
    if len(doubtful):
        chosen[doubtful] = nearest_exactly(asked[doubtful], base, wanted)
    return chosen


def _nearest(
    asked: np.ndarray, base: np.ndarray, wanted: int, dtype: DTypeLike, near: int
) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers and values, both (n, wanted) and unordered: squared distances less the query's own norm."""
    chosen = np.empty((len(asked), wanted), dtype=np.int64)
    values_of = np.empty((len(asked), wanted), dtype=dtype)
    # one product gives norm - 2 query part; the query's own norm does not change the order
    only = _with_norms(base, dtype) if len(base) <= WIDE else None
    for start in range(0, len(asked), BLOCK // WIDE):
        rows = slice(start, start + BLOCK // WIDE)
        query = np.column_stack([asked[rows], np.ones(len(asked[rows]))]).astype(dtype)
        for first in range(0, len(base), WIDE):
            values = query @ (_with_norms(base[first : first + WIDE], dtype) if only is None else only).T
            if not first:
                best, kept = _smallest(values, wanted, near)
                continue
            full = best.shape[1] == wanted
            found, where = _up_to(values, best.max(axis=1)) if full else _smallest(values, wanted)
            best, keep = _smallest(np.hstack([best, found]), wanted)
            kept = np.take_along_axis(np.hstack([kept, where + first]), keep, 1)
        chosen[rows], values_of[rows] = kept, best
    return chosen, values_of


def _with_norms(part: np.ndarray, dtype: DTypeLike) -> np.ndarray:
    part = part.astype(dtype, copy=False)
    return np.column_stack([-2 * part, np.einsum("ij,ij->i", part, part)])


def _smallest(values: np.ndarray, count: int, near: int = WIDE) -> tuple[np.ndarray, np.ndarray]:
    """The `count` smallest values of every row, unordered, and their columns; the first `near` bound them."""
    if values.shape[1] <= count:
        return values, np.broadcast_to(np.arange(values.shape[1]), values.shape)
    found, where = _up_to(values, _bound(values[:, : max(near, count)], count))
    keep = np.argpartition(found, count - 1, axis=1)[:, :count]
    return np.take_along_axis(found, keep, 1), np.take_along_axis(where, keep, 1)


def _bound(values: np.ndarray, count: int) -> np.ndarray:
    """(n,) at least the `count`-th smallest value of every row, and seldom much more.

    The smallest of every group of columns stands for the group: as many groups as `count` hold a value up to the bound.
    """
    groups = values.shape[1] // GROUP
    if groups > 4 * count:
        values = reduce(np.minimum, (values[:, i * groups : (i + 1) * groups] for i in range(GROUP)))
    return np.partition(values, count - 1, axis=1)[:, count - 1]


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
