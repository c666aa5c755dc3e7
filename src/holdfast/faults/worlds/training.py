"""Worlds of the training family: digits whose labels, classes or groups are not what they should be.

The truth of a world is a `Lesson`: a network, batches to learn from, a score, and what plain training reaches.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from holdfast.faults.worlds import World
from holdfast.faults.worlds._lessons import (
    accuracy,
    batches,
    digits,
    f1,
    lesson_world,
    logits_of,
    mean_recall,
    network,
    recalls,
    unknown_caught,
    unknown_found,
    worst_group,
)  # fmt: skip


@cache
def none(seed: int) -> World:
    """Nothing is wrong; groups are dealt at random. The score is the accuracy."""
    X, y, X_new, y_new = digits(seed)
    group = np.random.default_rng([seed, 1]).integers(0, 2, len(y))
    loader = batches(X, y, seed, group=group, weak_logits=_weak_logits(X, y, 10, seed))
    return lesson_world(network(seed), loader, partial(accuracy, X=X_new, y=y_new))


@cache
def none_of_two(seed: int) -> World:
    """Low digits against high, as many of each, and nothing is wrong. The score is the accuracy."""
    X, y, X_new, y_new = digits(seed)
    loader = batches(X, (y >= 5).astype(int), seed, batch_size=128)
    score = partial(accuracy, X=X_new, y=(y_new >= 5).astype(int))
    return lesson_world(network(seed, k=2), loader, score, epochs=30, adaptive=True)


@cache
def imbalanced(seed: int) -> World:
    """Ten digits, of which the most frequent has forty times the rows of the rarest. The score is the mean recall."""
    X, y, X_new, y_new = digits(seed)
    rank = np.random.default_rng([seed, 2]).permutation(10)
    most = np.round(80 * 40 ** (-np.arange(10) / 9)).astype(int)
    rows = np.concatenate([np.flatnonzero(y == c)[: most[place]] for place, c in enumerate(rank)])
    return lesson_world(network(seed), batches(X[rows], y[rows], seed), partial(mean_recall, X=X_new, y=y_new))


@cache
def imbalanced_with_a_pool(seed: int) -> World:
    """A long tail of labels, and the other digits without theirs; the bar is logit adjustment on the labels alone."""
    X, y, X_new, y_new = digits(seed)
    rows = _tail(y, 80, 40, seed)
    return _with_pool(X, y, rows, seed, partial(mean_recall, X=X_new, y=y_new))


@cache
def none_with_a_pool(seed: int) -> World:
    """As many labelled digits of every class as they come, and the others without labels. The score is the accuracy."""
    X, y, X_new, y_new = digits(seed)
    return _with_pool(X, y, np.arange(234), seed, partial(accuracy, X=X_new, y=y_new))


def _with_pool(X: np.ndarray, y: np.ndarray, rows: np.ndarray, seed: int, score: Callable[[Any], float]) -> World:
    import torch

    from holdfast.training import LogitAdjustment

    others = torch.from_numpy(np.delete(X, rows, axis=0))
    loader = batches(X[rows], y[rows], seed, batch_size=32)
    plain = lambda: world.truth.train(LogitAdjustment().fit(y=y[rows])).model  # noqa: E731
    world: World = lesson_world(network(seed), loader, score, plain=plain, unlabelled=others)
    return world


@cache
def imbalanced_pictures(seed: int) -> World:
    """The digits of a long tail as pictures for a residual network that is then tuned to them by logit adjustment.

    The score is the mean recall after that tuning; plain training learns the labels by cross-entropy before it.
    """
    X, y, X_new, y_new = digits(seed)
    rows = _tail(y, 80, 40, seed)
    return _to_be_tuned(X[rows], y[rows], seed, partial(mean_recall, X=_pictures(X_new), y=y_new))


@cache
def none_of_pictures(seed: int) -> World:
    """As many digits as they come, for the same network; the score is the accuracy after the tuning."""
    X, y, X_new, y_new = digits(seed)
    return _to_be_tuned(X[:234], y[:234], seed, partial(accuracy, X=_pictures(X_new), y=y_new))


def _to_be_tuned(X: np.ndarray, y: np.ndarray, seed: int, score: Callable[[Any], float]) -> World:
    from holdfast.nets.calling import seeded
    from holdfast.nets.reference import ResNet
    from holdfast.training import LogitAdjustment

    with seeded(seed):
        model = ResNet(1, 10, width=8)
    loader = batches(_pictures(X), y, seed)
    tuning, adjusted = lesson_world(model, loader, score, epochs=30).truth, LogitAdjustment().fit(y=y)
    return lesson_world(model, loader, lambda made: score(tuning.train(adjusted, model=made).model), epochs=80)


def _pictures(X: np.ndarray) -> np.ndarray:
    return X.reshape(-1, 1, 8, 8)


@cache
def imbalanced_but_watched(seed: int) -> World:
    """Thirty times as many rows of the most frequent digit as of the rarest; 200 balanced rows are kept to look at.

    The score is the mean recall of the three digits that are found least, on the other rows.
    """
    X, y, X_new, y_new = digits(seed)
    rows = _tail(y, 90, 30, seed)
    score = partial(_low_recalls, X=X_new[200:], y=y_new[200:])
    return lesson_world(network(seed), batches(X[rows], y[rows], seed), score, 30, ref_X=X_new[:200], ref_y=y_new[:200])


@cache
def none_watched(seed: int) -> World:
    """Digits as they come, judged by accuracy; 200 rows are kept to look at."""
    X, y, X_new, y_new = digits(seed)
    score = partial(accuracy, X=X_new[200:], y=y_new[200:])
    return lesson_world(network(seed), batches(X, y, seed), score, 30, ref_X=X_new[:200], ref_y=y_new[:200])


@cache
def rare_positives(seed: int) -> World:
    """Eights against other digits: 40 eights among 900 rows. The score is F1 of the eights."""
    X, y, X_new, y_new = digits(seed)
    rows = np.r_[np.flatnonzero(y == 8)[:40], np.flatnonzero(y != 8)[:860]]
    loader = batches(X[rows], (y[rows] == 8).astype(int), seed, batch_size=128)
    score = partial(f1, X=X_new, y=(y_new == 8).astype(int))
    return lesson_world(network(seed, k=2), loader, score, epochs=80, adaptive=True)


@cache
def wrong_labels(seed: int) -> World:
    """Of 600 labels four in ten are wrong, evenly over the classes. The score is the accuracy on right labels."""
    X, y, X_new, y_new = digits(seed)
    X, y = X[:600], y[:600]
    rng = np.random.default_rng([seed, 3])
    given = np.where(rng.random(len(y)) < 0.4, (y + rng.integers(1, 10, len(y))) % 10, y)
    return lesson_world(network(seed), batches(X, given, seed), partial(accuracy, X=X_new, y=y_new), epochs=50)


@cache
def shortcut(seed: int) -> World:
    """Low digits against high; a bright corner goes with the high ones in 95 % of the rows. Score: the worst group."""
    X, y, X_new, y_new = digits(seed)
    seen, corner = _with_corner(X, y, 0.95, np.random.default_rng([seed, 4]))
    new, new_corner = _with_corner(X_new, y_new, 0.5, np.random.default_rng([seed, 5]))
    y, y_new = (y >= 5).astype(int), (y_new >= 5).astype(int)
    loader = batches(seen, y, seed, group=2 * y + corner, weak_logits=_weak_logits(seen, y, 2, seed))
    score = partial(worst_group, X=new, y=y_new, group=2 * y_new + new_corner)
    return lesson_world(network(seed, k=2), loader, score)


def _tail(y: np.ndarray, most: int, ratio: int, seed: int) -> np.ndarray:
    """Row numbers of a long tail, from `most` rows of one class down to a `ratio`th of that."""
    rank = np.random.default_rng([seed, 2]).permutation(10)
    sizes = np.round(most * float(ratio) ** (-np.arange(10) / 9)).astype(int)
    return np.concatenate([np.flatnonzero(y == c)[: sizes[place]] for place, c in enumerate(rank)])


def _low_recalls(model: Any, X: np.ndarray, y: np.ndarray) -> float:
    return float(np.mean(sorted(recalls(model, X, y))[:3]))


@cache
def unknown_class(seed: int) -> World:
    """Digits 0 to 6 are learnt, 7 and 8 are shown as outliers, 9 is unknown. Score: AUROC of 9 by the softmax."""
    X, y, X_new, y_new = digits(seed)
    known, novel = y_new < 7, y_new == 9
    score = partial(unknown_found, known=X_new[known], novel=X_new[novel])
    return lesson_world(network(seed, k=7), _with_outliers(X, y, seed), score)


@cache
def none_with_outliers(seed: int) -> World:
    """The same digits and outliers; the score is the accuracy on digits 0 to 6."""
    X, y, X_new, y_new = digits(seed)
    known = y_new < 7
    score = partial(accuracy, X=X_new[known], y=y_new[known])
    return lesson_world(network(seed, k=7), _with_outliers(X, y, seed), score)


def _with_outliers(X: np.ndarray, y: np.ndarray, seed: int) -> Any:
    known, others = y < 7, X[(y == 7) | (y == 8)]
    drawn = others[np.random.default_rng([seed, 6]).integers(len(others), size=int(known.sum()))]
    return batches(X[known], y[known], seed, outliers=drawn)


@cache
def outliers_mostly_of_one_kind(seed: int) -> World:
    """Ten digits and eight candidate outliers a row: 80 % are halves of two digits side by side.

    A tenth each are digits on their side and digits with shuffled pixels. The score is the share of unknown rows that
    stand out at a threshold that keeps 95 % of the known ones: halves of two digits one above the other, digits upside
    down, mirrored, and in negative.
    """
    X, y, X_new, y_new = digits(seed)
    rng = np.random.default_rng([seed, 9])
    pictures = X_new.reshape(-1, 8, 8)
    kinds = [_glued(X_new, y_new, rng, lower=True), pictures[:, ::-1], pictures[:, :, ::-1], 1 - pictures]
    unknown = [np.ascontiguousarray(kind).reshape(-1, 64) for kind in kinds]
    score = partial(unknown_caught, known=X_new, unknown=unknown, classes=10)
    return lesson_world(network(seed, k=11), _with_candidates(X, y, seed), score)


@cache
def none_with_candidates(seed: int) -> World:
    """The same digits and candidates; the score is the accuracy of the likeliest digit."""
    X, y, X_new, y_new = digits(seed)
    score = partial(accuracy, X=X_new, y=y_new, classes=10)
    return lesson_world(network(seed, k=11), _with_candidates(X, y, seed), score)


def _with_candidates(X: np.ndarray, y: np.ndarray, seed: int, a_row: int = 8) -> Any:
    rng = np.random.default_rng([seed, 8])
    count = len(X) * a_row
    few = count // 10
    beside = np.concatenate([_glued(X, y, rng, lower=False) for _ in range(-(-8 * few // len(X)))])[: count - 2 * few]
    on_side = X[rng.integers(len(X), size=few)].reshape(-1, 8, 8).transpose(0, 2, 1).reshape(-1, 64)
    shuffled = rng.permuted(X[rng.integers(len(X), size=few)], axis=1)
    candidates = rng.permutation(np.concatenate([beside, on_side, shuffled]))
    return batches(X, y, seed, outliers=candidates.reshape(len(X), a_row, 64))


def _glued(X: np.ndarray, y: np.ndarray, rng: np.random.Generator, lower: bool) -> np.ndarray:
    """Every picture with its lower or its right half from one of another class."""
    other = np.array([rng.choice(np.flatnonzero(y != code)) for code in y])
    made, part = X.reshape(-1, 8, 8).copy(), X[other].reshape(-1, 8, 8)
    half = np.s_[:, 4:] if lower else np.s_[:, :, 4:]
    made[half] = part[half]
    return made.reshape(-1, 64)


def _with_corner(X: np.ndarray, y: np.ndarray, agree: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Images with a bright 2 x 2 corner where a coin says so; it agrees with `y >= 5` at a rate of `agree`."""
    corner = np.where(rng.random(len(y)) < agree, y >= 5, y < 5).astype(int)
    images = X.reshape(-1, 8, 8).copy()
    images[:, :2, :2] = np.where(corner[:, None, None] == 1, 1.0, 0.0)
    return images.reshape(-1, 64), corner


def _weak_logits(X: np.ndarray, y: np.ndarray, k: int, seed: int) -> np.ndarray:
    """Logits of a network with two hidden units after a few epochs: it can learn what is simplest only."""
    from holdfast.nets.objectives import CrossEntropy

    weak = lesson_world(network(seed + 50, k, width=2), batches(X, y, seed), partial(accuracy, X=X, y=y), epochs=5)
    return logits_of(weak.truth.train(CrossEntropy()).model, X)
