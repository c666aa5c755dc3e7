"""CutMix."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from holdfast.augmentation._images import as_images
from holdfast.core import Objective
from holdfast.nets.objectives import class_logits
from holdfast.nets.pairs import drawn_share


class CutMix(Objective):
    r"""A rectangle of each image is taken from another; labels count by area.

    .. math:: \tilde x = M \odot x_i + (1 - M) \odot x_j, \qquad \ell = \lambda\, \ell(\tilde x, y_i) + (1 - \lambda)\,
       \ell(\tilde x, y_j), \quad \lambda = \overline{M}

    The rectangle keeps the image's proportions and has the area of a draw of Beta(alpha, alpha), cut at the border.
    Inputs are (n, ..., height, width); rows of pixels are taken as square images.

    Use it when a network looks at one spot only, or part of the image may be hidden in use. It fails on tiny or
    centred objects, where a rectangle can hold all or nothing of what the label names.

    >>> loss = CutMix(alpha=1.0).loss(nn.Flatten(), torch.zeros(4, 1, 1, 2), torch.tensor([0, 1, 0, 1]))
    >>> round(loss.item(), 4)
    0.6931
    """

    source = "yun2019cutmix"
    claims = ("hidden_part",)
    alpha: float = 1.0

    def loss(self, model: nn.Module, inputs: torch.Tensor, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the pairs of the batch."""
        other = torch.randperm(len(inputs)).to(inputs.device)
        images = as_images(inputs)
        keep = self._keep(*images.shape[-2:]).to(inputs.device)
        share = float(keep.float().mean())
        mixed = torch.where(keep, images, images[other]).reshape(inputs.shape)
        logits = class_logits(model, mixed, y)
        return share * functional.cross_entropy(logits, y) + (1 - share) * functional.cross_entropy(logits, y[other])

    def _keep(self, height: int, width: int) -> torch.Tensor:
        """(height, width) true outside of a random rectangle."""
        side = (1 - drawn_share(self.alpha)) ** 0.5
        middle = torch.rand(2)
        rows, columns = torch.arange(height) + 0.5, torch.arange(width) + 0.5
        tall = (rows - middle[0] * height).abs() < side * height / 2
        wide = (columns - middle[1] * width).abs() < side * width / 2
        return ~(tall[:, None] & wide[None])
