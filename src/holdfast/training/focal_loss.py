"""Focal loss."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.objectives import class_logits


class FocalLoss(Objective):
    r"""Cross-entropy that forgets rows which are right already.

    .. math:: \ell = -(1 - p_y)^\gamma \log p_y

    Use it when a detector drowns in easy negatives, or a network is too sure of itself. It fails under
    wrong labels, where it looks hardest at the wrong ones, and for rare classes it gains a third of what
    `LogitAdjustment` gains.

    A probability of one half at gamma 2: a quarter of log 2.

    >>> FocalLoss(gamma=2.0).loss(nn.Identity(), torch.zeros(1, 2), torch.tensor([0])).item() / 0.693147
    0.25...
    """

    source = "lin2017focal"
    claims = ("imbalanced",)
    blind = ("wrong_labels",)
    neutral: ClassVar = {"gamma": 0.0}
    gamma: float = 2.0

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the batch."""
        losses = functional.cross_entropy(class_logits(model, inputs, y), y, reduction="none")
        return ((1 - torch.exp(-losses)).clamp(min=0) ** self.gamma * losses).mean()
