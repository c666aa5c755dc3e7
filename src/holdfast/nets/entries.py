"""Weights as they are stored, and as numbers to reckon with: float32 arrays, without torch.

Importing torch takes longer than merging a quarter of a billion weights: what can be done on stored bytes is done here.
"""

from __future__ import annotations

import numpy as np

STORED = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U8": "u1", "BOOL": "?",
}  # fmt: skip
FLOATING = ("F64", "F32", "F16", "BF16")


def size_of(dtype: str) -> int:
    """Bytes of an entry."""
    return np.dtype(STORED[dtype]).itemsize


def decode(raw: np.ndarray, dtype: str) -> np.ndarray:
    """Stored entries (bytes) as float32, or as they are where they are whole numbers.

    Of a bfloat16 number the bits are the upper half of those of the same number in float32:

    >>> decode(np.array([0x80, 0x3F, 0x20, 0xC0], dtype=np.uint8), "BF16").tolist()
    [1.0, -2.5]
    """
    entries = raw.view(STORED[dtype])
    if dtype == "BF16":
        bits = entries.astype(np.uint32)
        bits <<= 16
        return bits.view(np.float32)
    return entries.astype(np.float32, copy=False) if dtype in FLOATING else entries


def encode(entries: np.ndarray, dtype: str) -> np.ndarray:
    """The entries as they are stored (bytes), rounded to the nearest, of two to the even one.

    >>> encode(np.array([1.0, -2.5], dtype=np.float32), "BF16").tolist()
    [128, 63, 32, 192]
    """
    if dtype == "BF16":
        return _upper_half(np.ascontiguousarray(entries, dtype=np.float32)).view(np.uint8)
    with np.errstate(over="ignore", invalid="ignore"):  # too large for float16 is infinite, and unknown stays unknown
        return np.ascontiguousarray(entries, dtype=STORED[dtype]).view(np.uint8)


def _upper_half(values: np.ndarray) -> np.ndarray:
    bits = values.view(np.uint32)
    rounded = bits >> 16
    rounded &= 1
    rounded += 0x7FFF
    rounded += bits
    rounded >>= 16
    unknown = np.isnan(values)
    if unknown.any():
        rounded[unknown] = 0x7FC0  # rounding up could turn it into an infinite number
    return rounded.astype(np.uint16)
