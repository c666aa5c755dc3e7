"""Normalisation statistics between those of training and those of the batch."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from torch import nn

from holdfast.adaptation._adapter import Adapter
from holdfast.adaptation._adapting import Adapting, Batch
from holdfast.adaptation._norms import FollowingNorm, with_norms
from holdfast.nets.calling import forward


class AlphaBN(Adapter):
    r"""BatchNorm layers blend the statistics of training with those of the rows met, by a fixed share.

    .. math:: \mu = \alpha \mu_\text{source} + (1 - \alpha) \mu_\text{rows}, \quad
              \sigma^2 = \alpha \sigma^2_\text{source} + (1 - \alpha) \sigma^2_\text{rows}

    `alpha` is the share of the source; the rows' statistics rest on `span` rows where batches are smaller.

    Use it where batches are small or their classes uneven, so that their own statistics are noisy, and the shift is
    mild. It fails under strong shift with alpha near 1, where little is adapted, and without BatchNorm (refused).

    >>> norm = nn.Sequential(nn.BatchNorm1d(1, affine=False, eps=1e-12))
    >>> made = AlphaBN(alpha=0.75, span=2, gate=False).edit(norm)
    >>> made(torch.tensor([[1.0], [5.0]]))[:, 0].double().round(decimals=2).tolist()  # mean .75, variance 1.75
    [0.19, 3.21]
    """

    source = "you2021alpha"
    claims = ("corrupted", "small_batches", "repeated")
    alpha: float = 0.5
    span: int = 64

    def edit(self, model: nn.Module) -> Adapting:
        """A copy that adapts whenever it is called."""
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"alpha is {self.alpha!r}; expected a share between 0 and 1, 1 = the source's statistics.")
        return super().edit(model)

    def start(self, model: nn.Module) -> SimpleNamespace:
        """The model with layers that blend."""
        made = with_norms(model, lambda norm: FollowingNorm(norm, self.alpha, self.span), type(self).__name__)
        return SimpleNamespace(model=made)

    def step(self, state: SimpleNamespace, batch: Batch) -> torch.Tensor:
        """One forward pass."""
        return forward(state.model, batch.inputs)
