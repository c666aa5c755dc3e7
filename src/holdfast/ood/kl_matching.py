"""Divergence from the typical answers of training."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer

LEAST = 1e-30  # probabilities of exactly 0 in a typical answer


class KLMatching(Scorer):
    r"""Kullback-Leibler divergence of the model's answer from the nearest typical answer.

    .. math:: s(x) = \min_k \sum_c p_c(x) \log \frac{p_c(x)}{d_{kc}}, \quad d_k = \text{mean of } p
              \text{ over rows answered } k

    Use it when only probabilities are at hand and classes are confused in their own ways: an answer that is unsure
    between two classes is typical where those are often mixed up. It fails far from the training data, where a model
    can be certain of anything.

    >>> detector = KLMatching().fit(probs=[[0.8, 0.2], [0.9, 0.1], [0.3, 0.7]])  # typical: (.85, .15), (.3, .7)
    >>> detector.score_rows(probs=[[0.85, 0.15], [0.6, 0.4]]).round(2).tolist()
    [0.0, 0.18]
    """

    source = "hendrycks2022scaling"
    claims = ("held_out_class", "network_held_out_class")
    blind = ("feature_shift", "misclassified")

    def fit(self, probs: np.ndarray) -> KLMatching:
        """The mean answer of every class that was answered."""
        answered = probs.argmax(axis=1)
        self.typical_ = np.array([probs[answered == k].mean(axis=0, dtype=np.float64) for k in np.unique(answered)])
        return self

    def score_rows(self, probs: np.ndarray) -> np.ndarray:
        """(n,) divergence from the nearest typical answer."""
        probs = np.asarray(probs, dtype=np.float64)
        own = (probs * np.log(np.maximum(probs, LEAST))).sum(axis=1)
        nearest = (probs @ np.log(np.maximum(self.typical_, LEAST)).T).max(axis=1)
        return np.maximum(own - nearest, 0.0)  # rounding apart it is never negative
