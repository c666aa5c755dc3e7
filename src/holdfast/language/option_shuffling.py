"""Option shuffling."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.shares import clopper_pearson


class OptionShuffling(Measure):
    r"""The share of multiple-choice items whose published order of options is the most likely of all orders.

    .. math:: \hat\pi = \frac{1}{n} \sum_i 1\Big[\ell_{i0} \ge \max_j \ell_{ij} + \text{margin}\Big], \qquad
              p = P\big(\mathrm{Bin}(n, 1/o) \ge n \hat\pi\big)

    :math:`\ell_{ij}` is the log-probability of item i with its options in order j, j = 0 the published one; o is how
    many orders were asked for, all n! or a random part. Use it when a benchmark's options stand in an order that means
    nothing. It fails where options are sorted (by number, by length): clean models prefer sorted lists, so leave such
    items out; and where items were seen once or twice.

    The first item prefers the published order by 2, the second another one; with two orders chance is 1/2:

    >>> found = OptionShuffling(margin=1.0).measure(option_log_likelihood=[[-10.0, -12.0], [-11.0, -10.0]])
    >>> found.value, found.pvalue
    (0.5, 0.75)
    >>> OptionShuffling(margin=3.0).measure(option_log_likelihood=[[-10.0, -12.0], [-11.0, -10.0]]).value
    0.0
    """

    source = "ni2025training"
    claims = ("multiple_choice",)
    blind = ("seen_once",)

    silent = ("margin",)  # a hundredth of a nat changes nothing
    margin: float = 0.0

    def measure(self, option_log_likelihood: np.ndarray) -> Estimate:
        from scipy.stats import binom

        n, orders = option_log_likelihood.shape
        if orders < 2:
            raise ValueError("option_log_likelihood has one order an item; expected the published one and others.")
        if self.margin < 0:
            raise ValueError(f"margin is {self.margin}; expected at least 0, in units of option_log_likelihood.")
        best = option_log_likelihood[:, 0] > option_log_likelihood[:, 1:].max(axis=1) + self.margin
        leaked = int(best.sum())
        low, high = clopper_pearson(leaked, n)
        return Estimate(leaked / n, low, high, n, max(float(binom.sf(leaked - 1, n, 1 / orders)), 1e-300))
