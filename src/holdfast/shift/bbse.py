"""Black box shift estimation: label shift seen through a classifier's predictions."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.label_shift import bbse_weights, joint_confusion
from holdfast.ops.two_sample import TINY, compare_category


class BBSE(Measure):
    r"""How far the class mix moved, from predictions alone: total variation distance of the label marginals.

    .. math:: \hat w = C^{-1} \mu, \quad TV = \tfrac{1}{2} \sum_k p_k |\hat w_k - 1|

    with C the reference's joint table of predicted and true classes and mu the shares predicted now. The p-value tests
    whether the predicted shares moved at all (the paper's test); value and interval come from a bootstrap of the table
    and the shares that takes out the upward bias of an absolute value. Use it when only the class mix may have changed,
    p(x | y) not, and the current rows have no labels. It fails under other shifts, which it reads as label shift, and
    where the classifier cannot tell classes apart.

    After a call, `class_weights_` holds p_cur(y) / p_ref(y), `cur_share_` the estimated current class shares.

    >>> table = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], [4000, 1000, 1000, 4000], axis=0)  # right in 80 %
    >>> now = np.repeat([0, 1], [2600, 7400])  # 74 % predicted positive: 90 % are
    >>> method = BBSE(draws=100, ridge=1e-4, seed=1)
    >>> estimate = method.measure(ref_predicted=table[:, 0], ref_y=table[:, 1], cur_predicted=now)
    >>> round(estimate.value, 2), method.cur_share_.round(2).tolist()
    (0.4, [0.1, 0.9])
    """

    source = "lipton2018detecting"
    claims = ("label_shift",)
    blind = ("one_column",)
    draws: int = 200
    ridge: float = 1e-3
    seed: int = 0

    def measure(self, ref_predicted: np.ndarray, ref_y: np.ndarray, cur_predicted: np.ndarray) -> Estimate:
        """The distance between the class mixes, its interval and the p-value of equal predicted shares."""
        rng = np.random.default_rng(self.seed)
        n, m = len(ref_y), len(cur_predicted)
        k = int(max(ref_predicted.max(), ref_y.max(), cur_predicted.max())) + 1
        confusion = joint_confusion(ref_predicted, ref_y, k)
        shares = np.bincount(cur_predicted, minlength=k) / m
        self.class_weights_ = bbse_weights(confusion, shares, self.ridge)
        self.cur_share_ = self.class_weights_ * confusion.sum(axis=0)
        distance = _distance(confusion, shares, self.ridge)
        tables = rng.multinomial(n, confusion.ravel(), size=self.draws).reshape(-1, k, k) / n
        again = [
            _distance(table, now / m, self.ridge)
            for table, now in zip(tables, rng.multinomial(m, shares, size=self.draws), strict=True)
        ]
        low, middle, high = 2 * distance - np.quantile(again, [0.95, 0.5, 0.05])
        low, value, high = (float(np.clip(end, 0.0, 1.0)) for end in (low, middle, high))
        pvalue = compare_category(ref_predicted, cur_predicted).total_variation.pvalue
        return Estimate(value, low, high, n + m, max(TINY, pvalue or 0.0))


def _distance(confusion: np.ndarray, shares: np.ndarray, ridge: float) -> float:
    prior = confusion.sum(axis=0)
    return float(prior @ np.abs(bbse_weights(confusion, shares, ridge) - 1)) / 2
