"""Activation scaling."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer
from holdfast.ood._head import amplified, free_energy, head_logits


class SCALE(Scorer):
    r"""Free energy of the logits of features that are multiplied by how much of a row its largest ones hold.

    .. math:: s(x) = -\log \sum_k e^{W x r' + b}, \quad r' = \exp\Big(\sum_j x_j \Big/ \sum_{j \in \text{top}} x_j\Big)

    The top are the activations of a row but for its share `pruned` of smallest ones. Nothing is set to 0, and the
    model's answers stay as they are.

    Use it when features are non-negative and nothing of training is at hand but the last layer. It fails where
    activations of unknown rows are as spread over units as those of known ones, and far outside the training range.

    >>> head = {"class_weights": [[1.0, 1.0, 0.0, 0.0]], "class_bias": [0.0]}
    >>> SCALE(pruned=0.75).score_rows(X=[[3.0, 1.0, 0.0, 0.0]], **head).round(2).tolist()  # 4 e^(4 / 3)
    [-15.17]
    """

    source = "xu2024scale"
    claims = ("network_held_out_class",)
    blind = ("network_long",)
    pruned: float = 0.65

    def score_rows(self, X: np.ndarray, class_weights: np.ndarray, class_bias: np.ndarray) -> np.ndarray:
        """(n,) free energy of the scaled features."""
        return free_energy(head_logits(X * amplified(X, self.pruned)[:, None], class_weights, class_bias))
