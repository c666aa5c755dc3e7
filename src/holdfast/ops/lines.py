"""Straight lines through the accuracies of many models, on axes where such lines are straight."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

EDGE = 1e-4  # accuracies of exactly 0 and 1 have no probit: they are moved this far inside


class Line(NamedTuple):
    """A least-squares fit: coefficients (constant first), their covariance, the residual variance, its freedom."""

    coefficients: np.ndarray
    covariance: np.ndarray
    variance: float
    freedom: int
    residuals: np.ndarray

    def interval(self, index: int, level: float = 0.9) -> tuple[float, float, float]:
        """A coefficient and the ends of its t interval."""
        from scipy.special import stdtrit

        value = float(self.coefficients[index])
        reach = float(stdtrit(self.freedom, 0.5 + level / 2) * np.sqrt(self.covariance[index, index]))
        return value, value - reach, value + reach

    def tail(self, index: int, against: float = 0.0) -> float:
        """One-sided p-value of "the coefficient is at least `against`"; never 0."""
        from scipy.special import stdtr

        error = float(np.sqrt(self.covariance[index, index]))
        away = float(self.coefficients[index]) - against
        if error == 0:
            return 1.0 if away >= 0 else float(np.finfo(float).tiny)
        return float(max(stdtr(self.freedom, away / error), np.finfo(float).tiny))


def probit(share: np.ndarray) -> np.ndarray:
    """Quantiles of the normal distribution.

    >>> probit(np.array([0.5, 0.975])).round(2).tolist()
    [0.0, 1.96]
    """
    from scipy.special import ndtri

    return ndtri(np.clip(share, EDGE, 1 - EDGE).astype(np.float64))


def logit(share: np.ndarray) -> np.ndarray:
    """Logarithms of the odds.

    >>> logit(np.array([0.5, 0.9])).round(2).tolist()
    [0.0, 2.2]
    """
    clipped = np.clip(share, EDGE, 1 - EDGE).astype(np.float64)
    return np.log(clipped / (1 - clipped))


def least_squares(columns: np.ndarray, values: np.ndarray) -> Line:
    """Fit `values` (m,) on a constant and `columns` (m, p).

    >>> fit = least_squares(np.array([[0.0], [1], [2], [3]]), np.array([1.0, 3, 5, 7]))
    >>> fit.coefficients.round(6).tolist(), fit.freedom
    ([1.0, 2.0], 2)
    """
    design = np.column_stack([np.ones(len(values)), columns])
    if len(values) <= design.shape[1]:
        raise ValueError(f"{len(values)} models cannot carry a fit of {design.shape[1]} coefficients; give more.")
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise ValueError("the accuracies to fit on do not differ, or repeat each other: no line goes through them.")
    inverse = np.linalg.inv(design.T @ design)
    coefficients = inverse @ design.T @ values
    residuals = values - design @ coefficients
    freedom = len(values) - design.shape[1]
    variance = float(residuals @ residuals) / freedom
    return Line(coefficients, inverse * variance, variance, freedom, residuals)
