"""Task vectors without their outliers and without their crumbs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from holdfast.core import Editor
from holdfast.merging._models import Model, by_entry, deltas, kth_magnitudes, merged
from holdfast.nets.states import Pieces


class ModelBreadcrumbs(Editor):
    r"""The middle band of every task vector, layer by layer, added to the base.

    .. math:: \theta = \theta_0 + \alpha \sum_t m_t^{\beta,\gamma} \odot (\theta_t - \theta_0)

    Use it when many tasks are merged and validation data for each is not at hand: settings found on few tasks carry
    over to more. It fails where the largest changes of a layer are what a task is about.

    The first of `models` is the base. Within each tensor the `small` share of entries with the smallest magnitude and
    the `large` share with the largest are left out; `weight` is alpha.

    >>> import torch
    >>> base, one = {"w": torch.zeros(5)}, {"w": torch.tensor([0.1, -2.0, 3.0, 50.0, 1.0])}
    >>> ModelBreadcrumbs(small=0.2, large=0.2, weight=0.5).edit([base, one])["w"].tolist()
    [0.0, -1.0, 1.5, 0.0, 0.5]
    """

    source = "davari2024breadcrumbs"
    claims = ("three_tasks",)
    small: float = 0.5
    large: float = 0.01
    weight: float = 0.4

    def edit(self, models: Sequence[Model], out: str | None = None) -> Any:
        """The model that does the tasks of all."""
        if self.small < 0 or self.large < 0 or self.small + self.large >= 1:
            raise ValueError(f"small {self.small} and large {self.large} leave nothing: their sum must be below 1.")
        return merged(models, by_entry(self.rule, self.measure), out)

    def measure(self, name: str, pieces: Pieces) -> list[list[np.float32]]:  # noqa: ARG002
        """The band of magnitudes that is kept of every change."""
        return kth_magnitudes(pieces, [self.small, 1 - self.large])

    def rule(self, name: str, entries: list[np.ndarray], measured: list[list[np.float32]]) -> np.ndarray:  # noqa: ARG002
        """What becomes of entries of one name."""
        base, changes = deltas(entries)
        for change, (low, high) in zip(changes, measured, strict=True):
            size = np.abs(change)
            base = base + self.weight * change * ((size >= low) & (size < high))
        return base
