"""The unit of work B that corpus figures are told in: read, parse JSON, tokenise, xxhash64 of every word 5-gram."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import orjson
from numba import njit

P1, P2, P3 = np.uint64(11400714785074694791), np.uint64(14029467366897019727), np.uint64(1609587929392839161)
P4, P5 = np.uint64(9650029242287828579), np.uint64(2870177450012600261)
U = np.uint64
SPACE = np.array([not (chr(b).isalnum() or b == 95 or b >= 128) for b in range(256)])
LOWER = np.array([ord(chr(b).lower()) if b < 128 else b for b in range(256)], dtype=np.uint8)


@njit(cache=True, inline="always")
def _rot(x, r):
    return (x << U(r)) | (x >> U(64 - r))


@njit(cache=True, inline="always")
def _word(data, at, size):
    value = U(0)
    for i in range(size):
        value |= U(data[at + i]) << U(8 * i)
    return value


@njit(cache=True, inline="always")
def _round(acc, lane):
    return _rot(acc + lane * P2, 31) * P1


@njit(cache=True)
def xxh64(data, start, stop):
    """xxHash64, seed 0, of data[start:stop]."""
    at, n = start, stop - start
    if n >= 32:
        a, b, c, d = P1 + P2, P2, U(0), U(0) - P1
        while at + 32 <= stop:
            a = _round(a, _word(data, at, 8))
            b = _round(b, _word(data, at + 8, 8))
            c = _round(c, _word(data, at + 16, 8))
            d = _round(d, _word(data, at + 24, 8))
            at += 32
        h = _rot(a, 1) + _rot(b, 7) + _rot(c, 12) + _rot(d, 18)
        for v in (a, b, c, d):
            h = (h ^ _round(U(0), v)) * P1 + P4
    else:
        h = P5
    h += U(n)
    while at + 8 <= stop:
        h = _rot(h ^ _round(U(0), _word(data, at, 8)), 27) * P1 + P4
        at += 8
    if at + 4 <= stop:
        h = _rot(h ^ (_word(data, at, 4) * P1), 23) * P2 + P3
        at += 4
    while at < stop:
        h = _rot(h ^ (U(data[at]) * P5), 11) * P1
        at += 1
    h = (h ^ (h >> U(33))) * P2
    h = (h ^ (h >> U(29))) * P3
    return h ^ (h >> U(32))


@njit(cache=True)
def grams(text, k, clean, begins, out):
    """Lower-case words joined by spaces into `clean`, then the hash of every run of k words; how many."""
    size, words, inside = 0, 0, False
    for byte in text:
        if SPACE[byte]:
            inside = False
            continue
        if not inside:
            if words:
                clean[size] = 32
                size += 1
            begins[words] = size
            words += 1
            inside = True
        clean[size] = LOWER[byte]
        size += 1
    begins[words] = size + 1
    for first in range(words - k + 1):
        out[first] = xxh64(clean, begins[first], begins[first + k] - 1)
    return max(words - k + 1, 0)


def unit(paths: list[Path], k: int = 5) -> tuple[float, int]:
    """CPU seconds of B over these JSON Lines files (compiled before), and a checksum so that nothing is left out."""
    room = 1 << 16
    clean, begins, out = np.empty(room, np.uint8), np.empty(room, np.int64), np.empty(room, np.uint64)
    grams(np.frombuffer(b"to compile it", np.uint8), k, clean, begins, out)
    start, total = time.process_time(), 0
    for path in paths:
        with path.open("rb") as file:
            for line in file:
                text = np.frombuffer(orjson.loads(line)["text"].encode(), np.uint8)
                if 2 * len(text) + 2 > room:
                    room = 4 * len(text)
                    clean, begins, out = np.empty(room, np.uint8), np.empty(room, np.int64), np.empty(room, np.uint64)
                n = grams(text, k, clean, begins, out)
                total ^= int(out[n - 1]) if n else 0
    return time.process_time() - start, total
