"""What adapters share: the gate, the verb, and for those that learn the weights of normalisation layers, the step."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar

import torch
from torch import nn

from holdfast.adaptation._adapting import Adapting, Batch
from holdfast.adaptation._gate import Wants
from holdfast.adaptation._learning import learn, learner
from holdfast.core import Editor


@dataclass(eq=False, kw_only=True)
class Adapter(Editor, abstract=True):
    """An editor whose model goes on changing itself, unless `gate` is false under the gate.

    A method says how: `start(model)` gives the state to begin with, `step(state, batch)` answers a batch and may change
    the state. `watches`: both networks see all rows, and the step may read the frozen one's logits and features;
    `wants`: the streams that it serves.
    """

    adapts = True
    watches: ClassVar[bool] = False
    wants: ClassVar[Wants] = "samples"
    gate: bool = True

    def edit(self, model: nn.Module) -> Adapting:
        """A copy that adapts whenever it is called."""
        return Adapting(model, self, self.gate, self.watches, self.wants)

    def start(self, model: nn.Module) -> SimpleNamespace:
        """The state of a network that has not adapted yet; `model` is a copy of its own."""
        raise NotImplementedError

    def step(self, state: SimpleNamespace, batch: Batch) -> torch.Tensor:
        """(n, k) logits of the batch."""
        raise NotImplementedError


@dataclass(eq=False, kw_only=True)
class NormLearner(Adapter, abstract=True):
    """Steps of Adam with `rate` over the weights of normalisation layers, down the loss that the method gives.

    BatchNorm layers take their statistics from the rows met, over `span` of them where batches are smaller.
    """

    rate: float = 1e-3
    span: int = 64

    def start(self, model: nn.Module) -> SimpleNamespace:
        """The model with its optimiser."""
        return learner(model, self.rate, self.span, type(self).__name__)

    def step(self, state: SimpleNamespace, batch: Batch) -> torch.Tensor:
        """One step; the answer is that of before."""
        return learn(state, batch.inputs, lambda logits: self.loss(state, batch, logits))

    def loss(self, state: SimpleNamespace, batch: Batch, logits: torch.Tensor) -> torch.Tensor | None:
        """What to descend, from the batch's own answers; None where nothing is to be learnt."""
        raise NotImplementedError
