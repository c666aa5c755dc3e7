"""Polarized augment calibration."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer
from holdfast.language._tokens import lowest_mean


class PolarizedAugmentCalibration(Scorer):
    r"""How much wider the gap between likely and unlikely tokens grows when the words of a text change places.

    .. math:: d(x) = \frac{1}{|F|} \sum_{i \in F} \log p(x_i) - \frac{1}{|E|} \sum_{i \in E} \log p(x_i), \qquad
              s(x) = \frac{1}{m} \sum_j d(\tilde x_j) - d(x)

    F is the share `high` of tokens with the highest log-probability, E the share `low` with the lowest;
    :math:`\tilde x_j` are copies in which pairs of words were swapped at random. Use it when only token
    log-probabilities can be read, and no reference model is at hand: a text is its own reference. It fails on texts
    seen once, and on texts whose order hardly matters, such as lists.

    d is -1 - (-3) = 2 for the text, -1 - (-5) = 4 for its copy:

    >>> scores = PolarizedAugmentCalibration(low=0.25, high=0.5).score_rows(
    ...     token_log_probs=[[-1.0, -3.0, -2.0, -1.0]], augmented_log_probs=[[[-1.0, -5.0, -1.0, -2.0]]])
    >>> scores.tolist()
    [2.0]
    """

    source = "ye2024data"
    claims = ("members",)
    blind = ("seen_once",)

    low: float = 0.3
    high: float = 0.05

    def score_rows(self, token_log_probs: np.ndarray, augmented_log_probs: np.ndarray) -> np.ndarray:
        return self._distance(augmented_log_probs).mean(axis=0) - self._distance(token_log_probs)

    def _distance(self, log_probs: np.ndarray) -> np.ndarray:
        return -lowest_mean(-log_probs, self.high) - lowest_mean(log_probs, self.low)
