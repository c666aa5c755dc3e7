"""What other data sets say about a family's methods, and how much weight it has beside what planting says on these.

A bench on one data set ranks methods on a few plantings of a few faults: the first of many is partly the luckiest. On
21 other data sets the same methods were judged on other faults (benchmarks/choice_by_planting.py). Both are taken as
differences from the mean of all methods, and weighed:

    value = weight * planted here + (1 - weight) * mean over the other data sets

The weight is the one with which choices on those data sets came out best, each made without the set in question.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

WEIGHTS = (0.0, 0.125, 0.25, 0.5, 0.75, 1.0)
NO_WEIGHTS = "no weights"  # the choice to weigh no rows
FILE = Path(__file__).parent / "prior.json"


def prior_of(worth: Sequence[np.ndarray]) -> np.ndarray:
    """(c,) the mean over data sets of what each method was worth, less the mean of all methods.

    >>> prior_of([np.array([0.5, 0.7]), np.array([0.1, 0.5])]).round(2).tolist()
    [-0.15, 0.15]
    """
    return np.mean([values - values.mean() for values in worth], axis=0)


def combined(planted: Sequence[float] | np.ndarray, prior: np.ndarray, weight: float) -> np.ndarray:
    """(c,) the values by which a method is chosen.

    >>> combined([0.8, 0.6], np.array([-0.15, 0.15]), 0.5).round(3).tolist()
    [-0.025, 0.025]
    """
    planted = np.asarray(planted, dtype=float)
    return weight * (planted - planted.mean()) + (1 - weight) * prior


def fitted_weight(planted: Mapping[str, Sequence[float]], worth: Mapping[str, np.ndarray]) -> float:
    """The weight of planting whose choices are worth most over the data sets, each left out of its own prior.

    Of weights that are worth the same the middle one is taken.
    """
    gains = np.zeros(len(WEIGHTS))
    for key in worth:
        prior = prior_of([values for other, values in worth.items() if other != key])
        picks = [int(combined(planted[key], prior, weight).argmax()) for weight in WEIGHTS]
        gains += worth[key][picks]
    best = np.flatnonzero(gains >= gains.max() - 1e-9)
    return WEIGHTS[int(best[len(best) // 2])]


@cache
def shipped(family: str) -> dict[str, Any]:
    """What the record of the benchmark says about a family: `{"weight", "sets", "prior": {name: value}}`."""
    known: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    entry: dict[str, Any] = known["families"].get(family, {"weight": 1.0, "sets": 0, "prior": {}})
    return entry
