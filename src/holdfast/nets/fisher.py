"""How much every weight matters: the diagonal of the Fisher information."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional

from holdfast.nets.batches import as_batch
from holdfast.nets.calling import device_of, evaluating, forward, move
from holdfast.nets.gradients import squared_gradients


def diagonal_fisher(
    model: nn.Module, loader: Iterable[Any], *, labels: Literal["model", "data"] = "model", total: bool = False
) -> dict[str, torch.Tensor]:
    r"""The diagonal of the Fisher information of a classifier, by parameter name.

    .. math:: F = \frac{1}{n} \sum_i \sum_c p_c(x_i) \left(\nabla_\theta \log p_c(x_i)\right)^2

    With `labels="model"` the expectation runs over the model's own probabilities, exactly (one backward pass a class);
    "data" takes the labels of the batches instead (the empirical Fisher, cheaper, nearly zero where the model is
    certain). `total` sums over rows, so that more data weighs more. Float32 tensors of the parameters' shapes.

    >>> line = nn.Linear(1, 2, bias=False)
    >>> _ = line.weight.data.zero_()
    >>> batch = {"inputs": torch.tensor([[2.0]]), "y": torch.tensor([0])}
    >>> diagonal_fisher(line, [batch])["weight"].flatten().tolist()     # p (1 - p) x^2 = .25 * 4
    [1.0, 1.0]
    """
    summed: dict[str, torch.Tensor] = {}
    rows = 0
    device = device_of(model)
    for given in loader:
        batch = move(as_batch(given), device)
        for y, weight in _labels(model, batch, labels):
            for name, value in squared_gradients(model, {**batch, "y": y}, _negative_log_likelihood, weight).items():
                summed[name] = summed[name] + value if name in summed else value
        rows += len(y)
    if not rows:
        raise ValueError("the loader is empty: it yields no batch.")
    return summed if total else {name: value / rows for name, value in summed.items()}


def _labels(model: nn.Module, batch: dict[str, Any], labels: str) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Labels to differentiate at, each with the weight of every row."""
    if labels == "data":
        return [(batch["y"], torch.ones(len(batch["y"]), device=batch["y"].device))]
    with torch.no_grad(), evaluating(model):
        probs = functional.softmax(forward(model, batch["inputs"]), dim=1)
    return [(torch.full((len(probs),), c, device=probs.device), probs[:, c]) for c in range(probs.shape[1])]


def _negative_log_likelihood(logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(logits, y)
