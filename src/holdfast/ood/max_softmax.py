"""Maximum softmax probability."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer


class MaxSoftmax(Scorer):
    r"""One minus the largest class probability: high where the model itself is unsure.

    .. math:: s(x) = 1 - \max_k p_k(x)

    Use it when only the model's probabilities are at hand; it needs no fitting and finds wrong predictions as well as
    unknown inputs. It fails far from the training data, where a model can be certain of anything.

    >>> MaxSoftmax().score_rows(probs=[[0.9, 0.1], [0.5, 0.5]]).round(2).tolist()
    [0.1, 0.5]
    """

    source = "hendrycks2017baseline"
    claims = ("held_out_class", "misclassified")
    blind = ("far", "feature_shift")

    def score_rows(self, probs: np.ndarray) -> np.ndarray:
        """(n,) one minus the largest probability of every row."""
        return 1 - probs.max(axis=1)
