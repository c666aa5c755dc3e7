"""Density ratio weights from a classifier that tells the two samples apart."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from threadpoolctl import threadpool_limits

from holdfast.core import Weigher
from holdfast.ops.density_ratio import balance, boosted_ratio, logistic_ratio

SMALL = 20_000  # numbers: below, threads of the trees cost more time than they save


class LogisticRatio(Weigher):
    r"""Odds of a classifier that separates target from reference, checked by the moments they should bring about.

    .. math:: w(x) \propto \frac{p(\mathrm{cur} \mid x)}{p(\mathrm{ref} \mid x)}

    `learner` "linear" fits a logistic regression whose slopes have the prior precision `penalty`; "boosting" fits
    trees, out of fold. Weights that leave a column's mean more than `tolerance` standard deviations away from the
    target are tilted as little as needed; where no tilt can do it, the target is out of reach and a `ValueError` says
    so.

    Use it when the inputs moved smoothly and both samples overlap; take "boosting" when the change has edges, such as
    a range that is cut off. It fails when the target lies outside the reference, which it refuses, and with "linear"
    when the change is in spread or interaction, which no linear logit can follow.

    Three in four target rows are ones, against one in two of the reference; the slope is all but free of its prior:

    >>> ref_X, cur_X = [[0.0], [1.0]] * 20, [[0.0], [1.0], [1.0], [1.0]] * 10
    >>> LogisticRatio(penalty=0.001, tolerance=0.01).weigh_rows(ref_X=ref_X, cur_X=cur_X)[:2].round(2).tolist()
    [0.5, 1.5]

    Trees are fitted out of fold, so equal rows differ a little; on average they get the same:

    >>> weights = LogisticRatio(learner="boosting", tolerance=0.01).weigh_rows(ref_X=ref_X, cur_X=cur_X)
    >>> weights.reshape(-1, 2).mean(axis=0).round(1).tolist()
    [0.5, 1.5]
    """

    source = "bickel2009discriminative"
    claims = ("tilt", "truncation")
    silent: ClassVar[tuple[str, ...]] = ("seed",)  # folds of the boosting learner only

    learner: Literal["linear", "boosting"] = "linear"
    penalty: float = 1.0
    tolerance: float = 0.05
    seed: int = 0

    def weigh_rows(self, ref_X: np.ndarray, cur_X: np.ndarray) -> np.ndarray:
        """(ref_n,) density ratio of every reference row, mean 1."""
        if self.learner == "linear":
            weights = logistic_ratio(ref_X, cur_X, self.penalty)
        else:
            with threadpool_limits(1 if ref_X.size + cur_X.size < SMALL else None):
                weights = boosted_ratio(ref_X, cur_X, self.seed)
        return balance(ref_X, cur_X, weights, self.tolerance)
