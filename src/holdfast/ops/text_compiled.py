"""The kernels of `text_plain`, compiled: the same numbers, tens of times as fast on much text.

Needs numba (the extra `corpus`). What is compiled is kept beside this file, so that it is compiled once.
"""

from __future__ import annotations

from sys import getrefcount
from threading import local

import numpy as np
from numba import njit

from holdfast.ops.text_tables import CJK, CODES, LEAD, MIX, PRIME, SALT, band_salts, permutations

COMPILED = True
ALONE = 3  # references to a buffer that nobody looks at: its tuple, the loop, the question itself
_last = local()
EMPTY = np.uint32(0xFFFFFFFF)
_SHIFT_A, _SHIFT_B, _SHIFT_C, _HALF = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)
_MIX_A, _MIX_B, _STEP, _EIGHT, _NONE = MIX[0], MIX[1], np.uintp(1), np.uintp(8), np.uint8(0)
_POWERS = np.array([pow(int(PRIME), power, 1 << 64) for power in range(9)], dtype=np.uint64)
_INVERSES = np.array([pow(int(PRIME), -power, 1 << 64) for power in range(9)], dtype=np.uint64)  # it is odd


def word_hashes(text: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """See `text_plain.word_hashes`."""
    hashes, places = _buffers(len(text) // 2 + len(starts))
    ends = np.zeros(len(starts), dtype=np.int64)
    while True:
        found = _word_hashes(text, starts.astype(np.int64), hashes, places, ends)
        if found >= 0:
            return hashes[:found], places[:found], ends
        hashes, places = _buffers(len(text) + 1)  # as many words as bytes at most


def _buffers(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Room for hashes and places: that of the last call on this thread, where nothing that it returned is in use.

    New memory costs a fault every page: a tenth of the work on a large corpus.
    """
    held = getattr(_last, "buffers", ())
    free = all(len(buffer) >= size and getrefcount(buffer) <= ALONE for buffer in held)
    if not held or not free:
        held = _last.buffers = np.empty(size, dtype=np.uint64), np.empty(size, dtype=np.int64)
    return held


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


@njit(cache=True, nogil=True, inline="always")
def _letters(text, at, stop):  # type: ignore[no-untyped-def]
    """The end of the word of letters that begins here, and the sum of its letters, each times `PRIME` to a power.

    Eight letters are taken at a time without a question asked of each: those behind the word's end count nothing, and
    the powers that they would have added are divided out again.
    """
    value = np.uint64(0)
    while True:
        if at + _EIGHT <= stop:
            inside, size, total = np.uint64(1), np.uint64(0), np.uint64(0)
            for step in range(8):
                code = np.uint64(CODES[text[at + np.uintp(step)]])
                inside &= np.uint64(code > CJK)
                total += (code * inside) * _POWERS[8 - step]
                size += inside
            value = (value * _POWERS[8] + total) * _INVERSES[8 - size]
            at += np.uintp(size)
            if size == 8:
                continue
        elif at < stop and CODES[text[at]] > CJK:
            value = (value + np.uint64(CODES[text[at]])) * PRIME
            at += _STEP
            continue
        if at >= stop or CODES[text[at]] != LEAD:
            return at, value
        code = np.uint64(_lead(text, at, stop))
        if code == 0:
            return at, value
        value = (value + code) * PRIME
        at += _STEP


@njit(cache=True, nogil=True)
def _word_hashes(text, starts, hashes, places, ends):  # type: ignore[no-untyped-def]
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
                at, value = _letters(text, at, stop)
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
