"""C-Mixup, mixup for regression."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn

from holdfast.core import Objective
from holdfast.nets.objectives import check_target, predicted
from holdfast.nets.pairs import drawn_share


class CMixup(Objective):
    r"""Squared error on straight lines between rows whose targets are near each other.

    .. math:: P(j \mid i) \propto e^{-(y_i - y_j)^2 / 2 \sigma^2}, \qquad
       \ell = \big(f(\lambda x_i + (1 - \lambda) x_j) - \lambda y_i - (1 - \lambda) y_j\big)^2, \quad
       \lambda \sim \mathrm{Beta}(\alpha, \alpha)

    Partners are drawn within the batch; `bandwidth` is sigma, in units of the target: far above its spread it is plain
    mixup. The network has one output.

    Use it when rows are few, training is long and the target bends: between rows with unlike targets a straight line
    makes labels that are arbitrary. It fails where the target is nearly linear, as on diabetes: there it gains on plain
    training and plain mixup gains more (R2 .34, .37 and .39). On turned digits it loses less than plain mixup does, but
    plain training is the best.

    With a bandwidth near 0 each row is its own partner: ((1 - 3)^2 + (2 - 2)^2) / 2.

    >>> objective = CMixup(alpha=1.0, bandwidth=0.01)
    >>> objective.loss(nn.Identity(), torch.tensor([[1.0], [2.0]]), torch.tensor([3.0, 2.0])).item().__round__(3)
    2.0
    """

    source = "yao2022cmixup"
    claims = ("few_rows_of_numbers",)
    blind = ("coloured_angle",)
    quiet = "none_of_numbers"
    neutral: ClassVar = {"alpha": 0.0}
    alpha: float = 2.0
    bandwidth: float = 1.0

    def loss(self, model: nn.Module, inputs: torch.Tensor, target: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the pairs of the batch, each row the first of one pair."""
        check_target(target, len(inputs))
        if not self.alpha:
            return (predicted(model, inputs, target) - target).square().mean()
        gaps = target[:, None] - target[None]
        other = torch.multinomial((-(gaps**2) / (2 * self.bandwidth**2)).softmax(dim=1), 1)[:, 0]
        share = drawn_share(self.alpha)
        mixed = share * target + (1 - share) * target[other]
        return (predicted(model, share * inputs + (1 - share) * inputs[other], mixed) - mixed).square().mean()
