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

    .. math:: \min_\theta \sum_l \lVert \mu_l(\text{batch}) - \mu_l \rVert_1 / d_l + \lVert \sigma^2_l(\text{batch}) -
              \sigma^2_l \rVert_1 / d_l

    over every channel and place of a layer's output; :math:`\mu_l, \sigma_l^2` come from rows of the source
    (`ref_inputs`). Statistics of normalisation stay those of training. Batches smaller than `span` are kept until there
    are so many rows, which then teach together.

    Use it where no class is needed: classifiers of any norm, also networks without BatchNorm. It fails where
    inputs are of changing size, where the mix of classes differs from training, and costs a pass back through the
    whole network.

    >>> net = nn.Sequential(nn.GroupNorm(1, 1), nn.Flatten())
    >>> made = ActMAD(rate=0.1, span=2, gate=False).edit(net, ref_inputs=torch.eye(4).reshape(4, 1, 2, 2))
    >>> made(torch.tensor([[[[5.0, 1.0], [0.0, 0.0]]]])).shape
    torch.Size([1, 4])
    """

    source = "mirza2023actmad"
    claims = ("corrupted",)
    rate: float = 1e-3
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
        rows = self.ref_inputs_.to(device_of(model), weights[0].dtype)  # type: ignore[attr-defined]
        with torch.no_grad(), norm_outputs(model, type(self).__name__) as outputs:
            forward(model, rows)
        state.wanted = [_moments(output) for output in outputs]
        state.recent = None
        return state

    def step(self, state: SimpleNamespace, batch: Batch) -> torch.Tensor:
        """One step; the answer is that of before."""
        rows = batch.inputs
        if not isinstance(rows, torch.Tensor):
            raise ValueError("ActMAD compares places of one tensor of inputs; expected a tensor, not several.")
        if len(rows) >= max(2, self.span):
            return self._learn(state, rows)
        answer = forward(state.model, rows)
        state.recent = torch.cat([state.recent, rows]) if state.recent is not None else rows
        if len(state.recent) >= max(2, self.span):
            self._learn(state, state.recent)
            state.recent = None
        return answer

    def _learn(self, state: SimpleNamespace, rows: torch.Tensor) -> torch.Tensor:
        with norm_outputs(state.model, type(self).__name__) as outputs:
            return learn(state, rows, lambda _: self._gap(outputs, state.wanted))

    @staticmethod
    def _gap(outputs: list[torch.Tensor], wanted: list[Any]) -> torch.Tensor:
        pairs = zip(map(_moments, outputs), wanted, strict=True)
        return sum(
            ((a - b).abs().mean() for found, kept in pairs for a, b in zip(found, kept, strict=True)),
            start=torch.zeros(()),
        )


def _moments(output: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    variance, mean = torch.var_mean(output.float(), dim=0, correction=0)
    return mean, variance
