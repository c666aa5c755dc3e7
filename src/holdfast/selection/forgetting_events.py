"""Forgetting events."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer


class ForgettingEvents(Scorer):
    r"""How often a row that was right turned wrong again; rows that were never right count as forgotten always.

    .. math:: s_i = \sum_{t} \mathbb{1}[\text{right at } t,\ \text{wrong at } t + 1], \qquad
       s_i = T \ \text{where never right}

    Use it when the logits of every epoch were logged anyway (`nets.fit(log="evaluation")`). It fails with few epochs or
    a smooth schedule, when nothing is forgotten and most rows tie at 0.

    >>> up, down = [2.0, 0.0], [0.0, 2.0]
    >>> epoch_logits = [[up, up, down], [down, up, down], [up, up, down]]
    >>> ForgettingEvents().score_rows(epoch_logits, y=[0, 0, 0]).tolist()
    [1.0, 0.0, 3.0]
    """

    source = "toneva2019empirical"
    claims = ("wrong_labels",)

    def score_rows(self, epoch_logits: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(n,) number of events."""
        right = np.stack([logits.argmax(axis=1) == y for logits in epoch_logits])
        events = (right[:-1] & ~right[1:]).sum(axis=0).astype(float)
        return np.where(right.any(axis=0), events, float(len(epoch_logits)))
