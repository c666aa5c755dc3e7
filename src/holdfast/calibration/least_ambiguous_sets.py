"""Split conformal prediction sets: every class whose probability is high enough."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from holdfast.calibration._conformal import threshold
from holdfast.core import Mapper


class LeastAmbiguousSets(Mapper):
    r"""The smallest sets, on average, that hold the true class with probability `level`.

    .. math:: C(x) = \{ k : 1 - p_k(x) \le Q \}, \qquad
              Q = \text{the } \lceil (n + 1) \, \text{level} \rceil \text{-th smallest of } 1 - p_{y_i}(x_i)

    Sets can be empty (no class is likely enough) or hold all classes. Costs n log n once and O(k) a row.

    Use it when sets are to be small on average and it does not matter in which rows the misses lie. It fails to hold
    its level for hard rows or rare classes (`AdaptivePredictionSets`, `MondrianConformalSets`), and when new rows are
    drawn differently.

    True classes had .9, .6 and .5; with level .75 all three are to be inside:

    >>> method = LeastAmbiguousSets(level=0.75).fit(probs=[[0.9, 0.1], [0.4, 0.6], [0.5, 0.5]], y=[0, 1, 1])
    >>> method.transform(probs=[[0.5, 0.5], [0.8, 0.2]]).tolist()
    [[True, True], [True, False]]
    """

    source = "sadinle2019least"
    claims = ("overconfident", "none")
    blind = ("hard_group",)
    gives: ClassVar[str] = "sets"

    level: float = 0.9

    def fit(self, probs: np.ndarray, y: np.ndarray) -> Self:
        """Learn the least probability from calibration rows."""
        self.most_ = threshold(1 - probs[np.arange(len(y)), y].astype(np.float64), self.level)
        return self

    def transform(self, probs: np.ndarray) -> np.ndarray:
        """(n, k) bool, true where the class is in the row's set."""
        return 1 - probs.astype(np.float64) <= self.most_
