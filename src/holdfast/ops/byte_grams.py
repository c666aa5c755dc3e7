"""A language model of byte n-grams in two hashed tables: learnt in a pass, good enough to order texts by likelihood."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

ORDER = 6  # bytes of the longest n-gram
BITS = 20  # logarithm of the size of a table
TOGETHER = 1 << 20  # bytes looked at together
START = b"\n"  # what stands before every text
FACTOR, TURN = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


class ByteGrams:
    r"""Interpolated n-grams, uniform at the end: :math:`p_o(b|c) = (N(cb) + \kappa p_{o-1}(b|c')) / (N(c) + \kappa)`.

    Counts are kept by hash, so that n-grams may share a place; since an n-gram is never more frequent than its own end,
    nearly all counts that are too large are seen and lowered. Two models may be added up: their counts are.

    >>> model = ByteGrams(order=3).learn(["abababab"] * 5)
    >>> likely, unlikely = model.log_probs(["abab", "zzzz"])
    >>> bool(likely > unlikely)
    True
    """

    def __init__(self, order: int = ORDER, bits: int = BITS, kappa: float = 4.0) -> None:
        self.order, self.bits, self.kappa = order, bits, kappa
        self.grams = np.zeros((order, 1 << bits), dtype=np.float32)  # of n-grams with their last byte
        self.contexts = np.zeros((order, 1 << bits), dtype=np.float32)  # without it

    def learn(self, texts: Iterable[str], weight: float = 1.0) -> ByteGrams:
        """Count the n-grams of these texts too."""
        for data, begins, sizes in self._batches(texts):
            counted = np.zeros(len(data) - self.order + 1, dtype=np.int8)  # not what stands between two texts
            np.add.at(counted, begins, 1)
            np.add.at(counted, (begins + sizes)[begins + sizes < len(counted)], -1)
            rows = np.flatnonzero(np.cumsum(counted, dtype=np.int8))
            for order, (context, gram) in enumerate(self._places(data)):
                np.add.at(self.grams[order], gram[rows], np.float32(weight))
                np.add.at(self.contexts[order], context[rows], np.float32(weight))
        return self

    def log_probs(self, texts: Iterable[str]) -> np.ndarray:
        """(n,) mean log-probability of a byte of every text; 0 where there is none."""
        found = [np.empty(0)]
        for data, begins, sizes in self._batches(texts):
            whole = np.concatenate([[0.0], np.cumsum(np.log(self._probs(data)))])
            found.append((whole[begins + sizes] - whole[begins]) / np.maximum(sizes, 1))
        return np.concatenate(found)

    def next_probs(self, so_far: bytes) -> np.ndarray:
        """(256,) the distribution of the next byte."""
        tail = (START * self.order + so_far)[-self.order + 1 :] if self.order > 1 else b""
        value, seen, count = np.full(256, 1 / 256), np.full(256, np.inf), np.inf
        for order in range(self.order):
            hashed: Any = np.uint64(order + 1)
            for byte in tail[len(tail) - order :]:
                hashed = _mixed(hashed, np.uint64(byte))
            with np.errstate(over="ignore"):
                gram = self._place(_mixed(np.full(256, hashed), np.arange(256, dtype=np.uint64)))
            seen = np.minimum(self.grams[order][gram], seen)
            count = max(min(self.contexts[order][self._place(np.array([hashed]))[0]], count), seen.max())
            value = (seen + self.kappa * value) / (count + self.kappa)
        return value / value.sum()

    def _batches(self, texts: Iterable[str]) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Many texts as one, each after a beginning that is not counted; where each begins, and its bytes."""
        held: list[np.ndarray] = []
        size = 0
        for text in texts:
            held.append(self._bytes(text))
            size += len(held[-1])
            if size > TOGETHER:
                yield self._joined(held)
                held, size = [], 0
        if held:
            yield self._joined(held)

    def _joined(self, parts: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        lengths = np.array([len(part) for part in parts])
        begins = np.concatenate([[0], np.cumsum(lengths)])[:-1]
        return np.concatenate(parts), begins, lengths - self.order + 1

    def _probs(self, data: np.ndarray) -> np.ndarray:
        value = np.full(len(data) - self.order + 1, 1 / 256)
        seen, count = np.full(len(value), np.inf), np.full(len(value), np.inf)
        for order, (context, gram) in enumerate(self._places(data)):
            seen = np.minimum(self.grams[order][gram], seen)
            count = np.maximum(np.minimum(self.contexts[order][context], count), seen)
            value = (seen + self.kappa * value) / (count + self.kappa)
        return np.clip(value, 1e-12, 1.0)

    def _places(self, data: np.ndarray) -> Iterable[tuple[np.ndarray, np.ndarray]]:
        """For every order the places of contexts and n-grams that end at every byte of the text itself."""
        lead = self.order - 1
        with np.errstate(over="ignore"):
            for order in range(self.order):
                hashed = np.full(len(data) - lead, np.uint64(order + 1))
                for back in range(order, 0, -1):
                    hashed = _mixed(hashed, data[lead - back : len(data) - back])
                yield self._place(hashed), self._place(_mixed(hashed, data[lead:]))

    def _bytes(self, text: str) -> np.ndarray:
        data = START * (self.order - 1) + text.encode("utf-8", "surrogatepass")
        return np.frombuffer(data, dtype=np.uint8).astype(np.uint64)

    def _place(self, hashed: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return ((hashed * TURN) >> np.uint64(64 - self.bits)).astype(np.int64)


def _mixed(hashed: Any, byte: Any) -> Any:
    with np.errstate(over="ignore"):
        value = (hashed ^ (byte + np.uint64(1))) * FACTOR
        return value ^ (value >> np.uint64(29))
