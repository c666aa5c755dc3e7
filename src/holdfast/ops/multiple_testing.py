"""Adjusted p-values for many tests at once: reject where the adjusted p-value is at most the level."""

from __future__ import annotations

import numpy as np


def holm(pvalues: np.ndarray) -> np.ndarray:
    """Holm (1979): the chance of even one false alarm stays at the level, however the tests depend on each other.

    >>> holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    pvalues, order = _sorted(pvalues)
    steps = np.maximum.accumulate(pvalues[order] * np.arange(len(pvalues), 0, -1))
    return _unsorted(steps, order)


def benjamini_hochberg(pvalues: np.ndarray) -> np.ndarray:
    """Benjamini and Hochberg (1995): the expected share of false alarms stays at the level (independent tests).

    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03])).round(2).tolist()
    [0.03, 0.04, 0.04]
    """
    pvalues, order = _sorted(pvalues)
    ratios = pvalues[order] * len(pvalues) / np.arange(1, len(pvalues) + 1)
    return _unsorted(np.minimum.accumulate(ratios[::-1])[::-1], order)


def benjamini_yekutieli(pvalues: np.ndarray) -> np.ndarray:
    """Benjamini and Yekutieli (2001): as Benjamini-Hochberg, under any dependence between the tests.

    >>> benjamini_yekutieli(np.array([0.01, 0.04])).round(3).tolist()
    [0.03, 0.06]
    """
    harmonic = float((1 / np.arange(1, len(pvalues) + 1)).sum()) if len(pvalues) else 1.0
    pvalues, order = _sorted(pvalues)
    ratios = harmonic * pvalues[order] * len(pvalues) / np.arange(1, len(pvalues) + 1)
    return _unsorted(np.minimum.accumulate(ratios[::-1])[::-1], order)


def _sorted(pvalues: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pvalues = np.asarray(pvalues, dtype=np.float64)
    return pvalues, np.argsort(pvalues, kind="stable")


def _unsorted(adjusted: np.ndarray, order: np.ndarray) -> np.ndarray:
    result = np.empty_like(adjusted)
    result[order] = np.minimum(adjusted, 1.0)
    return result
