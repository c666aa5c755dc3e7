"""How often an update breaks what worked."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.resampling import wilson

NINETY = 1.6449  # normal quantile of a two-sided 90 % interval


class NegativeFlipRate(Measure):
    r"""The share of rows that the old model got right and the new one gets wrong, with its Wilson interval.

    .. math:: \mathrm{NFR} = \frac{1}{n} \sum_i 1[\hat y^{old}_i = y_i,\ \hat y^{new}_i \ne y_i]

    Use it beside accuracy whenever a model is replaced: two models of equal accuracy can disagree on many rows. It
    fails to say which flips matter, and wrong labels count as flips of the model that is right.

    >>> NegativeFlipRate().measure(old_predicted=[0, 1, 1, 0], new_predicted=[0, 0, 1, 1], y=[0, 1, 0, 1]).value
    0.25
    """

    source = "schumann2024backward"
    claims = ("flips",)

    def measure(self, old_predicted: np.ndarray, new_predicted: np.ndarray, y: np.ndarray) -> Estimate:
        """The rate over the rows given."""
        flips = (old_predicted == y) & (new_predicted != y)
        rate = float(flips.mean())
        return Estimate(rate, *wilson(rate, 0.0, len(y), NINETY), len(y))
