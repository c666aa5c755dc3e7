"""Suffix arrays of token sequences, sorted as far as is asked for, and the repeats that neighbours in them show."""

from __future__ import annotations

import numpy as np


def sorted_suffixes(tokens: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Starts of all suffixes ordered by their first `length` tokens, and for each start the rank of those tokens.

    Prefix doubling: ranks of 1, 2, 4, ... tokens, then of two overlapping prefixes that make `length`. Suffixes with
    the same first `length` tokens (or the same rest, at the end) share a rank and stand in order of their starts.

    >>> order, rank = sorted_suffixes(np.array([5, 3, 5, 3, 9]), 2)
    >>> order.tolist(), rank.tolist()
    ([1, 3, 0, 2, 4], [2, 0, 2, 1, 3])
    """
    rank = np.unique(tokens, return_inverse=True)[1].astype(np.int64)
    size = 1
    while size < length:
        step = min(size, length - size)
        rank = _paired(rank, step)
        size += step
    return np.argsort(rank, kind="stable"), rank


def _paired(rank: np.ndarray, step: int) -> np.ndarray:
    """The rank of a prefix followed, `step` tokens on, by another; past the end comes before everything."""
    later = np.zeros(len(rank), dtype=np.int64)
    later[: len(rank) - step] = rank[step:] + 1
    return np.unique(rank * (int(later.max(initial=0)) + 1) + later, return_inverse=True)[1].astype(np.int64)


def repeated_windows(
    tokens: np.ndarray, room: np.ndarray, place: np.ndarray, length: int
) -> tuple[np.ndarray, np.ndarray]:
    """Starts of windows of `length` tokens that stand at an earlier place too, and where they stand first.

    `room` says how many tokens of its own text follow a token, itself counted: windows do not go over a text's end.
    `place` orders the tokens of all texts; a window that overlaps with its first occurrence is no repeat of it.

    >>> tokens = np.array([1, 2, 3, 9, 1, 2, 3, 1, 2])
    >>> starts, first = repeated_windows(tokens, np.array([9, 8, 7, 6, 5, 4, 3, 2, 1]), np.arange(9), 2)
    >>> starts.tolist(), first.tolist()
    ([4, 7, 5], [0, 0, 1])
    """
    if len(tokens) < length:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    _, rank = sorted_suffixes(tokens, length)
    starts = np.flatnonzero(room >= length)
    order = starts[np.lexsort((place[starts], rank[starts]))]
    begins = np.flatnonzero(np.append(True, rank[order][1:] != rank[order][:-1])) if len(order) else order
    first = np.repeat(order[begins], np.diff(np.append(begins, len(order)))) if len(order) else order
    again = place[order] >= place[first] + length
    return order[again], first[again]
