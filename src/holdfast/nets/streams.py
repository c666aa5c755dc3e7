"""Streams: labelled rows in the order and the batches in which a deployed network would meet them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import nn

from holdfast.nets.calling import forward

Order = Literal["shuffled", "by class", "mixed"]
Stream = list[tuple[torch.Tensor, np.ndarray]]


def stream(
    domains: Sequence[np.ndarray], y: np.ndarray, order: Order = "shuffled", size: int = 64, passes: int = 1,
    seed: int = 0,
) -> Stream:  # fmt: skip
    """The same rows as several domains show them, one domain after the other, in batches of `size`.

    "by class" sorts every domain by class; "mixed" shows every row once, in a domain of its own drawing, shuffled.

    >>> rows = [np.zeros((3, 1)), np.ones((3, 1))]
    >>> [(x[:, 0].tolist(), y.tolist()) for x, y in stream(rows, np.array([1, 0, 1]), "by class", size=2)]
    [([0.0, 0.0], [0, 1]), ([0.0], [1]), ([1.0, 1.0], [0, 1]), ([1.0], [1])]
    """
    rng = np.random.default_rng(seed)
    made: Stream = []
    if order == "mixed":
        drawn = rng.integers(len(domains), size=len(y))
        domains = [np.stack(domains)[drawn, np.arange(len(y))]]
    for domain in [*domains] * passes:
        rows = rng.permutation(len(y))
        if order == "by class":
            rows = rows[np.argsort(y[rows], kind="stable")]
        for first in range(0, len(rows), size):
            part = rows[first : first + size]
            made.append((torch.from_numpy(np.ascontiguousarray(domain[part], dtype=np.float32)), y[part]))
    return made


def accuracy_on(model: nn.Module, batches: Stream) -> float:
    """Share of rows that the model gets right, met in this order."""
    right = 0
    with torch.no_grad():
        for inputs, y in batches:
            right += int((forward(model, inputs).argmax(1).cpu().numpy() == y).sum())
    return right / sum(len(y) for _, y in batches)
