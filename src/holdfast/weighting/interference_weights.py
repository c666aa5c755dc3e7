"""Weights against interference between the arms of an experiment that share their training data."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from holdfast.core import Weigher
from holdfast.ops.density_ratio import LARGEST, boosted_ratio, logistic_coefficients, standardised


class InterferenceWeights(Weigher):
    r"""Pooled logs of an A/B test weighted towards one arm, so that its model trains as if it had run alone.

    .. math:: e(x) = P(\text{treatment} \mid x), \qquad w = e(x) \;\text{ or }\; 1 - e(x)

    A recommender in treatment changes what users meet, so the pooled log is a mix that neither arm would have made.
    e is a logistic regression with prior precision `penalty`, or boosted trees out of fold (`learner`); `arm` says
    whose model is to be trained. Costs n d^2 (linear) or the trees.

    Use it when both arms feed one log and the models of both are trained on it: all rows are used, none is thrown
    away as by splitting the log. It fails when the arms differ in what x does not hold, and when rows of one arm
    influence those of the other within a day, not through training.

    Where x is 1, three in four rows are of the treatment arm, where it is 0 one in four:

    >>> X, treated = [[0.0]] * 4 + [[1.0]] * 4, [0, 0, 0, 1] + [0, 1, 1, 1]
    >>> weights = InterferenceWeights(arm="control", learner="linear", penalty=1e-6).weigh_rows(X=X, treated=treated)
    >>> weights[[0, -1]].round(2).tolist()
    [1.5, 0.5]
    """

    source = "si2023tackling"
    claims = ("two_arms",)
    silent: ClassVar[tuple[str, ...]] = ("seed",)  # folds of the boosting learner only

    arm: Literal["treatment", "control"] = "treatment"
    learner: Literal["linear", "boosting"] = "linear"
    penalty: float = 1.0
    seed: int = 0

    def weigh_rows(self, X: np.ndarray, treated: np.ndarray) -> np.ndarray:
        """(n,) chance that a row like this is of the arm, scaled to mean 1."""
        if treated.all() or not treated.any():
            raise ValueError("treated holds one arm only; expected rows of both, with true for the treatment.")
        own = treated if self.arm == "treatment" else ~treated
        ratio = self._ratio(X, own)
        odds = ratio * own.mean() / (1 - own.mean())
        chance = odds / (1 + odds)
        return chance / chance.mean()

    def _ratio(self, X: np.ndarray, own: np.ndarray) -> np.ndarray:
        """(n,) density of the arm's rows over that of the others."""
        if self.learner == "boosting":
            out = np.empty(len(X))
            out[~own] = boosted_ratio(X[~own], X[own], self.seed)
            out[own] = 1 / np.maximum(boosted_ratio(X[own], X[~own], self.seed), 1 / LARGEST)
            return out
        other, arm = standardised(X[~own], X[own])
        intercept, *slopes = logistic_coefficients(other, arm, self.penalty)
        rows = np.empty((len(X), X.shape[1]))
        rows[~own], rows[own] = other, arm
        return np.exp(np.clip(intercept + rows @ slopes, -30, 30))
