"""Normalisation statistics of the rows that are met."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from torch import nn

from holdfast.adaptation._adapter import Adapter
from holdfast.adaptation._adapting import Batch
from holdfast.adaptation._norms import FollowingNorm, with_norms
from holdfast.nets.calling import forward


class BatchNormAdaptation(Adapter):
    r"""BatchNorm layers take mean and variance from the rows that the model meets instead of those of training.

    .. math:: \mu = \frac{N}{N + n} \mu_\text{source} + \frac{n}{N + n} \mu_\text{rows}, \quad \text{and so } \sigma^2

    `prior` is N, how many rows the source's statistics count for; n is `span`, the rows that statistics rest on:
    batches that large stand for themselves, smaller ones move a running mean. Nothing is learnt by gradients, so the
    cost is that of a forward pass.

    Use it when a network with BatchNorm meets noise, light or contrast that training did not have: it is the cheapest
    adapter and most of what the others gain. It fails without BatchNorm layers (refused) and where batches are not
    random samples, such as streams sorted by class; the `gate` then gives the frozen model's answers.

    >>> norm = nn.Sequential(nn.BatchNorm1d(1, affine=False, eps=1e-12))
    >>> made = BatchNormAdaptation(prior=2, span=2, gate=False).edit(norm)
    >>> made(torch.tensor([[1.0], [3.0]])).round(decimals=2).tolist()  # mean (0 + 2) / 2, variance (1 + 1) / 2
    [[0.0], [2.0]]
    """

    source = "schneider2020improving"
    claims = ("corrupted", "small_batches", "single_images", "repeated")
    prior: int = 0
    span: int = 64

    def start(self, model: nn.Module) -> SimpleNamespace:
        """The model with layers that follow the stream."""
        source = self.prior / (self.prior + self.span)
        made = with_norms(model, lambda norm: FollowingNorm(norm, source, self.span), type(self).__name__)
        return SimpleNamespace(model=made)

    def step(self, state: SimpleNamespace, batch: Batch) -> torch.Tensor:
        """One forward pass."""
        return forward(state.model, batch.inputs)
