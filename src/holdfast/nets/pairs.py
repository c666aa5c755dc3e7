"""Pairs of rows and what lies between them."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from holdfast.nets.objectives import class_logits


def drawn_share(alpha: float) -> float:
    """A draw of Beta(alpha, alpha), from torch's generator."""
    return float(torch._sample_dirichlet(torch.tensor([alpha, alpha]))[0])


def mixed_loss(
    model: nn.Module, inputs: torch.Tensor, y: torch.Tensor, other: torch.Tensor, share: float
) -> torch.Tensor:  # fmt: skip
    """Cross-entropy of both labels on the rows between a row and its other."""
    if len(y) != len(inputs):
        raise ValueError(f"y has {len(y)} rows, but inputs has {len(inputs)}.")
    logits = class_logits(model, share * inputs + (1 - share) * inputs[other], y)
    return share * functional.cross_entropy(logits, y) + (1 - share) * functional.cross_entropy(logits, y[other])
