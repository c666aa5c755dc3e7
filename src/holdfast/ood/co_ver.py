"""Confidence averaged over corrupted copies of an image."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from torch.nn import functional

from holdfast.core import Scorer
from holdfast.ood._images import chunks, logits_of


class CoVer(Scorer):
    r"""The mean doubt about an image and copies of it under mild corruptions.

    .. math:: s(x) = \frac{1}{|C| + 1} \Big(S(x) + \sum_{c \in C} S(c(x))\Big)

    S is one minus the largest softmax or the free energy (`base`); C are the `corruptions`, at `strength` in units of
    every image's own spread. The noise is one pattern, drawn by `seed`.

    Use it on images: the confidence in what belongs to no class falls faster under corruption. It fails where the
    network is as easily confused about known images, and costs a pass a corruption.

    >>> base = CoVer(base="energy", corruptions=("contrast",), strength=1.0, seed=3)
    >>> base.score_rows(images=[[[[3.0, 1.0]]]], model=torch.nn.Flatten()).round(2).tolist()  # -(3.13 + 2.69) / 2
    [-2.91]
    """

    source = "zhang2024cover"
    claims = ("images_held_out_class",)
    base: Literal["softmax", "energy"] = "softmax"
    corruptions: tuple[str, ...] = ("blur", "noise", "contrast", "brightness")
    strength: float = 0.5
    seed: int = 0

    def score_rows(self, images: np.ndarray, model: Any) -> np.ndarray:
        """(n,) larger = less like a known class."""
        unknown = set(self.corruptions) - {"blur", "noise", "contrast", "brightness"}
        if unknown:
            raise ValueError(f"corruptions holds {sorted(unknown)}; there are: blur, noise, contrast, brightness.")
        found = []
        for rows in chunks(images, model):
            seen = [rows, *(self._corrupted(rows, name) for name in self.corruptions)]
            found.append(torch.stack([self._doubt(logits_of(model, each)) for each in seen]).mean(0).cpu().numpy())
        return np.concatenate(found)

    def _doubt(self, logits: torch.Tensor) -> torch.Tensor:
        return 1 - logits.softmax(1).max(1).values if self.base == "softmax" else -logits.logsumexp(1)

    def _corrupted(self, rows: torch.Tensor, name: str) -> torch.Tensor:
        spread = rows.std(dim=(1, 2, 3), keepdim=True, correction=0)
        middle = rows.mean(dim=(1, 2, 3), keepdim=True)
        if name == "contrast":
            return middle + (rows - middle) * max(0.0, 1 - self.strength)
        if name == "brightness":
            return rows + self.strength * spread
        if name == "blur":
            smooth = functional.avg_pool2d(rows, 3, stride=1, padding=1, count_include_pad=False)
            return rows + min(1.0, self.strength) * (smooth - rows)
        pattern = torch.randn(rows.shape[1:], generator=torch.Generator().manual_seed(self.seed)).to(rows)
        return rows + self.strength * spread * pattern
