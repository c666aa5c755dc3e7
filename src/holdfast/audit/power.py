"""The power of an all-clear: the smallest planted fault that the check would have found on this data.

Power grows with the strength of a fault, so that strengths are bisected; and at each strength as many copies are
planted as a sequential test needs to decide (Wald's, 1945). Large tables are planted in at a random part of their
rows; how many looks there are depends on the data alone, never on the clock.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

import holdfast.faults
from holdfast.audit.check import Check, NotApplicable, Skipped, checks
from holdfast.audit.kept import open_kept, power_of_entry
from holdfast.audit.planting import Base, planted_facts, sampled, tables_of, trial
from holdfast.audit.probes import Probes, derived_from
from holdfast.audit.records import Finding, Power, to_plain
from holdfast.core import Fault
from holdfast.faults._pixels import PictureFault
from holdfast.faults._tables import CannotPlant, Tables, Truth

WANTED = 0.8
REDRAWS = 10  # of a copy whose draw of a column or a class has no place for the fault
MOST_ROWS = 5_000  # of each set, planted in where nothing is fitted again
REFIT_ROWS = 1_000  # the same where every copy asks for new fits
PICTURES = 300  # the same where every copy has new pictures
REFIT_CELLS = 60_000  # rows x columns x classes that such fits see at most
MOST_COLUMNS = 1_000  # with more, one look takes seconds, and a power takes dozens
FEW = 20  # pictures that show whether they can be read
LEAST_ROWS = 200  # fewer rows than this stand for nothing: power is not measured
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Rule:
    """When enough copies were planted at one strength, by the sequential probability ratio test.

    A strength that is found with probability `high` is taken for missed, and one found with probability `low` for
    found, in at most a share `error` of cases. After `most` copies the rate decides.

    >>> rule = Rule(low=0.6, high=0.9, error=0.1, most=20)
    >>> [rule.decide(*counts) for counts in ((5, 5), (6, 6), (0, 1), (0, 2), (15, 20), (16, 20))]
    [None, True, None, False, False, True]
    """

    low: float = 0.6
    high: float = 0.9
    error: float = 0.1
    most: int = 20

    def decide(self, hits: int, draws: int) -> bool | None:
        """Found often enough, or not, or nothing to be said yet."""
        if draws >= self.most:
            return hits >= WANTED * draws
        step, back = math.log(self.high / self.low), math.log((1 - self.high) / (1 - self.low))
        score, bound = hits * step + (draws - hits) * back, math.log((1 - self.error) / self.error)
        return None if abs(score) < bound else score > 0


Counts = Mapping[float, tuple[int, int]]  # strength -> (found, draws)


def next_strength(strengths: tuple[float, ...], counts: Counts, rule: Rule) -> float | None:
    """The strength to plant next, None where the smallest is known: bisection between the missed and the found.

    >>> next_strength((0.1, 0.2, 0.5), {0.2: (6, 6)}, Rule())
    0.1
    """
    missed, found = _bracket(strengths, counts, rule)
    if found - missed == 1:
        return None
    return strengths[(missed + found) // 2]


def smallest_found(strengths: tuple[float, ...], counts: Counts, rule: Rule) -> float | None:
    """The smallest strength that is found often enough; None where even the largest is missed.

    >>> smallest_found((0.1, 0.2, 0.5), {0.1: (0, 2), 0.2: (6, 6)}, Rule())
    0.2
    """
    found = _bracket(strengths, counts, rule)[1]
    return strengths[found] if found < len(strengths) else None


def _bracket(strengths: tuple[float, ...], counts: Counts, rule: Rule) -> tuple[int, int]:
    """Places of the largest strength that is missed and of the smallest that is found, as bisection went."""
    missed, found = -1, len(strengths)
    while found - missed > 1:
        middle = (missed + found) // 2
        verdict = rule.decide(*counts.get(strengths[middle], (0, 0)))
        if verdict is None:
            break
        missed, found = (missed, middle) if verdict else (middle, found)
    return missed, found


def fault_named(name: str) -> Fault:
    """The fault of a class name, at its defaults."""
    made: Fault = getattr(holdfast.faults, name)()
    return made


# --- all-clears of an audit --------------------------------------------------------------------------------------
def measure_power(
    findings: list[Finding], facts: Probes, tell: Tell, cache: Path | str | None = None
) -> tuple[list[Finding], list[str]]:
    """Every all-clear with the power it had; and in words what was sampled, and why some could not be measured.

    `cache` is a folder in which powers are kept for the next audit of the same data (`kept`).
    """
    by_code = {check.code: check for check in checks()}
    due = [finding.code for finding in findings if finding.outcome == "clear"]
    due.sort(key=lambda code: by_code[code].faults)  # checks of one fault follow each other and share its copies
    if not due:
        return findings, []
    bases, known = _Bases(facts), open_kept(cache, facts)
    try:
        for done, code in enumerate(due):
            tell("measuring power", done, len(due))
            if code not in known.entries:
                known.add(code, _entry(by_code[code], bases))
    finally:
        known.close()
    tell("measuring power", len(due), len(due))
    entries = {code: known.entries[code] for code in due}
    measured = {code: power for code, entry in entries.items() if (power := power_of_entry(entry))}
    findings = [replace(f, power=measured[f.code]) if f.code in measured else f for f in findings]
    return findings, [*_sampled(entries), *_unmeasured(entries)]


def _entry(check: type[Check], bases: _Bases) -> dict[str, Any]:
    """What is kept of one check: its power or the reason why there is none, and of how many rows where not of all."""
    try:
        power, rows = power_of(check, bases), bases.rows_of(check)
        return {"power": to_plain(power), "reason": "", "rows": rows}
    except (CannotPlant, NotApplicable, Skipped) as problem:
        return {"power": None, "reason": str(problem).rstrip("."), "rows": bases.rows_of(check)}


def _sampled(entries: dict[str, dict[str, Any]]) -> list[str]:
    """What was planted in a part of the rows."""
    codes: dict[int, list[str]] = {}
    for code, entry in entries.items():
        if entry["rows"] is not None:
            codes.setdefault(entry["rows"], []).append(code)
    return [
        f"The power of {', '.join(some)} was measured on {rows:,} random training rows." for rows, some in codes.items()
    ]


def _unmeasured(entries: dict[str, dict[str, Any]]) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for code, entry in entries.items():
        if entry["reason"]:
            reasons.setdefault(entry["reason"], []).append(code)
    listed = "; ".join(f"{', '.join(codes)}: {reason}" for reason, codes in reasons.items())
    return [f"The power of these all-clears was not measured. {listed}."] if listed else []


class _Bases:
    """What to plant in: as many rows as the check can be asked about often, and their facts, shared by all checks."""

    def __init__(self, facts: Probes) -> None:
        self.facts = facts
        self._known: dict[int, Base] = {}
        self._used: dict[str, int] = {}
        self._planted: dict[tuple[float, int], tuple[Probes, Truth]] = {}
        self._of: tuple[type[Fault], Base] | None = None

    def of(self, check: type[Check], fault: Fault) -> Base:
        tables = tables_of(self.facts["loaded"])
        if len(tables.kinds) > MOST_COLUMNS:
            raise Skipped("so wide a table is too slow to look at again and again; `holdfast drill` takes the time")
        most = MOST_ROWS
        if refits(check, fault, tables):
            width = len(tables.kinds) * max(len(self.facts["task"].classes), 1)
            most = min(PICTURES if isinstance(fault, PictureFault) else REFIT_ROWS, REFIT_CELLS // max(width, 1))
        if most < LEAST_ROWS and tables.train.height > most:
            raise Skipped("fits of so wide a table are too slow to be repeated; `holdfast drill` takes the time")
        if most not in self._known:
            self._known[most] = sampled(self.facts, most, self.facts["settings"].seed)
        if self._known[most].facts is not self.facts:
            self._used[check.code] = self._known[most].rows["train"]
        return self._known[most]

    def planted(self, fault: Fault, base: Base, strength: float, draw: int) -> tuple[Probes, Truth]:
        """The copy of that number, with the facts that earlier checks asked it for; of one fault and base at a time.

        Copies with pictures of their own are not kept: they would fill the disk.
        """
        seed = self.facts["settings"].seed
        if isinstance(fault, PictureFault):
            return plant_draw(base, fault, strength, seed, draw)
        if self._of != (type(fault), base):
            self._planted, self._of = {}, (type(fault), base)
        if (strength, draw) not in self._planted:
            self._planted[strength, draw] = plant_draw(base, fault, strength, seed, draw)
        return self._planted[strength, draw]

    def rows_of(self, check: type[Check]) -> int | None:
        """How many random training rows the check was asked about; None where all."""
        return self._used.get(check.code)


def refits(check: type[Check], fault: Fault, tables: Tables) -> bool:
    """Whether a planted copy is dear: models are fitted again, for the check or for changed training rows, or it has
    pictures of its own.

    Raises `CannotPlant` where the fault has no place in the tables.
    """
    if isinstance(fault, PictureFault):
        few = replace(tables, train=tables.train.head(FEW), test=None if tables.test is None else tables.test.head(FEW))
        with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
            _planted_last(fault, replace(few, pictures=folder))
        return True
    planted = _planted_last(fault, tables)
    is_fitted_on = "model" in derived_from(signature(check.run).parameters)
    return check.fits or (is_fitted_on and planted.train is not tables.train)


def _planted_last(fault: Fault, tables: Tables) -> Tables:
    planted: Tables = fault.plant(tables, fault.strengths[-1], np.random.default_rng(0))[0]  # type: ignore[attr-defined]
    return planted


def power_of(check: type[Check], bases: _Bases, rule: Rule = Rule()) -> Power:
    """Bisect the strengths of the check's first fault. Raises `CannotPlant` or `Skipped` with the reason."""
    if not check.faults:
        raise Skipped(check.unplantable or "no fault of this kind is planted")
    fault, base = _first_that_fits(check, bases)
    if base.facts is not bases.facts and _outcome(check, base) != "clear":
        raise Skipped("not clear on the random part of the rows in which faults are planted")
    counts: dict[float, tuple[int, int]] = {}
    while (strength := next_strength(fault.strengths, counts, rule)) is not None:
        hits, draws = counts.get(strength, (0, 0))
        seen = trial(check, *bases.planted(fault, base, strength, draws), base)
        counts[strength] = hits + seen.found, draws + 1
    curve = tuple((strength, hits / draws, draws) for strength, (hits, draws) in sorted(counts.items()))
    smallest = smallest_found(fault.strengths, counts, rule)
    return Power(in_words(fault), fault.unit, smallest, WANTED, curve)


def _first_that_fits(check: type[Check], bases: _Bases) -> tuple[Fault, Base]:
    """The first fault of the check that has a place in this data, and what to plant it in."""
    reasons = []
    for name in check.faults:
        fault = fault_named(name)
        try:
            return fault, bases.of(check, fault)
        except CannotPlant as problem:
            reasons.append(problem)
    raise reasons[0]


def _outcome(check: type[Check], base: Base) -> str:
    from holdfast.audit.run import run_check

    return run_check(check(), base.facts).outcome


def plant_draw(base: Base, fault: Fault, strength: float, seed: int, draw: int) -> tuple[Probes, Truth]:
    """The copy of that number. Where it finds no place it is drawn again: another column or class may have one.

    Raises `CannotPlant` where none of `REDRAWS` does.
    """
    for again in range(REDRAWS):
        try:
            return planted_facts(base, fault, strength, _stream(seed, fault, strength, draw, again))
        except CannotPlant as reason:
            problem = reason
    raise problem


def _stream(seed: int, fault: Fault, strength: float, draw: int, again: int) -> np.random.Generator:
    """The random stream of one planting: of its own, so that what looks for the fault knows nothing of it."""
    from hashlib import blake2b

    name = f"{type(fault).__name__} {strength!r}".encode()
    words = [seed, 99, int.from_bytes(blake2b(name, digest_size=6).digest()), draw]
    return np.random.default_rng([*words, again] if again else words)


def in_words(fault: Fault) -> str:
    """The first line of the fault's page, to stand in a sentence."""
    line = (type(fault).__doc__ or "").strip().splitlines()[0].partition(":")[0].rstrip(".")
    return line[:1].lower() + line[1:]
