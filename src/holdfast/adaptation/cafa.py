"""Features pulled to the class that they are taken for, in the shape of training's classes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from holdfast.adaptation._adapter import NormLearner
from holdfast.adaptation._adapting import Adapting, Batch
from holdfast.adaptation._learning import fitted_on, source_features
from holdfast.nets.objectives import at_head


class CAFA(NormLearner):
    r"""Normalisation weights move features near their own class and away from the others.

    .. math:: \min_{\gamma, \beta} \frac1n \sum_i \log \frac{D(f_i, \mu_{\hat y_i})}
              {\sum_c D(f_i, \mu_c)}, \quad D(f, \mu_c) = (f - \mu_c)^\top \Sigma^{-1} (f - \mu_c)

    f goes into the last linear layer, :math:`\hat y` is the model's own answer; means of the classes and their shared
    covariance, shrunk towards its diagonal by `shrinkage`, come from labelled rows of the source (`ref_inputs`,
    `ref_y`).

    Use it where labelled rows of the source are at hand when the model is deployed. It fails where the model's answers
    are wrong more often than right, and on sorted streams; the `gate` watches.

    >>> net = nn.Sequential(nn.LayerNorm(2), nn.Linear(2, 2))
    >>> source = {"ref_inputs": torch.tensor([[3.0, 1.0], [2.0, 0.0], [1.0, 3.0]]), "ref_y": [0, 0, 1]}
    >>> CAFA(rate=0.1, span=1, shrinkage=0.5, gate=False).edit(net, **source)(torch.tensor([[4.0, 1.0]])).shape
    torch.Size([1, 2])
    """

    source = "jung2023cafa"
    claims = ("corrupted", "small_batches", "repeated")
    shrinkage: float = 0.1

    def edit(self, model: nn.Module, ref_inputs: Any, ref_y: Any) -> Adapting:  # type: ignore[override]
        """A copy that adapts whenever it is called."""
        with torch.inference_mode(False):
            features, y = source_features(model, ref_inputs, ref_y)
            shape = class_shape(features.double(), y, self.shrinkage)
        return Adapting(model, fitted_on(self, shape_=shape), self.gate)

    def step(self, state: SimpleNamespace, batch: Batch) -> torch.Tensor:
        """One step; the answer is that of before."""
        with at_head(state.model, lambda given: given) as state.features:
            return super().step(state, batch)

    def loss(self, state: SimpleNamespace, batch: Batch, logits: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """Mean log of the distance to the own class over those to all classes."""
        means, whiten = (part.to(logits.device) for part in self.shape_)  # type: ignore[attr-defined]
        white = state.features[-1].float().flatten(1) @ whiten
        squares = torch.cdist(white, means).square() + 1e-6
        own = squares.gather(1, logits.detach()[:, : squares.shape[1]].argmax(1, keepdim=True))[:, 0]
        return (own.log() - squares.sum(1).log()).mean()


def class_shape(features: torch.Tensor, y: torch.Tensor, shrinkage: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Whitened class means (k, d), and the (d, d) matrix that whitens by the covariance inside the classes."""
    means = torch.stack([features[y == c].mean(0) for c in range(int(y.max()) + 1)])
    inside = features - means[y]
    covariance = inside.T @ inside / len(y)
    diagonal = covariance.diagonal().clamp_min(float(covariance.diagonal().mean()) * 1e-3 + 1e-12).diag()
    whiten = torch.linalg.inv(torch.linalg.cholesky((1 - shrinkage) * covariance + shrinkage * diagonal)).T
    return (means @ whiten).float(), whiten.float()
