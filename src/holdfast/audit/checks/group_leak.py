"""LEA001: groups on both sides of the split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from holdfast.audit.check import Check, NotApplicable
from holdfast.audit.equal import shared_groups
from holdfast.audit.evidence import worst_rows
from holdfast.audit.load import DataSet
from holdfast.audit.records import ColumnRecord, Finding, Price, Remedy
from holdfast.audit.settings import Settings
from holdfast.audit.words import count, listed, percent
from holdfast.ops.metrics import Metric


class GroupLeak(Check):
    """Do entities (ids, groups) of the test rows also have training rows?"""

    code = "LEA001"
    title = "groups on both sides of the split"
    methods = ("leakage.GroupOverlap",)
    unplantable = "every shared group is found, so that there is no power to measure"

    def run(
        self, train_set: DataSet, test_set: DataSet, columns: tuple[ColumnRecord, ...], settings: Settings,
        test_rows: np.ndarray, test_predicted: np.ndarray | None = None, test_y: np.ndarray | None = None,
        metric: Metric | None = None,
    ) -> Finding:  # fmt: skip
        both = set(train_set.frame.columns) & set(test_set.frame.columns)
        names = [c.name for c in columns if c.role in ("id", "group") and c.name in both]
        if not names:
            raise NotApplicable("no column names a group or entity (give one with --group COLUMN)")
        shares = {name: shared_groups(train_set, test_set, name) for name in names}
        hit = [name for name in names if shares[name][0].value > 0]
        if not hit:
            return self.clear(f"No value of {listed(names)} stands in both sets.", columns=tuple(names))
        worst = max(hit, key=lambda name: shares[name][0].value)
        share, total, inside = shares[worst]
        rows = np.flatnonzero(inside)  # of the rows held
        return self.found(
            f"{count(total, 'test row belongs', 'test rows belong')} to a {worst} that also has training rows "
            f"({percent(share.value)}).",
            estimate=share,
            unit="share of test rows",
            columns=tuple(hit),
            rows=replace(worst_rows("test", test_set.frame, rows, None, names, settings.rows_shown), total=total),
            price=_honest(inside[test_rows], test_predicted, test_y, metric),
            remedies=_new_only(rows, total, test_set.rows),
            what_to_do="If the model will meet new entities, split by entity: the score on known ones is too "
            "good. If it "
            "will meet the same ones again, ignore this check and say so.",
        )


def _new_only(rows: np.ndarray, total: int, of: int) -> tuple[Remedy, ...]:
    """Judge on new entities, where enough rows are left to judge on."""
    if of - total < 30:
        return ()
    said = f"Leave {count(total, 'row')} of known entities out of the test set"
    settings = {"when": "the model will meet new entities"}
    return (Remedy("drop_rows", said, True, set="test", rows=tuple(rows.tolist()), settings=settings),)


def _honest(
    known: np.ndarray, predicted: np.ndarray | None, y: np.ndarray | None, metric: Metric | None
) -> Price | None:
    if predicted is None or y is None or metric is None or known.sum() < 10 or (~known).sum() < 10:
        return None
    values = [metric(y[part], predicted[part]) for part in (known, ~known)]
    return Price(
        metric.name,
        "Judge on new entities only",
        before=metric(y, predicted),
        after=values[1],
        reason=f"This repairs the measurement, not the model: {metric.label} is {values[0]:.3f} on known and "
        f"{values[1]:.3f} on new entities.",
    )
