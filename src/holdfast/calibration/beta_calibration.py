"""Beta calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from holdfast.calibration._classwise import FLOOR, Map, fit_classes, map_classes
from holdfast.core import Mapper

IDENTITY = np.array([1.0, 1.0, 0.0])
LARGEST = 100.0  # bound of a and b, met where the rows cannot tell


class BetaCalibration(Mapper):
    r"""Three numbers per class: how steep the map is near 0, near 1, and where it crosses one half.

    .. math:: \operatorname{logit} q = a \log p - b \log(1 - p) + c, \quad a, b \ge 0

    The curve is right where the probabilities of either class follow a beta distribution, and holds the identity
    (a = b = 1, c = 0), towards which `penalty` / 2 times the squared distance, added to the total log loss, pulls it.

    Use it when low and high probabilities are wrong in different ways and there are too few rows for isotonic
    regression: a hundred rows of a class do. It fails where the true relation bends more than once. With two classes
    one map serves both; more are fitted one against the rest and normalised. Nothing comes out as exactly 0: the least
    is 1e-12.

    >>> stated = [[0.5, 0.5]] * 4 + [[0.2, 0.8]] * 8
    >>> method = BetaCalibration(penalty=0.5).fit(probs=stated, y=[0, 0, 0, 1] + [1] * 4 + [0] * 4)
    >>> method.transform(probs=[[0.5, 0.5], [0.2, 0.8]])[:, 1].round(2).tolist()  # 1 in 4, 1 in 2 without a penalty
    [0.28, 0.51]
    """

    source = "kull2017beta"
    claims = ("overconfident", "underconfident", "one_class_overconfident", "distorted")
    penalty: float = 1.0

    def fit(self, probs: np.ndarray, y: np.ndarray) -> Self:
        """Learn one curve per class from rows that the model has not seen."""
        self.maps_ = fit_classes(probs, y, self._fit_one)
        return self

    def transform(self, probs: np.ndarray) -> np.ndarray:
        """(n, k) calibrated probabilities."""
        return map_classes(probs, self.maps_)

    def _fit_one(self, stated: np.ndarray, positive: np.ndarray) -> Map:
        terms, sign = _terms(stated), np.where(positive, 1.0, -1.0)

        def loss(curve: np.ndarray) -> tuple[float, np.ndarray]:
            margin, moved = sign * (terms @ curve), curve - IDENTITY
            value = np.logaddexp(0, -margin).sum() + self.penalty / 2 * moved @ moved
            return value / len(sign), (self.penalty * moved - terms.T @ (sign * expit(-margin))) / len(sign)

        bounds = [(0, LARGEST), (0, LARGEST), (-LARGEST, LARGEST)]
        limits = {"ftol": 1e-14, "gtol": 1e-9, "maxiter": 1000}
        return _Curve(minimize(loss, IDENTITY, jac=True, method="L-BFGS-B", bounds=bounds, options=limits).x)


@dataclass(frozen=True)
class _Curve:
    """The curve with coefficients a, b and c."""

    coefficients: np.ndarray

    def __call__(self, stated: np.ndarray) -> np.ndarray:
        return expit(_terms(stated) @ self.coefficients)


def _terms(stated: np.ndarray) -> np.ndarray:
    held = np.clip(stated, FLOOR, 1 - FLOOR)
    return np.column_stack([np.log(held), -np.log1p(-held), np.ones(len(held))])
