"""Self-supervised pretraining before training on imbalanced labels."""

from __future__ import annotations

from typing import Literal, Self

import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.calling import seeded
from holdfast.nets.objectives import head_of, logits_and_features

WIDTH = 32  # of what two views are compared by
TURN, ZOOM, SHIFT, LIGHT = 0.25, 0.3, 0.2, 0.4  # radians, share, share of half a picture, share


class SelfSupervisedPretraining(Objective):
    r"""Pictures without their labels: a network to begin from that no class has had more say in than another.

    .. math:: \ell = -\frac1{2n} \sum_{i=1}^{2n} \log \frac{e^{\langle z_i, z_{i'} \rangle / T}}
       {\sum_{j \ne i} e^{\langle z_i, z_j \rangle / T}} \quad\text{or}\quad
       \ell = -\frac1n \sum_i \log p_{r_i}\!\big(\operatorname{rot}_{r_i} x_i\big)

    `pretext` is "contrast": every picture is turned, zoomed, moved and lit at random twice, `distortion` scaling how
    far; the view i' of the same picture is to be told from those of the others of the batch by unit vectors z, from a
    small network on the features, and T is `temperature`. Or it is "rotation": by how many quarters of a turn r is it
    turned? Labels are not used. Train the network that comes out by `LogitAdjustment` or another loss, as a new one.

    Use it before training on pictures with a long tail, where a residual network is trained from nothing. It fails
    where the labels can be learnt for longer on distorted pictures, which gains more; where pictures that are moved
    mean something else; with few epochs (80 of 230 digits); and, by rotation, on small handwritten digits. Inputs are
    one tensor (n, channels, height, width).

    Four equal pictures cannot be told apart: each has seven others to choose from.

    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2), nn.Linear(2, 3))
    >>> objective = SelfSupervisedPretraining(temperature=0.5, distortion=0.0, seed=1).fit(net)
    >>> objective.loss(net, torch.ones(4, 1, 2, 2), torch.zeros(4, dtype=torch.long)).exp().round().item()
    7.0

    Without an opinion every turn is one of four:

    >>> objective = SelfSupervisedPretraining(pretext="rotation").fit(net)
    >>> _ = [part.data.zero_() for part in objective.parameters()]
    >>> round(objective.loss(net, torch.ones(4, 1, 2, 2), torch.zeros(4, dtype=torch.long)).exp().item(), 4)
    4.0
    """

    source = "yang2020rethinking"
    claims = ("imbalanced_pictures",)
    quiet = "none_of_pictures"
    pretext: Literal["contrast", "rotation"] = "contrast"
    temperature: float = 0.2
    distortion: float = 1.0
    seed: int = 0

    def fit(self, model: nn.Module) -> Self:
        """Make the small network that answers from the features."""
        width = head_of(model).in_features
        with seeded(self.seed):
            contrast = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, WIDTH))
            self.answers_ = contrast if self.pretext == "contrast" else nn.Linear(width, 4)
        return self

    def parameters(self) -> list[nn.Parameter]:
        """Those of the small network."""
        return list(self.answers_.parameters())

    def loss(self, model: nn.Module, inputs: torch.Tensor, y: torch.Tensor, **_: object) -> torch.Tensor:
        """The mean over the batch; `y` is looked at for its form alone."""
        if inputs.ndim != 4 or inputs.shape[2] != inputs.shape[3]:
            raise ValueError(f"inputs has shape {tuple(inputs.shape)}; expected square pictures (n, channels, h, h).")
        if self.pretext == "rotation":
            turns = torch.randint(0, 4, (len(inputs),), device=inputs.device)
            return functional.cross_entropy(self._answers(model, turned(inputs, turns), y), turns)
        views = torch.cat([distorted(inputs, self.distortion) for _ in range(2)])
        unit = functional.normalize(self._answers(model, views, y.repeat(2)), dim=1)
        alike = (unit @ unit.T / self.temperature).fill_diagonal_(-torch.inf)
        return functional.cross_entropy(alike, torch.arange(len(views), device=inputs.device).roll(len(inputs)))

    def _answers(self, model: nn.Module, inputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        logits, features = logits_and_features(model, inputs, y)
        # the head has a gradient of 0, not none: training in several processes waits for one
        return self.answers_.to(features.device)(features).float() + 0 * logits.sum()


def turned(inputs: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
    """Square pictures, each turned by so many quarters."""
    every = torch.stack([torch.rot90(inputs, turn, (2, 3)) for turn in range(4)])
    return every[turns, torch.arange(len(inputs), device=inputs.device)]


def distorted(inputs: torch.Tensor, strength: float) -> torch.Tensor:
    """Pictures, each turned, zoomed, moved and lit at random."""
    n = len(inputs)
    angle, zoom, right, down, light = strength * (2 * torch.rand(5, n, device=inputs.device) - 1)
    angle, zoom = TURN * angle, 1 + ZOOM * zoom
    first = torch.stack([zoom * angle.cos(), -zoom * angle.sin(), SHIFT * right], dim=1)
    second = torch.stack([zoom * angle.sin(), zoom * angle.cos(), SHIFT * down], dim=1)
    grid = functional.affine_grid(torch.stack([first, second], dim=1), list(inputs.shape), align_corners=False)
    moved = functional.grid_sample(inputs, grid, align_corners=False)
    return moved * (1 + LIGHT * light)[:, None, None, None]
