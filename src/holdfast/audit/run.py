"""The audit from end to end: load, check, price, and one record that the report is drawn from."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import holdfast
from holdfast.audit.check import Check, NotApplicable, Skipped, checks
from holdfast.audit.choice import QUADRATIC_ROWS, Choice, is_quadratic
from holdfast.audit.kept import check_folder
from holdfast.audit.large.place import place_for
from holdfast.audit.load import InputError, Loaded, load, weight_column
from holdfast.audit.power import measure_power
from holdfast.audit.price import price_findings
from holdfast.audit.probes import Probes
from holdfast.audit.profile import read_profile
from holdfast.audit.records import AuditRecord, Finding, SetRecord
from holdfast.audit.report import Report
from holdfast.audit.settings import Settings
from holdfast.audit.sources import sources_of
from holdfast.audit.verdict import rank, verdict

Progress = Callable[[str, int, int], None]
EXACT = (
    "Rows, missing cells, distinct values, classes, equal rows, known groups and unseen categories (SCH001, SCH002, "
    "SCH003, exact copies of DUP001 and DUP002, LEA001)"
)


def audit(
    train: Any,
    test: Any = None,
    *,
    target: str | None = None,
    model: Any = None,
    proba: Any = None,
    metric: str | None = None,
    task: str | None = None,
    roles: Mapping[str, str] | None = None,
    ignore: Mapping[str, str] | None = None,
    only: Sequence[str] = (),
    seed: int = 0,
    repeats: int = 5,
    folds: int = 5,
    max_rows: int = 50_000,
    hold_rows: int | None = None,
    quick: bool = False,
    profile: Any = None,
    cache: str | Path | None = None,
    engine: str = "local",
    workers: int | None = None,
    work: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Find what is wrong with two data sets and between them, price every finding, and report.

    Parameters
    ----------
    train, test
        A path (CSV, TSV, Parquet, Arrow, JSON Lines; gzip or zstd; a folder of Parquet files), a pandas, polars or
        pyarrow table, a DuckDB relation, a dict of columns or a numpy array. `test` may be left out, and may have no
        labels.
    target
        The column to be predicted. Without one, only what needs no labels is checked.
    model
        A fitted scikit-learn compatible model (a Pipeline where columns need encoding). Without one a probe model is
        fitted: histogram boosting for tables, a linear model on TF-IDF for text, or on pixels for images.
    proba
        (m, k) probabilities of your model on the test rows, classes in sorted order; or the names of the columns of
        the test set that hold them.
    metric
        What findings are priced in: accuracy (default), balanced_accuracy, auroc, f1, log_loss, brier; for a numeric
        target r2 (default), mae, rmse.
    roles
        What columns are, where the guess is wrong: `{"hospital": "group", "visit": "time"}`.
    ignore, only
        Codes of checks to leave out, each with the reason, which the report shows; codes to run alone.
    seed, repeats, folds, max_rows, hold_rows, quick
        See `holdfast.audit.settings.Settings`.
    profile
        A profile.json that `holdfast.bench` wrote for this training data, or its report: the checks concerned use the
        methods that planting chose there, and say so.
    cache
        A folder that keeps the power of all-clears: another audit of the same data, settings, model and code finds it
        there, and a killed one goes on. Anything else is measured anew.
    engine, workers, work
        How Parquet of more than `hold_rows` rows is passed over: "local" (this process), "processes" or "ray"; the
        outcome is the same. `work` is the folder for intermediate files, which all nodes of a cluster must see; a run
        that was stopped goes on from what it finds there.

    Returns
    -------
    Report
        `.findings`, `.verdict`, `.to_dict()`, `.save(folder)`; shows itself in a notebook.

    Raises
    ------
    InputError
        A `ValueError` that says what is wrong with the input, where, and what to do.

    Examples
    --------
    >>> from holdfast.datasets import heart_disease
    >>> train, test = heart_disease()
    >>> report = holdfast.audit(train, test, target="disease", only=["SCH002"], quick=True)
    >>> [finding.code for finding in report.findings if finding.outcome == "found"]
    ['SCH002']
    """
    settings = Settings(
        seed=seed, metric=metric, repeats=repeats, folds=folds, max_rows=max_rows, hold_rows=hold_rows, quick=quick,
        ignore=dict(ignore or {}), only=tuple(only),
    )  # fmt: skip
    tell = progress or (lambda stage, done, total: None)
    with place_for(engine, workers, hold_rows, work, seed, max_rows, tell) as place:
        read = partial(load, train, test, target=target, roles=dict(roles or {}), task=task, place=place)
        return Report(_audited(read, settings, model, proba, profile, cache, tell))


def _audited(
    read: Callable[[], Loaded],
    settings: Settings,
    model: Any,
    proba: Any,
    profile: Any,
    cache: str | Path | None,
    tell: Progress,
) -> AuditRecord:
    started = time.perf_counter()
    check_folder(cache)
    tell("reading", 0, 1)
    loaded = read()
    _check_settings(settings, loaded)
    timings = {"load": time.perf_counter() - started}
    chosen, remarks = _chosen(profile, loaded)
    settings = replace(settings, chosen=chosen)
    facts = Probes(loaded=loaded, settings=settings, given_model=model, given_proba=_probabilities(proba, loaded))
    findings = _run_checks(facts, settings, tell)
    about_power: list[str] = []
    timings["checks"] = time.perf_counter() - started - timings["load"]
    if not settings.quick:
        findings = _price(findings, facts, tell)
        timings["price"] = time.perf_counter() - started - sum(timings.values())
        findings, about_power = measure_power(findings, facts, tell, cache)
        timings["power"] = time.perf_counter() - started - sum(timings.values())
    timings["total"] = time.perf_counter() - started
    findings = [in_files(finding, loaded) for finding in findings]
    return _record(facts, rank(findings), timings, [*remarks, *about_power])


def in_files(finding: Finding, loaded: Loaded) -> Finding:
    """The same with the rows' numbers in the files, where rows were numbered among those held in memory."""
    sets = {data.name: data for data in (loaded.train, loaded.test) if data is not None and data.whole is not None}
    rows = finding.rows
    if rows is not None and rows.set in sets:
        numbers = sets[rows.set].numbers(np.array([row.row for row in rows.shown], dtype=np.int64)).tolist()
        shown = tuple(replace(row, row=number) for row, number in zip(rows.shown, numbers, strict=True))
        rows = replace(rows, shown=shown)
    remedies = tuple(
        replace(one, rows=tuple(sets[one.set].numbers(np.array(one.rows, dtype=np.int64)).tolist()))
        if one.set in sets
        else one
        for one in finding.remedies
    )
    return replace(finding, rows=rows, remedies=remedies)


def _chosen(profile: Any, loaded: Loaded) -> tuple[dict[str, Choice], tuple[str, ...]]:
    """The methods of a profile that was made for such data, and what must be said about it."""
    if profile is None:
        return {}, ()
    known = read_profile(profile)
    features = [column.name for column in Probes(loaded=loaded)["features"]]
    remarks = known.remarks(loaded, features)
    rows = max(data.frame.height for data in (loaded.train, loaded.test) if data is not None)
    slow = {slot for slot, choice in known.choices.items() if rows > QUADRATIC_ROWS and is_quadratic(choice)}
    said = tuple(
        f"{known.choices[slot].name} was chosen for {slot}, but takes too long on {rows:,} rows: the default was used."
        for slot in sorted(slow)
    )
    return {slot: choice for slot, choice in known.choices.items() if slot not in slow}, (*remarks, *said)


def _check_settings(settings: Settings, loaded: Loaded) -> None:
    from holdfast.ops.metrics import METRICS

    known = {check.code for check in checks()}
    for code, reason in settings.ignore.items():
        if not reason.strip():
            raise InputError(f"ignoring {code} needs a reason: it is shown in the report.")
    for code in (*settings.ignore, *settings.only):
        if code not in known:
            raise InputError(f"there is no check {code!r}. There are: {', '.join(sorted(known))}.")
    fitting = [name for name, metric in METRICS.items() if loaded.task.kind in metric.tasks]
    if settings.metric is not None and loaded.task.kind != "none" and settings.metric not in fitting:
        raise InputError(
            f"metric {settings.metric!r} does not fit a {loaded.task.kind} target. Take one of: {', '.join(fitting)}."
        )
    for name, least in (("repeats", 2), ("folds", 2), ("max_rows", 100)):
        if getattr(settings, name) < least:
            raise InputError(f"{name} is {getattr(settings, name)}; expected at least {least}.")


def _probabilities(proba: Any, loaded: Loaded) -> np.ndarray | None:
    """The user's probabilities on the test rows, checked."""
    from holdfast.vocabulary import ARGUMENTS, check

    if proba is None:
        return None
    if loaded.test is None:
        raise InputError("proba holds predictions on the test set, but no test set was given.")
    array = _columns_of(proba, loaded.test.frame)
    if loaded.test.whole is not None and len(array) == loaded.test.rows:  # of every row: those held are used
        array = array[loaded.test.whole.numbers]
    if array.ndim == 1 and len(loaded.task.classes) == 2:
        array = np.column_stack([1 - array, array])
    try:
        check("proba", array, ARGUMENTS["probs"], {"n": (loaded.test.frame.height, "the test set")})
    except ValueError as problem:
        raise InputError(str(problem)) from None
    if array.shape[1] != len(loaded.task.classes):
        raise InputError(
            f"proba has {array.shape[1]} columns, but the target has {len(loaded.task.classes)} classes: "
            f"{', '.join(loaded.task.classes[:10])}. Give one column per class, in this order."
        )
    return array


def _columns_of(proba: Any, frame: Any) -> np.ndarray:
    """Probabilities as they were given, or of the named columns."""
    names = [proba] if isinstance(proba, str) else list(proba)
    if not names or not all(isinstance(name, str) for name in names):
        return np.asarray(proba, dtype=float)
    absent = [name for name in names if name not in frame.columns]
    if absent:
        raise InputError(f"proba: the test set has no column {absent[0]!r}. It has: {', '.join(frame.columns[:20])}.")
    words = [name for name in names if not frame[name].dtype.is_numeric()]
    if words:
        raise InputError(f"proba: column {words[0]!r} of the test set does not hold numbers; expected probabilities.")
    array = frame.select(names).to_numpy().astype(float)
    return array[:, 0] if len(names) == 1 else array


def _run_checks(facts: Probes, settings: Settings, tell: Progress) -> list[Finding]:
    chosen = [c for c in checks() if c.code not in settings.ignore and (not settings.only or c.code in settings.only)]
    findings = []
    for done, check in enumerate(chosen):
        tell(f"checking {check.title}", done, len(chosen))
        findings.append(run_check(check(), facts))
    tell("checking", len(chosen), len(chosen))
    return findings


def run_check(check: Check, facts: Probes) -> Finding:
    """One check, one finding, whatever happens: a crash is an outcome, never the end of the audit."""
    started = time.perf_counter()
    try:
        finding = check.run(**facts.of(check.run))
    except NotApplicable as problem:
        finding = Finding(check.code, check.title, "not_applicable", reason=str(problem), sources=check.methods)
    except Skipped as problem:
        finding = Finding(check.code, check.title, "skipped", reason=str(problem), sources=check.methods)
    except (InputError, KeyboardInterrupt):
        raise
    except Exception as problem:
        reason = f"{type(problem).__name__}: {problem}"
        finding = Finding(check.code, check.title, "error", reason=reason, sources=check.methods)
    return replace(finding, seconds=time.perf_counter() - started)


def _price(findings: list[Finding], facts: Probes, tell: Progress) -> list[Finding]:
    due = sum(finding.outcome in ("found", "unsure") and finding.price is None for finding in findings)
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        tell("pricing", done, due)

    tell("pricing", 0, due)
    return price_findings(findings, facts, tick)


def _record(
    facts: Probes, findings: tuple[Finding, ...], timings: dict[str, float], about_power: list[str]
) -> AuditRecord:
    loaded, settings = facts["loaded"], facts["settings"]
    sentence, tone = verdict(findings, facts)
    names = {name for finding in findings for name in finding.sources}
    return AuditRecord(
        verdict=sentence,
        tone=tone,
        task=_task(facts),
        sets=tuple(_set_record(facts, name) for name in ("train", "test") if getattr(loaded, name) is not None),
        columns=loaded.columns,
        model=_model(facts),
        findings=findings,
        settings=settings.to_dict(),
        left_out=_left_out(facts, about_power),
        ignored=settings.ignore,
        sources=sources_of(names),
        timings={name: round(value, 3) for name, value in timings.items()},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        version=holdfast.__version__,
    )


def _has(facts: Probes, name: str) -> bool:
    try:
        facts[name]
    except (NotApplicable, Skipped):
        return False
    return True


def _task(facts: Probes) -> dict[str, Any]:
    task = facts["task"]
    described = {"kind": task.kind, "target": task.target, "classes": list(task.classes)}
    if task.kind != "none":
        metric = facts["metric"]
        described |= {"metric": metric.name, "higher_is_better": metric.higher_is_better, "unit": metric.unit}
    return described


def _model(facts: Probes) -> dict[str, Any]:
    loaded = facts["loaded"]
    if loaded.task.kind == "none" or not _has(facts, "model"):
        return {"name": "none"}
    described = {"name": facts["model"].name}
    if column := weight_column(loaded):
        described["row_weights"] = column
    return described


def _set_record(facts: Probes, name: str) -> SetRecord:
    data, target = getattr(facts["loaded"], name), facts["task"].target
    used = len(facts[f"{name}_rows"])
    return SetRecord(
        name=name, path=data.path, rows=data.rows, columns=data.frame.width, fingerprint=data.fingerprint,
        labelled=target is not None and target in data.frame.columns and _has(facts, f"{name}_target"),
        used_rows=used, notes=data.notes, held_rows=data.frame.height,
    )  # fmt: skip


def _left_out(facts: Probes, about_power: list[str]) -> tuple[str, ...]:
    """What was sampled, and by how much that widens intervals; nothing is left out in silence."""
    said = []
    loaded, settings = facts["loaded"], facts["settings"]
    for name in ("train", "test"):
        data = getattr(loaded, name)
        if data is None:
            continue
        rows, used, held = data.rows, len(facts[f"{name}_rows"]), data.frame.height
        if data.whole is not None:
            said.append(
                f"The {rows:,} {name} rows were passed over on disk; a random {held:,} of them are held in memory. "
                f"{EXACT} take all rows; all else, and the rows that findings and remedies name, are of those held."
            )
        if used == settings.max_rows < rows:
            said.append(
                f"Models used a random {used:,} of {rows:,} {name} rows (max_rows): intervals that rest on them are "
                f"about {np.sqrt(rows / used):.1f} times as wide as with all rows."
            )
        elif used < held:
            said.append(
                f"{held - used:,} of {held:,} {name} rows have no usable label and were left out of model checks."
            )
    if column := weight_column(loaded):
        said.append(
            f"Rows weigh by the column {column} wherever the model is fitted. Metrics, prices and their intervals, and "
            "models that only judge labels, count every row once."
        )
    if facts["given_proba"] is not None:
        said.append(
            "The predictions on the test set were given. Prices, and what is said of training rows, are of the model "
            "that Holdfast fits."
        )
    if settings.quick:
        said.append("Quick audit: findings were not priced, and the power of all-clears was not measured.")
    said += about_power
    if settings.only:
        said.append(f"Only these checks were run: {', '.join(settings.only)}.")
    return tuple(said)
