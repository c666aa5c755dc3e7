"""Plant, ask, time: every candidate on every planted copy, one line of a journal a planting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from holdfast.audit.check import NotApplicable
from holdfast.audit.choice import Choice
from holdfast.audit.journal import Journal
from holdfast.audit.load import Loaded
from holdfast.audit.planting import Base, fresh_facts, loaded_with, planted_facts
from holdfast.audit.settings import Settings
from holdfast.audit.supply import Supply
from holdfast.bench.family import NONE, Clock, Family, Planting, Scene
from holdfast.core import Fault
from holdfast.faults._tables import CannotPlant, Truth

Progress = Callable[[str, int, int], None]


@dataclass
class Results:
    """Per planting and candidate what its answer was worth; what could not be planted, and who failed, with reasons."""

    plantings: list[Planting] = field(default_factory=list)
    amounts: list[float] = field(default_factory=list)
    outcomes: list[dict[str, dict[str, Any]]] = field(default_factory=list)
    not_planted: dict[str, str] = field(default_factory=dict)


def run_plantings(
    loaded: Loaded, family: Family, faults: Sequence[tuple[Fault, tuple[float, ...]]], candidates: Sequence[Choice],
    settings: Settings, draws: int, tell: Progress, log: Journal,
) -> Results:  # fmt: skip
    """Every candidate on every planting. What the journal holds is not done again."""
    results, due = Results(), _due(family, faults, draws)
    bench = _Bench(loaded, family, candidates, settings)
    for done, (fault, planting) in enumerate(due):
        tell(f"planting {planting.fault}", done, len(due))
        if planting.fault in results.not_planted:
            continue
        if planting.key not in log.entries:
            log.add(planting.key, bench.measure(fault, planting, first=not results.plantings))
        line = log.entries[planting.key]
        if line.get("reason"):
            results.not_planted[planting.fault] = line["reason"]
            continue
        results.plantings.append(planting)
        results.amounts.append(line["amount"])
        results.outcomes.append(line["outcomes"])
    tell("planting", len(due), len(due))
    _forget(results)
    return results


def _due(
    family: Family, faults: Sequence[tuple[Fault, tuple[float, ...]]], draws: int
) -> list[tuple[Fault | None, Planting]]:
    """By draw, so that the fits of one split of the rows serve all that is planted in it."""
    due: list[tuple[Fault | None, Planting]] = []
    for draw in range(max(draws, family.untouched_draws)):
        if draw < family.untouched_draws:
            due.append((None, Planting(NONE, 0.0, draw)))
        if draw < draws:
            due += [(f, Planting(type(f).__name__, s, draw)) for f, strengths in faults for s in strengths]
    return due


def _forget(results: Results) -> None:
    """A fault that could not be planted in one draw is left out of all: every mean is over the same plantings."""
    kept = [i for i, planting in enumerate(results.plantings) if planting.fault not in results.not_planted]
    for name in ("plantings", "amounts", "outcomes"):
        setattr(results, name, [getattr(results, name)[i] for i in kept])


@dataclass
class _Bench:
    loaded: Loaded
    family: Family
    candidates: Sequence[Choice]
    settings: Settings
    _base: tuple[int, Base] | None = None

    def measure(self, fault: Fault | None, planting: Planting, first: bool) -> dict[str, Any]:
        """One planting: a line of the journal."""
        base = self.base(planting.draw)
        rng = np.random.default_rng([self.settings.seed, 31, planting.draw, *planting.cell.encode()])
        try:
            if fault is None:
                planted, truth = base.facts, Truth()
            else:
                planted, truth = planted_facts(base, fault, planting.strength, rng)
            if fault is not None and not self.family.judgeable(truth):
                return {"reason": f"it plants nothing that the bench of {self.family.name} looks for"}
            planted["train_rows"]
        except (CannotPlant, NotApplicable) as problem:
            return {"reason": str(problem)}
        supply = Supply(planted, self.family.plain)
        scene = Scene(planting, planted, base.facts, truth, supply, self.settings.seed + planting.draw)
        outcomes = {c.name: self._ask(scene, c, first) for c in self.candidates}
        return {"amount": truth.amount, "outcomes": outcomes}

    def base(self, draw: int) -> Base:
        """The untouched rows, split at random in those learnt from and those met; the last split is kept."""
        if self._base is None or self._base[0] != draw:
            frame = self.loaded.train.frame
            order = np.random.default_rng([self.settings.seed, 32, draw]).permutation(frame.height)
            cut = round(self.family.learn * frame.height)
            learn, meet = (np.sort(part) for part in (order[:cut], order[cut:]))
            part = loaded_with(self.loaded, frame[learn], frame[meet])
            self._base = draw, Base(fresh_facts(part, self.settings), learn, meet)
        return self._base[1]

    def _ask(self, scene: Scene, candidate: Choice, first: bool) -> dict[str, Any]:
        """What the answer is worth, the CPU seconds beyond the shared facts, and once the peak of its own memory."""
        known = {"seed": self.settings.seed + scene.planting.draw, "metric": self.settings.metric}
        known = {name: value for name, value in known.items() if value is not None}
        scene.clock = Clock()
        try:
            outcome = self.family.judge(scene, candidate, known)
            line: dict[str, Any] = {"found": outcome.found, "cost": outcome.cost, **outcome.extras}
            line["seconds"] = round(scene.clock.seconds, 4)
            if first:
                scene.clock = Clock(trace=True)
                self.family.judge(scene, candidate, known)
                line["peak"] = scene.clock.peak
        except (ValueError, ArithmeticError, NotApplicable) as problem:
            return {"failed": f"{problem}"[:300]}
        return line
