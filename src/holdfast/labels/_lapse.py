"""A lapse rate: a logistic curve with a ceiling below 1, fitted for every ceiling at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

STEPS = 30  # damped Newton steps
GROUPS = 16  # groups of bins in which the fit of the curve is checked


class Counted(NamedTuple):
    """Rows in bins of about equal confidence: mean confidence, rows, rows that agree with their prediction."""

    confidence: np.ndarray
    rows: np.ndarray
    agreeing: np.ndarray


def profile(counted: Counted, rates: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Least negative log likelihood and fitted curve for every noise rate; all rates are fitted side by side."""
    place = np.tile([2.0, 0.0], (len(rates), 1))
    loss, curve, slope, push = _fit(counted, place, rates, k)
    damping = np.ones(len(rates))
    for _ in range(STEPS):
        trial = place + _newton_step(slope, push, damping)
        trial[:, 1] = np.clip(trial[:, 1], -4, 3)
        new = _fit(counted, trial, rates, k)
        better = new[0] < loss
        place[better] = trial[better]
        for old, fresh in zip((loss, curve, slope, push), new, strict=True):
            old[better] = fresh[better]
        damping = np.clip(np.where(better, damping / 4, damping * 4), 1e-6, 1e9)
    return loss, curve


def _fit(
    counted: Counted, place: np.ndarray, rates: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Negative log likelihood (rates,), curve (rates, bins), Fisher information (rates, 3), gradient (rates, 2)."""
    from scipy.special import expit

    steep = np.exp(place[:, 1:]) * counted.confidence
    g = expit(place[:, :1] + steep)
    ceiling, floor = (1 - rates)[:, None], (rates / (k - 1))[:, None]
    curve = np.clip(floor + (ceiling - floor) * g, 1e-9, 1 - 1e-9)
    missed = counted.rows - counted.agreeing
    loss = -(counted.agreeing * np.log(curve) + missed * np.log(1 - curve)).sum(axis=1)
    change = (ceiling - floor) * g * (1 - g)
    variance = curve * (1 - curve)
    pull = change * (counted.agreeing - counted.rows * curve) / variance
    weight = counted.rows * change**2 / variance
    information = np.stack([weight.sum(1), (weight * steep).sum(1), (weight * steep**2).sum(1)], axis=1)
    return loss, curve, information, np.stack([pull.sum(1), (pull * steep).sum(1)], axis=1)


def _newton_step(information: np.ndarray, push: np.ndarray, damping: np.ndarray) -> np.ndarray:
    first, cross, second = information.T
    first, second = first * (1 + damping) + 1e-9, second * (1 + damping) + 1e-9
    determinant = np.maximum(first * second - cross**2, 1e-18)
    step = np.stack([second * push[:, 0] - cross * push[:, 1], first * push[:, 1] - cross * push[:, 0]], axis=1)
    return np.clip(step / determinant[:, None], -1, 1)


def dispersion(counted: Counted, curve: np.ndarray) -> float:
    """Spread of the agreement around the curve over what chance explains (its 90 % point), in groups of bins; >= 1."""
    from scipy.stats import chi2

    groups = np.arange(len(curve)) * GROUPS // len(curve)
    expected, seen = np.bincount(groups, counted.rows * curve), np.bincount(groups, counted.agreeing)
    variance = np.maximum(np.bincount(groups, counted.rows * curve * (1 - curve)), 0.5)
    return max(1.0, float(((seen - expected) ** 2 / variance).sum() / chi2.ppf(0.9, GROUPS - 3)))
