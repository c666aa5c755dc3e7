"""SCH002: values missing in one set and not in the other."""

from __future__ import annotations

import numpy as np
import polars as pl

from holdfast.audit.check import Check, NotApplicable
from holdfast.audit.evidence import difference, proportion
from holdfast.audit.load import DataSet
from holdfast.audit.records import Bars, ColumnRecord, Finding, Remedy, Table
from holdfast.audit.settings import Settings
from holdfast.audit.words import count, listed, percent
from holdfast.ops.multiple_testing import holm

LEAST = 0.10  # difference in the share of missing values that is worth a word
MOSTLY = 0.5  # missing in test and hardly in training: the model leans on what will not be there


class MissingMismatch(Check):
    """Compares the share of missing values of every feature; a difference counts when it is large and not chance."""

    code = "SCH002"
    title = "values missing in one set and not in the other"
    faults = ("MissingNotAtRandom",)
    false_when_dealt = True

    def run(
        self, train_set: DataSet, test_set: DataSet, features: tuple[ColumnRecord, ...], settings: Settings
    ) -> Finding:
        n, m = train_set.rows, test_set.rows
        gone = {c.name: (train_set.missing(c.name), test_set.missing(c.name)) for c in features}
        gaps = {name: difference(proportion(b, m), proportion(a, n)) for name, (a, b) in gone.items()}
        adjusted = dict(zip(gone, holm(np.array([_pvalue(a, n, b, m) for a, b in gone.values()])), strict=True))
        flagged = [name for name in gone if abs(gaps[name].value) >= LEAST and adjusted[name] < settings.level]
        if not any(a or b for a, b in gone.values()):
            return self.clear("No feature has missing values in either set.")
        if not flagged:
            return self.clear(f"Missing values are about as frequent in both sets in all {len(gone)} features.")
        flagged.sort(key=lambda name: -abs(gaps[name].value))
        worst = flagged[0]
        rows = tuple((name, gone[name][0] / n, gone[name][1] / m, float(adjusted[name])) for name in flagged)
        lost = tuple(name for name in flagged if gone[name][1] / m >= MOSTLY and gone[name][0] / n <= 0.2)
        return self.found(
            f"{count(len(flagged), 'feature is', 'features are')} missing far more often in one set: "
            f"{listed(flagged)}.",
            estimate=gaps[worst]._replace(pvalue=float(adjusted[worst])),
            unit=f"missing share of {worst}, test minus training",
            columns=tuple(flagged),
            because=tuple(
                f"{name} is missing in {percent(a)} of training rows and {percent(b)} of test rows."
                for name, a, b, _ in rows[:6]
            ),
            details=(
                Bars(
                    "Missing, test minus training",
                    "share",
                    tuple((k, gaps[k].value, gaps[k].low, gaps[k].high) for k in flagged[:20]),
                ),
                Table(
                    "Missing values",
                    ("column", "training", "test", "adjusted p"),
                    ("text", "percent", "percent", "pvalue"),
                    rows[:200],
                ),
            ),
            remedies=(
                *_remedies(tuple(flagged), lost, {name: b / m for name, (_, b) in gone.items()}),
                *_filled(train_set, features, flagged),
            ),
            what_to_do="Find out why the values are missing. A model should not lean on columns that will not be "
            "there: "
            "train without them, or train with values hidden as often as they are missing in the new data.",
        )


def _remedies(flagged: tuple[str, ...], lost: tuple[str, ...], rates: dict[str, float]) -> tuple[Remedy, ...]:
    hidden = Remedy(
        "hide_values",
        f"Train with values of {listed(flagged)} hidden as often as they are missing in test",
        True,
        columns=flagged,
        values=tuple(rates[name] for name in flagged),
    )
    if not lost:
        return (hidden,)
    return (Remedy("drop_columns", f"Train without {listed(lost)}", True, columns=lost), hidden)


def _filled(train_set: DataSet, features: tuple[ColumnRecord, ...], flagged: list[str]) -> tuple[Remedy, ...]:
    """Fill numbers with the median and categories with the most frequent one of training, in both sets."""
    values: dict[str, float | str] = {}
    for column in features:
        known = train_set.frame[column.name].drop_nulls()
        if column.name in flagged and len(known) and column.kind == "number":
            values[column.name] = float(np.median(known.to_numpy()))
        elif column.name in flagged and len(known) and column.kind == "category":
            counts = (
                known.cast(pl.String).alias("cell").value_counts().sort(["count", "cell"], descending=[True, False])
            )
            values[column.name] = str(counts["cell"][0])
    if not values:
        return ()
    title = f"Fill missing values of {listed(list(values))} with what is usual in training"
    return (Remedy("impute_values", title, True, columns=tuple(values), values=tuple(values.values())),)


def _pvalue(a: int, n: int, b: int, m: int) -> float:
    """Two-sided Fisher's exact test where counts are small, else the pooled z test."""
    from scipy.stats import fisher_exact, norm

    if min(n, m) < 2:
        raise NotApplicable("fewer than two rows in a set")
    if min(a + b, n + m - a - b) < 20:
        return float(fisher_exact([[a, n - a], [b, m - b]]).pvalue)
    pooled = (a + b) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return float(2 * norm.sf(abs(a / n - b / m) / error)) if error else 1.0
