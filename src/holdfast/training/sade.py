"""Self-supervised aggregation of diverse experts."""

from __future__ import annotations

import copy
from typing import Any, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.calling import evaluating, forward
from holdfast.nets.objectives import counts_for, head_of, logits_and_features

VIEWS = 2


class SADE(Objective):
    r"""Three heads on one body, for a long tail, for equal classes and for the tail turned round; weighed when met.

    .. math:: \ell = \ell(f^1, y) + \ell(f^2 + \log \pi, y) + \ell(f^3 + \log \pi - \lambda \log \bar\pi, y), \qquad
       w^\star = \arg\max_w \sum_x \cos\big(p_w(x_1'), p_w(x_2')\big)

    :math:`\pi` are the shares of the classes, :math:`\bar\pi` the same with the ranks of classes reversed; `tilt` is
    lambda. The first expert is the network's own head; `assembled(model)` is the network with the mean of the three.
    `aggregated(model, inputs)` weighs them by how alike they answer two disturbed views (noise of `spread` times the
    spread of the inputs) of unlabelled rows that were met, in `steps` steps; `shares_` are the weights.

    Use it when training has a long tail and nobody knows the shares of classes in use. It fails to choose experts from
    a few dozen rows, and where disturbing the inputs does not blur what the classes differ in.

    No opinion, three experts and shares 3 to 1, for a rare row: log 2 + log 4 + log(1 + 27) at a tilt of 2.

    >>> objective = SADE(tilt=2.0, spread=0.1, steps=5, seed=1).fit(nn.Sequential(nn.Linear(1, 2)), y=[0, 0, 0, 1])
    >>> net = nn.Sequential(nn.Linear(1, 2))
    >>> _ = [p.data.zero_() for p in (*net.parameters(), *objective.parameters())]
    >>> round(objective.loss(net, torch.zeros(1, 1), torch.tensor([1])).exp().item(), 3)
    224.0
    """

    source = "zhang2022selfsupervised"
    claims = ("imbalanced",)
    silent = ("spread", "steps", "seed")  # of the aggregation: tested by the family
    tilt: float = 1.0
    spread: float = 0.5
    steps: int = 100
    seed: int = 0

    def fit(self, model: nn.Module, y: np.ndarray) -> Self:
        """Count the classes and make two heads more, as the network's own."""
        self.counts_ = np.bincount(y)
        self.heads_ = nn.ModuleList(copy.deepcopy(head_of(model)) for _ in range(2))
        return self

    def parameters(self) -> list[nn.Parameter]:
        """Those of the two further heads."""
        return list(self.heads_.parameters())

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """The sum over the experts of the means over the batch."""
        logits, features = logits_and_features(model, inputs, y)
        heads = self.heads_.to(logits.device)
        counts = counts_for(self.counts_, logits).clamp(min=0.5)
        prior = (counts / counts.sum()).log()
        turned = torch.empty_like(prior)
        turned[prior.argsort()] = prior.sort(descending=True).values
        even = heads[0](features).float() + prior
        inverse = heads[1](features).float() + prior - self.tilt * turned
        return sum((functional.cross_entropy(part, y) for part in (logits, even, inverse)), logits.new_zeros(()))

    def assembled(self, model: nn.Module, shares: torch.Tensor | None = None) -> nn.Module:
        """A copy whose head is the weighted mean of the three experts."""
        weights = torch.full((3,), 1 / 3) if shares is None else shares
        made = copy.deepcopy(model)
        heads = [head_of(made), *self.heads_.to(next(made.parameters()).device)]
        for parts in zip(*(head.parameters() for head in heads), strict=True):
            mean = torch.stack([weight * part.data for weight, part in zip(weights, parts, strict=True)]).sum(0)
            parts[0].data.copy_(mean)
        return made.eval()

    def aggregated(self, model: nn.Module, inputs: torch.Tensor) -> nn.Module:
        """A copy whose experts are weighed for these unlabelled rows."""
        rng = torch.Generator().manual_seed(self.seed)
        noise = self.spread * float(inputs.std())
        logits = []
        for _ in range(VIEWS):
            view = inputs + noise * torch.randn(inputs.shape, generator=rng).to(inputs)
            with torch.no_grad(), evaluating(model):
                experts = [self.assembled(model, row) for row in torch.eye(3)]
                logits.append(torch.stack([forward(expert, view).float() for expert in experts]))
        raw = torch.zeros(3, requires_grad=True)
        optimizer = torch.optim.Adam([raw], lr=0.05)
        for _ in range(self.steps):
            one, other = (torch.einsum("e,enk->nk", raw.softmax(0), view.cpu()).softmax(1) for view in logits)
            alike = functional.cosine_similarity(one, other, dim=1).mean()
            (raw.grad,) = torch.autograd.grad(-alike, [raw])
            optimizer.step()
            if float(raw.detach().softmax(0).min()) < 0.05:
                break
        self.shares_ = raw.detach().softmax(0)
        return self.assembled(model, self.shares_)
