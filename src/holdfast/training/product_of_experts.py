"""Product of experts with a weak learner."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.objectives import class_logits


class ProductOfExperts(Objective):
    r"""Cross-entropy of the product with a weak, frozen model: what the weak model knows already teaches nothing.

    .. math:: \ell = -\log \operatorname{softmax}\!\big(\log p_w + \log p_m\big)_y \; - \; \alpha \log p_{m,y}

    `weak_logits` are those of a network so small, or trained so briefly, that it can learn the shortcut only; the main
    network is used alone afterwards. `plain` is alpha.

    Use it when a shortcut is suspected and nobody can name it: the weak learner finds it. It fails where the weak
    learner learns the task itself (the main network is then taught on what is left, noise first): look at how good
    it is before.

    A weak model that is right at 3 to 1 and a main one without opinion: the product is 3/4.

    >>> batch = {"inputs": torch.zeros(1, 2), "y": torch.tensor([1]), "weak_logits": torch.tensor([[0.0, 1.0986]])}
    >>> round(ProductOfExperts(plain=0.5).loss(nn.Identity(), **batch).item(), 3)     # log 4/3 + log 2 / 2
    0.634
    """

    source = "sanh2021learning"
    claims = ("shortcut",)
    plain: float = 0.1

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, weak_logits: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the batch."""
        logits = class_logits(model, inputs, y)
        if weak_logits.shape != logits.shape:
            raise ValueError(
                f"weak_logits has shape {tuple(weak_logits.shape)}, but the model gives {tuple(logits.shape)}."
            )
        joint = functional.log_softmax(logits, dim=1) + functional.log_softmax(weak_logits.float(), dim=1)
        return functional.cross_entropy(joint, y) + self.plain * functional.cross_entropy(logits, y)
