"""Temperature scaling."""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy.optimize import brentq
from scipy.special import softmax

from holdfast.calibration._classwise import FLOOR, positive_rows
from holdfast.core import Mapper

STEEPEST = 100.0  # bound of T and of 1 / T, met where the rows cannot tell: all right, or all wrong


class TemperatureScaling(Mapper):
    r"""One number for all classes that makes probabilities softer (T > 1) or sharper (T < 1).

    .. math:: q_k \propto p_k^{1 / T}, \quad T = \arg\min_T -\sum_i \log q_{y_i}(x_i)

    Use it when a network is too sure, or not sure enough, everywhere alike: one parameter is learnt well from a
    hundred rows, and the predicted class never changes. It fails where the error differs between classes or between
    low and high probabilities.

    The fitted T is `temperature_`. Nothing goes in or comes out as exactly 0: the least is 1e-12.

    >>> method = TemperatureScaling().fit(probs=[[0.9, 0.1]] * 4, y=[0, 0, 0, 1])  # 3 of 4 right: log 9 / T = log 3
    >>> round(method.temperature_, 6), method.transform(probs=[[0.1, 0.9], [0.5, 0.5]]).round(4).tolist()
    (2.0, [[0.25, 0.75], [0.5, 0.5]])
    """

    source = "guo2017calibration"
    claims = ("overconfident", "underconfident")
    blind = ("distorted",)

    def fit(self, probs: np.ndarray, y: np.ndarray) -> Self:
        """Learn the temperature from rows that the model has not seen."""
        logits = _logits(probs)
        chosen = logits[np.arange(len(y)), y].mean()

        def slope(log_sharpness: float) -> float:
            """Of the mean log loss in 1 / T: the loss is convex in it, so its slope crosses 0 at most once."""
            weights = softmax(np.exp(log_sharpness) * logits, axis=1)
            return float(np.einsum("ij,ij->i", weights, logits).mean() - chosen)

        bound = float(np.log(STEEPEST))
        if slope(-bound) * slope(bound) < 0:
            best = brentq(slope, -bound, bound, xtol=1e-12)
        else:
            best = 0.0 if slope(0.0) == 0 else -bound * np.sign(slope(0.0))
        self.temperature_ = float(np.exp(-best))
        return self

    def transform(self, probs: np.ndarray) -> np.ndarray:
        """(n, k) calibrated probabilities."""
        return positive_rows(softmax(_logits(probs) / self.temperature_, axis=1))


def _logits(probs: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(probs.astype(float), FLOOR))
