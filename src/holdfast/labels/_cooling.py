"""Probabilities at another temperature, and the temperature that fits the given labels best."""

from __future__ import annotations

import numpy as np

from holdfast.labels._confident import given_probabilities

TUNED_ON = 20_000  # evenly spaced rows that the temperature is chosen on


def cooled(probs: np.ndarray, temperature: float) -> np.ndarray:
    """Rows in proportion to p^(1 / temperature)."""
    logs = np.log(np.maximum(probs, 1e-12, dtype=np.float64)) / temperature
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def best_temperature(probs: np.ndarray, y: np.ndarray) -> float:
    """The temperature between 1/8 and 64 with the least log loss on the given labels."""
    from scipy.optimize import minimize_scalar

    every = -(-len(y) // TUNED_ON)
    some, labels = probs[::every], y[::every]

    def loss(log_temperature: float) -> float:
        return -float(np.log(given_probabilities(cooled(some, np.exp(log_temperature)), labels)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(1 / 8), np.log(64)), method="bounded").x))
