"""Words, k-grams and MinHash of many documents at once, in numpy: for little text, and what `text_compiled` must equal.

Text comes as one buffer of UTF-8 bytes with the starts of the documents, `(n + 1,)`. A *word* is a run of letters,
digits and underscores of any alphabet; a Chinese or Japanese character is a word of its own; ASCII case is ignored. A
word is known by a 64-bit hash, a k-gram of words by a 32-bit one.
"""

from __future__ import annotations

import numpy as np

from holdfast.ops.text_tables import CJK, CODES, LEAD, MIX, PRIME, SALT, band_salts, permutations

COMPILED = False
EMPTY = np.uint32(0xFFFFFFFF)
CHUNK = 1 << 22  # numbers worked on at a time


def word_hashes(text: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hash of every word, number of the byte at which it begins, and the starts of the documents among the words.

    >>> text = np.frombuffer("One two, one.\\u201dTWO\\u4e2d\\u6587".encode(), dtype=np.uint8)
    >>> hashes, places, starts = word_hashes(text, np.array([0, 12, len(text)]))
    >>> places.tolist(), starts.tolist()
    ([0, 4, 9, 16, 19, 22], [0, 3, 6])
    >>> bool(hashes[0] == hashes[2]), bool(hashes[1] == hashes[3])
    (True, True)
    """
    codes, begins = _codes(text)
    inside = codes > 0
    before = np.concatenate([[False], inside])[:-1]
    before[starts[:-1][starts[:-1] < len(text)]] = False  # a document begins a word
    places = np.flatnonzero(inside & (begins | ~before))
    if not len(places):
        return np.empty(0, dtype=np.uint64), places, np.zeros(len(starts), dtype=np.int64)
    letters = np.flatnonzero(inside)
    firsts = np.searchsorted(letters, places)
    lengths = np.diff(np.append(firsts, len(letters)))
    left = np.repeat(firsts + lengths, lengths) - np.arange(len(letters))  # letters of the word from here to its end
    power = np.multiply.accumulate(np.full(int(lengths.max()), PRIME, dtype=np.uint64))
    sums = np.add.reduceat(codes[letters].astype(np.uint64) * power[left - 1], firsts)
    return mixed(sums), places, np.searchsorted(places, starts).astype(np.int64)


def shingles(words: np.ndarray, starts: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """A 32-bit hash of every k-gram of words, and the starts of the documents among them.

    A document of fewer than k words has one k-gram, all of its words; one without words has none.

    >>> words = np.array([1, 2, 3, 1, 2, 9], dtype=np.uint64)
    >>> found, ends = shingles(words, np.array([0, 3, 5, 6, 6]), 2)
    >>> ends.tolist(), bool(found[0] == found[2])
    ([0, 2, 3, 4, 4], True)
    """
    lengths = np.diff(starts)
    counts = np.where(lengths == 0, 0, np.maximum(lengths - k + 1, 1))
    ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    document = np.repeat(np.arange(len(lengths)), counts)
    first = starts[:-1][document] + np.arange(ends[-1]) - ends[:-1][document]
    last = starts[1:][document]
    sums = np.full(len(first), SALT, dtype=np.uint64)
    for step in range(k):
        there = first + step < last
        sums[there] = sums[there] * PRIME + words[first[there] + step]
    return (mixed(sums) >> np.uint64(32)).astype(np.uint32), ends


def band_keys(grams: np.ndarray, starts: np.ndarray, bands: int, rows: int) -> np.ndarray:
    """`(n, bands)`: documents with J of their k-grams in common share a key with probability J ** rows.

    Every key is a hash of the smallest values that `rows` permutations give to the document's k-grams.

    >>> grams = np.array([1, 2, 3, 3, 2, 1, 1, 7, 8], dtype=np.uint32)
    >>> keys = band_keys(grams, np.array([0, 3, 6, 9]), bands=4, rows=2)
    >>> bool((keys[0] == keys[1]).all()), bool((keys[0] == keys[2]).all())
    (True, False)
    """
    n = len(starts) - 1
    factor, shift = permutations(bands * rows)
    least = np.full((n, bands * rows), EMPTY, dtype=np.uint32)
    filled = np.flatnonzero(np.diff(starts))
    if len(filled):
        step = max(1, CHUNK // max(1, len(grams)))
        for column in range(0, bands * rows, step):
            part = slice(column, min(column + step, bands * rows))
            values = grams[:, None] * factor[None, part] + shift[None, part]
            least[filled, part] = np.minimum.reduceat(values, starts[:-1][filled], axis=0)
    keys = np.repeat(band_salts(bands)[None, :], n, axis=0)
    for row in range(rows):
        keys = mixed((keys ^ least[:, row::rows].astype(np.uint64)) * PRIME)
    return keys


def jaccard(grams: np.ndarray, starts: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The share of k-grams that two documents have in common, for every pair (left, right).

    >>> grams = np.array([1, 2, 3, 2, 3, 4, 4], dtype=np.uint32)
    >>> jaccard(grams, np.array([0, 3, 7]), np.array([0]), np.array([1])).tolist()
    [0.5]
    """
    sets = {int(one): np.unique(grams[starts[one] : starts[one + 1]]) for one in np.union1d(left, right)}
    values = np.empty(len(left))
    for pair, (one, other) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        both = len(np.intersect1d(sets[one], sets[other], assume_unique=True))
        values[pair] = both / max(len(sets[one]) + len(sets[other]) - both, 1)
    return values


def mixed(words: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64: every bit of the input moves every bit of the output."""
    words = (words ^ (words >> np.uint64(30))) * MIX[0]
    words = (words ^ (words >> np.uint64(27))) * MIX[1]
    return words ^ (words >> np.uint64(31))


def _codes(text: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The code of every byte, 0 between words; and where a character that is a word of its own begins or has ended."""
    codes = CODES[text]
    after = np.append(text[1:], 0) if len(text) else text
    lead = np.flatnonzero(codes == LEAD)
    codes[lead] = text[lead]
    for byte, size in ((0xC2, 2), (0xE2, 3)):
        marks = lead[(text[lead] == byte) & ((byte == 0xC2) | (after[lead] == 0x80) | (after[lead] == 0x81))]
        for step in range(size):
            codes[np.minimum(marks + step, len(text) - 1)] = 0
    single = np.flatnonzero(codes == CJK)
    codes[single] = text[single]
    begins = np.zeros(len(text) + 3, dtype=bool)
    begins[single] = True
    begins[single + 3] = True
    return codes, begins[: len(text)]
