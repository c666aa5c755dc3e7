"""The noise prevalence at which two models change places."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure

GRID = 2001  # prevalences tried for the interval


class RankStability(Measure):
    r"""The share of wrong labels in a test set beyond which the other of two models is the better one in truth.

    .. math:: \Delta(\pi) = (1 - \pi)\, a + \pi\, b, \qquad \pi^* = \frac{a}{a - b}

    where a is how much more often the new model than the old one is right on rows whose label is right, and b the same
    on rows whose label was wrong, judged by the corrected label. Dropping rightly labelled rows at random, as the paper
    does, raises the prevalence :math:`\pi` and leaves a and b alone. Below :math:`\pi^*` one model leads on corrected
    labels, above it the other. A value of 1 says that they never change places, 0 that they tie on right labels. The
    interval is Fieller's: all prevalences at which the lead cannot be told from 0 at the `level`. The p-value is for
    "they never change places" (Gail and Simon's test of a qualitative interaction). `prevalence_` is that of the test
    set; `accuracies_` are those of both models by given and by corrected labels.

    Use it when labels of a test set were corrected and a choice between two models hangs on it. It fails where only the
    errors that one of the models found were corrected: b is then the choice of who looked.

    >>> y, corrected = [0] * 100, [0] * 80 + [1] * 20
    >>> old = [0] * 60 + [1] * 40  # right on 60 of the 80 right labels, and on all 20 wrong ones
    >>> new = [0] * 100  # right on all 80, and on none of the wrong ones
    >>> method = RankStability(level=0.8)
    >>> found = method.measure(y=y, corrected_y=corrected, old_predicted=old, new_predicted=new)
    >>> round(found.value, 2), found.low < 0.2 < found.high, found.pvalue < 0.001  # .25 / (.25 + 1)
    (0.2, True, True)
    >>> method.prevalence_, method.accuracies_["new"]
    (0.2, {'given': 1.0, 'corrected': 0.8})
    """

    source = "northcutt2021pervasive"
    claims = ("memorised_test_errors",)
    level: float = 0.9

    def measure(
        self, y: np.ndarray, corrected_y: np.ndarray, old_predicted: np.ndarray, new_predicted: np.ndarray
    ) -> Estimate:
        """The prevalence of equal accuracy, its interval, and the p-value."""
        from scipy.special import ndtr, ndtri

        right = y == corrected_y
        self.prevalence_ = float((~right).mean())
        self.accuracies_ = {
            name: {"given": float((predicted == y).mean()), "corrected": float((predicted == corrected_y).mean())}
            for name, predicted in (("old", old_predicted), ("new", new_predicted))
        }
        if right.all() or not right.any():
            return Estimate(1.0, 0.0, 1.0, len(y), 1.0)
        gains = (new_predicted == corrected_y).astype(float) - (old_predicted == corrected_y)
        (a, a_error), (b, b_error) = (_mean(gains[rows]) for rows in (right, ~right))
        prevalence = np.linspace(0, 1, GRID)
        errors = np.hypot((1 - prevalence) * a_error, prevalence * b_error)
        leads = (1 - prevalence) * a + prevalence * b
        unsure = prevalence[np.abs(leads) <= float(ndtri(0.5 + self.level / 2)) * errors]
        value = 1.0 if a * b > 0 or a == b == 0 else a / (a - b)
        pvalue = 1.0 if a * b >= 0 else float(ndtr(-min(abs(a) / a_error, abs(b) / b_error)))
        ends = np.append(unsure, value)
        return Estimate(float(value), float(ends.min()), float(ends.max()), len(y), max(pvalue, 1e-300))


def _mean(gains: np.ndarray) -> tuple[float, float]:
    """With its standard error; one row that differs is added, so that no difference seen is not none possible."""
    n = len(gains)
    return float(gains.mean()), float(np.sqrt(gains.var() / n + 1 / n**2))
