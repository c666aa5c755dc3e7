"""What the evaluations of detectors share: areas, operating points and their uncertainty."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate
from holdfast.ops.metrics import METRICS
from holdfast.ops.resampling import bootstrap_interval, metric_interval


def area(score: np.ndarray, positive: np.ndarray) -> Estimate:
    """AUROC with DeLong's variance and Wilson's interval; the p-value is for "the score does not rank positives up"."""
    from scipy.stats import mannwhitneyu

    test = mannwhitneyu(score[positive], score[~positive], alternative="greater", method="asymptotic")
    estimate = metric_interval(positive.astype(int), _stacked(score), "auroc")
    pvalue = 1.0 if np.isnan(test.pvalue) else max(float(test.pvalue), np.finfo(float).tiny)
    return estimate._replace(pvalue=pvalue)


def area_value(score: np.ndarray, positive: np.ndarray) -> float:
    """AUROC alone."""
    return float(METRICS["auroc"](positive.astype(int), _stacked(score)))


def area_influence(score: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """(n,) how much every row pulls the AUROC (DeLong's structural components); the mean is zero."""
    return METRICS["auroc"].influence(positive.astype(int), _stacked(score))


def average_precision(score: np.ndarray, positive: np.ndarray, draws: int, seed: int) -> Estimate:
    """Area under the precision-recall curve (as a sum of steps), with a bootstrap interval."""
    curve = _Curve(score, positive)

    def statistic(weights: np.ndarray) -> np.ndarray:
        found, false = curve.counts(weights)
        precision = found / np.maximum(found + false, 1e-12)
        return (np.diff(found, axis=1, prepend=0) * precision).sum(axis=1) / _total(found)

    return bootstrap_interval(statistic, len(score), draws, seed=seed)


def false_positive_rate(score: np.ndarray, positive: np.ndarray, sensitivity: float, draws: int, seed: int) -> Estimate:
    """Share of the negatives that are flagged where `sensitivity` of the positives are, with a bootstrap interval."""
    curve = _Curve(score, positive)

    def statistic(weights: np.ndarray) -> np.ndarray:
        found, false = curve.counts(weights)
        first = (found >= sensitivity * found[:, -1:] - 1e-9).argmax(axis=1)
        return false[np.arange(len(false)), first] / _total(false)

    return bootstrap_interval(statistic, len(score), draws, seed=seed)


def need_both(name: str, positive: np.ndarray) -> None:
    """Both kinds of rows must be there."""
    if positive.all() or not positive.any():
        kind = "true" if positive.all() else "false"
        raise ValueError(f"{name} is {kind} on all {len(positive)} rows; a detector is judged on rows of both kinds.")


class _Curve:
    """Counts of positives and negatives at or above every distinct score, for many weightings of the rows at once."""

    def __init__(self, score: np.ndarray, positive: np.ndarray) -> None:
        self.order = np.argsort(-score, kind="stable")
        self.positive = positive[self.order]
        ranked = score[self.order]
        self.ends = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])

    def counts(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        ranked = weights[:, self.order]
        found = np.cumsum(ranked * self.positive, axis=1)[:, self.ends]
        return found, np.cumsum(ranked, axis=1)[:, self.ends] - found


def _total(counts: np.ndarray) -> np.ndarray:
    """The last column; NaN where a draw has none of the kind (such draws are left out)."""
    return np.where(counts[:, -1] > 0, counts[:, -1], np.nan)


def _stacked(score: np.ndarray) -> np.ndarray:
    return np.column_stack([-score, score])
