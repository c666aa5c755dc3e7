"""Learning at test time: the weights of normalisation layers, a loss without labels, one small step."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from holdfast.adaptation._norms import following, norm_parameters
from holdfast.nets.calling import forward

Loss = Callable[[torch.Tensor], torch.Tensor | None]


def learner(model: nn.Module, rate: float, span: int, who: str) -> SimpleNamespace:
    """A model whose normalisation follows the stream, with Adam over the weights of its normalisation layers."""
    if not rate >= 0:
        raise ValueError(f"rate is {rate!r}; expected a number of at least 0.")
    model = following(model, span)
    weights = norm_parameters(model, who)
    return SimpleNamespace(
        model=model, weights=weights, rate=rate, span=span, optimizer=torch.optim.Adam(weights, lr=rate)
    )


def learn(state: SimpleNamespace, inputs: Any, loss: Loss) -> torch.Tensor:
    """The logits of the batch, then one step down the loss of them; no step where the loss is None or not finite.

    A batch below the span of the statistics moves the weights by its share, so that a row counts the same in
    whatever batch it comes.
    """
    with torch.enable_grad():
        logits = forward(state.model, inputs)
        value = loss(logits)
        if value is not None and value.requires_grad and bool(torch.isfinite(value)):
            descend(state, value, len(logits))
    return logits.detach()


def descend(state: SimpleNamespace, value: torch.Tensor, rows: int) -> None:
    """One step of the optimiser, at the batch's share of the rate."""
    state.optimizer.zero_grad(set_to_none=True)
    value.backward()
    for group in state.optimizer.param_groups:
        group["lr"] = state.rate * min(1.0, rows / state.span)
    if all(bool(p.grad.isfinite().all()) for p in state.weights if p.grad is not None):
        state.optimizer.step()


def entropy(logits: torch.Tensor) -> torch.Tensor:
    """(n,) entropy of every row's softmax, in nats."""
    logs = logits.float().log_softmax(1)
    return -(logs.exp() * logs).sum(1)
