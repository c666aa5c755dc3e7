"""SLI001: slices where the model is clearly worse."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.audit.check import Check, NotApplicable
from holdfast.audit.encode import Encoder
from holdfast.audit.evidence import worst_rows
from holdfast.audit.load import DataSet, Task
from holdfast.audit.records import Bars, ColumnRecord, Finding, Remedy, Table
from holdfast.audit.settings import Settings
from holdfast.audit.slicing import LEAST_ROWS, slicing_of
from holdfast.audit.words import count, pvalue
from holdfast.slices import WeakSlices

FACTOR = 3.0  # weight of a weak slice's training rows in the remedy that is priced


class WeakSlicesFound(Check):
    """Searches feature combinations for raised error, on test rows where they have labels, else out of fold."""

    code = "SLI001"
    title = "slices where the model is clearly worse"
    methods = ("slices.WeakSlices",)
    faults = ("ConceptShift",)

    def run(
        self, train_set: DataSet, train_rows: np.ndarray, train_X: np.ndarray, train_loss: np.ndarray, encoder: Encoder,
        features: tuple[ColumnRecord, ...], task: Task, settings: Settings, test_set: DataSet | None = None,
        test_rows: np.ndarray | None = None, test_X: np.ndarray | None = None, test_loss: np.ndarray | None = None,
    ) -> Finding:  # fmt: skip
        name: Literal["train", "test"] = "train" if test_loss is None else "test"
        data, rows, X, loss = (train_set, train_rows, train_X, train_loss)
        if test_loss is not None and test_set is not None and test_rows is not None and test_X is not None:
            data, rows, X, loss = test_set, test_rows, test_X, test_loss
        if len(loss) < LEAST_ROWS:
            raise NotApplicable(
                f"{len(loss)} rows with a known error; at least {LEAST_ROWS} are needed to find and confirm a slice"
            )
        slicing = slicing_of(features, encoder)
        if not slicing.places:
            raise NotApplicable("slices need columns other than text and images")
        finder = WeakSlices(seed=settings.seed, level=settings.level, unordered=slicing.unordered)
        shown_X = slicing.shown(X)
        groups = finder.group_rows(X=shown_X, loss=loss, columns=slicing.names)
        unit = "mean absolute error" if task.kind == "regression" else "error rate"
        if not finder.slices_:
            return self.clear(f"No slice of the {name} rows has a clearly raised {unit} (the search is allowed for).")
        rules = slicing.rules(finder)
        bars = Bars(
            f"{unit}, slice minus the rest",
            "points" if task.kind != "regression" else "",
            tuple((rule, *effect[:3]) for rule, (_, _, effect, _) in zip(rules, finder.slices_, strict=True)),
        )
        table = Table(
            "Slices",
            ("slice", "rows", f"{unit} above the rest", "adjusted p"),
            ("text", "number", "number", "pvalue"),
            tuple(
                (rule, size, effect.value, p) for rule, (_, size, effect, p) in zip(rules, finder.slices_, strict=True)
            ),
        )
        worst = finder.slices_[0]
        inside = np.flatnonzero(groups == 0)
        return self.found(
            f"The {unit} is higher by {worst[2].value:.2f} where {rules[0]} ({count(worst[1], f'{name} row')}); "
            f"{count(len(rules), 'weak slice')} in all.",
            estimate=worst[2],
            unit=f"{unit}, slice minus the rest",
            because=tuple(
                f"{rule}: {size:,} rows, {unit} higher by {e.value:.2f} ({e.low:.2f} to {e.high:.2f}) "
                f"than the rest, {pvalue(p)}."
                for rule, (_, size, e, p) in zip(rules, finder.slices_, strict=True)
            ),
            rows=worst_rows(
                name,
                data.frame,
                rows[inside],
                loss[inside],
                [str(task.target), *(c.name for c in features)],
                settings.rows_shown,
            ),
            details=(bars, table),
            remedies=_remedies(finder, slicing.shown(train_X), train_rows),
            what_to_do="Collect more training rows like these, look for a feature that explains them, or do not "
            "rely on "
            "the model there.",
        )


def _remedies(finder: WeakSlices, shown_train: np.ndarray, train_rows: np.ndarray) -> tuple[Remedy, ...]:
    """Weigh the training rows that the rules of the weak slices hold up."""
    weak = finder.members(shown_train).any(axis=1)
    if not weak.any() or weak.all():
        return ()
    weights = np.where(weak, FACTOR, 1.0)
    return (
        Remedy(
            "reweight_rows",
            f"Weigh the {int(weak.sum()):,} training rows of weak slices {FACTOR:.0f} times",
            True,
            rows=tuple(train_rows.tolist()),
            values=tuple((weights / weights.mean()).tolist()),
        ),
    )
