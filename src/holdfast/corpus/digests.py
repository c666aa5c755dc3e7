"""The hash by which equal texts are known: 128 bits, of their UTF-8."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

import numpy as np


def _digest() -> tuple[str, Callable[[bytes | memoryview], bytes]]:
    """A 128-bit hash of bytes, and its name: a run that goes on must go on with the same."""
    try:
        from xxhash import xxh3_128_digest
    except ModuleNotFoundError:
        from hashlib import blake2b

        return "blake2b", lambda data: blake2b(data, digest_size=16).digest()
    return "xxh3", xxh3_128_digest


HASH, digest = _digest()


def digests(texts: list[str]) -> list[bytes]:
    """Of every text the hash."""
    try:
        return [digest(text.encode()) for text in texts]
    except UnicodeEncodeError:  # half a surrogate
        return [digest(text.encode("utf-8", "surrogatepass")) for text in texts]


def digests_of(data: np.ndarray, starts: np.ndarray) -> Iterator[bytes]:
    """Of every part of a buffer the hash."""
    view = memoryview(data.data)
    return (digest(view[start:stop]) for start, stop in pairwise(starts.tolist()))


def as_keys(hashed: Iterable[bytes]) -> np.ndarray:
    """`(n, 2)` numbers."""
    return np.frombuffer(b"".join(hashed), dtype=np.uint64).reshape(-1, 2)
