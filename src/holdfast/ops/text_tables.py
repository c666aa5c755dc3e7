"""What the two versions of the text kernels share: classes of bytes, constants, permutations."""

from __future__ import annotations

from functools import cache

import numpy as np

LEAD, CJK = 1, 2  # a byte that may begin punctuation; one that begins a word of three bytes
PRIME = np.uint64(0x9E3779B97F4A7C15)
SALT = np.uint64(0x243F6A8885A308D3)
MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def _codes() -> np.ndarray:
    """What every byte is: 0 between words, `LEAD`, `CJK`, or itself as a part of a word, in lower case."""
    codes = np.zeros(256, dtype=np.uint8)
    for byte in range(256):
        if byte >= 0x80:
            codes[byte] = byte
        elif chr(byte).isalnum() or chr(byte) == "_":
            codes[byte] = ord(chr(byte).lower())
    codes[[0xC2, 0xE2]] = LEAD  # U+0080 to U+00BF and U+2000 to U+207F: spaces, quotes and dashes
    codes[0xE3:0xEA] = CJK  # U+3000 to U+9FFF
    return codes


CODES = _codes()


@cache
def permutations(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Odd factors and shifts of `count` maps x -> factor * x + shift of the 32-bit numbers onto themselves."""
    draws = np.random.default_rng(20).integers(1 << 32, size=(2, count), dtype=np.uint32)
    return draws[0] | np.uint32(1), draws[1]


@cache
def band_salts(bands: int) -> np.ndarray:
    """A starting value for the key of every band, so that keys of different bands are strangers."""
    return np.random.default_rng(21).integers(1 << 63, size=bands, dtype=np.uint64)
