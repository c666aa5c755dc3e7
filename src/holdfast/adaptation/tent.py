"""Entropy minimisation at test time."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from torch import nn

from holdfast.adaptation._adapting import Adapting, Batch
from holdfast.adaptation._learning import entropy, learn, learner
from holdfast.core import Editor


class Tent(Editor):
    r"""The weights of normalisation layers move to where the model's answers are certain.

    .. math:: \min_{\gamma, \beta} \frac{1}{n} \sum_i H\big(p(\cdot \mid x_i)\big)

    One step of Adam with `rate` a batch, `steps` of them; BatchNorm layers take their statistics from the rows met,
    over `span` of them where batches are smaller (such batches move the weights by their share). The answer is that
    of before the last step, as in the paper.

    Use it when batches are random samples of shifted data; it also serves GroupNorm and LayerNorm. It fails on long
    streams (certainty is also had by one class for all), on small batches and on rows sorted by class; the `gate`
    notices and goes back to the frozen model.

    >>> norm = nn.Sequential(nn.LayerNorm(2), nn.Flatten())
    >>> made = Tent(rate=0.5, steps=3, span=4, gate=False).edit(norm)
    >>> first, again = (made(torch.tensor([[3.0, 1.0]])) for _ in range(2))
    >>> bool(again[0, 0] - again[0, 1] > first[0, 0] - first[0, 1])
    True
    """

    source = "wang2021tent"
    adapts = True
    claims = ("corrupted", "small_batches", "single_images", "repeated")
    rate: float = 1e-3
    steps: int = 1
    span: int = 64
    gate: bool = True

    def edit(self, model: nn.Module) -> Adapting:
        """A copy that adapts whenever it is called."""
        return Adapting(model, self, self.gate)

    def start(self, model: nn.Module) -> SimpleNamespace:
        """The model with its optimiser."""
        return learner(model, self.rate, self.span, type(self).__name__)

    def step(self, state: SimpleNamespace, batch: Batch) -> torch.Tensor:
        """Descend the mean entropy of the batch."""
        for _ in range(self.steps):
            logits = learn(state, batch.inputs, lambda logits: entropy(logits).mean())
        return logits
