"""Clusters of items by difficulty, and maps from a part of a benchmark to all of it."""

from __future__ import annotations

import numpy as np

SEEDS = 150  # items that mean shift starts from
STEPS = 40


def modes(items: np.ndarray, width: float) -> np.ndarray:
    """Mean shift with a flat kernel from items of all difficulties; of modes closer than `width` the fullest stays."""
    order = np.argsort(items.mean(axis=1), kind="stable")
    points = items[order[np.unique(np.linspace(0, len(items) - 1, SEEDS).astype(int))]]
    for _ in range(STEPS):
        near = squares(points, items) <= width**2
        moved = near @ items / np.maximum(near.sum(axis=1), 1)[:, None]
        if np.abs(moved - points).max() < 1e-4:
            break
        points = moved
    fullness = (squares(points, items) <= width**2).sum(axis=1)
    kept: list[np.ndarray] = []
    for place in np.argsort(-fullness, kind="stable"):
        if all(((points[place] - mode) ** 2).sum() > width**2 for mode in kept):
            kept.append(points[place])
    return np.array(kept)


def squares(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Squared distances of all pairs of rows."""
    return (left**2).sum(axis=1)[:, None] - 2 * left @ right.T + (right**2).sum(axis=1)


def through_the_corners(subset: np.ndarray, full: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Map scores on the extrapolated items to scores on all, by s + s (1 - s)(p + q s) fitted where both are known."""
    bend = subset * (1 - subset)
    p, q = np.linalg.lstsq(np.column_stack([bend, bend * subset]), full - subset, rcond=1e-6)[0]
    grid = np.linspace(0, 1, 101)
    rising = np.maximum.accumulate(np.clip(grid + grid * (1 - grid) * (p + q * grid), 0, 1))
    return np.interp(asked, grid, rising)


def straight(subset: np.ndarray, full: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The straight map: what is left out goes on as it went, and need not end in a full score."""
    constant, slope = np.linalg.lstsq(np.column_stack([np.ones_like(subset), subset]), full, rcond=1e-6)[0]
    return np.clip(constant + max(slope, 0.0) * asked, 0, 1)
