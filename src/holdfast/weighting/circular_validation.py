"""Circular validation."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone

from holdfast.core import Estimate, Measure
from holdfast.weighting._validation import share


class CircularValidation(Measure):
    r"""There and back: a model of the reference labels the target, a model of these labels is judged on the reference.

    .. math:: \hat f = \mathrm{fit}(X, y), \quad \hat g = \mathrm{fit}(X', \hat f(X')), \quad
              \frac{1}{n} \sum_i [\hat g(x_i) = y_i]

    Give the mapped samples, as an adaptation method made them. `model` is a scikit-learn classifier; it is cloned and
    fitted twice. Larger is better.

    Use it when adaptation maps or their settings are to be chosen without labels of the target. It fails when the
    first labels are wrong in a consistent way: the way back undoes the error, and all looks well.

    >>> from sklearn.tree import DecisionTreeClassifier
    >>> ref_X, cur_X = [[0.0], [1.0], [2.0], [3.0]], [[0.1], [1.1], [2.1], [3.1]]
    >>> tree = DecisionTreeClassifier(random_state=0)
    >>> CircularValidation().measure(ref_X=ref_X, ref_y=[0, 0, 1, 1], cur_X=cur_X, model=tree).value
    1.0
    """

    source = "bruzzone2010domain"
    claims = ("choice",)

    def measure(self, ref_X: np.ndarray, ref_y: np.ndarray, cur_X: np.ndarray, model: Any) -> Estimate:
        """The share of reference rows that come back right, with its 90 % interval."""
        if len(np.unique(ref_y)) < 2:
            raise ValueError("ref_y holds one class only; expected two or more to fit a model.")
        told = clone(model).fit(ref_X, ref_y).predict(cur_X)
        if len(np.unique(told)) < 2:
            return share((ref_y == told[0]).astype(float), len(ref_y))
        back = clone(model).fit(cur_X, told).predict(ref_X)
        return share((back == ref_y).astype(float), len(ref_y))
