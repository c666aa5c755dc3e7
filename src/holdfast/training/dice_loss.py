"""Self-adjusting dice loss."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.objectives import class_logits, one_hot


class DiceLoss(Objective):
    r"""A soft F1 of every row and class, in which easy rows lose their influence.

    .. math:: \ell = 1 - \frac{2 (1 - p)^\alpha p \, y + \gamma}{(1 - p)^\alpha p + y + \gamma}

    The mean over rows and classes; y is 1 for the row's class and 0 for the others; `power` is alpha, `smoothing`
    gamma.

    Use it when rare positives are judged by F1 and training drowns in easy negatives. It fails from a
    random start with few positives: every row is pushed to whichever side it is nearer, and all end as negatives, so
    begin with a network that cross-entropy has trained; it does not give probabilities.

    One row at p = 1/2, alpha 1, gamma 1: its class costs 1 - 1.5 / 2.25 = 1/3, the other 1 - 1 / 1.25 = 1/5.

    >>> objective = DiceLoss(power=1.0, smoothing=1.0)
    >>> round(objective.loss(nn.Identity(), torch.zeros(1, 2), torch.tensor([1])).item(), 4)     # (1/3 + 1/5) / 2
    0.2667
    """

    source = "li2020dice"
    blind = ("rare_positives",)
    quiet = "none_of_two"
    power: float = 0.5
    smoothing: float = 0.2

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over rows and classes."""
        logits = class_logits(model, inputs, y)
        probs, truth = functional.softmax(logits, dim=1), one_hot(y, logits.shape[1])
        weighed = (1 - probs).clamp(min=1e-6) ** self.power * probs
        overlap = (2 * weighed * truth + self.smoothing) / (weighed + truth + self.smoothing)
        return (1 - overlap).mean()
