"""Label-distributionally robust loss."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn

from holdfast.core import Objective
from holdfast.nets.objectives import class_logits, one_hot


class LDRKL(Objective):
    r"""The worst label distribution near the uniform one decides how wrong a row is; rows may choose how near.

    .. math:: \ell = \lambda \log \frac1K \sum_k e^{(f_k - f_y + c_k) / \lambda}, \qquad
       \lambda = \Big[\lambda_0 - \mathrm{KL}(p \,\Vert\, \tfrac1K) / \alpha\Big]_+

    p is the softmax of (f + c) / lambda, `margin` is c for all classes but the row's, `temperature` lambda_0,
    `adapt` is 1 / alpha: 0 gives every row the same temperature (LDR-KL), above 0 rows on which the network is sure
    and wrong get a smaller one (ALDR-KL, with the penalty :math:`\tfrac{\alpha}{2} (\lambda - \lambda_0)^2` left out
    of the loss, whose gradient it does not change).

    Use it when labels may be wrong and cross-entropy memorises them: a large temperature is near a symmetric loss. It
    fails to learn fast at large temperatures (gradients shrink with them), and does not know which labels are wrong.

    Two classes, the wrong one 2 ahead, temperature 2: 2 log((1 + e) / 2).

    >>> objective = LDRKL(temperature=2.0, adapt=0.0, margin=0.0)
    >>> round(objective.loss(nn.Identity(), torch.tensor([[0.0, 2.0]]), torch.tensor([0])).item(), 3)
    1.24
    """

    source = "zhu2023label"
    claims = ("wrong_labels",)
    neutral: ClassVar = {"temperature": 1.0, "adapt": 0.0, "margin": 0.0}
    temperature: float = 4.0
    adapt: float = 0.2
    margin: float = 0.1

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the batch."""
        logits = class_logits(model, inputs, y)
        k = logits.shape[1]
        ahead = logits - logits.gather(1, y[:, None]) + self.margin * (1 - one_hot(y, k))
        temperature = self._temperatures(ahead.detach())
        return (
            temperature * (torch.logsumexp(ahead / temperature, dim=1, keepdim=True) - torch.tensor(k).log())
        ).mean()

    def _temperatures(self, ahead: torch.Tensor) -> torch.Tensor:
        """(n, 1): the fixed point, found by halving; the divergence falls as the temperature rises."""
        if not self.adapt:
            return torch.full_like(ahead[:, :1], self.temperature)
        low = torch.full_like(ahead[:, :1], 0.05 * self.temperature)  # at 0 the loss is a maximum without gradients
        high = torch.full_like(low, self.temperature)
        wanted = high
        for _ in range(6):
            logs = torch.log_softmax(ahead / wanted, dim=1)
            apart = (logs.exp() * logs).sum(1, keepdim=True) + torch.tensor(ahead.shape[1]).log()
            wanted = torch.maximum((wanted + self.temperature - self.adapt * apart) / 2, low)
        return wanted
