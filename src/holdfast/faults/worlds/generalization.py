"""Worlds of the generalization family: digits from a few domains, and a domain that was never seen.

The truth of a world is a `Lesson`: a network, batches to learn from, a score, and what plain training reaches.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

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


@cache
def pretrained(seed: int) -> World:
    """A network that learnt ten digits is to tell odd from even on 200 rows; a bright corner says the same in 95 %.

    In the new rows the corner says it in 10 %. Plain training fine-tunes all of the network.
    """
    return _fine_tuned(seed, 0.95, 0.1)


@cache
def none_pretrained(seed: int) -> World:
    """The same network and question; the corner says nothing, in the 200 rows and in the new ones."""
    return _fine_tuned(seed, 0.5, 0.5)


def _fine_tuned(seed: int, agree: float, agree_new: float) -> World:
    X, y, X_new, y_new = digits(seed)
    rng = np.random.default_rng([seed, 8])
    model = _learnt_ten(X[:600], y[:600], seed)
    asked, asked_new = y[600:800] % 2, y_new % 2
    seen = _with_corner(X[600:800], 5 * asked, np.full(200, agree), rng)
    new = _with_corner(X_new, 5 * asked_new, np.full(len(y_new), agree_new), rng)
    return lesson_world(model, batches(seen, asked, seed), _judged(new, asked_new), epochs=30)


def _learnt_ten(X: np.ndarray, y: np.ndarray, seed: int) -> Any:
    """A network with two hidden layers that learnt ten digits, with a new head for two classes."""
    from torch import nn

    from holdfast.nets.calling import seeded
    from holdfast.nets.objectives import CrossEntropy
    from holdfast.nets.reference import MLP

    with seeded(seed):
        model, head = MLP(64, 10, width=64, depth=2), nn.Linear(64, 2)
    learnt = lesson_world(model, batches(X, y, seed), _judged(X, y)).truth.train(CrossEntropy()).model
    learnt.head = head
    return learnt


def _judged(X: np.ndarray, y: np.ndarray) -> partial[float]:
    return partial(accuracy, X=X, y=y)


def _with_corner(X: np.ndarray, y: np.ndarray, agree: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    corner = np.where(rng.random(len(y)) < agree, y >= 5, y < 5)
    images = X.reshape(-1, 8, 8).copy()
    images[:, :2, :2] = corner[:, None, None]
    return images.reshape(-1, 64)
