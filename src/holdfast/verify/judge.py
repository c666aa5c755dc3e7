"""The judgement: one look at the rows that neither derived nor chose the remedies, and what it means in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from holdfast.audit.repair import CannotPrice
from holdfast.core import Estimate
from holdfast.ops.metrics import Metric
from holdfast.report import text
from holdfast.verify.compare import LEVEL, confirmed_gain, error_of_look, label_doubt, rows_needed, run_noise
from holdfast.verify.holdout import Guard
from holdfast.verify.plan import Candidate
from holdfast.verify.trial import Trial

TONES = {"better": "good", "no_better": "warn", "worse": "bad", "doubtful": "warn", "not_judged": "unknown"}


def judge(trial: Trial, chosen: Sequence[Candidate], guard: Guard, metric: Metric) -> dict[str, Any]:
    """Compare the chosen remedies together with none of them on the rows that confirm, at the price of one look.

    Returns outcome ("better", "no_better", "worse", "doubtful", "not_judged"), sentence, gain and what speaks for and
    against it. With nothing chosen there is nothing to look at, and no look is spent.
    """
    confirm = trial.parts.confirm
    empty: dict[str, Any] = {
        "metric": metric.name, "chosen": [one.name for one in chosen], "rows": len(confirm), "gain": None,
        "before": None, "after": None, "look": None, "level": None, "repeats": trial.repeats, "labels": None,
        "rows_needed": None, "noise": None,
    }  # fmt: skip
    if not chosen:
        return {
            **empty, "outcome": "no_better",
            "sentence": "No better: no remedy gained on the rows that choose. The data are best left as they are.",
        }  # fmt: skip
    truth = trial.truth[confirm]
    try:
        before, after = (trial.predictions(side)[:, confirm] for side in ((), chosen))
    except CannotPrice as problem:
        return {**empty, "outcome": "not_judged", "sentence": f"Not judged: {problem}."}
    look = guard.look()
    gain = confirmed_gain(truth, before, after, metric, look)
    labels = label_doubt(truth, before, after, metric, look)
    outcome = _outcome(gain, labels)
    return {
        **empty,
        "outcome": outcome,
        "sentence": _sentence(outcome, gain, metric, labels),
        "gain": gain._asdict(),
        "before": float(np.mean([metric(truth, one) for one in before])),
        "after": float(np.mean([metric(truth, one) for one in after])),
        "look": look,
        "level": 1 - (1 - LEVEL) * error_of_look(look),
        "labels": labels,
        "rows_needed": None if outcome in ("better", "worse") else rows_needed(gain),
        "noise": run_noise(truth, before, metric),
    }


def _outcome(gain: Estimate, labels: dict[str, Any] | None) -> str:
    if gain.high < 0:
        return "worse"
    if gain.low <= 0:
        return "no_better"
    return "better" if labels is None or labels["holds"] else "doubtful"


def _sentence(outcome: str, gain: Estimate, metric: Metric, labels: dict[str, Any] | None) -> str:
    plain = gain._asdict()
    amount = f"{text.gain(gain.value, metric.name)} of {metric.label} ({text.gain_span(plain, metric.name)})"
    where = f"on {gain.n:,} rows that neither derived nor chose it"
    if outcome == "better":
        return f"Better: {amount} {where}."
    if outcome == "worse":
        return f"Worse: {amount} {where}. Leave the data as they are."
    if outcome == "doubtful":
        assert labels is not None
        return (
            f"Doubtful: {amount} {where}, but not without the {labels['doubted']:,} of them whose label looks wrong. "
            "Have those labels checked."
        )
    needed = rows_needed(gain)
    more = "" if needed is None else f" A gain of this size would take about {needed:,} such rows to be seen."
    return f"No better: {amount} {where} cannot be told from none.{more}"
