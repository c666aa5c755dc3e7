"""Inputs made worse by gradients of the loss."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from holdfast.nets.objectives import class_logits


def climbed(
    model: nn.Module, inputs: torch.Tensor, y: torch.Tensor, radius: float, step: float, steps: int, start: bool = False
) -> torch.Tensor:
    """Inputs after so many steps by the sign of the gradient, kept within the radius of every number."""
    moved = inputs + radius * (2 * torch.rand_like(inputs) - 1) if start else inputs
    for _ in range(steps):
        moved = moved.detach().requires_grad_(True)
        loss = functional.cross_entropy(class_logits(model, moved, y), y, reduction="sum")
        (slope,) = torch.autograd.grad(loss, moved)
        moved = inputs + (moved.detach() + step * slope.sign() - inputs).clamp(-radius, radius)
    return moved.detach()
