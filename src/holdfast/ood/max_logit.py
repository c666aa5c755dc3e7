"""Largest logit."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer


class MaxLogit(Scorer):
    r"""Minus the largest logit: high where no class has much evidence.

    .. math:: s(x) = -\max_k f_k(x)

    Unlike the softmax it keeps the length of the logits, which is small on objects of unknown classes. Use it when the
    logits of a network trained with cross-entropy are at hand; it needs no fitting, and a better classifier makes it a
    better detector. It fails far outside the training range, where a linear head grows without bound, and where
    logits come with an arbitrary constant added to a row.

    >>> MaxLogit().score_rows(logits=[[8.0, 0.0], [1.0, 1.5]]).tolist()
    [-8.0, -1.5]
    """

    source = "vaze2022openset"
    claims = ("held_out_class",)
    blind = ("far", "feature_shift")

    def score_rows(self, logits: np.ndarray) -> np.ndarray:
        """(n,) minus the largest logit of every row."""
        return -logits.max(axis=1)
