"""Activations matched to those of training, place by place."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from holdfast.adaptation._adapter import Adapter
from holdfast.adaptation._adapting import Adapting, Batch
from holdfast.adaptation._learning import fitted_on, learn, optimized
from holdfast.adaptation._norms import norm_outputs
from holdfast.nets.batches import as_tensor
from holdfast.nets.calling import device_of, forward


class ActMAD(Adapter):
    r"""All weights move to where the outputs of normalisation layers have the mean and variance of training.

    .. math:: \min_\theta \sum_l \big( \lVert \mu_l(\text{batch}) - \mu_l \rVert_1 + \lVert
              \sigma^2_l(\text{batch}) - \sigma^2_l \rVert_1 \big) / 2 d_l

    over every channel and place of a layer's output; :math:`\mu_l, \sigma_l^2` come from rows of the source
    (`ref_inputs`). Statistics of normalisation stay those of training. A batch of `span` rows or more teaches `steps`
    times (gradient descent with Nesterov's momentum and `rate`) before it is answered; smaller ones are kept until
    there are so many rows, which then teach together.

    Use it where no class is needed: classifiers of any norm, also networks without BatchNorm. It fails where
    inputs are of changing size, where the mix of classes differs from training, and costs `steps` passes back through
    the whole network; with one step a batch it is slow to follow a sudden change of the domain.

    >>> net = nn.Sequential(nn.GroupNorm(1, 1), nn.Flatten())
    >>> made = ActMAD(rate=0.1, steps=2, span=2, gate=False).edit(net, ref_inputs=torch.eye(4).reshape(4, 1, 2, 2))
    >>> made(torch.tensor([[[[5.0, 1.0], [0.0, 0.0]]]])).shape
    torch.Size([1, 4])
    """

    source = "mirza2023actmad"
    claims = ("corrupted",)
    watches = True  # of a part of the rows it learns too slowly, and beside its steps a frozen pass costs little
    rate: float = 1e-3
    steps: int = 3
    span: int = 64

    def edit(self, model: nn.Module, ref_inputs: Any) -> Adapting:  # type: ignore[override]
        """A copy that adapts whenever it is called; `ref_inputs` are rows of the source, a few hundred."""
        rule = fitted_on(self, ref_inputs_=as_tensor("ref_inputs", ref_inputs))
        return Adapting(model, rule, self.gate, self.watches, self.wants)

    def start(self, model: nn.Module) -> SimpleNamespace:
        """The model, an optimiser of all weights, and the statistics of the source."""
        weights = [p for p in model.parameters() if p.requires_grad and p.is_floating_point()]
        if not weights:
            raise ValueError(f"ActMAD learns all weights; in this {type(model).__name__} they are all frozen.")
        state = optimized(model, weights, self.rate, self.span)
        state.optimizer = torch.optim.SGD(weights, lr=self.rate, momentum=0.9, weight_decay=5e-4, nesterov=True)
        rows = self.ref_inputs_.to(device_of(model), weights[0].dtype)  # type: ignore[attr-defined]
        with torch.no_grad(), norm_outputs(model, type(self).__name__) as outputs:
            forward(model, rows)
        state.wanted = [_moments(output) for output in outputs]
        state.recent = None
        return state

    def step(self, state: SimpleNamespace, batch: Batch) -> torch.Tensor:
        """Learn once there are rows enough, then answer."""
        rows = batch.inputs
        if not isinstance(rows, torch.Tensor):
            raise ValueError("ActMAD compares places of one tensor of inputs; expected a tensor, not several.")
        waiting = rows if state.recent is None else torch.cat([state.recent, rows])
        enough = len(waiting) >= max(2, self.span)
        if enough:
            self._learn(state, waiting)
        state.recent = None if enough else waiting
        return forward(state.model, rows)

    def _learn(self, state: SimpleNamespace, rows: torch.Tensor) -> None:
        for _ in range(self.steps):
            with norm_outputs(state.model, type(self).__name__) as outputs:
                learn(state, rows, lambda _, seen=outputs: self._gap(seen, state.wanted))  # type: ignore[misc]

    @staticmethod
    def _gap(outputs: list[torch.Tensor], wanted: list[Any]) -> torch.Tensor:
        pairs = zip(map(_moments, outputs), wanted, strict=True)
        return 0.5 * sum(
            ((a - b).abs().mean() for found, kept in pairs for a, b in zip(found, kept, strict=True)),
            start=torch.zeros(()),
        )


def _moments(output: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    variance, mean = torch.var_mean(output.float(), dim=0, correction=0)
    return mean, variance
