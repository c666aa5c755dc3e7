"""Forecasts from curves that are linear once their shape is fixed: every shape on a grid counts by its likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from typing import NamedTuple

import numpy as np

from holdfast.core import Estimate

RANGE = 0.02, 1.2  # of the exponents of a power law
POINTS = {1: 60, 2: 30}  # of the grid, by the number of exponents
ENOUGH = 8  # likely values of each exponent; with fewer the grid is too coarse and is drawn again around them
CUSTOMARY = 0.3, 0.3  # mean and spread of the exponents that are seen; a weak preference
TURNS = np.linspace(0.05, 0.95, 10)  # quantiles of the coefficients that stand for their spread
JITTER = 1e-10  # a fit without residual is as sure as this


class Law(NamedTuple):
    """Shapes of a curve: its columns where it was seen and at a new place, and each shape's prior and exponents."""

    columns: np.ndarray
    at: np.ndarray
    prior: np.ndarray
    exponents: np.ndarray
    units: tuple[float, ...]


def power_laws(
    sizes: Sequence[np.ndarray],
    places: Sequence[float],
    tied: bool,
    ranges: Sequence[tuple[float, float]] = (RANGE, RANGE),
) -> Law:
    r"""A floor and a falling power of every size, :math:`E + \sum_j A_j s_j^{-\alpha_j}`, over a grid of exponents.

    Sizes are counted in their largest, so that coefficients stay near the values. `tied` gives all one exponent.

    >>> law = power_laws([np.array([1.0, 10, 100])], [1000.0], tied=True)
    >>> law.columns.shape, law.units, law.columns[0, -1].tolist()  # at the largest size every term is 1
    ((60, 3, 2), (100.0,), [1.0, 1.0])
    """
    units = tuple(float(size.max()) for size in sizes)
    free = 1 if tied else len(sizes)
    axes = [np.linspace(*ends, POINTS[free]) for ends in ranges[:free]]
    exponents = np.array(list(product(*axes)))
    if free < len(sizes):
        exponents = np.repeat(exponents, len(sizes), axis=1)
    ones = np.ones((len(exponents), len(sizes[0])))
    powers = [exponents[:, [j]] for j in range(len(sizes))]
    seen = [(size / unit) ** -power for size, unit, power in zip(sizes, units, powers, strict=True)]
    ends = [(place / unit) ** -power[:, 0] for place, unit, power in zip(places, units, powers, strict=True)]
    mean, spread = CUSTOMARY
    prior = -0.5 * (((exponents - mean) / spread) ** 2).mean(axis=1)
    return Law(np.stack([ones, *seen], axis=2), np.column_stack([ones[:, 0], *ends]), prior, exponents, units)


def fitting_laws(sizes: Sequence[np.ndarray], places: Sequence[float], values: np.ndarray, tied: bool) -> Law:
    """`power_laws` on a grid that is drawn again, finer, where the values allow only a few of its exponents.

    >>> size = 2.0 ** np.arange(12)
    >>> law = fitting_laws([size], [1e4], 1 + size**-0.437 * (1 + 1e-4 * (-1.0) ** np.arange(12)), tied=True)
    >>> bool(abs(law.exponents - 0.437).max() < 0.01)
    True
    """
    law = power_laws(sizes, places, tied)
    for _ in range(5):
        near = likely(law, values, within=6.0).exponents
        kinds = [np.unique(column) for column in near.T]
        if all(len(kind) >= ENOUGH for kind in kinds):
            break
        steps = [float(np.diff(np.unique(column))[0]) for column in law.exponents.T]
        around = [(max(kind[0] - step, 1e-3), kind[-1] + step) for kind, step in zip(kinds, steps, strict=True)]
        law = power_laws(sizes, places, tied, around)
    return law


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


def likely(law: Law, values: np.ndarray, within: float = 15.0) -> Law:
    """The law with only those shapes whose log likelihood lies `within` so much of the best one's."""
    logs = _logs(law.columns, values, law.prior)
    near = logs > logs.max() - within
    return law._replace(columns=law.columns[near], at=law.at[near], prior=law.prior[near],
                        exponents=law.exponents[near])  # fmt: skip


def _logs(columns: np.ndarray, values: np.ndarray, prior: np.ndarray) -> np.ndarray:
    squares = _non_negative(columns / values[None, :, None])[1] + len(values) * JITTER
    return prior - 0.5 * max(len(values) - columns.shape[2], 1) * np.log(squares)


def best_fit(columns: np.ndarray, values: np.ndarray, prior: np.ndarray) -> tuple[int, np.ndarray, float]:
    """The most likely shape, its coefficients (terms,), and the relative residual scale, of what `grid_forecast` takes.

    >>> columns = np.stack([np.column_stack([m**-1.0, np.ones(4)]) for m in [np.array([1.0, 2, 4, 8])]])
    >>> shape, coefficients, _ = best_fit(columns, np.array([3.0, 2, 1.5, 1.25]), np.zeros(1))
    >>> shape, coefficients.round(6).tolist()
    (0, [2.0, 1.0])
    """
    coefficients, squares, _ = _non_negative(columns / values[None, :, None])
    freedom = max(len(values) - columns.shape[2], 1)
    shape = int(np.argmax(prior - 0.5 * freedom * np.log(squares + len(values) * JITTER)))
    return shape, coefficients[shape], float(np.sqrt(squares[shape] / freedom))


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
