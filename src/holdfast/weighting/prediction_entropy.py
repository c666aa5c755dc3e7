"""Prediction entropy."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.weighting._validation import mean


class PredictionEntropy(Measure):
    r"""How sure a model is on the target: its mean entropy, with a minus, so that larger is better.

    .. math:: \frac{1}{m} \sum_j \sum_k p_k(x'_j) \log p_k(x'_j)

    Use it when only the target's probabilities are at hand, to choose among settings of one adaptation method. It
    fails with models of unequal calibration: the most overconfident wins, also one that says the same class always.

    >>> round(PredictionEntropy().measure(cur_probs=[[0.5, 0.5], [1.0, 0.0]]).value, 4)  # -log(2) / 2
    -0.3466
    """

    source = "morerio2018minimal"
    claims = ("choice",)

    def measure(self, cur_probs: np.ndarray) -> Estimate:
        """The mean negative entropy in nats with its 90 % interval."""
        probs = np.maximum(cur_probs.astype(np.float64), 1e-300)
        return mean((probs * np.log(probs)).sum(axis=1))
