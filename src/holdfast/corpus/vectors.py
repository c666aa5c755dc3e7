"""Vectors of documents: made of their words without a model, or those that the caller has, a row a document."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from holdfast.corpus.scan import Arrays, Index
from holdfast.corpus.sources import wrong
from holdfast.engine.store import read_array
from holdfast.ops.text_features import as_buffer, counts_of, embedded, rarity, word_hashes

BUCKETS = 1 << 15
DIMENSIONS = 128


@dataclass(frozen=True)
class Lexical:
    """How words become vectors: the weight of every bucket of uni- and bigrams, learnt on a sample."""

    weights: np.ndarray
    dimensions: int = DIMENSIONS

    @classmethod
    def learn(cls, sample: list[str]) -> Lexical:
        """Rare words weigh more."""
        counts = counts_of(*word_hashes(*as_buffer(sample)), BUCKETS)
        seen = np.bincount(counts.indices, minlength=BUCKETS) if counts.nnz else np.zeros(BUCKETS)
        return cls(rarity(seen, len(sample)))

    def of(self, words: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """(n, dimensions) of documents given as hashes of their words."""
        return embedded(counts_of(words, ends, BUCKETS), self.weights, self.dimensions)

    def of_texts(self, texts: list[str]) -> np.ndarray:
        """(n, dimensions) of texts."""
        return self.of(*word_hashes(*as_buffer(texts)))


def look_at_words(text: np.ndarray, starts: np.ndarray, lexical: Lexical, tools: Any) -> Arrays:
    """What `scan` notes of every document for this."""
    words, _, ends = tools.word_hashes(text, starts)
    return {"vectors": lexical.of(words, ends)}


def vectors_of(index: Index, embeddings: str | Path | np.ndarray | None) -> np.ndarray:
    """(n, d) of all documents."""
    if embeddings is None:
        parts = [read_array(path, "vectors") for path in index.pieces]
        return np.concatenate([part for part in parts if len(part)] or [np.empty((0, DIMENSIONS), dtype=np.float32)])
    return given_vectors(embeddings, index.count)


def given_vectors(embeddings: str | Path | np.ndarray, count: int | None) -> np.ndarray:
    """A .npy file or an array, checked: two dimensions, finite, a row a document."""
    if isinstance(embeddings, np.ndarray):
        vectors, name = embeddings, "embeddings"
    else:
        name = f"--embeddings {embeddings}"
        if not Path(embeddings).exists():
            raise wrong(f"{name}: there is no such file.")
        try:
            vectors = np.load(embeddings, mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError, OSError) as problem:
            raise wrong(f"{name}: expected a .npy file of numbers ({problem}).") from None
    if vectors.ndim != 2 or vectors.dtype.kind not in "fiu":
        raise wrong(f"{name} holds {vectors.dtype} of shape {vectors.shape}; expected numbers, a row a document.")
    if count is not None and len(vectors) != count:
        raise wrong(
            f"{name} has {len(vectors)} rows for {count} documents (broken records are none): one each, in order."
        )
    step = max(1, (1 << 22) // max(vectors.shape[1], 1))
    for start in range(0, len(vectors), step):
        bad = ~np.isfinite(vectors[start : start + step]).all(axis=1)
        if bad.any():
            raise wrong(f"{name}, row {start + int(bad.argmax()) + 1}: not finite. Did the embedding model diverge?")
    return vectors
