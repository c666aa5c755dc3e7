"""The combined F test over five replications of two-fold cross-validation."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure


class FiveByTwoCV(Measure):
    r"""Compares two learners by their errors in five replications of two-fold cross-validation.

    .. math:: f = \frac{\sum_{i=1}^5 \sum_{j=1}^2 (p_i^{(j)})^2}{2 \sum_{i=1}^5 s_i^2} \sim F_{10, 5}, \qquad
        s_i^2 = (p_i^{(1)} - \bar{p}_i)^2 + (p_i^{(2)} - \bar{p}_i)^2

    p are differences of the ten test errors (fold 1 and 2 of replication 1, then of 2, ...). Use it when learners are
    compared on one small data set: a t test over overlapping folds finds differences that are not there. It fails to
    see small differences, since every fit uses half of the rows, and says nothing about training on all of them.

    >>> first = [0.30, 0.28, 0.31, 0.27, 0.29, 0.28, 0.32, 0.27, 0.30, 0.29]
    >>> second = [0.27, 0.26, 0.27, 0.25, 0.26, 0.24, 0.28, 0.25, 0.26, 0.25]
    >>> found = FiveByTwoCV().measure(ref_errors=first, cur_errors=second)  # sum p^2 = .0110, sum s^2 = .0005
    >>> round(found.value, 3), round(found.pvalue, 3)
    (-0.032, 0.008)
    """

    source = "raschka2018model"
    claims = ("better_model",)

    def measure(self, ref_errors: np.ndarray, cur_errors: np.ndarray) -> Estimate:
        """How much larger the second learner's error is, with Dietterich's 90 % interval and the F test's p-value."""
        from scipy.special import fdtrc, stdtrit

        if len(ref_errors) != 10 or len(cur_errors) != 10:
            raise ValueError(
                f"ref_errors and cur_errors hold {len(ref_errors)} and {len(cur_errors)} errors; expected ten each: "
                "two folds of the first replication, two of the second, and so on."
            )
        pairs = (cur_errors - ref_errors).reshape(5, 2)
        value = float(pairs.mean())
        spreads = ((pairs - pairs.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
        reach = float(stdtrit(5, 0.95) * np.sqrt(spreads.mean()))
        noise = 2 * float(spreads.sum())
        if noise == 0:
            pvalue = 1.0 if value == 0 else np.finfo(float).tiny
        else:
            pvalue = max(float(fdtrc(10, 5, (pairs**2).sum() / noise)), np.finfo(float).tiny)
        return Estimate(value, value - reach, value + reach, 10, pvalue)
