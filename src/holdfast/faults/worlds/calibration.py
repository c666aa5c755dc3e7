"""Worlds of the calibration family: probabilities of handwritten digits and tumours, distorted.

The model is a logistic regression on a part of the columns, cross-fitted, so that its own probabilities are about
right. Calibrators get a few hundred rows (`train`) and are judged by the classes of the others (`truth`). Worlds whose
name ends in `_error` are for measures: labels are drawn from known probabilities, the truth is the calibration error.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from holdfast.faults.worlds import World, split

SHOWN = 400  # rows a calibrator may learn from
WEAK = 3.0  # inverse penalty of the model: so little that its probabilities are about right


def overconfident(seed: int) -> World:
    """Digits; all log-odds are three times too large."""
    logits, y = _model("digits")
    return _world(_softmax(3 * logits), y, seed)


def underconfident(seed: int) -> World:
    """Digits; all log-odds are two fifths of what they should be."""
    logits, y = _model("digits")
    return _world(_softmax(0.4 * logits), y, seed)


def one_class_overconfident(seed: int) -> World:
    """Digits; the model is far too ready to say 8."""
    logits, y = _model("digits")
    return _world(_softmax(logits + 2.5 * (np.arange(10) == 8)), y, seed)


def distorted(seed: int) -> World:
    """Tumours; log-odds of the second class are doubled where positive and halved where negative, then shifted."""
    logits, y = _model("tumours")
    odds = logits[:, 1] - logits[:, 0]
    odds = np.where(odds > 0, 2 * odds, odds / 2) + 1.5
    return _world(_softmax(np.column_stack([np.zeros(len(odds)), odds])), y, seed)


def known_error(seed: int) -> World:
    """Digits; the predicted class is right less often than stated, by a known amount that depends on the stated one."""
    probs = _softmax(_model("digits")[0])
    return _drawn(probs, _top_share(probs, 0.6), seed)


def small_error(seed: int) -> World:
    """Digits; as `known_error`, and ten times smaller."""
    probs = _softmax(_model("digits")[0])
    return _drawn(probs, _top_share(probs, 0.06), seed)


def hidden_error(seed: int) -> World:
    """Digits; the predicted class is right as often as stated, but what else it may be is stated wrongly."""
    probs = _softmax(_model("digits")[0])
    top = np.eye(10, dtype=bool)[probs.argmax(axis=1)]
    return _drawn(np.where(top, probs, (1 - probs.max(axis=1))[:, None] / 9), probs.max(axis=1), seed, probs)


def none(seed: int) -> World:
    """Digits with labels drawn from the stated probabilities themselves."""
    probs = _softmax(_model("digits")[0])
    rng = np.random.default_rng([seed, 1])
    return _world(probs, _classes(probs, rng), seed)


def _world(probs: np.ndarray, y: np.ndarray, seed: int) -> World:
    shown, held = split(len(y), min(SHOWN / len(y), 0.5), np.random.default_rng(seed))
    evidence = {"probs": probs[held], "y": y[held]}
    return World(evidence, y[held], {"probs": probs[shown], "y": y[shown]})


def _drawn(true: np.ndarray, share: np.ndarray, seed: int, stated: np.ndarray | None = None, rows: int = 1000) -> World:
    """`rows` rows drawn from the pool of stated probabilities; the top class is true with probability `share`."""
    stated = true if stated is None else stated
    rng = np.random.default_rng([seed, 2])
    top = stated.argmax(axis=1)
    others = np.where(np.eye(stated.shape[1], dtype=bool)[top], 0.0, true)
    others *= ((1 - share) / others.sum(axis=1))[:, None]
    others[np.arange(len(top)), top] = share
    picked = rng.integers(len(stated), size=rows)
    error = float(np.abs(share - stated.max(axis=1)).mean())
    return World({"probs": stated[picked], "y": _classes(others[picked], rng)}, error)


def _top_share(probs: np.ndarray, strength: float) -> np.ndarray:
    """How often the top class is true: less than stated, most so at middling confidence."""
    top = probs.max(axis=1)
    return top - strength * top * (1 - top)


def _classes(probs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One class per row, drawn from its probabilities."""
    below = probs.cumsum(axis=1)[:, :-1] < rng.random((len(probs), 1))
    return below.sum(axis=1)


def _softmax(logits: np.ndarray) -> np.ndarray:
    exp = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exp / exp.sum(axis=1, keepdims=True)


@cache
def _model(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Cross-fitted log-probabilities and the classes; few columns, so that the model is often unsure."""
    X, y = load_digits(return_X_y=True) if name == "digits" else load_breast_cancer(return_X_y=True)
    X = X[:, 2::4] / 16 if name == "digits" else ((X - X.mean(axis=0)) / X.std(axis=0))[:, :3]
    probs = cross_val_predict(LogisticRegression(C=WEAK, max_iter=5000), X, y, cv=5, method="predict_proba")
    return np.log(np.maximum(probs, 1e-9)), y
