"""Data maps: confidence and variability of every row during training."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Scorer
from holdfast.labels._dynamics import label_probabilities, margins


class DataMap(Scorer):
    r"""How improbable, or how rarely predicted, the given label was over all epochs: hard-to-learn rows score high.

    .. math:: \hat\mu = \frac1E \sum_{e=1}^E p_e(y \mid x), \quad
              \hat\sigma = \sqrt{\frac1E \sum_{e=1}^E (p_e(y \mid x) - \hat\mu)^2}, \quad s = 1 - \hat\mu

    `coordinates` are confidence :math:`\hat\mu`, variability :math:`\hat\sigma` and correctness, the share of epochs
    that predict the label. `regions` picks the third of the rows with the lowest confidence (hard to learn: where
    wrong labels gather), the highest variability (ambiguous: worth training on) and the highest confidence (easy). With
    `by="correctness"` the score is one minus the correctness.

    Use it when the logits of all rows were logged in every epoch, to see what kind of rows there are and which labels
    to look at. It fails where hard rows are hard for other reasons than their label: rare groups and overlapping
    classes.

    >>> epoch_logits = [[[0.0, 0.0], [np.log(3), 0.0]], [[0.0, np.log(9)], [0.0, np.log(4)]]]  # p(1): .5 .9, .25 .8
    >>> confidence, variability, correctness = DataMap().coordinates(epoch_logits, y=[1, 1])
    >>> confidence.round(3).tolist(), variability.round(3).tolist(), correctness.tolist()
    ([0.7, 0.525], [0.2, 0.275], [0.5, 0.5])
    >>> DataMap().score_rows(epoch_logits, y=[1, 1]).round(3).tolist()
    [0.3, 0.475]
    >>> DataMap(by="correctness").score_rows(epoch_logits[1:], y=[1, 0]).tolist()
    [0.0, 1.0]
    """

    source = "swayamdipta2020dataset"
    claims = ("learning_symmetric", "learning_class_conditional")
    blind = ("learning_class_overlap",)
    by: Literal["confidence", "correctness"] = "confidence"

    def score_rows(self, epoch_logits: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(n,) one minus the confidence or the correctness."""
        if self.by == "correctness":
            return 1 - _correctness(epoch_logits, y)
        return 1 - np.asarray(label_probabilities(epoch_logits, y).mean(axis=0))

    def coordinates(self, epoch_logits: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(n,) confidence, variability and correctness: where every row lies on the map."""
        epoch_logits, y = np.asarray(epoch_logits), np.asarray(y)
        probabilities = label_probabilities(epoch_logits, y)
        return probabilities.mean(axis=0), probabilities.std(axis=0), _correctness(epoch_logits, y)

    def regions(self, epoch_logits: np.ndarray, y: np.ndarray, share: float = 1 / 3) -> dict[str, np.ndarray]:
        """Row numbers of the hard, the ambiguous and the easy rows, `share` of all each, best examples first."""
        confidence, variability, _ = self.coordinates(epoch_logits, y)
        count = round(share * len(confidence))
        orders = {"hard": confidence, "ambiguous": -variability, "easy": -confidence}
        return {name: np.argsort(values, kind="stable")[:count] for name, values in orders.items()}


def _correctness(epoch_logits: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.asarray((margins(epoch_logits, y) > 0).mean(axis=0))
