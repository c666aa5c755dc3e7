"""Entropy minimisation at test time."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from holdfast.adaptation._adapter import NormLearner
from holdfast.adaptation._adapting import Batch
from holdfast.adaptation._learning import entropy


class Tent(NormLearner):
    r"""The weights of normalisation layers move to where the model's answers are certain.

    .. math:: \min_{\gamma, \beta} \frac{1}{n} \sum_i H\big(p(\cdot \mid x_i)\big)

    One step of Adam with `rate` a batch, `steps` of them; BatchNorm layers take their statistics from the rows met,
    over `span` of them where batches are smaller (such batches move the weights by their share). The answer is that
    of before the last step, as in the paper.

    Use it when batches are random samples of shifted data; it also serves GroupNorm and LayerNorm. It fails on long
    streams (certainty is also had by one class for all), on small batches and on rows sorted by class; the `gate`
    notices and goes back to the frozen model.

    >>> from torch import nn
    >>> norm = nn.Sequential(nn.LayerNorm(2), nn.Flatten())
    >>> made = Tent(rate=0.5, steps=3, span=4, gate=False).edit(norm)
    >>> first, again = (made(torch.tensor([[3.0, 1.0]])) for _ in range(2))
    >>> bool(again[0, 0] - again[0, 1] > first[0, 0] - first[0, 1])
    True
    """

    source = "wang2021tent"
    claims = ("corrupted", "small_batches", "single_images", "repeated")
    steps: int = 1

    def step(self, state: SimpleNamespace, batch: Batch) -> torch.Tensor:
        """Descend the mean entropy of the batch."""
        for _ in range(self.steps):
            logits = super().step(state, batch)
        return logits

    def loss(self, state: SimpleNamespace, batch: Batch, logits: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """The mean entropy."""
        return entropy(logits).mean()
