"""Hits of a model on reference rows, carried to the target by weights."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate
from holdfast.ops.density_ratio import balance, logistic_ratio

Z90 = 1.6449


def weighted_hits(
    ref_X: np.ndarray, ref_y: np.ndarray, ref_probs: np.ndarray, cur_X: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(ref_n,) weights with mean 1 that meet the target's moments, and whether the model is right."""
    return balance(ref_X, cur_X, logistic_ratio(ref_X, cur_X)), (ref_probs.argmax(axis=1) == ref_y).astype(float)


def share(parts: np.ndarray, cur_n: int) -> Estimate:
    """The mean of `parts`, as a share of right rows among `cur_n` that are met, with its 90 % interval."""
    value = float(np.clip(parts.mean(), 0, 1))
    error = float(np.sqrt(parts.var() / len(parts) + value * (1 - value) / cur_n))
    return Estimate(value, max(value - Z90 * error, 0.0), min(value + Z90 * error, 1.0), len(parts))


def mean(parts: np.ndarray) -> Estimate:
    """The mean of independent numbers with its 90 % interval."""
    value, error = float(parts.mean()), float(parts.std() / np.sqrt(len(parts)))
    return Estimate(value, value - Z90 * error, value + Z90 * error, len(parts))
