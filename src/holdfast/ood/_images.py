"""What detectors that call the network share: chunks of images, and a small step against a score."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from holdfast.nets.calling import device_of, evaluating, forward
from holdfast.nets.features import extract

CHUNK = 256  # images in one pass


def chunks(images: np.ndarray, model: Any) -> Iterator[torch.Tensor]:
    """The images as tensors of the model's type, a few at a time."""
    if not isinstance(model, nn.Module):
        raise ValueError(f"the model is {type(model).__name__}; expected a torch module that takes images.")
    kind = next((p.dtype for p in model.parameters()), torch.float32)
    for first in range(0, len(images), CHUNK):
        yield torch.from_numpy(np.array(images[first : first + CHUNK])).to(device_of(model), kind)


def logits_of(model: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    """(n, k) float64 logits without gradients, in evaluation mode."""
    with torch.no_grad(), evaluating(model):
        return forward(model, inputs).double()


def stepped(inputs: torch.Tensor, model: nn.Module, score: Callable[[torch.Tensor], torch.Tensor], step: float) -> Any:
    """Inputs moved by `step` in every number, to where the sum of their scores falls: known rows follow further.

    >>> stepped(torch.tensor([[2.0, -1.0]]), nn.Identity(), lambda x: x.square().sum(1), step=0.5).tolist()
    [[1.5, -0.5]]
    """
    given = inputs.detach().clone().requires_grad_(True)
    with torch.enable_grad(), evaluating(model):
        gradient = torch.autograd.grad(score(given).sum(), given)[0]
    return inputs - step * gradient.sign()


def layer_outputs(images: np.ndarray, model: nn.Module, layers: tuple[str, ...]) -> dict[str, np.ndarray]:
    """(n, d) outputs of layers, the mean over places."""
    return extract(model, list(chunks(images, model)), layers)
