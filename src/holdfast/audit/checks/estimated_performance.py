"""PER002: performance as it would be estimated without test labels."""

from __future__ import annotations

import numpy as np

from holdfast.audit.check import Check, NotApplicable
from holdfast.audit.evidence import difference
from holdfast.audit.load import Task
from holdfast.audit.records import Bars, Finding
from holdfast.audit.settings import Settings
from holdfast.audit.words import in_metric
from holdfast.core import Estimate
from holdfast.estimation import (
    CBPE,
    AverageThresholdedConfidence,
    MultiCalibratedPerformanceEstimation,
    OpinionPoolEstimation,
    RegressionLossEstimate,
)
from holdfast.ops.metrics import METRICS, Metric
from holdfast.ops.resampling import metric_interval

ESTIMATED = ("accuracy", "balanced_accuracy", "auroc", "f1", "log_loss", "brier")
MOST_ROWS = 10_000  # a second model is fitted on pairs of rows
BLIND = (
    "No estimate without labels can see a changed relation between features and target. 100 labelled rows of the new "
    "data would tell accuracy to about 7 points (90 % interval), whatever changed."
)


class EstimatedPerformance(Check):
    """Several estimators of the metric on the test set from its features and predictions alone."""

    code = "PER002"
    title = "performance estimated to fall, without test labels"
    methods = (
        "estimation.OpinionPoolEstimation", "estimation.MultiCalibratedPerformanceEstimation", "estimation.CBPE",
        "estimation.AverageThresholdedConfidence",
    )  # fmt: skip
    false_when_dealt = True

    def run(
        self, train_predicted: np.ndarray, train_y: np.ndarray, train_embedding: np.ndarray, test_predicted: np.ndarray,
        test_embedding: np.ndarray, metric: Metric, task: Task, settings: Settings, test_y: np.ndarray | None = None,
    ) -> Finding:  # fmt: skip
        if len(train_y) < 50:
            raise NotApplicable("at least 50 labelled training rows are needed to calibrate an estimate")
        ours, theirs = (_some(len(rows), settings.seed) for rows in (train_y, test_predicted))
        evidence = {
            "ref_X": train_embedding[ours].astype(np.float64), "cur_X": test_embedding[theirs].astype(np.float64),
            "ref_predicted": train_predicted[ours], "ref_y": train_y[ours], "cur_predicted": test_predicted[theirs],
        }  # fmt: skip
        chosen = _priced(metric, task)
        estimates = (_regression if task.kind == "regression" else estimates_of_classes)(chosen, evidence)
        best = next(iter(estimates.values()))
        before = metric_interval(train_y, train_predicted, chosen)
        items = [("training, measured out of fold", *before[:3])]
        items += [(f"test, {name}", *own[:3]) for name, own in estimates.items()]
        because = [f"Estimated without labels: {chosen.label} {in_metric(best, chosen)}.", BLIND]
        if test_y is not None:
            truth = metric_interval(test_y, test_predicted, chosen)
            items.insert(1, ("test, measured with labels", *truth[:3]))
            because.insert(1, f"Measured with labels: {in_metric(truth, chosen)}: the estimate "
                           f"{'covers' if best.low <= truth.value <= best.high else 'misses'} it.")  # fmt: skip
        drop = difference(before, best) if chosen.higher_is_better else difference(best, before)
        parts = {
            "estimate": best, "unit": f"{chosen.label} on the test set, estimated without its labels",
            "because": tuple(because),
            "details": (Bars(f"{chosen.label}: measured and estimated", chosen.label, tuple(items)),),
        }  # fmt: skip
        now = f"{chosen.label} is estimated at {in_metric(best, chosen)}"
        said = f"Without looking at test labels, {now}; it is {before.value:.3f} in training"
        if drop.low > 0:
            advice = "Label some rows of the new data where the stakes are high; see which features moved."
            return self.found(f"{said}.", what_to_do=advice, **parts)
        return self.clear(f"{said}: no fall is foreseen.", **parts)


def _some(n: int, seed: int) -> np.ndarray:
    if n <= MOST_ROWS:
        return np.arange(n)
    return np.sort(np.random.default_rng([seed, 12]).choice(n, MOST_ROWS, replace=False))


def _priced(metric: Metric, task: Task) -> Metric:
    """The user's metric where it can be estimated without labels, else the nearest that can."""
    if task.kind == "regression":
        return metric if metric.name in ("mae", "rmse") else METRICS["mae"]
    return metric if metric.name in ESTIMATED else METRICS["accuracy"]


def estimates_of_classes(metric: Metric, evidence: dict[str, np.ndarray]) -> dict[str, Estimate]:
    """Estimators by name, their consensus first; those that know accuracy alone only where that is asked for."""
    given = {"ref_probs": evidence["ref_predicted"], "ref_y": evidence["ref_y"], "cur_probs": evidence["cur_predicted"]}
    rows = {"ref_X": evidence["ref_X"], "cur_X": evidence["cur_X"]}
    estimates = {
        "opinion pool": OpinionPoolEstimation(metric=metric.name).measure(**given, **rows),
        "multi-calibrated": MultiCalibratedPerformanceEstimation(metric=metric.name).measure(**given, **rows),
        "confidence-based (CBPE)": CBPE(metric=metric.name).measure(**given),
    }
    if metric.name == "accuracy":
        estimates["average thresholded confidence"] = AverageThresholdedConfidence().measure(**given)
    return {"consensus of these": _consensus(list(estimates.values()), metric), **estimates}


def _consensus(estimates: list[Estimate], metric: Metric) -> Estimate:
    """Their median; its interval holds their disagreement as well as their own intervals.

    On twelve natural shifts (benchmarks/natural_shifts.py) the median erred less than any one of them.
    """
    values = np.array([own.value for own in estimates])
    value = float(np.median(values))
    own = float(np.median([(own.high - own.low) / 2 for own in estimates]))
    reach = float(np.hypot(own, 1.645 * values.std(ddof=1)))
    return Estimate(value, max(metric.low, value - reach), min(metric.high, value + reach), estimates[0].n)


def _regression(metric: Metric, evidence: dict[str, np.ndarray]) -> dict[str, Estimate]:
    found = RegressionLossEstimate(metric="rmse" if metric.name == "rmse" else "mae").measure(
        ref_X=evidence["ref_X"],
        ref_target=evidence["ref_y"],
        ref_prediction=evidence["ref_predicted"],
        cur_X=evidence["cur_X"],
        cur_prediction=evidence["cur_predicted"],
    )
    return {"loss model": found}
