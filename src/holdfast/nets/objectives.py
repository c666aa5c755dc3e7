"""What objectives are made of: checked logits of a batch, plain cross-entropy, and what goes into the head."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from holdfast.nets.calling import forward
from holdfast.nets.features import head_name


class CrossEntropy:
    """Plain training: the mean cross-entropy, with row weights where a batch has `weight`."""

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, **rest: Any) -> torch.Tensor:
        """The mean over the rows of the batch."""
        losses = functional.cross_entropy(class_logits(model, inputs, y), y, reduction="none")
        return losses.mean() if "weight" not in rest else (rest["weight"] * losses).mean()


class SquaredError:
    """Plain regression: the mean squared error of a numeric target."""

    def loss(self, model: nn.Module, inputs: Any, target: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the rows of the batch."""
        return (predicted(model, inputs, target) - target).square().mean()


def predicted(model: nn.Module, inputs: Any, target: torch.Tensor) -> torch.Tensor:
    """(n,) predictions of a network with one output, after it is clear that `target` is one number a row."""
    output = forward(model, inputs).float()
    if output.numel() != len(output):
        raise ValueError(f"the model gives outputs of shape {tuple(output.shape)}; expected one number a row.")
    check_target(target, len(output))
    return output.reshape(-1)


def check_target(target: torch.Tensor, rows: int) -> None:
    """Raises where `target` is not one number for each of so many rows."""
    if not target.is_floating_point() or target.ndim != 1:
        raise ValueError(f"target has shape {tuple(target.shape)} and type {target.dtype}; expected one float a row.")
    if len(target) != rows:
        raise ValueError(f"target has {len(target)} rows, but the batch has {rows}.")


def class_logits(model: nn.Module, inputs: Any, y: torch.Tensor, weakest: int = 1) -> torch.Tensor:
    """(n, k) logits of a batch, after it is clear that `y` are class codes that the model knows.

    >>> class_logits(nn.Identity(), torch.zeros(1, 2), torch.tensor([2]))
    Traceback (most recent call last):
    ...
    ValueError: y holds class 2, but the model has 2 outputs (classes 0..1). Is its last layer large enough?
    """
    logits = forward(model, inputs).float()
    _check_codes(logits, y, weakest)
    return logits


def _check_codes(logits: torch.Tensor, y: torch.Tensor, weakest: int) -> None:
    if logits.ndim != 2:
        raise ValueError(f"the model gives outputs of shape {tuple(logits.shape)}; expected (rows, classes) logits.")
    if y.is_floating_point() or y.ndim != 1:
        raise ValueError(f"y has shape {tuple(y.shape)} and type {y.dtype}; expected one class code (int64) a row.")
    if len(y) != len(logits):
        raise ValueError(f"y has {len(y)} rows, but the model gives logits for {len(logits)}.")
    low, high, k = int(y.min()), int(y.max()), logits.shape[1]
    if low < 0 or high >= k:
        wrong = low if low < 0 else high
        raise ValueError(
            f"y holds class {wrong}, but the model has {k} outputs (classes 0..{k - 1}). "
            "Is its last layer large enough?"
        )
    if k < weakest:
        raise ValueError(f"the model has {k} output(s); this objective needs at least {weakest} classes.")


def counts_for(counts: Any, logits: torch.Tensor) -> torch.Tensor:
    """How often each class was seen in `fit`, as a tensor beside the logits; one entry a class of the model."""
    if len(counts) > logits.shape[1]:
        raise ValueError(f"fit saw {len(counts)} classes in y, but the model has {logits.shape[1]} outputs.")
    held = torch.zeros(logits.shape[1], device=logits.device)
    held[: len(counts)] = torch.as_tensor(counts, dtype=torch.float32, device=logits.device)
    return held


def one_hot(y: torch.Tensor, k: int) -> torch.Tensor:
    """(n, k) float32, 1 at the class of the row."""
    return functional.one_hot(y, k).float()


@contextmanager
def at_head(model: nn.Module, change: Callable[[torch.Tensor], torch.Tensor]) -> Iterator[list[torch.Tensor]]:
    """Inside, `change` is applied to what goes into the last linear layer; what went in is collected in the list."""
    seen: list[torch.Tensor] = []

    def hook(_module: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        seen.append(change(given[0]))
        return (seen[-1], *given[1:])

    handle = head_of(model).register_forward_pre_hook(hook)
    try:
        yield seen
    finally:
        handle.remove()


def head_of(model: nn.Module) -> nn.Linear:
    """The last linear layer."""
    return dict(model.named_modules())[head_name(model)]


def logits_and_features(model: nn.Module, inputs: Any, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The (n, k) logits and the (n, d) inputs of the last linear layer, both with gradients, in one forward pass."""
    with at_head(model, lambda features: features) as seen:
        logits = class_logits(model, inputs, y)
    if not seen:
        raise ValueError("the last linear layer took no part in the forward pass.")
    return logits, seen[-1].flatten(1)
