"""Neighbours vote: in a memory of training rows to which confident rows of the stream are added."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from holdfast.adaptation._adapter import Adapter
from holdfast.adaptation._adapting import Adapting, Batch
from holdfast.adaptation._learning import fitted_on, source_features
from holdfast.adaptation._norms import following
from holdfast.nets.calling import forward
from holdfast.nets.objectives import at_head


class AdaNPC(Adapter):
    r"""The answer is a vote of the nearest features in a memory, which grows by the rows whose vote is clear.

    .. math:: p_c(x) \propto \sum_{i \in N_k(x)} e^{\cos(f(x), f_i) / \tau} \, 1[y_i = c]

    The memory begins with labelled rows of the source (`ref_inputs`, `ref_y`); a row joins it with its answered class
    where :math:`\max_c p_c` is at least `sure`. `neighbours` is k and :math:`\tau` is `temperature`. BatchNorm layers
    follow the stream over `span` rows.

    Use it where classes change their look step by step, and where no gradients can be had. It fails where the
    features of shifted rows lie near wrong classes, and its memory grows with the stream.

    >>> net = nn.Sequential(nn.Identity(), nn.Linear(2, 2))
    >>> made = AdaNPC(neighbours=1, temperature=1.0, sure=0.5, span=1, gate=False).edit(net, torch.eye(2), [0, 1])
    >>> made(torch.tensor([[5.0, 1.0]])).softmax(1).round(decimals=2).tolist()
    [[1.0, 0.0]]
    """

    source = "zhang2023adanpc"
    claims = ("corrupted", "small_batches", "repeated")
    neighbours: int = 10
    temperature: float = 0.1
    sure: float = 0.9
    span: int = 64

    def edit(self, model: nn.Module, ref_inputs: Any, ref_y: Any) -> Adapting:  # type: ignore[override]
        """A copy that adapts whenever it is called."""
        with torch.inference_mode(False):
            features, y = source_features(model, ref_inputs, ref_y)
            memory = functional.normalize(features, dim=1), y
        return Adapting(model, fitted_on(self, memory_=memory), self.gate)

    def start(self, model: nn.Module) -> SimpleNamespace:
        """The model, and the memory as it came."""
        features, y = self.memory_  # type: ignore[attr-defined]
        return SimpleNamespace(model=following(model, self.span), features=features, y=y)

    def step(self, state: SimpleNamespace, batch: Batch) -> torch.Tensor:
        """Vote, then remember."""
        with at_head(state.model, lambda given: given) as seen:
            logits = forward(state.model, batch.inputs)
        features = functional.normalize(seen[0].float().flatten(1), dim=1).nan_to_num()
        likeness, nearest = (features @ state.features.T).topk(min(self.neighbours, len(state.y)), dim=1)
        votes = (likeness / self.temperature).softmax(1)
        probs = torch.zeros(logits.shape, device=logits.device).scatter_add_(1, state.y[nearest], votes)
        clear = probs.max(1).values >= self.sure
        state.features = torch.cat([state.features, features[clear]])
        state.y = torch.cat([state.y, probs.argmax(1)[clear]])
        return probs.clamp_min(1e-5).log().to(logits.dtype)
