"""Average confidence: what the model itself believes its accuracy to be."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.estimation._expected import bounded


class AverageConfidence(Measure):
    r"""Mean of the largest class probability: the accuracy of a model that is perfectly calibrated.

    .. math:: \widehat{A} = \frac{1}{n} \sum_i \max_k p_k(x_i)

    Use it when there is nothing but the model's probabilities and they are known to be calibrated. It fails for most
    models: it is off by their miscalibration, which the interval (chance in the labels only) does not hold.

    >>> found = AverageConfidence().measure(cur_probs=[[0.9, 0.1], [0.3, 0.7]] * 50)
    >>> [round(number, 2) for number in found[:4]]
    [0.8, 0.73, 0.87, 100]
    """

    source = "kivimaki2025confidence"
    claims = ("calibrated",)

    def measure(self, cur_probs: np.ndarray) -> Estimate:
        """The accuracy that the probabilities promise, with the 90 % interval of the labels' chance."""
        confidence = cur_probs.max(axis=1).astype(np.float64)
        chance = np.sqrt((confidence * (1 - confidence)).sum() + 1) / len(confidence)
        return bounded(float(confidence.mean()), 1.645 * float(chance), len(confidence), 0, 1)
