"""Distinct values of a column in bounded memory: exact while they are few, sketches of parts merge into the whole's."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

KEPT = 8192


@dataclass(frozen=True)
class Distinct:
    """The `kept` smallest hashes among the distinct values seen, how often each came, and the values where known.

    A hash that is among the smallest of the whole is among the smallest of every part, so its count is exact, and
    merging does not depend on how the whole was cut (bottom-k sketch: Bar-Yossef et al. 2002, Beyer et al. 2007).

    >>> hashes = np.arange(1, 7, dtype=np.uint64) << np.uint64(60)
    >>> one, two = Distinct.of(hashes[[0, 3, 3]], kept=2), Distinct.of(hashes[[5, 1, 3]], kept=2)
    >>> both = one.merged(two)
    >>> (both.hashes >> np.uint64(60)).tolist(), both.counts.tolist(), both.is_exact
    ([1, 2], [1, 1], False)
    >>> round(both.estimate(), 1), Distinct.of(hashes, kept=9).estimate()
    (8.0, 6.0)
    """

    hashes: np.ndarray
    counts: np.ndarray
    values: np.ndarray | None = None
    kept: int = KEPT

    @classmethod
    def of(cls, hashes: np.ndarray, values: np.ndarray | None = None, kept: int = KEPT) -> Distinct:
        """Of the hash of every cell; `values` runs parallel."""
        found, places, counts = np.unique(hashes, return_index=True, return_counts=True)
        own = None if values is None else values[places[:kept]]
        return cls(found[:kept], counts[:kept], own, kept)

    @property
    def is_exact(self) -> bool:
        """Whether every distinct value is there."""
        return len(self.hashes) < self.kept

    @property
    def limit(self) -> int:
        """The largest hash that can still matter."""
        return (1 << 64) - 1 if self.is_exact else int(self.hashes[-1])

    def merged(self, other: Distinct) -> Distinct:
        """The sketch of both parts together."""
        hashes = np.concatenate([self.hashes, other.hashes])
        found, places, inverse = np.unique(hashes, return_index=True, return_inverse=True)
        counts = np.bincount(inverse, np.concatenate([self.counts, other.counts]), len(found)).astype(np.int64)
        own = None
        if self.values is not None and other.values is not None:
            own = np.concatenate([self.values, other.values])[places[: self.kept]]
        return replace(self, hashes=found[: self.kept], counts=counts[: self.kept], values=own)

    def estimate(self) -> float:
        """The number of distinct values; beyond `kept` with a relative standard error of 1 / sqrt(kept - 2)."""
        if self.is_exact or not len(self.hashes):
            return float(len(self.hashes))
        return (len(self.hashes) - 1) / (int(self.hashes[-1]) / 2**64)
