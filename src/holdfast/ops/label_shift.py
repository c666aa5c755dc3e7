"""Label shift: how the class mix must have moved for a classifier to predict what it now predicts."""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

ROUNDS = 1000  # of expectation and maximisation; it stops earlier where the shares stand still
MASS = 1e3  # how much more the mean of the weights counts than one cell of the confusion matrix


def joint_confusion(predicted: np.ndarray, y: np.ndarray, classes: int) -> np.ndarray:
    """(k, k) share of rows that are predicted i (first axis) and are j (second axis).

    `predicted` holds class codes, or class probabilities `(n, k)` for the soft matrix, which has less variance.

    >>> joint_confusion(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), classes=2).tolist()
    [[0.25, 0.25], [0.0, 0.5]]
    """
    if predicted.ndim == 2:
        sums = [np.bincount(y, weights=predicted[:, i], minlength=classes) for i in range(classes)]
        return np.stack(sums) / len(y)
    return np.bincount(predicted * classes + y, minlength=classes * classes).reshape(classes, classes) / len(y)


def bbse_weights(confusion: np.ndarray, predicted_share: np.ndarray, ridge: float = 1e-3) -> np.ndarray:
    r"""(k,) weights p_cur(y) / p_ref(y), non-negative, with reference mean 1.

    Solves :math:`C w = \mu` where `confusion` C is `joint_confusion` of the reference and `predicted_share` mu is what
    is predicted now. `ridge` (relative to the largest singular value of C) draws weights that C cannot tell apart
    towards 1, the answer "nothing moved": with a class that is never predicted, C alone has no answer.

    Half of the reference is positive, the model is right in 80 %; it now predicts 74 % positives, so 90 % are:

    >>> confusion = np.array([[0.4, 0.1], [0.1, 0.4]])
    >>> bbse_weights(confusion, np.array([0.26, 0.74]), ridge=0.0).round(3).tolist()
    [0.2, 1.8]
    """
    classes = len(confusion)
    prior = confusion.sum(axis=0)
    strength = ridge * np.linalg.norm(confusion, 2)
    left = np.vstack([confusion, MASS * prior, strength * np.eye(classes)])
    right = np.concatenate([predicted_share, [MASS], np.full(classes, strength)])
    weights = np.linalg.lstsq(left, right, rcond=None)[0]
    if weights.min() < 0:
        weights = nnls(left, right)[0]
    return weights / max(float(prior @ weights), 1e-12)


def em_weights(probs: np.ndarray, share: np.ndarray) -> np.ndarray:
    """(k,) weights p_cur(y) / p_ref(y) that make the current sample likeliest, if its (n, k) `probs` are right.

    `share` (k,) are the classes' shares of the reference; a class without reference rows cannot be told to grow.

    A sure model sees three in four rows of a class that was one in two:

    >>> em_weights(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]), np.array([0.5, 0.5])).tolist()
    [0.5, 1.5]
    """
    known = share > 0
    growth = known.astype(np.float64)
    total = probs[:, known].sum(axis=1)
    probs = probs[total > 0]  # rows that are certain of an unknown class say nothing about the known ones
    if not len(probs):
        return growth
    safe = np.where(known, share, 1.0)
    for _ in range(ROUNDS):
        posterior = probs * growth
        posterior /= np.maximum(posterior.sum(axis=1, keepdims=True), np.finfo(float).tiny)
        new = posterior.mean(axis=0) / safe
        if np.abs(new - growth).max() < 1e-8:
            return new
        growth = new
    return growth
