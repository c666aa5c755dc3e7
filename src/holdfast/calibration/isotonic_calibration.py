"""Isotonic calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import expit
from sklearn.isotonic import isotonic_regression

from holdfast.calibration._classwise import FLOOR, Map, fit_classes, log_odds, map_classes
from holdfast.core import Mapper


class IsotonicCalibration(Mapper):
    r"""The increasing map of every class's probability that fits best, shrunk towards what the model said.

    .. math:: \hat r_b = \frac{s_b + m_b q_b}{n_b + m_b}, \quad
        m_b = \frac{a}{\max(\min(q_b, 1 - q_b), \min(s_b, n_b - s_b) / n_b)}

    Pool-adjacent-violators cuts the rows into blocks b of n_b rows with s_b of the class; plain isotonic regression
    gives them s_b / n_b, so 0 to a block without the class, however few rows it has. Here a block believes the model's
    mean probability q_b until it has seen about a = `pseudo_events` rows of the rarer kind. With `interpolate`, blocks
    are joined by lines on the log-odds scale, which keeps the order of rows within a block; else they are steps.

    Use it when miscalibration has any increasing shape and there are a thousand rows or more. It fails with few rows
    of a class, and where the true relation is not increasing. Classes are fitted one against the rest and
    normalised. Nothing comes out as exactly 0: the least is 1e-12.

    >>> stated = [[0.8, 0.2]] * 4 + [[0.4, 0.6]] * 4
    >>> method = IsotonicCalibration(pseudo_events=1.0, interpolate=False).fit(probs=stated, y=[0, 0, 0, 0, 1, 1, 1, 0])
    >>> method.transform(probs=[[0.8, 0.2], [0.4, 0.6]])[:, 1].round(4).tolist()  # 1 / 9 and (3 + 1.5) / (4 + 2.5)
    [0.1111, 0.6923]
    """

    source = "zadrozny2002transforming"
    claims = ("overconfident", "underconfident", "one_class_overconfident", "distorted")
    pseudo_events: float = 2.0
    interpolate: bool = True

    def fit(self, probs: np.ndarray, y: np.ndarray) -> Self:
        """Learn one increasing map per class from rows that the model has not seen."""
        self.maps_ = fit_classes(probs, y, self._fit_one)
        return self

    def transform(self, probs: np.ndarray) -> np.ndarray:
        """(n, k) calibrated probabilities."""
        return map_classes(probs, self.maps_)

    def _fit_one(self, stated: np.ndarray, positive: np.ndarray) -> Map:
        values, place, sizes = np.unique(stated, return_inverse=True, return_counts=True)
        positives = np.bincount(place, positive, len(values))
        level = isotonic_regression(positives / sizes, sample_weight=sizes)
        starts = np.flatnonzero(np.r_[True, np.diff(level) > 0])
        n, s, total = (np.add.reduceat(x, starts) for x in (sizes, positives, sizes * values))
        said = np.clip(total / n, FLOOR, 1 - FLOOR)
        rarest = np.maximum(np.minimum(said, 1 - said), np.minimum(s, n - s) / n)
        believed = self.pseudo_events / rarest
        shrunk = (s + believed * said) / (n + believed)
        shrunk = isotonic_regression(shrunk, sample_weight=n + believed)  # blocks shrunk unequally may cross
        if self.interpolate:
            return _Lines(log_odds(said), log_odds(shrunk))
        ends = np.r_[starts[1:] - 1, len(values) - 1]
        return _Steps(np.column_stack([values[starts], values[ends]]).ravel(), np.repeat(shrunk, 2))


@dataclass(frozen=True)
class _Lines:
    """Straight lines between block centres on the log-odds scale; beyond the ends, a constant shift."""

    said: np.ndarray
    found: np.ndarray

    def __call__(self, stated: np.ndarray) -> np.ndarray:
        x = log_odds(stated)
        beyond = x - np.clip(x, self.said[0], self.said[-1])
        return expit(np.interp(x, self.said, self.found) + beyond)


@dataclass(frozen=True)
class _Steps:
    """A constant within every block, a straight line between one block's end and the next one's start."""

    stated: np.ndarray
    found: np.ndarray

    def __call__(self, stated: np.ndarray) -> np.ndarray:
        return np.interp(stated, self.stated, self.found)
