"""Relative Mahalanobis distance."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer
from holdfast.ops.covariance import tied_gaussian


class RelativeMahalanobis(Scorer):
    r"""Distance to the nearest class less the distance to the training data as a whole.

    .. math:: s(x) = \min_c (x - \mu_c)^\top \Sigma^{-1} (x - \mu_c) - (x - \mu_0)^\top \Sigma_0^{-1} (x - \mu_0)

    What is unusual in directions that do not tell the classes apart cancels, and what lies between the classes stays.
    Columns are scaled and correlations shrunk by `shrinkage` as in `Mahalanobis`, so neither units nor singular
    covariances matter; with one class the score is 0 everywhere. Use it when features with classes are at hand and
    the rows to find are new classes near to the known ones. It fails on what is unusual in every direction alike
    (noise on all columns): the distance to the whole then grows faster, and such rows even score low.

    >>> X, y = [[0.0, 0.0], [2.0, 2.0], [10.0, 0.0], [12.0, -2.0]], [0, 0, 1, 1]
    >>> detector = RelativeMahalanobis(shrinkage=1.0).fit(X=X, y=y)  # variances 1, 1 in classes; 26, 2 over all
    >>> detector.score_rows(X=[[6.0, 0.0], [11.0, -1.0]]).round(2).tolist()  # 25 + 1 - 0 - 0; 0 - 25 / 26 - 1 / 2
    [26.0, -1.46]
    """

    source = "ren2021relative"
    claims = ("held_out_class",)
    blind = ("far", "near")
    shrinkage: float | None = None

    def fit(self, X: np.ndarray, y: np.ndarray) -> RelativeMahalanobis:
        """Learn class means, their shared covariance, and the mean and covariance of all training rows."""
        self.gaussian_ = tied_gaussian(X, y, self.shrinkage)
        self.background_ = tied_gaussian(X, np.zeros(len(X), dtype=int), self.shrinkage)
        return self

    def score_rows(self, X: np.ndarray) -> np.ndarray:
        """(n,) squared distance to the nearest class less that to all; it may fall below 0."""
        return self.gaussian_.nearest(X) - self.background_.nearest(X)
