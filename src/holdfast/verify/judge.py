"""The judgement: one look at untouched rows, and what it means in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from holdfast.audit.repair import CannotPrice
from holdfast.core import Estimate
from holdfast.ops.metrics import Metric
from holdfast.report import text
from holdfast.verify.claims import Claim, division
from holdfast.verify.compare import LEVEL, error_of_look, label_doubt, rows_needed, run_noise
from holdfast.verify.holdout import Guard
from holdfast.verify.plan import Candidate
from holdfast.verify.trial import Trial

TONES = {"better": "good", "no_better": "warn", "worse": "bad", "doubtful": "warn", "not_judged": "unknown"}


def judge(
    trial: Trial, claims: Sequence[Claim], guard: Guard, metric: Metric, hopeless: Sequence[Claim] = (),
    at_once: float | None = None,
) -> tuple[tuple[Candidate, ...], dict[str, Any]]:  # fmt: skip
    """Compare the remedies of each claim with none of them, all at the price of one look; the best claim is told.

    Returns its remedies, and outcome ("better", "no_better", "worse", "doubtful", "not_judged"), sentence, gain and
    what speaks for and against it. `hopeless` claims were tried and given up: they count, and cannot win. `at_once`
    is the division of the error where an earlier judgement fixed it. Without claims there is nothing to look at, and
    no look is spent.
    """
    empty: dict[str, Any] = {
        "metric": metric.name, "chosen": [], "rows": 0, "gain": None, "before": None, "after": None, "look": None,
        "level": None, "repeats": trial.repeats, "labels": None, "rows_needed": None, "noise": None, "tried": 0,
        "at_once": 1.0, "whole": False,
    }  # fmt: skip
    if not claims:
        return (), {
            **empty, "outcome": "no_better",
            "sentence": "No better: no remedy gained on the rows that choose. The data are best left as they are.",
        }  # fmt: skip
    try:
        for claim in claims:
            claim.sides(trial)
    except CannotPrice as problem:
        said = {"chosen": _names(claims[-1]), "outcome": "not_judged", "sentence": f"Not judged: {problem}."}
        return claims[-1].chosen, {**empty, **said}
    look = guard.look()
    shared = at_once or division(trial, [*claims, *hopeless], metric, look)
    gains = [claim.gain(trial, metric, look, shared) for claim in claims]
    best = _best(claims, gains)
    claim, gain = claims[best], gains[best]
    truth, (before, after) = trial.truth[claim.rows], claim.sides(trial)
    labels = label_doubt(truth, before, after, metric, look, shared)
    outcome, tried = _outcome(gain, labels), len(claims) + len(hopeless)
    is_whole = len(claim.rows) == len(trial.truth) and not trial.case.fresh
    where = f"on {gain.n:,} rows that neither derived nor chose it"
    if is_whole:
        where = f"on {gain.n:,} untouched rows" + (f", with {tried} claims judged together" if tried > 1 else "")
    return claim.chosen, {
        **empty,
        "chosen": _names(claim),
        "rows": len(claim.rows),
        "outcome": outcome,
        "sentence": _sentence(outcome, gain, metric, labels, where),
        "gain": gain._asdict(),
        "before": float(np.mean([metric(truth, one) for one in before])),
        "after": float(np.mean([metric(truth, one) for one in after])),
        "look": look,
        "level": 1 - (1 - LEVEL) * error_of_look(look) / shared,
        "repeats": claim.repeats,
        "labels": labels,
        "rows_needed": None if outcome in ("better", "worse") else rows_needed(gain),
        "noise": run_noise(truth, before, metric),
        "tried": tried,
        "at_once": shared,
        "whole": is_whole,
    }


def _names(claim: Claim) -> list[str]:
    return [one.name for one in claim.chosen]


def _best(claims: Sequence[Claim], gains: Sequence[Estimate]) -> int:
    """What a search put together where it is surely better, else the surest of the others, else the largest."""
    sure = [place for place, gain in enumerate(gains) if gain.low > 0]
    adaptive = [place for place in sure if claims[place].is_adaptive]
    if adaptive:
        return adaptive[0]
    if sure:
        return max(sure, key=lambda place: gains[place].low)
    return max(range(len(gains)), key=lambda place: gains[place].value)


def _outcome(gain: Estimate, labels: dict[str, Any] | None) -> str:
    if gain.high < 0:
        return "worse"
    if gain.low <= 0:
        return "no_better"
    return "better" if labels is None or labels["holds"] else "doubtful"


def _sentence(outcome: str, gain: Estimate, metric: Metric, labels: dict[str, Any] | None, where: str) -> str:
    plain = gain._asdict()
    amount = f"{text.gain(gain.value, metric.name)} of {metric.label} ({text.gain_span(plain, metric.name)})"
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
