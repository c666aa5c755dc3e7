"""Venn-Abers prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from holdfast.calibration._added_row import values_with_a_positive
from holdfast.calibration._classwise import Map, fit_classes, map_classes
from holdfast.core import Mapper


class VennAbers(Mapper):
    r"""Isotonic regression twice, with the new row as one class and as the other: one of the two is calibrated.

    .. math:: p = \frac{p_1}{1 - p_0 + p_1}, \quad
        p_c = \text{isotonic value at } s \text{ of the rows shown and } (s, c)

    The distance from p_0 to p_1 is what so few rows cannot tell; p is the choice between them that makes the worst
    regret in log loss least. All values of p_0 and p_1 are found in one pass when fitted; a row is then looked up.

    With two classes this is the textbook method. More classes are each taken against the rest and normalised: with
    `shared`, by one map learnt from the probabilities of all classes together, else by a map per class.

    Use it when calibration must hold for any miscalibration that keeps the order, and never be overconfident, however
    few rows there are. It fails, with `shared`, where the error differs between classes; without, where a class has
    few rows: n rows cannot say less than about 1 / n, and what the model knew beyond is lost. Nothing comes out as
    exactly 0.

    >>> stated, y = [[0.8, 0.2], [0.7, 0.3], [0.6, 0.4], [0.3, 0.7]], [0, 1, 0, 1]
    >>> VennAbers().fit(probs=stated, y=y).transform(probs=[[0.6, 0.4]]).round(4).tolist()  # p0 = 1 / 3, p1 = 2 / 3
    [[0.5, 0.5]]
    >>> three, y = [[0.6, 0.2, 0.2], [0.2, 0.6, 0.2], [0.2, 0.6, 0.2]], [0, 1, 2]
    >>> method = VennAbers(shared=True).fit(probs=three, y=y)  # .6 is right in 2 of 3, .2 in 1 of 6: .6 and .25
    >>> method.transform(probs=three[:1]).round(4).tolist()
    [[0.5455, 0.2273, 0.2273]]
    >>> VennAbers(shared=False).fit(probs=three, y=y).transform(probs=three[:1]).round(4).tolist()  # 2/3, 1/3 and 2/5
    [[0.4762, 0.2381, 0.2857]]
    """

    source = "vovk2015largescale"
    claims = ("overconfident", "underconfident", "distorted")
    blind = ("one_class_overconfident",)
    shared: bool = True

    def fit(self, probs: np.ndarray, y: np.ndarray) -> Self:
        """Sort the rows once per map and find both isotonic values for every place a new row can take."""
        classes = probs.shape[1]
        if self.shared and classes > 2:
            is_class = y[:, None] == np.arange(classes)
            self.maps_ = [_fit_one(probs.astype(float).ravel(), is_class.ravel())] * classes
        else:
            self.maps_ = fit_classes(probs, y, _fit_one)
        return self

    def transform(self, probs: np.ndarray) -> np.ndarray:
        """(n, k) calibrated probabilities."""
        return map_classes(probs, self.maps_)


def _fit_one(stated: np.ndarray, positive: np.ndarray) -> Map:
    values, place, sizes = np.unique(stated, return_inverse=True, return_counts=True)
    positives = np.bincount(place[positive], minlength=len(values))
    # seen from the other class, the rows stand in reverse
    lower = 1 - values_with_a_positive(sizes[::-1], (sizes - positives)[::-1])[::-1]
    return _Lookup(values, np.r_[0.0, lower], np.r_[values_with_a_positive(sizes, positives), 1.0])


@dataclass(frozen=True)
class _Lookup:
    """Both isotonic values at every place. Between two stated values, a new 0 joins the lower, a new 1 the upper."""

    stated: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    def __call__(self, stated: np.ndarray) -> np.ndarray:
        lower = self.lower[np.searchsorted(self.stated, stated, "right")]
        upper = self.upper[np.searchsorted(self.stated, stated, "left")]
        return upper / (1 - lower + upper)
