"""The repair from end to end: choose, verify, apply to copies; and one record that the page is drawn from."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import holdfast
from holdfast.audit.load import InputError, encode_target
from holdfast.audit.records import to_plain
from holdfast.repair.apply import Workshop
from holdfast.repair.model import refitted
from holdfast.repair.output import check_folder, save
from holdfast.repair.result import SCHEMA, Repair
from holdfast.repair.search import Search, in_order
from holdfast.repair.tables import raw_table, refuse_folders
from holdfast.verify.case import Case, read_case, read_report
from holdfast.verify.claims import Claim, alone, together
from holdfast.verify.holdout import Guard
from holdfast.verify.judge import TONES, judge
from holdfast.verify.plan import Candidate, Plan, choose, refuse_conflicts, refuse_empty_classes
from holdfast.verify.selective import selective_risk
from holdfast.verify.store import FitStore
from holdfast.verify.trial import Trial, can_judge

Progress = Callable[[str, int, int], None]


def repair(
    report: Any,
    *,
    only: Sequence[str] = (),
    safe_only: bool = False,
    out: str | Path | None = None,
    train: Any = None,
    test: Any = None,
    model: Any = None,
    force: bool = False,
    repeats: int = 5,
    seed: int | None = None,
    progress: Progress | None = None,
) -> Repair:
    """Apply the remedies of an audit that help to copies of its data, and show that they help.

    Remedies are tried alone, then together, on half of the untouched rows. One look judges every remedy alone on all
    of these rows, with intervals that hold for all that were tried, and what was put together on the other half. Only
    what is surely better is applied, unless `force` says otherwise. Remedies of the measurement (copies out
    of the test set) come first. The data given are never changed.

    Parameters
    ----------
    report
        What `holdfast.audit` returned, its dict, a report.json, or the folder that holds one.
    only
        Codes of checks ("LAB001") or single remedies ("LAB001.1") to choose from; all where empty.
    safe_only
        Leave out remedies that invent labels.
    out
        Folder for the repaired data, ledger, verification and originals; nothing is written without. Fits are kept
        beside it until all is written, so that the same call goes on where a killed one was.
    train, test
        The data of the audit, where they were objects in memory or have moved. They must be the same.
    model
        The fitted model that the audit was given, where it was given one.
    force
        Apply what was chosen by `only` even where it is no better; the verdict says so all the same.
    repeats, seed
        Refits per comparison (at least 3), and the seed of fits and folds; the audit's where None.

    Returns
    -------
    Repair
        `.verdict`, `.train` and `.test` (polars; None where unchanged), `.ledger`, `.to_dict()`, `.save(folder)`.

    Raises
    ------
    InputError
        A `ValueError` that says what is wrong: a report of other data, a file changed by hand, remedies that conflict,
        a class that would be left empty, too few rows to verify.

    Examples
    --------
    >>> from holdfast.datasets import heart_disease
    >>> train, test = heart_disease()
    >>> report = holdfast.audit(train, test, target="disease", only=["SCH002"], quick=True)
    >>> done = holdfast.repair(report, repeats=3)
    >>> done.outcome, done.train is None
    ('no_better', True)
    """
    started = time.perf_counter()
    tell = progress or (lambda stage, done, total: None)
    if repeats < 3:
        raise InputError(f"repeats is {repeats}; expected at least 3.")
    tell("reading", 0, 1)
    refuse_folders({one["name"]: one["path"] for one in read_report(report)["sets"]} | _given(train, test))
    case = read_case(report, train, test, model)
    if seed is not None:
        case = replace(case, settings=replace(case.settings, seed=seed))
    folder = None if out is None else check_folder(Path(out), case.loaded)
    plan = _without_emptied(choose(case.record, only, safe_only), case, explicit=bool(only))
    measured = plan.of_kind("measurement")
    leave_out = frozenset(row for one in measured for row in one.remedy.rows)
    guard = Guard.open(getattr(case.loaded, case.judged).fingerprint, folder)
    trial = Trial(case, repeats, case.settings.seed, leave_out if case.judged == "test" else frozenset())
    trial.store = _store(trial, folder)
    chosen, tried, judgement = _verify(trial, plan, guard, force, tell)
    better = judgement["outcome"] == "better" or force
    rejection = _reject(trial, plan, chosen if better else ())
    applied = in_order((
        *measured, *(chosen if better else ()), *(one for one, said in rejection if force or said["kept"]),
    ))  # fmt: skip
    refuse_conflicts(applied)
    refuse_empty_classes(applied, _labels(case), case.loaded.task.classes)
    tell("applying", 0, 1)
    tables = {name: raw_table(data) for name in ("train", "test") if (data := getattr(case.loaded, name)) is not None}
    shop = Workshop(case.loaded, tables, case.settings.seed)
    frames = shop.apply(applied)
    guard.keep()
    ledger = shop.ledger.frame()
    fitted, why_no_model = refitted(trial, applied)
    record = {
        "schema": SCHEMA,
        "version": holdfast.__version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "verdict": _verdict(judgement, applied, measured),
        "tone": TONES[judgement["outcome"]],
        "report": {"digest": case.record["digest"], "created": case.record["created"]},
        "task": case.record["task"],
        "model": case.record["model"],
        "sets": [
            {name: one[name] for name in ("name", "path", "rows", "columns", "fingerprint")}
            for one in case.record["sets"]
        ],
        "settings": {
            "only": list(only), "safe_only": safe_only, "force": force, "repeats": repeats, "seed": case.settings.seed,
        },
        "judged": _judged(trial, plan),
        **tried,
        "judgement": judgement,
        "measurement": [_measurement(case, one) for one in measured],
        "rejection": [said for _, said in rejection],
        "left_out": [list(one) for one in plan.left_out],
        "applied": [one.name for one in applied],
        "ledger": dict(ledger.group_by("action").len().sort("action").iter_rows()),
        "looks": guard.to_dict(),
        "fits": trial.fits,
        "why_no_model": why_no_model,
        "seconds": round(time.perf_counter() - started, 3),
    }  # fmt: skip
    done = Repair(to_plain(record), case, tables, frames, ledger, fitted)
    if folder is not None:
        tell("writing", 0, 1)
        save(done, folder)
        trial.store.clear()
    return done


def _store(trial: Trial, folder: Path | None) -> FitStore:
    """Where fits are kept until the repair is written: beside its folder."""
    if folder is None:
        return trial.store
    case = trial.case
    belongs = (
        holdfast.__version__, case.record["digest"], case.record["model"], sorted(trial.leave_out), trial.seed,
        [one["fingerprint"] for one in case.record["sets"]],
    )  # fmt: skip
    return FitStore(folder.absolute().parent / f".{folder.name}.fits", belongs)


def _verify(
    trial: Trial, plan: Plan, guard: Guard, force: bool, tell: Progress
) -> tuple[tuple[Candidate, ...], dict[str, Any], dict[str, Any]]:
    """Choose on the rows that choose, judge on the rows that confirm."""
    tried: dict[str, Any] = {"alone": [], "steps": [], "interactions": []}
    candidates = plan.of_kind("model")
    if not candidates:
        sentence = "There was no remedy whose effect on the model could be judged."
        return (), tried, {"outcome": "not_judged", "sentence": sentence, "gain": None, "chosen": [], "rows": 0}
    if reason := can_judge(trial.case):
        raise InputError(f"no repair can be verified: {reason}.")
    metric = trial.case.facts["metric"]
    found, tried = Search(trial, guard, metric, tell).run(candidates, fixed=force)
    if force:
        refuse_conflicts(found)
    tell("confirming", 0, 1)
    claims, hopeless = _claims(trial, candidates, found, tried["alone"], force)
    chosen, judgement = judge(trial, claims, guard, metric, hopeless)
    return (found if force else chosen), tried, judgement


def _claims(
    trial: Trial, candidates: Sequence[Candidate], found: Sequence[Candidate], said: list[dict[str, Any]], force: bool
) -> tuple[list[Claim], list[Claim]]:
    """Every remedy alone and what was found together; and those that were tried and given up."""
    singles = [
        (alone(trial, one, told["repeats"]), told["stopped"])
        for one, told in zip(candidates, said, strict=True)
        if told["gain"] is not None
    ]
    if force and len(singles) > 1:  # what is asked about is what will be applied
        return ([together(trial, found)] if found else []), []
    claims = [claim for claim, stopped in singles if force or not stopped]
    if len(found) > 1:
        claims.append(together(trial, found))
    return claims, [claim for claim, stopped in singles if stopped and not force]


def _reject(trial: Trial, plan: Plan, chosen: Sequence[Candidate]) -> list[tuple[Candidate, dict[str, Any]]]:
    """Refusing unfamiliar rows: kept where the risk of the others is surely lower on the rows that confirm."""
    results = []
    for candidate in plan.of_kind("rejection") if trial.held_out else ():
        confirm = trial.parts.confirm
        rows = trial.case.facts["test_rows"][trial.places[confirm]]
        accepted = ~np.isin(rows, candidate.remedy.rows)
        said: dict[str, Any] = {
            "name": candidate.name, "title": candidate.remedy.title, "rows": len(candidate.remedy.rows), "kept": False,
            "risk": None,
        }  # fmt: skip
        if 10 <= accepted.sum() < len(accepted):
            predicted = trial.predictions(tuple(chosen), 1)[0][confirm]
            said["risk"] = selective_risk(predicted, trial.truth[confirm], accepted, trial.case.loaded.task)
            said["kept"] = said["risk"]["lower"]["low"] > 0
        results.append((candidate, said))
    return results


def _given(train: Any, test: Any) -> dict[str, Any]:
    return {name: data for name, data in (("train", train), ("test", test)) if data is not None}


def _without_emptied(plan: Plan, case: Case, explicit: bool) -> Plan:
    """Leave out remedies that alone would empty a class; one that was asked for by name is an error."""
    kept, left_out = [], list(plan.left_out)
    for candidate in plan.candidates:
        try:
            refuse_empty_classes([candidate], _labels(case), case.loaded.task.classes)
            kept.append(candidate)
        except InputError as problem:
            if explicit:
                raise
            left_out.append((candidate.name, candidate.remedy.title, str(problem)))
    return Plan(tuple(kept), tuple(left_out))


def _labels(case: Case) -> np.ndarray:
    return encode_target(case.loaded, "train")[0]


def _judged(trial: Trial, plan: Plan) -> dict[str, Any]:
    said: dict[str, Any] = {"set": trial.case.judged, "left_out": len(trial.leave_out), "choose": 0, "confirm": 0}
    if plan.of_kind("model") or (trial.held_out and plan.of_kind("rejection")):
        said |= {"choose": len(trial.parts.choose), "confirm": len(trial.parts.confirm)}
    return said


def _measurement(case: Case, candidate: Candidate) -> dict[str, Any]:
    """What the score read with the rows that do not belong in the test set, and without them, as audited."""
    price = next(one["price"] for one in case.record["findings"] if one["code"] == candidate.code) or {}
    return {
        "name": candidate.name, "title": candidate.remedy.title, "rows": len(candidate.remedy.rows),
        "before": price.get("before"), "after": price.get("after"),
    }  # fmt: skip


def _verdict(judgement: dict[str, Any], applied: Sequence[Candidate], measured: Sequence[Candidate]) -> str:
    sentence = str(judgement["sentence"])
    if measured:
        rows = sum(len(one.remedy.rows) for one in measured)
        sentence += f" {rows:,} rows that do not belong there were taken out of the test set first."
    if not applied:
        return f"{sentence} Nothing was applied."
    forced = judgement["outcome"] not in ("better", "not_judged") and len(applied) > len(measured)
    return f"{sentence} Applied all the same, as asked." if forced else sentence
