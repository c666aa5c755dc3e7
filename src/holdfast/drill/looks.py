"""Looks: what is asked of a check about tables with a fault, without one, or dealt anew, in which order, until when."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

from holdfast.audit.check import Check, NotApplicable, Skipped
from holdfast.audit.journal import Journal
from holdfast.audit.planting import Base, trial
from holdfast.audit.power import Rule, fault_named, next_strength, plant_draw
from holdfast.audit.run import run_check
from holdfast.audit.settings import Settings
from holdfast.drill.ground import UNTOUCHED, Ground
from holdfast.drill.plan import Pair, pairs_of, rows_to_ask, sizes_of
from holdfast.faults._tables import CannotPlant

Progress = Callable[[str, int, int], None]
USUAL = 25  # looks that a pair takes


class Looks:
    """All looks of one drill. Their order depends on what was seen and on nothing else: a resumed run takes the same.

    `pairs` is known once the untouched tables and the deals have been looked at.
    """

    def __init__(
        self, ground: Ground, settings: Settings, picked: list[type[Check]], faults: list[str], draws: int,
        journal: Journal,
    ) -> None:  # fmt: skip
        self.ground, self.settings, self.picked, self.faults, self.draws = ground, settings, picked, faults, draws
        self.entries, self.journal = journal.entries, journal
        self.rule = Rule(low=0.7, high=0.9, error=0.05, most=draws)
        self.pairs: list[Pair] = []

    def take(self, tell: Progress, deadline: float | None) -> bool:
        """Look until nothing is left to be seen, or until the deadline: whether all was seen."""
        for done, about in enumerate(self._due()):
            tell(f"drilling {about}", done, done + self._left())
            if deadline is not None and time.perf_counter() > deadline:
                return False
        tell("drilling", 1, 1)
        return True

    def _due(self) -> Iterator[str]:
        """Names each look that is not in the journal; it is taken when the next name is asked for."""
        for check in self.picked:
            for most in sizes_of(check, self.faults, self.ground, self.settings.max_rows):
                yield from self._asked(check, UNTOUCHED, most)
        for deal in range(self.draws):
            for check in (check for check in self.picked if is_dealt(check)):
                yield from self._asked(check, deal, rows_to_ask(check, self.settings.max_rows))
        self.pairs = [pair for check in self.picked for pair in self._pairs_of(check)]
        groups: dict[tuple[str, int, int], list[Pair]] = defaultdict(list)
        for pair in self.pairs:
            if not pair.reason:
                groups[pair.fault, pair.deal, pair.most].append(pair)
        for group in groups.values():
            yield from self._planted(group)

    def _left(self) -> int:
        """About how many looks are still to come."""
        if self.pairs:
            return sum(USUAL for pair in self.pairs if not pair.reason and self._next(pair) is not None) or 1
        return (self.draws + 1) * sum(map(is_dealt, self.picked)) + USUAL * sum(
            len(check.faults) for check in self.picked
        )

    # --- tables without a planted fault ------------------------------------------------------------------------
    def _asked(self, check: type[Check], deal: int, most: int) -> Iterator[str]:
        key = asked_key(check.code, deal, most)
        if key in self.entries:
            return
        yield f"{check.title}, nothing planted"
        finding = run_check(check(), self.ground.base(deal, most).facts)
        seen = {"outcome": finding.outcome, "reason": finding.reason, "summary": finding.summary}
        self.journal.add(key, {**seen, "names_rows": finding.rows is not None, "seconds": round(finding.seconds, 3)})

    def _pairs_of(self, check: type[Check]) -> list[Pair]:
        most = self.settings.max_rows
        sizes = sizes_of(check, self.faults, self.ground, most)
        outcome = {size: self.entries[asked_key(check.code, UNTOUCHED, size)] for size in sizes}
        asked = rows_to_ask(check, most)
        dealt = range(self.draws if is_dealt(check) else 0)
        deals = [self.entries[asked_key(check.code, deal, asked)]["outcome"] for deal in dealt]
        clear = deals.index("clear") if "clear" in deals else UNTOUCHED
        return pairs_of(check, self.faults, self.ground, most, outcome, clear)

    # --- planted faults ----------------------------------------------------------------------------------------
    def _planted(self, group: list[Pair]) -> Iterator[str]:
        """One planting serves every check that waits for the same strength and draw."""
        by_code = {check.code: check for check in self.picked}
        fault, base = fault_named(group[0].fault), None
        while wanted := {pair: due for pair in group if (due := self._next(pair)) is not None}:
            strength, draw = next(iter(wanted.values()))
            yield f"{group[0].fault} at {strength:g}"
            base = base or self._known(group, by_code)
            waiting = [pair for pair, due in wanted.items() if due == (strength, draw)]
            try:
                facts, truth = plant_draw(base, fault, strength, self.settings.seed, draw)
            except CannotPlant as problem:
                self._leave_out(waiting, str(problem).rstrip("."))
                group = [pair for pair in group if pair not in waiting]
                continue
            for pair in waiting:
                started = time.perf_counter()
                seen = asdict(trial(by_code[pair.check], facts, truth, base, pair.by_rows))
                seen["seconds"] = round(time.perf_counter() - started, 3)
                self.journal.add(planted_key(pair, strength, draw), seen)

    def _leave_out(self, pairs: list[Pair], reason: str) -> None:
        self.pairs = [replace(pair, reason=reason) if pair in pairs else pair for pair in self.pairs]

    def _known(self, group: list[Pair], by_code: dict[str, type[Check]]) -> Base:
        """What a group is planted in, with every fact that its checks read: copies keep what the fault leaves alone."""
        base = self.ground.base(group[0].deal, group[0].most)
        for pair in group:
            with suppress(NotApplicable, Skipped):
                base.facts.of(by_code[pair.check]().run)
        return base

    def _next(self, pair: Pair) -> tuple[float, int] | None:
        """The strength and number of the next planting for a pair."""
        counts = {
            strength: (sum(seen["found"] for seen in trials), len(trials))
            for strength, trials in trials_of(pair, self.entries, self.rule).items()
        }
        strength = next_strength(fault_named(pair.fault).strengths, counts, self.rule)
        return None if strength is None else (strength, counts.get(strength, (0, 0))[1])


def is_dealt(check: type[Check]) -> bool:
    """Whether a check is asked about rows dealt anew: where its alarms are false then, or its power is measured."""
    return check.false_when_dealt or bool(check.faults)


def asked_key(code: str, deal: int, most: int) -> str:
    """Where the journal keeps what a check said of tables in which nothing was planted."""
    return f"asked|{code}|{deal}|{most}"


def planted_key(pair: Pair, strength: float, draw: int) -> str:
    """Where the journal keeps what a check said of one planted copy."""
    return f"planted|{pair.fault}|{pair.check}|{pair.deal}|{pair.most}|{strength!r}|{draw}"


def trials_of(pair: Pair, entries: dict[str, dict[str, Any]], rule: Rule) -> dict[float, list[dict[str, Any]]]:
    """What was seen of a pair, by strength, in the order of the draws, up to the draw that decided."""
    seen: dict[float, list[dict[str, Any]]] = {}
    for strength in fault_named(pair.fault).strengths:
        trials: list[dict[str, Any]] = []
        while (key := planted_key(pair, strength, len(trials))) in entries and rule.decide(*_counts(trials)) is None:
            trials.append(entries[key])
        if trials:
            seen[strength] = trials
    return seen


def _counts(trials: list[dict[str, Any]]) -> tuple[int, int]:
    return sum(seen["found"] for seen in trials), len(trials)
