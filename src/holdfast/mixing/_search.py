"""What the mixers of runs share: one order of the groups, candidate mixtures, and what a search over them leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Found(NamedTuple):
    """The best mixture of a search with the range of best mixtures over draws, and the mixture to run next."""

    best: np.ndarray
    low: np.ndarray
    high: np.ndarray
    next_run: np.ndarray


def canonical(sizes: np.ndarray, proportions: np.ndarray) -> np.ndarray:
    """An order of the groups that does not depend on the order in which they were given."""
    return np.lexsort([*proportions, sizes])


def candidates(sizes: np.ndarray, proportions: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """(draws, m) mixtures: Dirichlet around the natural shares, from nearly one group to nearly the shares themselves.

    Half of them are mixed with a run that was made, so that the search also looks where runs were.
    """
    natural = (sizes + 1e-12) / (sizes.sum() + 1e-12 * len(sizes))
    strength = np.exp(rng.uniform(np.log(0.1), np.log(5.0), (draws, 1))) * len(sizes)
    drawn = rng.standard_gamma(np.maximum(strength * natural, 1e-3))
    drawn /= np.maximum(drawn.sum(axis=1, keepdims=True), 1e-300)
    drawn[drawn.sum(axis=1) < 0.5] = natural  # all gammas were 0
    share = np.where(rng.random((draws, 1)) < 0.5, rng.random((draws, 1)), 0.0)
    mixed = share * proportions[rng.integers(len(proportions), size=draws)] + (1 - share) * drawn
    return mixed / mixed.sum(axis=1, keepdims=True)


def best_mean(mixtures: np.ndarray, losses: np.ndarray, top: int) -> np.ndarray:
    """The mean of the `top` mixtures with the lowest losses."""
    best = mixtures[np.argsort(losses, kind="stable")[: max(top, 1)]].mean(axis=0)
    return best / best.sum()


def folds(n: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """The fold of every run; refuses too few runs."""
    if n < 2 * count:
        raise ValueError(f"proportions holds {n} runs; expected at least {2 * count}, two a fold.")
    return rng.permutation(n) % count


def inside(mixture: np.ndarray, proportions: np.ndarray, slack: float = 0.02) -> bool:
    """Whether every share of a mixture lies between the smallest and the largest that any run has tried."""
    low, high = proportions.min(axis=0) - slack, proportions.max(axis=0) + slack
    return bool(((low <= mixture) & (mixture <= high)).all())


def conformal_reach(residuals: np.ndarray, level: float = 0.9) -> float:
    """How far off held-out predictions were, with the correction for few runs of split conformal prediction."""
    n = len(residuals)
    place = min(int(np.ceil(level * (n + 1))), n)
    return float(np.sort(np.abs(residuals))[place - 1])


def reordered(order: np.ndarray, found: Found) -> Found:
    """Back in the order in which the groups were given."""
    back = np.argsort(order)
    return Found(*(part[back] for part in found))


def keep(mixer: Any, found: Found, predict: Callable[[np.ndarray], tuple[np.ndarray, float]], runs: int) -> np.ndarray:
    """Leave on a mixer what came out of a search; the best mixture."""
    from holdfast.core import Estimate

    value, reach = predict(found.best[None])
    mixer.low_, mixer.high_, mixer.next_run_ = found.low, found.high, found.next_run
    mixer.predicted_loss_ = Estimate(float(value[0]), float(value[0]) - reach, float(value[0]) + reach, runs)
    return found.best
