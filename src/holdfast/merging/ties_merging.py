"""Trim, elect sign, merge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from holdfast.core import Editor
from holdfast.merging._models import Model, by_entry, deltas, kth_magnitudes, merged
from holdfast.nets.states import Pieces


class TiesMerging(Editor):
    r"""Task vectors trimmed to their largest entries; where signs still differ, the heavier side wins.

    .. math:: \theta_p = \theta_{0,p} + \lambda \operatorname{mean}\{\hat\tau_{t,p} :
       \operatorname{sgn}\hat\tau_{t,p} = \operatorname{sgn}\textstyle\sum_s \hat\tau_{s,p}\}

    Use it when several tasks interfere: small changes are noise to the others, and opposite signs cancel in a mean. It
    fails on small networks whose tasks need the same weights in different ways: there the sum (`TaskArithmetic`) is
    better, and the paper's density of 0.2 cuts off what a task lives on.

    The first of `models` is the base. `density` is the share of entries that is kept, by magnitude and within each
    tensor; `weight` is lambda. A mean over the winners, not a sum: `weight` near 1 suits any number of tasks.

    >>> import torch
    >>> base, one, two = ({"w": torch.tensor(w)} for w in ([0.0, 0.0, 0.0], [4.0, -1.0, 0.2], [2.0, 3.0, 0.1]))
    >>> TiesMerging(density=2 / 3, weight=0.5).edit([base, one, two])["w"].tolist()
    [1.5, 1.5, 0.0]
    """

    source = "yadav2023ties"
    claims = ("many_runs",)
    density: float = 0.5
    weight: float = 1.0

    def edit(self, models: Sequence[Model], out: str | None = None) -> Any:
        """The model that does the tasks of all."""
        return merged(models, by_entry(self.rule, self.measure), out)

    def measure(self, name: str, pieces: Pieces) -> list[np.float32]:  # noqa: ARG002
        """The smallest magnitude that is kept of every change."""
        return [least for (least,) in kth_magnitudes(pieces, [1 - self.density])]

    def rule(self, name: str, entries: list[np.ndarray], measured: list[np.float32]) -> np.ndarray:  # noqa: ARG002
        """What becomes of entries of one name."""
        base, changes = deltas(entries)
        kept = [change * (np.abs(change) >= least) for change, least in zip(changes, measured, strict=True)]
        return base + self.weight * elected(kept)


def elected(changes: list[np.ndarray]) -> np.ndarray:
    """The mean of the entries that have the sign of the sum of all; 0 where none has."""
    sign = np.sign(sum(changes[1:], changes[0]))
    total, voters = np.zeros_like(sign), np.zeros_like(sign)
    for change in changes:
        agrees = change * sign > 0
        total += change * agrees
        voters += agrees
    return total / np.maximum(voters, 1)
