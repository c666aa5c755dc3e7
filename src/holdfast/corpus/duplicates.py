"""Which documents repeat an earlier one: exact copies by hashes, near copies by verified pairs in star clusters."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from holdfast.corpus.scan import Arrays, Index
from holdfast.engine.store import array_place, read_array, read_arrays, write_arrays
from holdfast.ops.text_kernels import kernels

Last = Callable[[str], np.ndarray]
DOCUMENTS = 1 << 23  # documents whose keys are sorted at a time
PAIRS = 60_000  # pairs verified at a time
LEAST = 5_000  # and at least, where there are few documents
TOGETHER = 4  # bands whose keys are read together
CROWD = 32  # in a larger bucket not every pair is looked at


@dataclass(frozen=True)
class Near:
    """Settings of the near-duplicate search: words in a k-gram, bands and rows of MinHash, smallest Jaccard."""

    k: int = 3
    bands: int = 40
    rows: int = 4
    threshold: float = 0.35


def signatures(words: np.ndarray, word_starts: np.ndarray, near: Near, tools: Any) -> Arrays:
    """What `scan` notes of every document for this."""
    grams, ends = tools.shingles(words, word_starts, near.k)
    keys = tools.band_keys(grams, ends, near.bands, near.rows)
    return {"grams": grams, "ends": ends} | {
        f"band{band}": keys[:, band : band + TOGETHER].T for band in range(0, near.bands, TOGETHER)
    }


def exact_copies(index: Index) -> np.ndarray:
    """For every document the first with the same text: itself where there is none before it."""
    first = np.arange(index.count)
    keys = index.gather("exact").reshape(-1, 2)
    parts = 1 + index.count // DOCUMENTS
    for part in range(parts):
        rows = np.flatnonzero(keys[:, 0] % np.uint64(parts) == part) if parts > 1 else np.arange(index.count)
        members = np.sort(_in_runs(keys[:, 0], rows)[0])
        order = members[np.lexsort((keys[members, 1], keys[members, 0]))]  # stable: the earliest document comes first
        same = (keys[order[1:]] == keys[order[:-1]]).all(axis=1)
        begins = np.flatnonzero(np.append(True, ~same))
        first[order] = np.repeat(order[begins], np.diff(np.append(begins, len(order)))) if len(order) else 0
    return first


@dataclass(frozen=True)
class Bands:
    """What the shards of the pair search share; `eligible` is a file: which documents are compared."""

    pieces: list[Path]
    eligible: Path
    parts: int


def band_pairs(bands: Bands, shard: tuple[int, int], skip: int, last: Last) -> Iterator[Arrays]:  # noqa: ARG001
    """Pairs of documents that share a key of a few bands, as (earlier << 32 | later), sorted."""
    group, part = shard
    if skip:
        return
    eligible = read_array(bands.eligible, "eligible")
    together = np.concatenate([read_array(path, f"band{group}") for path in bands.pieces], axis=1)
    found = [_pairs_of_band(keys, eligible, bands.parts, part) for keys in together]
    yield {
        "pairs": np.unique(np.concatenate([pairs for pairs, _ in found])),
        "crowded": np.array([sum(crowded for _, crowded in found)]),
    }


def _pairs_of_band(keys: np.ndarray, eligible: np.ndarray, parts: int, part: int) -> tuple[np.ndarray, int]:
    documents = np.flatnonzero(eligible if parts == 1 else eligible & (keys % np.uint64(parts) == part))
    return pairs_in_runs(*_in_runs(keys, documents))


def _in_runs(keys: np.ndarray, documents: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Those of the documents whose key another one has too, key by key; the number of the key's run, and its size.

    Keys and documents are sorted as one number; of a key there is room for its first bits, 40 at least. What shares
    those by chance is too much here, and dropped by whoever compares further.
    """
    low = np.uint64((1 << max(1, len(documents) - 1).bit_length()) - 1)
    packed = np.sort((keys[documents] & ~low) | np.arange(len(documents), dtype=np.uint64))
    heads = packed & ~low
    run = np.cumsum(np.append(False, heads[1:] != heads[:-1])[: len(heads)])
    size = np.bincount(run)[run]
    members = np.flatnonzero(size > 1)
    return documents[(packed[members] & low).astype(np.int64)], run[members], size[members]


def pairs_in_runs(documents: np.ndarray, run: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, int]:
    """All pairs of small runs; of crowded ones the first with every other, and those 1, 2, 4, 8, ... places apart.

    >>> pairs, crowded = pairs_in_runs(np.array([3, 5, 9]), np.zeros(3, int), np.full(3, 3))
    >>> [(int(pair) >> 32, int(pair) & 0xFFFFFFFF) for pair in pairs], crowded
    ([(3, 5), (3, 9), (5, 9)], 0)
    """
    left, right = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    is_crowd = size > CROWD
    places = np.flatnonzero(~is_crowd)
    for step in range(1, CROWD):
        places = places[places + step < len(run)]
        places = places[run[places + step] == run[places]]
        left.append(documents[places])
        right.append(documents[places + step])
    crowd = np.flatnonzero(is_crowd)
    if len(crowd):
        begins = crowd[np.append(True, run[crowd][1:] != run[crowd][:-1])]
        first = np.repeat(begins, size[begins])
        left.append(documents[first[first != crowd]])
        right.append(documents[crowd[first != crowd]])
        step = 1
        while len(crowd):
            crowd = crowd[crowd + step < len(run)]
            crowd = crowd[run[crowd + step] == run[crowd]]
            left.append(documents[crowd])
            right.append(documents[crowd + step])
            step *= 2
    pairs = (np.concatenate(left).astype(np.uint64) << np.uint64(32)) | np.concatenate(right).astype(np.uint64)
    return np.unique(pairs), len(np.unique(run[is_crowd]))


@dataclass(frozen=True)
class Verify:
    """What the shards of the verification share."""

    pieces: list[Path]
    first: np.ndarray
    pairs: list[Path]
    threshold: float
    total: int


def verify_pairs(verify: Verify, shard: tuple[int, int], skip: int, last: Last) -> Iterator[Arrays]:  # noqa: ARG001
    """Pairs whose earlier document is in a range, with their Jaccard similarity, where that reaches the threshold."""
    if skip:
        return
    low, high = np.uint64(shard[0] << 32), np.uint64(shard[1] << 32)
    parts = []
    for path in verify.pairs:
        pairs = read_array(path, "pairs")
        parts.append(pairs[np.searchsorted(pairs, low) : np.searchsorted(pairs, high)])
    pairs = np.unique(np.concatenate(parts))
    found, scores = [pairs[:0]], [np.empty(0)]
    tools = kernels(verify.total)
    for start in range(0, len(pairs), PAIRS):
        some = pairs[start : start + PAIRS]
        both = np.stack([some >> np.uint64(32), some & np.uint64(0xFFFFFFFF)]).astype(np.int64)
        documents, local = np.unique(both, return_inverse=True)
        grams, ends = _grams(verify, documents)
        left, right = local.reshape(2, -1)
        score = tools.jaccard(grams, ends, left, right)
        found.append(some[score >= verify.threshold])
        scores.append(score[score >= verify.threshold])
    yield {"pairs": np.concatenate(found), "scores": np.concatenate(scores), "looked": np.array([len(pairs)])}


def _grams(verify: Verify, documents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The k-grams of some documents, read where they are."""
    parts, ends = [], np.zeros(len(documents) + 1, dtype=np.int64)
    piece = np.searchsorted(verify.first, documents, side="right") - 1
    for number in np.unique(piece).tolist():
        here = np.flatnonzero(piece == number)
        path = verify.pieces[number]
        places = read_arrays(path, ("ends",))["ends"]
        base, dtype = array_place(path, "grams")
        file = os.open(path, os.O_RDONLY)
        try:
            for row, at in zip(here.tolist(), (documents[here] - verify.first[number]).tolist(), strict=True):
                begin, end = int(places[at]), int(places[at + 1])
                ends[row + 1] = end - begin
                parts.append(os.pread(file, 4 * (end - begin), base + 4 * begin))
        finally:
            os.close(file)
    return np.frombuffer(b"".join(parts), dtype=dtype), np.cumsum(ends)


def star_clusters(count: int, pairs: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For every document the kept one that it repeats and their similarity; itself and 0 where it is kept.

    In order: a document goes where its most similar earlier document that is kept is; without one it is kept.

    >>> pair = lambda one, other: np.uint64(one << 32 | other)
    >>> centre, score = star_clusters(4, np.array([pair(0, 1), pair(1, 2), pair(2, 3)]), np.array([0.9, 0.8, 0.7]))
    >>> centre.tolist(), score.tolist()
    ([0, 0, 2, 2], [0.0, 0.9, 0.0, 0.7])
    """
    centre, best = np.arange(count), np.zeros(count)
    later = (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)
    earlier = (pairs >> np.uint64(32)).astype(np.int64)
    order = np.lexsort((earlier, -scores, later))
    kept = np.ones(count, dtype=bool)
    for one, other, score in zip(earlier[order].tolist(), later[order].tolist(), scores[order].tolist(), strict=True):
        if kept[other] and kept[one]:
            kept[other] = False
            centre[other], best[other] = one, score
    return centre, best


def verify_ranges(index: Index, pairs: list[Path]) -> tuple[list[tuple[int, int]], list[int]]:
    """Ranges of earlier documents with about so many pairs each that one is a hundredth of a run's work."""
    size = min(max(LEAST, index.count // 20), 4 * PAIRS)
    counts = np.zeros(index.count + 1, dtype=np.int64)
    for path in pairs:
        counts += np.bincount((read_array(path, "pairs") >> np.uint64(32)).astype(np.int64), minlength=index.count + 1)
    total = np.cumsum(counts)
    if not total[-1]:
        return [], []
    edges = np.searchsorted(total, np.arange(size, int(total[-1]) + size, size)) + 1
    edges = np.unique(np.concatenate([[0], np.minimum(edges, index.count + 1)]))
    ranges = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    return ranges, [int(total[stop - 1] - (total[start - 1] if start else 0)) + 1 for start, stop in ranges]


def save_eligible(path: Path, index: Index, first: np.ndarray) -> None:
    """Documents that have words and no earlier exact copy."""
    has_words = np.concatenate([np.diff(read_array(piece, "ends")) > 0 for piece in index.pieces])
    write_arrays(path, {"eligible": has_words & (first == np.arange(index.count))})
