"""Mixup as a regulariser."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.objectives import class_logits
from holdfast.nets.pairs import drawn_share, mixed_loss


class RegMixup(Objective):
    r"""Plain cross-entropy, plus that on strongly mixed pairs.

    .. math:: \ell = \ell(x, y) + \eta\, \ell_{\mathrm{mix}}(\tilde x, y_i, y_j; \lambda), \qquad
       \lambda \sim \mathrm{Beta}(\alpha, \alpha), \ \alpha \gg 1

    `weight` is eta. Two forward passes a step.

    Use it when mixup is wanted without its blur: rows as they are keep their sharp answers. It fails to protect from
    wrong labels as mixup does: here it gains a fourth of
    that, since they are learnt as they are too.

    >>> objective = RegMixup(alpha=5.0, weight=0.5)
    >>> round(objective.loss(nn.Identity(), torch.zeros(4, 2), torch.tensor([0, 1, 0, 1])).item(), 4)
    1.0397
    """

    source = "pinto2022regmixup"
    claims = ("hidden_part",)
    neutral: ClassVar = {"weight": 0.0}
    alpha: float = 10.0
    weight: float = 1.0

    def loss(self, model: nn.Module, inputs: torch.Tensor, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the batch and over its pairs."""
        plain = functional.cross_entropy(class_logits(model, inputs, y), y)
        if not self.weight:
            return plain
        other = torch.randperm(len(inputs)).to(inputs.device)
        return plain + self.weight * mixed_loss(model, inputs, y, other, drawn_share(self.alpha))
