"""Domain-specific risk minimisation."""

from __future__ import annotations

import copy
from typing import Any, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.generalization._domains import parts
from holdfast.nets.calling import device_of, forward
from holdfast.nets.objectives import at_head, head_of, logits_and_features


class DRM(Objective):
    r"""A head for every domain and one for all on one body; when met, the heads that are least in doubt count most.

    .. math:: \ell = \tfrac12\, \bar\ell(f_0) + \tfrac12\, \bar\ell(f_{d(x)}), \qquad
       p(x) = \sum_k w_k\, p_k(x), \quad w \propto e^{-H_k / T}

    :math:`f_0` is the network's own head, :math:`H_k` the entropy of head k's answers: their mean over the rows that
    are given at once (`together`), or each row's own; `temperature` is T. Domains are `group`, codes from 0.
    `assembled(model)` is the network with all heads; it gives logarithms of p. Inputs are one tensor.

    Use it when what tells the classes apart contradicts itself between the training domains, and new rows come in
    batches from a domain that is like one of them. It fails where the body sees by itself from which domain a
    row is, since plain training then learns all of it, with rows of several domains in a batch, and row by row.

    No opinion in either head: log 2.

    >>> net = nn.Sequential(nn.Linear(1, 2))
    >>> objective = DRM(temperature=0.1, together=False).fit(net, group=[0, 1])
    >>> _ = [p.data.zero_() for p in (*net.parameters(), *objective.parameters())]
    >>> x, y, group = torch.ones(2, 1), torch.tensor([0, 1]), torch.tensor([0, 1])
    >>> round(objective.loss(net, x, y, group).item(), 4)
    0.6931
    >>> _ = objective.heads_[1].bias.data.copy_(torch.tensor([0.0, 4.0]))      # sure, so it has nearly all the weight
    >>> [round(p, 2) for p in objective.assembled(net)(x).exp()[0].tolist()]
    [0.02, 0.98]
    """

    source = "zhang2023domain"
    claims = ("opposed_shortcuts",)
    blind = ("rotated",)
    silent = ("temperature", "together")  # of the network that is met: tested by the family
    temperature: float = 0.05
    together: bool = True

    def fit(self, model: nn.Module, group: np.ndarray) -> Self:
        """Make a head for every domain, as the network's own."""
        count = int(np.max(group)) + 1
        self.heads_ = nn.ModuleList(copy.deepcopy(head_of(model)) for _ in range(count))
        return self

    def parameters(self) -> list[nn.Parameter]:
        """Those of the domains' heads."""
        return list(self.heads_.parameters())

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, group: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the batch."""
        logits, features = logits_and_features(model, inputs, y)
        heads = self.heads_.to(logits.device)
        own = torch.zeros_like(logits)
        for rows in parts(group, len(y)):
            own[rows] = heads[self._code(int(group[rows[0]]))](features[rows]).float()
        return (functional.cross_entropy(logits, y) + functional.cross_entropy(own, y)) / 2

    def _code(self, code: int) -> int:
        if not 0 <= code < len(self.heads_):
            raise ValueError(f"group holds domain {code}, but fit saw domains 0..{len(self.heads_) - 1}.")
        return code

    def assembled(self, model: nn.Module) -> nn.Module:
        """The body with all heads as one module."""
        heads = self.heads_.to(device_of(model))
        return copy.deepcopy(_Whole(model, heads, self.temperature, self.together)).eval()


class _Whole(nn.Module):
    def __init__(self, model: nn.Module, heads: nn.ModuleList, temperature: float, together: bool) -> None:
        super().__init__()
        self.model, self.heads = model, heads
        self.temperature, self.together = temperature, together

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """(n, k) logarithms of the mixed probabilities."""
        with at_head(self.model, lambda features: features) as seen:
            own = forward(self.model, inputs).float()
        every = torch.stack([own, *(head(seen[-1]).float() for head in self.heads)]).log_softmax(dim=2)
        doubt = -(every.exp() * every).sum(dim=2)
        if self.together:
            doubt = doubt.mean(dim=1, keepdim=True)
        return torch.logsumexp(every + (-doubt / self.temperature).log_softmax(dim=0)[..., None], dim=0)
