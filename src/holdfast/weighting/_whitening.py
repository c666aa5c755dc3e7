"""Means and roots of covariances: what closed-form maps between two samples need."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Shape(NamedTuple):
    """Mean (d,), covariance (d, d) with a little of the identity added, its root and the root's inverse."""

    mean: np.ndarray
    covariance: np.ndarray
    root: np.ndarray
    inverse_root: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray, penalty: float) -> Shape:
        """The shape of a sample; `penalty` is added in units of the mean variance."""
        rows = np.asarray(X, dtype=np.float64)
        mean = rows.mean(axis=0)
        covariance = (rows - mean).T @ (rows - mean) / len(rows)
        size = float(np.trace(covariance)) / len(covariance)
        covariance += np.eye(len(covariance)) * (penalty * size if size > 0 else 1.0)
        return cls(mean, covariance, power(covariance, 0.5), power(covariance, -0.5))


def power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    """A power of a positive symmetric matrix.

    >>> power(np.diag([4.0, 9.0]), 0.5).round(6).tolist()
    [[2.0, 0.0], [0.0, 3.0]]
    """
    values, vectors = np.linalg.eigh(matrix)
    values = np.maximum(values, 1e-12 * max(float(values[-1]), np.finfo(float).tiny))
    return (vectors * values**exponent) @ vectors.T
