"""Accuracy on the curve: is the relation between two groups' accuracies bent?"""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.lines import least_squares, probit


class AccuracyOnTheCurve(Measure):
    r"""The bend in the relation of minority to majority accuracy over many models, as spurious correlations make it.

    .. math:: z_\text{minority} = c_0 + c_1 z + c_2 z^2, \qquad z = \Phi^{-1}(a_\text{majority})

    "Accuracy on the line" holds for most shifts. Where a shortcut divides the groups, models first gain on both, then
    on the majority at the minority's cost: a moon. The value is :math:`c_2` (`scale` leaves out the probits), the
    p-value that of the F test of the parabola against the line. Use it when models of many strengths (or checkpoints of
    one) were tested on two groups of the data. It fails where all models lie on one arm of the moon.

    >>> majority = [0.1587, 0.5, 0.8413, 0.9772]  # probits -1, 0, 1, 2
    >>> minority = [0.1587, 0.5, 0.5, 0.1587]  # -1, 0, 0, -1: a parabola that opens downwards
    >>> [round(number, 2) for number in AccuracyOnTheCurve().measure(majority, minority)[:3]]
    [-0.5, -0.5, -0.5]
    >>> round(AccuracyOnTheCurve(scale="accuracy").measure(majority, minority).value, 2)
    -2.32
    """

    source = "liang2023accuracy"
    claims = ("shortcut",)
    scale: Literal["probit", "accuracy"] = "probit"

    def measure(self, ref_accuracies: np.ndarray, cur_accuracies: np.ndarray) -> Estimate:
        """The curvature of `cur_` (minority) over `ref_` (majority) accuracies, with its 90 % interval and p-value."""
        major, minor = ref_accuracies.astype(np.float64), cur_accuracies.astype(np.float64)
        if self.scale == "probit":
            major, minor = probit(major), probit(minor)
        middle = float(major.mean())
        centred = major - middle  # the coefficient of the square does not see it; the numbers do
        fit = least_squares(np.column_stack([centred, centred**2]), minor)
        upper = fit.tail(2)
        return Estimate(*fit.interval(2), len(major), max(min(2 * min(upper, 1 - upper), 1.0), np.finfo(float).tiny))
