"""Virtual outliers from the pixels that an answer rests on."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.calling import evaluating
from holdfast.nets.features import head_name
from holdfast.nets.objectives import at_head, class_logits
from holdfast.training._outliers import far_from_uniform


class ASCOOD(Objective):
    r"""Cross-entropy, and to know nothing of copies in which the numbers that the answer rests on are pushed.

    .. math:: \ell = -\log p_y(x) + w \Big(-\frac1k \sum_c \log p_c(x')\Big), \quad
              x' = x + a \, g \odot 1[|g| \text{ among the largest share}], \quad g = \nabla_x f_y(x)

    `share` of the numbers of a row are moved along the gradient of the logit of its class; a falls from `furthest` to
    `nearest` over `epochs` epochs; `weight_outliers` is w. Features before the head are standardised row by row and
    scaled by `sigma` in training; `assembled(model)` is the network that does so in use.

    Use it when no outliers are at hand and unknown rows will share the background or a shortcut with known ones. It
    fails where known classes differ by few numbers, since a moved row may then be of another known class.

    >>> net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2))
    >>> objective = ASCOOD(share=0.5, nearest=0.1, furthest=0.3, epochs=3, weight_outliers=0.5, sigma=1.0)
    >>> bool(objective.loss(net, torch.tensor([[1.0, 2.0]]), torch.tensor([0])).isfinite())
    True
    """

    source = "regmi2024going"
    claims = ("unknown_class",)
    neutral: ClassVar = None
    silent: ClassVar = ("epochs",)
    share: float = 0.1
    nearest: float = 0.03
    furthest: float = 0.3
    epochs: int = 20
    weight_outliers: float = 1.0
    sigma: float = 0.5

    def start_epoch(self, epoch: int) -> None:
        """Virtual outliers come nearer from epoch to epoch."""
        self.epoch_ = epoch

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over rows and the mean over their virtual outliers."""
        left = max(0.0, 1 - getattr(self, "epoch_", 0) / max(1, self.epochs))
        reach = self.nearest + (self.furthest - self.nearest) * left
        moved = inputs + reach * self._attribution(model, inputs, y)
        with at_head(model, _Standard(self.sigma)):
            logits = class_logits(model, torch.cat([inputs, moved]), torch.cat([y, y]))
        return (
            functional.cross_entropy(logits[: len(y)], y)
            + self.weight_outliers * far_from_uniform(logits[len(y) :]).mean()
        )

    def assembled(self, model: nn.Module) -> nn.Module:
        """The network to use: a copy that standardises what goes into its head."""
        made = copy.deepcopy(model)
        name = head_name(made)
        parent, _, last = name.rpartition(".")
        setattr(made.get_submodule(parent), last, nn.Sequential(_Standard(self.sigma), made.get_submodule(name)))
        return made

    def _attribution(self, model: nn.Module, inputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The gradient of the own class's logit, nought but where it is largest."""
        given = inputs.detach().clone().requires_grad_(True)
        with torch.enable_grad(), evaluating(model), at_head(model, _Standard(self.sigma)):
            logits = class_logits(model, given, y)
            gradient = torch.autograd.grad(logits.gather(1, y[:, None]).sum(), given)[0]
        flat = gradient.flatten(1)
        kept = max(1, int(self.share * flat.shape[1]))
        least = flat.abs().topk(kept, dim=1).values[:, -1:]
        return torch.where(flat.abs() >= least, flat, torch.zeros_like(flat)).reshape(gradient.shape)


class _Standard(nn.Module):
    def __init__(self, sigma: float) -> None:
        super().__init__()
        self.sigma = sigma

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Mean 0 and spread sigma in every row."""
        centred = features - features.mean(dim=-1, keepdim=True)
        return self.sigma * centred / (features.std(dim=-1, keepdim=True) + 1e-6)
