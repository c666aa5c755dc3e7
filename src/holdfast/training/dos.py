"""Diverse outlier sampling."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.calling import evaluating, forward
from holdfast.nets.objectives import at_head, class_logits, head_of


class DOS(Objective):
    r"""Cross-entropy with one class more, for outliers: of every kind the one that looks most like a known row.

    .. math:: \ell = -\log p_y(x) - \lambda \, \frac{1}{|S|} \sum_{x' \in S} \log p_{K+1}(x'), \quad
              S = \Big\{ \arg\min_{x' \in C_j} p_{K+1}(x') \Big\}_j

    The network has an output more than there are known classes, the last one. At every step `outliers` are candidates,
    as many or as few as there are (or several a row, (n, m, ...)); k-means on the features before the head, at length
    1, makes as many clusters C of them as `budget` times the rows of the batch. `weight_outliers` is :math:`\lambda`,
    `steps` are those of k-means. In use, a row is unknown where no known class is likely: one minus the largest of the
    first K probabilities.

    Use it when many more outliers are at hand than a step can learn from, most of them of one kind. It fails with
    candidates that hold known classes (the likest ones are learnt first), and gains nothing over random ones where all
    candidates are alike or easy.

    >>> batch = {"inputs": torch.zeros(1, 2), "y": torch.tensor([0]), "outliers": torch.tensor([[0.0, 1.0986]])}
    >>> net = nn.Linear(2, 2, bias=False)
    >>> _ = net.weight.data.copy_(torch.eye(2))
    >>> round(DOS(weight_outliers=2.0, budget=0.5, steps=3).loss(net, **batch).item(), 3)     # log 2 + 2 log 4/3
    1.269
    """

    source = "jiang2024dos"
    claims = ("outliers_mostly_of_one_kind",)
    quiet = "none_with_candidates"
    neutral: ClassVar = {"weight_outliers": 0.0}
    weight_outliers: float = 1.0
    budget: float = 1.0
    steps: int = 10

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, outliers: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over rows and the mean over the outliers that were chosen."""
        candidates = (outliers.flatten(0, 1) if outliers.ndim > inputs.ndim else outliers).to(inputs)
        count = min(len(candidates), max(1, round(self.budget * len(y))))
        learnt = candidates[_diverse(*_seen(model, candidates), count, self.steps)]
        absent = head_of(model).out_features - 1
        target = torch.cat([y, torch.full((len(learnt),), absent, device=y.device)])
        losses = functional.cross_entropy(
            class_logits(model, torch.cat([inputs, learnt]), target), target, reduction="none"
        )
        if int(y.max()) == absent:
            raise ValueError(f"y holds class {absent}, the one for outliers: give the model an output more.")
        return losses[: len(y)].mean() + self.weight_outliers * losses[len(y) :].mean()


def _seen(model: nn.Module, candidates: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(m, d) features at length 1 and (m,) probability of the last class, as the network is now."""
    with torch.no_grad(), evaluating(model), at_head(model, lambda features: features) as seen:
        probability = forward(model, candidates).float().softmax(dim=1)[:, -1]
    if not seen:
        raise ValueError("the last linear layer took no part in the forward pass.")
    return functional.normalize(seen[-1].flatten(1).float(), dim=1), probability


def _diverse(features: torch.Tensor, probability: torch.Tensor, count: int, steps: int) -> torch.Tensor:
    """Row numbers: of each of `count` clusters the row with the least probability; an empty cluster has none."""
    centres = features[torch.randperm(len(features))[:count].to(features.device)]
    for _ in range(steps):
        near = _nearest(features, centres)
        sums = torch.zeros_like(centres).index_add_(0, near, features)
        sizes = torch.bincount(near, minlength=count)[:, None]
        centres = torch.where(sizes > 0, sums / sizes.clamp(min=1), centres)
    near = _nearest(features, centres)
    order = torch.argsort(probability, stable=True)
    by_cluster = order[torch.argsort(near[order], stable=True)]
    cluster = near[by_cluster]
    first = torch.ones_like(cluster, dtype=torch.bool)
    first[1:] = cluster[1:] != cluster[:-1]
    return by_cluster[first]


def _nearest(features: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    return (2 * features @ centres.T - centres.square().sum(dim=1)).argmax(dim=1)
