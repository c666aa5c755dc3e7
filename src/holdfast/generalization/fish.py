"""Gradient matching between domains."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional

from holdfast.core import Objective
from holdfast.generalization._domains import parts
from holdfast.nets.calling import tensor_of
from holdfast.nets.objectives import class_logits


class Fish(Objective):
    r"""One small step a domain, in random order, then a step towards where that led.

    .. math:: \tilde\theta \leftarrow \tilde\theta - a\, \nabla \ell_d(\tilde\theta) \text{ for each domain } d, \qquad
       \theta \leftarrow \theta + \epsilon\, \frac{\tilde\theta - \theta}{a D}

    To first order this raises the inner products of the domains' gradients. `inner` is a; the outer step is whatever
    the optimiser makes of the gradient :math:`(\theta - \tilde\theta) / (a D)`; the value of the loss is the plain one.
    Domains are `group`. Inputs are one tensor.

    Use it when domains differ and a step that helps one should help all. It fails to beat plain training on small
    digits by more than chance, costs a pass a domain more, and with layers that keep batch statistics, which see one
    domain at a time.

    Two domains with one row each and a small inner step: the gradient is nearly the mean gradient.

    >>> line = nn.Linear(1, 2, bias=False)
    >>> _ = line.weight.data.zero_()
    >>> batch = {"inputs": torch.ones(2, 1), "y": torch.tensor([1, 1]), "group": torch.tensor([0, 1])}
    >>> Fish(inner=0.001).loss(line, **batch).backward()
    >>> line.weight.grad.flatten().round(decimals=3).tolist()
    [0.5, -0.5]
    """

    source = "shi2022gradient"
    blind = ("rotated", "reversed_shortcut")
    inner: float = 0.5

    def loss(
        self, model: nn.Module, inputs: torch.Tensor, y: torch.Tensor, group: torch.Tensor, **_: Any
    ) -> torch.Tensor:  # fmt: skip
        """The plain loss in value; its gradient is that of the walk through the domains."""
        plain = functional.cross_entropy(class_logits(model, inputs, y), y)
        weights = {name: value for name, value in model.named_parameters() if value.requires_grad}
        walked = {name: value.detach().requires_grad_(True) for name, value in weights.items()}
        domains = parts(group, len(y))
        for place in torch.randperm(len(domains)).tolist():
            rows = domains[place]
            logits = tensor_of(functional_call(model, walked, (inputs[rows],))).float()
            slopes = torch.autograd.grad(functional.cross_entropy(logits, y[rows]), list(walked.values()))
            walked = {
                name: (value - self.inner * slope).detach().requires_grad_(True)
                for (name, value), slope in zip(walked.items(), slopes, strict=True)
            }
        scale = self.inner * len(domains)
        walk = sum(((weights[name].detach() - walked[name].detach()) / scale * weights[name]).sum() for name in weights)
        return plain.detach() + walk - torch.as_tensor(walk).detach()
