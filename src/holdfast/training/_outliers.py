"""What training with outliers shares: how far answers are from knowing nothing."""

from __future__ import annotations

import torch
from torch.nn import functional


def far_from_uniform(logits: torch.Tensor) -> torch.Tensor:
    """(n,) cross-entropy of every row to the uniform distribution: least, log k, where all classes are equally likely.

    >>> far_from_uniform(torch.zeros(1, 2)).double().round(decimals=4).tolist()
    [0.6931]
    """
    return -functional.log_softmax(logits.float(), dim=1).mean(dim=1)
