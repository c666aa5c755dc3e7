"""Kinds of model that make different mistakes, cross-fitted on the training rows when they are first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import get_args

import numpy as np

from holdfast.labels._crossfit import ModelKind, out_of_fold

VOTED = 20_000  # rows up to which several kinds of model judge the labels
KERNEL = 5_000  # rows up to which a kernel machine, quadratic in the rows, is one of them
KINDS: tuple[str, ...] = get_args(ModelKind)


class Members:
    """Out-of-fold class probabilities by kind of model, each fitted once.

    >>> x, y = np.arange(40.0)[:, None], np.arange(40) // 20
    >>> members = Members(x, y, classes=3, folds=5, seed=0)
    >>> members["linear"].shape, members["linear"] is members["linear"]
    ((40, 3), True)
    """

    def __init__(self, X: np.ndarray, y: np.ndarray, classes: int, folds: int, seed: int) -> None:
        def fitted(kind: ModelKind) -> np.ndarray:
            probs = out_of_fold(kind, X, y, folds, seed)
            padded = np.pad(probs, ((0, 0), (0, classes - probs.shape[1])))
            padded.flags.writeable = False  # handed out to every method that asks
            return padded

        self._fitted = cache(fitted)

    def __getitem__(self, kind: ModelKind) -> np.ndarray:
        """(n, k) probabilities of every row by a model of this kind that was not fitted on it."""
        return self._fitted(kind)

    def mean(self, kinds: Sequence[ModelKind]) -> np.ndarray:
        """(n, k) the mean over several kinds."""
        return np.mean([self[kind] for kind in kinds], axis=0)


def kinds_for(rows: int) -> tuple[ModelKind, ...]:
    """The kinds of model that judge labels together on so many rows."""
    return ("linear", "trees", "neighbours", *(("kernel",) if rows <= KERNEL else ()))
