"""DRI001: features whose values moved."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from holdfast.audit.check import Check
from holdfast.audit.choice import Choice, said_of
from holdfast.audit.encode import COMPONENTS, Encoder, as_numbers
from holdfast.audit.evidence import histogram
from holdfast.audit.load import DataSet
from holdfast.audit.records import ColumnRecord, Finding, Remedy, Table
from holdfast.audit.settings import Settings
from holdfast.audit.words import count, listed
from holdfast.ops.multiple_testing import holm
from holdfast.ops.two_sample import ColumnShift, compare_columns

SHOWN = 4  # histograms
BINS = 20


class ColumnDrift(Check):
    """Two-sample tests of every feature with the family-wise rate held, and what each drift does to the error."""

    code = "DRI001"
    title = "features whose values moved"
    methods = ("shift.ColumnDrift", "shift.ChiSquared")
    faults = ("ColumnShift", "SpreadChange", "UnitChange", "ExponentialTilt", "SuddenDrift", "SubpopulationShift")
    false_when_dealt = True

    def run(
        self, train_set: DataSet, test_set: DataSet, features: tuple[ColumnRecord, ...], encoder: Encoder,
        settings: Settings, train_table: pl.DataFrame | None = None, train_loss: np.ndarray | None = None,
    ) -> Finding:  # fmt: skip
        columns = [c for c in features if c.kind not in COMPONENTS]
        ref, cur = ([_values(encoder, c, data.frame[c.name]) for c in columns] for data in (train_set, test_set))
        shifts = compare_columns(ref, cur, [c.kind == "category" for c in columns])
        numbers, categories = (settings.chosen.get(slot) for slot in ("numbers", "categories"))
        tests = [categories if c.kind == "category" else numbers for c in columns]
        shifts = [_tested(*column) for column in zip(shifts, ref, cur, tests, strict=True)]
        adjusted = holm(np.array([shift.effect.pvalue for shift in shifts])) if shifts else np.zeros(0)
        harm = [_harm(encoder, c, train_table, train_loss, now) for c, now in zip(columns, cur, strict=True)]
        moved = [i for i in range(len(columns)) if adjusted[i] < settings.level and shifts[i].effect.low > 0]
        moved.sort(key=lambda i: (-(harm[i] or 0.0) if harm[i] is not None else 0.0, -shifts[i].effect.value))
        table = _table(columns, shifts, adjusted, harm)
        if not moved:
            cleared = self.clear(
                f"None of {count(len(columns), 'feature')} moved beyond chance.", details=(table,) if columns else ()
            )
            return said_of(said_of(cleared, numbers), categories)
        names = tuple(columns[i].name for i in moved)
        worst = shifts[moved[0]].effect
        finding = self.found(
            f"{len(moved)} of {count(len(columns), 'feature')} moved: {listed(names)}.",
            estimate=worst._replace(pvalue=float(adjusted[moved[0]])),
            unit=f"shift of {names[0]}, {shifts[moved[0]].unit}",
            columns=names,
            because=tuple(_sentence(columns[i], shifts[i], harm[i]) for i in moved[:6]),
            details=(
                *(
                    histogram(
                        columns[i].name,
                        columns[i].kind,
                        train_set.frame[columns[i].name],
                        test_set.frame[columns[i].name],
                    )
                    for i in moved[:SHOWN]
                ),
                table,
            ),
            remedies=_remedies([columns[i].name for i in moved if (harm[i] or 0) > 0], len(columns)),
            what_to_do="Drift alone is no fault: look at the columns whose drift is estimated to cost most. Check "
            "their "
            "units and sources first; then reweight or retrain.",
        )
        return said_of(said_of(finding, numbers), categories)


def _tested(shift: ColumnShift, ref: np.ndarray, cur: np.ndarray, chosen: Choice | None) -> ColumnShift:
    """The comparison of a column with the p-value of the chosen test: its size and unit stay."""
    if chosen is None or not chosen.method or chosen.method in ColumnDrift.methods:
        return shift
    categorical = shift.unit == "share of rows"
    ref, cur = (side[side >= 0] if categorical else side[~np.isnan(side)] for side in (ref, cur))
    if not len(ref) or not len(cur):
        return shift
    name = "category" if categorical else "x"
    method: Any = chosen.make()
    return shift._replace(
        effect=shift.effect._replace(pvalue=method.measure(**{f"ref_{name}": ref, f"cur_{name}": cur}).pvalue),
        test=chosen.name,
    )


def _values(encoder: Encoder, column: ColumnRecord, series: pl.Series) -> np.ndarray:
    if column.kind == "category":
        return encoder.codes(column.name, series)
    values = as_numbers(series)
    return np.where(np.isfinite(values), values, np.nan)


def _harm(
    encoder: Encoder, column: ColumnRecord, table: pl.DataFrame | None, loss: np.ndarray | None, now: np.ndarray
) -> float | None:
    """Expected change of the row loss if only this column moved: the training loss per bin, weighted as in test."""
    if table is None or loss is None:
        return None
    then = _values(encoder, column, table[column.name])
    if column.kind == "category":
        size = int(max(then.max(), now.max())) + 2
        bins = [np.where(side < 0, size - 1, side) for side in (then, now)]
    else:
        known = then[~np.isnan(then)]
        edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else np.zeros(0)
        size = len(edges) + 2
        bins = [np.where(np.isnan(side), size - 1, np.searchsorted(edges, side, "right")) for side in (then, now)]
    counts = np.bincount(bins[0], minlength=size)
    sums = np.bincount(bins[0], loss, size)
    means = (sums + 5 * loss.mean()) / (counts + 5)  # a bin with few rows leans on the overall loss
    shares = [np.bincount(side, minlength=size) / max(len(side), 1) for side in bins]
    return float((shares[1] - shares[0]) @ means)


def _sentence(column: ColumnRecord, shift: ColumnShift, harm: float | None) -> str:
    effect = shift.effect
    cost = "" if harm is None else f", which by itself would change the error by {harm:+.3f}"
    return f"{column.name} moved by {effect.value:.2g} ({effect.low:.2g} to {effect.high:.2g}) {shift.unit}{cost}."


def _table(
    columns: list[ColumnRecord], shifts: list[ColumnShift], adjusted: np.ndarray, harm: list[float | None]
) -> Table:
    sizes = np.array([shift.effect.value for shift in shifts])
    order = np.lexsort((-sizes, adjusted))[:200].tolist()
    rows = tuple(
        (columns[i].name, columns[i].kind, shifts[i].effect.value, shifts[i].unit, float(adjusted[i]), harm[i])
        for i in order
    )
    return Table(
        "All features",
        ("column", "kind", "shift", "unit", "adjusted p", "change of error"),
        ("text", "text", "number", "text", "pvalue", "number"),
        rows,
    )


def _remedies(harmful: list[str], total: int) -> tuple[Remedy, ...]:
    if not harmful or len(harmful) >= total:
        return ()
    return (Remedy("drop_columns", f"Train without {listed(harmful[:3])}", True, columns=tuple(harmful[:3])),)
