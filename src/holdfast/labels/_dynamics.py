"""What logged logits say about every row's label, an epoch at a time, so that memory stays that of the log."""

from __future__ import annotations

import numpy as np


def margins(epoch_logits: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(t, n) logit of the label minus the largest other logit; 0 where there is one class only."""
    return np.stack([_margin(logits, y) for logits in epoch_logits])


def label_probabilities(epoch_logits: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(t, n) softmax probability of the label."""
    return np.exp(-losses(epoch_logits, y))


def losses(epoch_logits: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(t, n) cross-entropy in nats."""
    from scipy.special import logsumexp

    rows = np.arange(len(y))
    return np.stack([logsumexp(logits, axis=1) - logits[rows, y] for logits in epoch_logits])


def _margin(logits: np.ndarray, y: np.ndarray) -> np.ndarray:
    if logits.shape[1] == 1:
        return np.zeros(len(y))
    rows = np.arange(len(y))
    others = logits.astype(np.float64)
    others[rows, y] = -np.inf
    return logits[rows, y] - others.max(axis=1)
