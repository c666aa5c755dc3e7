"""Subspace alignment."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from holdfast.core import Mapper

Pair = tuple[np.ndarray, np.ndarray]


class SubspaceAlignment(Mapper):
    r"""Both samples seen only in the directions that matter in both: projected on one subspace, then the other.

    .. math:: x \mapsto (x - \bar x) P \, P^\top P' \, P'^\top + \bar x', \qquad
              x' \mapsto (x' - \bar x') P' P'^\top + \bar x'

    P and P' hold the `directions` leading eigenvectors of either covariance. What comes out is (ref_X, cur_X), both in
    the target's subspace and in the columns that they came in (the paper's coordinates, times P'). Costs (n + m) d^2.

    Use it when few directions matter and the samples differ in the others: a sensor that is stuck, another background,
    noise in directions that the reference does not know. It fails when the difference lies within the directions that
    matter: what is scaled or turned there stays so.

    The reference varies along the first column, the target along the second:

    >>> method = SubspaceAlignment(directions=1).fit(ref_X=[[-1.0, 0.1], [1.0, 0.2]], cur_X=[[3.0, -1.0], [3.0, 1.0]])
    >>> method.transform(ref_X=[[1.0, 0.2]], cur_X=[[3.5, 1.0]])[1].round(6).tolist()
    [[3.0, 1.0]]
    """

    source = "fernando2013unsupervised"
    claims = ("stuck",)
    gives: ClassVar[str] = "features"

    directions: int = 4

    def fit(self, ref_X: np.ndarray, cur_X: np.ndarray) -> Self:
        """Learn both subspaces, without labels."""
        self.from_, left = _leading(ref_X, self.directions)
        self.to_, right = _leading(cur_X, self.directions)
        self.matrix_, self.projection_ = left @ left.T @ right @ right.T, right @ right.T
        return self

    def transform(self, ref_X: np.ndarray, cur_X: np.ndarray) -> Pair:
        """Both samples in the target's subspace."""
        return (ref_X - self.from_) @ self.matrix_ + self.to_, (cur_X - self.to_) @ self.projection_ + self.to_


def _leading(X: np.ndarray, directions: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean and (d, q) the leading eigenvectors of the covariance."""
    rows = np.asarray(X, dtype=np.float64)
    mean = rows.mean(axis=0)
    vectors = np.linalg.eigh((rows - mean).T @ (rows - mean))[1]
    return mean, vectors[:, ::-1][:, :directions]
