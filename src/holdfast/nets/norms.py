"""Statistics of normalisation layers, measured again on given rows."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from holdfast.nets.batches import as_batch
from holdfast.nets.calling import device_of, evaluating, forward, move


def norm_layers(model: nn.Module) -> list[_BatchNorm]:
    """The layers that keep running statistics."""
    return [m for m in model.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]


def measured_again(model: nn.Module, loader: Iterable[Any]) -> nn.Module:
    """A copy whose BatchNorm layers hold the mean and variance of these batches; all else is the same.

    Every batch counts the same, whatever its size. After merging, and after moving to other data, the statistics that
    a network carries are those of another network or of other data. A model without such layers comes back as a copy.

    >>> norm = nn.BatchNorm1d(1)
    >>> made = measured_again(norm, [torch.tensor([[1.0], [3.0]]), torch.tensor([[5.0], [7.0]])])
    >>> made.running_mean.item(), norm.running_mean.item()
    (4.0, 0.0)
    """
    if not isinstance(model, nn.Module):
        raise ValueError(f"statistics can be measured through a torch module only, not {type(model).__name__}.")
    made = copy.deepcopy(model)
    layers = norm_layers(made)
    momenta = [layer.momentum for layer in layers]
    device, batches = device_of(made), 0
    with torch.no_grad(), evaluating(made):
        for layer in layers:
            layer.reset_running_stats()
            layer.momentum = None  # a cumulative mean over batches
            layer.train()
        for given in loader if layers else ():
            forward(made, move(as_batch(given)["inputs"], device))
            batches += 1
    if layers and not batches:
        raise ValueError("the loader is empty: it yields no batch.")
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    return made.eval()
