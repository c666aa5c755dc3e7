"""Risk extrapolation by the variance of risks."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional

from holdfast.generalization._domains import LatePenalty, losses_by_domain
from holdfast.nets.objectives import class_logits


class VREx(LatePenalty):
    r"""Cross-entropy, and the variance of the mean losses of the training domains.

    .. math:: \ell = \bar\ell + \beta\, \mathrm{Var}_d\, \bar\ell_d

    Domains are `group`; `penalty` is beta, in force from epoch `start` on.

    Use it when what fools a network differs in strength between the training domains: whoever leans on it has unequal
    losses. It fails where domains differ in difficulty by themselves, where they are alike in the shortcut, and with
    few rows a domain in a batch, whose losses differ by chance.

    Losses log 2 and 0 (nearly) in two domains: the mean plus beta times (log 2 / 2)^2.

    >>> logits = torch.tensor([[0.0, 0.0], [0.0, 99.0]])
    >>> batch = {"inputs": logits, "y": torch.tensor([1, 1]), "group": torch.tensor([0, 1])}
    >>> round(VREx(penalty=10.0, start=0).loss(nn.Identity(), **batch).item(), 4)
    1.5477
    """

    source = "krueger2021out"
    claims = ("reversed_shortcut",)
    blind = ("rotated",)
    neutral: ClassVar = {"penalty": 0.0}
    penalty: float = 10.0
    start: int = 2

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, group: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the batch and the penalty."""
        logits = class_logits(model, inputs, y)
        apart = losses_by_domain(logits, y, group).var(unbiased=False)
        return functional.cross_entropy(logits, y) + self.force * apart
