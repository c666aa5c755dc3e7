"""Passages that stand in an earlier document word for word, found by suffix arrays over what can repeat at all.

Of every run of words of the asked length the rarest k-gram (by hash) is its *anchor*: two equal runs have equal
anchors. Only what surrounds an anchor that occurs twice is sorted, in parts by the anchor's hash, so that memory is
bounded and parts can be done anywhere; the runs found are those that one suffix array over everything would show.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from holdfast.corpus.scan import Arrays, Index
from holdfast.engine.store import array_place, read_array, read_arrays
from holdfast.ops.suffix_array import repeated, suffix_ranks

Last = Callable[[str], np.ndarray]
ANCHOR = 8  # words of a k-gram
TOGETHER = 1 << 22  # tokens of a part, about
PARTS = 8  # of the hashes, in each of which it is looked for anchors that repeat


def note_words(
    text: np.ndarray,
    starts: np.ndarray,
    words: np.ndarray,
    places: np.ndarray,
    ends: np.ndarray,
    length: int,
    tools: Any,
) -> Arrays:
    """What `scan` notes of every document for this: words, the character at which each begins, anchors."""
    characters = np.zeros(len(text) + 1, dtype=np.int32)  # before every byte
    np.cumsum((text & 0xC0) != 0x80, dtype=np.int32, out=characters[1:])
    begins = characters[starts]
    return {
        "tokens": (words >> np.uint64(32)).astype(np.uint32) ^ words.astype(np.uint32),
        "characters": (characters[places] - np.repeat(begins[:-1], np.diff(ends))).astype(np.uint32),
        "token_ends": ends.astype(np.int64),
        "lengths": np.diff(begins).astype(np.int64),
        **_anchors(words, ends, length, tools),
    }


def _anchors(words: np.ndarray, ends: np.ndarray, length: int, tools: Any) -> Arrays:
    """Every k-gram that is the least, by hash, of some window of as many k-grams as a run of `length` words has."""
    k = min(ANCHOR, length)
    window = length - k + 1
    grams, begins = tools.shingles(words, ends, k)
    n = len(grams)
    wide, document = grams.astype(np.int64), np.repeat(np.arange(len(ends) - 1), np.diff(begins))
    least = np.full(n, -1, dtype=np.int64)  # of the window that begins here; -1 where it would leave its document
    if n >= window:
        inside = np.flatnonzero(begins[1:][document] - np.arange(n) >= window)
        least[inside] = _window_least(grams, window)[inside]
    padded = np.concatenate([np.full(window - 1, -1, dtype=np.int64), least])
    chosen = np.flatnonzero(-_window_least(-padded, window) >= wide) if n else np.empty(0, dtype=np.int64)
    at = ends[:-1][document[chosen]] + chosen - begins[:-1][document[chosen]]
    return {"anchors": grams[chosen], "anchor_at": at.astype(np.int64)}


def _window_least(values: np.ndarray, window: int) -> np.ndarray:
    """The least of every `window` numbers in a row, by the least of 1, 2, 4, ...

    >>> _window_least(np.array([5, 1, 4, 3, 9]), 3).tolist()
    [1, 1, 3]
    """
    size = 1
    while size < window:
        step = min(size, window - size)
        values = np.minimum(values[: len(values) - step], values[step:])
        size += step
    return values


@dataclass(frozen=True)
class Anchored:
    """What the shards of the search for anchors share; `eligible` is a file: which documents stay."""

    pieces: list[Path]
    first: np.ndarray
    eligible: Path


def repeated_anchors(anchored: Anchored, part: int, skip: int, last: Last) -> Iterator[Arrays]:  # noqa: ARG001
    """The stage's work: anchors of one part of the hashes that occur more than once in documents that stay."""
    if skip:
        return
    eligible = read_array(anchored.eligible, "eligible")
    hashes, pieces, places = [], [], []
    for number, file in enumerate(anchored.pieces):
        held = read_arrays(file, ("anchors", "anchor_at", "token_ends"))
        mine = np.flatnonzero(held["anchors"] % np.uint32(PARTS) == part)
        at = held["anchor_at"][mine]
        document = np.searchsorted(held["token_ends"], at, side="right") - 1
        stays = eligible[int(anchored.first[number]) + document]
        hashes.append(held["anchors"][mine][stays])
        places.append(at[stays])
        pieces.append(np.full(int(stays.sum()), number, dtype=np.int64))
    hashed, piece, at = (np.concatenate([*part, np.empty(0, dtype=np.int64)]) for part in (hashes, pieces, places))
    hashed = hashed.astype(np.uint32)
    order = np.argsort(hashed, kind="stable")
    same = hashed[order][1:] == hashed[order][:-1]
    again = order[np.append(same, False) | np.append(False, same)] if len(order) else order
    yield {"hashed": hashed[again], "piece": piece[again], "at": at[again]}


@dataclass(frozen=True)
class Parts:
    """What the shards share: pieces, the first document of each, files with what repeats, the length, their count."""

    pieces: list[Path]
    first: np.ndarray
    repeats: list[Path]
    length: int
    count: int


def parts_of(index: Index, repeats: list[Path], length: int) -> Parts:
    """As many parts as keep memory bounded."""
    anchors = sum(len(read_array(path, "hashed")) for path in repeats)
    return Parts(index.pieces, index.first, repeats, length, 1 + 2 * length * anchors // TOGETHER)


def find_repeats(parts: Parts, part: int, skip: int, last: Last) -> Iterator[Arrays]:
    """The stage's work: ranks of ever longer prefixes, then windows of one part that stand earlier too, and where.

    What is yielded last counts; the rest is there to go on from.
    """
    tokens, room, place = _gathered(parts, part)
    if len(tokens) < parts.length:
        yield {"start": np.empty(0, dtype=np.int64), "first": np.empty(0, dtype=np.int64)}
        return
    begun = (last("rank").astype(np.int64), int(last("size")[0])) if skip else None
    rank = begun[0] if begun else tokens
    for longer, size in suffix_ranks(tokens, parts.length, begun):
        rank = longer
        yield {"rank": rank.astype(np.int32), "size": np.array([size])}
    start, first = repeated(rank, room, place, parts.length)
    yield {"start": place[start], "first": place[first]}


def _gathered(parts: Parts, part: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The tokens around the anchors of a part, how many follow each in its document, and where each stands."""
    files = [read_arrays(path, ("hashed", "piece", "at")) for path in parts.repeats]
    held = {name: np.concatenate([file[name] for file in files]) for name in ("hashed", "piece", "at")}
    rows = np.flatnonzero(held["hashed"] % np.uint32(parts.count) == part)
    tokens, room, places = [], [], []
    for number in np.unique(held["piece"][rows]).tolist():
        path = parts.pieces[number]
        ends = read_array(path, "token_ends")
        at = held["at"][rows[held["piece"][rows] == number]]
        document = np.searchsorted(ends, at, side="right") - 1
        low = np.maximum(at - (parts.length - min(ANCHOR, parts.length)), ends[document])
        high = np.minimum(at + parts.length, ends[document + 1])
        ranges = list(_merged(low, high, document))
        tokens += _read(path, ranges)
        owners = np.searchsorted(ends, [begin for begin, _ in ranges], side="right") - 1
        bases = ((int(parts.first[number]) + owners) << 32) - ends[owners]
        for (begin, stop), base in zip(ranges, bases.tolist(), strict=True):
            room.append(np.arange(stop - begin, 0, -1))
            places.append(np.arange(base + begin, base + stop))
    none = np.empty(0, dtype=np.int64)
    flat = np.concatenate([*tokens, np.empty(0, dtype=np.uint32)])
    return flat, np.concatenate([*room, none]), np.concatenate([*places, none])


def _merged(low: np.ndarray, high: np.ndarray, document: np.ndarray) -> Iterator[tuple[int, int]]:
    """Ranges of tokens joined where they touch inside a document, in order."""
    order = np.lexsort((low, document))
    begin = stop = owner = -1
    for at in order.tolist():
        if document[at] == owner and low[at] <= stop:
            stop = max(stop, int(high[at]))
            continue
        if stop > begin >= 0:
            yield begin, stop
        begin, stop, owner = int(low[at]), int(high[at]), int(document[at])
    if stop > begin >= 0:
        yield begin, stop


def _read(path: Path, ranges: list[tuple[int, int]]) -> list[np.ndarray]:
    """Tokens of a piece, range by range."""
    base, dtype = array_place(path, "tokens")
    file = os.open(path, os.O_RDONLY)
    try:
        return [
            np.frombuffer(os.pread(file, (stop - begin) * dtype.itemsize, base + begin * dtype.itemsize), dtype=dtype)
            for begin, stop in ranges
        ]
    finally:
        os.close(file)


@dataclass(frozen=True)
class Passage:
    """Words and characters of a document that stand earlier, in which document, and whether they are all of it."""

    document: int
    words: int
    begin: int
    stop: int
    matched: int
    whole: bool


def passages(index: Index, found: list[Path], length: int) -> list[Passage]:
    """Windows joined to passages, in order; a passage begins with a word and ends where the next one begins."""
    held = [read_arrays(path, ("start", "first")) for path in found]
    start = np.concatenate([part["start"] for part in held] + [np.empty(0, dtype=np.int64)])
    first = np.concatenate([part["first"] for part in held] + [np.empty(0, dtype=np.int64)])
    if not len(start):
        return []
    order = np.lexsort((first, start))
    order = order[np.append(True, start[order][1:] != start[order][:-1])]
    start, first = start[order], first[order]
    begins = np.flatnonzero(np.append(True, np.diff(start) > length))
    rows: list[Passage] = []
    kept: tuple[int, Arrays] = (-1, {})
    for low, high in zip(begins.tolist(), [*begins[1:].tolist(), len(start)], strict=True):
        document = int(start[low] >> 32)
        number = int(index.piece_of(np.array([document]))[0])
        if kept[0] != number:
            kept = number, read_arrays(index.pieces[number], ("characters", "token_ends", "lengths"))
        arrays, at = kept[1], document - int(index.first[number])
        offset, size = int(arrays["token_ends"][at]), int(arrays["token_ends"][at + 1] - arrays["token_ends"][at])
        word, stop = int(start[low] & 0xFFFFFFFF), int(start[high - 1] & 0xFFFFFFFF) + length
        end = int(arrays["lengths"][at]) if stop >= size else int(arrays["characters"][offset + stop])
        begin = int(arrays["characters"][offset + word])
        rows.append(Passage(document, stop - word, begin, end, int(first[low] >> 32), stop - word >= size))
    return rows
