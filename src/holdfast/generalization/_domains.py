"""Rows of a batch by the domain they come from."""

from __future__ import annotations

import torch
from torch.nn import functional

from holdfast.core import Objective


class LatePenalty(Objective, abstract=True):
    """An objective whose `penalty` is in force from epoch `start` on; outside of a training it always is."""

    penalty: float
    start: int

    def start_epoch(self, epoch: int) -> None:
        """The penalty may come in late."""
        self.epoch_ = epoch

    @property
    def force(self) -> float:
        """The penalty as it counts now."""
        return self.penalty if getattr(self, "epoch_", self.start) >= self.start else 0.0


def parts(group: torch.Tensor, rows: int) -> list[torch.Tensor]:
    """Row numbers of every domain in the batch, in the order of the domains' codes."""
    if group.shape != (rows,):
        raise ValueError(f"group has shape {tuple(group.shape)}; expected the domain of each of the {rows} rows.")
    return [torch.nonzero(group == code)[:, 0] for code in torch.unique(group)]


def losses_by_domain(logits: torch.Tensor, y: torch.Tensor, group: torch.Tensor) -> torch.Tensor:
    """(domains,) mean cross-entropy of every domain in the batch."""
    losses = functional.cross_entropy(logits, y, reduction="none")
    return torch.stack([losses[rows].mean() for rows in parts(group, len(y))])
