"""The effect of a feature on a logged outcome, with known confounders taken out of it."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure


class ConfounderAdjustedEffect(Measure):
    r"""Slope of an observed outcome on a feature once the effect of known confounders is removed from it.

    .. math:: \hat\beta = \frac{\sum_i u_i\, (r_i - \hat m(c_i))}{\sum_i u_i^2}, \quad u_i = x_i - \hat h(c_i), \qquad
              r'_i = r_i - \hat g(c_i), \quad \hat g = \widehat{E}[r - \hat\beta x \mid c]

    The mean of outcome r, and of feature x, given the confounders c (columns of X, in powers up to `degree`) is fitted
    by least squares on the other `folds`. `adjusted_outcome` is r', what a model should learn from in place of r, since
    g is fitted with the feature's own effect set aside: removing the mean of r given c would take away a part of what x
    causes wherever both go together. `naive_` is the slope that ignores confounders; the interval is
    heteroscedasticity-consistent, the p-value two-sided for "no effect".

    Use it when outcomes (clicks, votes, survival) were logged, not randomised, and a time, a segment or a price moved
    both what was shown and what came of it. It fails where a confounder was not recorded: nothing here can tell. It
    also fails where the confounders determine the feature, and where effects of numeric ones are no such polynomials.

    >>> c = np.arange(40) % 4.0
    >>> x = c + np.array([1.0, -1, 1, -1, -1, 1, -1, 1] * 5)  # shown more where c is high
    >>> r = 0.5 * x + 2 * c
    >>> method = ConfounderAdjustedEffect(degree=1, folds=4, seed=1, level=0.8)
    >>> found = method.measure(x=x, target=r, X=c[:, None])
    >>> round(found.value, 2), round(method.naive_, 2)
    (0.5, 1.61)
    >>> adjusted = method.adjusted_outcome(x=x, target=r, X=c[:, None])
    >>> bool(np.allclose(adjusted, 0.5 * x))
    True
    """

    source = "loghmani2025aligning"
    claims = ("confounded_outcome",)
    degree: int = 3
    folds: int = 5
    seed: int = 0
    level: float = 0.9

    def measure(self, x: np.ndarray, target: np.ndarray, X: np.ndarray) -> Estimate:
        """The slope in units of the target per unit of the feature."""
        from scipy.special import ndtr, ndtri

        basis, fold = self._basis(X), self._folds(len(x))
        own = x - _predicted(basis, x, fold)
        spread = float(own @ own)
        if spread <= 1e-9 * float(x @ x) or len(np.unique(x)) < 2:
            raise ValueError("x is a function of the confounders in X: its own effect cannot be told from theirs.")
        rest = target - _predicted(basis, target, fold)
        value = float(own @ rest) / spread
        error = max(float(np.sqrt((own**2) @ (rest - value * own) ** 2)) / spread, 1e-12)
        centred = x - x.mean()
        self.naive_ = float(centred @ target / (centred @ centred))
        reach = float(ndtri(0.5 + self.level / 2)) * error
        pvalue = max(2 * float(ndtr(-abs(value) / error)), 1e-300)
        return Estimate(value, value - reach, value + reach, len(x), pvalue)

    def adjusted_outcome(self, x: np.ndarray, target: np.ndarray, X: np.ndarray) -> np.ndarray:
        """(n,) the outcome less what the confounders did to it."""
        x, target, X = (np.asarray(part, dtype=float) for part in (x, target, X))
        effect = self.measure(x=x, target=target, X=X).value
        return target - _predicted(self._basis(X), target - effect * x, self._folds(len(x)))

    def _basis(self, X: np.ndarray) -> np.ndarray:
        """(n, 1 + d degree): ones, and powers of the standardised columns."""
        centred = X.astype(np.float64) - X.mean(axis=0, dtype=np.float64)
        scaled = centred / np.maximum(centred.std(axis=0), 1e-12)
        return np.hstack([np.ones((len(X), 1)), *(scaled**power for power in range(1, self.degree + 1))])

    def _folds(self, n: int) -> np.ndarray:
        if not 2 <= self.folds <= n:
            raise ValueError(f"x has {n} rows and folds is {self.folds}; expected at least 2 folds and as many rows.")
        return np.random.default_rng(self.seed).permutation(n) % self.folds


def _predicted(basis: np.ndarray, values: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """(n,) least squares fitted on the other folds; of equally good fits the smallest."""
    predicted = np.empty(len(values))
    for held in range(int(fold.max()) + 1):
        test = fold == held
        predicted[test] = basis[test] @ np.linalg.lstsq(basis[~test], values[~test], rcond=1e-10)[0]
    return predicted
