"""Confident counts: how often a row labelled `i` confidently belongs to class `j`, in blocks of flat memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

BLOCK = 1 << 16  # probabilities looked at together: half a megabyte, which stays in the cache
TOLERANCE = 1e-6  # a mean of equal numbers may differ from them in the last bits
UNSEEN = 2.0  # threshold of a class that no row is labelled with: no probability reaches it


def blocks(n: int, k: int) -> Iterator[slice]:
    """Slices over n rows of k numbers each."""
    step = max(1, BLOCK // k)
    return (slice(start, min(start + step, n)) for start in range(0, n, step))


def given_probabilities(probs: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(n,) the probability of every row's given label."""
    return probs[np.arange(len(y)), y]


def class_thresholds(given: np.ndarray, y: np.ndarray, k: int) -> np.ndarray:
    """(k,) t_j: the mean probability of class j over the rows labelled j."""
    counts = np.bincount(y, minlength=k)
    sums = np.bincount(y, weights=given, minlength=k)
    return np.where(counts > 0, np.maximum(sums / np.maximum(counts, 1), 2 * TOLERANCE), UNSEEN)


def confident_classes(probs: np.ndarray, thresholds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) the likeliest class among those that reach their threshold, -1 where none does; (n,) largest probability.

    Where the likeliest class of all misses its threshold, the paper counts the best of those that reach theirs.
    """
    n, k = probs.shape
    confident, largest = np.empty(n, np.int32), np.empty(n, probs.dtype)
    floors = (thresholds - TOLERANCE).astype(probs.dtype)
    for part in blocks(n, k):
        block = probs[part]
        top = block.argmax(axis=1)
        highest = block[np.arange(len(block)), top]
        missed = np.flatnonzero(highest < floors[top])
        rest = block[missed]
        reaching = np.where(rest >= floors, rest, -1)
        second = reaching.argmax(axis=1)
        top[missed] = np.where(reaching[np.arange(len(rest)), second] >= 0, second, -1)
        confident[part], largest[part] = top, highest
    return confident, largest


def confident_counts(y: np.ndarray, confident: np.ndarray, k: int) -> np.ndarray:
    """(k, k) rows labelled i that confidently belong to class j, at least 1 on the diagonal."""
    held = confident >= 0
    counts = np.bincount(y[held].astype(np.int64) * k + confident[held], minlength=k * k).reshape(k, k)
    np.fill_diagonal(counts, np.maximum(counts.diagonal(), 1))
    return counts


def calibrated_joint(counts: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(k, k) estimated rows labelled i that truly belong to class j: every row sums to the number of labels i."""
    share = counts / counts.sum(axis=1, keepdims=True)
    return share * np.bincount(y, minlength=len(counts))[:, None]


def noise_matrix(joint: np.ndarray) -> np.ndarray:
    """(k, k) T[j, i]: the probability that a row of true class j is labelled i."""
    totals = joint.sum(axis=0)
    rates = joint.T / np.where(totals > 0, totals, 1)[:, None]
    rates[totals == 0] = np.eye(len(joint))[totals == 0]
    return rates


def even_noise(matrix: np.ndarray) -> np.ndarray:
    """(k, k) noise of the rate of the cleanest class, spread evenly over the other classes.

    >>> even_noise(np.array([[0.9, 0.1], [0.4, 0.6]])).round(2).tolist()
    [[0.9, 0.1], [0.1, 0.9]]
    """
    k = len(matrix)
    shared = 1 - float(matrix.diagonal().max())
    return np.eye(k) * (1 - shared) + (1 - np.eye(k)) * shared / max(1, k - 1)
