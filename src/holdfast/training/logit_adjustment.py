"""Logit adjustment."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.objectives import class_logits, counts_for


class LogitAdjustment(Objective):
    r"""Cross-entropy of logits to which the log share of every class was added: rare classes must win by more.

    .. math:: \ell = -\log \frac{e^{f_y(x) + \tau \log \pi_y}}{\sum_k e^{f_k(x) + \tau \log \pi_k}}

    With tau 1 it is the balanced softmax, consistent for the mean recall: the plain logits of the trained network are
    then those of a world in which all classes are alike.

    Use it when classes are rare in training and all count the same in use. It fails where the use has the imbalance of
    the training set: then it gives away accuracy on purpose.

    Two classes at 3 to 1, no opinion: the loss of the rare one is log 4.

    >>> objective = LogitAdjustment(tau=1.0).fit(y=[0, 0, 0, 1])
    >>> objective.loss(nn.Identity(), torch.zeros(1, 2), torch.tensor([1])).exp().item()
    4.0
    """

    source = "menon2021long"
    claims = ("imbalanced",)
    neutral: ClassVar = {"tau": 0.0}
    tau: float = 1.0

    def fit(self, y: np.ndarray) -> Self:
        """Count the classes of the training rows."""
        self.counts_ = np.bincount(y)
        return self

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the batch."""
        logits = class_logits(model, inputs, y)
        counts = counts_for(self.counts_, logits).clamp(min=0.5)  # a class never seen is rarer than one seen once
        return functional.cross_entropy(logits + self.tau * (counts / counts.sum()).log(), y)
