"""Suffix arrays of token sequences, sorted as far as is asked for, and the repeats that neighbours in them show."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def suffix_ranks(
    tokens: np.ndarray, length: int, begun: tuple[np.ndarray, int] | None = None
) -> Iterator[tuple[np.ndarray, int]]:
    """For every start the rank of its first 1, 2, 4, ... and at last `length` tokens, with how many these are.

    Prefix doubling; the last step joins two overlapping prefixes. Suffixes with the same first tokens (or the same
    rest, at the end) share a rank. `begun` is a step that was taken before: what comes after it is yielded.

    >>> [(rank.tolist(), size) for rank, size in suffix_ranks(np.array([5, 3, 5, 3, 9]), 2)]
    [([1, 0, 1, 0, 2], 1), ([2, 0, 2, 1, 3], 2)]
    """
    if begun is None:
        begun = np.unique(tokens, return_inverse=True)[1].astype(np.int64), 1
        yield begun
    rank, size = begun
    while size < length:
        step = min(size, length - size)
        rank = _paired(rank, step)
        size += step
        yield rank, size


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
    *_, (rank, _) = suffix_ranks(tokens, length)
    return repeated(rank, room, place, length)


def repeated(rank: np.ndarray, room: np.ndarray, place: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """The same from the ranks of all windows: a suffix array, whose neighbours of one rank are the same window."""
    starts = np.flatnonzero(room >= length)
    order = starts[np.lexsort((place[starts], rank[starts]))]
    begins = np.flatnonzero(np.append(True, rank[order][1:] != rank[order][:-1])) if len(order) else order
    first = np.repeat(order[begins], np.diff(np.append(begins, len(order)))) if len(order) else order
    again = place[order] >= place[first] + length
    return order[again], first[again]
