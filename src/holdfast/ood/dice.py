"""Directed sparsification of the last layer."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer
from holdfast.ood._head import free_energy, head_logits, share


class DICE(Scorer):
    r"""Free energy of logits from which the weights that matter least in training are left out.

    .. math:: s(x) = -\log \sum_k e^{(W \odot M) x + b}, \quad M_{kj} = 1 \text{ where } W_{kj} \bar x_j
              \text{ is among the largest}

    The share `sparsity` of the weights is left out. The masked layer is one matrix, so memory is that of features and
    logits.

    Use it when a wide network has many features that add noise to every logit. It fails in narrow networks, where each
    weight is needed (with 64 features a sparsity of 0.9 leaves hardly a detector), and where logits are blind anyway.

    >>> head = {"class_weights": [[1.0, 0.1], [0.1, 1.0]], "class_bias": [0.0, 0.0]}
    >>> detector = DICE(sparsity=0.5).fit(X=[[2.0, 2.0], [2.0, 2.0]], **head)
    >>> detector.score_rows(X=[[3.0, 0.0]]).round(2).tolist()  # logits 3 and 0, not 3 and .3
    [-3.05]
    """

    source = "sun2022dice"
    claims = ("network_held_out_class",)
    blind = ("network_long",)
    sparsity: float = 0.7

    def fit(self, X: np.ndarray, class_weights: np.ndarray, class_bias: np.ndarray) -> DICE:
        """Leave out the weights of least mean contribution."""
        contribution = class_weights * X.mean(axis=0, dtype=np.float64)
        least = np.quantile(contribution, share("sparsity", self.sparsity))
        kept = contribution > least if self.sparsity else np.ones(contribution.shape, dtype=bool)
        self.head_ = np.where(kept, class_weights, 0.0), np.asarray(class_bias)
        return self

    def score_rows(self, X: np.ndarray) -> np.ndarray:
        """(n,) free energy behind the sparse layer."""
        return free_energy(head_logits(X, *self.head_))
