"""Worlds of the augmentation family: digits that are not met as they were learnt.

The truth of a world is a `Lesson`: a network, batches to learn from, a score, and what plain training reaches.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np

from holdfast.faults.worlds import World
from holdfast.faults.worlds._lessons import accuracy, batches, digits, lesson_world, mean_recall, network


@cache
def none(seed: int) -> World:
    """Digits as they were learnt. The score is the accuracy."""
    X, y, X_new, y_new = digits(seed)
    return lesson_world(network(seed), batches(X, y, seed, group=_groups(y, seed)), partial(accuracy, X=X_new, y=y_new))


@cache
def wrong_labels(seed: int) -> World:
    """Of 600 labels four in ten are wrong; judged by right ones."""
    X, y, X_new, y_new = digits(seed)
    X, y = X[:600], y[:600]
    rng = np.random.default_rng([seed, 3])
    given = np.where(rng.random(len(y)) < 0.4, (y + rng.integers(1, 10, len(y))) % 10, y)
    loader = batches(X, given, seed, group=_groups(y, seed))
    return lesson_world(network(seed), loader, partial(accuracy, X=X_new, y=y_new), epochs=40)


@cache
def imbalanced(seed: int) -> World:
    """The most frequent digit has forty times the rows of the rarest. The score is the mean recall."""
    X, y, X_new, y_new = digits(seed)
    rank = np.random.default_rng([seed, 2]).permutation(10)
    most = np.round(80 * 40 ** (-np.arange(10) / 9)).astype(int)
    rows = np.concatenate([np.flatnonzero(y == c)[: most[place]] for place, c in enumerate(rank)])
    loader = batches(X[rows], y[rows], seed, group=_groups(rows, seed))
    return lesson_world(network(seed), loader, partial(mean_recall, X=X_new, y=y_new))


@cache
def hidden_part(seed: int) -> World:
    """In use, a 4 x 4 part of the 8 x 8 pixels is taken from another digit."""
    X, y, X_new, y_new = digits(seed)
    rng = np.random.default_rng([seed, 4])
    images = X_new.reshape(-1, 8, 8).copy()
    others = images[rng.permutation(len(images))]
    for image, other, (row, column) in zip(images, others, rng.integers(0, 5, (len(images), 2)), strict=True):
        image[row : row + 4, column : column + 4] = other[row : row + 4, column : column + 4]
    return lesson_world(network(seed), batches(X, y, seed), partial(accuracy, X=images.reshape(-1, 64), y=y_new))


@cache
def attacked(seed: int) -> World:
    """In use, every pixel may be moved by 0.1 against the network, in ten steps."""
    X, y, X_new, y_new = digits(seed)
    return lesson_world(network(seed), batches(X, y, seed), partial(_under_attack, X=X_new[:400], y=y_new[:400]))


def _groups(y: np.ndarray, seed: int) -> np.ndarray:
    return np.random.default_rng([seed, 1]).integers(0, 2, len(y))


def _under_attack(model: Any, X: np.ndarray, y: np.ndarray, radius: float = 0.1) -> float:
    """Accuracy after ten steps by the sign of the gradient, within the radius."""
    import torch

    clean, labels = torch.from_numpy(X), torch.from_numpy(y)
    moved = clean
    for _ in range(10):
        moved = moved.detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(torch.nn.functional.cross_entropy(model(moved), labels), moved)
        moved = clean + (moved.detach() + radius / 4 * slope.sign() - clean).clamp(-radius, radius)
    return float((model(moved).argmax(1) == labels).float().mean())
