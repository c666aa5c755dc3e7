"""Just train twice."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.batches import whole
from holdfast.nets.calling import evaluating, forward
from holdfast.nets.objectives import CrossEntropy, class_logits
from holdfast.nets.training import fit


class JTT(Objective):
    r"""What a first, short training gets wrong counts more in the second.

    .. math:: E = \{i : \hat y^{(T)}_i \ne y_i\}, \qquad
       \ell = \frac1n \sum_i \big(1 + (\lambda - 1)\, \mathbb 1[i \in E]\big)\, \ell(x_i, y_i)

    `fit` trains a copy of the network for `epochs` (T) epochs by plain cross-entropy; `upweight` is lambda; `errors_`
    says which rows are in E.

    Use it when a shortcut is suspected, groups are not known, and few labels are wrong. It fails where labels are
    wrong: those are the rows that count more (with four in ten wrong, accuracy falls from .84 to .17); and where the
    first training is long enough to fit every row.

    Rows that the network, as it is, gets wrong (no epoch of training) count three times: (3 log 4 + 0.288) / 2.

    >>> still, batch = nn.Identity(), {"inputs": torch.tensor([[1.0986, 0.0]] * 2), "y": torch.tensor([1, 0])}
    >>> objective = JTT(epochs=0, upweight=3.0).fit(still, [{**batch, "row": torch.arange(2)}])
    >>> objective.errors_.tolist(), round(objective.loss(still, row=torch.arange(2), **batch).item(), 3)
    ([True, False], 2.223)
    """

    source = "liu2021just"
    claims = ("shortcut",)
    epochs: int = 3
    upweight: float = 10.0
    rate: float = 0.003
    silent = ("rate",)  # which rows are wrong early on may not hang on it

    def fit(self, model: nn.Module, loader: Any) -> Self:
        """The short training, and what it gets wrong."""
        first = model
        if self.epochs:
            made = lambda parameters: torch.optim.AdamW(parameters, lr=self.rate)  # noqa: E731
            first = fit(model, CrossEntropy(), loader, epochs=self.epochs, optimizer=made, device="cpu").model
        every = whole(loader)
        with torch.no_grad(), evaluating(first):
            self.errors_ = forward(first, every["inputs"]).argmax(1) != every["y"]
        return self

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, row: torch.Tensor, **_: Any) -> torch.Tensor:
        """The weighted mean over the batch, as if rows in E were repeated."""
        losses = functional.cross_entropy(class_logits(model, inputs, y), y, reduction="none")
        weights = 1 + (self.upweight - 1) * self.errors_.to(losses.device)[row].float()
        return (weights * losses).mean()
