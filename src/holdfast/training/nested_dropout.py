"""Nested dropout of features."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.objectives import at_head, class_logits


class NestedDropout(Objective):
    r"""Only the first k features reach the head, k drawn anew for every batch: the first must carry what matters.

    .. math:: k = \min(d, 1 + \lfloor |\epsilon| \rfloor), \quad \epsilon \sim N(0, \sigma^2), \qquad
       \ell = -\log p_y(x;\, z_1, \dots, z_k, 0, \dots, 0)

    `spread` is sigma. After training, `truncated(model, k)` cuts the head to the first k features; which k is best,
    validation rows must say.

    Use it when labels are wrong and the network would memorise them in features of their own. It fails with a spread
    that is small against the number of classes (the first few features cannot tell them apart), and costs epochs.

    All of 3 features but the first are dropped at a spread of 0:

    >>> net = nn.Sequential(nn.Linear(3, 2, bias=False))
    >>> _ = net[0].weight.data.copy_(torch.tensor([[1.0, 5.0, 5.0], [0.0, 0.0, 0.0]]))
    >>> loss = NestedDropout(spread=0.0).loss(net, torch.tensor([[0.0, 1.0, 1.0]]), torch.tensor([0]))
    >>> round(loss.item(), 4), NestedDropout.truncated(net, 1)[0].weight.tolist()[0]
    (0.6931, [1.0, 0.0, 0.0])
    """

    source = "chen2022compressing"
    claims = ("wrong_labels",)
    spread: float = 30.0

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """Cross-entropy with the later features left out."""
        kept = 1 + int(self.spread * float(torch.randn(()).abs()))
        with at_head(
            model, lambda features: features * (torch.arange(features.shape[-1], device=features.device) < kept)
        ):
            return functional.cross_entropy(class_logits(model, inputs, y), y)

    @staticmethod
    def truncated(model: nn.Module, k: int) -> nn.Module:
        """A copy whose head reads the first k features only."""
        import copy

        from holdfast.nets.objectives import head_of

        made = copy.deepcopy(model)
        head_of(made).weight.data[:, k:] = 0
        return made.eval()
