"""Relative Mahalanobis distance."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer
from holdfast.ops.covariance import BLOCK, tied_gaussian


class RelativeMahalanobis(Scorer):
    r"""Distance to the nearest class less the distance to the training data as a whole.

    .. math:: s(x) = \min_c (x - \mu_c)^\top \Sigma^{-1} (x - \mu_c) - (x - \mu_0)^\top \Sigma_0^{-1} (x - \mu_0),
              \quad \Sigma_0 = \Sigma + \sum_c \pi_c (\mu_c - \mu_0) (\mu_c - \mu_0)^\top

    What is unusual in directions that do not tell the classes apart cancels, and what lies between the classes stays.
    It cancels to the digit, since the covariance of all rows is that inside the classes plus that of their means, which
    have the shares :math:`\pi` of the rows. Columns are scaled and correlations inside the classes shrunk by
    `shrinkage` as in `Mahalanobis`, so neither units nor singular covariances matter; with one class the score is 0
    everywhere. Use it when features with classes are at hand and the rows to find are new classes near to the known
    ones. It fails on what is unusual only in directions in which the class means do not differ: it does not look there.

    >>> X, y = [[0.0, 0.0], [2.0, 2.0], [10.0, 0.0], [12.0, -2.0]], [0, 0, 1, 1]
    >>> detector = RelativeMahalanobis(shrinkage=1.0).fit(X=X, y=y)  # 1 0 0 1 in classes, 26 -5 -5 2 over all
    >>> detector.score_rows(X=[[6.0, 0.0], [11.0, -1.0]]).round(2).tolist()  # 25 + 1 - 0; 0 - 26 / 27
    [26.0, -0.96]
    """

    source = "ren2021relative"
    claims = ("held_out_class", "far", "near")
    shrinkage: float | None = 0.001

    def fit(self, X: np.ndarray, y: np.ndarray) -> RelativeMahalanobis:
        """Learn class means, their shared covariance, and where the class means lie among all rows."""
        self.gaussian_ = tied_gaussian(X, y, self.shrinkage)
        shares = np.unique(y, return_counts=True)[1] / len(y)
        centres = self.gaussian_.means @ self.gaussian_.whiten
        self.middle_ = shares @ centres
        self.centres_ = centres - self.middle_
        # whitened, the covariance of all rows is the identity plus that of the means: few directions, far from 1
        _, lengths, self.directions_ = np.linalg.svd(np.sqrt(shares)[:, None] * self.centres_, full_matrices=False)
        self.counted_ = lengths**2 / (1 + lengths**2)
        return self

    def score_rows(self, X: np.ndarray) -> np.ndarray:
        """(n,) squared distance to the nearest class less that to all; it may fall below 0."""
        out = np.empty(len(X))
        lengths = np.einsum("ij,ij->i", self.centres_, self.centres_)
        step = max(1, BLOCK // max(X.shape[1], len(lengths)))
        for first in range(0, len(X), step):
            gap = np.asarray(X[first : first + step], dtype=np.float64) @ self.gaussian_.whiten - self.middle_
            # the length of the gap itself stands in both distances
            nearest = (lengths - 2 * gap @ self.centres_.T).min(axis=1)
            out[first : first + step] = nearest + (gap @ self.directions_.T) ** 2 @ self.counted_
        return out
