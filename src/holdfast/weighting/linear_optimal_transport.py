"""Linear optimal transport."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from holdfast.core import Mapper
from holdfast.weighting._whitening import Shape, power

Pair = tuple[np.ndarray, np.ndarray]


class LinearOptimalTransport(Mapper):
    r"""The linear map to the mean and covariance of the target that moves rows least (Monge's map between Gaussians).

    .. math:: x \mapsto (x - \bar x) A + \bar x', \qquad
              A = C^{-1/2} \big( C^{1/2} C' C^{1/2} \big)^{1/2} C^{-1/2}

    C and C' are the covariances of reference and target with `penalty` times the mean variance added. What comes out
    is (ref_X, cur_X), the target as it was. Costs (n + m) d^2 + d^3, against n^2 and more for `OptimalTransport`, and
    does about as well where the change is nearly linear.

    Use it when inputs were rescaled, shifted or mixed linearly. It fails when the class mix moved, since it then
    forces classes onto each other, under rotations by more than a right angle, and where the change is not linear.

    Zeros and ones spread by 10 and moved to 5 and 15:

    >>> method = LinearOptimalTransport(penalty=0.0).fit(ref_X=[[0.0], [1.0]], cur_X=[[5.0], [15.0]])
    >>> method.transform(ref_X=[[0.0], [1.0], [2.0]], cur_X=[[5.0]])[0].round(6).tolist()
    [[5.0], [15.0], [25.0]]
    """

    source = "flamary2019concentration"
    claims = ("rescaled",)
    gives: ClassVar[str] = "features"

    penalty: float = 1e-3

    def fit(self, ref_X: np.ndarray, cur_X: np.ndarray) -> Self:
        """Learn the map from both samples, without labels."""
        left, right = Shape.of(ref_X, self.penalty), Shape.of(cur_X, self.penalty)
        middle = power(left.root @ right.covariance @ left.root, 0.5)
        self.matrix_, self.from_, self.to_ = left.inverse_root @ middle @ left.inverse_root, left.mean, right.mean
        return self

    def transform(self, ref_X: np.ndarray, cur_X: np.ndarray) -> Pair:
        """The reference carried to the target, and the target as it is."""
        return (ref_X - self.from_) @ self.matrix_ + self.to_, np.asarray(cur_X)
