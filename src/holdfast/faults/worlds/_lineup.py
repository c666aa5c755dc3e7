"""Many models on the same digits, for worlds about relations between test sets: trained once, drawn from by seed."""

from __future__ import annotations

from functools import cache

import numpy as np
from sklearn.datasets import load_digits
from sklearn.naive_bayes import GaussianNB

PLAIN, ROBUST = 120, 60  # models trained on the digits as they are, and on digits with noise
TRAIN = 600
NOISE = 0.25  # standard deviation of the noise on pixels between 0 and 1


@cache
def pixels() -> tuple[np.ndarray, np.ndarray]:
    """Handwritten digits averaged to 4 x 4 pixels, shuffled once."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return X.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(len(X), 16)[order] / 16, y[order]


@cache
def lineup() -> dict[str, np.ndarray]:
    """Right or wrong (models, rows): 120 plain, then 60 robust models, on rows as they are, under noise, darker."""
    X, y = pixels()
    rng = np.random.default_rng(1)
    test, truth = X[TRAIN:], y[TRAIN:]
    noise = rng.normal(0, 1, (2, *test.shape))
    views = {"plain": test, "noisy": test + NOISE * noise[0], "mild": test + NOISE / 2 * noise[1], "dark": 0.7 * test}
    right: dict[str, list[np.ndarray]] = {name: [] for name in views}
    for number in range(PLAIN + ROBUST):
        size = round(np.exp(rng.uniform(np.log(30), np.log(TRAIN))))
        rows = rng.choice(TRAIN, size, replace=False)
        jitter = rng.normal(0, 0.15, (size, 16)) * (number >= PLAIN)
        model = GaussianNB(var_smoothing=0.02).fit(X[rows] + jitter, y[rows])
        for name, view in views.items():
            right[name].append(model.predict(view) == truth)
    return {name: np.array(rows) for name, rows in right.items()}


@cache
def drawn(seed: int, plain: int = 20, robust: int = 0) -> dict[str, np.ndarray]:
    """Right or wrong of some models (plain ones first) on two halves of the rows: `old_plain`, `new_noisy`, ..."""
    rng = np.random.default_rng([seed, 7])
    chosen = np.concatenate([rng.choice(PLAIN, plain, replace=False), PLAIN + rng.choice(ROBUST, robust, False)])
    halves = np.array_split(rng.permutation(lineup()["plain"].shape[1]), 2)
    sides = zip(("old", "new"), halves, strict=True)
    return {f"{side}_{view}": right[np.ix_(chosen, rows)] for side, rows in sides for view, right in lineup().items()}


def tuned(seed: int, rows: int = 200, submissions: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Right or wrong on an old and a new test set of submissions, each of which has learnt more of the old one."""
    y = pixels()[1]
    order = np.random.default_rng(seed).permutation(len(y))
    train, old, new = order[:150], order[150 : 150 + rows], order[150 + rows :]
    known = [np.concatenate([train, old[:leaked]]) for leaked in np.linspace(0, 0.9 * rows, submissions).astype(int)]
    first, second = (np.array([_nearest(part, test) == y[test] for part in known]) for test in (old, new))
    return first, second


def checkpoints(seed: int, agreement: float) -> tuple[np.ndarray, np.ndarray]:
    """Accuracies on rows where a colour agrees with the class and where it does not, along one training run.

    The task is "5 or more"; the colour agrees with it in a share `agreement` of the training rows.
    """
    X, y = pixels()
    rng = np.random.default_rng(seed)
    order, target = rng.permutation(len(y)), np.where(y >= 5, 1.0, -1.0)
    train, test = order[:600], order[600:]
    colour = np.where(rng.random(len(y)) < agreement, target, -target)
    colour[test] = np.where(rng.random(len(test)) < 0.5, target[test], -target[test])
    inputs = np.column_stack([(X - X.mean(axis=0)) * 3, 0.1 * colour, np.ones(len(y))])
    weights, points = np.zeros(inputs.shape[1]), []
    marks = set(np.unique(np.geomspace(1, 3000, 30).astype(int)))
    for step in range(1, 3001):
        slopes = target[train] / (1 + np.exp(np.clip(target[train] * (inputs[train] @ weights), -30, 30)))
        weights = weights + inputs[train].T @ slopes / len(train)
        if step in marks:
            right = (inputs[test] @ weights > 0) == (target[test] > 0)
            same = colour[test] == target[test]
            points.append((right[same].mean(), right[~same].mean()))
    pairs = np.array(points)
    return pairs[:, 0], pairs[:, 1]


def _nearest(train: np.ndarray, test: np.ndarray) -> np.ndarray:
    X, y = pixels()
    distances = (X[train] ** 2).sum(axis=1) - 2 * X[test] @ X[train].T
    return y[train][distances.argmin(axis=1)]
