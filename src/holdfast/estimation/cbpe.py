"""Confidence-based performance estimation."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.estimation._calibrate import calibrated, redrawn
from holdfast.estimation._expected import MetricName, expected_metric, same_rows, simulated_interval


class CBPE(Measure):
    r"""Calibrates the probabilities on the reference, then reads the metric off the expected confusion matrix.

    .. math:: \widehat{m} = \mathbb{E}_{y \sim c(p)}\, m(y, p), \qquad c = \text{isotonic, one class versus the rest}

    Use it when probabilities carry all that matters about a row's difficulty. Calibration is skipped for a class where
    it does not lower the calibration error on held-out parts of the reference ("auto"). It fails when rows of equal
    confidence become harder, near the true boundary, and under concept shift, as everything without labels does. Where
    the inputs moved, its 90 % interval holds the truth in only about three of four cases.

    >>> ref = np.repeat([0.6, 0.9], 500); right = np.r_[np.arange(500) < 400, np.arange(500) < 450].astype(int)
    >>> cur = np.full(100, 0.6)  # rows of confidence .6 were right in 80 %
    >>> cbpe = CBPE(metric="f1", calibration="always", draws=50, seed=1)
    >>> found = cbpe.measure(np.c_[1 - ref, ref], right, np.c_[1 - cur, cur])
    >>> round(found.value, 3)  # 2 * 80 / (100 + 80)
    0.889
    """

    source = "kivimaki2025performance"
    claims = ("none",)
    metric: MetricName = "accuracy"
    calibration: Literal["auto", "always", "never"] = "auto"
    draws: int = 20
    seed: int = 0

    def measure(self, ref_probs: np.ndarray, ref_y: np.ndarray, cur_probs: np.ndarray) -> Estimate:
        """The metric on the current sample with a 90 % interval: chance in the calibration and in the labels."""
        belief, classes = calibrated(ref_probs, ref_y, cur_probs, None, self.calibration)
        value = expected_metric(self.metric, belief, cur_probs)
        beliefs = redrawn(ref_probs, ref_y, cur_probs, None, classes, self.draws, self.seed)
        return simulated_interval(self.metric, value, beliefs, cur_probs, same_rows(cur_probs), 0.0, self.seed)
