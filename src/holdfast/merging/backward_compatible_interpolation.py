"""An updated model that does not break what the old one got right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from holdfast.core import Editor
from holdfast.merging._models import Model, by_entry, means, merged


class BackwardCompatibleInterpolation(Editor):
    r"""Between an old model and one tuned from it on more data: fewer answers turn from right to wrong.

    .. math:: \theta = \alpha\,\theta_{old} + (1 - \alpha)\,\theta_{new}, \qquad\text{with Fisher } F:\;
       \theta = \frac{(1 - \alpha)\,\theta_{new} + \alpha F\,\theta_{old}}{(1 - \alpha) + \alpha F}

    Use it when users rely on the old model's right answers (`NegativeFlipRate` measures how many are lost); raise
    `share` as far as accuracy stays. Several new models are averaged first, which lowers flips further. It fails where
    the new model was not fine-tuned from the old one.

    `models` are the old model and one or more new ones; `share` is alpha; `fisher` is the old model's Fisher diagonal,
    scaled within to mean 1.

    >>> import torch
    >>> old, new = {"w": torch.tensor([0.0, 0.0])}, {"w": torch.tensor([1.0, 1.0])}
    >>> BackwardCompatibleInterpolation(share=0.25).edit([old, new])["w"].tolist()
    [0.75, 0.75]
    >>> BackwardCompatibleInterpolation(share=0.5).edit([old, new], {"w": torch.tensor([3.0, 1.0])})["w"].tolist()
    [0.4000000059604645, 0.6666666865348816]
    """

    source = "schumann2024backward"
    claims = ("more_data",)
    share: float = 0.3

    def edit(self, models: Sequence[Model], fisher: Model | None = None, out: str | None = None) -> Any:
        """The updated model."""
        if len(models) < 2:
            raise ValueError("one model was given; expected the old model and at least one new one.")
        count = len(models)

        def rule(name: str, entries: list[np.ndarray], mean: list[np.float32]) -> np.ndarray:  # noqa: ARG001
            old, *news = entries[:count]
            new = sum(news[1:], news[0]) / len(news)
            if len(entries) == count:
                return (1 - self.share) * new + self.share * old
            pull = self.share * (entries[count] / max(mean[0], np.float32(1e-30)))
            return ((1 - self.share) * new + pull * old) / np.maximum(1 - self.share + pull, 1e-12)

        beside = () if fisher is None else (fisher,)
        return merged(models, by_entry(rule, lambda name, pieces: means(pieces, count), beside), out)
