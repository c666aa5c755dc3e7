"""Conformalised quantile regression."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from holdfast.calibration._conformal import threshold
from holdfast.core import Mapper


class ConformalisedQuantileRegression(Mapper):
    r"""Predicted quantiles, both moved by the same amount so that `level` of the rows lie between them.

    .. math:: C(x) = [\hat q_\text{low}(x) - Q, \, \hat q_\text{high}(x) + Q], \qquad
              Q = \text{the } \lceil (n + 1) \, \text{level} \rceil \text{-th smallest of }
              \max(\hat q_\text{low}(x_i) - y_i, \, y_i - \hat q_\text{high}(x_i))

    Q is negative where the quantiles were too far apart; ends that would cross meet in the middle. Costs n log n once
    and O(1) a row.

    Use it when the noise depends on the input and a quantile regression (any, also a bad one) is at hand: intervals
    are then narrow where the response is predictable. It fails when new rows are drawn differently, and follows the
    noise only as well as the quantiles do.

    Two of three rows lie inside [0, 1], the third is .5 above; level .75 takes it in:

    >>> method = ConformalisedQuantileRegression(level=0.75).fit(target=[0.5, 0.9, 1.5], bounds=[[0.0, 1.0]] * 3)
    >>> method.transform(bounds=[[2.0, 4.0]]).tolist()
    [[1.5, 4.5]]
    """

    source = "romano2019conformalized"
    claims = ("noisy_numbers",)
    gives: ClassVar[str] = "intervals"

    level: float = 0.9

    def fit(self, target: np.ndarray, bounds: np.ndarray) -> Self:
        """Learn the move from calibration rows."""
        bounds = np.asarray(bounds, dtype=np.float64)
        self.move_ = threshold(np.maximum(bounds[:, 0] - target, target - bounds[:, 1]), self.level)
        return self

    def transform(self, bounds: np.ndarray) -> np.ndarray:
        """(n, 2) low and high end of every row's interval."""
        moved = np.asarray(bounds, dtype=np.float64) + self.move_ * np.array([-1.0, 1.0])
        crossed = moved[:, 0] > moved[:, 1]
        moved[crossed] = moved[crossed].mean(axis=1, keepdims=True)
        return moved
