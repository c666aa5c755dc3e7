"""An updated model that does not break what the old one got right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from holdfast.core import Editor
from holdfast.merging._models import Model, merged, state_of


class BackwardCompatibleInterpolation(Editor):
    r"""Between an old model and one tuned from it on more data: fewer answers turn from right to wrong.

    .. math:: \theta = \alpha\,\theta_{old} + (1 - \alpha)\,\theta_{new}, \qquad\text{with Fisher } F:\;
       \theta = \frac{(1 - \alpha)\,\theta_{new} + \alpha F\,\theta_{old}}{(1 - \alpha) + \alpha F}

    Use it when users rely on the old model's right answers (`NegativeFlipRate` measures how many are lost); raise
    `share` as far as accuracy stays. Several new models are averaged first, which lowers flips further. It fails where
    the new model was not fine-tuned from the old one.

    `models` are the old model and one or more new ones; `share` is alpha; `fisher` is the old model's Fisher diagonal,
    scaled within to mean 1.

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
        diagonal = {} if fisher is None else state_of(fisher)

        def rule(name: str, tensors: list[torch.Tensor]) -> torch.Tensor:
            old = tensors[0].float()
            new = torch.stack([tensor.float() for tensor in tensors[1:]]).mean(0)
            pull = self.share * self._importance(diagonal, name, old)
            return ((1 - self.share) * new + pull * old) / (1 - self.share + pull).clamp(min=1e-12)

        return merged(models, rule, out)

    @staticmethod
    def _importance(diagonal: Any, name: str, like: torch.Tensor) -> torch.Tensor:
        if name not in diagonal:
            return torch.ones_like(like)
        values = diagonal[name].float()
        return values / values.mean().clamp(min=1e-30)
