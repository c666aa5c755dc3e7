"""Networks in whatever form they come: modules, state dicts, files; and the result in the form of the first."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

import numpy as np
import torch
from torch import nn

from holdfast.nets.states import Rule, combine, open_state

Model = nn.Module | Mapping[str, torch.Tensor] | str | os.PathLike[str]


def merged(models: Sequence[Model], rule: Rule, out: str | os.PathLike[str] | None = None) -> Any:
    """Apply a rule, tensor by tensor, to models of one architecture.

    The result has the form of the first model: a new module in evaluation mode, a new state dict, or (with `out`) a
    file. Tensors that are not floating-point (counters) are taken from the first model.
    """
    if not models:
        raise ValueError("no model was given to merge.")
    first = models[0]
    if isinstance(first, (str, os.PathLike)) and out is None:
        raise ValueError("models on disk are merged into a file: give `out`.")
    state = combine([state_of(model) for model in models], _floating(rule), out)
    return with_state(first, state) if isinstance(first, nn.Module) and out is None else state


def state_of(model: Model) -> Mapping[str, torch.Tensor]:
    """The state dict of a model in any form; a file is read tensor by tensor."""
    if isinstance(model, nn.Module):
        return model.state_dict()
    if isinstance(model, Mapping):
        return model
    if isinstance(model, (str, os.PathLike)):
        return open_state(model)
    raise ValueError(
        f"a model is {type(model).__name__}; expected a torch module, a state dict or a .safetensors path."
    )


def with_state(model: nn.Module, state: Mapping[str, torch.Tensor]) -> nn.Module:
    """A copy of the module with these weights, in evaluation mode."""
    made = copy.deepcopy(model)
    made.load_state_dict(dict(state))
    return made.eval()


def deltas(tensors: Sequence[torch.Tensor]) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The base (the first) and what every other model changed of it, in float32."""
    base = tensors[0].float()
    return base, [tensor.float() - base for tensor in tensors[1:]]


def stream(seed: int, name: str, place: int) -> np.random.Generator:
    """Random numbers of one tensor of one model: the same in whatever order tensors are merged."""
    return np.random.default_rng([seed, crc32(name.encode()), place])


def kth_magnitude(values: torch.Tensor, share: float) -> torch.Tensor:
    """The magnitude that `share` of the values lie strictly below; 0 for a share of 0."""
    flat = values.abs().flatten()
    place = round(share * len(flat))
    if place <= 0:
        return flat.new_zeros(())
    if place >= len(flat):
        return flat.new_tensor(float("inf"))
    return torch.from_numpy(np.partition(flat.numpy(), place))[place]


def _floating(rule: Rule) -> Rule:
    def only_weights(name: str, tensors: list[torch.Tensor]) -> torch.Tensor:
        return rule(name, tensors) if tensors[0].is_floating_point() else tensors[0].clone()

    return only_weights
