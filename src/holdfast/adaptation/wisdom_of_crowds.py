"""Entropy minimisation on rows whose answer the adapted model does not doubt more than the source model."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import torch
from torch import nn

from holdfast.adaptation._adapter import NormLearner
from holdfast.adaptation._adapting import Batch
from holdfast.adaptation._learning import entropy, learner
from holdfast.nets.calling import forward


class WisdomOfCrowds(NormLearner):
    r"""TENT on the rows whose own answer has not lost probability since adaptation began.

    .. math:: S = \{i : p^\theta_{\hat y_i}(x_i) \ge p^{\theta_0}_{\hat y_i}(x_i)\}, \quad
              \hat y_i = \arg\max_c p^{\theta_0}_c(x_i)

    :math:`\theta_0` are the weights before adaptation; both see the same normalisation statistics. A row that is wrong,
    or of no known class, goes against what the other rows teach, and its probability falls.

    Use it on long streams, and where rows of unknown classes come in between. It fails in the first steps, when nothing
    has moved and every row passes, and where most rows are wrong together; it costs one more forward pass than `Tent`.

    >>> made = WisdomOfCrowds(rate=0.5, span=1, gate=False).edit(nn.LayerNorm(2))
    >>> first, again = (made(torch.tensor([[3.0, 1.0]])) for _ in range(2))
    >>> bool(again[0, 0] - again[0, 1] > first[0, 0] - first[0, 1])
    True
    """

    source = "lee2023wisdom"
    claims = ("corrupted", "small_batches", "repeated")

    def start(self, model: nn.Module) -> SimpleNamespace:
        """The model that learns and its twin that does not."""
        twin = copy.deepcopy(model)
        state = super().start(model)
        state.twin = learner(twin, 0.0, self.span, type(self).__name__).model
        return state

    def loss(self, state: SimpleNamespace, batch: Batch, logits: torch.Tensor) -> torch.Tensor | None:
        """The entropy of rows that the others confirm."""
        with torch.no_grad():
            before = forward(state.twin, batch.inputs).float().softmax(1)
        answer = before.argmax(1, keepdim=True)
        now = logits.detach().float().softmax(1)
        chosen = (now.gather(1, answer) >= before.gather(1, answer))[:, 0]
        return entropy(logits)[chosen].mean() if bool(chosen.any()) else None
