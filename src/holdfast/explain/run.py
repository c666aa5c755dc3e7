"""`holdfast.explain`: why performance changed between two labelled sets."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import holdfast
from holdfast.audit.change import LEAST_ROWS, Change, attribute_change, unit_of
from holdfast.audit.check import NotApplicable
from holdfast.audit.evidence import worst_rows
from holdfast.audit.load import InputError, Loaded, load
from holdfast.audit.predictions import with_predictions
from holdfast.audit.probes import Probes
from holdfast.audit.records import to_plain
from holdfast.audit.settings import Settings
from holdfast.audit.sources import sources_of
from holdfast.explain.drivers import Drivers, find_drivers
from holdfast.explain.sheet import Explanation, sections_of, verdict_of
from holdfast.ops.metrics import METRICS
from holdfast.ops.resampling import metric_interval

Progress = Callable[[str, int, int], None]
MOST_GROUPS = 8  # every subset of the causes is looked at
METHODS = ("shift.ShiftAttribution", "slices.RelationFlip", "slices.WeakSlices")


def explain(
    train: Any,
    test: Any,
    *,
    target: str | None = None,
    model: Any = None,
    proba: Any = None,
    train_proba: Any = None,
    metric: str | None = None,
    task: str | None = None,
    roles: Mapping[str, str] | None = None,
    column_groups: Mapping[str, Sequence[str]] | None = None,
    players: int = 4,
    seed: int = 0,
    folds: int = 5,
    max_rows: int = 50_000,
    progress: Progress | None = None,
) -> Explanation:
    """Say which shift caused which part of the change of the mean loss from one labelled set to another.

    The change (error rate, or mean absolute error of a numeric target) is divided by Shapley values between the mix
    of classes, the columns or groups of columns that matter most, and the relation between features and target; once
    more between covariates, label and relation alone. Then come the features whose relation to the target changed,
    the slices where the loss is higher than training rows of the same kind make it, and the rows behind them.

    Parameters
    ----------
    train, test
        A path or a table, as for `holdfast.audit`; both with labels.
    target, model, metric, task, roles
        As for `holdfast.audit`. `metric` is reported for both sets; what is divided is the mean loss.
    proba, train_proba
        Instead of a model: its predictions on the test rows and, out of sample, on the training rows, as for
        `holdfast.estimate`.
    column_groups
        Columns that are one cause: `{"vital signs": ["pulse", "pressure"]}`. All columns in no group are one more.
    players
        How many columns stand alone, from 0 to 8; the rest is one cause. Not used with `column_groups`.
    seed, folds, max_rows
        See `holdfast.audit.settings.Settings`.

    Returns
    -------
    Explanation
        `.change`, `.parts`, `.split`, `.verdict`, `.to_dict()`, `.save(folder)`; shows itself in a notebook.

    Raises
    ------
    InputError
        A `ValueError` that says what is wrong with the input, where, and what to do.

    Fails where both sets hardly overlap: no row of one then says what the other would have done.

    Examples
    --------
    >>> from holdfast.datasets import heart_disease
    >>> why = holdfast.explain(*heart_disease(), target="disease")
    >>> bool(abs(sum(part.value for part in why.split.values()) - why.change.value) < 1e-9)  # the parts sum to it
    True
    """
    started = time.perf_counter()
    tell = progress or (lambda stage, done, total: None)
    settings = Settings(seed=seed, metric=metric, folds=folds, max_rows=max_rows)
    tell("reading", 0, 1)
    loaded = load(train, test, target=target, roles=dict(roles or {}), task=task)
    _check(loaded, settings, players)
    groups = _groups(loaded, column_groups or {})
    facts = Probes(loaded=loaded, settings=settings, given_model=model, given_proba=None)
    try:
        if proba is not None or train_proba is not None:
            facts = with_predictions(facts, proba, train_proba, "test")
        _check_rows(facts)
        tell("dividing the change", 0, 2)
        found = attribute_change(
            facts["ref_X"], facts["train_y"], facts["train_loss"], facts["cur_X"], facts["test_y"],
            facts["test_loss"], facts["common_encoder"].names, facts["task"], seed, groups, players,
        )  # fmt: skip
        tell("looking for the rows behind it", 1, 2)
        drivers = find_drivers(facts)
    except NotApplicable as problem:
        raise InputError(f"nothing can be explained: {problem}.") from None
    given = {
        "players": players,
        "column_groups": {name: list(columns) for name, columns in (column_groups or {}).items()},
    }
    name = "predictions as given" if proba is not None else facts["model"].name
    return Explanation(_record(facts, found, drivers, name, time.perf_counter() - started, given))


def _check(loaded: Loaded, settings: Settings, players: int) -> None:
    if loaded.task.kind == "none":
        raise InputError("no target is given, and no column of train is called target, label or class: name it.")
    if loaded.test is None or loaded.task.target not in loaded.test.frame.columns:
        raise InputError(
            f"test has no labels (no column {loaded.task.target!r}): there is no change to explain. Without labels, "
            "ask holdfast estimate."
        )
    if not 0 <= players <= 8:
        raise InputError(f"players is {players}; expected 0 to 8 columns that stand alone.")
    fitting = [name for name, known in METRICS.items() if loaded.task.kind in known.tasks]
    if settings.metric is not None and settings.metric not in fitting:
        raise InputError(
            f"metric {settings.metric!r} does not fit a {loaded.task.kind} target. Take one of: {', '.join(fitting)}."
        )
    for name, least in (("folds", 2), ("max_rows", 100)):
        if getattr(settings, name) < least:
            raise InputError(f"{name} is {getattr(settings, name)}; expected at least {least}.")


def _check_rows(facts: Probes) -> None:
    try:
        facts["test_y"]
    except NotApplicable as problem:
        raise InputError(f"{problem}: there is no change to explain. Without labels, ask holdfast estimate.") from None
    for name in ("train", "test"):
        rows = len(facts[f"{name}_y"])
        if rows < LEAST_ROWS:
            raise InputError(f"{name} has {rows:,} labelled rows; expected at least {LEAST_ROWS} to divide a change.")


def _groups(loaded: Loaded, given: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The group of every column that is in one; `InputError` for columns that are not there or in two groups."""
    known = {column.name for column in loaded.columns}
    if len(given) > MOST_GROUPS:
        raise InputError(f"{len(given)} column groups are given; expected at most {MOST_GROUPS}.")
    group_of: dict[str, str] = {}
    for group, columns in given.items():
        for column in columns:
            if column not in known:
                raise InputError(f"column group {group!r} names {column!r}, which no set has.")
            if column in group_of:
                raise InputError(f"column {column!r} is in two groups, {group_of[column]!r} and {group!r}.")
            group_of[column] = group
    return group_of


def _record(
    facts: Probes, found: Change, drivers: Drivers, name: str, seconds: float, given: dict[str, Any]
) -> dict[str, Any]:
    from holdfast.audit.run import _set_record

    task, metric, settings = facts["task"], facts["metric"], facts["settings"]
    about = {name: getattr(metric, name) for name in ("name", "label", "unit", "higher_is_better")}
    result = to_plain({
        "metric": about, "loss": unit_of(task), "change": found.change, "changed": found.is_sure(settings.level),
        "before": metric_interval(facts["train_y"], facts["train_predicted"], metric),
        "now": metric_interval(facts["test_y"], facts["test_predicted"], metric),
        "mechanisms": [{"name": n, "kind": found.kinds[n], "part": part} for n, part in found.parts.items()],
        "split": [{"name": kind, "kind": kind, "part": part} for kind, part in found.split.items()],
        "slices": [{"rule": rule, "rows": rows, "excess": own} for rule, rows, own in drivers.slices],
    })  # fmt: skip
    verdict, tone = verdict_of(result)
    shown = [str(task.target), *(column.name for column in facts["features"])]
    rows = worst_rows(
        "test", facts["test_set"].frame, facts["test_rows"][drivers.rows], drivers.excess[drivers.rows], shown,
        settings.rows_shown,
    ) if found.is_sure(settings.level) and len(drivers.rows) else None  # fmt: skip
    return {
        "schema": "holdfast/explain/1", "verdict": verdict, "tone": tone,
        "task": {"kind": task.kind, "target": task.target, "classes": list(task.classes)},
        "sets": to_plain([replace(_set_record(facts, name), name=name) for name in ("train", "test")]),
        "columns": to_plain(facts["loaded"].columns), "model": {"name": name}, "result": result,
        "sections": to_plain(sections_of(result, drivers.relation, rows)),
        "settings": to_plain({key: value for key, value in {**settings.to_dict(), **given}.items() if value}),
        "left_out": _left_out(facts), "sources": to_plain(sources_of(METHODS)), "timings": {"total": round(seconds, 3)},
        "created": datetime.now(UTC).isoformat(timespec="seconds"), "version": holdfast.__version__,
    }  # fmt: skip


def _left_out(facts: Probes) -> list[str]:
    said = []
    for name in ("train", "test"):
        rows, used = getattr(facts["loaded"], name).frame.height, len(facts[f"{name}_rows"])
        if used == facts["settings"].max_rows < rows:
            said.append(f"Models used a random {used:,} of {rows:,} {name} rows (max_rows).")
        elif used < rows:
            said.append(f"{rows - used:,} of {rows:,} {name} rows have no usable label and were left out.")
    return said
