"""Soft neighbourhood density."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.weighting._validation import mean

BLOCK = 1 << 20  # similarities held at a time


class SoftNeighbourhoodDensity(Measure):
    r"""How many alike-predicted neighbours target rows have: rows of a class should stand close together.

    .. math:: P_{ij} \propto e^{f_i \cdot f_j / \tau} \; (j \ne i), \qquad \frac{1}{m} \sum_i -\sum_j P_{ij} \log P_{ij}

    f are the class probabilities of the target scaled to length 1, tau is `temperature`. Larger is better. Costs m^2 k
    time, memory by blocks.

    Use it when only the target's probabilities are at hand, to choose among adapted models; a model that is sure for
    no reason scatters its rows. It fails with a model that says the same class always, which scores best of all.

    Two pairs of alike rows, each with one neighbour: entropy next to 0; four alike rows have three each: log 3.

    >>> method = SoftNeighbourhoodDensity(temperature=0.05)
    >>> round(method.measure(cur_probs=[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]).value, 4)
    0.0
    >>> round(method.measure(cur_probs=[[1.0, 0.0]] * 4).value, 4)
    1.0986
    """

    source = "saito2021tune"
    claims = ("choice",)

    temperature: float = 0.05

    def measure(self, cur_probs: np.ndarray) -> Estimate:
        """The mean entropy of the neighbourhoods with its 90 % interval; 0 for one row."""
        if self.temperature <= 0:
            raise ValueError(f"temperature is {self.temperature}; expected above 0, such as 0.05.")
        rows = cur_probs.astype(np.float64)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        entropy = np.zeros(len(rows))
        step = max(1, BLOCK // len(rows))
        for first in range(0, len(rows) if len(rows) > 1 else 0, step):
            alike = rows[first : first + step] @ rows.T / self.temperature
            alike[np.arange(len(alike)), np.arange(first, first + len(alike))] = -np.inf
            alike -= alike.max(axis=1, keepdims=True)
            near = np.exp(alike)
            total = near.sum(axis=1)
            entropy[first : first + step] = np.log(total) - (near * np.maximum(alike, -700)).sum(axis=1) / total
        return mean(entropy)
