"""Calling any network: plain modules, timm's and Hugging Face's, on tensors or on dicts of tensors."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


def forward(model: nn.Module, inputs: Any) -> torch.Tensor:
    """The (n, k) logits, whatever the model wraps them in.

    `inputs` is a tensor, a tuple of arguments, or a mapping of named arguments (Hugging Face). An output may be the
    logits themselves, hold them under `logits`, or have them as its first element.

    >>> forward(nn.Identity(), torch.ones(2, 3)).shape
    torch.Size([2, 3])
    """
    if isinstance(inputs, Mapping):
        output = model(**inputs)
    elif isinstance(inputs, (tuple, list)):
        output = model(*inputs)
    else:
        output = model(inputs)
    return tensor_of(output)


def eager(model: nn.Module) -> nn.Module:
    """The network behind `torch.compile`: hooks on its layers are called, which compiled code leaves out."""
    found = getattr(model, "_orig_mod", model)
    return found if isinstance(found, nn.Module) else model


def tensor_of(output: Any) -> torch.Tensor:
    """The tensor that a module's output stands for: itself, its `logits`, its first hidden state or first element."""
    if isinstance(output, torch.Tensor):
        return output
    for name in ("logits", "last_hidden_state"):
        found = output.get(name) if isinstance(output, Mapping) else getattr(output, name, None)
        if isinstance(found, torch.Tensor):
            return found
    if isinstance(output, (tuple, list)) and output and isinstance(output[0], torch.Tensor):
        return output[0]
    raise TypeError(
        f"a module returned {type(output).__name__}; expected a tensor, an object or mapping with `logits`, or a tuple "
        "whose first element is a tensor."
    )


def move(value: Any, device: torch.device | str) -> Any:
    """Tensors within tuples, lists and mappings, moved to the device."""
    if isinstance(value, torch.Tensor):
        return value.to(device, non_blocking=True)
    if isinstance(value, Mapping):
        return {name: move(part, device) for name, part in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(move(part, device) for part in value)
    return value


def device_of(model: nn.Module) -> torch.device:
    """Where the model's first parameter or buffer lies; the CPU for a model without any."""
    for tensor in (*model.parameters(), *model.buffers()):
        return tensor.device
    return torch.device("cpu")


def best_device() -> torch.device:
    """What the environment variable `HOLDFAST_DEVICE` names, else a CUDA device where there is one, else the CPU."""
    named = os.environ.get("HOLDFAST_DEVICE")
    return torch.device(named or ("cuda" if torch.cuda.is_available() else "cpu"))


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode inside; every module's own mode is back afterwards, frozen parts included."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def repeatable() -> Iterator[None]:
    """Convolutions of a CUDA device that give the same bits twice; by default some add up in any order."""
    cudnn = torch.backends.cudnn
    with cudnn.flags(enabled=cudnn.enabled, benchmark=False, deterministic=True, allow_tf32=cudnn.allow_tf32):
        yield


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Torch's generators seeded inside and as they were afterwards."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield
