"""ODIN: a hot softmax after a step towards the answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from holdfast.core import Scorer
from holdfast.nets.calling import forward
from holdfast.ood._images import chunks, logits_of, stepped


class ODIN(Scorer):
    r"""Minus the log of the largest softmax at a high temperature, after a small step that raises it.

    .. math:: s(x) = -\log \max_c \operatorname{softmax}_c\big(f(\tilde x) / T\big), \quad
              \tilde x = x - \epsilon \operatorname{sign}\big(-\nabla_x \log \max_c
              \operatorname{softmax}_c(f(x) / T)\big)

    `temperature` is T, `step` is :math:`\epsilon`, in units of the images. No rows of unknown classes choose them here.

    Use it where the network itself can be called with gradients, on images of unknown classes. It fails on noise that
    leaves the logits large, and costs three passes.

    >>> flat = torch.nn.Flatten()
    >>> score = ODIN(temperature=2.0, step=0.5).score_rows(images=[[[[3.0, 0.0]]]], model=flat)  # logits 3.5 and -0.5
    >>> score.round(3).tolist()  # log(1 + e^-2)
    [0.127]
    """

    source = "liang2018enhancing"
    claims = ("images_held_out_class",)
    temperature: float = 1000.0
    step: float = 0.01

    def score_rows(self, images: np.ndarray, model: Any) -> np.ndarray:
        """(n,) larger = less like a known class."""
        found = []
        for rows in chunks(images, model):
            moved = stepped(rows, model, lambda x: self._doubt(forward(model, x)), self.step)
            found.append(self._doubt(logits_of(model, moved)).cpu().numpy())
        return np.concatenate(found).astype(np.float64)

    def _doubt(self, logits: torch.Tensor) -> torch.Tensor:
        return -(logits / self.temperature).log_softmax(1).max(1).values
