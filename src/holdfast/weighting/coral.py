"""Correlation alignment."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from holdfast.core import Mapper
from holdfast.weighting._whitening import Shape

Pair = tuple[np.ndarray, np.ndarray]


class CORAL(Mapper):
    r"""The reference whitened, then given the covariance of the target: second moments meet.

    .. math:: x \mapsto (x - \bar x) \, C_\text{ref}^{-1/2} C_\text{cur}^{1/2} + \bar x'

    `penalty` is added to both covariances, in units of the mean variance. What comes out is (ref_X, cur_X), the target
    as it was: fit a model on the mapped reference and use it on the target. Costs (n + m) d^2 + d^3.

    Use it when inputs were rescaled, shifted or mixed linearly, by another scanner or sensor. It fails when the class
    mix moved, since it then forces classes onto each other, and where the change is not linear. The root of a
    covariance fixes no rotation: `LinearOptimalTransport` moves rows less.

    Zeros and ones spread by 10 and moved to 5 and 15:

    >>> method = CORAL(penalty=0.0).fit(ref_X=[[0.0], [1.0]], cur_X=[[5.0], [15.0]])
    >>> method.transform(ref_X=[[0.0], [1.0], [2.0]], cur_X=[[5.0]])[0].round(6).tolist()
    [[5.0], [15.0], [25.0]]
    """

    source = "sun2016return"
    claims = ("rescaled",)
    gives: ClassVar[str] = "features"

    penalty: float = 1e-3

    def fit(self, ref_X: np.ndarray, cur_X: np.ndarray) -> Self:
        """Learn the map from both samples, without labels."""
        left, right = Shape.of(ref_X, self.penalty), Shape.of(cur_X, self.penalty)
        self.matrix_, self.from_, self.to_ = left.inverse_root @ right.root, left.mean, right.mean
        return self

    def transform(self, ref_X: np.ndarray, cur_X: np.ndarray) -> Pair:
        """The reference carried to the target, and the target as it is."""
        return (ref_X - self.from_) @ self.matrix_ + self.to_, np.asarray(cur_X)
