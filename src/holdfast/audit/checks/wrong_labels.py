"""LAB001, LAB002: labels that contradict the data."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from holdfast.audit.check import Check, NotApplicable
from holdfast.audit.choice import ask, said_of
from holdfast.audit.evidence import proportion, worst_rows
from holdfast.audit.load import DataSet, Task
from holdfast.audit.records import ColumnRecord, Finding, Price, Remedy
from holdfast.audit.settings import Settings
from holdfast.audit.supply import Supply
from holdfast.audit.words import count, percent
from holdfast.core import Estimate
from holdfast.labels import LabelNoiseRate, NoiseCorrectedPosterior, RegressionVeracity
from holdfast.ops.metrics import Metric

DOUBTED = 0.5  # posterior probability that the given label is wrong
FAR = 6.0  # residuals this many times their expected size are doubted


class WrongTrainingLabels(Check):
    """Training labels that the out-of-fold model, corrected for the noise it learnt from, holds for wrong."""

    code = "LAB001"
    title = "training labels that contradict the data"
    methods = (
        "labels.EnsembleNoiseCorrected",
        "labels.NoiseCorrectedPosterior",
        "labels.LabelNoiseRate",
        "labels.RegressionVeracity",
    )
    faults = (
        "SymmetricLabelNoise",
        "ClassConditionalLabelNoise",
        "InstanceDependentLabelNoise",
        "SimilarClassLabelNoise",
        "NumericTargetErrors",
    )

    def run(
        self, train_set: DataSet, train_rows: np.ndarray, train_predicted: np.ndarray, train_y: np.ndarray,
        features: tuple[ColumnRecord, ...], task: Task, settings: Settings, train_votes: np.ndarray | None = None,
        train_scale: np.ndarray | None = None, facts: Any = None,
    ) -> Finding:  # fmt: skip
        choice = settings.chosen.get("labels") if task.kind != "regression" else None
        scores = ask(choice, Supply(facts, "train"), {"seed": settings.seed}) if choice else None
        predicted = train_predicted if train_votes is None else train_votes
        doubt = _doubt(predicted, train_y, task, train_scale, settings.level, scores)
        rows = train_rows[doubt.rows]
        if not doubt.found and doubt.ruled_out:
            cleared = self.clear(doubt.summary("training"), estimate=doubt.rate, unit="share of labels that are wrong")
            return said_of(cleared, choice)
        drop = Remedy(
            "drop_rows",
            f"Drop the {count(len(rows), 'row')} with the most doubtful labels",
            True,
            rows=tuple(rows.tolist()),
        )
        relabel = Remedy(
            "relabel_rows",
            f"Give {count(len(rows), 'row')} the label that the model suggests",
            False,
            rows=tuple(rows.tolist()),
            values=tuple(doubt.suggested.tolist()),
        )
        conclude = self.found if doubt.found else self.unsure
        finding = conclude(
            doubt.summary("training"),
            estimate=doubt.rate,
            unit="share of labels that are wrong",
            rows=_shown("train", train_set, rows, doubt, features, task, settings),
            remedies=() if not len(rows) else (drop,) if task.kind == "regression" else (drop, relabel),
            what_to_do="Have a person look at these rows, the most doubtful first. Dropping is safe; relabelling by a "
            "model invents labels.",
        )
        return said_of(finding, choice)


class WrongTestLabels(Check):
    """The same for the test labels: they decide what the score means."""

    code = "LAB002"
    title = "test labels that contradict the data"
    methods = WrongTrainingLabels.methods
    unplantable = "no fault is planted in test labels"

    def run(
        self, test_set: DataSet, test_rows: np.ndarray, test_predicted: np.ndarray, test_y: np.ndarray,
        features: tuple[ColumnRecord, ...], task: Task, metric: Metric, settings: Settings,
        test_scale: np.ndarray | None = None,
    ) -> Finding:  # fmt: skip
        if len(test_y) < 30:
            raise NotApplicable(
                f"{len(test_y)} labelled test rows are too few to tell wrong labels from wrong predictions"
            )
        doubt = _doubt(test_predicted, test_y, task, test_scale, settings.level)
        if not doubt.found and doubt.ruled_out:
            return self.clear(doubt.summary("test"), estimate=doubt.rate, unit="share of labels that are wrong")
        rows = test_rows[doubt.rows]
        kept = np.setdiff1d(np.arange(len(test_y)), doubt.rows)
        conclude = self.found if doubt.found else self.unsure
        return conclude(
            doubt.summary("test"),
            estimate=doubt.rate,
            unit="share of labels that are wrong",
            because=("The model was learnt elsewhere: where the relation changed, its errors look like wrong labels.",),
            rows=_shown("test", test_set, rows, doubt, features, task, settings),
            price=_measured_without(metric, test_y, test_predicted, kept) if len(kept) else None,
            what_to_do="Have a person check these labels before the score is believed.",
        )


def _measured_without(metric: Metric, y: np.ndarray, predicted: np.ndarray, kept: np.ndarray) -> Price:
    before, after = metric(y, predicted), metric(y[kept], predicted[kept])
    return Price(
        metric.name,
        "Have the doubtful test labels checked",
        before=before,
        after=after,
        reason=f"This repairs the measurement, not the model: {metric.label} reads {before:.3f} with the doubtful "
        f"labels and at most {after:.3f} without them.",
    )


class _Doubt:
    """Positions of doubtful labels, worst first, scores and suggestions, and the estimated share of wrong labels."""

    def __init__(
        self, rate: Estimate, scores: np.ndarray, flagged: np.ndarray, suggested: np.ndarray, found: bool
    ) -> None:
        self.rate, self.found = rate, found
        self.ruled_out = not len(flagged)
        self.rows = flagged[np.argsort(-scores[flagged], kind="stable")]
        self.scores, self.suggested = scores[self.rows], suggested[self.rows]

    def summary(self, name: str) -> str:
        share = f"{percent(self.rate.value)} ({percent(self.rate.low)} to {percent(self.rate.high)})"
        named = count(len(self.rows), "row is", "rows are")
        if self.found:
            return f"About {share} of the {name} labels look wrong; {named} named."
        if self.ruled_out:
            return f"No sign of wrong {name} labels beyond what a hard task explains (estimated share: {share})."
        return f"No noise shows in the {name} labels as a whole (estimated share: {share}), but {named} worth a look."


def _doubt(
    predicted: np.ndarray, y: np.ndarray, task: Task, scale: np.ndarray | None, level: float,
    chosen: np.ndarray | None = None,
) -> _Doubt:  # fmt: skip
    """Scores of a `chosen` method are on no scale that is known: then as many rows are named as labels look wrong."""
    if task.kind == "regression":
        return _numeric_doubt(predicted, y, scale)
    if len(np.unique(y)) < 2:
        raise NotApplicable("only one class is present")
    rate = LabelNoiseRate().measure(probs=predicted, y=y)
    method = NoiseCorrectedPosterior().fit(probs=predicted, y=y)
    scores = method.score_rows(probs=predicted, y=y) if chosen is None else chosen
    flagged = np.flatnonzero(scores > DOUBTED) if chosen is None else _highest(chosen, round(rate.value * len(y)))
    found = rate.pvalue is not None and rate.pvalue < level and len(flagged) > 0
    return _Doubt(rate, scores, flagged, method.suggest_labels(probs=predicted, y=y), found)


def _highest(scores: np.ndarray, count: int) -> np.ndarray:
    return np.sort(np.argsort(-scores, kind="stable")[:count])


def _numeric_doubt(predicted: np.ndarray, y: np.ndarray, scale: np.ndarray | None) -> _Doubt:
    """Residuals far beyond the size expected at this row, and beyond that of the bulk of all rows."""
    residual = np.abs(y - predicted)
    bulk = float(np.median(residual)) or float(residual.mean()) or 1.0
    expected = np.full(len(y), bulk) if scale is None else np.maximum(scale, bulk / 4)
    scores = RegressionVeracity().score_rows(target=y, prediction=predicted, uncertainty=expected)
    flagged = np.flatnonzero((residual > FAR * expected) & (residual > FAR * bulk / 2))
    return _Doubt(proportion(len(flagged), len(y)), scores, flagged, predicted, len(flagged) > 0)


def _shown(
    name: Literal["train", "test"], data: DataSet, rows: np.ndarray, doubt: _Doubt, features: tuple[ColumnRecord, ...],
    task: Task, settings: Settings,
) -> Any:  # fmt: skip
    numeric = task.kind == "regression"
    suggest = [f"{v:.4g}" if numeric else task.classes[int(v)] for v in doubt.suggested]
    notes = [f"model says {text}" for text in suggest]
    columns = [str(task.target), *(column.name for column in features)]
    return worst_rows(name, data.frame, rows, doubt.scores, columns, settings.rows_shown, notes)
