"""Kolmogorov-Smirnov test of one numeric column."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.two_sample import compare_numeric


class KolmogorovSmirnov(Measure):
    r"""Largest gap between the two distribution functions of a numeric column.

    .. math:: D = \sup_x |F_{ref}(x) - F_{cur}(x)|

    The p-value is exact up to 10,000 pairs of rows, the limit distribution beyond; with ties it errs to the safe side.
    The interval is the band of the same test around D. Use it when any change of one column's distribution matters. It
    fails where columns change only together (a flipped correlation), and the mean can move further before it notices
    than a test of location allows: see `ColumnDrift`.

    >>> estimate = KolmogorovSmirnov().measure(ref_x=[0, 1, 2, 3], cur_x=[2, 3, 4, 5])
    >>> round(estimate.value, 3), round(estimate.pvalue, 3)
    (0.5, 0.771)
    """

    source = "smirnov1948table"
    claims = ("mean_shift", "variance_shift", "one_column")
    blind = ("correlation_flip",)

    def measure(self, ref_x: np.ndarray, cur_x: np.ndarray) -> Estimate:
        """D with its band and p-value."""
        return compare_numeric(ref_x, cur_x).ks
