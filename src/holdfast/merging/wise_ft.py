"""Between a pretrained model and its fine-tuned version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from holdfast.core import Editor
from holdfast.merging._models import Model, by_entry, deltas, merged


class WiseFt(Editor):
    r"""The point between a base model and what fine-tuning made of it.

    .. math:: \theta = (1 - \alpha)\,\theta_0 + \alpha\,\theta_1

    Use it when fine-tuning raised accuracy on the target data and lowered it elsewhere: half-way, most of the gain is
    kept and most of the robustness is back. It fails where the two do not lie in one basin (a long fine-tuning at a
    high rate), and where the base cannot do the task at all, so that half-way is half as good.

    `models` are the base and the fine-tuned model; `share` is alpha, 0 the base, 1 the fine-tuned model.

    >>> import torch
    >>> base, tuned = {"w": torch.tensor([0.0, 4.0])}, {"w": torch.tensor([1.0, 8.0])}
    >>> WiseFt(share=0.25).edit([base, tuned])["w"].tolist()
    [0.25, 5.0]
    """

    source = "wortsman2022robust"
    claims = ("forgetting",)
    share: float = 0.5

    def edit(self, models: Sequence[Model], out: str | None = None) -> Any:
        """The model in between."""
        if len(models) != 2:
            raise ValueError(f"{len(models)} models were given; expected two: the base and its fine-tuned version.")
        return merged(models, by_entry(self.rule), out)

    def rule(self, name: str, entries: list[np.ndarray]) -> np.ndarray:  # noqa: ARG002
        """What becomes of entries of one name."""
        base, (change,) = deltas(entries)
        return base + self.share * change
