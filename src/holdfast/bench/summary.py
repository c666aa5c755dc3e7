"""From outcomes to a record: ranking with intervals, tiers, what was chosen and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from holdfast.audit.choice import Choice
from holdfast.audit.records import to_plain
from holdfast.audit.settings import Settings
from holdfast.bench.engine import Results
from holdfast.bench.family import NONE, Family
from holdfast.bench.prior import NO_WEIGHTS, combined, shipped
from holdfast.bench.ranking import breaks_level, friedman, mean_interval, tiers
from holdfast.lazy import methods

SCHEMA = "holdfast/bench/1"
LIMITS = (
    "A choice by planting is as good as the faults planted resemble those that these data really have.",
    "Only training rows were used: split at random, again for every draw, in rows learnt from and rows met.",
)


def summarise(
    family: Family, candidates: Sequence[Choice], refused: dict[str, str], results: Results, settings: Settings
) -> dict[str, Any]:
    """Everything that the ranking says, as plain types."""
    table = _Table(family, results, settings.seed)
    failed = {c.name: reason for c in candidates if (reason := table.failure(c.name))}
    distinct, same = table.distinct([c for c in candidates if c.name not in failed])
    rows = [{**table.row(c), "same": same[c.name]} for c in distinct]
    ranked = sorted(rows, key=_order)
    table.rank(ranked)
    choices = {slot: table.choice(ranked, slot) for slot in dict.fromkeys(row["slot"] for row in ranked)}
    metric = None if settings.metric is None and not family.needs_target else settings.metric
    return to_plain({
        "schema": SCHEMA,
        "family": family.name,
        "question": family.question,
        "found": family.found,
        "larger": family.larger,
        "cost": family.cost,
        "metric": metric or "accuracy",
        "statement": _statement(family, table, ranked),
        "ranking": ranked,
        "choices": choices,
        "faults": table.faults(),
        "not_planted": results.not_planted,
        "not_applicable": {**refused, **failed},
        "limits": (*LIMITS, *family.limits),
    })  # fmt: skip


def _order(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["slot"], bool(row["mark"]), -row["signed"], row["seconds"], row["name"]


class _Table:
    """Outcomes by candidate and planting."""

    def __init__(self, family: Family, results: Results, seed: int) -> None:
        self.family, self.results, self.seed = family, results, seed
        self.planted = [i for i, planting in enumerate(results.plantings) if planting.fault != NONE]
        self.untouched = [i for i, planting in enumerate(results.plantings) if planting.fault == NONE]
        self.cells = [results.plantings[i].cell for i in self.planted]
        self.sign = 1 if family.larger else -1

    def failure(self, name: str) -> str:
        """Why a candidate could not answer everywhere, if it could not."""
        reasons = [outcome[name]["failed"] for outcome in self.results.outcomes if "failed" in outcome[name]]
        return f"failed on {len(reasons)} of {len(self.results.outcomes)} plantings: {reasons[0]}" if reasons else ""

    def distinct(self, candidates: list[Choice]) -> tuple[list[Choice], dict[str, list[str]]]:
        """One of those settings of a method that gave the same on every planting, the first; and the names of the rest.

        With two classes, for instance, some scores rank the rows alike.
        """
        known: dict[tuple[Any, ...], Choice] = {}
        same: dict[str, list[str]] = {}
        everywhere = list(range(len(self.results.outcomes)))
        for candidate in candidates:
            found = self.values(candidate.name, "found", everywhere)
            first = known.setdefault((candidate.method, candidate.view, found.tobytes()), candidate)
            if first is candidate:
                same[candidate.name] = []
            else:
                same[first.name].append(candidate.name)
        return list(known.values()), same

    def values(self, name: str, key: str, where: list[int] | None = None) -> np.ndarray:
        """One number per planting; NaN where it is not known."""
        rows = [self.results.outcomes[i][name] for i in (self.planted if where is None else where)]
        return np.array([np.nan if row.get(key) is None else row[key] for row in rows], dtype=float)

    def row(self, candidate: Choice) -> dict[str, Any]:
        """What is said about one candidate."""
        name = candidate.name
        found, cost = self.values(name, "found"), self.values(name, "cost")
        alarms = self.values(name, "found", self.untouched)
        known = {"found", "cost", "seconds", "peak", "false alarm"}
        extras = sorted({key for i in self.planted for key in self.results.outcomes[i][name]} - known)
        seconds = self.values(name, "seconds", list(range(len(self.results.outcomes))))
        peaks = [outcome[name]["peak"] for outcome in self.results.outcomes if "peak" in outcome[name]]
        mark = ""
        if len(alarms) and breaks_level(int(alarms.sum()), len(alarms)):
            mark = f"false alarms in {int(alarms.sum())} of {len(alarms)} draws where nothing was planted"
        return {
            **candidate.to_dict(),
            "slot": candidate.slot,
            "default": self.family.defaults.get(candidate.slot) == name,
            "signed": self.sign * float(np.nanmean(found)),
            "found": mean_interval(found, self.cells, self.seed),
            "cost": mean_interval(cost, self.cells, self.seed) if np.isfinite(cost).any() else None,
            "by_fault": self._by_fault(found),
            "extras": {key: float(np.nanmean(self.values(name, key))) for key in extras},
            "false_alarms": {"alarms": int(alarms.sum()), "draws": len(alarms)} if len(alarms) else None,
            "seconds": float(np.median(seconds)),
            "peak_mb": max(peaks) / 2**20 if peaks else None,
            "mark": mark,
        }

    def _by_fault(self, found: np.ndarray) -> dict[str, float]:
        names = [self.results.plantings[i].fault for i in self.planted]
        return {name: float(found[[n == name for n in names]].mean()) for name in dict.fromkeys(names)}

    def rank(self, ranked: list[dict[str, Any]]) -> None:
        """Rank and tier of every row, within its slot; those that break their level come last, in no tier."""
        for slot in dict.fromkeys(row["slot"] for row in ranked):
            rows = [row for row in ranked if row["slot"] == slot]
            fine = [row for row in rows if not row["mark"]]
            level = tiers(self.signed(fine)) if fine else []
            for place, row in enumerate(rows):
                row["rank"] = place + 1
                row["tier"] = level[place] if place < len(fine) else None

    def signed(self, rows: list[dict[str, Any]]) -> np.ndarray:
        """(methods, plantings), larger = better."""
        return np.array([self.sign * self.values(row["name"], "found") for row in rows])

    def choice(self, ranked: list[dict[str, Any]], slot: str) -> dict[str, Any]:
        """The method of a slot by what was planted here and by the prior, with what it gains over the default."""
        rows = [row for row in ranked if row["slot"] == slot]
        known = shipped(self.family.name)
        fine = [row for row in rows if not row["mark"]]
        if self.family.name == "weighting":
            fine = [*fine, {**rows[0], "name": NO_WEIGHTS, "signed": 0.0, "same": []}]
        best = self._best(fine, known) or rows[0]
        about = {"first": rows[0]["name"], "weight": known["weight"], "sets": known["sets"], "tied": [], "gain": None}
        default = next((row for row in rows if row["default"]), None)
        about["default"] = "" if default is None else default["name"]
        why = "no weights make the model better on shifts like those planted" if best["name"] == NO_WEIGHTS else ""
        why = "every method breaks its level on these data" if best["mark"] else why
        if why:
            none: dict[str, Any] = {
                "name": "none",
                "method": "",
                "settings": {},
                "view": "",
                "found": None,
                "cost": None,
            }
            return {**about, **none, "why": why}
        if default is not None and default is not best:
            gaps = self.sign * (self.values(best["name"], "found") - self.values(default["name"], "found"))
            about["gain"] = mean_interval(gaps, self.cells, self.seed)
        about["tied"] = [row["name"] for row in rows if row["tier"] == best["tier"] and row is not best]
        chosen = {key: best[key] for key in ("name", "method", "settings", "view", "found", "cost")}
        return {**about, **chosen, "why": why}

    def _best(self, rows: list[dict[str, Any]], known: dict[str, Any]) -> dict[str, Any] | None:
        """By a weighted mean of what was planted here and of the prior; a method without a prior counts as average."""
        if not rows:
            return None
        prior = np.array([_prior(row, known["prior"]) for row in rows])
        prior = np.where(np.isnan(prior), np.nanmean(prior) if np.isfinite(prior).any() else 0.0, prior)
        weight = known["weight"] if known["prior"] else 1.0
        return rows[int(combined([row["signed"] for row in rows], prior - prior.mean(), weight).argmax())]

    def faults(self) -> list[dict[str, Any]]:
        """What was planted: fault, strength, unit, how often, and how much came to stand in the data."""
        rows = []
        for cell in dict.fromkeys(self.cells):
            where = [i for i in self.planted if self.results.plantings[i].cell == cell]
            planting = self.results.plantings[where[0]]
            unit = methods("faults")[f"faults.{planting.fault}"].unit
            amount = float(np.mean([self.results.amounts[i] for i in where]))
            rows.append({"fault": planting.fault, "strength": planting.strength, "unit": unit, "draws": len(where),
                         "amount": amount})  # fmt: skip
        return rows


def _prior(row: dict[str, Any], prior: dict[str, float]) -> float:
    """What other data sets say about a method, or about a setting that gave the same here."""
    return next((prior[name] for name in (row["name"], *row["same"]) if name in prior), float("nan"))


def _statement(family: Family, table: _Table, ranked: list[dict[str, Any]]) -> list[str]:
    """What can be said, and what cannot be told apart, a sentence or two for each choice."""
    said = []
    for slot in dict.fromkeys(row["slot"] for row in ranked):
        rows = [row for row in ranked if row["slot"] == slot]
        of = "" if slot == family.name else f"Of the tests of {slot}: "
        fine = [row for row in rows if not row["mark"]]
        if not fine:
            said.append(f"{of}{'every' if of else 'Every'} method breaks its level.")
            continue
        tied = [row["name"] for row in fine if row["tier"] == 1]
        n = len(table.planted)
        if len(fine) == 1:
            said.append(f"{of}{'only' if of else 'Only'} {fine[0]['name']} applies.")
        elif len(tied) == 1:
            said.append(f"{of}{tied[0]} is better than each of the other {len(fine) - 1} (Wilcoxon's signed-rank test "
                        f"over {n} plantings, Holm-corrected).")  # fmt: skip
        else:
            others = len(fine) - len(tied)
            these = "these" if of else "These"
            said.append(f"{of}{these} {len(tied)} cannot be told apart over {n} plantings: {'; '.join(tied)}."
                        + (f" They are better than the other {others}." if others else ""))  # fmt: skip
        overall = friedman(table.signed(fine))
        if overall is not None and overall >= 0.05:
            said[-1] += f" Friedman's test does not even tell the methods apart as a whole (p = {overall:.2g})."
        marked = [row["name"] for row in rows if row["mark"]]
        if marked:
            said.append(f"{of}{'ranked' if of else 'Ranked'} last for false alarms: {'; '.join(marked)}.")
    return said
