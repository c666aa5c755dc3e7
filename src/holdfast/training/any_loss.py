"""Metrics of the confusion matrix as losses."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.objectives import class_logits, one_hot


class AnyLoss(Objective):
    r"""One minus a metric of the batch's confusion matrix, whose hard decisions are made steep sigmoids.

    .. math:: A(p) = \frac{1}{1 + e^{-L (p - 1/2)}}, \qquad \ell = 1 - M(TP, FP, FN, TN), \qquad
       TP = \sum_i y_i A(p_i), \dots

    `steepness` is L. With two classes the second is the positive one; with more, the mean over one-against-the-rest.

    Use it when what counts is F1, balanced accuracy or their like, batches are large enough to hold positives, and no
    threshold may be tuned afterwards. It fails where a batch has no row of a class, and where the sigmoid is so steep
    that a row far on the wrong side has no gradient (with ten classes every row starts there); it calibrates nothing.

    A positive at 0.5 and a negative at 0: TP = 1/2, FN = 1/2, FP = 0, F1 = 2/3.

    >>> logits = torch.tensor([[0.0, 0.0], [99.0, 0.0]])
    >>> round(AnyLoss(metric="f1", steepness=50.0).loss(nn.Identity(), logits, torch.tensor([1, 0])).item(), 4)
    0.3333
    """

    source = "han2024anyloss"
    claims = ("rare_positives",)
    quiet = "none_of_two"
    metric: Literal["f1", "balanced_accuracy", "g_mean", "accuracy"] = "balanced_accuracy"
    steepness: float = 20.0

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """One minus the metric of the batch."""
        logits = class_logits(model, inputs, y, weakest=2)
        probs, truth = functional.softmax(logits, dim=1), one_hot(y, logits.shape[1])
        if logits.shape[1] == 2:
            probs, truth = probs[:, 1:], truth[:, 1:]
        said = torch.sigmoid(self.steepness * (probs - 0.5))
        return 1 - self._metric(said, truth).mean()

    def _metric(self, said: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """(k,) the metric of every class, from soft counts; the small number stands for an empty class."""
        hit, miss = (truth * said).sum(0), (truth * (1 - said)).sum(0)
        false, free = ((1 - truth) * said).sum(0), ((1 - truth) * (1 - said)).sum(0)
        small = 1e-6
        recall, specificity = (hit + small) / (hit + miss + small), (free + small) / (free + false + small)
        if self.metric == "f1":
            return (2 * hit + small) / (2 * hit + false + miss + small)
        if self.metric == "balanced_accuracy":
            return (recall + specificity) / 2
        if self.metric == "g_mean":
            return (recall * specificity).sqrt()
        return (hit + free) / len(truth)
