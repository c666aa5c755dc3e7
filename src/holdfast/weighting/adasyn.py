"""ADASYN."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from holdfast.core import Mapper
from holdfast.weighting._synthetic import Rows, near_in_class, strangers_near, with_synthetic


class ADASYN(Mapper):
    r"""SMOTE with more rows where the rare class is harder: in proportion to the strangers around each of its rows.

    .. math:: g_i = G \frac{s_i}{\sum_j s_j}, \qquad s_i = \text{strangers among the } k \text{ nearest rows of } x_i

    k is `neighbours`, G what the class lacks to `ratio` times the largest. A class without strangers around is left as
    it is. What comes out is (X, y): the rows given, then the synthetic ones.

    Use it when the rare class has easy and hard regions and the hard ones are to be learnt. It fails with wrong labels
    and outliers: a rare row in the midst of others gets most of the new rows.

    The rare row 1 has one stranger among its two nearest, the row 0 none: all new rows start from 1, towards 0:

    >>> X, y = [[-1.0], [0.0], [1.0], [2.0], [9.0], [9.5], [10.0]], [1, 1, 1, 0, 0, 0, 0]
    >>> rows, codes = ADASYN(neighbours=1, ratio=1.0, seed=1).transform(X=X + [[2.1]], y=y + [0])
    >>> codes[8:].tolist()
    []
    >>> rows, codes = ADASYN(neighbours=2, ratio=1.0, seed=1).transform(X=X + [[2.1]], y=y + [0])
    >>> codes[8:].tolist(), bool((rows[8:] > -1).all() and (rows[8:] < 1).all())
    ([1, 1], True)
    """

    source = "he2008adasyn"
    claims = ("imbalanced",)
    gives: ClassVar[str] = "rows"

    neighbours: int = 5
    ratio: float = 1.0
    seed: int = 0

    def transform(self, X: np.ndarray, y: np.ndarray) -> Rows:
        """(n + new, d) rows and (n + new,) class codes."""
        around = min(self.neighbours, len(X) - 1)

        def plan(own: np.ndarray, count: int, rng: np.random.Generator) -> Rows:
            strangers = strangers_near(X, y, own, around)
            if not strangers.any():
                return own[:0], own[:0]
            shares = np.rint(np.r_[0, np.cumsum(strangers)] * (count / strangers.sum())).astype(int)
            starts = np.repeat(np.arange(len(own)), np.diff(shares))
            return own[starts], near_in_class(X, own, starts, self.neighbours, rng)

        return with_synthetic(X, y, self.ratio, self.seed, plan)
