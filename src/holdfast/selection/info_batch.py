"""InfoBatch: unbiased dynamic data pruning."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.objectives import class_logits


class InfoBatch(Objective):
    r"""Rows with a last loss below the mean are often left out; those that stay weigh more, so that nothing is biased.

    .. math:: P(\text{left out}) = r\, \mathbb 1[\ell_i < \bar\ell], \qquad
       \ell = \frac1n \sum_{i\ \text{kept}} \frac{\ell_i}{1 - r\, \mathbb 1[\ell_i < \bar\ell]}

    `share` is r. The choice is made anew every epoch; from epoch `until` on all rows are used. Rows left out cost no
    pass; `passes_` counts the others. Inputs are one tensor.

    Use it when training is long and most rows are easy: on digits the accuracy is that of all rows (.943) for 70 % of
    the passes; `RepeatedRandomSampling` has the same there for half of them. It fails with few epochs (rows must have
    been met to be known) and where the mean loss says little, as with wrong labels, which are never left out.

    Row 0 is easy and was left out, row 1 is hard and its loss is divided by the size of the batch:

    >>> objective = InfoBatch(share=0.5, until=9).fit([{"row": torch.arange(2)}])
    >>> objective.weights_ = torch.tensor([0.0, 1.0])
    >>> batch = {"inputs": torch.zeros(2, 2), "y": torch.tensor([0, 1]), "row": torch.arange(2)}
    >>> round(objective.loss(nn.Identity(), **batch).item(), 4), objective.passes_          # log 2 / 2
    (0.3466, 1)
    """

    source = "qin2024infobatch"
    claims = ("fixed_half",)
    quiet = "all_rows"
    silent = ("until",)  # later than short trainings: tested by the family
    share: float = 0.5
    until: int = 26

    def fit(self, loader: Any) -> Self:
        """Make room for the losses of all rows."""
        n = getattr(loader, "rows", None) or sum(len(batch["row"]) for batch in loader)
        self.losses_, self.weights_, self.passes_ = torch.full((n,), float("inf")), torch.ones(n), 0
        return self

    def start_epoch(self, epoch: int) -> None:
        """Draw which of the easy rows are left out."""
        known = torch.isfinite(self.losses_)
        easy = known & (self.losses_ < self.losses_[known].mean()) if bool(known.any()) else known
        out = easy & (torch.rand(len(easy)) < self.share)
        self.weights_ = torch.where(easy, 1 / (1 - self.share), 1.0).masked_fill(out, 0.0)
        if epoch >= self.until:
            self.weights_ = torch.ones(len(easy))

    def loss(
        self, model: nn.Module, inputs: torch.Tensor, y: torch.Tensor, row: torch.Tensor, **_: Any
    ) -> torch.Tensor:
        """The weighted sum over the rows kept, divided by the size of the batch."""
        if len(y) != len(row):
            raise ValueError(f"y has {len(y)} rows, but row has {len(row)}.")
        weights = self.weights_[row.cpu()]
        kept = torch.nonzero(weights)[:, 0].to(y.device)
        kept = kept if len(kept) else torch.arange(len(y), device=y.device)
        losses = functional.cross_entropy(class_logits(model, inputs[kept], y[kept]), y[kept], reduction="none")
        self.losses_[row[kept].cpu()] = losses.detach().cpu()
        self.passes_ += len(kept)
        return (weights.to(losses)[kept] * losses).sum() / len(y)
