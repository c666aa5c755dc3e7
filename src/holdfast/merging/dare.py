"""Drop and rescale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from holdfast.core import Editor
from holdfast.merging._models import Model, by_entry, deltas, merged, stream
from holdfast.merging.ties_merging import elected
from holdfast.nets.states import Pieces


class Dare(Editor):
    r"""A random part of every task vector, scaled up so that its expectation stays.

    .. math:: \hat\tau_t = \frac{(1 - m_t) \odot \tau_t}{1 - p}, \quad m_t \sim \operatorname{Bernoulli}(p)

    Use it before merging many large models whose changes are small and redundant: in the paper a tenth of the entries
    does what all did, and fewer collide. It fails on small networks and after long fine-tuning, where entries are large
    and dropping them hurts.

    The first of `models` is the base; `drop` is p; `join` says how what is left is put together: "sum" as in
    `TaskArithmetic`, "ties" by elected signs. Every tensor has random numbers of its own, from `seed` and its name:
    the same in whatever order tensors are merged.

    >>> import torch
    >>> base, one = {"w": torch.zeros(8)}, {"w": torch.ones(8)}
    >>> Dare(drop=0.5, weight=1.0, join="ties", seed=3).edit([base, one])["w"].unique().tolist()
    [0.0, 2.0]
    """

    source = "yu2024dare"
    claims = ("three_tasks",)
    drop: float = 0.3
    weight: float = 0.4
    join: Literal["sum", "ties"] = "sum"
    seed: int = 0

    def edit(self, models: Sequence[Model], out: str | None = None) -> Any:
        """The model that does the tasks of all."""
        if not 0 <= self.drop < 1:
            raise ValueError(f"drop is {self.drop}; expected at least 0 and less than 1.")
        return merged(models, by_entry(self.rule, self.measure), out)

    def measure(self, name: str, pieces: Pieces) -> list[np.random.Generator]:
        """The random numbers of the changes of one name; pieces draw on, one after the other."""
        return [stream(self.seed, name, place) for place in range(len(next(pieces())) - 1)]

    def rule(self, name: str, entries: list[np.ndarray], measured: list[np.random.Generator]) -> np.ndarray:  # noqa: ARG002
        """What becomes of entries of one name."""
        base, changes = deltas(entries)
        thinned = [self._thinned(change, numbers) for change, numbers in zip(changes, measured, strict=True)]
        joined = elected(thinned) if self.join == "ties" else sum(thinned, np.zeros_like(base))
        return base + self.weight * joined

    def _thinned(self, change: np.ndarray, numbers: np.random.Generator) -> np.ndarray:
        kept = numbers.random(change.shape, dtype=np.float32) >= self.drop
        return change * kept / (1 - self.drop)
