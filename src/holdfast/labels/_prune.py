"""Which rows to prune, given the estimated joint of given and true labels."""

from __future__ import annotations

from typing import Literal

import numpy as np

Prune = Literal["noise_rate", "class", "both", "confident"]


def label_issues(
    probs: np.ndarray, y: np.ndarray, joint: np.ndarray, confident: np.ndarray, doubted: np.ndarray, prune: Prune
) -> np.ndarray:
    """(n,) true where a row is to be pruned: only where another class is likelier than the given one (`doubted`)."""
    if prune == "confident":
        return doubted & (confident >= 0) & (confident != y)
    counts = _whole_counts(joint)
    by_class = _by_class(probs, y, counts) if prune in ("class", "both") else True
    by_pair = _by_pair(probs, y, counts, doubted) if prune in ("noise_rate", "both") else True
    return doubted & by_class & by_pair


def _whole_counts(joint: np.ndarray) -> np.ndarray:
    """The joint as whole numbers, each row keeping its sum (largest remainders), at least one row kept per class."""
    floors = np.floor(joint)
    remainders = joint - floors
    short = np.rint(remainders.sum(axis=1)).astype(int)
    ranks = np.empty(joint.shape, np.int32)
    np.put_along_axis(ranks, remainders.argsort(axis=1, kind="stable"), np.arange(len(joint))[None], axis=1)
    counts = floors.astype(np.int64) + (ranks >= len(joint) - short[:, None])
    return _keep_one(counts)


def _keep_one(counts: np.ndarray) -> np.ndarray:
    """Where pruning would empty a class, take the missing row evenly from its noise counts."""
    for i in np.flatnonzero(counts.diagonal() < 1):
        noise = np.flatnonzero(counts[i])
        counts[i, noise] = np.maximum(counts[i, noise] - 1 / max(len(noise) - 1, 1), 0)
        counts[i, i] = 1
    return counts


def _members(y: np.ndarray, k: int) -> list[np.ndarray]:
    """The positions of every class."""
    narrow = y.astype(np.uint16) if k <= 1 << 16 else y  # two bytes are sorted by radix
    return np.split(np.argsort(narrow, kind="stable"), np.cumsum(np.bincount(y, minlength=k))[:-1])


def _by_class(probs: np.ndarray, y: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """For every class, the rows with the least self-confidence beyond the `counts[i, i]` that are right."""
    mask = np.zeros(len(y), bool)
    for i, rows in enumerate(_members(y, len(counts))):
        pruned = len(rows) - counts[i, i]
        if len(rows) > 1 and pruned > 0:
            mask[rows[np.argsort(probs[rows, i], kind="stable")[:pruned]]] = True
    return mask


def _by_pair(probs: np.ndarray, y: np.ndarray, counts: np.ndarray, doubted: np.ndarray) -> np.ndarray:
    """For every pair (given i, true j), the `counts[i, j]` rows with the largest p_j - p_i."""
    mask = np.zeros(len(y), bool)
    candidates = np.flatnonzero(doubted)
    for i, places in enumerate(_members(y[candidates], len(counts))):
        rows, classes = candidates[places], np.flatnonzero(counts[i])
        classes = classes[classes != i]
        margins = _margins(probs, rows, classes, i)
        # doubted rows alone hold the positive margins: enough, unless a count reaches beyond them
        beyond = (margins > 0).sum(axis=1) < counts[i, classes]
        mask[rows] |= _largest(margins[~beyond], counts[i, classes[~beyond]])
        if beyond.any():
            rows = np.flatnonzero(y == i)
            mask[rows] |= _largest(_margins(probs, rows, classes[beyond], i), counts[i, classes[beyond]])
    return mask


def _margins(probs: np.ndarray, rows: np.ndarray, classes: np.ndarray, given: int) -> np.ndarray:
    """(classes, rows) p_j - p_given."""
    if len(classes) > probs.shape[1] // 4:
        chosen = probs[rows]
        return chosen.T[classes] - chosen[:, given]
    return probs[rows, classes[:, None]] - probs[rows, given]


def _largest(margins: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(m,) true where a column is among the `counts[j]` largest of some row j."""
    m = margins.shape[1]
    if not margins.size:
        return np.zeros(m, bool)
    floors = np.sort(margins, axis=1)[np.arange(len(counts)), np.maximum(m - counts, 0)]
    return (margins >= floors[:, None]).any(axis=0)
