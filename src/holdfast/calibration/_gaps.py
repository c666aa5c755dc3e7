"""The mean absolute gap of binned rates, freed of the part that is noise."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

REACH = 1.6449  # standard errors to either end of a 90 % interval
GRID = 1000  # candidate errors; the interval is read off between them


def gap_interval(sizes: np.ndarray, sure: np.ndarray, right: np.ndarray) -> tuple[float, float, float]:
    """Value, low, high of the mean absolute gap: true errors at which the one seen is expected, or in the outer 5 %.

    Bins have `sizes` rows; `sure` and `right` are the sums of confidences and of right predictions.
    """
    n = sizes.sum()
    share, sure, gap = sizes / n, sure / sizes, (right - sure) / sizes
    plain = float(share @ np.abs(gap))
    smooth = _smoothed(gap, sizes)
    size = float(share @ np.abs(smooth))
    shape = np.abs(smooth) / size if size > 0 else np.ones_like(gap)
    noise = np.sqrt(share @ (sure * (1 - sure)) / n)
    top = min(1.0, plain + 6 * noise + 6 / n)
    errors = np.linspace(0, top, GRID)
    rate = np.clip(sure + errors[:, None] * shape * np.where(smooth > 0, 1, -1), 0, 1)
    spread = np.sqrt(rate * (1 - rate) / sizes)
    mean, variance = _folded_moments(rate - sure, spread)
    expected, error = mean @ share, np.sqrt(variance @ share**2)

    def reached(curve: np.ndarray) -> float:
        return float(np.interp(plain, np.maximum.accumulate(curve), errors))

    value = reached(expected)
    unseen = 1 - 0.05 ** (1 / n)  # an error in this share of the rows hides from n of them in 5 % of draws
    return value, min(value, reached(expected + REACH * error)), max(value, reached(expected - REACH * error), unseen)


def _smoothed(gap: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Gaps averaged with those of the neighbouring bins: the shape of miscalibration is smoother than its noise."""
    weight = np.r_[0, sizes, 0]
    total = np.r_[0, sizes * gap, 0]
    return (total[:-2] + 2 * total[1:-1] + total[2:]) / (weight[:-2] + 2 * weight[1:-1] + weight[2:])


def _folded_moments(mean: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of |N(mean, spread^2)|."""
    z = np.clip(mean / np.maximum(spread, 1e-12), -30, 30)  # at 30 the fold is far away
    folded = spread * np.sqrt(2 / np.pi) * np.exp(-(z**2) / 2) + mean * (2 * ndtr(z) - 1)
    return folded, np.maximum(mean**2 + spread**2 - folded**2, 0)
