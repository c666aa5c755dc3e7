"""What the kernel models of a density ratio share: a Gaussian at some target rows, and folds to choose its width."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

from holdfast.ops.kernels import median_distance, standardised

WIDTHS = (0.3, 0.5, 0.8, 1.2, 2.0)  # of the median distance
FOLDS = 5


def landmark_distances(ref: np.ndarray, cur: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Squared distances (ref_n, c) and (cur_n, c) to at most `count` target rows, in median distances."""
    rows = standardised(ref, cur).astype(np.float64)
    rng = np.random.default_rng(seed)
    unit = median_distance(rows, rng)
    left, right = rows[: len(ref)] / unit, rows[len(ref) :] / unit
    marks = right[np.sort(rng.choice(len(right), min(count, len(right)), replace=False))]
    return cdist(left, marks, "sqeuclidean"), cdist(right, marks, "sqeuclidean")


def gaussian(squared: np.ndarray, width: float) -> np.ndarray:
    """The kernel, for squared distances."""
    return np.exp(squared * (-0.5 / width**2))


def folds(n: int, seed: int) -> np.ndarray:
    """(n,) the fold of every row, drawn."""
    return np.random.default_rng([seed, n]).permutation(np.arange(n) % FOLDS)
