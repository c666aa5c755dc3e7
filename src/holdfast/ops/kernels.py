"""The Gaussian kernel between two samples, streamed: no matrix larger than a tile is ever held."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from holdfast.core import Estimate

Z90 = 1.6448536269514722  # half-width of a 90 % normal interval
TILE = 1024  # rows of a tile: 4 MB in float32
SAMPLE = 1000  # rows for the median distance


def standardised(ref: np.ndarray, cur: np.ndarray) -> np.ndarray:
    """(ref_n + cur_n, d) float32, both samples on one scale: pooled mean 0, pooled deviation 1, constant columns 0."""
    both = np.concatenate([ref, cur]).astype(np.float64)
    both -= both.mean(axis=0)
    deviation = np.sqrt(np.mean(both**2, axis=0))
    both /= np.where(deviation > 0, deviation, 1.0)
    return both.astype(np.float32)


def median_distance(rows: np.ndarray, rng: np.random.Generator) -> float:
    """The median Euclidean distance between different rows, from at most `SAMPLE` of them; 1 where all are equal.

    >>> median_distance(np.array([[0.0], [3.0], [4.0]]), np.random.default_rng(0))
    3.0
    """
    if len(rows) > SAMPLE:
        rows = rows[np.sort(rng.choice(len(rows), SAMPLE, replace=False))]
    upper = np.triu_indices(len(rows), 1)
    squared = _squared_distances(rows, rows)[upper]
    median = float(np.median(squared)) if len(squared) else 0.0
    if median <= 0:
        median = float(squared.mean()) if len(squared) and squared.max() > 0 else 1.0
    return float(np.sqrt(median))


def gaussian_product(rows: np.ndarray, bandwidth: float, right: np.ndarray) -> np.ndarray:
    r"""K @ right in float64, where :math:`K_{ij} = \exp(-\|x_i - x_j\|^2 / 2 h^2)`; each tile serves its mirror too.

    >>> rows = np.array([[0.0], [2.0]], dtype=np.float32)
    >>> gaussian_product(rows, 2.0, np.eye(2, dtype=np.float32)).round(4).tolist()
    [[1.0, 0.6065], [0.6065, 1.0]]
    """
    product = np.zeros((len(rows), right.shape[1]))
    for left, top, kernel in _tiles(rows, bandwidth):
        product[left] += kernel @ right[top]
        if left != top:
            product[top] += kernel.T @ right[left]
    return product


def sign_matrix(n: int, m: int, permutations: int, rng: np.random.Generator) -> np.ndarray:
    """(n + m, 2 + permutations): means over the reference, then reference minus current, then that shuffled."""
    right = np.empty((n + m, 2 + permutations), dtype=np.float32)
    right[:, 0] = np.repeat([1 / n, 0], [n, m])
    right[:, 1] = np.repeat([1 / n, -1 / m], [n, m])
    for column in range(2, right.shape[1]):
        right[:, column] = rng.permutation(right[:, 1])
    return right


def discrepancy(product: np.ndarray, right: np.ndarray, n: int, m: int) -> tuple[Estimate, np.ndarray]:
    """The unbiased squared distance of mean embeddings and the witness of every row, from the kernel @ `sign_matrix`.

    The kernel is 1 on its diagonal. The interval is the normal one of the witness; p = (1 + k) / (1 + permutations).
    """
    statistics = np.einsum("ij,ij->j", product, right, dtype=np.float64)
    at_least = int((statistics[2:] >= statistics[1] - 1e-9 * abs(statistics[1])).sum())
    to_ref, witness = product[:, 0], product[:, 1]
    to_cur = to_ref - witness
    within = (to_ref[:n].sum() - 1) / (n - 1) + (to_cur[n:].sum() - 1) / (m - 1)
    value = float(within - to_cur[:n].mean() - to_ref[n:].mean())
    half = 2 * Z90 * float(np.sqrt(witness[:n].var() / n + witness[n:].var() / m))
    pvalue = (1 + at_least) / (right.shape[1] - 1)
    return Estimate(value, value - half, value + half, n + m, pvalue), witness


def _tiles(rows: np.ndarray, bandwidth: float) -> Iterator[tuple[slice, slice, np.ndarray]]:
    cuts = [slice(start, min(start + TILE, len(rows))) for start in range(0, len(rows), TILE)]
    for i, left in enumerate(cuts):
        for top in cuts[i:]:
            kernel = _squared_distances(rows[left], rows[top])
            kernel *= -0.5 / bandwidth**2
            yield left, top, np.exp(kernel, out=kernel)


def _squared_distances(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    squared = left @ right.T
    squared *= -2
    squared += np.einsum("ij,ij->i", left, left)[:, None]
    squared += np.einsum("ij,ij->i", right, right)[None, :]
    return np.maximum(squared, 0, out=squared)
