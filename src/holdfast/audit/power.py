"""The power of an all-clear: the smallest planted fault that the check would have found on this data.

A check that can be asked again cheaply says how to plant its fault: `plant(strength, rng, ...)` returns changed facts,
`strengths` lists what to try from small to large, `unit` says what a strength is. Planting changes only copies, with
random streams of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from holdfast.audit.check import Check, checks
from holdfast.audit.probes import Probes
from holdfast.audit.records import Finding, Power

DRAWS = 20
WANTED = 0.8
CELLS = 400_000  # of both sets: with more, looking a hundred times takes minutes


def measure_power(findings: list[Finding], facts: Probes, tell: Callable[[str, int, int], None]) -> list[Finding]:
    """Every all-clear of a check that can plant its fault, with the power it had."""
    by_code = {check.code: check for check in checks()}
    if _cells(facts) > CELLS:
        return findings
    due = [finding for finding in findings if finding.outcome == "clear" and hasattr(by_code[finding.code], "plant")]
    measured = {}
    for done, finding in enumerate(due):
        tell("measuring power", done, len(due))
        measured[finding.code] = power_of(by_code[finding.code](), facts)
    if due:
        tell("measuring power", len(due), len(due))
    return [replace(f, power=measured[f.code]) if f.code in measured else f for f in findings]


def without_power(findings: tuple[Finding, ...]) -> list[str]:
    """Codes of the all-clears that do not say what they could have seen."""
    return [finding.code for finding in findings if finding.outcome == "clear" and finding.power is None]


def _cells(facts: Probes) -> int:
    loaded = facts["loaded"]
    return sum(data.frame.height * data.frame.width for data in (loaded.train, loaded.test) if data is not None)


def power_of(check: Check, facts: Probes, draws: int = DRAWS) -> Power:
    """Plant from small to large until a strength is found often enough."""
    plant, strengths = check.plant, check.strengths  # type: ignore[attr-defined]
    curve: list[tuple[float, float, int]] = []
    smallest = None
    for place, strength in enumerate(strengths):
        streams = [np.random.default_rng([facts["settings"].seed, 99, place, draw]) for draw in range(draws)]
        share = sum(_found(check, plant, strength, rng, facts) for rng in streams) / draws
        curve.append((float(strength), share, draws))
        if share >= WANTED:
            smallest = float(strength)
            break
    return Power(check.fault, check.unit, smallest, WANTED, tuple(curve))  # type: ignore[attr-defined]


def _found(check: Check, plant: Callable[..., dict], strength: float, rng: np.random.Generator, facts: Probes) -> bool:
    from inspect import signature

    names = [name for name in signature(plant).parameters if name not in ("strength", "rng")]
    changed = plant(strength=strength, rng=rng, **{name: facts[name] for name in names})
    planted = facts.with_facts(**changed)
    return check.run(**planted.of(check.run)).outcome == "found"
