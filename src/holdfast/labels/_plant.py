"""Known label errors, planted where the labels look right."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Planted(NamedTuple):
    y: np.ndarray
    is_flipped: np.ndarray


def plant(
    y: np.ndarray, trusted: np.ndarray, noise_matrix: np.ndarray, share: float, random: tuple[np.ndarray, np.ndarray]
) -> Planted:
    """Flip about `share` of the trusted rows, along the noise matrix; `random` decides who is flipped and to what."""
    off = noise_matrix * (1 - np.eye(len(noise_matrix))) + 1e-3 / len(noise_matrix)
    np.fill_diagonal(off, 0)
    odds = off.sum(axis=1)[y] * trusted
    flipped = random[0] < np.minimum(share * odds * trusted.sum() / max(odds.sum(), 1e-12), 0.45)
    ways = (off / np.maximum(off.sum(axis=1, keepdims=True), 1e-12)).cumsum(axis=1)[y]
    others = np.minimum((random[1][:, None] > ways).sum(axis=1), len(off) - 1)
    new = np.where(flipped, others, y)
    return Planted(new, new != y)
