"""Networks in whatever form they come: modules, state dicts, files; and the result in the form of the first."""

from __future__ import annotations

import copy
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard, Union
from zlib import crc32

import numpy as np

from holdfast.nets.states import Entrywise, Pieces, Rule, combine, open_state

if TYPE_CHECKING:
    import torch
    from torch import nn

Model = Union["nn.Module", Mapping[str, "torch.Tensor"], str, os.PathLike[str]]


def merged(models: Sequence[Model], rule: Rule | Entrywise, out: str | os.PathLike[str] | None = None) -> Any:
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
    return with_state(first, state) if is_module(first) and out is None else state


def is_module(model: Any) -> TypeGuard[nn.Module]:
    """Whether it is a torch module: it is none where nothing has imported torch, and files need no torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def state_of(model: Model) -> Mapping[str, torch.Tensor]:
    """The state dict of a model in any form; a file is read tensor by tensor."""
    if is_module(model):
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


def deltas(entries: Sequence[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """The base (the first) and what every other model changed of it."""
    base, *others = entries
    return base, [other - base for other in others]


def stream(seed: int, name: str, place: int) -> np.random.Generator:
    """Random numbers of one tensor of one model: the same in whatever order tensors are merged."""
    return np.random.default_rng([seed, crc32(name.encode()), place])


def by_entry(
    rule: Callable[..., np.ndarray],
    measure: Callable[[str, Pieces], Any] | None = None,
    beside: Sequence[Model] = (),
) -> Entrywise:
    """A rule for entries by themselves; without a `measure` it takes the name and the entries alone."""
    read = [state_of(model) for model in beside]
    if measure is None:
        return Entrywise(lambda name, entries, _: rule(name, entries), beside=read)
    return Entrywise(rule, measure, read)


def means(pieces: Pieces, first: int) -> list[np.float32]:
    """The mean entry of the states from the `first` on."""
    sums = [[len(piece[0]), *(entries.sum(dtype=np.float64) for entries in piece[first:])] for piece in pieces()]
    count, *totals = np.sum(sums, axis=0)
    return [np.float32(total / count) for total in totals]


def kth_magnitudes(pieces: Pieces, shares: Sequence[float]) -> list[list[np.float32]]:
    """Of every change and share, the magnitude that the share of its entries lie strictly below; 0 for a share of 0.

    Exact and in memory of a piece: magnitudes are counted by the upper half of their bits, then by the lower half of
    those that share the right upper one, since the bits of numbers that are not negative are in their order.
    """
    upper = _counted(pieces, lambda bits, _: bits >> 16)
    sizes = upper.sum(axis=1)
    found = []
    for share in shares:
        places = [round(share * int(size)) for size in sizes]
        high = [_bin(counts, place) for counts, place in zip(upper, places, strict=True)]
        lower = _counted(pieces, lambda bits, which: bits[bits >> 16 == high[which][0]] & 0xFFFF)  # noqa: B023
        found.append([_kth(*parts) for parts in zip(places, sizes, high, lower, strict=True)])
    return [list(one) for one in zip(*found, strict=True)]


def _counted(pieces: Pieces, key: Callable[[np.ndarray, int], np.ndarray]) -> np.ndarray:
    """(changes, 65536) how often every key occurs among the bits of the magnitudes of each change."""
    counts: list[np.ndarray] = []
    for entries in pieces():
        changes = deltas(entries)[1]
        counts = counts or [np.zeros(1 << 16, dtype=np.int64) for _ in changes]
        for which, change in enumerate(changes):
            bits = np.abs(change).view(np.int32)
            counts[which] += np.bincount(key(bits, which), minlength=1 << 16)
    return np.array(counts)


def _bin(counts: np.ndarray, place: int) -> tuple[int, int]:
    """The key of the entry at this place in order, and how many entries have smaller ones."""
    total = counts.cumsum()
    key = min(int(np.searchsorted(total, place, side="right")), len(counts) - 1)
    return key, int(total[key] - counts[key])


def _kth(place: int, size: int, high: tuple[int, int], lower: np.ndarray) -> np.float32:
    if place <= 0 or place >= size:
        return np.float32(0 if place <= 0 else np.inf)
    bits = (high[0] << 16) | _bin(lower, place - high[1])[0]
    return np.array([bits], dtype=np.int32).view(np.float32)[0]


def _floating(rule: Rule | Entrywise) -> Rule | Entrywise:
    """The rule for weights; counters are those of the first model."""
    if not isinstance(rule, Entrywise):

        def only_weights(name: str, tensors: list[torch.Tensor]) -> torch.Tensor:
            return rule(name, tensors) if tensors[0].is_floating_point() else tensors[0].clone()

        return only_weights

    def only_entries(name: str, entries: list[np.ndarray], measured: Any) -> np.ndarray:
        return rule.rule(name, entries, measured) if _are_weights(entries) else entries[0]

    def measure(name: str, pieces: Pieces) -> Any:
        return rule.measure(name, pieces) if rule.measure and _are_weights(next(pieces())) else None

    return Entrywise(only_entries, measure if rule.measure else None, rule.beside)


def _are_weights(entries: Sequence[np.ndarray]) -> bool:
    return entries[0].dtype.kind == "f"
