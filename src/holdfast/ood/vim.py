"""Virtual-logit matching."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer
from holdfast.ood._head import free_energy, head_logits


class ViM(Scorer):
    r"""What of the features lies outside the principal space of training, scaled to a logit, against all other logits.

    .. math:: s(x) = \alpha \lVert R^\top (x + W^+ b) \rVert - \log \sum_k e^{f_k(x)}

    R holds the directions of least variance of the training features around :math:`-W^+ b`, where all logits are 0;
    `components` directions are kept as principal (None: 1,000 of 2,048 features and more, 512 of 768 and more, else
    half), and :math:`\alpha` makes the mean residual as large as the mean largest logit.

    Use it when features and the last linear layer are at hand: it joins what features and logits know. It fails where
    `components` leaves no residual or takes the classes' own directions for one, and on rows that are wrong but
    ordinary.

    >>> train, head = [[2.0, 0.1], [-2.0, 0.1]], {"class_weights": [[1.0, 0.0], [-1.0, 0.0]], "class_bias": [0.0, 0.0]}
    >>> detector = ViM(components=1).fit(X=train, **head)
    >>> detector.score_rows(X=[[2.0, 0.1], [2.0, 0.3]]).round(2).tolist()  # 20 * .1 - 2.02 and 20 * .3 - 2.02
    [-0.02, 3.98]
    """

    source = "wang2022vim"
    claims = ("network_held_out_class", "network_noise")
    components: int | None = None

    def fit(self, X: np.ndarray, class_weights: np.ndarray, class_bias: np.ndarray) -> ViM:
        """Find the residual space and the scale of the virtual logit."""
        d = X.shape[1]
        usual = 1000 if d >= 2048 else 512 if d >= 768 else max(1, d // 2)
        count = usual if self.components is None else self.components
        if not 0 < count < max(d, 2):
            raise ValueError(f"components is {count}; expected at least 1 and fewer than the {d} features of X.")
        self.head_ = np.asarray(class_weights, dtype=np.float64), np.asarray(class_bias, dtype=np.float64)
        self.origin_ = -np.linalg.pinv(self.head_[0]) @ self.head_[1]
        rows = X - self.origin_
        self.residual_ = np.linalg.eigh(rows.T @ rows / len(rows))[1][:, : d - count]
        outside = np.linalg.norm(rows @ self.residual_, axis=1).mean()
        self.alpha_ = head_logits(X, *self.head_).max(axis=1).mean() / max(outside, 1e-12 * np.abs(rows).max(), 1e-300)
        return self

    def score_rows(self, X: np.ndarray) -> np.ndarray:
        """(n,) the virtual logit less the log of the sum of exponentials of the others."""
        outside = np.linalg.norm((X - self.origin_) @ self.residual_, axis=1)
        return self.alpha_ * outside + free_energy(head_logits(X, *self.head_))
