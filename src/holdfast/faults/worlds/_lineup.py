"""Many models on the same digits, for worlds about relations between test sets: trained once, drawn from by seed."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

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
    rows = rng.permutation(lineup()["plain"].shape[1])
    halves = rows[: len(rows) // 2], rows[len(rows) // 2 : len(rows) // 2 * 2]
    sides = zip(("old", "new"), halves, strict=True)
    return {f"{side}_{view}": right[np.ix_(chosen, rows)] for side, rows in sides for view, right in lineup().items()}


@cache
def seeds() -> dict[str, np.ndarray]:
    """Right or wrong of 80 runs of one procedure, on rows as they are and faded to half (runs, rows)."""
    X, y = pixels()
    rng = np.random.default_rng(2)
    views = {"plain": X[TRAIN:], "faded": 0.5 * X[TRAIN:]}
    rows = [rng.choice(150, 100, replace=False) for _ in range(80)]
    models = [GaussianNB(var_smoothing=0.005).fit(X[part], y[part]) for part in rows]
    return {name: np.array([model.predict(view) == y[TRAIN:] for model in models]) for name, view in views.items()}


@cache
def wordings() -> tuple[np.ndarray, np.ndarray]:
    """Right or wrong of 20 models, weak to strong, on rows as they are (models, rows) and on eight jittered copies."""
    X, y = pixels()
    rng = np.random.default_rng(3)
    test, truth = X[TRAIN:], y[TRAIN:]
    copies = [test + rng.normal(0, 0.12, test.shape) for _ in range(8)]
    parts = [rng.choice(TRAIN, round(size), replace=False) for size in np.geomspace(60, TRAIN, 20)]
    models = [GaussianNB(var_smoothing=0.02).fit(X[rows], y[rows]) for rows in parts]
    plain = np.array([model.predict(test) == truth for model in models])
    return plain, np.array([[model.predict(copy) == truth for copy in copies] for model in models])


@cache
def transformed() -> np.ndarray:
    """Right or wrong (pairs, 2, transformations, rows): 8 plain models and 8 that learnt under noise."""
    X, y = pixels()
    rng = np.random.default_rng(4)
    views = _transformations(X[TRAIN:], rng)
    right = []
    for _ in range(8):
        rows = rng.choice(TRAIN, 250, replace=False)
        noisy = np.concatenate([X[rows]] * 4) + rng.normal(0, 0.25, (1000, 16))
        pair = [GaussianNB(var_smoothing=0.01).fit(X[rows], y[rows]), GaussianNB().fit(noisy, np.tile(y[rows], 4))]
        right.append([[model.predict(view) == y[TRAIN:] for view in views] for model in pair])
    return np.array(right)


def _transformations(X: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Noise, lost pixels, replaced pixels and a smear, each at seven strengths."""
    views = []
    for strength in np.linspace(0.1, 0.4, 7):
        views.append(X + rng.normal(0, strength, X.shape))
        views.append(X * (rng.random(X.shape) > strength / 2))
        views.append(np.where(rng.random(X.shape) < strength / 2, rng.random(X.shape), X))
        views.append((1 - strength) * X + strength * np.roll(X, 1, axis=1))
    return views


@cache
def growing() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Training sizes that grow, right or wrong (sizes, 24 runs, rows) of nearest neighbours, and at twice the last.

    The runs at twice the last size stand alone (runs, rows): they are what is predicted.
    """
    y = pixels()[1]
    rng = np.random.default_rng(5)
    sizes, test = np.array([10, 15, 22, 33, 50, 75, 112, 150]), np.arange(TRAIN, len(y))

    def runs(size: int) -> np.ndarray:
        return np.array([_nearest(rng.choice(TRAIN, size, replace=False), test) == y[test] for _ in range(24)])

    return sizes, np.array([runs(size) for size in sizes]), runs(2 * sizes[-1])


@cache
def known_curves() -> tuple[np.ndarray, np.ndarray]:
    """Sizes and the errors (curves, sizes) of three learners on sixteen choices of classes and pixels of the digits."""
    X, y = pixels()
    rng = np.random.default_rng(6)
    sizes, curves = np.array([12, 20, 33, 55, 90, 150, 250, 420]), []
    for _ in range(16):
        rows = np.flatnonzero(np.isin(y, rng.choice(10, int(rng.integers(6, 11)), replace=False)))
        inputs = X[:, rng.choice(16, int(rng.integers(8, 17)), replace=False)]
        for learner in (lambda: GaussianNB(var_smoothing=0.05), _Centroids, lambda: KNeighborsClassifier(1)):
            errors = [_mean_error(learner, inputs, y, rows, size, rng) for size in sizes]
            curves.append(errors)
    return sizes.astype(float), np.array(curves)


class _Centroids:
    """The class of the nearest class mean."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> _Centroids:
        self.classes = np.unique(y)
        self.means = np.array([X[y == label].mean(axis=0) for label in self.classes])
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        distances = (self.means**2).sum(axis=1) - 2 * X @ self.means.T
        return self.classes[distances.argmin(axis=1)]


def _mean_error(learner: Any, X: np.ndarray, y: np.ndarray, rows: np.ndarray, size: int, rng: Any) -> float:
    """Over five draws of the training rows, on up to 300 others."""
    wrong = []
    for _ in range(5):
        order = rng.permutation(rows)
        train, test = order[:size], order[size : size + 300]
        wrong.append((learner().fit(X[train], y[train]).predict(X[test]) != y[test]).mean())
    return float(np.mean(wrong))


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


class BagModel:
    """Scores bags by a linear model of their mean, or of their largest instance, found by alternation."""

    def __init__(self, mean: bool) -> None:
        self.mean = mean

    def fit(self, bags: list[np.ndarray], y: np.ndarray) -> None:
        """Means are classified as they are; else negative instances against the best one of every positive bag."""
        if self.mean:
            self.model = LogisticRegression(max_iter=300).fit([bag.mean(axis=0) for bag in bags], y)
            return
        positive = [bag for bag, label in zip(bags, y, strict=True) if label == 1]
        negative = np.concatenate([bag for bag, label in zip(bags, y, strict=True) if label == 0])
        chosen = np.concatenate(positive)
        for _ in range(3):
            labels = np.repeat([1, 0], [len(chosen), len(negative)])
            self.model = LogisticRegression(class_weight="balanced")
            self.model.fit(np.concatenate([chosen, negative]), labels)
            chosen = np.array([bag[self.model.decision_function(bag).argmax()] for bag in positive])

    def decision_function(self, bags: list[np.ndarray]) -> np.ndarray:
        """One score a bag."""
        if self.mean:
            return self.model.decision_function([bag.mean(axis=0) for bag in bags])
        return np.array([self.model.decision_function(bag).max() for bag in bags])


def _nearest(train: np.ndarray, test: np.ndarray) -> np.ndarray:
    X, y = pixels()
    distances = (X[train] ** 2).sum(axis=1) - 2 * X[test] @ X[train].T
    return y[train][distances.argmin(axis=1)]
