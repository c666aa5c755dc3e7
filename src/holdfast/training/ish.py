"""Gradients of the head that listen to the rows which are characteristic of known classes."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.objectives import class_logits, head_of


class ISH(Objective):
    r"""Cross-entropy whose gradient for the head's weights sees activations scaled by how concentrated they are.

    .. math:: \nabla_W \ell = \sum_i (p_i - e_{y_i}) \big(a_i \, e^{r_i}\big)^\top, \quad
              r_i = \frac{\sum_j a_{ij}}{\sum_{j \in \text{largest}} a_{ij}}

    The largest are all but the share `pruned` of a row's activations; the loss and every other gradient are those of
    cross-entropy. `ceiling` bounds r.

    Use it with `ood.SCALE` on the trained network, for training at the cost of plain training. It fails to help
    detectors that do not read the head, and makes steps of the head larger: lower its rate where training is unsteady.

    >>> head = nn.Linear(2, 2)
    >>> loss = ISH(pruned=0.5, ceiling=3.0).loss(head, torch.tensor([[3.0, 1.0]]), torch.tensor([0]))
    >>> plain = functional.cross_entropy(head(torch.tensor([[3.0, 1.0]])), torch.tensor([0]))
    >>> ratio = torch.autograd.grad(loss, head.weight)[0] / torch.autograd.grad(plain, head.weight)[0]
    >>> ratio[0].double().round(decimals=2).tolist()  # e^(4 / 3)
    [3.79, 3.79]
    """

    source = "xu2024shaping"
    claims = ("unknown_class",)
    neutral: ClassVar = {"ceiling": 0.0}
    pruned: float = 0.85
    ceiling: float = 5.0

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the batch."""
        handle = head_of(model).register_forward_hook(self._reshaped)
        try:
            return functional.cross_entropy(class_logits(model, inputs, y), y)
        finally:
            handle.remove()

    def _reshaped(self, head: Any, given: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
        """The same output; its gradient for the weights is that of scaled activations."""
        activations = given[0]
        with torch.no_grad():
            size = max(1, round((1 - self.pruned) * activations.shape[-1]))
            top = activations.topk(size, dim=-1).values.sum(-1, keepdim=True)
            ratio = torch.where(top > 0, activations.sum(-1, keepdim=True) / top.clamp_min(1e-12), 0.0)
            scaled = activations * ratio.clamp(0.0, self.ceiling).exp()
        listening = functional.linear(scaled, head.weight)
        deaf = functional.linear(activations, head.weight.detach(), head.bias)
        return deaf + (listening - listening.detach()).to(output.dtype)
