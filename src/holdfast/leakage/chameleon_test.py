"""The chameleon benchmark overfit test."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure


class ChameleonTest(Measure):
    r"""Accuracy lost when every item is asked in other words, with McNemar's exact test.

    .. math:: \Delta = \frac{b - c}{n}, \qquad p = P\big(\mathrm{Bin}(b + c, 1/2) \ge b\big)

    b items are solved as published and not when reworded, c the other way round; only these speak. Of several
    rewordings of an item the majority counts, and a tie is left out. `two_sided` doubles p. Use it when a score may
    rest on known wording, and each item has been reworded once or a few times: it needs no normality, unlike
    `estimation.RewordingDrop`, which gives the size of the drop over many rewordings. It fails where rewordings are
    harder: a clean model falls too. Give it a model that cannot know the items for comparison.

    Three lost, one gained, of eight: P(Bin(4, 1/2) >= 3) = 5/16:

    >>> published, reworded = [1, 1, 1, 0, 1, 1, 0, 0], [0, 0, 0, 1, 1, 1, 0, 0]
    >>> found = ChameleonTest(two_sided=False).measure(correct=published, correct_runs=[reworded])
    >>> found.value, found.pvalue
    (0.25, 0.3125)
    """

    source = "coheninger2025forget"
    claims = ("memorised_wording",)
    blind = ("leaked_holdout",)

    two_sided: bool = False

    def measure(self, correct: np.ndarray, correct_runs: np.ndarray) -> Estimate:
        """`correct` as published, `correct_runs` (m, n) for m rewordings."""
        from scipy.special import stdtrit
        from scipy.stats import binom

        n = len(correct)
        votes = 2 * correct_runs.sum(axis=0) - len(correct_runs)
        lost, gained = int((correct & (votes < 0)).sum()), int((~correct & (votes > 0)).sum())
        pvalue = float(binom.sf(lost - 1, lost + gained, 0.5))
        if self.two_sided:
            pvalue = min(1.0, 2 * min(pvalue, float(binom.cdf(lost, lost + gained, 0.5))))
        value = (lost - gained) / n
        error = (
            (lost + gained + 1) / n**2 - (lost - gained) ** 2 / n**3
        ) ** 0.5  # one pair more: none seen is not none
        reach = float(stdtrit(max(n - 1, 1), 0.95)) * error
        return Estimate(value, value - reach, value + reach, n, max(pvalue, float(np.finfo(float).tiny)))
