"""Forecasts from curves that are linear once their shape is fixed: every shape on a grid counts by its likelihood."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from holdfast.core import Estimate

TURNS = np.linspace(0.05, 0.95, 10)  # quantiles of the coefficients that stand for their spread
JITTER = 1e-10  # a fit without residual is as sure as this


def grid_forecast(
    columns: np.ndarray, at: np.ndarray, values: np.ndarray, prior: np.ndarray, level: float = 0.9
) -> Estimate:
    r"""The expected value at a new place, with its interval, from `values` (m,) seen where the curve has `columns`.

    .. math:: y_i = \sum_j c_j x_{gij} \, (1 + \varepsilon_i), \qquad c_j \ge 0

    `columns` is (shapes, m, terms), `at` (shapes, terms), `prior` the logarithm of each shape's prior weight. Relative
    errors are alike; their scale is integrated out. Which terms are zero is settled for each shape by its best fit.

    >>> m, powers = np.array([1.0, 2, 4, 8, 16]), np.array([0.25, 0.5, 0.75])
    >>> columns = np.stack([np.column_stack([m**-power, np.ones(5)]) for power in powers])
    >>> at = np.column_stack([64.0**-powers, np.ones(3)])
    >>> round(grid_forecast(columns, at, 8 * m**-0.5 + 1, np.zeros(3)).value, 4)
    2.0
    """
    from scipy.special import stdtrit

    unit = float(np.abs(values).mean()) or 1.0
    scaled = values / unit
    sized = columns / scaled[None, :, None]
    coefficients, squares, inverse = _non_negative(sized)
    squares = squares + len(values) * JITTER
    freedom = max(len(values) - columns.shape[2], 1)
    logs = prior - 0.5 * freedom * np.log(squares)
    weights = np.exp(logs - logs.max())
    middle = np.einsum("gp,gp->g", at, coefficients)
    spread = np.sqrt(squares / freedom * np.einsum("gp,gpq,gq->g", at, inverse, at))
    predicted = (middle[:, None] + spread[:, None] * stdtrit(freedom, TURNS)).ravel()
    mass = np.repeat(weights / weights.sum() / len(TURNS), len(TURNS))
    order = np.argsort(predicted)
    steps = np.cumsum(mass[order])
    tail = (1 - level) / 2
    places = [min(int(np.searchsorted(steps, share)), len(order) - 1) for share in (0.5, tail, 1 - tail)]
    value, low, high = (unit * float(predicted[order][place]) for place in places)
    return Estimate(value, low, high, len(values))


def _non_negative(sized: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Least squares of ones on (shapes, m, terms) with coefficients >= 0: they, their residual and their spread."""
    shapes, _, terms = sized.shape
    best = np.full(shapes, np.inf)
    coefficients, inverses = np.zeros((shapes, terms)), np.zeros((shapes, terms, terms))
    scales = np.sqrt((sized**2).mean(axis=1)) + 1e-300
    unit = sized / scales[:, None, :]
    for size in range(terms, 0, -1):
        for chosen in combinations(range(terms), size):
            part = unit[:, :, chosen]
            gram = np.einsum("gmp,gmq->gpq", part, part) + 1e-12 * np.eye(size)
            inverse = np.linalg.inv(gram)
            found = np.einsum("gpq,gmq->gp", inverse, part)
            squares = ((1 - np.einsum("gmp,gp->gm", part, found)) ** 2).sum(axis=1)
            better = (found >= 0).all(axis=1) & (squares < best * (1 - 1e-9))
            best[better] = squares[better]
            coefficients[better], inverses[better] = 0.0, 0.0
            coefficients[np.ix_(better, chosen)] = found[better] / scales[np.ix_(better, chosen)]
            sides = scales[:, chosen]
            inverses[np.ix_(better, chosen, chosen)] = (inverse / sides[:, :, None] / sides[:, None, :])[better]
    return coefficients, np.where(np.isfinite(best), best, 1e6), inverses
