"""Weighted conformal intervals, for rows that are drawn differently from those of the calibration."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from holdfast.calibration._conformal import CLOSE, around, upper_rank
from holdfast.core import Mapper


class WeightedConformalInterval(Mapper):
    r"""Split conformal intervals in which every calibration row counts as much as rows like it do now.

    .. math:: C(x) = \hat\mu(x) \pm Q(x), \qquad
              Q(x) = \inf\Big\{ r :
              \frac{\sum_i w_i [|y_i - \hat\mu(x_i)| \le r]}{\sum_i w_i + w(x)} \ge \text{level} \Big\}

    `weight` is p_cur(x) / p_ref(x), up to one factor for both calls: of the calibration rows in `fit`, of the new rows
    in `transform`. A row whose own weight is more than 1 - level of all gets the whole line: calibration cannot speak
    for it. `effective_sample_size_` says on how many rows the intervals rest. Costs n log n once and log n a row.

    Use it when inputs moved and the relation did not, with weights that are known or estimated (`LogisticRatio`). It
    fails as the weights fail: where both samples hardly overlap, and where the relation itself changed.

    Errors 1, 2, 3 with weights 1, 1, 2 and a new row of weight 1: .6 of 5 is 3, reached with the third error. A new
    row of weight 6 has more than .4 of all:

    >>> method = WeightedConformalInterval(level=0.6)
    >>> method = method.fit(target=[1.0, 2.0, 3.0], prediction=[0.0] * 3, weight=[1.0, 1.0, 2.0])
    >>> method.transform(prediction=[0.0, 0.0], weight=[1.0, 6.0]).tolist()
    [[-3.0, 3.0], [-inf, inf]]
    """

    source = "tibshirani2019conformal"
    claims = ("numbers_moved", "numbers")
    gives: ClassVar[str] = "intervals"

    level: float = 0.9

    def fit(self, target: np.ndarray, prediction: np.ndarray, weight: np.ndarray) -> Self:
        """Sort the errors of the calibration rows and cumulate their weights."""
        upper_rank(1, self.level)  # refuses a level outside 0..1
        if weight.sum() <= 0:
            raise ValueError("weight is 0 in every row; expected at least one calibration row that counts.")
        errors = np.abs(target - np.asarray(prediction, dtype=np.float64))
        order = np.argsort(errors, kind="stable")
        self.errors_ = np.r_[errors[order], np.inf]
        self.cumulated_ = np.cumsum(weight[order].astype(np.float64))
        self.effective_sample_size_ = float(self.cumulated_[-1] ** 2 / (weight.astype(np.float64) ** 2).sum())
        return self

    def transform(self, prediction: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """(n, 2) low and high end of every row's interval."""
        needed = self.level * (self.cumulated_[-1] + np.asarray(weight, dtype=np.float64))
        return around(prediction, self.errors_[np.searchsorted(self.cumulated_, needed * (1 - CLOSE))])
