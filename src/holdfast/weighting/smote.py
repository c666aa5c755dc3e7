"""SMOTE."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from holdfast.core import Mapper
from holdfast.weighting._synthetic import Rows, near_in_class, with_synthetic


class SMOTE(Mapper):
    r"""Synthetic rows of the smaller classes, each between a row and one of its nearest neighbours of the class.

    .. math:: x_\text{new} = x + u \, (z - x), \quad u \sim U(0, 1), \quad z \in \mathrm{NN}_k(x)

    Classes grow to `ratio` times the largest; z is one of `neighbours`. What comes out is (X, y): the rows given, then
    the synthetic ones. A class of one row is repeated. Scale the columns first: distances are Euclidean. Costs the
    neighbours of the smaller classes among themselves and one pass over what comes out, which is held once.

    Use it when a model must see more of a rare class than copies or weights give it: trees and neighbours gain, with
    a threshold that cannot be moved. It fails where classes overlap, since rows between two rows may lie in the other
    class, with category columns (`SMOTENC`), and where probabilities must stay calibrated (`PriorCorrection` undoes
    the change of the mix); a linear model gains nothing over class weights.

    Two rare rows become four, the new ones on the line between them:

    >>> X, y = SMOTE(neighbours=1, ratio=1.0, seed=1).transform(X=[[9.0], [9], [9], [9], [0], [1]], y=[0] * 4 + [1] * 2)
    >>> y.tolist(), bool(((X[6:] > 0) & (X[6:] < 1)).all())
    ([0, 0, 0, 0, 1, 1, 1, 1], True)
    >>> SMOTE(ratio=0.75).transform(X=X[:6], y=y[:6])[1].tolist()
    [0, 0, 0, 0, 1, 1, 1]
    """

    source = "chawla2002smote"
    claims = ("imbalanced",)
    gives: ClassVar[str] = "rows"

    neighbours: int = 5
    ratio: float = 1.0
    seed: int = 0

    def transform(self, X: np.ndarray, y: np.ndarray) -> Rows:
        """(n + new, d) rows and (n + new,) class codes."""

        def plan(own: np.ndarray, count: int, rng: np.random.Generator) -> Rows:
            starts = rng.integers(len(own), size=count)
            return own[starts], near_in_class(X, own, starts, self.neighbours, rng)

        return with_synthetic(X, y, self.ratio, self.seed, plan)
