"""Sums of task vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from holdfast.core import Editor
from holdfast.merging._models import Model, by_entry, deltas, merged


class TaskArithmetic(Editor):
    r"""What every fine-tuned model changed of the base, added up and scaled.

    .. math:: \theta = \theta_0 + \lambda \sum_t (\theta_t - \theta_0)

    Use it when models fine-tuned for different tasks shall become one that does all; a negative weight makes the base
    forget a task. It fails where tasks pull the same weights in opposite directions (`TiesMerging`), more so the more
    tasks there are.

    The first of `models` is the base. `weight` is lambda.

    >>> import torch
    >>> base, one, two = ({"w": torch.tensor(w)} for w in ([1.0, 1.0], [2.0, 1.0], [1.0, 3.0]))
    >>> TaskArithmetic(weight=0.5).edit([base, one, two])["w"].tolist()
    [1.5, 2.0]
    """

    source = "ilharco2023editing"
    claims = ("three_tasks",)
    weight: float = 0.4

    def edit(self, models: Sequence[Model], out: str | None = None) -> Any:
        """The model that does the tasks of all."""
        return merged(models, by_entry(self.rule), out)

    def rule(self, name: str, entries: list[np.ndarray]) -> np.ndarray:  # noqa: ARG002
        """What becomes of entries of one name."""
        base, changes = deltas(entries)
        for change in changes:
            base = base + self.weight * change
        return base
