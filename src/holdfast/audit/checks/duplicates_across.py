"""DUP002: test rows that were seen in training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from holdfast.audit.check import Check
from holdfast.audit.equal import chance_across, copies_across
from holdfast.audit.evidence import proportion, worst_rows
from holdfast.audit.load import DataSet
from holdfast.audit.records import ColumnRecord, Finding, Price, Remedy
from holdfast.audit.settings import Settings
from holdfast.audit.words import count, percent
from holdfast.leakage import NearDuplicates
from holdfast.ops.metrics import Metric

BEYOND_CHANCE = 10


class DuplicatesAcross(Check):
    """Test rows whose features equal, or nearly equal, those of a training row. No leak is tolerated by default."""

    code = "DUP002"
    title = "test rows that were seen in training"
    methods = ("leakage.ExactDuplicates", "leakage.NearDuplicates")
    faults = ("CrossSplitCopies",)

    def run(
        self, train_set: DataSet, test_set: DataSet, features: tuple[ColumnRecord, ...], test_rows: np.ndarray,
        ref_embedding: np.ndarray, cur_embedding: np.ndarray, settings: Settings,
        test_predicted: np.ndarray | None = None, test_y: np.ndarray | None = None, metric: Metric | None = None,
    ) -> Finding:  # fmt: skip
        names = [column.name for column in features]
        pairs, first, *_ = copies_across(train_set, test_set, names)
        seen = np.flatnonzero(first >= 0)  # of the rows held
        is_beyond = pairs > BEYOND_CHANCE * chance_across(train_set, test_set, names)
        exact = seen if is_beyond else seen[:0]
        near = np.setdiff1d(test_rows[_near_across(ref_embedding, cur_embedding)], seen)
        rows = np.concatenate([exact, near])
        equal = pairs if is_beyond else 0
        total = equal + len(near)
        share = proportion(total, test_set.rows)
        if not total:
            chance = f" {count(pairs, 'row')} coincide, as columns with few values do." if pairs else ""
            return self.clear(
                f"No test row is a copy of a training row.{chance}", estimate=share, unit="share of test rows"
            )
        notes = [f"equals training row {first[row]}" for row in exact] + ["nearly equals a training row"] * len(near)
        because = [f"{count(equal, 'test row')} equal a training row in all {len(names)} features, {len(near)} nearly."]
        return self.found(
            f"{count(total, 'test row is a copy', 'test rows are copies')} of training rows ({percent(share.value)}).",
            estimate=share,
            unit="share of test rows",
            because=tuple(because),
            rows=replace(
                worst_rows("test", test_set.frame, rows, None, names, settings.rows_shown, notes), total=total
            ),
            price=_measurement(np.isin(test_rows, rows), test_predicted, test_y, metric),
            remedies=(
                Remedy(
                    "drop_rows",
                    f"Leave {count(total, 'copy', 'copies')} out of the test set",
                    True,
                    set="test",
                    rows=tuple(int(row) for row in np.unique(rows)),
                ),
            ),
            what_to_do="Leave these rows out of the test set: the score on them is memory, not learning. If the "
            "sets come "
            "from one file, split by entity.",
        )


def _near_across(train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Positions of test rows in a group of near copies that holds a training row."""
    group = NearDuplicates().group_rows(X=np.concatenate([train, test]))
    ours, theirs = group[: len(train)], group[len(train) :]
    return np.flatnonzero((theirs >= 0) & np.isin(theirs, ours[ours >= 0]))


def _measurement(
    leaked: np.ndarray, predicted: np.ndarray | None, y: np.ndarray | None, metric: Metric | None
) -> Price | None:
    """What the leak does to the score that is read off: a repair of the measurement, not of the model."""
    if predicted is None or y is None or metric is None or leaked.all() or not leaked.any():
        return None
    whole, honest = metric(y, predicted), metric(y[~leaked], predicted[~leaked])
    return Price(
        metric.name,
        "Leave the copies out of the test set",
        before=whole,
        after=honest,
        reason=f"This repairs the measurement, not the model: {metric.label} reads {whole:.3f} with the copies and "
        f"{honest:.3f} without them.",
    )
