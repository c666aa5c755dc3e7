"""What the selectors by embeddings share: clusters by angle, and how much a row repeats one before it."""

from __future__ import annotations

import numpy as np

BLOCK = 2048  # rows of a cluster compared at a time
MANY = 20_000  # rows from which centres are learnt on a sample


def unit_rows(X: np.ndarray) -> np.ndarray:
    """Rows of length 1 in single precision; a row of zeros stays one."""
    X = X.astype(np.float32).astype(np.float64)
    X = X / max(float(np.abs(X).max()), 1e-300)
    return (X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def by_angle(X: np.ndarray, clusters: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The cluster of every unit row by k-means, and the cosine to its centre."""
    from sklearn.cluster import KMeans

    clusters = min(max(clusters, 1), len(X))
    sample = X if len(X) <= MANY else X[np.random.default_rng(seed).choice(len(X), MANY, replace=False)]
    clusters = min(clusters, len(np.unique(sample, axis=0)))
    centres = KMeans(clusters, n_init=1, max_iter=50, random_state=seed).fit(sample).cluster_centers_
    centres = unit_rows(centres)
    label, cosine = np.empty(len(X), dtype=np.int64), np.empty(len(X), dtype=np.float32)
    for start in range(0, len(X), BLOCK):
        near = X[start : start + BLOCK] @ centres.T
        label[start : start + BLOCK] = near.argmax(axis=1)
        cosine[start : start + BLOCK] = near.max(axis=1)
    return label, cosine


def count_of(clusters: int | None, n: int) -> int:
    """As asked, or the square root of the rows."""
    return max(1, round(n**0.5)) if clusters is None else clusters


def redundancy(X: np.ndarray, label: np.ndarray, cosine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For every row the largest cosine to a row before it in its cluster, and that row; -1 where there is none.

    Rows of a cluster come in order of how far they are from its centre, farthest first: of two that repeat each other
    the one that is less typical stays.
    """
    most, match = np.full(len(X), -1.0, dtype=np.float32), np.full(len(X), -1, dtype=np.int64)
    for rows in ordered(label, cosine):
        for start in range(0, len(rows), BLOCK):
            mine = rows[start : start + BLOCK]
            near = X[mine] @ X[rows[: start + len(mine)]].T
            near[np.arange(len(rows[: start + len(mine)]))[None] >= (start + np.arange(len(mine)))[:, None]] = -1.0
            best = near.argmax(axis=1)
            most[mine] = near[np.arange(len(mine)), best]
            match[mine] = np.where(most[mine] > -1.0, rows[best], -1)
    return most, match


def ordered(label: np.ndarray, cosine: np.ndarray) -> list[np.ndarray]:
    """The rows of every cluster, farthest from the centre first."""
    order = np.lexsort((np.arange(len(label)), cosine, label))
    return np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
