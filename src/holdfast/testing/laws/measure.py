"""The laws of measures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from holdfast.core import Method
from holdfast.faults.worlds import World
from holdfast.testing.laws.running import DRAWS, Law, Worlds, binomial_upper, draw, fits, run


def pvalues_are_honest(cls: type[Method], worlds: Worlds) -> None:
    """With no fault, p < .05 in about 5 % of draws; p is never 0."""
    pvalues = _pvalues(cls, worlds["none"], DRAWS) if "none" in worlds and fits(cls, worlds["none"]) else None
    if pvalues is None:
        return
    alarms, most = int((pvalues < 0.05).sum()), binomial_upper(DRAWS, 0.05)
    assert alarms <= most, f"{alarms} false alarms at 5 % in {DRAWS} draws, at most {most} are chance"
    assert pvalues.min() > 0, "a p-value is 0"


def finds_the_planted_change(cls: type[Method], worlds: Worlds) -> None:
    """p < .05 in at least 8 of 10 draws of every claimed world; in at most 5 of 10 where it says it is blind."""
    for name in cls.claims:
        pvalues = _pvalues(cls, worlds[name], 10)
        assert pvalues is None or (pvalues < 0.05).sum() >= 8, f"{(pvalues < 0.05).sum()} of 10 draws found in {name!r}"
    for name in cls.blind:
        pvalues = _pvalues(cls, worlds[name], 10)
        assert pvalues is None or (pvalues < 0.05).sum() <= 5, f"{(pvalues < 0.05).sum()} of 10 found in blind {name!r}"


def intervals_cover_the_truth(cls: type[Method], worlds: Worlds) -> None:
    """Where the truth is a known number, the 90 % interval covers it in about 90 % of draws; low <= value <= high."""
    for name in cls.claims:
        if draw(worlds[name]).truth is None or not fits(cls, worlds[name]):
            continue
        draws = [draw(worlds[name], seed) for seed in range(DRAWS)]
        pairs = [(run(cls(), world), float(world.truth)) for world in draws]
        covered = sum(estimate.low <= truth <= estimate.high for estimate, truth in pairs)
        least = DRAWS - binomial_upper(DRAWS, 0.1)
        assert covered >= least, f"{covered} of {DRAWS} intervals cover the truth in {name!r}, expected about 54"
        assert all(e.low <= e.value <= e.high for e, _ in pairs), "an interval does not hold its own value"
        width = float(np.mean([e.high - e.low for e, _ in pairs]))
        spread = float(np.std([truth - e.value for e, truth in pairs]))
        assert width <= 12 * spread + 0.02 * abs(pairs[0][1]) + 1e-9, (
            f"intervals are {width:.3g} wide, errors {spread:.3g}"
        )


def _pvalues(cls: type[Method], make: Callable[[int], World], draws: int) -> np.ndarray | None:
    first = run(cls(), draw(make)).pvalue
    if first is None:
        return None
    return np.array([first, *(run(cls(), draw(make, seed)).pvalue for seed in range(1, draws))])


LAWS: tuple[Law, ...] = (
    pvalues_are_honest,
    finds_the_planted_change,
    intervals_cover_the_truth,
)
