"""Entropy minimisation on reliable and new rows, without forgetting."""

from __future__ import annotations

import copy
import math
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from holdfast.adaptation._adapter import NormLearner
from holdfast.adaptation._adapting import Adapting, Batch
from holdfast.adaptation._learning import entropy, fitted_on
from holdfast.nets.batches import as_tensor
from holdfast.nets.calling import forward


class EATA(NormLearner):
    r"""TENT on the rows that are certain and unlike those already learnt from, held near the weights that matter.

    .. math:: \frac{1}{|S|} \sum_{i \in S} e^{E_0 - H_i} H_i + \beta \sum_j F_j (\theta_j - \theta_j^0)^2, \quad
              S = \{i : H_i < E_0, |\cos(p_i, \bar p)| < \epsilon\}

    :math:`E_0` is `certain` times the log of the number of classes; :math:`\bar p` is the running mean of the answers
    learnt from and `alike` is :math:`\epsilon`; F are squared gradients on rows of the source (`ref_inputs`; without
    them nothing is held) and `hold` is :math:`\beta`.

    Use it like `Tent`, on long streams and where the source's own rows will come back. It fails where `alike` is so
    small that no row is new, and where the certain rows are wrong; the `gate` watches.

    >>> made = EATA(rate=0.01, certain=0.5, alike=0.8, hold=10.0, span=8, gate=False).edit(nn.LayerNorm(3))
    >>> made(torch.tensor([[4.0, 1.0, 0.0]])).shape
    torch.Size([1, 3])
    """

    source = "niu2022eata"
    claims = ("corrupted", "small_batches", "repeated")
    silent = ("hold", "alike", "certain")  # they show on streams longer than those of the laws
    certain: float = 0.4
    alike: float = 0.4
    hold: float = 2000.0

    def edit(self, model: nn.Module, ref_inputs: Any = None) -> Adapting:
        """A copy that adapts whenever it is called; `ref_inputs` are rows of the source, a few hundred."""
        rows = None if ref_inputs is None else as_tensor("ref_inputs", ref_inputs)
        return Adapting(model, fitted_on(self, ref_inputs_=rows), self.gate)

    def start(self, model: nn.Module) -> SimpleNamespace:
        """The model, its optimiser, where the weights were, and how much each matters."""
        rows = getattr(self, "ref_inputs_", None)
        frozen = copy.deepcopy(model)
        state = super().start(model)
        state.origin = [weight.detach().clone() for weight in state.weights]
        state.fisher = [torch.zeros_like(weight) for weight in state.weights]
        state.mean = None
        if rows is not None:
            state.fisher = _squared_gradients(state, frozen, rows)
        return state

    def loss(self, state: SimpleNamespace, batch: Batch, logits: torch.Tensor) -> torch.Tensor | None:  # noqa: ARG002
        """The entropy of rows that are certain and new, and the pull back to where the weights were."""
        unsure, limit = entropy(logits), self.certain * math.log(logits.shape[1])
        probs = logits.detach().float().softmax(1)
        chosen = unsure.detach() < limit
        if state.mean is not None:
            chosen &= functional.cosine_similarity(probs, state.mean[None]).abs() < self.alike
        if not bool(chosen.any()):
            return None
        mean = probs[chosen].mean(0)
        state.mean = mean if state.mean is None else 0.9 * state.mean + 0.1 * mean
        weight = (limit - unsure.detach()[chosen]).exp()
        held = sum(
            (f * (w - o).square()).sum() for f, w, o in zip(state.fisher, state.weights, state.origin, strict=True)
        )
        return (weight * unsure[chosen]).mean() + self.hold * held


def _squared_gradients(state: SimpleNamespace, frozen: nn.Module, rows: torch.Tensor) -> list[torch.Tensor]:
    """Squared gradients of the frozen answers' cross-entropy, the mean over batches of source rows."""
    total = [torch.zeros_like(weight) for weight in state.weights]
    parts = rows.to(state.weights[0].dtype).split(64)
    kept = copy.deepcopy(state.model.state_dict())
    for part in parts:
        with torch.no_grad():
            answers = forward(frozen, part).argmax(1)
        loss = functional.cross_entropy(forward(state.model, part).float(), answers)
        for place, gradient in enumerate(torch.autograd.grad(loss, state.weights)):
            total[place] += gradient.square() / len(parts)
    state.model.load_state_dict(kept)  # statistics that followed the source rows go back
    return total
