"""Pseudo-labels of a pool without labels, for imbalanced classes."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets import fit
from holdfast.nets.batches import whole
from holdfast.nets.calling import evaluating, forward
from holdfast.nets.objectives import class_logits, counts_for
from holdfast.training.logit_adjustment import LogitAdjustment


class PseudoLabels(Objective):
    r"""Rows without labels are learnt under those that a first network gives them, beside the labelled ones.

    .. math:: \ell = \frac1n \sum_i \ell_\tau(x_i, y_i) + \frac{\omega}{n} \sum_j \ell_\tau\big(u_j, \hat y(u_j)\big)

    :math:`\ell_\tau` is the cross-entropy of logits to which `tau` times the log share of every class was added, shares
    counted over labels and pseudo-labels; `weight` is omega. `fit` trains a copy of the network on the labelled rows by
    the same loss for `epochs` epochs and labels `unlabelled`, (m, ...) inputs of one tensor; every step draws as many
    of them as the batch has rows.

    Use it when labels have a long tail and unlabelled rows of the same kinds, tail included, are at hand. It fails
    where these are of other kinds, and where the first network is wrong about most of the tail: it then learns its own
    mistakes. Twice the steps on labels alone may gain as much (`reproduce/yang2020rethinking.py`).

    A labelled row under no opinion, and pool rows that the network itself is sure of: log 2 and next to nothing.

    >>> still, batch = nn.Identity(), {"inputs": torch.tensor([[0.0, 0.0], [0.0, 0.0]]), "y": torch.tensor([0, 1])}
    >>> objective = PseudoLabels(weight=0.5, tau=0.0, epochs=0, rate=0.1)
    >>> _ = objective.fit(still, [batch], unlabelled=torch.tensor([[9.0, 0.0]]))
    >>> objective.labels_.tolist(), round(objective.loss(still, **batch).exp().item(), 3)
    ([0], 2.0)
    """

    source = "yang2020rethinking"
    claims = ("imbalanced_with_a_pool",)
    quiet = "none_with_a_pool"
    neutral: ClassVar = {"weight": 0.0, "tau": 0.0}
    weight: float = 1.0
    tau: float = 1.0
    epochs: int = 40
    rate: float = 0.003
    silent = ("rate",)  # which label a row is given may not hang on it

    def fit(self, model: nn.Module, loader: Any, unlabelled: torch.Tensor) -> Self:
        """Label the pool by a network trained on the labelled rows."""
        y = whole(loader)["y"]
        first = model
        if self.epochs:
            way, made = LogitAdjustment(tau=self.tau).fit(y=y.numpy()), partial(torch.optim.AdamW, lr=self.rate)
            first = fit(model, way, loader, epochs=self.epochs, optimizer=made, device="cpu").model
        self.pool_ = torch.as_tensor(unlabelled)
        with torch.no_grad(), evaluating(first):
            self.labels_ = forward(first, self.pool_).argmax(1)
        both = torch.cat([y, self.labels_]) if self.weight else y
        self.counts_ = np.bincount(both.numpy())
        return self

    def loss(self, model: nn.Module, inputs: torch.Tensor, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the batch, and over as many rows of the pool."""
        own = self._adjusted(class_logits(model, inputs, y), y)
        if not self.weight:
            return own
        drawn = torch.randint(len(self.labels_), (len(y),))
        said = self.labels_[drawn].to(y.device)
        return own + self.weight * self._adjusted(class_logits(model, self.pool_[drawn].to(y.device), said), said)

    def _adjusted(self, logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        counts = counts_for(self.counts_, logits).clamp(min=0.5)
        return functional.cross_entropy(logits + self.tau * (counts / counts.sum()).log(), y)
