"""Activation shaping."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Scorer
from holdfast.ood._head import amplified, free_energy, head_logits, largest


class ASH(Scorer):
    r"""Free energy of the logits of features of which only each row's largest are kept.

    .. math:: s(x) = -\log \sum_k e^{W x' + b}

    The share `pruned` of the smallest activations of a row becomes 0. `form` "p" keeps the others; "b" gives each of
    them the same value, so that the sum stays; "s" multiplies them by e to the ratio of the sums before and after.

    Use it when features are non-negative and wide, and nothing of training is at hand but the last layer. It fails in
    narrow networks, and where unknown rows fire more strongly than known ones.

    >>> row, head = [[3.0, 1.0, 0.0, 0.0]], {"class_weights": [[1.0, 1.0, 0.0, 0.0]], "class_bias": [0.0]}
    >>> [ASH(form=form, pruned=0.5).score_rows(X=row, **head).round(2).tolist() for form in ("p", "b")]
    [[-4.0], [-4.0]]
    >>> ASH(form="s", pruned=0.75).score_rows(X=row, **head).round(2).tolist()  # 3 e^(4 / 3)
    [-11.38]
    """

    source = "djurisic2023ash"
    claims = ("network_held_out_class",)
    form: Literal["s", "b", "p"] = "s"
    pruned: float = 0.65

    def score_rows(self, X: np.ndarray, class_weights: np.ndarray, class_bias: np.ndarray) -> np.ndarray:
        """(n,) free energy of the shaped features."""
        kept = largest(X, self.pruned)
        shaped = np.where(kept, X, 0.0)
        if self.form == "b":
            shaped = kept * (X.sum(axis=1) / kept.sum(axis=1))[:, None]
        if self.form == "s":
            shaped = shaped * amplified(X, self.pruned)[:, None]
        return free_energy(head_logits(shaped, class_weights, class_bias))
