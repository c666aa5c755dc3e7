"""Rectified activations."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer
from holdfast.ood._head import free_energy, head_logits, share


class ReAct(Scorer):
    r"""Free energy of the logits of features that are cut at what is usual in training.

    .. math:: s(x) = -\log \sum_k e^{W \min(x, c) + b}

    c is the `quantile` of all activations of all training rows.

    Use it when unknown rows fire single units far beyond what training showed, as in networks with BatchNorm whose
    statistics do not fit them. It fails where unknown rows fire less, not more.

    >>> head = {"class_weights": [[1.0, 1.0], [0.0, 0.0]], "class_bias": [0.0, 0.0]}
    >>> detector = ReAct(quantile=0.5).fit(X=[[1.0, 2.0], [3.0, 2.0]], **head)
    >>> detector.score_rows(X=[[9.0, 1.0], [1.0, 1.0]]).round(2).tolist()  # logits 2 + 1 and 1 + 1, each with a 0
    [-3.05, -2.13]
    """

    source = "sun2021react"
    claims = ("network_held_out_class",)
    quantile: float = 0.9

    def fit(self, X: np.ndarray, class_weights: np.ndarray, class_bias: np.ndarray) -> ReAct:
        """Where activations are cut."""
        self.cut_ = float(np.quantile(X, share("quantile", self.quantile)))
        self.head_ = class_weights, class_bias
        return self

    def score_rows(self, X: np.ndarray) -> np.ndarray:
        """(n,) free energy behind the cut."""
        return free_energy(head_logits(np.minimum(X, self.cut_), *self.head_))
