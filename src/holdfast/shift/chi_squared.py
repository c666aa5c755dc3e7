"""Chi-squared test of one categorical column."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.two_sample import compare_category


class ChiSquared(Measure):
    r"""How far the shares of a column's categories moved, with Pearson's chi-squared p-value.

    .. math:: TV = \tfrac{1}{2} \sum_j |p_j - q_j|, \qquad V = \sqrt{\chi^2 / n}

    The effect is the total variation distance (the share of rows that would have to change category) or Cramer's V.
    Where a category is expected fewer than five times, the p-value comes from the statistic's exact mean and variance,
    since the chi-squared approximation gives false alarms there. Use it when a column has categories; unseen ones
    count too. It fails for columns with nearly as many categories as rows, and where columns change only together.

    >>> ref, cur = [0] * 80 + [1] * 20, [0] * 60 + [1] * 40
    >>> estimate = ChiSquared().measure(ref_category=ref, cur_category=cur)  # chi2 = 100 x .2^2 / (.7 x .3 x 2)
    >>> round(estimate.value, 3), round(estimate.pvalue, 4)
    (0.2, 0.002)
    >>> round(ChiSquared(effect="cramers_v").measure(ref_category=ref, cur_category=cur).value, 3)
    0.218
    """

    source = "pearson1900criterion"
    claims = ("mean_shift", "one_column")
    blind = ("correlation_flip",)
    effect: Literal["total_variation", "cramers_v"] = "total_variation"

    def measure(self, ref_category: np.ndarray, cur_category: np.ndarray) -> Estimate:
        """The effect with its interval and p-value."""
        result = compare_category(ref_category, cur_category)
        return result.cramers_v if self.effect == "cramers_v" else result.total_variation
