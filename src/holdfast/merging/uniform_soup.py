"""The plain mean of the weights of fine-tuned models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from holdfast.core import Editor
from holdfast.merging._models import Model, by_entry, merged


class UniformSoup(Editor):
    r"""The mean of the weights of models fine-tuned from one start.

    .. math:: \theta = \frac{1}{T} \sum_t \theta_t

    Use it when several fine-tuning runs of one model are at hand, to get the accuracy of their ensemble for the cost of
    one. It fails where the runs do not share a basin: models trained from different starts average to nothing (align
    them first, `PermutationAlignment`), and one bad run spoils the soup (`GreedySoup` leaves it out).

    Every model is a torch module, a state dict or the path of a `.safetensors` file or folder of shards; the result
    has the form of the first, or is written to `out`, a piece of a tensor in memory at a time.

    >>> import torch
    >>> one, two = {"w": torch.tensor([1.0, 0.0])}, {"w": torch.tensor([3.0, 1.0])}
    >>> UniformSoup().edit([one, two])["w"].tolist()
    [2.0, 0.5]
    """

    source = "wortsman2022soups"
    claims = ("fine_tunes",)
    blind = ("strangers",)

    def edit(self, models: Sequence[Model], out: str | None = None) -> Any:
        """The soup of these models."""
        return merged(models, by_entry(self.rule), out)

    def rule(self, name: str, entries: list[np.ndarray]) -> np.ndarray:  # noqa: ARG002
        """What becomes of entries of one name."""
        total = entries[0].copy()
        for more in entries[1:]:
            total += more
        total /= len(entries)
        return total
