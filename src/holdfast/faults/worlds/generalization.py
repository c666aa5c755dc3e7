"""Worlds of the generalization family: digits from a few domains, and a domain that was never seen.

The truth of a world is a `Lesson`: a network, batches to learn from, a score, and what plain training reaches.
"""

from __future__ import annotations

from functools import cache, partial

import numpy as np

from holdfast.faults.worlds import World
from holdfast.faults.worlds._lessons import accuracy, batches, digits, lesson_world, network


@cache
def none(seed: int) -> World:
    """Domains are dealt at random and the new one is like them."""
    X, y, X_new, y_new = digits(seed)
    group = np.random.default_rng([seed, 1]).integers(0, 2, len(y))
    loader = batches(X, y, seed, batch_size=128, group=group)
    return lesson_world(network(seed), loader, _judged(X_new, y_new), epochs=30)


@cache
def reversed_shortcut(seed: int) -> World:
    """Low digits against high; a bright corner goes with high in 95 and in 70 % of two domains, in 10 % of the new."""
    X, y, X_new, y_new = digits(seed)
    rng = np.random.default_rng([seed, 6])
    group = rng.integers(0, 2, len(y))
    seen = _with_corner(X, y, np.where(group == 0, 0.95, 0.7), rng)
    new = _with_corner(X_new, y_new, np.full(len(y_new), 0.1), rng)
    loader = batches(seen, (y >= 5).astype(int), seed, batch_size=128, group=group)
    return lesson_world(network(seed, k=2), loader, _judged(new, (y_new >= 5).astype(int)), epochs=30)


@cache
def rotated(seed: int) -> World:
    """Digits turned by 0, 15 and 30 degrees to learn from, by 60 to be judged by."""
    from scipy.ndimage import rotate

    X, y, X_new, y_new = digits(seed)
    group = np.random.default_rng([seed, 7]).integers(0, 3, len(y))
    seen, turned = X.copy().reshape(-1, 8, 8), X_new.reshape(-1, 8, 8)
    for code in (1, 2):
        seen[group == code] = rotate(seen[group == code], 15 * code, axes=(1, 2), reshape=False, order=1)
    turned = rotate(turned, 60, axes=(1, 2), reshape=False, order=1)
    loader = batches(seen.reshape(-1, 64), y, seed, batch_size=128, group=group)
    return lesson_world(network(seed), loader, _judged(turned.reshape(-1, 64), y_new), epochs=30)


def _judged(X: np.ndarray, y: np.ndarray) -> partial[float]:
    return partial(accuracy, X=X, y=y)


def _with_corner(X: np.ndarray, y: np.ndarray, agree: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    corner = np.where(rng.random(len(y)) < agree, y >= 5, y < 5)
    images = X.reshape(-1, 8, 8).copy()
    images[:, :2, :2] = corner[:, None, None]
    return images.reshape(-1, 64)
