"""PER001: performance that does not hold on the test set."""

from __future__ import annotations

import numpy as np
import polars as pl

from holdfast.audit.check import Check
from holdfast.audit.evidence import difference
from holdfast.audit.records import Bars, ColumnRecord, Finding, Remedy
from holdfast.audit.words import capital, in_metric
from holdfast.core import Estimate
from holdfast.ops.metrics import Metric
from holdfast.ops.resampling import metric_interval

MOST_GROUPS = 20


class Performance(Check):
    """Out-of-fold performance on the training set against performance on the labelled test set, and by group."""

    code = "PER001"
    title = "performance that does not hold on the test set"
    faults = ("ConceptShift", "SpuriousFeature")
    false_when_dealt = True

    def run(
        self,
        train_predicted: np.ndarray,
        train_y: np.ndarray,
        test_predicted: np.ndarray,
        test_y: np.ndarray,
        test_table: pl.DataFrame,
        columns: tuple[ColumnRecord, ...],
        metric: Metric,
        is_comparable: bool = False,
    ) -> Finding:
        if not is_comparable:
            return self._alone(test_predicted, test_y, test_table, columns, metric)
        before = metric_interval(train_y, train_predicted, metric)
        now = metric_interval(test_y, test_predicted, metric)
        drop = difference(before, now) if metric.higher_is_better else difference(now, before)
        groups = _by_group(test_y, test_predicted, test_table, columns, metric)
        bars = Bars(
            f"{capital(metric.label)}, with 90 % intervals",
            metric.label,
            (("training, out of fold", *before[:3]), ("test, all rows", *now[:3]), *groups),
        )
        verb = "falls" if metric.higher_is_better else "rises"
        said = f"{metric.label} {verb} from {before.value:.3f} in training to {now.value:.3f} on the test set"
        parts = {
            "estimate": drop,
            "unit": f"{metric.label}, lost from training to test",
            "details": (bars,),
            "because": (
                f"Training, out of fold: {in_metric(before, metric)} on {before.n:,} rows.",
                f"Test: {in_metric(now, metric)} on {now.n:,} rows.",
            ),
        }
        if drop.low > 0:
            return self.found(
                f"{capital(said)}: {in_metric(drop, metric, signed=True).removeprefix('+')} lost.",
                remedies=(_learn(len(test_y)),),
                what_to_do="See which shift causes the drop, and what its remedies win back. Labels of new rows "
                "are the "
                "one remedy that helps whatever the cause.",
                **parts,
            )
        if drop.high > 0.05 and metric.unit == "points":
            return self.unsure(
                f"{capital(metric.label)} is {before.value:.3f} in training and {now.value:.3f} on "
                "the test set; "
                f"a loss of up to {100 * drop.high:.1f} points cannot be ruled "
                "out.",
                **parts,
            )
        return self.clear(
            f"{capital(metric.label)} holds: {before.value:.3f} in training, {now.value:.3f} on the test set.", **parts
        )

    def _alone(
        self, predicted: np.ndarray, y: np.ndarray, table: pl.DataFrame, columns: tuple[ColumnRecord, ...],
        metric: Metric,
    ) -> Finding:  # fmt: skip
        """Given predictions on the test set, and none of the same model on training rows: shown, not compared."""
        now = metric_interval(y, predicted, metric)
        items = (("test, all rows", *now[:3]), *_by_group(y, predicted, table, columns, metric))
        return Finding(
            self.code, self.title, "not_applicable",
            reason=f"the predictions on the test set were given: {metric.label} {in_metric(now, metric)} on "
            f"{now.n:,} rows. There are none of the same model on the training rows to compare them with: give the "
            "model itself to have both",
            details=(Bars(f"{capital(metric.label)} of the given, with 90 % intervals", metric.label, items),),
        )  # fmt: skip


def _learn(labelled: int) -> Remedy:
    rows = min(100, labelled // 2)
    return Remedy(
        "learn_from_test_rows",
        f"Label {rows} rows of the new data and train on them too",
        True,
        settings={"rows": rows},
    )


def _by_group(
    y: np.ndarray, predicted: np.ndarray, table: pl.DataFrame, columns: tuple[ColumnRecord, ...], metric: Metric
) -> list[tuple[str, float, float, float]]:
    """The metric in every group of the group columns that has enough rows."""
    bars = []
    for column in columns:
        if column.role != "group" or column.name not in table.columns:
            continue
        values = table[column.name].cast(pl.String).fill_null("missing").to_numpy()
        for value in np.unique(values)[:MOST_GROUPS]:
            inside = values == value
            own = _measured(y[inside], predicted[inside], metric)
            if own is not None:
                bars.append((f"test, {column.name} {value} ({inside.sum():,} rows)", own.value, own.low, own.high))
    return bars


def _measured(y: np.ndarray, predicted: np.ndarray, metric: Metric) -> Estimate | None:
    if len(y) < 10:
        return None
    own = metric_interval(y, predicted, metric)
    return own if np.isfinite(own[:3]).all() else None
