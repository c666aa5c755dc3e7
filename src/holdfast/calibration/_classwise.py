"""Calibration of many classes one at a time, and what every calibrator promises about its output."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

FLOOR = 1e-12  # least probability that comes out: a wrong certainty costs 28 nats of log loss, not infinity

Map = Callable[[np.ndarray], np.ndarray]  # stated probability of one class -> calibrated


def fit_classes(probs: np.ndarray, y: np.ndarray, fit: Callable[[np.ndarray, np.ndarray], Map]) -> list[Map]:
    """One map per class against the rest; with two classes one map serves both."""
    classes = [1] if probs.shape[1] == 2 else range(probs.shape[1])
    return [fit(probs[:, k].astype(float), y == k) for k in classes]


def map_classes(probs: np.ndarray, maps: Sequence[Map]) -> np.ndarray:
    """(n, k) every column through its map; rows sum to 1."""
    columns = range(probs.shape[1]) if len(maps) == probs.shape[1] else [1]
    mapped = np.column_stack([one(probs[:, k].astype(float)) for one, k in zip(maps, columns, strict=True)])
    return positive_rows(mapped if len(maps) == probs.shape[1] else np.hstack([1 - mapped, mapped]))


def positive_rows(probs: np.ndarray) -> np.ndarray:
    """Rows that sum to 1 with no entry at 0."""
    totals = probs.sum(axis=1, keepdims=True)
    floored = np.maximum(np.where(totals > 0, probs / np.maximum(totals, FLOOR), 0.0), FLOOR)
    return floored / floored.sum(axis=1, keepdims=True)


def log_odds(probability: np.ndarray) -> np.ndarray:
    """log p / (1 - p), finite at 0 and 1."""
    held = np.clip(probability, FLOOR, 1 - FLOOR)
    return np.log(held) - np.log1p(-held)
