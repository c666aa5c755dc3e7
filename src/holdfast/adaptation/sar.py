"""Sharpness-aware and reliable entropy minimisation."""

from __future__ import annotations

import math
from types import SimpleNamespace

import torch
from torch import nn

from holdfast.adaptation._adapter import NormLearner
from holdfast.adaptation._adapting import Batch
from holdfast.adaptation._learning import descend, entropy
from holdfast.nets.calling import forward


class SAR(NormLearner):
    r"""TENT on certain rows only, towards flat minima, with a way back when the loss collapses.

    .. math:: \theta \leftarrow \theta - \eta \nabla L\big(\theta + \rho \, g / \lVert g \rVert\big), \quad
              L = \text{mean of } H_i \text{ over rows with } H_i < E_0

    :math:`E_0` is `certain` times the log of the number of classes and `radius` is :math:`\rho`. Where the running mean
    of the loss falls below `collapse`, the weights go back to the source's (besides what the `gate` does).

    Use it like `Tent`, at small batches and on hard shifts, where single rows give huge gradients; it costs two
    passes more. It fails where hardly any row is certain (nothing is learnt), and with BatchNorm on sorted streams.

    >>> made = SAR(rate=0.1, certain=0.9, radius=0.1, collapse=0.01, span=1, gate=False).edit(nn.LayerNorm(2))
    >>> first, again = (made(torch.tensor([[3.0, 1.0]])) for _ in range(2))
    >>> bool(again[0, 0] - again[0, 1] > first[0, 0] - first[0, 1])
    True
    """

    source = "niu2023sar"
    claims = ("corrupted", "small_batches", "repeated")
    silent = ("collapse",)  # it shows after hundreds of steps
    certain: float = 0.4
    radius: float = 0.05
    collapse: float = 0.2

    def start(self, model: nn.Module) -> SimpleNamespace:
        """The model, its optimiser, and where the weights were."""
        state = super().start(model)
        state.origin = [weight.detach().clone() for weight in state.weights]
        state.mean = None
        return state

    def step(self, state: SimpleNamespace, batch: Batch) -> torch.Tensor:
        """Climb to the worst point near by, descend from there."""
        with torch.enable_grad():
            logits = forward(state.model, batch.inputs)
            loss = self._reliable(logits)
            if loss is None:
                return logits.detach()
            gradients = torch.autograd.grad(loss, state.weights)
            length = torch.stack([g.float().norm() for g in gradients]).norm()
            if not bool(torch.isfinite(length)):
                return logits.detach()
            here = [weight.detach().clone() for weight in state.weights]
            with torch.no_grad():
                for weight, gradient in zip(state.weights, gradients, strict=True):
                    weight += self.radius * gradient / (length + 1e-12)
            loss = self._reliable(forward(state.model, batch.inputs))
            if loss is not None:
                loss.backward()
        self._put(state, here)
        if loss is not None:
            descend(state, None, len(logits))
            self._watch(state, float(loss.detach()))
        return logits.detach()

    def _reliable(self, logits: torch.Tensor) -> torch.Tensor | None:
        unsure = entropy(logits)
        chosen = unsure.detach() < self.certain * math.log(logits.shape[1])
        return unsure[chosen].mean() if bool(chosen.any()) else None

    def _watch(self, state: SimpleNamespace, loss: float) -> None:
        state.mean = loss if state.mean is None else 0.9 * state.mean + 0.1 * loss
        if state.mean < self.collapse and loss < self.collapse:
            self._put(state, state.origin)
            state.optimizer.state.clear()
            state.mean = None

    @staticmethod
    def _put(state: SimpleNamespace, values: list[torch.Tensor]) -> None:
        with torch.no_grad():
            for weight, value in zip(state.weights, values, strict=True):
                weight.copy_(value)
