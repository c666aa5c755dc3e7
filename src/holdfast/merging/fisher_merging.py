"""Means weighted by how much every weight matters to its model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from holdfast.core import Editor
from holdfast.merging._models import Model, merged, state_of


class FisherMerging(Editor):
    r"""A mean of models in which every weight counts by its Fisher information.

    .. math:: \theta = \frac{\sum_t F_t\,\theta_t}{\sum_t F_t}

    Use it when models know different things and some rows of each one's data are at hand: a weight that only one of
    them needs is taken from that one. It fails where the Fisher information is nearly zero everywhere (a model that is
    certain of its training rows), and where models do not share a basin.

    `fishers` are the diagonals, one a model, by parameter name (`holdfast.nets.fisher.diagonal_fisher`); tensors
    without one (statistics of normalisation) are averaged. `floor` is added to every diagonal, as a share of its own
    mean, so that weights that matter to no model are averaged too.

    >>> one, two = {"w": torch.tensor([1.0, 1.0])}, {"w": torch.tensor([3.0, 3.0])}
    >>> sharp, flat = {"w": torch.tensor([3.0, 1.0])}, {"w": torch.tensor([1.0, 1.0])}
    >>> FisherMerging(floor=0.0).edit([one, two], [sharp, flat])["w"].tolist()
    [1.5, 2.0]
    """

    source = "matena2022fisher"
    claims = ("three_tasks",)
    floor: float = 1e-3

    def edit(self, models: Sequence[Model], fishers: Sequence[Model], out: str | None = None) -> Any:
        """The merged model."""
        if len(models) != len(fishers):
            raise ValueError(f"{len(models)} models, but {len(fishers)} Fisher diagonals; expected one for each model.")
        diagonals = [state_of(fisher) for fisher in fishers]

        def rule(name: str, tensors: list[torch.Tensor]) -> torch.Tensor:
            weights = [self._weight(diagonal, name, tensors[0]) for diagonal in diagonals]
            total = sum(weights, torch.zeros_like(weights[0]))
            mixed = sum((w * t.float() for w, t in zip(weights, tensors, strict=True)), torch.zeros_like(weights[0]))
            plain = torch.stack([tensor.float() for tensor in tensors]).mean(0)
            return torch.where(total > 0, mixed / total.clamp(min=torch.finfo(torch.float32).tiny), plain)

        return merged(models, rule, out)

    def _weight(self, diagonal: Any, name: str, like: torch.Tensor) -> torch.Tensor:
        if name not in diagonal:
            return torch.ones_like(like, dtype=torch.float32)
        return diagonal[name].float() + self.floor * diagonal[name].float().mean()
