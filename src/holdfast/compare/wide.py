"""A row per model, a column per test set: what accuracy on one says about accuracy on the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from holdfast.audit.load import InputError
from holdfast.audit.load.errors import quoted
from holdfast.core import Estimate
from holdfast.estimation.accuracy_on_the_curve import AccuracyOnTheCurve
from holdfast.estimation.effective_robustness import EffectiveRobustness
from holdfast.ops.lines import least_squares, probit
from holdfast.ops.multiple_testing import holm
from holdfast.scaling.columns import find_column, numbers, shares

USUAL = ("id", "val", "validation", "in_distribution", "id_accuracy", "imagenet", "original", "source", "train_domain")
LEAST = 5  # models
LISTED = 10


def compare_wide(
    frame: pl.DataFrame, model: str, ids: list[str], shifts: list[str], group: str | None, baseline: str | None
) -> dict[str, Any]:
    """Drops, lines, curves and effective robustness of every shifted test set, against one or several usual ones."""
    names, notes = _columns(frame, model, ids, shifts, group)
    usual, shifted = names
    values = {}
    for column in (*usual, *shifted):
        values[column], said = shares(numbers(frame, column), column)
        notes += said
    labels = frame[model].cast(pl.Utf8).fill_null("").to_list()
    groups = None if group is None else frame[group].cast(pl.Utf8).fill_null("").to_list()
    record: dict[str, Any] = {"kind": "wide", "usual": usual, "shifted": shifted, "relations": [], "robust": []}
    for column in shifted:
        table = np.column_stack([values[name] for name in usual])
        keep = np.isfinite(table).all(axis=1) & np.isfinite(values[column])
        if keep.sum() < max(LEAST, len(usual) + 3):
            notes.append(
                f"{column!r} left out: {int(keep.sum())} models have a number there and on {', '.join(usual)}."
            )
            continue
        if not keep.all():
            notes.append(f"{column!r}: {int((~keep).sum())} of {len(keep)} models left out, without a number.")
        chosen = [label for label, kept in zip(labels, keep, strict=True) if kept]
        try:
            record["relations"].append(_relation(column, table[keep], values[column][keep]))
            record["robust"] += _robust(column, chosen, table[keep], values[column][keep])
            if groups is not None:
                kept = [label for label, held in zip(groups, keep, strict=True) if held]
                record["robust_groups"] = record.get("robust_groups", []) + _groups(
                    column, kept, table[keep], values[column][keep], baseline, notes
                )
        except ValueError as problem:
            raise InputError(f"column {quoted(column)}: {problem}") from None
    if not record["relations"]:
        raise InputError(f"no test set can be compared: {notes[-1] if notes else 'there is only one'}")
    _correct(record)
    record["notes"] = notes
    return record


def _columns(
    frame: pl.DataFrame, model: str, ids: list[str], shifts: list[str], group: str | None
) -> tuple[tuple[list[str], list[str]], list[str]]:
    notes = []
    usual = [str(find_column(frame, name, (), "--id")) for name in ids]
    shifted = [str(find_column(frame, name, (), "--shift")) for name in shifts]
    taken = {model, group, *usual, *shifted}
    free = [
        name for name in frame.columns if name not in taken and frame[name].dtype.is_numeric() and _shares(frame[name])
    ]
    if not usual:
        guess = find_column(frame.select(free), None, USUAL, "--id") if free else None
        guess = guess or (free[0] if free else None)
        if guess is None:
            raise InputError(
                f"no column of accuracies was found for the usual test set; name it with --id. The table has: "
                f"{', '.join(frame.columns[:20])}."
            )
        usual = [guess]
        notes.append(f"Usual test set: column {guess!r}; name others with --id.")
    if not shifted:
        shifted = [name for name in free if name not in usual]
        notes.append(f"Shifted test sets: {', '.join(shifted[:12])}{' and more' if len(shifted) > 12 else ''}.")
    if not shifted:
        raise InputError("the table has accuracies on one test set only; a comparison needs a second one (--shift).")
    return (usual, shifted), notes


def _shares(column: pl.Series) -> bool:
    low, high = column.min(), column.max()
    return low is not None and float(low) >= 0 and float(high) <= 100  # type: ignore[arg-type]


def _relation(column: str, table: np.ndarray, ood: np.ndarray) -> dict[str, Any]:
    """The mean drop, the line on probit axes and whether it bends, against the first usual test set."""
    first = table[:, 0]
    line = least_squares(probit(first)[:, None], probit(ood))
    plain = least_squares(first[:, None], ood)
    drop = least_squares(np.empty((len(ood), 0)), first - ood)
    curve = AccuracyOnTheCurve().measure(first, ood)
    spread = float(((probit(ood) - probit(ood).mean()) ** 2).sum())
    return {
        "shift": column,
        "models": len(ood),
        "drop": _triple(drop.interval(0)),
        "slope": _triple(plain.interval(1)),
        "probit_slope": _triple(line.interval(1)),
        "explained": 1 - float(line.residuals @ line.residuals) / spread if spread > 0 else 1.0,
        "curvature": _plain(curve),
        "curvature_p": curve.pvalue,
    }


def _robust(column: str, labels: list[str], table: np.ndarray, ood: np.ndarray) -> list[dict[str, Any]]:
    """Every model's effective robustness: the plane through all the others is its expectation."""
    found = []
    for place, label in enumerate(labels):
        one = EffectiveRobustness().measure(table, ood, np.arange(len(ood)) != place)
        found.append({"shift": column, "model": label, "robustness": _plain(one), "p": one.pvalue})
    return found


def _groups(
    column: str, labels: list[str], table: np.ndarray, ood: np.ndarray, baseline: str | None, notes: list[str]
) -> list[dict[str, Any]]:
    """The effective robustness of every other group over the baseline's plane."""
    groups = np.array(labels)
    names, counts = np.unique(groups, return_counts=True)
    if baseline is None:
        baseline = str(names[counts.argmax()])
        said = f"Baseline group: {baseline!r}, the largest; name another with --baseline."
        notes.extend([said] if said not in notes else [])
    if baseline not in names:
        raise InputError(f"--baseline {quoted(baseline)}: no such group. There are: {', '.join(map(str, names[:20]))}.")
    found = []
    for name in names[names != baseline]:
        part = (groups == baseline) | (groups == name)
        one = EffectiveRobustness().measure(table[part], ood[part], groups[part] == baseline)
        found.append({"shift": column, "group": str(name), "robustness": _plain(one), "p": one.pvalue, "models": one.n})
    return found


def _correct(record: dict[str, Any]) -> None:
    """Holm's correction within every kind of test."""
    for kind, key in (("relations", "curvature_p"), ("robust", "p"), ("robust_groups", "p")):
        rows = record.get(kind) or []
        adjusted = holm(np.array([row[key] for row in rows], dtype=np.float64))
        for row, value in zip(rows, adjusted, strict=True):
            row["p_holm"] = float(value)


def _triple(interval: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip(("value", "low", "high"), interval, strict=True))


def _plain(found: Estimate) -> dict[str, float]:
    return {"value": found.value, "low": found.low, "high": found.high}
