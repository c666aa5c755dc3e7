"""Mahalanobis distance to the nearest class mean."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer
from holdfast.ops.covariance import tied_gaussian


class Mahalanobis(Scorer):
    r"""Squared distance to the nearest class mean in the shape that the training classes share.

    .. math:: s(x) = \min_c (x - \mu_c)^\top \Sigma^{-1} (x - \mu_c)

    Columns are scaled by their spread inside the classes and their correlations shrunk by `shrinkage` towards none, so
    a singular covariance is no error; a column that never varies inside a class counts as one of typical spread. None
    takes Ledoit and Wolf's intensity, which estimates the covariance better and finds unusual rows worse: it widens the
    very directions in which ordinary rows hardly vary (AUROC .880 against .889 on hidden features of 15 data sets, .926
    against .938 on the tables themselves; of pictures that were dimmed it finds more, .85 against .75).

    Use it when features or embeddings with classes are at hand (or one class for all rows) and classes are compact.
    It fails when a class has several modes or a curved shape, and on rows that are wrong but ordinary.

    >>> X, y = [[0.0, 0.0], [2.0, 2.0], [10.0, 0.0], [12.0, -2.0]], [0, 0, 1, 1]
    >>> detector = Mahalanobis(shrinkage=0.5).fit(X=X, y=y)
    >>> detector.score_rows(X=[[3.0, 1.0], [11.0, -1.0]]).round(2).tolist()
    [4.0, 0.0]
    """

    source = "lee2018mahalanobis"
    claims = ("held_out_class", "far", "near", "feature_shift")
    shrinkage: float | None = 0.001

    def fit(self, X: np.ndarray, y: np.ndarray) -> Mahalanobis:
        """Learn class means and the shared covariance of the training rows."""
        self.gaussian_ = tied_gaussian(X, y, self.shrinkage)
        return self

    def score_rows(self, X: np.ndarray) -> np.ndarray:
        """(n,) squared Mahalanobis distance to the nearest class mean."""
        return self.gaussian_.nearest(X)
