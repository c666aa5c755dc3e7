"""Labels of the nearest neighbours."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer
from holdfast.ops.neighbours import nearest_neighbours


class NearestNeighbourLabels(Scorer):
    r"""The share of the nearest rows whose label differs from the given one, near rows counting more.

    .. math:: s(x, y) = \frac{\sum_{i \in N_q(x)} r_i\, [y_i \ne y]}{\sum_{i \in N_q(x)} r_i},
        \qquad r_i = (\text{rank of } i)^{-\text{decay}}

    Neighbours are other rows of the same data or, with `ref_X` and `ref_y`, rows whose labels are trusted (a clean
    subset finds errors that share their neighbourhood). `suggest_labels` gives the neighbours' majority class.

    Use it when embeddings put like with like and no classifier is at hand. It fails where classes overlap, where whole
    clusters are mislabelled alike and when one feature's scale drowns the others: scale first.

    >>> X, y = [[0.0], [1.0], [2.5], [9.0], [10.5]], [0, 0, 1, 1, 1]
    >>> NearestNeighbourLabels(k=2, decay=1.0).score_rows(X, y).round(2).tolist()  # row 2: both of its neighbours are 0
    [0.33, 0.33, 1.0, 0.0, 0.0]
    >>> NearestNeighbourLabels(k=1).score_rows([[0.2], [9.1]], [1, 1], ref_X=[[0.0], [9.0]], ref_y=[0, 1]).tolist()
    [1.0, 0.0]
    >>> NearestNeighbourLabels(k=2).suggest_labels(X, y).tolist()
    [0, 0, 0, 1, 1]
    """

    source = "parekh2023noise"
    claims = ("class_conditional_binary", "symmetric", "class_conditional")
    blind = ("class_overlap",)
    transductive = True
    k: int = 15
    decay: float = 0.5

    def score_rows(
        self,
        X: np.ndarray,
        y: np.ndarray,
        neighbours: np.ndarray | None = None,
        ref_X: np.ndarray | None = None,
        ref_y: np.ndarray | None = None,
    ) -> np.ndarray:
        """(n,) weighted share of disagreeing neighbours; `neighbours` (of the same rows) spares the search."""
        near = self._labels_near(X, y, neighbours, ref_X, ref_y)
        weights = self._weights(near.shape[1])
        return (near != y[:, None]) @ weights

    def suggest_labels(
        self,
        X: np.ndarray,
        y: np.ndarray,
        neighbours: np.ndarray | None = None,
        ref_X: np.ndarray | None = None,
        ref_y: np.ndarray | None = None,
    ) -> np.ndarray:
        """(n,) the class with the largest weight among the neighbours."""
        near = self._labels_near(np.asarray(X), np.asarray(y), neighbours, ref_X, ref_y)
        votes = np.zeros((len(near), int(near.max()) + 1))
        for column, weight in zip(near.T, self._weights(near.shape[1]), strict=True):
            votes[np.arange(len(near)), column] += weight
        return votes.argmax(axis=1)

    def _labels_near(
        self,
        X: np.ndarray,
        y: np.ndarray,
        neighbours: np.ndarray | None,
        ref_X: np.ndarray | None,
        ref_y: np.ndarray | None,
    ) -> np.ndarray:
        """(n, q) labels of the nearest rows, nearest first."""
        if ref_X is not None and ref_y is not None:
            return np.asarray(ref_y)[nearest_neighbours(np.asarray(ref_X), self.k, X).neighbours]
        if len(y) < 2:
            raise ValueError("X has 1 row, so it has no neighbours; give ref_X and ref_y or more rows.")
        return y[nearest_neighbours(X, self.k).neighbours if neighbours is None else neighbours[:, : self.k]]

    def _weights(self, q: int) -> np.ndarray:
        weights = np.arange(1, q + 1) ** -self.decay
        return weights / weights.sum()
