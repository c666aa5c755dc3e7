"""Entropy of pairs of classes minimised over blended normalisation statistics."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from torch import nn

from holdfast.adaptation._adapter import NormLearner
from holdfast.adaptation._adapting import Batch
from holdfast.adaptation._learning import optimized
from holdfast.adaptation._norms import FollowingNorm, norm_parameters, with_norms


class Core(NormLearner):
    r"""Alpha-BN, whose layers also learn so that no row is shared between two classes.

    .. math:: \min_{\gamma, \beta} \frac1n \sum_{c \ne c'} (P^\top P)_{cc'} = \min \frac1n \sum_i \Big(1 - \sum_c
              p_{ic}^2\Big)

    P are the probabilities of the batch; `alpha` is the share of the source in the normalisation statistics. The
    gradient vanishes where all classes are equally likely, so that hopeless rows teach nothing, unlike in `Tent`.

    Use it in place of `Tent` with BatchNorm under mild shift, where the source's statistics still count. It fails
    without BatchNorm (refused), and on sorted streams, where the `gate` gives the frozen model's answers.

    >>> norm = nn.Sequential(nn.BatchNorm1d(2))
    >>> made = Core(alpha=0.5, rate=0.5, span=2, gate=False).edit(norm)
    >>> first, again = (made(torch.tensor([[3.0, 1.0], [0.0, 2.0]])).softmax(1).max(1).values for _ in range(2))
    >>> bool((again > first).all())
    True
    """

    source = "you2021alpha"
    claims = ("corrupted", "small_batches", "repeated")
    alpha: float = 0.3

    def start(self, model: nn.Module) -> SimpleNamespace:
        """The model with layers that blend and learn."""
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"alpha is {self.alpha!r}; expected a share between 0 and 1, 1 = the source's statistics.")
        who = type(self).__name__
        made = with_norms(model, lambda norm: FollowingNorm(norm, self.alpha, self.span), who)
        return optimized(made, norm_parameters(made, who), self.rate, self.span)

    def loss(self, state: SimpleNamespace, batch: Batch, logits: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """Off-diagonal mass of the classes' correlation."""
        return (1 - logits.float().softmax(1).square().sum(1)).mean()
