"""Which axes of which tensors carry the hidden units of a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch


class Place(NamedTuple):
    """One axis of one tensor that carries the hidden units of a layer."""

    name: str
    axis: int


def chain_units(state: Mapping[str, torch.Tensor]) -> list[list[Place]]:
    """The hidden layers of a plain chain: every weight matrix's outputs are the inputs of the next one."""
    matrices = [name for name, value in state.items() if value.ndim >= 2]
    layers: list[list[Place]] = [[] for _ in matrices[:-1]]
    current = -1
    for name, value in state.items():
        if value.ndim >= 2:
            if current >= 0:
                _check_chain(state[matrices[current]], value, matrices[current], name)
                layers[current].append(Place(name, 1))
            current += 1
        if value.ndim >= 1 and 0 <= current < len(layers):
            layers[current].append(Place(name, 0))
    if not layers:
        raise ValueError("the state has fewer than two weight matrices: there is no hidden layer to align.")
    return layers


def _check_chain(before: torch.Tensor, after: torch.Tensor, name: str, following: str) -> None:
    if after.shape[1] != before.shape[0]:
        raise ValueError(
            f"{following} takes {after.shape[1]} inputs, but {name} has {before.shape[0]} outputs: not a plain chain. "
            "Give `units`."
        )


def check_units(layers: list[list[Place]], state: Mapping[str, Any], target: Mapping[str, Any]) -> None:
    for layer in layers:
        for place in layer:
            for which in (state, target):
                if place.name not in which:
                    raise ValueError(f"`units` names {place.name!r}, which is not a tensor of both models.")
            if state[place.name].shape != target[place.name].shape:
                shapes = tuple(state[place.name].shape), tuple(target[place.name].shape)
                raise ValueError(f"{place.name}: shape {shapes[0]} in the model, {shapes[1]} in the reference.")


def unit_products(ours: torch.Tensor, theirs: torch.Tensor, axis: int) -> np.ndarray:
    """(units, units) inner products of the slices of two tensors along an axis."""
    one, other = (tensor.double().movedim(axis, 0).reshape(tensor.shape[axis], -1) for tensor in (ours, theirs))
    return (one @ other.T).numpy()
