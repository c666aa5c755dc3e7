"""De-biased by independence from a biased network."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.calling import seeded
from holdfast.nets.objectives import logits_and_features
from holdfast.nets.reference import MLP


class ReBias(Objective):
    r"""Features that say nothing of what a network that is biased by design has learnt.

    .. math:: \ell = L(f) + \lambda\, \mathrm{HSIC}(f, \bar g) \; + \; L(g) - \lambda_g\, \mathrm{HSIC}(\bar f, g)

    A bar marks what a term does not change. HSIC is the unbiased estimate with Gaussian kernels whose width is the
    mean distance. g is a network of `width` hidden units, learnt beside f (`parameters()`, on which the loop acts);
    give another by setting `biased_` after `fit`. `strength` is lambda, `follow` lambda_g.

    Use it when the shortcut is simpler than the task, so that a network too small for the task shows it. It fails
    where small networks learn the task too, and with batches of a few rows, on which independence cannot be measured.

    >>> objective = ReBias(width=2, strength=0.0, follow=0.0, seed=1).fit(torch.zeros(8, 3), [0, 1] * 4)
    >>> net = nn.Sequential(nn.Linear(3, 2))
    >>> _ = [p.data.zero_() for p in (*net.parameters(), *objective.parameters())]
    >>> round(objective.loss(net, torch.zeros(8, 3), torch.tensor([0, 1] * 4)).item(), 4)   # log 2 twice
    1.3863
    """

    source = "bahng2020learning"
    claims = ("shortcut",)
    strength: float = 10.0
    follow: float = 1.0
    width: int = 2
    seed: int = 0

    def fit(self, inputs: torch.Tensor, y: Any) -> Self:
        """Make the biased network for inputs of this shape and so many classes."""
        with seeded(self.seed):
            self.biased_ = MLP(inputs[0].numel(), int(y.max()) + 1, width=self.width, depth=1)
        return self

    def parameters(self) -> list[nn.Parameter]:
        """What the biased network learns with."""
        return list(self.biased_.parameters())

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """Both networks' losses together."""
        logits, features = logits_and_features(model, inputs, y)
        self.biased_.to(logits.device)
        hidden = self.biased_.body(inputs.flatten(1))
        guess = self.biased_.head(hidden)
        total = functional.cross_entropy(logits, y) + functional.cross_entropy(guess.float(), y)
        if len(y) < 4:
            return total
        apart = self.strength * _hsic(features, hidden.detach())
        return total + apart - self.follow * _hsic(features.detach(), hidden)


def _hsic(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """The unbiased estimate of the Hilbert-Schmidt independence criterion; needs four rows."""
    n = len(one)
    off = 1 - torch.eye(n, device=one.device)
    ours, theirs = (_kernel(values.float()) * off for values in (one, other))
    mixed = (ours @ theirs).sum()
    return (
        (ours * theirs).sum() + ours.sum() * theirs.sum() / ((n - 1) * (n - 2)) - 2 * mixed / (n - 2)
    ) / (n * (n - 3))  # fmt: skip


def _kernel(values: torch.Tensor) -> torch.Tensor:
    lengths = values.square().sum(1)
    squares = (lengths[:, None] + lengths[None] - 2 * values @ values.T).clamp(min=0)
    return torch.exp(-squares / (squares.mean().detach() + 1e-9))
