"""Which columns of a very wide table a model should read: those that tell most about the answer by themselves.

Choose on the rows that a model learns from, never on those that judge it: then judging stays honest.
"""

from __future__ import annotations

import numpy as np

WIDE = 500  # columns from which on a choice is made
KEPT = 200
BLOCK = 1024  # columns looked at together


def columns_that_tell(X: np.ndarray, y: np.ndarray, n_classes: int) -> np.ndarray:
    """The places of all columns, or of the most relevant ones where there are more than `WIDE`; all are numbers."""
    if X.shape[1] <= WIDE:
        return np.arange(X.shape[1])
    return most_relevant(X, y, np.zeros(X.shape[1], dtype=bool), n_classes)


def most_relevant(
    X: np.ndarray, y: np.ndarray, is_categorical: np.ndarray, n_classes: int, weight: np.ndarray | None = None
) -> np.ndarray:
    """The places of the `KEPT` columns that tell most, ascending."""
    told = relevance(X, y, is_categorical, n_classes, weight)
    return np.sort(np.argsort(-told, kind="stable")[:KEPT])


def relevance(
    X: np.ndarray, y: np.ndarray, is_categorical: np.ndarray, n_classes: int, weight: np.ndarray | None
) -> np.ndarray:
    """(d,) how much of the target each column tells by itself: the largest squared correlation with a class or number.

    Numbers are tried straight and as squared distance from their mean, so that a bump is seen too; categories by the
    means of the target in each. Missing values count as the mean, missing categories as one more. `n_classes` is 0 for
    a numeric answer.

    >>> X = np.array([[0.0, 0.0, 3.0], [1.0, 2.0, 3.0], [2.0, 0.0, 3.0], [3.0, 2.0, 3.0]])
    >>> relevance(X, np.array([0, 0, 1, 1]), np.zeros(3, dtype=bool), 2, None).round(2).tolist()
    [0.8, 0.0, 0.0]
    """
    weight = np.full(len(y), 1 / len(y)) if weight is None else weight / weight.sum()
    answers = (y[:, None] == np.arange(n_classes)).astype(float) if n_classes else y[:, None].astype(float)
    answers = _standard(answers, weight)
    told = np.zeros(X.shape[1])
    numbers = np.flatnonzero(~is_categorical)
    for first in range(0, len(numbers), BLOCK):
        part = numbers[first : first + BLOCK]
        straight = _standard(X[:, part], weight)
        for tried in (straight, _standard(straight**2, weight)):
            correlation = (tried * weight[:, None]).T @ answers
            told[part] = np.maximum(told[part], (correlation**2).max(axis=1))
    for place in np.flatnonzero(is_categorical):
        codes = np.nan_to_num(X[:, place], nan=-1).astype(np.int64)
        codes = np.unique(codes, return_inverse=True)[1]
        sizes = np.maximum(np.bincount(codes, weight), 1e-12)
        means = np.stack([np.bincount(codes, weight * answer) / sizes for answer in answers.T])
        told[place] = (means**2 @ sizes).max() - len(sizes) / len(y)  # less what as many random means would tell
    return told


def _standard(columns: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Columns with weighted mean 0 and variance 1; missing values and constant columns are 0."""
    known = ~np.isnan(columns)
    share = np.maximum(weight @ known, 1e-12)
    with np.errstate(over="ignore", invalid="ignore"):  # a column near 1e308 has no variance to tell anything by
        centred = np.where(known, columns - (weight @ np.where(known, columns, 0.0)) / share, 0.0)
        spread = np.sqrt(weight @ centred**2)
        return np.divide(centred, spread, out=np.zeros_like(centred), where=np.isfinite(spread) & (spread > 0))
