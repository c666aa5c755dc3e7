"""Distance to the k-th nearest training row."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer
from holdfast.ops.neighbours import nearest_neighbours

REACH = 100.0  # rows further out than this many training ranges are searched from there: the order stays the same


class NearestNeighbourDistance(Scorer):
    r"""Euclidean distance to the k-th nearest training row.

    .. math:: s(x) = \lVert z(x) - z_{(k)} \rVert_2, \quad z(x) = x / \lVert x \rVert_2 \text{ where normalised}

    Use it when training features or embeddings are at hand: it makes no assumption about their distribution. Scale
    tabular columns first; normalise embeddings of networks (`normalise=True`, as in the paper). It fails when most
    columns are noise, since distances then look alike, and on rows that are wrong but ordinary.

    >>> train = [[1.0, 0.0], [0.0, 2.0], [0.0, 5.0]]
    >>> NearestNeighbourDistance(k=2).fit(X=train).score_rows(X=[[0.0, 4.0]]).round(2).tolist()
    [2.0]
    >>> NearestNeighbourDistance(k=3, normalise=True).fit(X=train).score_rows(X=[[0.0, 4.0]]).round(2).tolist()
    [1.41]
    """

    source = "sun2022knn"
    claims = ("held_out_class", "far", "near", "feature_shift")
    blind = ("misclassified",)
    k: int = 10
    normalise: bool = False

    def fit(self, X: np.ndarray) -> NearestNeighbourDistance:
        """Keep the training rows."""
        self.train_ = self._features(X)
        self.centre_ = self.train_.mean(axis=0)
        self.range_ = float(np.abs(self.train_ - self.centre_).max()) or 1.0
        return self

    def score_rows(self, X: np.ndarray) -> np.ndarray:
        """(n,) distance to the k-th nearest training row."""
        rows = self._features(X)
        # one row at 1e30 must not cost the others their digits in the float32 search
        reach = REACH * self.range_
        near = np.clip(rows, self.centre_ - reach, self.centre_ + reach)
        last = nearest_neighbours(self.train_, self.k, queries=near).neighbours[:, -1]
        return np.linalg.norm(rows - self.train_[last], axis=1)

    def _features(self, X: np.ndarray) -> np.ndarray:
        if not self.normalise:
            return np.asarray(X)
        length = np.linalg.norm(X, axis=1, keepdims=True)
        return X / np.where(length > 0, length, 1.0)
