"""What it costs to choose a monitor by how well it finds unusual rows."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ood._detection import area, area_influence, area_value, need_both
from holdfast.ops.resampling import metric_interval

QUANTILE = 1.6448536269514722  # of the normal distribution, for a 90 % interval


class MonitorEvaluation(Measure):
    r"""AUROC against the model's errors that is lost when the monitor is chosen by its AUROC against unusual rows.

    .. math:: A_\text{error}(\arg\max_j A_\text{error}(j)) - A_\text{error}(\arg\max_j A_\text{novelty}(j))

    Monitors are chosen on one half of the rows and compared on the other, both ways, so that the better of two equal
    ones is not flattered; the loss is exactly 0 where both targets choose the same monitor on both halves. Attributes:
    `novelty_` and `errors_`, the AUROC of every monitor against unusual rows (`is_bad`) and against errors;
    `disagreement_`, the share of pairs of monitors that the two targets order differently; `residual_risk_`, the error
    rate of what is left when every monitor rejects its highest `rejected` share.

    Use it when several detectors compete to guard a model and rows with known errors are at hand. It fails with few
    errors: the interval then says little.

    >>> scores = [[9, 8, 7, 1, 2, 3, 0, 0], [9, 1, 7, 8, 2, 3, 8, 0]]
    >>> is_bad, correct = [1, 1, 1, 0, 0, 0, 0, 0], [0, 1, 0, 0, 1, 1, 0, 1]
    >>> evaluation = MonitorEvaluation(rejected=0.5, seed=3)
    >>> round(evaluation.measure(scores=scores, is_bad=is_bad, correct=correct).value, 2)
    0.56
    >>> evaluation.disagreement_, [round(risk.value, 2) for risk in evaluation.residual_risk_]
    (1.0, [0.5, 0.0])
    """

    source = "guerin2023notall"
    claims = ("monitor_choice",)
    silent: ClassVar[tuple[str, ...]] = ("rejected",)  # it changes `residual_risk_`
    rejected: float = 0.2
    seed: int = 0

    def measure(self, scores: np.ndarray, is_bad: np.ndarray, correct: np.ndarray) -> Estimate:
        """The loss with a 90 % interval; the p-value is for "no loss"."""
        need_both("is_bad", is_bad)
        need_both("correct", correct)
        self.novelty_ = tuple(area(score, is_bad) for score in scores)
        self.errors_ = tuple(area(score, ~correct) for score in scores)
        self.disagreement_ = _disagreement([e.value for e in self.novelty_], [e.value for e in self.errors_])
        self.residual_risk_ = tuple(_residual_risk(score, correct, self.rejected) for score in scores)
        first = _stratified_half(is_bad, correct, self.seed)
        ways = [_loss(scores, is_bad, correct, choosing) for choosing in (first, ~first)]
        value = float(np.mean([loss for loss, _ in ways]))
        error = float(np.sqrt(sum(variance for _, variance in ways))) / 2
        reach = QUANTILE * error
        return Estimate(value, value - reach, value + reach, len(correct), _upper_tail(value, error))


def _loss(scores: np.ndarray, is_bad: np.ndarray, correct: np.ndarray, choosing: np.ndarray) -> tuple[float, float]:
    """The loss on the rows not used for choosing, and its variance by DeLong's components of the paired difference."""
    by_novelty = max(scores, key=lambda score: area_value(score[choosing], is_bad[choosing]))[~choosing]
    by_errors = max(scores, key=lambda score: area_value(score[choosing], ~correct[choosing]))[~choosing]
    wrong = ~correct[~choosing]
    pulls = area_influence(by_errors, wrong) - area_influence(by_novelty, wrong)
    return area_value(by_errors, wrong) - area_value(by_novelty, wrong), float((pulls**2).sum()) / len(wrong) ** 2


def _stratified_half(is_bad: np.ndarray, correct: np.ndarray, seed: int) -> np.ndarray:
    """Half of the rows of every kind, so that both halves hold errors and unusual rows."""
    order = np.random.default_rng(seed).permutation(len(correct))
    kind = 2 * is_bad[order] + correct[order]
    half = np.empty(len(order), dtype=bool)
    half[order[np.argsort(kind, kind="stable")]] = np.arange(len(order)) % 2 == 0
    for name, rows in (("is_bad", is_bad), ("correct", correct)):
        need_both(name, rows[half])
        need_both(name, rows[~half])
    return half


def _disagreement(novelty: list[float], errors: list[float]) -> float:
    first, second = (np.sign(np.subtract.outer(values, values)) for values in (novelty, errors))
    pairs = np.triu_indices(len(novelty), 1)
    return float((first != second)[pairs].mean()) if len(novelty) > 1 else 0.0


def _residual_risk(score: np.ndarray, correct: np.ndarray, rejected: float) -> Estimate:
    kept = np.argsort(score, kind="stable")[: max(1, round((1 - rejected) * len(score)))]
    wrong = 1.0 - correct[kept]
    return metric_interval(np.ones(len(kept), int), np.column_stack([1 - wrong, wrong]), "accuracy")


def _upper_tail(value: float, error: float) -> float:
    from scipy.special import ndtr

    if error == 0:
        return 1.0
    return float(max(ndtr(-value / error), np.finfo(float).tiny))
