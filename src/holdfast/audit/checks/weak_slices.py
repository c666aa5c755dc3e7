"""SLI001: slices where the model is clearly worse."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.audit.check import Check, NotApplicable
from holdfast.audit.encode import COMPONENTS, Encoder
from holdfast.audit.evidence import worst_rows
from holdfast.audit.load import DataSet, Task
from holdfast.audit.records import Bars, ColumnRecord, Finding, Remedy, Table
from holdfast.audit.settings import Settings
from holdfast.audit.words import count, pvalue
from holdfast.slices import WeakSlices

LEAST_ROWS = 100
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
        plain = [i for i, c in enumerate(encoder.names) if _kind(features, c) not in COMPONENTS]
        if not plain:
            raise NotApplicable("slices need columns other than text and images")
        unordered = tuple(place for place, i in enumerate(plain) if encoder.is_categorical[i])
        finder = WeakSlices(seed=settings.seed, level=settings.level, unordered=unordered)
        shown_X = _filled(X[:, plain], unordered)
        groups = finder.group_rows(X=shown_X, loss=loss, columns=[encoder.names[i] for i in plain])
        unit = "mean absolute error" if task.kind == "regression" else "error rate"
        if not finder.slices_:
            return self.clear(f"No slice of the {name} rows has a clearly raised {unit} (the search is allowed for).")
        rules = [rule for rule, *_ in finder.slices_]
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
            remedies=_remedies(finder, train_X[:, plain], shown_X, unordered, train_rows, groups, name),
            what_to_do="Collect more training rows like these, look for a feature that explains them, or do not "
            "rely on "
            "the model there.",
        )


def _kind(features: tuple[ColumnRecord, ...], name: str) -> str:
    return next(column.kind for column in features if column.name == name)


def _filled(X: np.ndarray, unordered: tuple[int, ...]) -> np.ndarray:
    """Missing values as a bin of their own below all others; a missing category as a code past the last."""
    filled = np.array(X)
    for place in range(X.shape[1]):
        gone = np.isnan(X[:, place])
        if gone.any():
            known = X[~gone, place]
            low, high = (known.min(), known.max()) if len(known) else (0.0, 0.0)
            filled[gone, place] = high + 1 if place in unordered else low - 1 - (high - low)
    return filled


def _remedies(
    finder: WeakSlices, train_X: np.ndarray, X: np.ndarray, unordered: tuple[int, ...], train_rows: np.ndarray,
    groups: np.ndarray, name: str,
) -> tuple[Remedy, ...]:  # fmt: skip
    """Weigh the training rows of the weak slices up; slices of the test set by the ranges of their rows."""
    if name == "train":
        weak = groups >= 0
    else:
        weak = np.zeros(len(train_X), bool)
        ours = _filled(train_X, unordered)
        for group in range(len(finder.slices_)):
            rows = X[groups == group]
            weak |= ((ours >= rows.min(axis=0)) & (ours <= rows.max(axis=0))).all(axis=1)
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
