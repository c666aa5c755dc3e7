"""How alike two bodies of text are, by what is counted in them: words, vectors, and a small language model."""

from __future__ import annotations

import numpy as np


def divergence(ref: np.ndarray, cur: np.ndarray, smoothing: float = 0.5) -> float:
    """Kullback-Leibler divergence of the second from the first distribution of counts, in nats: 0 where they agree.

    >>> round(divergence(np.array([10, 10]), np.array([20, 0]), smoothing=1e-9), 3)      # log 2
    0.693
    """
    p, q = (total.astype(np.float64) + smoothing for total in (cur, ref))
    p, q = p / p.sum(), q / q.sum()
    return float(p @ np.log(p / q))


def shared_mass(ref: np.ndarray, cur: np.ndarray) -> float:
    """One minus the Jensen-Shannon divergence in bits: 1 where both use the same words alike, 0 where they share none.

    >>> shared_mass(np.array([3, 0]), np.array([0, 5])), round(shared_mass(np.array([2, 2]), np.array([1, 1])), 6)
    (0.0, 1.0)
    """
    p, q = (total / max(float(total.sum()), 1e-300) for total in (ref.astype(np.float64), cur.astype(np.float64)))
    middle = (p + q) / 2
    parts = [float(one[one > 0] @ np.log2(one[one > 0] / middle[one > 0])) for one in (p, q)]
    return float(np.clip(1 - sum(parts) / 2, 0.0, 1.0))


def mean_cosine(ref: np.ndarray, cur: np.ndarray) -> float:
    """Cosine between the mean vectors of two sets of rows.

    >>> mean_cosine(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[2.0, 2.0]]))
    1.0
    """
    one, other = ref.mean(axis=0), cur.mean(axis=0)
    return round(float(one @ other / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-12)), 12)
