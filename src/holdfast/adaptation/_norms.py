"""Normalisation layers in adapters: which there are, what of them may learn, and statistics that follow the stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

SPAN = 64  # rows that statistics rest on where batches are smaller


class FollowingNorm(nn.Module):
    r"""A BatchNorm layer whose statistics are those of the rows it meets.

    .. math:: m \leftarrow (1 - a) m + a \, m_\text{batch}, \quad a = \min(1, n / \text{span}); \quad
              \mu = w \mu_\text{source} + (1 - w) m

    and so the variance. A batch of `span` rows or more stands for itself; smaller ones for their share, and their
    variance is the unbiased one: of single values, the squared distance from m. `source` is w, how much the statistics
    of training count.
    """

    source_running_mean: torch.Tensor
    source_running_var: torch.Tensor
    running_mean: torch.Tensor
    running_var: torch.Tensor

    def __init__(self, norm: _BatchNorm, source: float = 0.0, span: int = SPAN) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps
        self.source, self.span = source, span
        for name in ("running_mean", "running_var"):
            self.register_buffer(f"source_{name}", getattr(norm, name).detach().clone())
            self.register_buffer(name, getattr(norm, name).detach().clone())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise by the statistics that these rows lead to."""
        share = min(1.0, x.shape[0] / self.span)
        kept, learnt = self._buffers, self._parameters  # looked up once: half of the cost for single rows
        scale = learnt.get("weight"), learnt.get("bias")
        if share == 1 and not self.source and x.numel() > x.shape[1]:
            return functional.batch_norm(x, kept["running_mean"], kept["running_var"], *scale, True, 1.0, self.eps)
        if torch.is_grad_enabled():
            return normalised(x, *self._blended(x, share), self)
        return functional.batch_norm(x, *self._moved(x, share), *scale, False, 0.0, self.eps)

    def _moved(self, x: torch.Tensor, share: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and variance after these rows, source mixed in; the running ones move along. Without gradients."""
        kept = self._buffers
        running: Any = kept["running_mean"], kept["running_var"]
        if share < 1 and x.dtype == running[0].dtype and x.numel() > x.shape[1]:
            torch.batch_norm_update_stats(x, running[0], running[1], share)
        else:
            for old, new in zip(running, moments(x, running[0], share), strict=True):
                old.lerp_(new.to(old.dtype), share)
        if not self.source:
            return running
        return running[0].lerp(kept["source_running_mean"], self.source), running[1].lerp(
            kept["source_running_var"], self.source
        )

    def _blended(self, x: torch.Tensor, share: float) -> tuple[torch.Tensor, torch.Tensor]:
        """The same with gradients."""
        mean, variance = moments(x, self.running_mean, share)
        mean = torch.lerp(self.running_mean.float(), mean, share)
        variance = torch.lerp(self.running_var.float(), variance, share)
        self.running_mean = mean.detach().to(self.running_mean.dtype)
        self.running_var = variance.detach().to(self.running_var.dtype)
        mean = torch.lerp(mean, self.source_running_mean.float(), self.source)
        return mean, torch.lerp(variance, self.source_running_var.float(), self.source)


class RobustNorm(FollowingNorm):
    """A BatchNorm layer that moves its statistics by `momentum` in training mode, and only there."""

    def __init__(self, norm: _BatchNorm, momentum: float) -> None:
        super().__init__(norm)
        self.momentum = momentum

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise by the statistics as they are, in training mode as they are afterwards."""
        if self.training:
            return normalised(x, *self._blended(x, self.momentum), self)
        return functional.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)


def moments(x: torch.Tensor, running_mean: torch.Tensor, share: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and variance by channel, (c,) float32 each, with gradients: much faster on a CPU than `torch.var_mean`."""
    x, axes, count = x.float(), [0, *range(2, x.ndim)], x.numel() // x.shape[1]
    mean = x.mean(axes, keepdim=True)
    if count == 1:
        return mean.flatten(), (mean.flatten() - running_mean.float()).square()
    return mean.flatten(), (x - mean).square().sum(axes) / (count - (share < 1))


def normalised(x: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor, norm: Any) -> torch.Tensor:
    """(x - mean) / sd by channel (or by row and channel), times the layer's weight, plus its bias."""
    tail = [1] * (x.ndim - 2)
    scale = torch.rsqrt(variance + norm.eps)
    shift = -mean * scale
    if norm.weight is not None:
        scale = scale * norm.weight.float()
        shift = shift * norm.weight.float() + norm.bias.float()
    return (x * scale.reshape(-1, x.shape[1], *tail) + shift.reshape(-1, x.shape[1], *tail)).to(x.dtype)


def with_norms(model: nn.Module, make: Callable[[_BatchNorm], nn.Module], who: str) -> nn.Module:
    """Replace, in place, every BatchNorm layer that keeps statistics; refuses a model without any."""
    places = [
        (parent, name, layer)
        for parent in model.modules()
        for name, layer in parent.named_children()
        if isinstance(layer, _BatchNorm) and layer.running_mean is not None
    ]
    if isinstance(model, _BatchNorm) and model.running_mean is not None:
        return make(model)
    if not places:
        raise ValueError(
            f"{type(model).__name__} has no BatchNorm layer with running statistics, which is what {who} adapts. "
            "For GroupNorm and LayerNorm take a method that learns their weights, such as adaptation.Tent."
        )
    for parent, name, layer in places:
        setattr(parent, name, make(layer))
    return model


def following(model: nn.Module, span: int = SPAN) -> nn.Module:
    """BatchNorm layers, where there are any, follow the stream."""
    if any(isinstance(layer, _BatchNorm) and layer.running_mean is not None for layer in model.modules()):
        return with_norms(model, lambda norm: FollowingNorm(norm, span=span), "")
    return model


def is_norm(layer: nn.Module) -> bool:
    """True for layers that normalise."""
    kinds = (_BatchNorm, FollowingNorm, nn.GroupNorm, nn.LayerNorm, _InstanceNorm)
    return isinstance(layer, kinds) or "RMSNorm" in type(layer).__name__


@contextmanager
def norm_outputs(model: nn.Module, who: str) -> Iterator[list[torch.Tensor]]:
    """Inside, what every normalisation layer puts out is collected in the list, in order."""
    layers = [layer for layer in model.modules() if is_norm(layer)]
    if not layers:
        raise ValueError(f"{who} reads what normalisation layers put out; this {type(model).__name__} has none.")
    outputs: list[torch.Tensor] = []
    handles = [layer.register_forward_hook(lambda _m, _i, output: outputs.append(output)) for layer in layers]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def norm_parameters(model: nn.Module, who: str) -> list[nn.Parameter]:
    """Weights and biases of normalisation layers that may learn; everything else is frozen, in place."""
    found = [p for layer in model.modules() if is_norm(layer) for p in layer.parameters(recurse=False)]
    free = [parameter for parameter in found if parameter.requires_grad and parameter.is_floating_point()]
    if not free:
        have = "are all frozen (requires_grad=False)" if found else "do not exist"
        raise ValueError(
            f"{who} learns the weights of normalisation layers; in this {type(model).__name__} they {have}."
        )
    model.requires_grad_(False)
    for parameter in free:
        parameter.requires_grad_(True)
    return free
