"""Claims: what may be said of remedies on untouched rows. All claims are judged together, in one look.

A remedy alone was there before any untouched row was looked at, so that all of these rows may judge it, as long as the
intervals allow for every remedy that was tried. What a search put together on the rows that choose is judged by the
others alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from holdfast.core import Estimate
from holdfast.ops.metrics import Metric
from holdfast.verify.compare import LEVEL, claims_at_once, confirmed_gain, error_of_look, row_gains
from holdfast.verify.plan import Candidate
from holdfast.verify.trial import Trial


@dataclass(frozen=True)
class Claim:
    """That these remedies gain, judged by the rows at these places; `repeats` refits were made with them."""

    chosen: tuple[Candidate, ...]
    rows: np.ndarray
    repeats: int
    is_adaptive: bool = False

    def sides(self, trial: Trial) -> tuple[np.ndarray, np.ndarray]:
        """Predictions (repeats, rows, ...) without and with the remedies."""
        before, after = (trial.predictions(side, self.repeats)[:, self.rows] for side in ((), self.chosen))
        return before, after

    def gain(self, trial: Trial, metric: Metric, look: int, at_once: float) -> Estimate:
        """What the metric gains, with an interval at what this claim may err with."""
        return confirmed_gain(trial.truth[self.rows], *self.sides(trial), metric, look, at_once)


def alone(trial: Trial, candidate: Candidate, repeats: int) -> Claim:
    """A remedy by itself: all rows judge it, but for those whose labels helped to derive it."""
    every = np.arange(len(trial.truth))
    return Claim((candidate,), trial.parts.confirm if trial.derived_by_choosers(candidate) else every, repeats)


def together(trial: Trial, chosen: Sequence[Candidate]) -> Claim:
    """Remedies that the rows that choose put together."""
    return Claim(tuple(chosen), trial.parts.confirm, trial.repeats, is_adaptive=True)


def division(trial: Trial, claims: Sequence[Claim], metric: Metric, look: int) -> float:
    """By what number the error of this look is divided among the claims."""
    plain = [claim for claim in claims if not claim.is_adaptive]
    if not plain:
        return 1.0
    pulls = np.zeros((len(plain), len(trial.truth)))
    for place, claim in enumerate(plain):
        gains = row_gains(trial.truth[claim.rows], *claim.sides(trial), metric)
        pulls[place, claim.rows] = gains - gains.mean()
    return claims_at_once(pulls, (1 - LEVEL) * error_of_look(look), len(plain) < len(claims))
