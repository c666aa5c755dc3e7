"""Worlds of the ood family: handwritten digits with classes, regions or corruptions that training never showed."""

from __future__ import annotations

from functools import cache

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from holdfast.faults.worlds import World, split


@cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def held_out_class(seed: int) -> World:
    """Digits 7, 8 and 9 were never shown in training and are the rows to find."""
    rng = np.random.default_rng(seed)
    X, y = _digits()
    known = y < 7
    train, rest = split(len(y), 0.5, rng)
    train = train[known[train]]
    return _world(X[train], y[train], X[rest], ~known[rest])


def none(seed: int) -> World:
    """Test digits from the classes that were trained on; nothing is wrong."""
    rng = np.random.default_rng(seed)
    X, y = _digits()
    known = np.flatnonzero(y < 7)
    first, rest = split(len(known), 0.5, rng)
    train, test = known[first], known[rest]
    return _world(X[train], y[train], X[test], np.zeros(len(test), bool))


def _world(train_X: np.ndarray, train_y: np.ndarray, test_X: np.ndarray, truth: np.ndarray) -> World:
    model = LogisticRegression(max_iter=300).fit(train_X, train_y)
    train = {"X": train_X, "y": train_y, "probs": model.predict_proba(train_X)}
    return World({"X": test_X, "probs": model.predict_proba(test_X)}, truth, train)
