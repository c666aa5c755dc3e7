"""Inner products of per-example gradients from what enters and leaves linear layers: no gradient is formed.

The gradient of one row's loss in the weights of a linear layer is the outer product of what entered the layer and of
the slope of the loss in what left it, so that the product of two such gradients is that of the entries times that of
the slopes: two numbers of the layer's widths instead of one of their product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.func import grad, vmap

from holdfast.nets.batches import as_batch, batch_rows
from holdfast.nets.calling import device_of, evaluating, forward, move

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class Factors(NamedTuple):
    """Of every layer by name, for all rows: (n, in) what entered it, and (n, out) the slope in what left it."""

    entered: dict[str, torch.Tensor]
    slopes: dict[str, torch.Tensor]


def linear_factors(model: nn.Module, loader: Iterable[Any], loss: Loss, chosen: Iterable[str]) -> Factors:
    """The factors of the linear layers that have one of the chosen parameters and that every row passes once.

    Left out are layers that are passed more or less often, that see rows of several positions, or whose parameters
    belong to another layer as well.
    """
    layers = _own_layers(model, set(chosen))
    entered: dict[str, list[torch.Tensor]] = {name: [] for name in layers}
    slopes: dict[str, list[torch.Tensor]] = {name: [] for name in layers}
    with evaluating(model), torch.enable_grad():
        for count, given in enumerate(loader, 1):
            batch = move(as_batch(given), device_of(model))
            for name, (inputs, slope) in _passed(model, layers, batch, loss).items():
                entered[name].append(inputs)
                slopes[name].append(slope)
            for name in [name for name, parts in entered.items() if len(parts) < count]:
                del layers[name], entered[name], slopes[name]
    return Factors(*({name: torch.cat(parts) for name, parts in of.items() if parts} for of in (entered, slopes)))


def factored_products(ours: Factors, theirs: Factors, chosen: Iterable[str]) -> torch.Tensor | None:
    """(n, m) the part of the inner products that comes from layers that both have; None without any."""
    wanted, total = set(chosen), None
    for name in shared_layers(ours, theirs):
        part = ours.slopes[name] @ theirs.slopes[name].T
        size = ours.entered[name] @ theirs.entered[name].T if f"{name}.weight" in wanted else torch.zeros_like(part)
        part *= size.add_(float(f"{name}.bias" in wanted))
        total = part if total is None else total.add_(part)
    return total


def shared_layers(ours: Factors, theirs: Factors) -> list[str]:
    """The layers of which both have the factors."""
    return [name for name in ours.slopes if name in theirs.slopes]


def _own_layers(model: nn.Module, chosen: set[str]) -> dict[str, nn.Linear]:
    owners: dict[int, int] = {}
    for module in model.modules():
        for value in module.parameters(recurse=False):
            owners[id(value)] = owners.get(id(value), 0) + 1
    return {
        name: module
        for name, module in model.named_modules()
        if type(module) is nn.Linear
        and any(f"{name}.{part}" in chosen for part in ("weight", "bias"))
        and all(owners[id(value)] == 1 for value in module.parameters())
    }


def _passed(
    model: nn.Module, layers: dict[str, nn.Linear], batch: dict[str, Any], loss: Loss
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Of the layers that the batch passed once, what entered and the slope in what left."""
    seen: dict[str, list[tuple[torch.Tensor, torch.Tensor]]] = {name: [] for name in layers}

    def remembering(name: str) -> Any:
        def remember(_: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
            seen[name].append((inputs[0].detach(), output))
            return output.clone()  # what comes next may work in place

        return remember

    hooks = [module.register_forward_hook(remembering(name)) for name, module in layers.items()]
    try:
        logits = forward(model, batch["inputs"])
    finally:
        for hook in hooks:
            hook.remove()
    rows = batch_rows(batch)
    once = {
        name: calls[0]
        for name, calls in seen.items()
        if len(calls) == 1 and calls[0][1].shape[:-1] == (rows,) and calls[0][1].requires_grad
    }
    slope = vmap(grad(lambda row, y: loss(row.unsqueeze(0), y.unsqueeze(0))))(logits.detach(), batch["y"])
    outputs = [output for _, output in once.values()]
    slopes = torch.autograd.grad(logits, outputs, slope, allow_unused=True) if outputs else ()
    return {
        name: (inputs.float(), part.float())
        for (name, (inputs, _)), part in zip(once.items(), slopes, strict=True)
        if part is not None
    }
