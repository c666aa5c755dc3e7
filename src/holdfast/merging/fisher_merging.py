"""Means weighted by how much every weight matters to its model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from holdfast.core import Editor
from holdfast.merging._models import Model, by_entry, means, merged


class FisherMerging(Editor):
    r"""A mean of models in which every weight counts by its Fisher information.

    .. math:: \theta = \frac{\sum_t F_t\,\theta_t}{\sum_t F_t}

    Use it when models know different things and some rows of each one's data are at hand: a weight that only one of
    them needs is taken from that one. It fails where the Fisher information is nearly zero everywhere (a model that is
    certain of its training rows), and where models do not share a basin.

    `fishers` are the diagonals, one a model, by parameter name (`holdfast.nets.fisher.diagonal_fisher`); tensors
    without one (statistics of normalisation) are averaged. `floor` is added to every diagonal, as a share of its own
    mean, so that weights that matter to no model are averaged too.

    >>> import torch
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
        count = len(models)

        def rule(name: str, entries: list[np.ndarray], mean: list[np.float32]) -> np.ndarray:  # noqa: ARG001
            values, diagonals = entries[:count], entries[count:]
            plain = sum(values[1:], values[0]) / count
            if not diagonals:
                return plain
            weights = [own + self.floor * size for own, size in zip(diagonals, mean, strict=True)]
            total = sum(weights[1:], weights[0])
            mixed = sum((w * v for w, v in zip(weights, values, strict=True)), np.zeros_like(total))
            return np.where(total > 0, mixed / np.maximum(total, np.finfo(np.float32).tiny), plain)

        return merged(models, by_entry(rule, lambda name, pieces: means(pieces, count), fishers), out)
