"""Mixup."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.objectives import class_logits
from holdfast.nets.pairs import drawn_share, mixed_loss


class Mixup(Objective):
    r"""Cross-entropy on straight lines between random pairs of rows.

    .. math:: \ell = \lambda\, \ell(\tilde x, y_i) + (1 - \lambda)\, \ell(\tilde x, y_j), \quad
       \tilde x = \lambda x_i + (1 - \lambda) x_j, \quad \lambda \sim \mathrm{Beta}(\alpha, \alpha)

    Use it when rows are few or labels wrong: straight lines leave less room to memorise. It fails on long tails (rare
    classes are mixed away), to give sharp probabilities (temperature scaling helps), and where the mean of two inputs
    is nothing that can be met.

    Alpha 0 is plain training; the loss of mixed rows without an opinion is that of each:

    >>> round(Mixup(alpha=0.5).loss(nn.Identity(), torch.zeros(4, 2), torch.tensor([0, 1, 0, 1])).item(), 4)
    0.6931
    """

    source = "zhang2018mixup"
    claims = ("wrong_labels", "hidden_part")
    blind = ("imbalanced",)
    neutral: ClassVar = {"alpha": 0.0}
    alpha: float = 1.0

    def loss(self, model: nn.Module, inputs: torch.Tensor, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the pairs of the batch, each row the first of one pair."""
        if not self.alpha:
            return functional.cross_entropy(class_logits(model, inputs, y), y)
        other = torch.randperm(len(inputs)).to(inputs.device)
        return mixed_loss(model, inputs, y, other, drawn_share(self.alpha))
