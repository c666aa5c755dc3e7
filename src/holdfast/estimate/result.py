"""What an estimate worked out, and the record of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

import holdfast
from holdfast.audit.estimators import METHODS
from holdfast.audit.evidence import difference
from holdfast.audit.probes import Probes
from holdfast.audit.sources import sources_of
from holdfast.core import Estimate
from holdfast.estimate.chunks import Chunk
from holdfast.estimate.groups import Group
from holdfast.estimate.planting import Trial, stretched
from holdfast.estimate.sheet import sections_of, verdict_of
from holdfast.estimate.slices import Slice
from holdfast.estimate.whole import MOVED
from holdfast.ops.metrics import Metric
from holdfast.ops.two_sample import Z90

LABELS = 100  # rows that could be labelled


class Found(NamedTuple):
    """Everything that was worked out, before it is written down."""

    metric: Metric
    training: Estimate
    answers: dict[str, Estimate]
    trials: list[Trial]
    chosen: str
    why: str
    widened: float
    chunks: list[tuple[Chunk, Estimate | None]]
    groups: list[tuple[Group, Estimate | None]]
    slices: list[tuple[Slice, Estimate | None, Estimate | None]]
    searched: int
    reach: float

    @property
    def estimate(self) -> Estimate:
        """The chosen estimator's answer, its interval stretched."""
        return stretched(self.answers[self.chosen], self.widened, self.metric)

    def worse(self, part: Estimate | None) -> bool:
        """The whole interval lies on the bad side of training's."""
        if part is None:
            return False
        better = self.metric.higher_is_better
        return part.high < self.training.low if better else part.low > self.training.high


def record(facts: Probes, found: Found, model: str, seconds: float, given: dict[str, Any]) -> dict[str, Any]:
    """The record of an estimate; its page is made of nothing else."""
    from holdfast.audit.records import to_plain
    from holdfast.audit.run import _set_record

    metric, loaded, settings = found.metric, facts["loaded"], facts["settings"]
    drop = difference(found.training, found.estimate)
    drop = drop if metric.higher_is_better else difference(found.estimate, found.training)
    tried = [
        {
            "name": name, "estimate": own, "chosen": name == found.chosen, "planted": len(found.trials),
            "planted_error": _mean_error(found.trials, name),
            "covered": float(np.mean([t.reach_needed(name) <= 1 for t in found.trials])) if found.trials else None,
        }
        for name, own in found.answers.items()
    ]  # fmt: skip
    about = {name: getattr(metric, name) for name in ("name", "label", "unit", "higher_is_better")}
    result = {
        "metric": about, "training": found.training, "estimate": found.estimate, "drop": drop, "chosen": found.chosen,
        "why": found.why, "widened": found.widened, "estimators": tried,
        "labels": {"rows": LABELS, "reach": found.reach}, "planted": _planted(found.trials),
        "chunks": [_told(part, own, found, start=part.start, end=part.end) for part, own in found.chunks],
        "groups": [_told(part, own, found, column=part.column) for part, own in found.groups],
        "slices": [_told_slice(facts, found, *one) for one in found.slices], "searched": found.searched,
    }  # fmt: skip
    plain, task = to_plain(result), facts["task"]
    verdict, tone = verdict_of(plain)
    methods = ["estimation.RegressionLossEstimate"] if task.kind == "regression" else METHODS
    return {
        "schema": "holdfast/estimate/1", "verdict": verdict, "tone": tone,
        "task": {"kind": task.kind, "target": task.target, "classes": list(task.classes)},
        "sets": to_plain([_set_record(facts, "train"), replace(_set_record(facts, "test"), name="production")]),
        "columns": to_plain(loaded.columns), "model": {"name": model}, "result": plain, "sections": sections_of(plain),
        "settings": to_plain({key: value for key, value in {**settings.to_dict(), **given}.items() if value}),
        "left_out": _left_out(facts), "sources": to_plain(sources_of(methods)), "timings": {"total": round(seconds, 3)},
        "created": datetime.now(UTC).isoformat(timespec="seconds"), "version": holdfast.__version__,
    }  # fmt: skip


def _told(part: Chunk | Group, own: Estimate | None, found: Found, **more: str) -> dict[str, Any]:
    rows = len(part.rows) if part.size is None else part.size
    return {"label": part.label, "rows": rows, "estimate": own, "worse": found.worse(own), **more}


def _told_slice(
    facts: Probes, found: Found, part: Slice, own: Estimate | None, training: Estimate | None
) -> dict[str, Any]:
    rows, of = (len(part.rows), len(facts["test_rows"])) if part.size is None else (part.size, facts["test_set"].rows)
    shares = rows / of, len(part.train) / len(facts["train_rows"])
    told = {"production_share": shares[0], "training_share": shares[1], "training": training}
    return {"label": part.label, "rows": rows, "estimate": own, "worse": found.worse(own), **told}


def _mean_error(trials: list[Trial], name: str) -> Estimate | None:
    """The mean absolute error in the planted shifts, with its interval over shifts."""
    if not trials:
        return None
    errors = np.array([trial.error(name) for trial in trials])
    reach = Z90 * float(errors.std(ddof=1)) / len(errors) ** 0.5 if len(errors) > 1 else 0.0
    mean = float(errors.mean())
    return Estimate(mean, max(0.0, mean - reach), mean + reach, len(errors))


def _planted(trials: list[Trial]) -> list[dict[str, Any]]:
    """By kind of shift: how far it moved the metric, and how far off every estimator was."""
    kinds = dict.fromkeys(trial.shift for trial in trials)
    return [
        {
            "shift": kind,
            "draws": len(own := [trial for trial in trials if trial.shift == kind]),
            "moved": float(np.mean([abs(trial.truth - trial.before) for trial in own])),
            "errors": {name: float(np.mean([trial.error(name) for trial in own])) for name in own[0].said},
        }
        for kind in kinds
    ]


def _left_out(facts: Probes) -> list[str]:
    said = []
    for name in ("train", "test"):
        data, used = getattr(facts["loaded"], name), len(facts[f"{name}_rows"])
        rows, shown = data.rows, "production" if name == "test" else name
        if data.whole is not None:
            said.append(f"The {rows:,} {shown} rows were passed over on disk; a random {data.frame.height:,} are held.")
        if data.whole is not None and name == "test":
            said.append(
                "The estimators saw held production rows; all were scored by the model, and estimates of "
                f"{', '.join(MOVED)} are moved by what it expects of the rows that were not held. Rows of chunks, "
                "groups and slices are counted in all."
            )
        if used == facts["settings"].max_rows < rows:
            said.append(f"Models used a random {used:,} of {rows:,} {shown} rows (max_rows).")
    if facts["settings"].quick:
        said.append(
            "Quick: no shift was planted and no slice searched; the default estimator answers with its own interval."
        )
    return said
