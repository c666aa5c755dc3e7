"""What the kernel matchers share: the kernel over both samples and a minimiser over a simple convex set."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial.distance import cdist

from holdfast.ops.kernels import median_distance, standardised

Map = Callable[[np.ndarray], np.ndarray]

EXACT = 2000  # rows of both samples up to which the kernel matrix is held (32 MB)
LANDMARKS = 256  # rows that stand for the kernel above that
STEPS = 5000  # of the accelerated projected gradient; it stops earlier where nothing moves
STILL = 1e-6  # a step shorter than this part of the solution is no step


def kernel_product(ref: np.ndarray, cur: np.ndarray, bandwidth: float, seed: int) -> tuple[Map, float]:
    """`v -> K v` over the rows of both samples, reference first, and a bound on the largest eigenvalue of K.

    K is Gaussian, `bandwidth` in units of the median distance. Above `EXACT` rows K is replaced by its projection on
    `LANDMARKS` random rows (Nystrom), so that memory stays linear.
    """
    rows = standardised(ref, cur).astype(np.float64)
    rng = np.random.default_rng(seed)
    width = bandwidth * median_distance(rows, rng)
    if len(rows) <= EXACT:
        kernel = _gaussian(rows, rows, width)
        return kernel.__matmul__, float(kernel.sum(axis=1).max())
    marks = rows[np.sort(rng.choice(len(rows), LANDMARKS, replace=False))]
    values, vectors = np.linalg.eigh(_gaussian(marks, marks, width))
    kept = values > 1e-10 * values[-1]
    factor = _gaussian(rows, marks, width) @ (vectors[:, kept] / np.sqrt(values[kept]))
    return lambda v: factor @ (v @ factor), float(np.linalg.norm(factor.T @ factor, 2))


def minimised(gradient: Map, project: Map, start: np.ndarray, smoothness: float) -> np.ndarray:
    """The minimiser of a convex function with that gradient over the set that `project` projects on.

    Accelerated projected gradient (Beck and Teboulle 2009); momentum is dropped where it points uphill.

    >>> gradient, project = lambda x: x - np.array([3.0, 0.5]), lambda x: np.clip(x, 0, 1)
    >>> minimised(gradient, project, np.zeros(2), smoothness=1.0).tolist()
    [1.0, 0.5]
    """
    here, ahead, pace = start, start, 1.0
    for _ in range(STEPS):
        there = project(ahead - gradient(ahead) / smoothness)
        step = there - here
        if np.linalg.norm(step) <= STILL * np.linalg.norm(there) and np.array_equal(ahead, here):
            return there
        if (ahead - there) @ step > 0 or np.linalg.norm(step) <= STILL * np.linalg.norm(there):
            here, ahead, pace = there, there, 1.0
            continue
        faster = (1 + np.sqrt(1 + 4 * pace**2)) / 2
        here, ahead, pace = there, there + (pace - 1) / faster * step, faster
    return here


def _gaussian(left: np.ndarray, right: np.ndarray, width: float) -> np.ndarray:
    kernel = cdist(left, right, "sqeuclidean")
    kernel *= -0.5 / width**2
    return np.exp(kernel, out=kernel)
