"""Learning at test time: the weights of normalisation layers, a loss without labels, one small step."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from holdfast.adaptation._norms import following, norm_parameters
from holdfast.nets.batches import as_tensor
from holdfast.nets.calling import forward
from holdfast.nets.features import extract

Loss = Callable[[torch.Tensor], torch.Tensor | None]


def learner(model: nn.Module, rate: float, span: int, who: str) -> SimpleNamespace:
    """A model whose normalisation follows the stream, with Adam over the weights of its normalisation layers."""
    if not rate >= 0:
        raise ValueError(f"rate is {rate!r}; expected a number of at least 0.")
    model = following(model, span)
    return optimized(model, norm_parameters(model, who), rate, span)


def optimized(model: nn.Module, weights: list[nn.Parameter], rate: float, span: int) -> SimpleNamespace:
    """The model with Adam over these weights."""
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


def descend(state: SimpleNamespace, value: torch.Tensor | None, rows: int) -> None:
    """One step at the batch's share of the rate, down this value or, without one, down the gradients that are there."""
    if value is not None:
        state.optimizer.zero_grad(set_to_none=True)
        value.backward()
    for group in state.optimizer.param_groups:
        group["lr"] = state.rate * min(1.0, rows / state.span)
    if all(bool(p.grad.isfinite().all()) for p in state.weights if p.grad is not None):
        state.optimizer.step()
    state.optimizer.zero_grad(set_to_none=True)


def fitted_on(editor: Any, **fitted: Any) -> Any:
    """A copy of the editor that keeps what one model's adaptation needs of the source; the editor itself stays."""
    rule = copy.copy(editor)
    for name, value in fitted.items():
        setattr(rule, name, value)
    return rule


def source_features(model: Any, ref_inputs: Any, ref_y: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """(m, d) features before the head of labelled rows of the source, in float32, and their (m,) class codes."""
    if not isinstance(model, nn.Module):
        raise ValueError(f"the model to adapt is {type(model).__name__}; expected a torch module.")
    rows, y = as_tensor("ref_inputs", ref_inputs), as_tensor("ref_y", ref_y)
    if len(rows) != len(y):
        raise ValueError(f"ref_y has {len(y)} labels for {len(rows)} rows of ref_inputs; expected one for each.")
    parts = rows.to(next(model.parameters()).dtype).split(256)
    return torch.from_numpy(extract(model, parts, ["head:input"])["head:input"]), y


def entropy(logits: torch.Tensor) -> torch.Tensor:
    """(n,) entropy of every row's softmax, in nats."""
    logs = logits.float().log_softmax(1)
    return -(logs.exp() * logs).sum(1)
