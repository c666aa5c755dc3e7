"""Clustering on difficulty: a larger model's benchmark score from item-level scores of smaller ones."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.estimation._difficulty import modes, squares, straight, through_the_corners
from holdfast.ops.curves import fitting_laws, grid_forecast

EDGE = 5e-3  # a pass rate of exactly 0 or 1 has no logarithm
SLOW = 0.1  # least exponent of a cluster that is extrapolated
BOUND = 1.0  # most irreducible loss of one
GROWTH = 0.05  # least gain in pass rate from the smallest to the largest model


class ClusteringOnDifficulty(Measure):
    r"""Predicts a benchmark's score at more compute: items of like difficulty follow one law, mixtures follow none.

    .. math:: y_k(C) = g + (1 - g) \, e^{-a_k C^{-b_k} - c_k}

    Items are clustered by their pass rates over the small models (mean shift, clusters no wider than `radius` on each
    model, of at least `least` items); clusters that do not grow, or grow without a law, are left out; the others are
    extrapolated to compute `at` (twice the largest unless given), weighted by size, and their mean is mapped to the
    full benchmark by a cubic through (0, 0) and (1, 1) that is fitted on the small models. `chance` is g, the rate of
    blind guesses. The interval adds the clusters' 90 % intervals as if they erred together, and reaches as far as a
    straight map would: what the left-out items will do, nobody knows.

    Use it when every model was run several times on every item. It fails where one answer an item is all there is, and
    where many items do not scale yet: the map from the others is then a guess, and the value moves with `radius`.

    >>> C = 10.0 ** np.arange(5)
    >>> easy, hard = (np.exp(-a * C**-0.4) for a in (0.5, 3.0))
    >>> rates = np.repeat(np.column_stack([easy, hard]), 20, axis=1)
    >>> found = ClusteringOnDifficulty(at=1e6, least=10, radius=0.1, chance=0.0).measure(rates, C)
    >>> round(found.value, 2), round(float(np.exp(-0.5 * 1e6**-0.4) + np.exp(-3 * 1e6**-0.4)) / 2, 2)
    (0.99, 0.99)
    """

    source = "xu2025unveiling"
    claims = ("growing_models",)
    at: float | None = None
    least: int = 10
    radius: float = 0.15
    chance: float = 0.0

    def measure(self, pass_rates: np.ndarray, compute: np.ndarray) -> Estimate:
        """The expected score on all items at compute `at`, with its interval; `n` counts the items extrapolated."""
        if len(np.unique(compute)) < 4 or compute.min() <= 0:
            raise ValueError(
                f"compute holds {len(np.unique(compute))} different amounts; a law needs four, above zero."
            )
        at = 2 * float(compute.max()) if self.at is None else self.at
        groups = self._clusters(pass_rates)
        tried = [(group, self._forecast(pass_rates[:, group].mean(axis=1), compute, at)) for group in groups]
        kept = [(group, found) for group, found in tried if found is not None]
        if not kept:
            raise ValueError(
                f"pass_rates hold no cluster of {self.least} items whose rate grows with compute: nothing can be "
                "extrapolated. Take a smaller `least`, a larger `radius` or more models."
            )
        members = np.concatenate([group for group, _ in kept])
        sizes = np.array([len(group) for group, _ in kept]) / len(members)
        ends = sizes @ np.array([found[:3] for _, found in kept])
        seen = pass_rates[:, members].mean(axis=1), pass_rates.mean(axis=1)
        maps = np.array([through_the_corners(*seen, ends), straight(*seen, ends)])
        value, low, high = float(maps[0, 0]), float(maps[:, 1].min()), float(maps[:, 2].max())
        return Estimate(value, min(low, value), max(high, value), len(members))

    def _clusters(self, pass_rates: np.ndarray) -> list[np.ndarray]:
        """Item numbers of every cluster that is large enough; those further than `radius` from all modes in none."""
        items = pass_rates.T.astype(np.float64)
        width = self.radius * len(pass_rates) ** 0.5
        centres = modes(items, width)
        apart = squares(items, centres)
        nearest = np.where(apart.min(axis=1) <= width**2, apart.argmin(axis=1), -1)
        groups = [np.flatnonzero(nearest == centre) for centre in range(len(centres))]
        return [group for group in groups if len(group) >= self.least]

    def _forecast(self, rates: np.ndarray, compute: np.ndarray, at: float) -> Estimate | None:
        """The cluster's rate at `at`, or None where it does not grow by a law."""
        order = np.argsort(compute)
        if rates[order[-1]] - rates[order[0]] < GROWTH or rates[order[-1]] <= self.chance + GROWTH:
            return None
        known = np.clip((rates - self.chance) / (1 - self.chance), EDGE, 1 - EDGE)
        surprise = -np.log(known)
        law = fitting_laws([compute.astype(np.float64)], [at], surprise, tied=True)
        found = grid_forecast(law.columns, law.at, surprise, law.prior)
        weights = np.exp(law.prior - law.prior.max())
        if (law.exponents[:, 0] * weights).sum() / weights.sum() < SLOW or found.value >= BOUND:
            return None
        value, high, low = (self.chance + (1 - self.chance) * float(np.exp(-max(part, 0.0))) for part in found[:3])
        return Estimate(value, low, high, len(rates))
