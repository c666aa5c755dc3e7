"""Simplified Hopfield energy."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer


class SHE(Scorer):
    r"""Minus the inner product of the features with the mean pattern of the class that is answered.

    .. math:: s(x) = -\langle x, m_{\hat y(x)} \rangle, \quad m_c = \text{mean of training features answered } c
              \text{ rightly}

    The mean of a class without a right answer is that of its rows, of a class without rows that of all.

    Use it when features and logits of a network are at hand and one product a row is all that may be spent. It fails
    where features of unknown rows are long (the product grows with their length), and where classes have several modes.

    >>> detector = SHE().fit(X=[[2.0, 0.0], [4.0, 0.0], [0.0, 1.0]], y=[0, 0, 1], logits=[[1, 0], [2, 0], [0, 1]])
    >>> detector.score_rows(X=[[1.0, 5.0], [1.0, 5.0]], logits=[[1.0, 0.0], [0.0, 1.0]]).tolist()  # with (3, 0), (0, 1)
    [-3.0, -5.0]
    """

    source = "zhang2023she"
    claims = ("network_held_out_class",)
    blind = ("network_long",)

    def fit(self, X: np.ndarray, y: np.ndarray, logits: np.ndarray) -> SHE:
        """The mean pattern of every class, over rows that are answered rightly."""
        right = logits.argmax(axis=1) == y
        self.patterns_ = np.tile(X.mean(axis=0, dtype=np.float64), (logits.shape[1], 1))
        for k in np.unique(y):
            rows = (y == k) & right
            self.patterns_[k] = X[rows if rows.any() else y == k].mean(axis=0)
        return self

    def score_rows(self, X: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """(n,) minus the product with the pattern of the class answered."""
        return -np.einsum("ij,ij->i", np.asarray(X, dtype=np.float64), self.patterns_[logits.argmax(axis=1)])
