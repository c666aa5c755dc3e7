"""The order test of contamination."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Estimate, Measure


class OrderTest(Measure):
    r"""Does a model prefer the published order of a benchmark's items to random orders? Only memory can tell it so.

    .. math:: d_i = \log p(\text{piece}_i \text{ in order})
              - \frac{1}{r} \sum_j \log p(\text{piece}_i \text{ shuffled}_j)

    The value is the mean of d. `test="pieces"` tests it over pieces of the benchmark by a one-sided t (spread with
    n - 1); `test="exact"` sums the pieces and ranks the published order among the r joint shuffles,

    .. math:: p = (1 + \#\{j : \log p(\text{shuffled}_j) \ge \log p(\text{in order})\}) \, / \, (r + 1)

    which is valid for every n, and at least 1 / (r + 1). Use it when a benchmark's items are exchangeable: their order
    in the file means nothing. It fails where the order means something (sorted by topic, by difficulty), for then a
    clean model prefers it too; where the benchmark was shuffled before training; and where it was seen once or twice.

    Two pieces, two shuffles; the differences are 2 and 4:

    >>> in_order, shuffled = [-10.0, -10.0], [[-12.0, -13.0], [-12.0, -15.0]]
    >>> found = OrderTest(test="pieces").measure(ordered_log_likelihood=in_order, shuffled_log_likelihood=shuffled)
    >>> found.value, round(found.pvalue, 3)     # t = 3 / (sqrt(2) / sqrt(2)) = 3 with one degree of freedom
    (3.0, 0.102)
    >>> OrderTest(test="exact").measure(ordered_log_likelihood=in_order, shuffled_log_likelihood=shuffled).pvalue
    0.3333333333333333
    """

    source = "oren2023proving"
    claims = ("ordered_benchmark",)
    blind = ("shuffled_benchmark",)

    test: Literal["pieces", "exact"] = "pieces"

    def measure(self, ordered_log_likelihood: np.ndarray, shuffled_log_likelihood: np.ndarray) -> Estimate:
        """`ordered_log_likelihood` (n,) of the pieces in the published order, `shuffled_log_likelihood` (r, n)."""
        from scipy.special import stdtr, stdtrit

        n, orders = len(ordered_log_likelihood), len(shuffled_log_likelihood)
        if n < 2:
            raise ValueError("ordered_log_likelihood holds one piece; cut the benchmark into at least two.")
        gains = ordered_log_likelihood - shuffled_log_likelihood.mean(axis=0)
        value, error = float(gains.mean()), float(gains.std(ddof=1)) / n**0.5
        error = max(error, 1e-12 * (1 + abs(value)))
        reach = float(stdtrit(n - 1, 0.95)) * error
        if self.test == "exact":
            better = (shuffled_log_likelihood.sum(axis=1) >= ordered_log_likelihood.sum()).sum()
            pvalue = (1 + int(better)) / (orders + 1)
        else:
            pvalue = max(float(stdtr(n - 1, -value / error)), float(np.finfo(float).tiny))
        return Estimate(value, value - reach, value + reach, n, pvalue)
