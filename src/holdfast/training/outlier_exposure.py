"""Outlier exposure."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.calling import forward
from holdfast.nets.objectives import class_logits
from holdfast.training._outliers import far_from_uniform


class OutlierExposure(Objective):
    r"""Cross-entropy, and on outliers the cross-entropy to knowing nothing.

    .. math:: \ell = -\log p_y(x) + \lambda \Big(-\frac1k \sum_c \log p_c(x')\Big)

    x' are the rows of `outliers` in the batch, as many or as few as there are; `weight_outliers` is :math:`\lambda`.

    Use it when rows are at hand that are surely of no known class, and the network should say so of others like them.
    It fails on unknown rows nearer to the known ones than any outlier shown (`MixOE`), and with outliers that hold
    known classes.

    >>> batch = {"inputs": torch.tensor([[9.0, -9.0]]), "y": torch.tensor([0]), "outliers": torch.zeros(1, 2)}
    >>> round(OutlierExposure(weight_outliers=2.0).loss(nn.Identity(), **batch).item(), 3)  # 0 + 2 log 2
    1.386
    """

    source = "hendrycks2019deep"
    claims = ("unknown_class",)
    quiet = "none_with_outliers"
    neutral: ClassVar = {"weight_outliers": 0.0}
    weight_outliers: float = 0.5

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, outliers: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over rows and the mean over outliers."""
        plain = functional.cross_entropy(class_logits(model, inputs, y), y)
        return plain + self.weight_outliers * far_from_uniform(forward(model, outliers.to(inputs))).mean()
