"""Label-distribution-aware margins."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.objectives import class_logits, counts_for


class LDAM(Objective):
    r"""A margin for every class, larger for rare ones, and rare classes weigh more late in training.

    .. math:: \ell = -w_y \log \frac{e^{f_y - \Delta_y}}{e^{f_y - \Delta_y} + \sum_{k \ne y} e^{f_k}}, \qquad
       \Delta_c = C\, (n_c / \min_b n_b)^{-1/4}

    `margin` is C, that of the rarest class. From epoch `defer_until` on, w is the inverse effective number
    :math:`(1 - \beta) / (1 - \beta^{n_c})`, mean 1; before it is 1.

    Use it when classes are rare in training and all count the same in use. It fails to do much more than logit
    adjustment, and margins mean little to a network that fits every row long before the weights change.

    >>> objective = LDAM(margin=1.0, beta=0.0, defer_until=0).fit(y=[0] * 16 + [1])
    >>> objective.loss(nn.Identity(), torch.tensor([[0.0, 1.0]]), torch.tensor([1])).item()   # the margin eats the lead
    0.6931...
    >>> objective.loss(nn.Identity(), torch.tensor([[0.5, 0.0]]), torch.tensor([0])).item()   # (16)^(-1/4) = 0.5
    0.6931...
    """

    source = "cao2019ldam"
    claims = ("imbalanced",)
    neutral: ClassVar = {"margin": 0.0, "beta": 0.0}
    margin: float = 2.0
    beta: float = 0.999
    defer_until: int = 2

    def fit(self, y: np.ndarray) -> Self:
        """Count the classes of the training rows."""
        self.counts_, self.epoch_ = np.bincount(y), 0
        return self

    def start_epoch(self, epoch: int) -> None:
        """Weights come in late."""
        self.epoch_ = epoch

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the batch."""
        logits = class_logits(model, inputs, y)
        counts = counts_for(self.counts_, logits).clamp(min=1)
        margins = self.margin * (counts / counts.min()) ** -0.25
        moved = logits - functional.one_hot(y, logits.shape[1]) * margins
        weights = torch.ones_like(counts)
        if self.epoch_ >= self.defer_until:
            weights = (1 - self.beta) / (1 - self.beta**counts)
            weights = weights / weights.mean()
        return (functional.cross_entropy(moved, y, reduction="none") * weights[y]).mean()
