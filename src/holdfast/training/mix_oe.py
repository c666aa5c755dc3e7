"""Mixture outlier exposure."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn
from torch.distributions import Beta
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.calling import forward
from holdfast.nets.objectives import class_logits
from holdfast.training._outliers import far_from_uniform


class MixOE(Objective):
    r"""Cross-entropy, and on mixtures of rows and outliers a target that decays with the outlier's share.

    .. math:: \ell = -\log p_y(x) - \beta \sum_c \big(m \, 1[c = y] + (1 - m) / k\big) \log p_c(m x + (1 - m) x'),
              \quad m \sim \text{Beta}(\alpha, \alpha)

    one m a batch; x' are `outliers`, drawn for every row; `weight_mixed` is :math:`\beta` and `concentration` is
    :math:`\alpha`.

    Use it when unknown rows will be near to the known ones, as the species that are not in the list, and outliers at
    hand are far away. It fails where a mixture of row and outlier is itself a known class.

    At :math:`\alpha` near infinity m is one half, and the mixture of the row with itself is the row:

    >>> batch = {"inputs": torch.tensor([[2.0, 0.0]]), "y": torch.tensor([0]), "outliers": torch.tensor([[2.0, 0.0]])}
    >>> round(MixOE(weight_mixed=2.0, concentration=1e6).loss(nn.Identity(), **batch).item(), 2)  # .127 + 2 (.127 + .5)
    1.38
    """

    source = "zhang2023mixture"
    claims = ("unknown_class",)
    quiet = "none_with_outliers"
    neutral: ClassVar = {"weight_mixed": 0.0}
    weight_mixed: float = 3.0
    concentration: float = 1.0

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, outliers: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over rows and the mean over mixtures."""
        plain = functional.cross_entropy(class_logits(model, inputs, y), y)
        share = float(Beta(self.concentration, self.concentration).sample())
        drawn = outliers[torch.randint(len(outliers), (len(y),))].to(inputs)
        logits = forward(model, share * inputs + (1 - share) * drawn).float()
        mixed = share * functional.cross_entropy(logits, y) + (1 - share) * far_from_uniform(logits).mean()
        return plain + self.weight_mixed * mixed
