"""SelMix: selective mixup for metrics of the confusion matrix."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.calling import evaluating
from holdfast.nets.objectives import head_of, logits_and_features, one_hot


class SelMix(Objective):
    r"""Features are mixed between those classes whose mixing raises a metric of the confusion matrix.

    .. math:: G_{ij} = \sum_{k,l} \frac{\partial \psi}{\partial A_{kl}}\, \zeta_{ij}^{\top} z_k\,
       (\mathbb 1[l = i] - p_l(\zeta_{ij})), \qquad P_{ij} \propto e^{G_{ij} / (T \max G)}\, \mathbb 1[G_{ij} > 0]

    A are the logits by which a class is confused, z the mean features of every class and :math:`\zeta_{ij}` their mean
    mix, all measured on trusted rows (`ref_X`, `ref_y`) once an epoch. From epoch `warm_up` on a pair of classes is
    drawn from P for every row of the batch, and a row of i, mixed with a share of up to 1 - `least` of a row of j,
    keeps the label of i. The metric is the "mean_recall", or the "worst_recall" by multipliers that grow with `step`.

    Use it when a trained network is to serve another metric than accuracy and some rows are there to measure it on. It
    fails where the trusted rows of a class are a handful, or none of them is found (its slope is then 0).

    Nothing is mixed before the warm-up ends:

    >>> objective = SelMix(warm_up=1, temperature=0.1, least=0.5, metric="mean_recall", step=2.0).fit([[0.0]], [0])
    >>> net = nn.Sequential(nn.Linear(1, 2, bias=False))
    >>> round(objective.loss(net, torch.zeros(1, 1), torch.tensor([1])).item(), 4)
    0.6931
    """

    source = "ramasubramanian2024selective"
    claims = ("imbalanced_but_watched",)
    quiet = "none_watched"
    silent = ("warm_up", "temperature", "least", "metric", "step")  # longer than short trainings: see tests/families
    warm_up: int = 25
    temperature: float = 1.0
    least: float = 0.6
    metric: Literal["mean_recall", "worst_recall"] = "worst_recall"
    step: float = 5.0

    def fit(self, ref_X: np.ndarray, ref_y: np.ndarray) -> Self:
        """Keep the trusted rows."""
        self.watched_ = torch.as_tensor(ref_X, dtype=torch.float32), torch.as_tensor(ref_y)
        self.epoch_ = 0
        self.multipliers_: torch.Tensor | None = None
        self.pairs_: torch.Tensor | None = None
        return self

    def start_epoch(self, epoch: int) -> None:
        """The pairs are chosen anew."""
        self.epoch_, self.pairs_ = epoch, None

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the batch, mixed after the warm-up."""
        logits, features = logits_and_features(model, inputs, y)
        if self.epoch_ < self.warm_up:
            return functional.cross_entropy(logits, y)
        if self.pairs_ is None:
            self.pairs_ = self._chosen(model, logits.shape[1])
        many = one_hot(y, logits.shape[1]).sum(0)[y]
        chance = self.pairs_.to(logits.device)[y[:, None], y[None]] / (many[:, None] * many[None])
        pair = torch.multinomial(chance.flatten(), len(y), replacement=True)
        first, second = pair // len(y), pair % len(y)
        share = self.least + (1 - self.least) * torch.rand(len(y), 1, device=logits.device)
        mixed = share * features[first] + (1 - share) * features[second]
        return functional.cross_entropy(head_of(model)(mixed), y[first])

    @torch.no_grad()
    def _chosen(self, model: nn.Module, k: int) -> torch.Tensor:
        """(k, k) chances that a row of i is mixed with a row of j."""
        inputs, y = (part.to(next(model.parameters()).device) for part in self.watched_)
        with evaluating(model):
            logits, features = logits_and_features(model, inputs, y)
        rows = one_hot(y, k)
        sizes = rows.sum(0).clamp(min=1)
        confusion = (rows.T @ one_hot(logits.argmax(1), k)) / sizes[:, None]
        means = rows.T @ features / sizes[:, None]
        share = (1 + self.least) / 2
        mixed = share * means[:, None] + (1 - share) * means[None]
        probs = head_of(model)(mixed).softmax(-1)
        label = torch.eye(k, device=y.device)[:, None]
        moved = torch.einsum("ijd,kd,ijl->ijkl", mixed, means, label - probs)
        gain = torch.einsum("kl,ijkl->ij", self._slope(confusion), moved)
        return torch.where(gain > 0, (gain / (self.temperature * gain.max().clamp(min=1e-9))).exp(), 0.0) + 1e-8

    def _slope(self, confusion: torch.Tensor) -> torch.Tensor:
        """(k, k) how the metric moves with the logits of a class: of its recall, by softmax, times the multiplier."""
        recall, k = confusion.diag(), len(confusion)
        slope = recall[:, None] * (torch.eye(k, device=confusion.device) - confusion)
        if self.metric == "mean_recall":
            return slope / k
        before = torch.ones_like(recall) if self.multipliers_ is None else self.multipliers_
        grown = before * torch.exp(-self.step * recall)
        self.multipliers_ = grown / grown.sum()
        return self.multipliers_[:, None] * slope
