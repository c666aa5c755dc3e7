"""Late Stopping: when every row was first learnt for good."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer
from holdfast.labels._dynamics import margins


class LateStopping(Scorer):
    r"""The epoch by which the network had predicted the given label `consecutive` times in a row, for the first time.

    .. math:: \mathrm{FkL}(x, y) = \min \{ t : \hat y^{(t)}(x) = \hat y^{(t-1)}(x) = \dots
              = \hat y^{(t-k+1)}(x) = y \}

    Wrong labels are learnt late, later than labels that are right but hard; a row that never gets that far scores one
    more than the number of epochs. `kept_rows` says which rows to train on in the next round: the method trains long,
    removes the latest rows, and starts anew until few rows stay unlearnt. Small losses at the end, which most filters
    look at, tell memorised labels from learnt ones less well.

    Use it when the logits of all rows were logged in every epoch of a long training. It fails when training is so short
    that hard rows are never learnt, where one class is learnt late as a whole, and where classes overlap.

    >>> epoch_logits = [[[1, 0], [1, 0], [1, 0]], [[1, 0], [0, 1], [1, 0]], [[1, 0], [0, 1], [0, 1]]]
    >>> LateStopping(consecutive=2).score_rows(epoch_logits, y=[0, 1, 1]).tolist()  # right in 1 2 3, in 2 3, in 3
    [2.0, 3.0, 4.0]
    >>> LateStopping(consecutive=2).kept_rows(epoch_logits, y=[0, 1, 1], drop=1 / 3).tolist()
    [0, 1]
    """

    source = "yuan2023late"
    claims = ("learning_symmetric", "learning_class_conditional")
    blind = ("learning_class_overlap",)
    consecutive: int = 3

    def score_rows(self, epoch_logits: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(n,) the epoch, counted from 1; one more than there are where it never comes."""
        epochs = len(epoch_logits)
        if not 1 <= self.consecutive <= epochs:
            raise ValueError(
                f"epoch_logits has {epochs} epochs and consecutive is {self.consecutive}; expected 1 to {epochs}: how "
                "many epochs in a row must predict the label."
            )
        streak, learnt = np.zeros(len(y), int), np.full(len(y), epochs + 1.0)
        for epoch, right in enumerate(margins(epoch_logits, y) > 0, start=1):
            streak = np.where(right, streak + 1, 0)
            learnt = np.where(streak >= self.consecutive, np.minimum(learnt, epoch), learnt)
        return learnt

    def kept_rows(self, epoch_logits: np.ndarray, y: np.ndarray, drop: float) -> np.ndarray:
        """Row numbers, in order, of all but the share `drop` that was learnt last; of ties, later rows go first."""
        latest_last = np.argsort(self.score_rows(epoch_logits, y), kind="stable")
        return np.sort(latest_last[: len(latest_last) - round(drop * len(latest_last))])
