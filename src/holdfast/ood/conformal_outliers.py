"""Rows unlike anything in training, at a controlled rate of false alarms."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Grouper
from holdfast.ood.mahalanobis import Mahalanobis
from holdfast.ood.nearest_neighbour_distance import NearestNeighbourDistance
from holdfast.ops.covariance import column_spread
from holdfast.ops.multiple_testing import benjamini_hochberg


class ConformalOutliers(Grouper):
    r"""Group 0 holds the rows that are unlike training, found by conformal p-values and Benjamini and Hochberg's rule.

    .. math:: p(x) = \frac{1 + \#\{i \in \text{train} : s_{-i}(x_i) \ge s(x)\}}{n + 1}, \quad
              \text{flag } p_{(j)} \le \frac{j}{m} \cdot \text{rate} \text{ and all below}

    :math:`s` is the distance to the k-th neighbour or the Mahalanobis distance, over scaled columns unless `scale` is
    false (embeddings, whose small columns are noise); :math:`s_{-i}` is the same fitted without the row's fold (one of
    `folds`), so every training row calibrates. Of the rows flagged, on
    average at most the share `rate` is ordinary. Attributes: `pvalues_` (m,), `scores_` (m,), and `fewest_`: fewer
    unusual rows than this cannot be named with so few training rows, however strange they are.

    Use it when a list of unfamiliar rows should hold few false ones, whatever the distribution of the features. It
    fails where unusual rows are fewer than `fewest_`, and where the whole test set has drifted: then nearly all rows
    are unlike training and all are named.

    >>> train = [[i % 10, i // 10] for i in range(100)]
    >>> finder = ConformalOutliers(k=2, folds=4, rate=0.2, seed=1).fit(X=train)
    >>> finder.group_rows(X=[[4.5, 4.5], [30.0, 3.0], [3.2, 7.7]]).tolist()
    [-1, 0, -1]
    >>> finder.pvalues_.round(2).tolist(), finder.fewest_
    ([1.0, 0.01, 1.0], 1)
    >>> finder = ConformalOutliers(detector="mahalanobis", rate=0.2, scale=False).fit(X=train)
    >>> finder.group_rows(X=[[4.5, 4.5], [9.0, 40.0]]).tolist()
    [-1, 0]
    """

    source = "bates2023outliers"
    claims = ("far", "near", "feature_shift")
    blind = ("held_out_class", "misclassified")
    transductive = True
    detector: Literal["neighbours", "mahalanobis"] = "neighbours"
    k: int = 5
    scale: bool = True
    folds: int = 10
    rate: float = 0.1
    seed: int = 0

    def fit(self, X: np.ndarray) -> ConformalOutliers:
        """Score every training row by a detector that has not seen its fold, then fit the detector on all."""
        self.centre_ = X.mean(axis=0, dtype=np.float64)
        self.spread_ = column_spread(X - self.centre_, self.centre_) if self.scale else np.ones(X.shape[1])
        rows = (X - self.centre_) / self.spread_
        fold = np.random.default_rng(self.seed).permutation(len(rows)) % max(2, min(self.folds, len(rows)))
        scores = np.zeros(len(rows))
        for part in np.unique(fold) if len(rows) > 1 else ():
            scores[fold == part] = self._fitted(rows[fold != part]).score_rows(X=rows[fold == part])
        self.calibration_ = np.sort(scores)
        self.detector_ = self._fitted(rows)
        return self

    def group_rows(self, X: np.ndarray) -> np.ndarray:
        """(n,) 0 where the row is unlike training, -1 elsewhere."""
        self.scores_ = self.detector_.score_rows(X=(X - self.centre_) / self.spread_)
        beyond = len(self.calibration_) - np.searchsorted(self.calibration_, self.scores_, "left")
        self.pvalues_ = (1 + beyond) / (1 + len(self.calibration_))
        self.fewest_ = int(np.ceil(len(X) / (self.rate * (1 + len(self.calibration_)))))
        return np.where(benjamini_hochberg(self.pvalues_) <= self.rate, 0, -1)

    def _fitted(self, rows: np.ndarray) -> Mahalanobis | NearestNeighbourDistance:
        if self.detector == "neighbours":
            return NearestNeighbourDistance(k=self.k).fit(X=rows)
        return Mahalanobis().fit(X=rows, y=np.zeros(len(rows), dtype=int))
