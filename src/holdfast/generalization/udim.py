"""Unknown domain inconsistency minimisation."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.calling import tensor_of
from holdfast.nets.objectives import class_logits

Weights = dict[str, torch.Tensor]
TINY = 1e-12


class UDIM(Objective):
    r"""The loss at the worst weights nearby, and how much higher it is on the worst inputs nearby.

    .. math:: \ell = S(x) + \beta \big( S(\tilde x) - S(x) \big), \quad
       S(x) = \bar\ell\Big(x;\; \theta + \rho \frac{\nabla_\theta \bar\ell}{\lVert \nabla_\theta \bar\ell \rVert}\Big),
       \quad \tilde x = x + \rho_x \frac{\nabla_x (\bar\ell + \rho \lVert \nabla_\theta \bar\ell \rVert)}
       {\lVert \nabla_x (\bar\ell + \rho \lVert \nabla_\theta \bar\ell \rVert) \rVert}

    `radius` is rho, `input_radius` rho_x (a Euclidean length in the units of the inputs, the same for every row),
    `penalty` beta; at a penalty of 0 this is sharpness-aware minimisation. One domain is enough and none need be known.
    Inputs are one tensor of floats.

    Use it when there is one training domain and new rows will be noisier or partly covered. It fails where the change
    to come is none that small steps of the inputs resemble, with a penalty near 1 (the rows as they are then count no
    more), and costs four times the time of plain training.

    A line with slope 1 for class 1 and x = 1: the worst weights are (0.5, 0.5) in place of (0, 1), the worst x is 0.5.

    >>> line = nn.Linear(1, 2, bias=False)
    >>> _ = line.weight.data.copy_(torch.tensor([[0.0], [1.0]]))
    >>> x, y = torch.tensor([[1.0]]), torch.tensor([1])
    >>> round(UDIM(radius=0.5 * 2**0.5, penalty=0.0).loss(line, x, y).item(), 4)      # the logits are equal: log 2
    0.6931
    >>> round(UDIM(radius=0.0, input_radius=0.5, penalty=1.0).loss(line, x, y).item(), 4)      # log(1 + exp(-0.5))
    0.4741
    """

    source = "shin2024unknown"
    claims = ("disturbed",)
    blind = ("rotated",)
    neutral: ClassVar = {"radius": 0.0, "penalty": 0.0}
    radius: float = 0.05
    input_radius: float = 0.5
    penalty: float = 0.5

    def loss(self, model: nn.Module, inputs: torch.Tensor, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the batch."""
        weights: Weights = {name: value for name, value in model.named_parameters() if value.requires_grad}
        given = inputs.detach().clone().requires_grad_(True)
        plain = functional.cross_entropy(class_logits(model, given, y), y)
        slopes = torch.autograd.grad(plain, list(weights.values()), create_graph=True)
        height = plain + self.radius * _length(slopes)
        (way,) = torch.autograd.grad(height, given)
        size = way.flatten(1).norm(dim=1).clamp(min=TINY).reshape(-1, *[1] * (way.ndim - 1))
        moved = (given + self.input_radius * way / size).detach()
        source = _loss(model, self._worse(weights, slopes), inputs, y)
        there = torch.autograd.grad(_loss(model, weights, moved, y), list(weights.values()))
        unknown = _loss(model, self._worse(weights, there), moved, y)
        return source + self.penalty * (unknown - source)

    def _worse(self, weights: Weights, slopes: tuple[torch.Tensor, ...]) -> Weights:
        """The weights moved uphill; gradients pass through as if they had not been."""
        step = self.radius / _length(slopes).detach()
        moved = zip(weights.items(), slopes, strict=True)
        return {name: value + step * slope.detach() for (name, value), slope in moved}


def _length(parts: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Euclidean length of all gradients together, with a gradient of its own also where it is 0."""
    return (torch.stack([part.square().sum() for part in parts]).sum() + TINY).sqrt()


def _loss(model: nn.Module, weights: Weights, inputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(tensor_of(functional_call(model, weights, (inputs,))).float(), y)
