"""Error L2-norm."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer


class EL2N(Scorer):
    r"""How far early probabilities are from the label, averaged over a few starts.

    .. math:: s_i = \frac1m \sum_r \lVert p^{(r)}(x_i) - e_{y_i} \rVert_2

    Take probabilities of `m` networks after a few epochs of training. Low scores are rows that teach little; the very
    highest are often wrong labels: `select` by dropping the low end, and look at the top.

    Use it when rows must be thinned out before a long training. It fails as a choice of few rows (below about a third
    the hard and the wrong ones are what is left), and late in training, when wrong labels are memorised.

    >>> probs = [[[0.8, 0.2], [0.0, 1.0]], [[0.6, 0.4], [0.0, 1.0]]]
    >>> EL2N().score_rows(probs, y=[0, 0]).round(3).tolist()        # mean of .2 and .4 times sqrt 2
    [0.424, 1.414]
    """

    source = "paul2021deep"
    claims = ("wrong_labels",)

    def score_rows(self, ensemble_probs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(n,) mean distance to the label."""
        total = np.zeros(len(y))
        rows = np.arange(len(y))
        for probs in ensemble_probs:
            away = probs.astype(np.float64)
            away[rows, y] -= 1
            total += np.sqrt((away**2).sum(axis=1))
        return total / len(ensemble_probs)
