"""How much of a short text stands in some window of a long one, words weighed by how rare they are. Needs numba.

    score(document, item) = max over windows of (E - noise) / (T - noise)

where T is the evidence of the whole item, the sum of -log(share of documents that have the word) over its words, and E
that of its words which are in the window. `noise` is about the logarithm of the number of windows and items that are
tried: so much evidence turns up somewhere by chance (in 22,000 real documents, for 1,319 items, 20). The window is a
little longer than the item, so that a rephrased item, which keeps its names, numbers and nouns but neither their order
nor what stands between them, still scores high, while a long document that has the same words here and there does not.
Items are looked at only where enough of their rarest words are near each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

NOISE = 20.0  # natural logarithms of evidence
ROOM = 5.0  # items with less above the noise are found by all of their words in order only
STRIDE = 48  # words; candidates are looked for in windows of twice as many
STRETCH, EXTRA = 1.5, 6  # the window of an item of n words has STRETCH * n + EXTRA
RAREST = 12  # words by which an item is found


@dataclass(frozen=True)
class Items:
    """Items ready to be looked for: see `index_items`."""

    table_keys: np.ndarray
    table_words: np.ndarray
    weight: np.ndarray  # of every word
    sequence: np.ndarray  # the words of all items, in order
    sequence_starts: np.ndarray
    distinct: np.ndarray  # the distinct words of all items
    distinct_starts: np.ndarray
    total: np.ndarray  # weight of an item's distinct words
    posting: np.ndarray  # items of which a word is one of the rarest
    posting_starts: np.ndarray
    needed: np.ndarray  # weight of rarest words that makes an item a candidate
    verbatim: np.ndarray  # items with too little evidence for anything but their words in order
    noise: float


def index_items(
    words: np.ndarray, starts: np.ndarray, share: dict[int, float], *, noise: float = NOISE, candidate: float = 0.25
) -> Items:
    """Items from the hashes of their words; `share` is the share of documents that have a word, at least as an item.

    Items with little more evidence than `noise` are found by all of their words in order only.
    """
    n = len(starts) - 1
    known, sequence = np.unique(words, return_inverse=True)
    sequence = sequence.astype(np.int32)
    parts = [np.unique(sequence[starts[item] : starts[item + 1]]) for item in range(n)]
    among = np.bincount(np.concatenate([*parts, np.empty(0, dtype=np.int32)]).astype(np.int64), minlength=len(known))
    elsewhere = np.array([share.get(int(word), 0.0) for word in known])
    weight = -np.log(np.clip(np.maximum(among / max(n, 200), elsewhere), 1e-4, 1.0))
    total = np.array([weight[part].sum() for part in parts])
    rarest = [part[np.argsort(-weight[part], kind="stable")[:RAREST]] for part in parts]
    item = np.repeat(np.arange(n, dtype=np.int32), [len(part) for part in rarest])
    word = np.concatenate([*rarest, np.empty(0, dtype=np.int32)])
    order = np.argsort(word, kind="stable")
    keys, values = _table(known)
    return Items(
        keys, values, weight, sequence, starts.astype(np.int64), np.concatenate([*parts, np.empty(0, dtype=np.int32)]),
        np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64), total, item[order],
        np.searchsorted(word[order], np.arange(len(known) + 1)).astype(np.int64),
        candidate * np.array([weight[part].sum() for part in rarest]), total < noise + ROOM, noise,
    )  # fmt: skip


def best_windows(
    words: np.ndarray, starts: np.ndarray, items: Items, threshold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs (document, item), their scores, and first and last word of the window, where the threshold is reached.

    >>> item = np.array([11, 12, 13, 14], dtype=np.uint64)
    >>> items = index_items(item, np.array([0, 4]), {11: 0.5}, noise=1.0)
    >>> document = np.array([1, 2, 13, 3, 12, 4, 14, 5], dtype=np.uint64)  # all but the frequent word 11, reordered
    >>> pairs, scores, spans = best_windows(document, np.array([0, 8]), items, threshold=0.5)
    >>> pairs.tolist(), spans.tolist(), scores.round(3).tolist()
    ([[0, 0]], [[2, 6]], [0.956])
    """
    found = _best_windows(
        words, starts.astype(np.int64), threshold, items.table_keys, items.table_words, items.weight, items.sequence,
        items.sequence_starts, items.distinct, items.distinct_starts, items.total, items.posting, items.posting_starts,
        items.needed, items.verbatim, items.noise,
    )  # fmt: skip
    numbers = np.array([row[:4] for row in found], dtype=np.int64).reshape(-1, 4)
    return numbers[:, :2], np.array([row[4] for row in found]), numbers[:, 2:]


def _table(known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An open hash table from hashes to their numbers; 0 is an empty place."""
    size = 1 << max(4, int(np.ceil(np.log2(4 * len(known) + 1))))
    keys, values = np.zeros(size, dtype=np.uint64), np.full(size, -1, dtype=np.int32)
    for number, key in enumerate(known.tolist()):
        at = key & (size - 1)
        while keys[at]:
            at = (at + 1) & (size - 1)
        keys[at], values[at] = key, number
    return keys, values


@njit(cache=True, nogil=True)
def _find(keys, values, word):  # type: ignore[no-untyped-def]
    mask = np.uint64(len(keys) - 1)
    at = word & mask
    while keys[at] != 0:
        if keys[at] == word:
            return values[at]
        at = (at + np.uint64(1)) & mask
    return np.int32(-1)


@njit(cache=True, nogil=True)
def _best_windows(  # type: ignore[no-untyped-def]  # noqa: C901 - one pass
    words, starts, threshold, keys, values, weight, sequence, sequence_starts, distinct, distinct_starts, total,
    posting, posting_starts, needed, verbatim, noise,
):  # fmt: skip
    n_items = len(total)
    seen_word = np.full(len(weight), -1, dtype=np.int64)
    seen_item = np.full(n_items, -1, dtype=np.int64)
    gathered = np.zeros(n_items)
    best_of = np.full(n_items, -1, dtype=np.int64)  # row of `found` for an item of this document
    best_in = np.full(n_items, -1, dtype=np.int64)
    slot = np.full(len(weight), -1, dtype=np.int64)
    counts = np.zeros(len(sequence) + 1, dtype=np.int64)
    found = [(np.int64(0), np.int64(0), np.int64(0), np.int64(0), 0.0) for _ in range(0)]
    here = np.empty(0, dtype=np.int32)
    window = np.int64(0)
    for document in range(len(starts) - 1):
        first, length = starts[document], starts[document + 1] - starts[document]
        if length > len(here):
            here = np.empty(2 * length, dtype=np.int32)
        for at in range(length):
            here[at] = _find(keys, values, words[first + at])
        for begin in range(0, max(length - STRIDE, 1), STRIDE):
            window += 1
            for at in range(begin, min(begin + 2 * STRIDE, length)):
                word = here[at]
                if word < 0 or seen_word[word] == window:
                    continue
                seen_word[word] = window
                for place in range(posting_starts[word], posting_starts[word + 1]):
                    item = posting[place]
                    if seen_item[item] != window:
                        seen_item[item] = window
                        gathered[item] = 0.0
                    if gathered[item] < 0:
                        continue
                    gathered[item] += weight[word]
                    if gathered[item] + 1e-9 < needed[item]:
                        continue
                    gathered[item] = -1.0
                    score, low, high = _score(
                        here, length, begin, item, weight, sequence, sequence_starts, distinct, distinct_starts,
                        total[item], verbatim[item], noise, slot, counts,
                    )  # fmt: skip
                    if score + 1e-9 < threshold:
                        continue
                    row = (np.int64(document), np.int64(item), np.int64(low), np.int64(high), score)
                    if best_in[item] != document:
                        best_in[item] = document
                        best_of[item] = len(found)
                        found.append(row)
                    elif found[best_of[item]][4] < score:
                        found[best_of[item]] = row
    return found


@njit(cache=True, nogil=True)
def _score(  # type: ignore[no-untyped-def]  # noqa: C901 - one pass
    here, length, begin, item, weight, sequence, sequence_starts, distinct, distinct_starts, total, verbatim, noise,
    slot, counts,
):  # fmt: skip
    """Best window of one item near a place: score, first and last word of the item in it."""
    size = sequence_starts[item + 1] - sequence_starts[item]
    width = int(STRETCH * size) + EXTRA
    low, high = max(0, begin - width), min(length, begin + 2 * STRIDE + width)
    if verbatim:
        for at in range(low, high - size + 1):
            same = True
            for step in range(size):
                if here[at + step] != sequence[sequence_starts[item] + step]:
                    same = False
                    break
            if same:
                return 1.0, at, at + size - 1
        return 0.0, 0, 0
    for local in range(distinct_starts[item + 1] - distinct_starts[item]):
        slot[distinct[distinct_starts[item] + local]] = local
        counts[local] = 0
    value, best, end = 0.0, -1.0, low
    for at in range(low, high):
        if here[at] >= 0 and slot[here[at]] >= 0:
            counts[slot[here[at]]] += 1
            if counts[slot[here[at]]] == 1:
                value += weight[here[at]]
        gone = at - width
        if gone >= low and here[gone] >= 0 and slot[here[gone]] >= 0:
            counts[slot[here[gone]]] -= 1
            if counts[slot[here[gone]]] == 0:
                value -= weight[here[gone]]
        if value > best + 1e-9:
            best, end = value, at
    start = max(low, end - width + 1)
    while start < end and (here[start] < 0 or slot[here[start]] < 0):
        start += 1
    for local in range(distinct_starts[item], distinct_starts[item + 1]):
        slot[distinct[local]] = -1
    return (best - noise) / (total - noise), start, end
