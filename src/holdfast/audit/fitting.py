"""Fit and predict over folds: the few steps that probes, checks and pricing share."""

from __future__ import annotations

from typing import Any

import numpy as np

from holdfast.audit.load import Task
from holdfast.audit.models import Model


def tied_rows(embedding: np.ndarray, group: np.ndarray | None) -> np.ndarray:
    """(n,) codes of rows that must not be separated: the user's groups where there are enough, else exact copies."""
    if group is not None and len(np.unique(group)) >= 10:
        return np.unique(group, return_inverse=True)[1]
    if not embedding.shape[1]:
        return np.arange(len(embedding))
    rows = np.ascontiguousarray(embedding)
    keys = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    return np.unique(keys, return_inverse=True)[1].ravel()


def make_folds(y: np.ndarray, ties: np.ndarray, count: int, seed: int) -> np.ndarray:
    """(n,) fold numbers: the tied sets are dealt in turn, class by class (numeric targets: by tenths of the range)."""
    rng = np.random.default_rng(seed)
    first = np.unique(ties, return_index=True)[1]
    strata = y if y.dtype.kind in "iu" else np.argsort(np.argsort(y)) * 10 // len(y)
    order = first[np.lexsort((rng.random(len(first)), strata[first]))]
    fold_of = np.empty(int(ties.max()) + 1, dtype=np.int64)
    fold_of[ties[order]] = (np.arange(len(order)) + rng.integers(count)) % count
    return fold_of[ties]


def out_of_fold(
    model: Model, inputs: Any, y: np.ndarray, folds: np.ndarray, seed: int, weight: np.ndarray | None = None
) -> np.ndarray:
    """Predictions of every row by a model that was fitted without its fold: (n, k) or (n,)."""
    predicted: np.ndarray | None = None
    for fold in np.unique(folds):
        inside, outside = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        part = model.fit(inputs[outside], y[outside], None if weight is None else weight[outside], seed)
        answer = part.predict(inputs[inside])
        if predicted is None:
            predicted = np.zeros((len(y), *answer.shape[1:]))
        predicted[inside] = answer
    assert predicted is not None
    return predicted


def row_loss(predicted: np.ndarray, y: np.ndarray, task: Task) -> np.ndarray:
    """(n,) 1.0 where the predicted class is wrong, or the absolute error of a numeric target."""
    if task.kind == "regression":
        return np.abs(predicted - y)
    return (predicted.argmax(axis=1) != y).astype(np.float64)
