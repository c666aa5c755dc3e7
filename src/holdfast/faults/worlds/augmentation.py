"""Worlds of the augmentation family: digits that are not met as they were learnt.

The truth of a world is a `Lesson`: a network, batches to learn from, a score, and what plain training reaches.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np

from holdfast.faults.worlds import World
from holdfast.faults.worlds._lessons import accuracy, batches, digits, lesson_world, mean_recall, network, r_squared


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


@cache
def corrupted(seed: int) -> World:
    """In use, digits are noisy, blurred or faded; the score is the mean accuracy on the three."""
    from scipy.ndimage import gaussian_filter

    X, y, X_new, y_new = digits(seed)
    X_new, y_new = X_new[:400], y_new[:400]
    noise = np.random.default_rng([seed, 8]).normal(0, 0.3, X_new.shape)
    blurred = gaussian_filter(X_new.reshape(-1, 8, 8), (0, 0.9, 0.9)).reshape(X_new.shape)
    views = [np.clip(X_new + noise, 0, 1), blurred, 0.3 * X_new + 0.4]
    met = np.concatenate(views).astype(np.float32)
    score = partial(accuracy, X=met, y=np.tile(y_new, 3))
    return lesson_world(network(seed), batches(X[:600], y[:600], seed, batch_size=200), score, epochs=20)


@cache
def uncorrupted(seed: int) -> World:
    """The same digits to learn from, met as they were learnt."""
    X, y, X_new, y_new = digits(seed)
    loader = batches(X[:600], y[:600], seed, batch_size=200)
    return lesson_world(network(seed), loader, partial(accuracy, X=X_new, y=y_new), epochs=20)


@cache
def coloured_angle(seed: int) -> World:
    """By how much a digit was turned; a corner is as bright as the angle in 80 % of the rows, the reverse in use."""
    X, _, X_new, _ = digits(seed)
    rng = np.random.default_rng([seed, 9])
    images = np.concatenate([X[:300], X_new[:300]])
    angle = rng.uniform(-1, 1, len(images))
    told = np.where(np.arange(len(images)) < 300, np.where(rng.random(len(images)) < 0.8, angle, -angle), -angle)
    turned = _turned(images.reshape(-1, 8, 8), 60 * angle)
    turned[:, :2, :2] = (0.5 + 0.5 * told)[:, None, None]
    return _numbers(turned.reshape(-1, 64).astype(np.float32), (angle / 0.577).astype(np.float32), 300, seed, epochs=20)


@cache
def few_rows_of_numbers(seed: int) -> World:
    """The progress of diabetes a year later, in standard deviations, from 10 columns and 150 rows; R2 on the rest."""
    from sklearn.datasets import load_diabetes

    X, y = load_diabetes(return_X_y=True)
    X, y = (X / X.std(axis=0)).astype(np.float32), ((y - y.mean()) / y.std()).astype(np.float32)
    order = np.random.default_rng([seed, 9]).permutation(len(y))
    return _numbers(X[order], y[order], 150, seed, epochs=100)


def _turned(images: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    from scipy.ndimage import rotate

    return np.stack([rotate(i, d, reshape=False, order=1) for i, d in zip(images, degrees, strict=True)])


@cache
def none_of_numbers(seed: int) -> World:
    """Where the ink of a digit lies from left to right, without noise. The score is R2."""
    X, _, X_new, _ = digits(seed)
    images = np.concatenate([X, X_new])
    centre = (images.reshape(-1, 8, 8).sum(axis=1) @ np.arange(8.0)) / images.sum(axis=1)
    return _numbers(images, ((centre - centre.mean()) / centre.std()).astype(np.float32), 300, seed, epochs=20)


def _numbers(X: np.ndarray, y: np.ndarray, rows: int, seed: int, epochs: int = 30) -> World:
    from holdfast.nets import Batches
    from holdfast.nets.objectives import SquaredError

    loader = Batches(X[:rows], batch_size=50, shuffle=True, seed=seed, target=y[:rows])
    score = partial(r_squared, X=X[rows:], target=y[rows:])
    return lesson_world(network(seed, 1, X.shape[1]), loader, score, epochs, adaptive=True, simple=SquaredError)


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
