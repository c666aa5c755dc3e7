"""Texts as counts of hashed words and word pairs, and as short vectors made of those, without any model."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np

from holdfast.ops.text_kernels import kernels


def as_buffer(texts: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
    """All texts as one buffer of UTF-8 bytes, and where each begins in it."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    starts = np.concatenate([[0], np.cumsum([len(one) for one in encoded])]).astype(np.int64)
    return np.frombuffer(b"".join(encoded), dtype=np.uint8), starts


def hashed_counts(texts: Iterable[str], buckets: int, orders: tuple[int, ...] = (1, 2)) -> Any:
    """(n, buckets) sparse counts of the word n-grams of every text.

    >>> counts = hashed_counts(["a b a", "b"], buckets=1000, orders=(1,))
    >>> int(counts[0].sum()), sorted(counts.data.tolist())
    (3, [1, 1, 2])
    """
    text, starts = as_buffer(texts)
    return counts_of(*word_hashes(text, starts), buckets, orders)


def word_hashes(text: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hash of every word of a buffer, and where every text begins among them."""
    words, _, ends = kernels(len(text)).word_hashes(text, starts)
    return words, ends


def counts_of(words: np.ndarray, ends: np.ndarray, buckets: int, orders: tuple[int, ...] = (1, 2)) -> Any:
    """See `hashed_counts`, from the hashes of words."""
    from scipy.sparse import csr_matrix

    tools, parts = kernels(8 * len(words)), []
    for order in orders:
        grams, begins = tools.shingles(words, ends, order)
        many = np.diff(ends) >= order  # what has fewer words has no n-gram of this order
        rows = np.repeat(np.arange(len(many)), np.diff(begins))
        keep = many[rows]
        parts.append((rows[keep], (grams[keep].astype(np.uint64) * np.uint64(2 * order + 1) >> np.uint64(3)) % buckets))
    rows, columns = (np.concatenate([part[side] for part in parts]) for side in (0, 1))
    ones = np.ones(len(rows), dtype=np.int64)
    return csr_matrix((ones, (rows, columns.astype(np.int64))), shape=(len(ends) - 1, buckets))


def rarity(document_counts: np.ndarray, documents: int) -> np.ndarray:
    """Inverse document frequency of every bucket, smoothed: log((1 + n) / (1 + df)) + 1."""
    return np.log((1 + documents) / (1 + document_counts)) + 1


def embedded(counts: Any, weights: np.ndarray, dimensions: int, seed: int = 0) -> np.ndarray:
    """(n, dimensions) unit vectors: logarithms of counts, weighed, then projected on random signs.

    Cosines between texts are kept to about 1 / sqrt(dimensions); a text without words is all zeros.

    >>> counts = hashed_counts(["one two three", "one two three", "nothing of it"], buckets=500)
    >>> vectors = embedded(counts, np.ones(500), dimensions=64, seed=1)
    >>> round(float(vectors[0] @ vectors[1]), 3), abs(float(vectors[0] @ vectors[2])) < 0.5
    (1.0, True)
    """
    signs = _signs(counts.shape[1], dimensions, seed)
    scaled = counts.astype(np.float32)
    scaled.data = np.log1p(scaled.data)
    vectors = np.asarray(scaled.multiply(weights[None].astype(np.float32)).tocsr() @ signs)
    norm = np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    return vectors / np.maximum(norm, 1e-12)


@lru_cache(maxsize=2)
def _signs(buckets: int, dimensions: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, (buckets, dimensions)).astype(np.float32) * 2 - 1


def log_ratio(target: np.ndarray, pool: np.ndarray, smoothing: float) -> np.ndarray:
    """Logarithm of how much more frequent every bucket is in the target than in the pool, from their counts."""
    shares = [np.log(total + max(smoothing, 1e-8)) for total in (target.astype(np.float64), pool.astype(np.float64))]
    whole = [np.log(np.exp(share).sum()) for share in shares]
    return (shares[0] - whole[0]) - (shares[1] - whole[1])
