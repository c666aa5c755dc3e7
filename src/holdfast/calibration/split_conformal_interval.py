"""Split conformal prediction intervals."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from holdfast.calibration._conformal import around, threshold
from holdfast.core import Mapper

TINY = 1e-12  # of the largest scale: a stated scale of 0 must not divide


class SplitConformalInterval(Mapper):
    r"""Prediction plus and minus the error that only one in ten calibration rows exceeds, whatever the distribution.

    .. math:: C(x) = \hat\mu(x) \pm \hat\sigma(x) \, Q, \qquad
              Q = \text{the } \lceil (n + 1) \, \text{level} \rceil \text{-th smallest of }
              |y_i - \hat\mu(x_i)| / \hat\sigma(x_i)

    `residual_scale`, where given to both calls, makes intervals wider where errors are larger; else sigma is 1. The
    interval is the whole line where n is below level / (1 - level). Costs n log n once and O(1) a row.

    Use it when a model of a number is fixed, whichever it is, and a few hundred rows that it has not seen are at hand:
    over draws of both, a new row lies inside with probability `level`, up to 1 / (n + 1). It fails when new rows are
    drawn differently (`WeightedConformalInterval`), and for one group at a time (`MondrianConformalInterval`).

    Errors are 1, 2, 3 and 4; with level .6 the third of them is the reach:

    >>> method = SplitConformalInterval(level=0.6).fit(target=[1.0, -2.0, 3.0, -4.0], prediction=[0.0] * 4)
    >>> method.transform(prediction=[10.0]).tolist()
    [[7.0, 13.0]]
    """

    source = "lei2018distribution"
    claims = ("numbers", "noisy_numbers")
    blind = ("numbers_by_group", "numbers_moved")
    gives: ClassVar[str] = "intervals"

    level: float = 0.9

    def fit(self, target: np.ndarray, prediction: np.ndarray, residual_scale: np.ndarray | None = None) -> Self:
        """Learn the reach from calibration rows."""
        errors = np.abs(target - np.asarray(prediction, dtype=np.float64))
        self.scaled_ = residual_scale is not None
        if residual_scale is not None:
            self.floor_ = TINY * max(float(residual_scale.max()), TINY)
            errors = errors / np.maximum(residual_scale, self.floor_)
        self.reach_ = threshold(errors, self.level)
        return self

    def transform(self, prediction: np.ndarray, residual_scale: np.ndarray | None = None) -> np.ndarray:
        """(n, 2) low and high end of every row's interval; infinite where too few rows were seen."""
        if self.scaled_ != (residual_scale is not None):
            raise ValueError(
                "residual_scale was given to one of fit and transform only; give it to both or to neither."
            )
        scale = 1.0 if residual_scale is None else np.maximum(residual_scale, self.floor_)
        return around(prediction, self.reach_ * scale)
