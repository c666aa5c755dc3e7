"""What detectors before the last linear layer share: its logits, their free energy, the largest activations."""

from __future__ import annotations

import numpy as np


def head_logits(X: np.ndarray, class_weights: np.ndarray, class_bias: np.ndarray) -> np.ndarray:
    """(n, k) logits of a linear head."""
    return X @ class_weights.T + class_bias


def free_energy(logits: np.ndarray) -> np.ndarray:
    """(n,) minus the log of the sum of exponentials of every row.

    >>> free_energy(np.array([[0.0, 0.0], [800.0, 0.0]])).round(2).tolist()
    [-0.69, -800.0]
    """
    top = logits.max(axis=1)
    above = logits - top[:, None]
    return -(top + np.log(np.exp(above, out=above).sum(axis=1)))


def share(name: str, value: float) -> float:
    """A setting that must lie in [0, 1)."""
    if not 0 <= value < 1:
        raise ValueError(f"{name} is {value!r}; expected a share of at least 0 and below 1.")
    return value


def largest(X: np.ndarray, pruned: float) -> np.ndarray:
    """(n, d) true at the largest activations of every row; the share `pruned` of them is left out.

    >>> largest(np.array([[3.0, 1.0, 2.0, 0.0]]), pruned=0.5).tolist()
    [[True, False, True, False]]
    """
    drop = round(share("pruned", pruned) * X.shape[1])
    kept = np.ones(X.shape, dtype=bool)
    if drop:
        np.put_along_axis(kept, np.argsort(X, axis=1, kind="stable")[:, :drop], False, axis=1)
    return kept


def amplified(X: np.ndarray, pruned: float) -> np.ndarray:
    """(n,) e to the ratio of the sum of all activations of a row to that of its largest; 1 where those sum to 0.

    >>> amplified(np.array([[3.0, 1.0, 0.0, 0.0]]), pruned=0.75).round(2).tolist()  # e^(4 / 3)
    [3.79]
    """
    part = (X * largest(X, pruned)).sum(axis=1)
    ratio = X.sum(axis=1) / np.where(part > 0, part, 1.0)
    return np.exp(np.clip(np.where(part > 0, ratio, 0.0), 0.0, 50.0))
