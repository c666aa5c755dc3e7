"""Utilities of competitors from sparse measurements: every item ranks those that were measured on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

STEPS = 200
CLOSE = 1e-10


class Ranking(NamedTuple):
    """Utilities (k,) with mean zero, their covariance (k, k) over items, and the number of items that say something."""

    utilities: np.ndarray
    covariance: np.ndarray
    items: int


def rank(competitor: np.ndarray, item: np.ndarray, score: np.ndarray, prior: float) -> Ranking:
    r"""Fit utilities to all pairs of competitors measured on the same item.

    .. math:: P(i \text{ scores above } j) = \frac{e^{u_i}}{e^{u_i} + e^{u_j}}

    Ties say nothing. `prior` adds that many wins and losses of every competitor against one of mean utility, so that
    who never loses stays finite. The covariance is that of drawing other items (sandwich).

    >>> found = rank(np.array([0, 1] * 4), np.repeat(np.arange(4), 2), np.array([0, 1, 0, 1, 0, 1, 1, 0.0]), 0.0)
    >>> round(float(found.utilities[1] - found.utilities[0]), 3), found.items  # log(3 / 1)
    (1.099, 4)
    """
    size = int(competitor.max()) + 1
    members = list(_items(competitor, item, score))
    wins = np.zeros((size, size))
    for who, above in members:
        wins[np.ix_(who, who)] += above
    utilities = _newton(wins, prior)
    chance = _chance(utilities)
    meat = np.zeros((size, size))
    for who, above in members:
        pull = above - (above + above.T) * chance[np.ix_(who, who)]
        total = pull.sum(axis=1)
        meat[np.ix_(who, who)] += np.outer(total, total)
    inverse = np.linalg.pinv(_information(wins, utilities, prior))
    centre = np.eye(size) - 1 / size
    covariance = centre @ inverse @ meat @ inverse @ centre * (len(members) / max(len(members) - 1, 1))
    return Ranking(utilities - utilities.mean(), covariance, len(members))


def _items(competitor: np.ndarray, item: np.ndarray, score: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(competitors, which of them scores above which) of every item on which not all are equal."""
    order = np.argsort(item, kind="stable")
    edges = np.flatnonzero(np.diff(item[order])) + 1
    for rows in np.split(order, edges):
        who, scores = _mean_of_repeats(competitor[rows], score[rows])
        above = (scores[:, None] > scores[None, :]).astype(np.float64)
        if above.any():
            yield who, above


def _mean_of_repeats(who: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A competitor measured twice on an item counts once, with its mean."""
    names, places = np.unique(who, return_inverse=True)
    return names, np.bincount(places, scores) / np.bincount(places)


def _newton(wins: np.ndarray, prior: float) -> np.ndarray:
    """Maximise the likelihood by damped Newton steps; the sum of the utilities is pinned."""
    utilities = np.zeros(len(wins))
    games = wins + wins.T
    for _ in range(STEPS):
        phantom = 1 / (1 + np.exp(-utilities))
        slope = (wins - games * _chance(utilities)).sum(axis=1) + prior * (1 - 2 * phantom)
        curve = _information(wins, utilities, prior) + 1e-9 * np.eye(len(wins)) + 1 / len(wins)
        step = np.linalg.solve(curve, slope)
        step *= min(1.0, 1.0 / max(np.abs(step).max(), 1e-300))
        utilities = utilities + step
        if np.abs(step).max() < CLOSE:
            break
    return utilities


def _chance(utilities: np.ndarray) -> np.ndarray:
    """The chance that row i scores above column j."""
    return 1 / (1 + np.exp(np.clip(utilities[None, :] - utilities[:, None], -500, 500)))


def _information(wins: np.ndarray, utilities: np.ndarray, prior: float) -> np.ndarray:
    chance = _chance(utilities)
    weight = (wins + wins.T) * chance * chance.T
    phantom = 1 / (1 + np.exp(-utilities))
    return np.diag(weight.sum(axis=1) + 2 * prior * phantom * (1 - phantom)) - weight
