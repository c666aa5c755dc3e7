"""Source-free adaptation: a network learns from unlabelled rows alone, by what it already believes of them."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from holdfast.adaptation._learning import entropy
from holdfast.nets import Batches, fit
from holdfast.nets.calling import device_of, evaluating, forward
from holdfast.nets.objectives import at_head, head_of


def adapted_to(model: nn.Module, rows: torch.Tensor, epochs: int, rate: float, seed: int) -> nn.Module:
    """A copy of which all but the head learnt from the rows, by information maximisation with pseudo-labels."""
    made = copy.deepcopy(model).requires_grad_(True)
    head_of(made).requires_grad_(False)
    if not any(part.requires_grad for part in made.parameters()):
        raise ValueError("the model is one linear layer; what adapts without labels comes before the last one.")
    loader = Batches(rows, batch_size=64, shuffle=True, drop_last=len(rows) > 64, seed=seed)
    return fit(
        made, _Sure(rows), loader, epochs=epochs, optimizer=partial(torch.optim.Adam, lr=rate), seed=seed,
        device=device_of(model), in_place=True,
    ).model  # fmt: skip


class _Sure:
    """Sure of every row, diverse over all, and true to pseudo-labels that are drawn anew every epoch."""

    def __init__(self, rows: torch.Tensor) -> None:
        self.rows, self.told = rows, torch.empty(0)

    def start_epoch(self, epoch: int) -> None:  # noqa: ARG002
        """The pseudo-labels are out of date."""
        self.told = torch.empty(0)

    def loss(self, model: nn.Module, inputs: torch.Tensor, row: torch.Tensor, **_: Any) -> torch.Tensor:
        """The entropy of an answer, less that of the mean answer, and a third of the cross-entropy."""
        if not len(self.told):
            self.told = _nearest_centre(model, self.rows)
        logits = forward(model, inputs).float()
        mean = logits.softmax(1).mean(0, keepdim=True)
        decided = entropy(logits).mean() - entropy(mean.clamp_min(1e-12).log()).mean()
        return decided + 0.3 * functional.cross_entropy(logits, self.told[row])


@torch.no_grad()
def _nearest_centre(model: nn.Module, rows: torch.Tensor) -> torch.Tensor:
    """(n,) the class whose centre is nearest by angle; centres are made of probabilities, then of labels."""
    with evaluating(model), at_head(model, lambda given: given) as seen:
        belief = forward(model, rows).float().softmax(1)
    features = functional.normalize(seen[0].float().flatten(1), dim=1)
    for _ in range(2):
        centres = functional.normalize(belief.T @ features, dim=1)
        alike = (features @ centres.T).masked_fill(belief.sum(0) < 1e-6, -2.0)
        belief = functional.one_hot(alike.argmax(1), belief.shape[1]).float()
    return alike.argmax(1)
