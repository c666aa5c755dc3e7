"""Fine-tuning with nine in ten of the last features dropped."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.objectives import at_head, class_logits


class VeryLargeDropout(Objective):
    r"""Cross-entropy of a head that sees a random tenth of the features: many that say the same have to share the work.

    .. math:: \ell = -\log p_y\!\left(\frac{m}{1 - p} \odot \Phi(x)\right),
       \quad m_j \sim \operatorname{Bernoulli}(1 - p)

    p is `drop`; masks are drawn anew for every row and feature. No other layer is touched, all layers learn, and what
    is used afterwards is the network as it is.

    Use it to fine-tune a pretrained network where new rows may lack or turn round a signal that few of the last
    features carry, loudly, while many carry what holds. It fails, by up to a quarter, where fine-tuning can write the
    misleading signal into most features (a patch that every hidden unit sees), and it needs more steps.

    >>> net = nn.Sequential(nn.Linear(1, 2, bias=False))
    >>> _ = net[0].weight.data.copy_(torch.tensor([[1.0], [0.0]]))
    >>> x, y = torch.ones(40000, 1), torch.zeros(40000, dtype=torch.long)
    >>> with torch.random.fork_rng():     # .75 log 2 + .25 log(1 + exp(-4)) = .5244
    ...     _ = torch.manual_seed(0)
    ...     round(VeryLargeDropout(drop=0.75).loss(net, x, y).item(), 2)
    0.52
    """

    source = "zhang2024finetuning"
    claims = ("glaring_mark",)
    blind = ("pretrained",)
    quiet = "none_glaring"
    neutral = {"drop": 0.0}  # noqa: RUF012 - read only
    drop: float = 0.9

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the batch."""
        if not 0 <= self.drop < 1:
            raise ValueError(f"drop is {self.drop}; expected at least 0 and less than 1.")
        with at_head(model, lambda features: functional.dropout(features, self.drop)):
            return functional.cross_entropy(class_logits(model, inputs, y), y)
