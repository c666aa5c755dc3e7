"""Gradients of every example by itself, in chunks, as they are or projected at random; inner products between sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional

from holdfast.nets.batches import as_batch, batch_rows
from holdfast.nets.calling import device_of, eager, evaluating, move, tensor_of
from holdfast.nets.linear_gradients import Loss, factored_products, linear_factors, shared_layers

BLOCK = 1 << 14  # parameters projected together: the random matrix is never held whole


def per_example_gradients(
    model: nn.Module,
    loader: Iterable[Any],
    *,
    loss: Loss = functional.cross_entropy,
    layers: str = "",
    project: int | None = None,
    chunk: int = 32,
    seed: int = 0,
) -> np.ndarray:
    r"""The gradient of the loss of every row with respect to the parameters, one row each.

    Parameters
    ----------
    model
        Read in evaluation mode: with batch statistics an example has no gradient of its own.
    loader
        Batches of `inputs` and `y`.
    loss
        `loss(logits, y)` of a batch of one.
    layers
        Only parameters whose name starts with this; "head" of a classifier is often enough. All when empty.
    project
        A random projection to so many numbers that keeps inner products: entries :math:`\pm 1/\sqrt{p}`, made from
        `seed` block by block, so that memory is that of a block.
    chunk
        Examples at a time: memory is `chunk` times the number of parameters.

    Returns
    -------
    numpy.ndarray
        (n, p) float32; p is the number of parameters or `project`.

    Examples
    --------
    The gradient of the squared error of a line, (wx - y)^2 with w = 1, is 2x(wx - y):

    >>> line = nn.Linear(1, 1, bias=False)
    >>> _ = line.weight.data.fill_(1.0)
    >>> batch = {"inputs": torch.tensor([[2.0], [3.0]]), "y": torch.tensor([[1.0], [3.0]])}
    >>> per_example_gradients(line, [batch], loss=functional.mse_loss).tolist()
    [[4.0], [0.0]]
    """
    model = eager(model)
    names = _chosen(model, layers)
    parts = [_projected(rows, project, seed) for rows in _gradients(model, loader, loss, names, chunk)]
    if not parts:
        raise ValueError("the loader is empty: it yields no batch.")
    return np.concatenate([part.cpu().numpy() for part in parts])


def gradient_products(
    model: nn.Module,
    loader: Iterable[Any],
    other: Iterable[Any] | None = None,
    *,
    loss: Loss = functional.cross_entropy,
    layers: str = "",
    chunk: int = 32,
) -> np.ndarray:
    """(n, m) inner products between the gradients of every row of one loader and every row of another.

    Exact, and neither set of gradients is held whole. Those of linear layers are products of what enters and leaves
    them (memory: their widths, for every row); for other layers memory is that of two chunks, and the loaders are gone
    through once more (`loader`) and once per chunk of it (`other`). Give the same loader twice, or none, for the
    products of a set with itself.

    The gradient of the squared error of a line is 2x(wx - y), here 4 and 6:

    >>> line = nn.Linear(1, 1, bias=False)
    >>> _ = line.weight.data.fill_(1.0)
    >>> batch = {"inputs": torch.tensor([[2.0], [3.0]]), "y": torch.tensor([[1.0], [2.0]])}
    >>> gradient_products(line, [batch], loss=functional.mse_loss).tolist()
    [[16.0, 24.0], [24.0, 36.0]]
    """
    other = loader if other is None else other
    model = eager(model)
    names = _chosen(model, layers)
    ours = linear_factors(model, loader, loss, names)
    theirs = ours if other is loader else linear_factors(model, other, loss, names)
    total = factored_products(ours, theirs, names)
    done = shared_layers(ours, theirs)
    left = [name for name in names if name.rpartition(".")[0] not in done]
    if left:
        rest = _formed_products(model, loader, other, loss, left, chunk)
        total = rest if total is None else total.add_(rest)
    if total is None:
        raise ValueError("the loader is empty: it yields no batch.")
    return np.asarray(total.cpu().numpy())


def _formed_products(
    model: nn.Module, loader: Iterable[Any], other: Iterable[Any], loss: Loss, names: list[str], chunk: int
) -> torch.Tensor:
    """(n, m) products of the gradients in these parameters, which are formed, two chunks at a time."""
    rows = []
    for ours in _gradients(model, loader, loss, names, chunk):
        flat = _joined(ours)
        products = [flat @ _joined(theirs).T for theirs in _gradients(model, other, loss, names, chunk)]
        rows.append(torch.cat(products, dim=1))
    if not rows:
        raise ValueError("the loader is empty: it yields no batch.")
    return torch.cat(rows)


def input_gradients(model: nn.Module, loader: Iterable[Any]) -> np.ndarray:
    """(n, d) gradient of the label's logit in the inputs of every row; the model is read in evaluation mode.

    >>> line = nn.Linear(2, 2, bias=False)
    >>> _ = line.weight.data.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    >>> input_gradients(line, [{"inputs": torch.zeros(2, 2), "y": torch.tensor([0, 1])}]).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    parts = []
    with evaluating(model), torch.enable_grad():
        for given in loader:
            batch = move(as_batch(given), device_of(model))
            inputs = batch["inputs"].detach().requires_grad_(True)
            own = tensor_of(model(inputs)).gather(1, batch["y"][:, None]).sum()
            parts.append(torch.autograd.grad(own, inputs)[0].flatten(1).float().cpu().numpy())
    if not parts:
        raise ValueError("the loader is empty: it yields no batch.")
    return np.concatenate(parts)


def squared_gradients(
    model: nn.Module, batch: Any, loss: Loss, weight: torch.Tensor, chunk: int = 32
) -> dict[str, torch.Tensor]:
    """By parameter, the weighted sum over the rows of a batch of the squared gradients of their losses."""
    summed: dict[str, torch.Tensor] = {}
    start = 0
    model = eager(model)
    for part in _gradients(model, [batch], loss, _chosen(model, ""), chunk):
        rows = len(next(iter(part.values())))
        weights = weight[start : start + rows]
        start += rows
        for name, value in part.items():
            found = torch.tensordot(weights, value.square(), dims=1)
            summed[name] = summed[name] + found if name in summed else found
    return summed


def _chosen(model: nn.Module, layers: str) -> list[str]:
    every = [name for name, _ in model.named_parameters()]
    chosen = [name for name in every if name.startswith(layers)]
    if not chosen:
        raise ValueError(f"no parameter's name starts with {layers!r}. There are: {', '.join(every[:20])}.")
    return chosen


def _gradients(
    model: nn.Module, loader: Iterable[Any], loss: Loss, names: list[str], chunk: int
) -> Iterator[dict[str, torch.Tensor]]:
    """By parameter, (chunk, ...) gradients."""
    every = {name: value.detach() for name, value in model.named_parameters()}
    chosen = {name: every[name] for name in names}
    fixed = {name: value for name, value in every.items() if name not in chosen}
    fixed |= dict(model.named_buffers())
    device = device_of(model)

    def one(parameters: dict[str, torch.Tensor], inputs: Any, y: torch.Tensor) -> torch.Tensor:
        single = _each(inputs, lambda value: value.unsqueeze(0))
        output = functional_call(model, {**fixed, **parameters}, *_arguments(single))
        return loss(tensor_of(output), y.unsqueeze(0))

    every_row = vmap(grad(one), in_dims=(None, 0, 0), randomness="different")
    with evaluating(model):
        for given in loader:
            batch = move(as_batch(given), device)
            for start in range(0, batch_rows(batch), chunk):
                rows = slice(start, start + chunk)
                yield every_row(chosen, _each(batch["inputs"], lambda value: value[rows]), batch["y"][rows])  # noqa: B023


def _each(inputs: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    if isinstance(inputs, dict):
        return {name: change(value) for name, value in inputs.items()}
    if isinstance(inputs, (tuple, list)):
        return tuple(change(value) for value in inputs)
    return change(inputs)


def _arguments(inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(inputs, dict):
        return (), inputs
    return (tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)), {}


def _joined(gradients: dict[str, torch.Tensor]) -> torch.Tensor:
    return torch.cat([value.flatten(1) for value in gradients.values()], dim=1).float()


def _projected(gradients: dict[str, torch.Tensor], size: int | None, seed: int) -> torch.Tensor:
    if size is None:
        return _joined(gradients)
    first = next(iter(gradients.values()))
    total = torch.zeros(len(first), size, device=first.device)
    for place, value in enumerate(gradients.values()):
        flat = value.flatten(1).float()
        for start in range(0, flat.shape[1], BLOCK):
            part = flat[:, start : start + BLOCK]
            total += part @ _signs(part.shape[1], size, (seed, place, start)).to(part.device)
    return total / size**0.5


def _signs(rows: int, columns: int, stream: tuple[int, int, int]) -> torch.Tensor:
    rng = np.random.default_rng(list(stream))
    bits = np.unpackbits(rng.integers(0, 256, size=(rows, -(-columns // 8)), dtype=np.uint8), axis=1)[:, :columns]
    return torch.from_numpy(bits.astype(np.float32) * 2 - 1)
