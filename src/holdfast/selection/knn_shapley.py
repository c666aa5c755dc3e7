"""Shapley values of training rows for nearest neighbours."""

from __future__ import annotations

from typing import Self

import numpy as np

from holdfast.core import Scorer

BLOCK = 1 << 20  # distances held at once


class KNNShapley(Scorer):
    r"""Minus the exact Shapley value of every training row for a nearest-neighbour classifier on other rows.

    .. math:: v_{(n)} = \frac{\mathbb 1[y_{(n)} = y]}{\max(n, k)}, \qquad
       v_{(i)} = v_{(i+1)} + \frac{\mathbb 1[y_{(i)} = y] - \mathbb 1[y_{(i+1)} = y]}{k} \cdot \frac{\min(k, i)}{i}

    for each row to be told, (i) the i-th nearest training row, then the mean over those rows (those of `fit`). The
    values of all training rows sum up to the accuracy. Sorting is what it costs: n log n a row.

    Use it when a trusted set is at hand and rows that hurt are to be found or priced: high scores are the harmful ones.
    It fails where distance means little (raw pixels, unscaled columns): take embeddings.

    The nearest of three rows has the wrong label, with k 1: it takes away what the second adds.

    >>> X, y = [[1.0], [2.0], [9.0]], [1, 0, 0]
    >>> KNNShapley(k=1).fit(ref_X=[[0.0]], ref_y=[0]).score_rows(X, y).round(4).tolist()
    [0.6667, -0.3333, -0.3333]
    """

    source = "jia2019efficient"
    claims = ("wrong_labels",)
    transductive = True
    k: int = 5

    def fit(self, ref_X: np.ndarray, ref_y: np.ndarray) -> Self:
        """Remember the rows that are to be told."""
        self.told_, self.labels_ = ref_X, ref_y
        return self

    def score_rows(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(n,) minus the value."""
        if self.k < 1:
            raise ValueError(f"k is {self.k}; expected at least 1 neighbour.")
        n = len(y)
        place = np.arange(1, n)
        factor = np.minimum(self.k, place) / (self.k * place)
        total = np.zeros(n)
        lengths = np.einsum("ij,ij->i", X, X)
        step = max(1, BLOCK // n)
        for start in range(0, len(self.labels_), step):
            distances = lengths - 2 * self.told_[start : start + step] @ X.T
            order = np.argsort(distances, axis=1, kind="stable")
            right = y[order] == self.labels_[start : start + step, None]
            values = np.empty(order.shape)
            values[:, -1] = right[:, -1] / max(n, self.k)
            gaps = (right[:, :-1].astype(np.int8) - right[:, 1:]) * factor
            values[:, :-1] = values[:, -1:] + np.cumsum(gaps[:, ::-1], axis=1)[:, ::-1]
            total += np.bincount(order.ravel(), weights=values.ravel(), minlength=n)
        return -total / len(self.labels_)
