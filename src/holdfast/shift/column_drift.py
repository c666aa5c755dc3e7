"""Drift of one numeric column: how far in standard deviations, and whether by chance."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.two_sample import compare_numeric


class ColumnDrift(Measure):
    r"""Wasserstein distance of a numeric column in standard deviations; p-value from a test of shape and one of place.

    .. math:: W = \frac{1}{\sigma} \int |F_{ref}(x) - F_{cur}(x)| dx, \qquad p = \min(1, 2 \min(p_{KS}, p_{MW}))

    with sigma squared the mean of the two variances. The effect says how much, in units that do not grow with the
    number of rows; twice the smaller of the Kolmogorov-Smirnov and Mann-Whitney p-values says whether, with more power
    for a shifted mean than the first and for a changed shape than the second. Use it when many columns are compared
    and the harmless ones should rank last. It fails where columns change only together (a flipped correlation).

    >>> estimate = ColumnDrift().measure(ref_x=[0, 1, 2, 3], cur_x=[2, 3, 4, 5])  # 2 / sqrt(1.25); 2 x 0.11
    >>> round(estimate.value, 3), round(estimate.pvalue, 2)
    (1.789, 0.22)
    """

    source = "ramdas2017wasserstein"
    claims = ("mean_shift", "variance_shift", "one_column")
    blind = ("correlation_flip",)

    def measure(self, ref_x: np.ndarray, cur_x: np.ndarray) -> Estimate:
        """The distance with its interval and the p-value of no change."""
        result = compare_numeric(ref_x, cur_x)
        return result.wasserstein._replace(pvalue=result.pvalue)
