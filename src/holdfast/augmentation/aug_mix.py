"""AugMix and its consistency loss."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional

from holdfast.augmentation._images import as_images, changed
from holdfast.core import Objective
from holdfast.nets.objectives import class_logits


class AugMix(Objective):
    r"""Chains of small changes are mixed, and two such mixtures must be answered as the image itself.

    .. math:: \tilde x = (1 - m)\, x + m \sum_i w_i\, \mathrm{chain}_i(x), \qquad
       \ell = \ell(x, y) + \lambda\, \mathrm{JS}(p_x;\, p_{\tilde x_1};\, p_{\tilde x_2})

    w is drawn from a Dirichlet, m from a Beta distribution, both with `alpha`; `width` chains of `depth` operations (0:
    one to three) that turn, shear, move, stretch, equalise, posterise or solarise; `severity` 10 is their full
    strength; `weight` is lambda. Inputs are (n, ..., height, width) between 0 and 1; rows of pixels are taken as square
    images. `augment(inputs)` gives mixtures by themselves.

    Use it when images are met blurred, noisy or faded in ways that nobody has foreseen. It fails where the operations
    change what the label names (a turned 6), and costs two passes more and the operations.

    Without an opinion nothing disagrees, and the loss is that of the image: log 2.

    >>> objective = AugMix(severity=5.0, width=2, depth=1, alpha=0.5, weight=10.0)
    >>> constant = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    >>> _ = [p.data.zero_() for p in constant.parameters()]
    >>> round(objective.loss(constant, torch.rand(3, 1, 2, 2), torch.tensor([0, 1, 0])).item(), 4)
    0.6931
    """

    source = "hendrycks2020augmix"
    claims = ("corrupted",)
    quiet = "uncorrupted"
    neutral: ClassVar = {"weight": 0.0}
    severity: float = 3.0
    width: int = 3
    depth: int = 0
    alpha: float = 1.0
    weight: float = 12.0

    def loss(self, model: nn.Module, inputs: torch.Tensor, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """Cross-entropy of the batch and the divergence of its three readings."""
        if not self.weight:
            return functional.cross_entropy(class_logits(model, inputs, y), y)
        every = torch.cat([inputs, self.augment(torch.cat([inputs, inputs]))])
        logits = class_logits(model, every, y.repeat(3))
        log_probs = functional.log_softmax(logits, dim=1).chunk(3)
        mean = torch.stack([part.exp() for part in log_probs]).mean(0).clamp(1e-7, 1).log()
        apart = sum(functional.kl_div(mean, part, reduction="batchmean", log_target=True) for part in log_probs) / 3
        return functional.nll_loss(log_probs[0], y) + self.weight * apart

    @torch.no_grad()
    def augment(self, inputs: torch.Tensor) -> torch.Tensor:
        """Mixtures of the same shape."""
        images = as_images(inputs)
        images = images.reshape(len(images), -1, *images.shape[-2:])
        if float(images.min()) < -0.01 or float(images.max()) > 1.01:
            raise ValueError(
                f"inputs range from {float(images.min()):.3g} to {float(images.max()):.3g}; expected pixels between 0 "
                "and 1. Normalise inside of the network."
            )
        chains = images.repeat(self.width, 1, 1, 1)
        length = torch.full((len(chains),), self.depth) if self.depth else torch.randint(1, 4, (len(chains),))
        for step in range(int(length.max())):
            rows = (length > step).to(images.device)
            chains[rows] = changed(chains[rows], self.severity)
        weights = torch._sample_dirichlet(torch.full((len(images), self.width), self.alpha)).to(images)
        mixed = torch.einsum("nk,knchw->nchw", weights, chains.reshape(self.width, *images.shape))
        share = torch._sample_dirichlet(torch.full((len(images), 2), self.alpha))[:, :1, None, None].to(images)
        return ((1 - share) * images + share * mixed).reshape(inputs.shape)
