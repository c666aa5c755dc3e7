"""Group DRO with regularisation."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.objectives import class_logits


class GroupDRO(Objective):
    r"""Groups with high losses weigh more, step by step; strong regularisation makes it hold on new rows.

    .. math:: q_g \leftarrow q_g\, e^{\eta\,(\hat\ell_g + C / \sqrt{n_g})} / Z, \qquad
       \ell = \sum_g q_g\, \hat\ell_g + \tfrac{\lambda}{2} \lVert \theta \rVert^2

    `step` is eta, `adjustment` C, `decay` lambda. Groups that a batch lacks keep their weight up to the norming. After
    training `weights_` are the q of all groups.

    Use it when the groups that must not be left behind are known for every training row (`group`). It fails without
    regularisation or early stopping: a network that fits every row has no loss left in any group, and is then as bad
    on the worst as plain training. It also gives up accuracy on the common groups, and follows groups of wrong labels.

    Two groups with losses log 2 and 0 (nearly): the first doubles its odds at step 1.

    >>> objective = GroupDRO(step=1.0, adjustment=0.0, decay=0.0).fit(group=[0, 1])
    >>> logits = torch.tensor([[0.0, 0.0], [0.0, 99.0]])
    >>> loss = objective.loss(nn.Identity(), logits, torch.tensor([1, 1]), torch.tensor([0, 1])).item()
    >>> objective.weights_.tolist(), round(loss / 0.693147, 3)
    ([0.666..., 0.333...], 0.667)
    """

    source = "sagawa2020distributionally"
    claims = ("shortcut",)
    step: float = 0.01
    adjustment: float = 1.0
    decay: float = 0.01

    def fit(self, group: np.ndarray) -> Self:
        """Count the rows of every group."""
        self.sizes_ = np.bincount(group)
        self.weights_ = torch.full((len(self.sizes_),), 1 / len(self.sizes_))
        return self

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, group: torch.Tensor, **_: Any) -> torch.Tensor:
        """The weighted mean of the groups in the batch, after their weights took a step."""
        losses = functional.cross_entropy(class_logits(model, inputs, y), y, reduction="none")
        rows = functional.one_hot(group, len(self.sizes_)).float()
        means = (rows * losses[:, None]).sum(0) / rows.sum(0).clamp(min=1)
        sizes = torch.as_tensor(self.sizes_, dtype=torch.float32, device=losses.device).clamp(min=1)
        there = rows.sum(0) > 0
        push = self.step * (means.detach() + self.adjustment / sizes.sqrt()) * there
        weights = self.weights_.to(losses.device) * push.exp()
        if torch.isfinite(weights).all():
            self.weights_ = weights / weights.sum()
        squares = sum(parameter.square().sum() for parameter in model.parameters()) if self.decay else 0.0
        return (self.weights_ * means).sum() + self.decay / 2 * squares
