"""Correlation alignment of features."""

from __future__ import annotations

from itertools import combinations
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.generalization._domains import parts
from holdfast.nets.objectives import logits_and_features


class DeepCORAL(Objective):
    r"""Cross-entropy, and how far apart the features of the training domains are in mean and covariance.

    .. math:: \ell = \bar\ell + \beta \operatorname*{mean}_{a < b} \Big( \tfrac1d \lVert \mu_a - \mu_b \rVert^2 +
       \tfrac{1}{4 d^2} \lVert C_a - C_b \rVert_F^2 \Big)

    Features are what goes into the last linear layer; domains are `group`; `penalty` is beta.

    Use it when domains differ in style and hold the same classes in the same shares. It fails where shares of classes
    differ between domains: features are then made alike that must not be.

    Features 0 and 2 in two domains of one number each, covariances 0: the penalty is 4 beta.

    >>> net = nn.Sequential(nn.Linear(1, 2))
    >>> _ = net[0].weight.data.zero_(), net[0].bias.data.zero_()
    >>> batch = {"inputs": torch.tensor([[0.0], [2.0]]), "y": torch.tensor([1, 1]), "group": torch.tensor([0, 1])}
    >>> round(DeepCORAL(penalty=0.5).loss(net, **batch).item(), 4)
    2.6931
    """

    source = "sun2016deep"
    blind = ("rotated",)
    neutral: ClassVar = {"penalty": 0.0}
    penalty: float = 0.1

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, group: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the batch and the penalty."""
        logits, features = logits_and_features(model, inputs, y)
        moments = [_moments(features[rows].float()) for rows in parts(group, len(y))]
        d = features.shape[1]
        apart = [
            (m - n).square().sum() / d + (c - e).square().sum() / (4 * d**2)
            for (m, c), (n, e) in combinations(moments, 2)
        ]
        plain = functional.cross_entropy(logits, y)
        return plain + self.penalty * torch.stack(apart).mean() if apart else plain


def _moments(features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    mean = features.mean(dim=0)
    centred = features - mean
    return mean, centred.T @ centred / max(1, len(features) - 1)
