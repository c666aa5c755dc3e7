"""Task vectors weighted so that the gradients of the merged model match those of joint training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from holdfast.core import Editor
from holdfast.merging._models import Model, by_entry, deltas, means, merged


class UncertaintyGradientMatching(Editor):
    r"""Task vectors, each scaled by its own certainty and by that of all together.

    .. math:: \theta = \theta_0 + \sum_t \alpha\,\bar H^{-1} (H_0 + H_t)(\theta_t - \theta_0), \qquad
       \bar H = H_0 + \sum_t \alpha H_t

    with diagonal Hessians, estimated by Fisher information. Averaging, task arithmetic and Fisher merging are special
    cases. Use it when the Fisher diagonals of the base and of every model are at hand. It fails where they say little
    (a model certain of all its rows) or where one weight's effect depends strongly on another's.

    The first of `models` is the base and the first of `fishers` its diagonal H_0; sum them over rows, not average, when
    the data sets differ in size. `weight` is alpha; `floor` is added to H_0, as a share of its mean.

    >>> import torch
    >>> base, one = {"w": torch.tensor([0.0, 0.0])}, {"w": torch.tensor([2.0, 2.0])}
    >>> ours, theirs = {"w": torch.tensor([1.0, 1.0])}, {"w": torch.tensor([3.0, 0.0])}
    >>> UncertaintyGradientMatching(weight=0.5, floor=0.0).edit([base, one], [ours, theirs])["w"].tolist()
    [1.600000023841858, 1.0]
    """

    source = "daheim2024gradient"
    claims = ("three_tasks",)
    weight: float = 1.0
    floor: float = 1e-3

    def edit(self, models: Sequence[Model], fishers: Sequence[Model], out: str | None = None) -> Any:
        """The merged model."""
        if len(models) != len(fishers):
            raise ValueError(f"{len(models)} models, but {len(fishers)} Fisher diagonals; expected one for each model.")
        count = len(models)

        def rule(name: str, entries: list[np.ndarray], mean: list[np.float32]) -> np.ndarray:  # noqa: ARG001
            base, changes = deltas(entries[:count])
            if len(entries) == count:
                return base + self.weight / len(changes) * sum(changes[1:], changes[0])
            first, *others = entries[count:]
            first = first + self.floor * mean[0] + np.finfo(np.float32).tiny
            whole = first + self.weight * sum(others, np.zeros_like(first))
            pulls = [(first + own) / whole * change for own, change in zip(others, changes, strict=True)]
            return base + self.weight * sum(pulls, np.zeros_like(base))

        return merged(models, by_entry(rule, lambda name, pieces: means(pieces, count), fishers), out)
