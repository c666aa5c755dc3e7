"""Veracity of numeric targets."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from holdfast.core import Scorer


class RegressionVeracity(Scorer):
    r"""Residual of a numeric target, relative to how uncertain its prediction is.

    With the residual r, the uncertainty u of the model (its spread over refits) and the noise a of the response:

    .. math:: s = \frac{|r|}{|r| + c}, \qquad c_\text{sum} = u + a, \quad c_\text{geometric} = \sqrt{u\,a}

    which ranks rows as :math:`|r| / c` does and stays finite where c is 0. Without `residual_scale`, c = u.

    Use it when targets are numbers and some may have been recorded wrongly: dividing by the uncertainty keeps hard rows
    from crowding out wrong ones. It fails on errors smaller than the model's own residuals.

    >>> evidence = dict(target=[5.0, 9.0], prediction=[4.0, 4.0], uncertainty=[1.0, 4.0], residual_scale=[3.0, 1.0])
    >>> RegressionVeracity().score_rows(**evidence).round(2).tolist()
    [0.2, 0.5]
    >>> RegressionVeracity(combine="geometric").score_rows(**evidence).round(2).tolist()  # 1 / (1 + 3**.5), 5 / (5 + 2)
    [0.37, 0.71]
    """

    source = "zhou2024detecting"
    claims = ("numeric_target_errors",)
    blind = ("small_numeric_errors",)
    combine: Literal["sum", "geometric"] = "sum"

    def score_rows(
        self,
        target: np.ndarray,
        prediction: np.ndarray,
        uncertainty: np.ndarray,
        residual_scale: np.ndarray | None = None,
    ) -> np.ndarray:
        """(n,) between 0 and 1: the residual's share of residual plus uncertainty."""
        residual = np.abs(target.astype(np.float64) - prediction)
        scale = uncertainty if residual_scale is None else _COMBINED[self.combine](uncertainty, residual_scale)
        total = residual + scale
        return np.divide(residual, total, out=np.zeros_like(residual), where=total > 0)

    def removal_share(
        self,
        model: Any,
        X: np.ndarray,
        target: np.ndarray,
        score: np.ndarray,
        shares: tuple[float, ...] = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2),
        folds: int = 5,
        seed: int = 0,
    ) -> float:
        """The share of rows, worst first, whose removal from training predicts all targets best out of fold.

        Best is the least absolute error: squared error would reward bending towards wrong targets.
        """
        X, target, score = np.asarray(X), np.asarray(target, dtype=float), np.asarray(score)
        fold = np.random.default_rng(seed).permutation(len(target)) % folds
        worst_first = np.argsort(-score, kind="stable")
        errors = []
        for share in shares:
            kept = np.ones(len(target), bool)
            kept[worst_first[: round(share * len(target))]] = False
            errors.append(_absolute_error(model, X, target, kept, fold))
        return shares[int(np.argmin(errors))]


def _absolute_error(model: Any, X: np.ndarray, target: np.ndarray, kept: np.ndarray, fold: np.ndarray) -> float:
    from sklearn.base import clone

    total = 0.0
    for held in np.unique(fold):
        train, test = (fold != held) & kept, fold == held
        total += float(np.abs(clone(model).fit(X[train], target[train]).predict(X[test]) - target[test]).sum())
    return total


_COMBINED = {"sum": lambda u, a: u + a, "geometric": lambda u, a: np.sqrt(u) * np.sqrt(a)}
