"""Repeated sampling of random subsets (RS2)."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.objectives import class_logits


class RepeatedRandomSampling(Objective):
    r"""Every epoch another random share of the rows, without replacement until all were used.

    .. math:: S_t = \pi\big[(t - 1) r n : t\, r n\big], \qquad
       \ell = \frac{1}{|S_t \cap B|} \sum_{i \in S_t \cap B} \ell_i

    `share` is r; the permutation is drawn anew when it is used up. Rows that are not in turn cost no pass; `passes_`
    counts the others. Inputs are one tensor.

    Use it when passes are scarce: it is the bar that any choice of rows has to beat, and most do not. It fails when
    storage, not passes, is scarce: over the epochs all rows are needed.

    Half of four rows in turn: the mean over those two.

    >>> objective = RepeatedRandomSampling(share=0.5).fit([{"row": torch.arange(4)}])
    >>> objective.start_epoch(0)
    >>> first = objective.turn_.clone()
    >>> objective.start_epoch(1)
    >>> (first | objective.turn_).tolist()
    [True, True, True, True]
    """

    source = "okanovic2024repeated"
    claims = ("fixed_half",)
    quiet = "all_rows"
    share: float = 0.5

    def fit(self, loader: Any) -> Self:
        """Count the rows."""
        n = getattr(loader, "rows", None) or sum(len(batch["row"]) for batch in loader)
        self.turn_, self.left_, self.passes_ = torch.ones(n, dtype=torch.bool), torch.zeros(0, dtype=torch.long), 0
        return self

    def start_epoch(self, epoch: int) -> None:  # noqa: ARG002
        """The next share of the permutation."""
        wanted = max(1, round(self.share * len(self.turn_)))
        chosen = self.left_[:wanted]
        self.left_ = self.left_[wanted:]
        while len(chosen) < wanted:
            order = torch.randperm(len(self.turn_))
            again = torch.isin(order, chosen)
            order = torch.cat([order[~again], order[again]])
            more = wanted - len(chosen)
            chosen, self.left_ = torch.cat([chosen, order[:more]]), order[more:]
        self.turn_ = torch.zeros(len(self.turn_), dtype=torch.bool).index_fill_(0, chosen, True)

    def loss(
        self, model: nn.Module, inputs: torch.Tensor, y: torch.Tensor, row: torch.Tensor, **_: Any
    ) -> torch.Tensor:
        """The mean over the rows of the batch that are in turn; 0 where none is."""
        if len(y) != len(row):
            raise ValueError(f"y has {len(y)} rows, but row has {len(row)}.")
        kept = torch.nonzero(self.turn_[row.cpu()])[:, 0].to(y.device)
        self.passes_ += len(kept)
        if not len(kept):
            return 0 * functional.cross_entropy(class_logits(model, inputs[:1], y[:1]), y[:1])
        return functional.cross_entropy(class_logits(model, inputs[kept], y[kept]), y[kept])
