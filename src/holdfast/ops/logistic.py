"""Logistic regression with a test of one coefficient."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate

STEPS = 50


def likelihood_ratio_test(X: np.ndarray, y: np.ndarray, place: int, prior: float, level: float = 0.9) -> Estimate:
    """The coefficient of column `place`, its Wald interval, and the one-sided p-value of it not being above 0.

    The p-value is that of the signed root of the likelihood ratio. `prior` is the ridge on all but the first column.

    >>> y, X = np.array([1, 1, 1, 0, 1, 0, 0, 0]), np.column_stack([np.ones(8), np.repeat([1.0, 0.0], 4)])
    >>> found = likelihood_ratio_test(X, y, 1, prior=1e-9)
    >>> round(found.value, 3)      # log of (3/1) / (1/3)
    2.197
    """
    from scipy.special import ndtr, ndtri

    y = np.asarray(y, dtype=np.float64)
    full, deviance, information = _fit(X, y, prior)
    higher = _fit(np.delete(X, place, axis=1), y, prior)[1]
    value = float(full[place])
    error = float(np.linalg.inv(information)[place, place]) ** 0.5
    root = float(np.sign(value)) * max(higher - deviance, 0.0) ** 0.5
    reach = float(ndtri(0.5 + level / 2)) * error
    return Estimate(value, value - reach, value + reach, len(y), max(float(ndtr(-root)), float(np.finfo(float).tiny)))


def _fit(X: np.ndarray, y: np.ndarray, prior: float) -> tuple[np.ndarray, float, np.ndarray]:
    """Newton's method with halved steps: coefficients, penalised deviance, information."""
    ridge = prior * np.eye(X.shape[1])
    ridge[0, 0] = 1e-9

    def deviance(weights: np.ndarray) -> float:
        z = X @ weights
        return float(2 * (np.logaddexp(0, z) - y * z).sum() + weights @ ridge @ weights)

    weights, here = np.zeros(X.shape[1]), np.inf
    information = ridge
    for _ in range(STEPS):
        chance = 0.5 * (1 + np.tanh(X @ weights / 2))
        information = (X * (chance * (1 - chance))[:, None]).T @ X + ridge
        step = np.linalg.solve(information, X.T @ (y - chance) - ridge @ weights)
        before, here, size = here, deviance(weights), 1.0
        while deviance(weights + size * step) > here and size > 1e-6:
            size /= 2
        weights = weights + size * step
        if before - here < 1e-10:
            break
    return weights, deviance(weights), information
