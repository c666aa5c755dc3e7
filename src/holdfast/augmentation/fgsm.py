"""Fast gradient sign method."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional

from holdfast.augmentation._attack import climbed
from holdfast.core import Objective
from holdfast.nets.objectives import class_logits


class FGSM(Objective):
    r"""Plain loss and loss on inputs that one step has made worse.

    .. math:: \ell = \alpha\, \ell(x, y) + (1 - \alpha)\, \ell(x + \epsilon\, \operatorname{sgn} \nabla_x \ell, y)

    `radius` is epsilon, `plain` alpha. `attack(model, inputs, y)` gives the worse inputs by themselves.

    Use it when inputs may be changed a little on purpose, or to see how far a network can be trusted. It fails against
    attacks of several steps (use `PGD`), and with a large radius a network can learn to be flat at the one step only.

    A line with slope -1 for class 1: the attack lowers x.

    >>> line = nn.Linear(1, 2, bias=False)
    >>> _ = line.weight.data.copy_(torch.tensor([[0.0], [1.0]]))
    >>> x, y = torch.tensor([[1.0]]), torch.tensor([1])
    >>> FGSM(radius=0.5).attack(line, x, y).tolist()
    [[0.5]]
    >>> round(FGSM(radius=0.5, plain=0.0).loss(line, x, y).item(), 4)      # log(1 + exp(-0.5))
    0.4741
    """

    source = "goodfellow2015explaining"
    claims = ("attacked",)
    neutral: ClassVar = {"plain": 1.0}
    radius: float = 0.1
    plain: float = 0.5

    def loss(self, model: nn.Module, inputs: torch.Tensor, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the batch."""
        loss = functional.cross_entropy(class_logits(model, inputs, y), y)
        if self.plain == 1:
            return loss
        worse = functional.cross_entropy(class_logits(model, self.attack(model, inputs, y), y), y)
        return self.plain * loss + (1 - self.plain) * worse

    def attack(self, model: nn.Module, inputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Inputs, each number moved by the radius so that the loss rises."""
        return climbed(model, inputs, y, self.radius, self.radius, 1)
