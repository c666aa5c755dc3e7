"""Hashes of rows, and equal rows found by them: linear in the rows, and verified, so that no collision passes."""

from __future__ import annotations

import numpy as np

BLOCK = 1 << 20  # numbers worked on at a time


def row_hashes(array: np.ndarray, seed: int = 0) -> np.ndarray:
    """A 64-bit hash of every row of a two-dimensional array of numbers; equal rows have equal hashes.

    Rows are compared as values: -0.0 equals 0.0 and one NaN equals another. Every column has its own random salt, the
    salted words are mixed by the finaliser of SplitMix64 and added up.

    >>> hashes = row_hashes(np.array([[0.0, 1.0], [-0.0, 1.0], [1.0, 0.0]]), seed=3)
    >>> bool(hashes[0] == hashes[1]), bool(hashes[0] == hashes[2])
    (True, False)
    """
    salts = np.random.default_rng(seed).integers(1 << 63, size=array.shape[1], dtype=np.uint64)
    hashes = np.empty(len(array), dtype=np.uint64)
    step = max(1, BLOCK // max(1, array.shape[1]))
    for start in range(0, len(array), step):
        words = _words(array[start : start + step])
        hashes[start : start + step] = _mixed(_mixed(words ^ salts).sum(axis=1, dtype=np.uint64))
    return hashes


def first_equal_rows(array: np.ndarray) -> np.ndarray:
    """For every row the number of the first row equal to it: its own where there is none before it.

    >>> first_equal_rows(np.array([[2, 1], [3, 3], [2, 1], [1, 2], [2, 1]])).tolist()
    [0, 1, 0, 3, 0]
    """
    first = _first_of_each(row_hashes(array))
    wrong = _different(array, first)
    if len(wrong):  # two rows that differ share a hash: sort every row of such hashes
        rows = np.flatnonzero(np.isin(first, first[wrong]))
        _, codes = np.unique(_words(array[rows]), axis=0, return_inverse=True)
        first[rows] = rows[_first_of_each(codes.reshape(-1))]
    return first


def copies_before(first: np.ndarray) -> np.ndarray:
    """How many equal rows stand before each row, from `first_equal_rows`.

    >>> copies_before(np.array([0, 1, 0, 3, 0])).tolist()
    [0, 0, 1, 0, 2]
    """
    order = np.argsort(first, kind="stable")
    starts = np.flatnonzero(np.diff(first[order], prepend=-1))
    lengths = np.diff(np.append(starts, len(first)))
    copies = np.empty(len(first), dtype=np.int64)
    copies[order] = np.arange(len(first)) - np.repeat(starts, lengths)
    return copies


def _words(block: np.ndarray) -> np.ndarray:
    """Numbers as 64-bit words, one for every value."""
    if block.dtype.kind != "f":
        return np.ascontiguousarray(block, dtype=np.int64).view(np.uint64)
    values = block.astype(np.float64) + 0.0  # -0.0 becomes 0.0
    values[np.isnan(values)] = np.nan
    return np.ascontiguousarray(values).view(np.uint64)


def _mixed(words: np.ndarray) -> np.ndarray:
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _first_of_each(keys: np.ndarray) -> np.ndarray:
    order = np.argsort(keys, kind="stable")
    new = np.append(True, keys[order][1:] != keys[order][:-1])
    first = np.empty(len(keys), dtype=np.int64)
    first[order] = order[np.flatnonzero(new)[np.cumsum(new) - 1]]
    return first


def _different(array: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Rows that are not equal to the row they were matched with."""
    rows = np.flatnonzero(first != np.arange(len(first)))
    step = max(1, BLOCK // max(1, array.shape[1]))
    parts = [rows[start : start + step] for start in range(0, len(rows), step)]
    wrong = [part[(_words(array[part]) != _words(array[first[part]])).any(axis=1)] for part in parts]
    return np.concatenate([*wrong, rows[:0]])
