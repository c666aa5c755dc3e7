"""What a drill returns: one plain record, drawn from the looks in the journal and from nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import holdfast
from holdfast.audit.check import Check
from holdfast.audit.evidence import proportion, worst_rows
from holdfast.audit.power import WANTED, fault_named, in_words, next_strength, smallest_found
from holdfast.audit.records import to_plain
from holdfast.core import Estimate
from holdfast.drill.ground import TEST_SHARE, UNTOUCHED, Ground
from holdfast.drill.looks import Looks, asked_key, trials_of
from holdfast.drill.plan import REFIT_ROWS, Pair, rows_to_ask

SCHEMA = "holdfast/drill/1"
SHOWN = 5  # rows confused, of each kind
COLUMNS = 8  # whose cells are shown with them
Trials = dict[float, list[dict[str, Any]]]


@dataclass(frozen=True)
class Drill:
    """The outcome of a drill. In a notebook it shows the page; `print` gives one line a check and fault."""

    record: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types: the content of drill.json, which docs/drill.md describes."""
        return self.record

    def save(self, folder: str | Path = "holdfast-drill") -> Path:
        """Write drill.html and drill.json into the folder (made if need be); returns the path of the page."""
        from holdfast.report.drill import save

        save(self.record, folder)
        return Path(folder) / "drill.html"

    def _repr_html_(self) -> str:
        from html import escape

        from holdfast.report.drill import render

        page = escape(render(self.record), quote=True)
        return f'<iframe srcdoc="{page}" style="width:100%;height:80vh;border:0" title="Holdfast drill"></iframe>'

    def __str__(self) -> str:
        lines = []
        for check in self.record["checks"]:
            for fault in check["faults"]:
                said = fault["reason"] or f"{fault['smallest']} {fault['unit']}"
                lines.append(f"{check['code']}  {fault['fault']:28}  {said}")
        return "\n".join(lines)


def summary(looks: Looks, asked: dict[str, Any], is_complete: bool) -> dict[str, Any]:
    """The record of all looks taken."""
    ground = looks.ground
    loaded = ground.source
    sets = [data for data in (loaded.train, loaded.test) if data is not None]
    seconds = sum(seen["seconds"] for seen in looks.entries.values())
    record = {
        "schema": SCHEMA,
        "version": holdfast.__version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "task": asdict(loaded.task),
        "sets": [
            {"name": d.name, "path": d.path, "rows": d.frame.height, "columns": d.frame.width,
             "fingerprint": d.fingerprint} for d in sets
        ],
        "settings": {**asked, "refit_rows": REFIT_ROWS, "rule": asdict(looks.rule), "probability": WANTED},
        "is_complete": is_complete,
        "notes": _notes(ground, is_complete),
        "checks": [_check(check, looks) for check in looks.picked],
        "timings": {"looks": len(looks.entries), "seconds": round(seconds, 1)},
    }  # fmt: skip
    plain: dict[str, Any] = to_plain(record)
    return plain


def _notes(ground: Ground, is_complete: bool) -> list[str]:
    said = []
    if ground.split_off:
        said.append(
            f"No test set was given: a random {TEST_SHARE:.0%} of the rows played it. Nothing differs between the sets "
            "but what was planted."
        )
    most = ground.settings.max_rows
    for data in (ground.loaded.train, ground.loaded.test):
        if data is not None and data.frame.height > min(most, REFIT_ROWS):
            used = min(most, data.frame.height)
            said.append(
                f"Of {data.frame.height:,} {data.name} rows, faults were planted in a random {used:,}"
                f"{f', and in {REFIT_ROWS:,} where every copy asks for new fits' if used > REFIT_ROWS else ''}."
            )
    if not is_complete:
        said.append("The time that was given ran out: what is missing here was not looked at, or not often enough.")
    return said


def _check(check: type[Check], looks: Looks) -> dict[str, Any]:
    most = rows_to_ask(check, looks.settings.max_rows)
    plain = looks.entries.get(asked_key(check.code, UNTOUCHED, most), {})
    asked = [looks.entries.get(asked_key(check.code, deal, most)) for deal in range(looks.draws)]
    pairs = [pair for pair in looks.pairs if pair.check == check.code]
    return {
        "code": check.code, "title": check.title, "outcome": plain.get("outcome", "skipped"),
        "summary": plain.get("summary") or plain.get("reason", ""),
        "alarms": _alarms(check, [seen["outcome"] for seen in asked if seen is not None]),
        "faults": [_pair(pair, looks) for pair in pairs],
        "reason": "" if check.faults else check.unplantable or "no fault of this kind is planted",
    }  # fmt: skip


def _alarms(check: type[Check], outcomes: list[str]) -> dict[str, Any] | None:
    """How often it finds something where all rows were dealt anew."""
    answered = [outcome for outcome in outcomes if outcome in ("found", "clear", "unsure")]
    if not answered:
        return None
    found = answered.count("found")
    rate = proportion(found, len(answered))
    return {"found": found, "draws": len(answered), "rate": rate, "is_false": check.false_when_dealt}


def _pair(pair: Pair, looks: Looks) -> dict[str, Any]:
    fault = fault_named(pair.fault)
    parts = {"fault": pair.fault, "about": in_words(fault), "unit": fault.unit, "reason": pair.reason}
    if pair.reason:
        return parts
    trials = trials_of(pair, looks.entries, looks.rule)
    counts = {strength: (sum(t["found"] for t in seen), len(seen)) for strength, seen in trials.items()}
    if next_strength(fault.strengths, counts, looks.rule) is not None:
        return {**parts, "reason": "the time that was given ran out before it was decided"}
    smallest = smallest_found(fault.strengths, counts, looks.rule)
    curve = [(strength, proportion(*counts[strength])) for strength in sorted(counts)]
    shown = trials[smallest if smallest is not None else max(trials)] if trials else []
    return {
        **parts,
        "ground": "untouched" if pair.deal == UNTOUCHED else "dealt",
        "found_means": "rows" if pair.by_rows else "alarm",
        "rows": _rows(pair, looks),
        "smallest": smallest,
        **_between(curve, smallest),
        "curve": [(strength, rate.value, rate.low, rate.high, rate.n) for strength, rate in curve],
        "crashed": sum(t["outcome"] == "error" for seen in trials.values() for t in seen),
        **_rows_named(shown, looks.ground),
    }


def _rows(pair: Pair, looks: Looks) -> dict[str, int]:
    loaded = looks.ground.loaded
    sets = (loaded.train, loaded.test)
    return {data.name: min(pair.most, data.frame.height) for data in sets if data is not None}


def _between(curve: list[tuple[float, Estimate]], smallest: float | None) -> dict[str, float | None]:
    """The interval of the smallest strength: above `low` (clearly missed too often), at most `high` (clearly found)."""
    missed = [strength for strength, rate in curve if rate.high < WANTED]
    found = [strength for strength, rate in curve if rate.low >= WANTED]
    high = min(found) if found and smallest is not None else None
    return {"low": max(missed) if missed else 0.0, "high": high}


def _rows_named(trials: list[dict[str, Any]], ground: Ground) -> dict[str, Any]:
    """Precision and recall of the rows named, over all copies at one strength, and the rows confused most often."""
    scored = [seen for seen in trials if seen["hits"] is not None]
    if not scored:
        return {"precision": None, "recall": None, "set": "", "missed": [], "wrong": []}
    hits, named, true = (sum(seen[part] for seen in scored) for part in ("hits", "named", "true"))
    name = scored[0]["set"]
    return {
        "precision": proportion(hits, named) if named else None,
        "recall": proportion(hits, true) if true else None,
        "set": name,
        **{part: _confused(part, scored, name, ground) for part in ("missed", "wrong")},
    }


def _confused(part: str, trials: list[dict[str, Any]], name: str, ground: Ground) -> list[dict[str, Any]]:
    """The rows missed, or named without being planted, most often, as they stand in the file."""
    times = Counter(row for seen in trials if seen["set"] == name for row in seen[part])
    top = sorted(times.items(), key=lambda pair: (-pair[1], pair[0]))[:SHOWN]
    if not top:
        return []
    source = ground.source
    data = source.test if name == "test" and source.test is not None else source.train
    target = [source.task.target] if source.task.target in data.frame.columns else []
    columns = [*target, *(column for column in data.frame.columns if column not in target)][:COLUMNS]
    rows = np.array([row for row, _ in top])
    shown = worst_rows("train", data.frame, rows, None, [str(column) for column in columns], SHOWN).shown
    return [{"row": row.row, "times": count, "cells": row.cells} for row, (_, count) in zip(shown, top, strict=True)]
