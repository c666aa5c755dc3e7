"""What trainings by rules of mixing say: differences over seeds, which rule is told apart, tables, notes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from holdfast.core import Estimate
from holdfast.corpus.proportion_rules import TITLES, Amounts, Rule
from holdfast.corpus.proxy_training import Proxy

LEVEL = 0.9


@dataclass(frozen=True)
class Trials:
    """Losses (seeds, groups) by rule, what Aioli did with the first seed, and groups whose texts were too few."""

    given: Amounts
    losses: dict[str, np.ndarray]
    rounds: list[dict[str, Any]]
    short: list[str]

    def scores(self, name: str, wanted: bool) -> np.ndarray:
        """The mean loss of every seed, over the wanted groups or over all."""
        mask = self.given.wanted if wanted and self.given.wanted.any() else np.ones(len(self.given.names), dtype=bool)
        return self.losses[name][:, mask].mean(axis=1)


def paired(before: np.ndarray, after: np.ndarray, level: float = LEVEL) -> Estimate:
    """By how much `after` is below `before`, seed by seed, with the interval of Student's t.

    >>> found = paired(np.array([3.0, 3.2, 3.4]), np.array([2.9, 3.0, 3.1]))      # 0.2, +- 2.92 x 0.1 / sqrt(3)
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (0.2, 0.031, 0.369)
    """
    from scipy.special import stdtrit

    gain = before - after
    half = float(stdtrit(len(gain) - 1, 0.5 + level / 2)) * float(gain.std(ddof=1)) / len(gain) ** 0.5
    value = float(gain.mean())
    return Estimate(value, value - half, value + half, len(gain))


def record(trials: Trials, chosen: dict[str, Rule], settings: Proxy) -> dict[str, Any]:
    """The ranking, what is told apart, tables and notes, as plain values."""
    given, natural = trials.given, trials.scores("natural", True)
    joint = 1 - (1 - LEVEL) / max(len(chosen) - 1, 1)
    order = sorted(chosen, key=lambda name: float(trials.scores(name, True).mean()))
    best = order[0]
    ranking = [
        {
            "rule": name, "title": TITLES.get(name, name), "loss": float(trials.scores(name, True).mean()),
            "below": paired(natural, trials.scores(name, True))._asdict(),
            "over_all": paired(trials.scores("natural", False), trials.scores(name, False))._asdict(),
        }
        for name in order
    ]  # fmt: skip
    alike = [name for name in order[1:]
             if paired(trials.scores(name, True), trials.scores(best, True), joint).low <= 0]  # fmt: skip
    found = {
        "best": best, "told": "natural" not in (best, *alike), "alike": alike, "ranking": ranking,
        "wanted": [name for name, is_wanted in zip(given.names, given.wanted, strict=True) if is_wanted],
        "groups": given.names, "losses": {name: values.tolist() for name, values in trials.losses.items()},
        "rounds": trials.rounds, "seeds": len(natural), "level": LEVEL, "joint_level": joint,
    }  # fmt: skip
    verdict = _verdict(found, paired(natural, trials.scores(best, True), joint))
    return {
        "schema": "holdfast/mix-rules/1", "verdict": verdict, **found, "tables": _tables(found, trials, chosen),
        "notes": _notes(found, trials, settings),
    }  # fmt: skip


def _verdict(found: dict[str, Any], gain: Estimate) -> str:
    def titles(names: list[str]) -> str:
        return ", ".join(TITLES.get(name, name) for name in names)

    about = f"{gain.value:.3g} bits per byte below the natural mixture ({gain.low:.3g} to {gain.high:.3g})"
    if found["best"] == "natural":
        alike = f"; not told apart from it: {titles(found['alike'])}" if found["alike"] else ""
        return f"No rule is below the natural mixture{alike}."
    if not found["told"]:
        return f"No rule is told apart from the natural mixture; the lowest, {titles([found['best']])}, is {about}."
    alike = f" Not told apart from it: {titles(found['alike'])}." if found["alike"] else ""
    return f"{titles([found['best']])}: {about}.{alike}"


def _cell(given: Mapping[str, Any], rule: str) -> dict[str, float] | None:
    return None if rule == "natural" else {key: round(given[key], 4) for key in ("value", "low", "high")}


def _tables(found: dict[str, Any], trials: Trials, chosen: dict[str, Rule]) -> list[dict[str, Any]]:
    given, wanted = trials.given, bool(found["wanted"])
    head = ["rule", "loss", "below natural", *(["over all groups"] if wanted else []), *given.names]
    rows = [
        [
            about["title"], round(about["loss"], 4),
            *(_cell(about[name], about["rule"]) for name in ("below", "over_all")[: 1 + wanted]),
            *(round(float(loss), 3) for loss in trials.losses[about["rule"]].mean(axis=0)),
        ]
        for about in found["ranking"]
    ]  # fmt: skip
    what = f"of {', '.join(found['wanted'])}" if wanted else "mean over the groups"
    tables = [{"title": f"Rules by loss ({what}; bits per byte)", "head": head, "rows": rows}]
    seen = {name: (rule.overall, given.repeats(rule.overall)) for name, rule in chosen.items() if rule.phases}
    rows = [
        [TITLES.get(name, name), *(f"{share:.1%}, {often:.2g} x" for share, often in zip(*seen[name], strict=True))]
        for name in (about["rule"] for about in found["ranking"])
        if name in seen
    ]
    tables.append({"title": "Shares of the training, and how often every text is seen",
                   "head": ["rule", *given.names], "rows": rows})  # fmt: skip
    if trials.rounds:
        tables.append(_rounds_table(given, trials.rounds))
    return tables


def _rounds_table(given: Amounts, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """What Aioli set in every round of its first training."""
    rows = [
        [
            number + 1,
            *({"value": round(one["shares"][at], 3), "low": round(one["low"][at], 3), "high": round(one["high"][at], 3)}
              for at in range(len(given.names))),
            round(one["fidelity"], 2), round(one["left_out_fidelity"], 2),
            round(one["predicted"], 3), round(one["measured"], 3),
        ]
        for number, one in enumerate(rounds)
    ]  # fmt: skip
    head = ["round", *given.names, "fidelity", "left out", "predicted loss", "measured"]
    return {"title": "Aioli, first seed: the shares of every round", "head": head, "rows": rows}


def _notes(found: dict[str, Any], trials: Trials, settings: Proxy) -> list[str]:
    given = trials.given
    notes = [
        f"{found['seeds']} seeds, {settings.tokens:,} tokens each; differences are paired, with 90 % intervals over "
        f"seeds. What is told apart is so at {found['joint_level']:.1%} each, 90 % for all rules together.",
        f"Every text is repeated as often as in a training on {given.budget / given.sizes.sum():.2g} times as much as "
        "there is. A tiny model says nothing of much larger ones.",
    ]
    same: dict[str, list[str]] = {}
    for name, losses in found["losses"].items():
        same.setdefault(json.dumps(losses), []).append(TITLES.get(name, name))
    notes += [f"The same shares here: {', '.join(names)}." for names in same.values() if len(names) > 1]
    if found["rounds"] and max(one["left_out_fidelity"] for one in found["rounds"]) < 0.5:
        notes.append("Aioli's law hardly predicts parts of a round that it has not seen: its shares are mostly noise.")
    if trials.short:
        notes.append(f"Too few texts to repeat them as rarely as the real training would: {', '.join(trials.short)}.")
    return notes
