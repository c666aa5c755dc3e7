"""Invariant risk minimisation."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional

from holdfast.generalization._domains import LatePenalty, parts
from holdfast.nets.objectives import class_logits


class IRM(LatePenalty):
    r"""Cross-entropy, and how much every training domain would like to scale the logits for itself.

    .. math:: \ell = \frac{1}{\max(1, \beta)} \Big( \bar\ell + \beta \operatorname*{mean}_d
       \big( \partial_w\, \bar\ell_d(w f) \big|_{w = 1} \big)^2 \Big)

    Domains are `group`; `penalty` is beta, in force from epoch `start` on. The division keeps steps as long as before.

    Use it when labels are noisy, what fools a network goes with them more closely than what holds, and differs in
    strength between the training domains; with hundreds of rows of every domain in a batch and hundreds of steps. It
    fails, and does harm, elsewhere: a network that fits every row has a penalty of 0 whatever it learnt, and one that
    has not yet may be driven to a constant answer, which has none either. `VREx` gains less there and harms less here.

    Two domains with one row each, logits (0, 2) and (0, 0) for class 1: the first would gain 2 p_0 by a larger scale.

    >>> logits = torch.tensor([[0.0, 2.0], [0.0, 0.0]])
    >>> batch = {"inputs": logits, "y": torch.tensor([1, 1]), "group": torch.tensor([0, 1])}
    >>> ours = IRM(penalty=4.0, start=0).loss(nn.Identity(), **batch)      # (0.4100 + 4 * (2 * 0.1192)^2 / 2) / 4
    >>> round(ours.item(), 4)
    0.1309
    """

    source = "arjovsky2019invariant"
    claims = ("noisy_shortcut",)
    blind = ("reversed_shortcut", "rotated")
    quiet = "none_noisy"
    neutral: ClassVar = {"penalty": 0.0}
    penalty: float = 10.0
    start: int = 2

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, group: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the batch and the penalty."""
        logits = class_logits(model, inputs, y)
        given = logits.gather(1, y[:, None])[:, 0]
        slopes = (logits.softmax(dim=1) * logits).sum(dim=1) - given  # of each row's loss by the scale of its logits
        wishes = torch.stack([slopes[rows].mean() for rows in parts(group, len(y))])
        return (functional.cross_entropy(logits, y) + self.force * wishes.square().mean()) / max(1.0, self.force)
