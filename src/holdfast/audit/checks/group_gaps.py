"""SLI002: groups that the model serves worse."""

from __future__ import annotations

import numpy as np
import polars as pl

from holdfast.audit.check import Check, NotApplicable
from holdfast.audit.load import Task
from holdfast.audit.records import Bars, ColumnRecord, Finding
from holdfast.audit.settings import Settings
from holdfast.audit.words import pvalue
from holdfast.core import Estimate
from holdfast.slices import GroupGap

MOST = 20  # groups
WORTH = 0.05  # of the error rate; a tenth of the mean absolute error
LEAST = 10


class GroupGaps(Check):
    """Compares the error of every group of the group columns, or of categories with few values, with the rest."""

    code = "SLI002"
    title = "groups that the model serves worse"
    methods = ("slices.GroupGap",)
    unplantable = "no fault of one known group is planted"

    def run(
        self, columns: tuple[ColumnRecord, ...], train_table: pl.DataFrame, train_loss: np.ndarray, task: Task,
        settings: Settings, test_table: pl.DataFrame | None = None, test_loss: np.ndarray | None = None,
    ) -> Finding:  # fmt: skip
        table, loss, where = train_table, train_loss, "training"
        if test_table is not None and test_loss is not None:
            table, loss, where = test_table, test_loss, "test"
        groups = {c.name: codes for c in columns if (codes := _groups(c, table)) is not None}
        if not groups:
            raise NotApplicable(f"no group column, and no category with 2 to {MOST} values of at least {LEAST} rows")
        gaps: dict[str, tuple[Estimate, str]] = {}
        items = []
        for name, values in groups.items():
            names, codes = np.unique(values, return_inverse=True)
            method = GroupGap(least_rows=LEAST)
            gap = method.measure(loss=loss, group=codes)
            gaps[name] = (
                gap._replace(pvalue=min(1.0, (gap.pvalue or 1.0) * len(groups))),
                f"{name} {names[method.worst_]}",
            )
            items += [(f"{name} {names[code]}", own.value, own.low, own.high) for code, own in method.groups_.items()]
        worst, label = min(gaps.values(), key=lambda pair: (pair[0].pvalue, -pair[0].value))
        unit = "mean absolute error" if task.kind == "regression" else "error rate"
        least = WORTH if task.kind != "regression" else 0.1 * float(loss.mean())
        items.sort(key=lambda item: -item[1])
        parts = {
            "estimate": worst,
            "unit": f"{unit} of {label}, minus that of the other {where} rows",
            "details": (
                Bars(
                    f"{unit}, group minus the rest", "points" if task.kind != "regression" else "", tuple(items[:MOST])
                ),
            ),
        }
        if worst.pvalue is not None and worst.pvalue < settings.level and worst.value >= least:
            return self.found(
                f"{label} has a {unit} higher by {worst.value:.2f} than the other {where} rows "
                f"({pvalue(worst.pvalue)}).",
                what_to_do="Ask what is different for this group: fewer rows, other measurements, another relation. "
                "Labelled rows of the group are the surest remedy.",
                **parts,
            )
        if worst.high >= 2 * least and worst.value >= least:
            return self.unsure(
                f"{label} may be served worse: {unit} higher by {worst.value:.2f} ({worst.low:.2f} to "
                f"{worst.high:.2f}).",
                **parts,
            )
        return self.clear(f"No group of {', '.join(list(groups)[:6])} is served clearly worse.", **parts)


def _groups(column: ColumnRecord, table: pl.DataFrame) -> np.ndarray | None:
    """The column's values as text where it names a handful of groups."""
    grouping = column.role == "group" or (column.role == "feature" and column.kind in ("category", "boolean"))
    if not grouping or column.name not in table.columns:
        return None
    values = table[column.name].cast(pl.String).fill_null("missing").to_numpy().astype(str)
    sizes = np.unique(values, return_counts=True)[1]
    return values if 2 <= len(sizes) <= MOST and (sizes >= LEAST).sum() >= 2 else None
