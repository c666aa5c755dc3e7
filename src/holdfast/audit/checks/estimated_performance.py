"""PER002: performance as it would be estimated without test labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from holdfast.audit.check import Check, NotApplicable
from holdfast.audit.choice import ask, said_of
from holdfast.audit.estimators import BLIND, METHODS, estimable, estimates, evidence_of
from holdfast.audit.evidence import difference
from holdfast.audit.load import Task
from holdfast.audit.records import Bars, Finding
from holdfast.audit.settings import Settings
from holdfast.audit.supply import Supply
from holdfast.audit.words import in_metric
from holdfast.ops.metrics import Metric
from holdfast.ops.resampling import metric_interval


class EstimatedPerformance(Check):
    """Several estimators of the metric on the test set from its features and predictions alone."""

    code = "PER002"
    title = "performance estimated to fall, without test labels"
    methods = METHODS
    faults = ("SpuriousFeature",)
    false_when_dealt = True

    def run(
        self, train_predicted: np.ndarray, train_y: np.ndarray, ref_embedding: np.ndarray, test_predicted: np.ndarray,
        cur_embedding: np.ndarray, metric: Metric, task: Task, settings: Settings, is_comparable: bool,
        test_y: np.ndarray | None = None, facts: Any = None,
    ) -> Finding:  # fmt: skip
        assert is_comparable  # asked for: an estimator is calibrated on predictions of the same model
        if len(train_y) < 50:
            raise NotApplicable("at least 50 labelled training rows are needed to calibrate an estimate")
        evidence = evidence_of(ref_embedding, train_predicted, train_y, cur_embedding, test_predicted, settings.seed)
        chosen = estimable(metric, task)
        found = estimates(chosen, task, evidence)
        choice = settings.chosen.get("estimation")
        if choice and choice.method:
            known = {"seed": settings.seed, "metric": chosen.name}
            found = {"chosen by planting": ask(choice, Supply(facts, "train"), known), **found}
        best = next(iter(found.values()))
        before = metric_interval(train_y, train_predicted, chosen)
        items = [("training, measured out of fold", *before[:3])]
        items += [(f"test, {name}", *own[:3]) for name, own in found.items()]
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
            return said_of(self.found(f"{said}.", what_to_do=advice, **parts), choice)
        return said_of(self.clear(f"{said}: no fall is foreseen.", **parts), choice)
