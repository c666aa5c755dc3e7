"""Dynamic bootstrapping by a beta mixture of losses."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.objectives import class_logits


class BetaMixtureBootstrapping(Objective):
    r"""Two beta distributions of the losses tell how likely each label is wrong; such rows learn the model's own guess.

    .. math:: \ell = -\big((1 - w)\, e_y + w\, e_z\big)^{\!\top} \log p, \qquad w = P(\text{wrong} \mid \text{loss}),
       \quad z = \arg\max_k p_k

    The mixture is fitted by EM before every epoch from `warm_up` on, to the losses of the epoch before. With `mixup`
    above 0 pairs of rows are mixed, :math:`\lambda \sim \mathrm{Beta}(a, a)`, and each side keeps its own w and z.
    `prior` weighs the penalty that keeps the mean prediction near uniform. `wrong_` holds the last w of every row.

    Use it when a good share of labels is wrong at random and rows can be told apart by their losses early on. It fails
    where hard rows have high losses too (overlap, rare classes): they are taught to be what the model believes.

    Before the warm-up ends it is plain cross-entropy, here with the penalty 1 * log 2 - log 2 = 0:

    >>> objective = BetaMixtureBootstrapping(warm_up=1, mixup=0.0, prior=1.0).fit(y=[0, 1])
    >>> batch = {"inputs": torch.zeros(2, 2), "y": torch.tensor([0, 1]), "row": torch.tensor([0, 1])}
    >>> round(objective.loss(nn.Identity(), **batch).item(), 4)
    0.6931
    """

    source = "arazo2019unsupervised"
    claims = ("wrong_labels",)
    silent: ClassVar = ("warm_up",)  # later than the short trainings of the laws: tested by the family
    warm_up: int = 10
    mixup: float = 1.0
    prior: float = 1.0

    def fit(self, y: np.ndarray) -> Self:
        """Make room for the losses of so many rows."""
        self.losses_ = torch.full((len(y),), float("nan"))
        self.wrong_ = torch.zeros(len(y))
        self.epoch_ = 0
        return self

    def start_epoch(self, epoch: int) -> None:
        """Fit the mixture to what the last epoch saw."""
        self.epoch_ = epoch
        seen = torch.isfinite(self.losses_)
        if epoch >= self.warm_up and int(seen.sum()) > 20:
            self.wrong_[seen] = torch.from_numpy(_posterior(self.losses_[seen].numpy().astype(float))).float()

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, row: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the batch; its losses are noted for the next epoch."""
        logits = class_logits(model, inputs, y)
        self.losses_[row.cpu()] = functional.cross_entropy(logits, y, reduction="none").detach().cpu()
        wrong, guess = self.wrong_[row.cpu()].to(logits.device), logits.argmax(dim=1)
        if not self.mixup:
            return self._bootstrapped(logits, y, guess, wrong).mean() + self._penalty(logits)
        alpha = torch.tensor([self.mixup, self.mixup])
        share = float(torch._sample_dirichlet(alpha)[0])
        other = torch.randperm(len(y)).to(logits.device)
        mixed = class_logits(model, share * inputs + (1 - share) * inputs[other], y)
        ours = self._bootstrapped(mixed, y, guess, wrong)
        theirs = self._bootstrapped(mixed, y[other], guess[other], wrong[other])
        return (share * ours + (1 - share) * theirs).mean() + self._penalty(mixed)

    @staticmethod
    def _bootstrapped(logits: torch.Tensor, y: torch.Tensor, guess: torch.Tensor, wrong: torch.Tensor) -> torch.Tensor:
        given, own = (functional.cross_entropy(logits, target, reduction="none") for target in (y, guess))
        return (1 - wrong) * given + wrong * own

    def _penalty(self, logits: torch.Tensor) -> torch.Tensor:
        """How far the mean prediction of the batch is from uniform."""
        mean = functional.softmax(logits, dim=1).mean(dim=0).clamp(min=1e-8)
        return -self.prior * ((mean * len(mean)).log()).mean()


def _posterior(losses: np.ndarray) -> np.ndarray:
    """(n,) probability of the component with the larger mean, of two beta distributions fitted by weighted moments."""
    from scipy.stats import beta

    low, high = np.percentile(losses, [0, 99])
    x = np.clip((losses - low) / max(high - low, 1e-9), 1e-3, 1 - 1e-3)
    parts, share = [(1.0, 2.0), (2.0, 1.0)], np.array([0.5, 0.5])
    for _ in range(10):
        density = np.stack([p * beta.pdf(x, *ab) for p, ab in zip(share, parts, strict=True)]) + 1e-12
        belongs = density / density.sum(axis=0)
        parts = [_moments(x, weight) for weight in belongs]
        share = belongs.mean(axis=1)
    means = [a / (a + b) for a, b in parts]
    return belongs[int(np.argmax(means))]


def _moments(x: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    mean = float((weight * x).sum() / weight.sum())
    spread = max(float((weight * (x - mean) ** 2).sum() / weight.sum()), 1e-6)
    total = max(mean * (1 - mean) / spread - 1, 1e-2)
    return mean * total, (1 - mean) * total
