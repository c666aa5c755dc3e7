"""How much of a short text stands in some window of a long one, words weighed by how rare they are. Needs numba.

    score(document, item) = max over windows of (E - noise) / (T - noise)

where T is the evidence of the whole item, the sum of -log(share of documents that have the word) over its words, and E
that of its words which are in the window. `noise` is about the logarithm of the number of windows and items that are
tried: so much evidence turns up somewhere by chance (in 22,000 real documents, for 1,319 items, 20). The window is a
little longer than the item, so that a rephrased item, which keeps its names, numbers and nouns but neither their order
nor what stands between them, still scores high, while a long document that has the same words here and there does not.
Items are looked at only where enough of their rarest words are near each other: in two neighbouring blocks of words.
Every word is visited once: what two blocks hold of an item is first bounded by the sum of what each holds. Those of the
item's words that are most frequent are left out of these sums, for they would be most of the work, as if they were
always there. Where the bound is reached, the words are looked at one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

NOISE = 20.0  # natural logarithms of evidence
ROOM = 5.0  # items with less above the noise are found by all of their words in order only
STRIDE = 48  # words of a block; candidates are looked for in windows of two
STRETCH, EXTRA = 1.5, 6  # the window of an item of n words has STRETCH * n + EXTRA
RAREST = 12  # words by which an item is found
LEFT_OUT = 0.4  # of the weight that makes a candidate: so much may the words have that are not counted at first
UNIT = 256  # weights are summed in whole numbers of 1 / UNIT, rounded up: those of 12 words stay below 2 ** 16
SIEVE = 32  # bits of the sieve a word, about: it lets pass few words that are not looked for


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
    rarest: np.ndarray  # the words by which an item is found
    rarest_starts: np.ndarray
    sieve: np.ndarray  # bits by the last bits of hashes: 1 where a word of `rarest` has them
    units: np.ndarray  # weight of every word in whole numbers, rounded up
    posting: np.ndarray  # items of which a word is one of the rarest, and is counted at first
    posting_starts: np.ndarray
    bound: np.ndarray  # units of these words without which an item cannot be a candidate
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
    needed = candidate * np.array([weight[part].sum() for part in rarest])
    counted, bound = _counted(rarest, weight, needed)
    item = np.repeat(np.arange(n, dtype=np.int32), [len(part) for part in counted])
    word = _joined(counted)
    order = np.argsort(word, kind="stable")
    keys, values = _table(known)
    return Items(
        keys, values, weight, sequence, starts.astype(np.int64), _joined(parts), _starts(parts), total,
        _joined(rarest), _starts(rarest), _sieve(known[_joined(rarest)]), np.ceil(weight * UNIT).astype(np.uint64),
        item[order], np.searchsorted(word[order], np.arange(len(known) + 1)).astype(np.int64), bound, needed,
        total < noise + ROOM, noise,
    )  # fmt: skip


def best_windows(
    words: np.ndarray, starts: np.ndarray, items: Items, threshold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs (document, item) that reach the threshold, in order, their scores, and first and last word of the window.

    >>> item = np.array([11, 12, 13, 14], dtype=np.uint64)
    >>> items = index_items(item, np.array([0, 4]), {11: 0.5}, noise=1.0)
    >>> document = np.array([1, 2, 13, 3, 12, 4, 14, 5], dtype=np.uint64)  # all but the frequent word 11, reordered
    >>> pairs, scores, spans = best_windows(document, np.array([0, 8]), items, threshold=0.5)
    >>> pairs.tolist(), spans.tolist(), scores.round(3).tolist()
    ([[0, 0]], [[2, 6]], [0.956])
    """
    found = _best_windows(
        words, starts.astype(np.int64), threshold, items.table_keys, items.table_words, items.weight, items.sequence,
        items.sequence_starts, items.distinct, items.distinct_starts, items.total, items.rarest, items.rarest_starts,
        items.sieve, items.units, items.posting, items.posting_starts, items.bound, items.needed, items.verbatim,
        items.noise,
    )  # fmt: skip
    found.sort()
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


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([*parts, np.empty(0, dtype=np.int32)])


def _starts(parts: list[np.ndarray]) -> np.ndarray:
    return np.cumsum([0, *map(len, parts)]).astype(np.int64)


def _counted(
    rarest: list[np.ndarray], weight: np.ndarray, needed: np.ndarray
) -> tuple[list[np.ndarray], np.ndarray]:  # fmt: skip
    """The words of every item that are counted at first, and the units of them that a candidate has at least."""
    counted, bound = [], np.ones(len(rarest), dtype=np.uint64)
    for item, words in enumerate(rarest):  # the most frequent word is the last
        lightest = np.cumsum(weight[words][::-1])
        left_out = min(int((lightest <= LEFT_OUT * needed[item]).sum()), max(len(words) - 1, 0))
        counted.append(words[: len(words) - left_out])
        spared = lightest[left_out - 1] if left_out else 0.0
        bound[item] = max(1, int((needed[item] - spared - 1e-6) * UNIT))
    return counted, bound


def _sieve(hashes: np.ndarray) -> np.ndarray:
    size = 1 << max(6, int(SIEVE * len(hashes)).bit_length())
    marked = np.zeros(size, dtype=np.uint8)
    marked[(hashes & np.uint64(size - 1)).astype(np.int64)] = 1
    return np.packbits(marked, bitorder="little").view(np.uint64)


@njit(cache=True, nogil=True)
def _find(keys, values, word):  # type: ignore[no-untyped-def]
    mask = np.uint64(len(keys) - 1)
    at = word & mask
    while keys[at] != word and keys[at] != 0:
        at = (at + np.uint64(1)) & mask
    return values[at]


@njit(cache=True, nogil=True)
def _passes(sieve, word):  # type: ignore[no-untyped-def]
    bit = word & np.uint64(64 * len(sieve) - 1)
    return (sieve[bit >> np.uint64(6)] >> (bit & np.uint64(63))) & np.uint64(1)


@njit(cache=True, nogil=True)
def _best_windows(  # type: ignore[no-untyped-def]  # noqa: C901 - one pass
    words, starts, threshold, keys, values, weight, sequence, sequence_starts, distinct, distinct_starts, total,
    rarest, rarest_starts, sieve, units, posting, posting_starts, bound, needed, verbatim, noise,
):  # fmt: skip
    n_items = len(total)
    seen = np.zeros(len(weight), dtype=np.int64)  # the last block that has a word
    sums = np.zeros(n_items, dtype=np.uint64)  # see `_gather`
    named = np.zeros(n_items, dtype=np.int64)  # the last block in which an item reached its bound
    possible = np.empty(2 * n_items, dtype=np.int64)
    best_of = np.full(n_items, -1, dtype=np.int64)  # row of `found` for an item of this document
    best_in = np.full(n_items, -1, dtype=np.int64)
    slot = np.full(len(weight), -1, dtype=np.int64)
    counts = np.zeros(len(sequence) + 1, dtype=np.int64)
    found = [(np.int64(0), np.int64(0), np.int64(0), np.int64(0), 0.0) for _ in range(0)]
    block = np.int64(1)
    for document in range(len(starts) - 1):
        mine = words[starts[document] : starts[document + 1]]
        here = np.empty(0, dtype=np.int32)
        block += 1  # so that the last block of the document before is not the one before
        before = 0
        for begin in range(0, len(mine), STRIDE):
            block += 1
            count = _gather(
                mine[begin : begin + STRIDE], block, keys, values, sieve, units, posting, posting_starts, bound,
                seen, sums, named, possible, before,
            )  # fmt: skip
            whole = begin > 0 or len(mine) <= STRIDE  # the first block alone is no window where there is a second
            for place in range(count if whole else 0):
                item = possible[place]
                if place < before and named[item] == block:
                    continue  # it is there again
                if not _is_candidate(item, block, rarest, rarest_starts, weight, needed[item], seen):
                    continue
                if len(here) == 0:
                    here = _numbers(mine, keys, values)
                score, low, high = _score(
                    here, len(mine), max(begin - STRIDE, 0), item, weight, sequence, sequence_starts, distinct,
                    distinct_starts, total[item], verbatim[item], noise, slot, counts,
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
            for place in range(before, count):  # what this block alone may hold counts in the next window too
                possible[place - before] = possible[place]
            before = count - before
    return found


@njit(cache=True, nogil=True)
def _gather(  # type: ignore[no-untyped-def]
    words, block, keys, values, sieve, units, posting, posting_starts, bound, seen, sums, named, possible, count,
):  # fmt: skip
    """Note the words of a block, and behind the first `count` of `possible` what reaches its bound; how many there are.

    `sums` has for every item the number of the last block that has words of it (32 bits), the units of those in this
    block (16) and in the one before (16).
    """
    low, half, whole, two = np.uint64(0xFFFF), np.uint64(16), np.uint64(32), np.uint64(2)
    now = np.uint64(block)
    for word in words:
        if not _passes(sieve, word):
            continue
        number = _find(keys, values, word)
        if number < 0 or seen[number] == block:
            continue
        seen[number] = block
        unit = units[number] << half
        for place in range(posting_starts[number], posting_starts[number + 1]):
            item = posting[place]
            held = sums[item]
            age = min(now - (held >> whole), two)  # every block that went by moves one out
            held = ((held & np.uint64(0xFFFFFFFF)) >> (half * age)) + unit
            sums[item] = (now << whole) | held
            if (held & low) + (held >> half) >= bound[item] and named[item] != block:
                named[item] = block
                possible[count] = item
                count += 1
    return count


@njit(cache=True, nogil=True)
def _is_candidate(item, block, rarest, rarest_starts, weight, needed, seen):  # type: ignore[no-untyped-def]
    """Whether this block and the one before hold enough of an item's rarest words."""
    held = 0.0
    for place in range(rarest_starts[item], rarest_starts[item + 1]):
        if seen[rarest[place]] >= block - 1:
            held += weight[rarest[place]]
    return held + 1e-9 >= needed


@njit(cache=True, nogil=True)
def _numbers(words, keys, values):  # type: ignore[no-untyped-def]
    here = np.empty(len(words), dtype=np.int32)
    for at in range(len(words)):
        here[at] = _find(keys, values, words[at])
    return here


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
