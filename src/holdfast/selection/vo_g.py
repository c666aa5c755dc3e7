"""Variance of gradients."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer


class VoG(Scorer):
    r"""How much what a label hangs on changes while a network learns, against other rows of the class.

    .. math:: v_i = \frac1d \sum_j \operatorname{Var}_t\, \frac{\partial f_{y_i}(x_i; \theta_t)}{\partial x_{ij}},
       \qquad s_i = \frac{v_i - \mu_{y_i}}{\sigma_{y_i}}

    with the gradients of the label's logit in the inputs at t checkpoints (`nets.gradients.input_gradients`).
    `by_class=False` leaves the second step out.

    Use it when rows that lie between classes are to be looked at (blends of two digits are found with an AUROC of .8).
    It fails to find wrong labels (.5 to .6), whose inputs are like those of others, and puts inputs that are unlike all
    others, such as turned digits, at the low end.

    Two rows of one class, one with a steady gradient and one that changes its sign:

    >>> gradients = [[[1.0], [1.0]], [[1.0], [-1.0]]]
    >>> VoG(by_class=False).score_rows(gradients, y=[0, 0]).tolist(), VoG().score_rows(gradients, y=[0, 0]).tolist()
    ([0.0, 1.0], [-1.0, 1.0])
    """

    source = "anand2023influence"
    claims = ("mixed_rows",)
    blind = ("wrong_labels",)
    transductive = True
    by_class: bool = True

    def score_rows(self, epoch_gradients: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(n,) variance, in standard deviations above the mean of the class."""
        raw = epoch_gradients.var(axis=0, dtype=np.float64).mean(axis=1)
        if not self.by_class:
            return raw
        rows = np.bincount(y)
        mean = np.bincount(y, raw) / np.maximum(rows, 1)
        spread = np.sqrt(np.bincount(y, (raw - mean[y]) ** 2) / np.maximum(rows, 1))
        return (raw - mean[y]) / np.where(spread > 0, spread, 1.0)[y]
