"""Four kinds of strangeness pooled: the detector to take where no example of the unknown is at hand."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer
from holdfast.ood.generalized_entropy import GeneralizedEntropy
from holdfast.ood.mahalanobis import Mahalanobis
from holdfast.ood.nearest_neighbour_distance import NearestNeighbourDistance
from holdfast.ood.relative_mahalanobis import RelativeMahalanobis


class PooledDetectors(Scorer):
    r"""The mean of four detectors' scores, each in units of its own spread on rows that are in order.

    .. math:: s(x) = \frac14 \sum_j \operatorname{asinh} \max\Big(-\text{floor}, \frac{t_j(x) - m_j}{q_j}\Big)

    with :math:`m_j, q_j` the median and the interquartile range of :math:`t_j` on those rows. The :math:`t_j` are the
    Mahalanobis distance and the relative one, the distance to the nearest neighbour by direction,
    and the generalised entropy of the probabilities. Every row of `fit` is scored by detectors that have not seen its
    fold (one of `folds`, dealt by `seed`), and new rows by detectors of all rows. No detector can vouch for a row by
    more than `floor`: what one finds very ordinary, another may find very strange.

    Use it on features before a network's last layer when nothing is known of what will come: which single detector is
    best depends on the network and changes sides between a good and a poor one. Rows of `fit` should be ones that the
    network has not learnt from. It fails to beat the right single detector where one is known, and costs four.

    >>> X, y = [[4.0, 0.1], [4.0, -0.1], [4.1, 0.0], [0.1, 4.0], [-0.1, 4.0], [0.0, 4.1]], [0, 0, 0, 1, 1, 1]
    >>> probs = [[0.9, 0.1]] * 3 + [[0.1, 0.9]] * 3
    >>> pooled = PooledDetectors(folds=3, seed=1, floor=0.5).fit(X=X, y=y, probs=probs)
    >>> [bool(s > 0) for s in pooled.score_rows(X=[[4.0, 0.0], [2.0, 2.0]], probs=[[0.9, 0.1], [0.5, 0.5]])]
    [False, True]
    """

    source = "magesh2023multiple"
    claims = ("held_out_class", "far", "near", "network_held_out_class")
    folds: int = 5
    seed: int = 0
    floor: float = 1.0

    def fit(self, X: np.ndarray, y: np.ndarray, probs: np.ndarray) -> PooledDetectors:
        """Score every row by detectors that have not seen its fold, then fit the detectors on all."""
        fold = np.random.default_rng(self.seed).permutation(len(X)) % max(2, min(self.folds, len(X)))
        scores = np.empty((4, len(X)))
        for part in np.unique(fold):
            inside, rest = fold == part, fold != part if len(X) > 1 else fold == part
            scores[:, inside] = _scores(_fitted(X[rest], y[rest]), X[inside], probs[inside])
        low, self.middle_, high = np.quantile(scores, [0.25, 0.5, 0.75], axis=1)[..., None]
        self.spread_ = np.where(high > low, high - low, 1.0)
        self.detectors_ = _fitted(X, y)
        return self

    def score_rows(self, X: np.ndarray, probs: np.ndarray) -> np.ndarray:
        """(n,) the mean over the detectors."""
        apart = (_scores(self.detectors_, X, probs) - self.middle_) / self.spread_
        return np.arcsinh(np.maximum(apart, -self.floor)).mean(axis=0)


def _fitted(X: np.ndarray, y: np.ndarray) -> tuple[Scorer, ...]:
    nearest = NearestNeighbourDistance(k=1, normalise=True).fit(X=X)
    return Mahalanobis().fit(X=X, y=y), RelativeMahalanobis().fit(X=X, y=y), nearest


def _scores(detectors: tuple[Scorer, ...], X: np.ndarray, probs: np.ndarray) -> np.ndarray:
    """(4, n) scores of the detectors of features, and of the probabilities."""
    rows = [detector.score_rows(X=X) for detector in detectors]  # type: ignore[attr-defined]
    return np.stack([*rows, GeneralizedEntropy().score_rows(probs=probs)])
