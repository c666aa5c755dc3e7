"""Mondrian conformal intervals: the level holds in every group."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from holdfast.calibration._conformal import GroupThresholds, around
from holdfast.core import Mapper


class MondrianConformalInterval(Mapper):
    r"""Split conformal intervals, calibrated group by group.

    .. math:: C(x) = \hat\mu(x) \pm Q_{g(x)}, \qquad
              Q_g = \text{the } \lceil (n_g + 1) \, \text{level} \rceil \text{-th smallest of its } |y_i - \hat\mu(x_i)|

    A group that was never seen, or has fewer than level / (1 - level) rows, gets the whole line: nothing is known.
    Costs n log n once and O(1) a row.

    Use it when the promise must hold for every group (a site, a sex, a range of the prediction), not on average over
    them. It fails with many small groups, where intervals become wide or infinite.

    >>> method = MondrianConformalInterval(level=0.5)
    >>> method = method.fit(target=[1.0, 1.0, 1.0, 5.0, 5.0, 5.0], prediction=[0.0] * 6, group=[0, 0, 0, 1, 1, 1])
    >>> method.transform(prediction=[0.0, 0.0, 0.0], group=[0, 1, 7]).tolist()
    [[-1.0, 1.0], [-5.0, 5.0], [-inf, inf]]
    """

    source = "vovk2003mondrian"
    claims = ("numbers_by_group",)
    gives: ClassVar[str] = "intervals"

    level: float = 0.9

    def fit(self, target: np.ndarray, prediction: np.ndarray, group: np.ndarray) -> Self:
        """Learn one reach a group from calibration rows."""
        errors = np.abs(target - np.asarray(prediction, dtype=np.float64))
        self.reach_ = GroupThresholds.learn(errors, group, self.level)
        return self

    def transform(self, prediction: np.ndarray, group: np.ndarray) -> np.ndarray:
        """(n, 2) low and high end of every row's interval."""
        return around(prediction, self.reach_.of(group))
