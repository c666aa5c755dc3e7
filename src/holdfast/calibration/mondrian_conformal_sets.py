"""Mondrian conformal sets: the level holds in every group, or for every class."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from holdfast.calibration._conformal import GroupThresholds
from holdfast.core import Mapper


class MondrianConformalSets(Mapper):
    r"""Prediction sets calibrated group by group; without a `group`, class by class.

    .. math:: C(x) = \{ k : 1 - p_k(x) \le Q_{g(x, k)} \}, \qquad
              Q_g = \text{the } \lceil (n_g + 1) \, \text{level} \rceil \text{-th smallest of its } 1 - p_{y_i}(x_i)

    g is the row's `group`; where it is not given, the class in question, so that rows of every true class are covered
    (a class without rows is in every set). Costs n log n once and O(k) a row.

    Use it when misses must not gather in one group or in the rare class. It fails with groups of few rows, whose sets
    then hold all classes.

    Class 0 always had .9, class 1 had .6 or .4; by class, level .5 admits class 0 from .9 and class 1 from .6:

    >>> probs = [[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.6, 0.4]]
    >>> method = MondrianConformalSets(level=0.5).fit(probs=probs, y=[0, 0, 1, 1])
    >>> method.transform(probs=[[0.85, 0.15], [0.1, 0.9], [0.3, 0.7]]).tolist()
    [[False, False], [False, True], [False, True]]
    """

    source = "vovk2012conditional"
    claims = ("hard_group",)
    gives: ClassVar[str] = "sets"

    level: float = 0.9

    def fit(self, probs: np.ndarray, y: np.ndarray, group: np.ndarray | None = None) -> Self:
        """Learn one threshold a group (or class) from calibration rows."""
        scores = 1 - probs[np.arange(len(y)), y].astype(np.float64)
        self.by_class_ = group is None
        self.most_ = GroupThresholds.learn(scores, y if group is None else group, self.level)
        return self

    def transform(self, probs: np.ndarray, group: np.ndarray | None = None) -> np.ndarray:
        """(n, k) bool, true where the class is in the row's set."""
        if self.by_class_ != (group is None):
            raise ValueError("group was given to one of fit and transform only; give it to both or to neither.")
        scores = 1 - probs.astype(np.float64)
        if group is None:
            return scores <= self.most_.of(np.arange(probs.shape[1]))
        return scores <= self.most_.of(group)[:, None]
