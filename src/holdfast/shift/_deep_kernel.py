"""A kernel on what a small network makes of the rows, and the power of the test with it."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn


class DeepKernel(nn.Module):
    """The kernel of the formula; both bandwidths and the share of the plain kernel are learnt too."""

    def __init__(self, d: int, width: int, distance: float) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(d, width), nn.Softplus(), nn.Linear(width, width))
        self.logs = nn.Parameter(torch.tensor([0.0, float(np.log(2 * distance**2)), -2.0]))

    def parts(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Rows scaled so that both kernels are exp(-squared distance), and the share of the plain one."""
        plain = x * torch.exp(-self.logs[1] / 2)
        return (
            torch.cat([self.body(x) * torch.exp(-self.logs[0] / 2), plain], dim=1),
            plain,
            torch.sigmoid(self.logs[2]),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        deep, plain, share = self.parts(x)
        return (1 - share) * torch.exp(-_squared(deep)) + share * torch.exp(-_squared(plain))


def _squared(x: torch.Tensor) -> torch.Tensor:
    """(n, n) squared distances."""
    norms = (x**2).sum(1)
    return (norms[:, None] + norms[None] - 2 * x @ x.T).clamp_min(0)


def power(kernel: torch.Tensor, whole: bool) -> torch.Tensor:
    """The U-statistic over its standard deviation under the alternative; both samples are halves of the rows."""
    n = len(kernel) // 2
    xx, yy, xy = kernel[:n, :n], kernel[n:, n:], kernel[:n, n:]
    pairs = xx - xy - xy.T + (yy if whole else 0.0)
    value = (pairs.sum() - pairs.diagonal().sum()) / (n * (n - 1))
    variance = 4 * ((pairs.mean(dim=1) ** 2).mean() - pairs.mean() ** 2)
    return value / torch.sqrt(variance.clamp_min(0) + 1e-8)
