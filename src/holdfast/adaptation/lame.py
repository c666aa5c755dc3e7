"""Answers of a batch made to agree with their neighbours."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from torch import nn
from torch.nn import functional

from holdfast.adaptation._adapter import Adapter
from holdfast.adaptation._adapting import Batch


class LAME(Adapter):
    r"""Answers move towards those of rows with similar features; the model itself stays.

    .. math:: z_i \propto q_i \odot \exp\Big(\sum_j w_{ij} z_j\Big), \quad w_{ij} = 1 \text{ where } j
              \text{ is among the } k \text{ nearest of } i

    q are the model's probabilities and distances are between normalised features of one batch; `neighbours` is k. The
    fixed point is iterated `steps` times at most.

    Use it on streams in which neighbours belong together (sorted by class, frames of a film): there it cannot do the
    harm that adapters of weights do. It fails on shuffled streams, where a batch holds many classes and few
    neighbours; the `gate` then gives the frozen model's answers. Batches of one row stay as they are.

    >>> made = LAME(neighbours=1, steps=50, gate=False).edit(nn.Identity())
    >>> made(torch.tensor([[0.1, 0.0], [9.0, 0.0], [9.0, 0.1]])).softmax(1)[0].round(decimals=2).tolist()
    [0.75, 0.25]
    """

    source = "boudiaf2022lame"
    claims = ("sorted_by_class", "sorted_in_small_batches")
    silent = ("steps",)
    watches = True
    wants = "runs"
    neighbours: int = 5
    steps: int = 100

    def start(self, model: nn.Module) -> SimpleNamespace:  # noqa: ARG002
        """Nothing is learnt."""
        return SimpleNamespace()

    def step(self, state: SimpleNamespace, batch: Batch) -> torch.Tensor:  # noqa: ARG002
        """Iterate the answers of the batch to where they agree."""
        given = batch.logits.float().log_softmax(1)
        count = min(self.neighbours, len(given) - 1)
        if count < 1:
            return batch.logits
        features = functional.normalize(batch.features.float().flatten(1), dim=1)
        likeness = (features @ features.T).fill_diagonal_(-torch.inf)
        nearest = torch.zeros_like(likeness).scatter_(1, likeness.nan_to_num(-2.0).topk(count, dim=1).indices, 1.0)
        answers = given.exp()
        for _ in range(self.steps):
            moved = (given + nearest @ answers).softmax(1)
            if bool((moved - answers).abs().max() < 1e-6):
                break
            answers = moved
        return moved.clamp_min(1e-30).log().to(batch.logits.dtype)
