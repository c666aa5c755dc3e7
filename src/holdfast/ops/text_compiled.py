"""The kernels of `text_plain`, compiled: the same numbers, tens of times as fast on much text.

Needs numba (the extra `corpus`). What is compiled is kept beside this file, so that it is compiled once.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from holdfast.ops.text_tables import CJK, CODES, LEAD, MIX, PRIME, SALT, band_salts, permutations

COMPILED = True
EMPTY = np.uint32(0xFFFFFFFF)
_SHIFT_A, _SHIFT_B, _SHIFT_C, _HALF = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)
_MIX_A, _MIX_B, _STEP, _NONE = MIX[0], MIX[1], np.uintp(1), np.uint8(0)


def word_hashes(text: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """See `text_plain.word_hashes`."""
    room = len(text) // 2 + len(starts)
    hashes, places = np.empty(room, dtype=np.uint64), np.empty(room, dtype=np.int64)
    ends = np.zeros(len(starts), dtype=np.int64)
    while True:
        found = _word_hashes(text, starts.astype(np.int64), hashes, places, ends)
        if found >= 0:
            return hashes[:found], places[:found], ends
        room = len(text) + 1  # as many words as bytes at most
        hashes, places = np.empty(room, dtype=np.uint64), np.empty(room, dtype=np.int64)


def shingles(words: np.ndarray, starts: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """See `text_plain.shingles`."""
    return _shingles(words, starts, k)


def band_keys(grams: np.ndarray, starts: np.ndarray, bands: int, rows: int) -> np.ndarray:
    """See `text_plain.band_keys`."""
    factor, shift = permutations(bands * rows)
    return _band_keys(grams, starts, factor, shift, band_salts(bands), rows)


def jaccard(grams: np.ndarray, starts: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """See `text_plain.jaccard`."""
    used = np.zeros(len(starts) - 1, dtype=np.bool_)
    used[left] = True
    used[right] = True
    return _jaccard(grams.copy(), starts, used, left.astype(np.int64), right.astype(np.int64))


@njit(cache=True, nogil=True, inline="always")
def _mixed(word):  # type: ignore[no-untyped-def]
    word = (word ^ (word >> _SHIFT_A)) * _MIX_A
    word = (word ^ (word >> _SHIFT_B)) * _MIX_B
    return word ^ (word >> _SHIFT_C)


@njit(cache=True, nogil=True)
def _lead(text, at, stop):  # type: ignore[no-untyped-def]
    """The code of a lead byte: 0 where it begins punctuation, else itself."""
    if text[at] == 0xC2 or (at + _STEP < stop and (text[at + _STEP] == 0x80 or text[at + _STEP] == 0x81)):
        return _NONE
    return text[at]


@njit(cache=True, nogil=True)
def _word_hashes(text, starts, hashes, places, ends):  # type: ignore[no-untyped-def]  # noqa: C901 - one pass
    """Fill hashes, places and ends; the number of words, or -1 where there is no room for them."""
    count, room = 0, len(hashes)
    for document in range(len(starts) - 1):
        at, stop = np.uintp(starts[document]), np.uintp(starts[document + 1])  # unsigned: no test for negative places
        while at < stop:
            code = CODES[text[at]]
            if code == LEAD:
                code = _lead(text, at, stop)
                if code == 0:
                    at += np.uintp(1 + (text[at] == 0xE2))
            if code == 0:
                at += _STEP
                continue
            if count == room:
                return -1
            places[count] = at
            value = np.uint64(0)
            if code == CJK:
                for _ in range(min(np.uintp(3), stop - at)):
                    value = (value + np.uint64(text[at])) * PRIME
                    at += _STEP
            else:
                while True:
                    value = (value + np.uint64(code)) * PRIME
                    at += _STEP
                    if at >= stop:
                        break
                    code = CODES[text[at]]
                    if code == LEAD:
                        code = _lead(text, at, stop)
                    if code == 0 or code == CJK:
                        break
            hashes[count] = _mixed(value)
            count += 1
        ends[document + 1] = count
    return count


@njit(cache=True, nogil=True)
def _shingles(words, starts, k):  # type: ignore[no-untyped-def]
    n = len(starts) - 1
    ends = np.zeros(n + 1, dtype=np.int64)
    for document in range(n):
        length = starts[document + 1] - starts[document]
        ends[document + 1] = ends[document] + (0 if length == 0 else max(length - k + 1, 1))
    grams = np.empty(ends[n], dtype=np.uint32)
    for document in range(n):
        first, last = starts[document], starts[document + 1]
        for number in range(ends[document + 1] - ends[document]):
            value = SALT
            for at in range(first + number, min(first + number + k, last)):
                value = value * PRIME + words[at]
            grams[ends[document] + number] = np.uint32(_mixed(value) >> _HALF)
    return grams, ends


@njit(cache=True, nogil=True)
def _band_keys(grams, starts, factor, shift, salts, rows):  # type: ignore[no-untyped-def]
    n, count, bands = len(starts) - 1, len(factor), len(salts)
    keys = np.empty((n, bands), dtype=np.uint64)
    least = np.empty(count, dtype=np.uint32)
    for document in range(n):
        least[:] = EMPTY
        for at in range(starts[document], starts[document + 1]):
            gram = grams[at]
            for one in range(count):
                least[one] = min(least[one], np.uint32(gram * factor[one] + shift[one]))
        for band in range(bands):
            key = salts[band]
            for row in range(rows):
                key = _mixed((key ^ np.uint64(least[band * rows + row])) * PRIME)
            keys[document, band] = key
    return keys


@njit(cache=True, nogil=True)
def _jaccard(grams, starts, used, left, right):  # type: ignore[no-untyped-def]
    """Sort the k-grams of every document that a pair names, drop repeats, then merge pair by pair."""
    sizes = np.zeros(len(used), dtype=np.int64)
    for document in range(len(used)):
        if used[document] and starts[document + 1] > starts[document]:
            mine = grams[starts[document] : starts[document + 1]]
            mine.sort()
            size = 1
            for at in range(1, len(mine)):
                if mine[at] != mine[size - 1]:
                    mine[size] = mine[at]
                    size += 1
            sizes[document] = size
    values = np.empty(len(left), dtype=np.float64)
    for pair in range(len(left)):
        at, other = starts[left[pair]], starts[right[pair]]
        end, other_end = at + sizes[left[pair]], other + sizes[right[pair]]
        both = 0
        while at < end and other < other_end:
            one, two = grams[at], grams[other]
            both += one == two
            at += one <= two
            other += two <= one
        union = sizes[left[pair]] + sizes[right[pair]] - both
        values[pair] = both / max(union, 1)
    return values
