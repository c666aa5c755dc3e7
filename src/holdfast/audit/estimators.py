"""Estimators of a metric without labels, by name: what PER002 reports and what `holdfast estimate` chooses from."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from holdfast.audit.load import Task
from holdfast.core import Estimate
from holdfast.estimation import (
    CBPE,
    AverageThresholdedConfidence,
    MultiCalibratedPerformanceEstimation,
    OpinionPoolEstimation,
    RegressionLossEstimate,
)
from holdfast.estimation._expected import bounded
from holdfast.ops.density_ratio import logistic_ratio
from holdfast.ops.metrics import METRICS, Metric
from holdfast.ops.relevance import KEPT, WIDE
from holdfast.ops.two_sample import Z90

ESTIMATED = ("accuracy", "balanced_accuracy", "auroc", "f1", "log_loss", "brier")
MOST_ROWS = 10_000  # a second model is fitted on pairs of rows
METHODS = (
    "estimation.OpinionPoolEstimation", "estimation.MultiCalibratedPerformanceEstimation", "estimation.CBPE",
    "estimation.AverageThresholdedConfidence",
)  # fmt: skip
CONSENSUS = "consensus of these"
NO_CHANGE = "no change"
BLIND = (
    "No estimate without labels can see a changed relation between features and target. 100 labelled rows of the new "
    "data would tell accuracy to about 7 points (90 % interval), whatever changed."
)


class Evidence(NamedTuple):
    """Labelled reference rows with out-of-sample predictions, and current rows with predictions alone."""

    ref_X: np.ndarray  # noqa: N815 - (n, e) coordinates, named as in the vocabulary
    ref_predicted: np.ndarray  # (n, k) probabilities or (n,) numbers
    ref_y: np.ndarray  # (n,)
    cur_X: np.ndarray  # noqa: N815 - (m, e)
    cur_predicted: np.ndarray  # (m, k) or (m,)

    def at(self, rows: np.ndarray) -> Evidence:
        """The same with some of the current rows."""
        return self._replace(cur_X=self.cur_X[rows], cur_predicted=self.cur_predicted[rows])


Estimator = Callable[[Metric, Evidence], Estimate]


def evidence_of(
    train_embedding: np.ndarray, train_predicted: np.ndarray, train_y: np.ndarray, test_embedding: np.ndarray,
    test_predicted: np.ndarray, seed: int, most_current: int = MOST_ROWS,
) -> Evidence:  # fmt: skip
    """The facts of an audit as evidence; of more than `MOST_ROWS` rows a random part, of wide rows a projection."""
    train_embedding, test_embedding = _narrow(train_embedding, test_embedding, seed)
    ours, theirs = some_rows(len(train_y), MOST_ROWS, seed), some_rows(len(test_predicted), most_current, seed)
    return Evidence(
        train_embedding[ours].astype(np.float64), train_predicted[ours], train_y[ours],
        test_embedding[theirs].astype(np.float64), test_predicted[theirs],
    )  # fmt: skip


def _narrow(train: np.ndarray, test: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Of more than `WIDE` coordinates a random projection to `KEPT`, which keeps distances within a tenth or so."""
    if train.shape[1] <= WIDE:
        return train, test
    axes = np.random.default_rng([seed, 14]).normal(size=(train.shape[1], KEPT)).astype(np.float32) / np.sqrt(KEPT)
    return train @ axes, test @ axes


def some_rows(n: int, most: int, seed: int) -> np.ndarray:
    """All row numbers, or a random `most` of them, ascending."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng([seed, 12]).choice(n, most, replace=False))


def estimable(metric: Metric, task: Task) -> Metric:
    """The user's metric where it can be estimated without labels, else the nearest that can."""
    if task.kind == "regression":
        return metric if metric.name in ("mae", "rmse") else METRICS["mae"]
    return metric if metric.name in ESTIMATED else METRICS["accuracy"]


def estimators(metric: Metric, task: Task) -> dict[str, Estimator]:
    """The estimators that know this metric, by name."""
    if task.kind == "regression":
        return {"loss model": _loss_model, "reweighted training rows": _reweighted}
    known: dict[str, Estimator] = {
        "opinion pool": lambda m, e: OpinionPoolEstimation(metric=m.name).measure(
            e.ref_predicted, e.ref_y, e.cur_predicted, e.ref_X, e.cur_X
        ),
        "multi-calibrated": lambda m, e: MultiCalibratedPerformanceEstimation(metric=m.name).measure(
            e.ref_predicted, e.ref_y, e.cur_predicted, e.ref_X, e.cur_X
        ),
        "confidence-based (CBPE)": lambda m, e: CBPE(metric=m.name).measure(e.ref_predicted, e.ref_y, e.cur_predicted),
    }
    if metric.name == "accuracy":
        known["average thresholded confidence"] = lambda m, e: AverageThresholdedConfidence().measure(
            e.ref_predicted, e.ref_y, e.cur_predicted
        )
    return known


def estimates(metric: Metric, task: Task, evidence: Evidence) -> dict[str, Estimate]:
    """Every estimator's answer, the default first: the consensus of several for classes, the loss model for numbers."""
    found = {name: estimator(metric, evidence) for name, estimator in estimators(metric, task).items()}
    return found if task.kind == "regression" else {CONSENSUS: consensus(list(found.values()), metric), **found}


def one_estimate(name: str, metric: Metric, task: Task, evidence: Evidence) -> Estimate:
    """The answer of one estimator, by name."""
    if name == NO_CHANGE:
        return no_change(metric, evidence)
    if name == CONSENSUS:
        return estimates(metric, task, evidence)[CONSENSUS]
    return estimators(metric, task)[name](metric, evidence)


def consensus(answers: list[Estimate], metric: Metric) -> Estimate:
    """Their median; its interval holds their disagreement as well as their own intervals.

    On twelve natural shifts (benchmarks/natural_shifts.py) the median erred less than any one of them.
    """
    values = np.array([own.value for own in answers])
    value = float(np.median(values))
    own = float(np.median([(own.high - own.low) / 2 for own in answers]))
    reach = float(np.hypot(own, Z90 * values.std(ddof=1)))
    return Estimate(value, max(metric.low, value - reach), min(metric.high, value + reach), answers[0].n)


def no_change(metric: Metric, evidence: Evidence) -> Estimate:
    """The reference's own metric: what a guess that nothing changed is worth, with the chance of both samples."""
    value = float(metric(evidence.ref_y, evidence.ref_predicted))
    spread = metric.influence(evidence.ref_y, evidence.ref_predicted).std()
    n, m = len(evidence.ref_y), len(evidence.cur_predicted)
    return bounded(value, Z90 * float(spread) * np.sqrt(1 / n + 1 / m), m, metric.low, metric.high)


def _loss_model(metric: Metric, evidence: Evidence) -> Estimate:
    return RegressionLossEstimate(metric="rmse" if metric.name == "rmse" else "mae").measure(
        ref_X=evidence.ref_X, ref_target=evidence.ref_y, ref_prediction=evidence.ref_predicted,
        cur_X=evidence.cur_X, cur_prediction=evidence.cur_predicted,
    )  # fmt: skip


def _reweighted(metric: Metric, evidence: Evidence) -> Estimate:
    """The reference's metric, its rows weighted to look like the current ones."""
    weights = logistic_ratio(evidence.ref_X, evidence.cur_X)
    value = float(metric(evidence.ref_y, evidence.ref_predicted, weights))
    pulls = weights * metric.influence(evidence.ref_y, evidence.ref_predicted)
    error = np.sqrt(float(pulls @ pulls) / len(pulls) * (1 / len(pulls) + 1 / len(evidence.cur_X)))
    return bounded(value, Z90 * error, len(evidence.cur_X), metric.low, metric.high)
