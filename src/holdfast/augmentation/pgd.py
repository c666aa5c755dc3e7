"""Training against projected gradient descent."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from holdfast.augmentation._attack import climbed
from holdfast.core import Objective
from holdfast.nets.objectives import class_logits


class PGD(Objective):
    r"""The loss on the worst inputs that several steps find within a box.

    .. math:: x^{t+1} = \Pi_{\lVert x' - x \rVert_\infty \le \epsilon}\big(x^t + a\, \operatorname{sgn} \nabla_x
       \ell(x^t)\big), \qquad \ell = \ell(x^T, y)

    from a random start in the box; `radius` is epsilon, the step a is 2.5 radius / `steps`.

    Use it when inputs may be changed on purpose and one-step training is not trusted. It fails to keep all of the
    accuracy on inputs as they are, and costs `steps` more passes.

    >>> line = nn.Linear(1, 2, bias=False)
    >>> _ = line.weight.data.copy_(torch.tensor([[0.0], [1.0]]))
    >>> objective = PGD(radius=0.5, steps=2)
    >>> objective.attack(line, torch.tensor([[1.0]]), torch.tensor([1])).tolist()
    [[0.5]]
    """

    source = "madry2018towards"
    claims = ("attacked",)
    radius: float = 0.1
    steps: int = 3

    def loss(self, model: nn.Module, inputs: torch.Tensor, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the batch, attacked."""
        return functional.cross_entropy(class_logits(model, self.attack(model, inputs, y), y), y)

    def attack(self, model: nn.Module, inputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Inputs at the end of the steps."""
        return climbed(model, inputs, y, self.radius, 2.5 * self.radius / self.steps, self.steps, start=True)
