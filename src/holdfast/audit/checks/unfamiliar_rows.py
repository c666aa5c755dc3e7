"""OOD001: rows unlike anything in training."""

from __future__ import annotations

from typing import Any

import numpy as np

from holdfast.audit.check import Check
from holdfast.audit.choice import said_of
from holdfast.audit.conformal import Outliers, outliers
from holdfast.audit.evidence import proportion, worst_rows
from holdfast.audit.load import DataSet
from holdfast.audit.records import ColumnRecord, Finding, Price, Remedy
from holdfast.audit.settings import Settings
from holdfast.audit.words import count, percent
from holdfast.ood import ConformalOutliers
from holdfast.ops.metrics import Metric


class UnfamiliarRows(Check):
    """Conformal p-values of the distance to training rows, with the share of false names among those named held."""

    code = "OOD001"
    title = "test rows unlike anything in training"
    methods = ("ood.ConformalOutliers", "ood.NearestNeighbourDistance")
    faults = ("MissingRegion", "MissingSubpopulation", "ImageRotation", "ImageContrast")
    false_when_dealt = True

    def run(
        self, ref_embedding: np.ndarray, cur_embedding: np.ndarray, test_set: DataSet, test_rows: np.ndarray,
        features: tuple[ColumnRecord, ...], settings: Settings,
        test_predicted: np.ndarray | None = None, test_y: np.ndarray | None = None, metric: Metric | None = None,
        facts: Any = None,
    ) -> Finding:  # fmt: skip
        choice, rate = settings.chosen.get("ood"), 2 * settings.level
        if choice:
            finder = outliers(choice, facts, rate, settings.seed)
        else:
            known = ConformalOutliers(scale=False, rate=rate, seed=settings.seed).fit(X=ref_embedding)
            finder = Outliers(known.group_rows(X=cur_embedding) == 0, known.scores_, known.fewest_)
        strange = finder.is_strange
        share = proportion(int(strange.sum()), len(strange))
        parts = {"estimate": share, "unit": "share of test rows"}
        if not strange.any():
            cleared = self.clear(
                f"No test row is unlike the training rows; {count(finder.fewest, 'such row')} would have been "
                "needed to name any.",
                **parts,
            )
            return said_of(cleared, choice)
        names = [column.name for column in features]
        rows = worst_rows(
            "test", test_set.frame, test_rows[strange], finder.scores[strange], names, settings.rows_shown
        )
        finding = self.found(
            f"{count(int(strange.sum()), 'test row is', 'test rows are')} unlike anything in training "
            f"({percent(share.value)}).",
            because=(
                f"At most about {percent(2 * settings.level)} of the rows named are expected to be ordinary ones.",
            ),
            rows=rows,
            price=_rejected(strange, test_predicted, test_y, metric),
            remedies=(
                Remedy(
                    "reject_rows",
                    f"Refuse to answer on {count(int(strange.sum()), 'unfamiliar row')}",
                    True,
                    set="test",
                    rows=tuple(test_rows[strange].tolist()),
                ),
            ),
            what_to_do="Do not trust predictions on these rows: send them to a person, or collect training rows "
            "like them.",
            **parts,
        )
        return said_of(finding, choice)


def _rejected(
    strange: np.ndarray, predicted: np.ndarray | None, y: np.ndarray | None, metric: Metric | None
) -> Price | None:
    if predicted is None or y is None or metric is None or strange.sum() < 5 or (~strange).sum() < 5:
        return None
    whole, rest, odd = (
        metric(y, predicted),
        metric(y[~strange], predicted[~strange]),
        metric(y[strange], predicted[strange]),
    )
    return Price(
        metric.name,
        "Reject unfamiliar rows",
        before=whole,
        after=rest,
        reason=f"Rejecting is no refit: {metric.label} is {odd:.3f} on the unfamiliar rows and {rest:.3f} on the "
        "others "
        f"({percent(float((~strange).mean()))} of rows kept).",
    )
