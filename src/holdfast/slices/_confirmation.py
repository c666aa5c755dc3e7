"""Which slices of a search are more than chance: by the other half of many rows, by shuffled losses of few.

`nominate(codes, height)` gives the slices that a search finds, best first; `highest(codes, height)` the gain of the
first. Both ways give every slice with the effect on rows that did not search and a p-value corrected for the search.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

import numpy as np

from holdfast.core import Estimate
from holdfast.ops.multiple_testing import holm
from holdfast.slices._gap import gap
from holdfast.slices._search import Candidate, inside

FOLDS = 5  # parts of few rows, each judged by slices that the others find

Nominate = Callable[[np.ndarray, np.ndarray], list[Candidate]]
Highest = Callable[[np.ndarray, np.ndarray], float]
Confirmed = list[tuple[Candidate, Estimate]]


def by_halves(codes: np.ndarray, loss: np.ndarray, height: np.ndarray, nominate: Nominate, seed: int) -> Confirmed:
    """Slices that each half finds, and how far the other half confirms them."""
    searching = np.zeros(len(codes), dtype=bool)
    searching[np.random.default_rng(seed).permutation(len(codes))[: (len(codes) + 1) // 2]] = True
    nominated, gaps = [], []
    for half in (searching, ~searching):
        found = nominate(codes[half], height[half])
        nominated += found
        gaps += _gaps([inside(codes[~half], one.conditions) for one in found], loss[~half], height[~half])
    return _judged(nominated, gaps, holm(np.array([effect.pvalue for effect in gaps])))


def by_shuffling(
    codes: np.ndarray,
    loss: np.ndarray,
    height: np.ndarray,
    nominate: Nominate,
    highest: Highest,
    level: float,
    seed: int,
) -> Confirmed:
    """Slices that all rows find, and how rarely shuffled losses have one that stands out as much."""
    found = nominate(codes, height)
    gains = np.array([one.gain for one in found])
    rng = np.random.default_rng(seed)
    most = ceil(3 / level)
    above, drawn = np.zeros(len(found)), 0
    while found and drawn < most and (1 + above[0]) / (most + 1) < level:
        above += gains <= highest(codes, rng.permutation(height))
        drawn += 1
    pvalues = np.maximum.accumulate((1 + above) / (drawn + 1))
    found = [one for one, pvalue in zip(found, pvalues, strict=True) if pvalue < level]
    return _judged(found, _effects(found, codes, loss, height, nominate, seed), pvalues[: len(found)])


def _effects(
    found: list[Candidate], codes: np.ndarray, loss: np.ndarray, height: np.ndarray, nominate: Nominate, seed: int
) -> list[Estimate]:
    """What the slices found without a row, and most like those found with it, say about the row."""
    rows = [inside(codes, one.conditions) for one in found]
    unseen = [np.zeros(len(codes), dtype=bool) for _ in found]
    folds = np.random.default_rng(seed).permutation(len(codes)) % FOLDS
    for fold in range(FOLDS) if found else ():
        seen = folds != fold
        others = [inside(codes, one.conditions) for one in nominate(codes[seen], height[seen])]
        for held, within in zip(unseen, rows, strict=True):
            like = max(others, key=lambda other: _overlap(within, other), default=np.zeros_like(seen))
            if _overlap(within, like) > 0:
                held |= like & ~seen
    return _gaps(unseen, loss, height)


def _gaps(slices: list[np.ndarray], loss: np.ndarray, height: np.ndarray) -> list[Estimate]:
    """Every slice against the rest on rows that did not choose it, without the rows of those before it."""
    left = np.ones(len(loss), dtype=bool)
    gaps = []
    for rows in slices:
        pvalue = gap(height[left], rows[left]).pvalue
        gaps.append(gap(loss[left], rows[left])._replace(pvalue=pvalue))
        left &= ~rows
    return gaps


def _judged(slices: list[Candidate], gaps: list[Estimate], pvalues: np.ndarray) -> Confirmed:
    judged = [effect._replace(pvalue=float(pvalue)) for effect, pvalue in zip(gaps, pvalues, strict=True)]
    return list(zip(slices, judged, strict=True))


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Jaccard index of two sets of rows."""
    return float((one & other).sum() / max((one | other).sum(), 1))
