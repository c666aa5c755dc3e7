"""Neighbour order test: do near rows also stand near each other in the file?"""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.neighbours import nearest_neighbours

ENOUGH = 10  # shuffled orders with as large a gap, after which the p-value is settled: its error is a third of it


class NeighbourOrder(Measure):
    r"""Largest gap between how far apart in the file neighbours stand and how far apart any two rows stand.

    .. math:: D = \sup_t |F_{near}(t) - F_{all}(t)|, \qquad F_{all}(t) = \frac{t (2n - t - 1)}{n (n - 1)}

    with F_near the distribution of |i - j| over the `k` nearest neighbours j of every row i. The p-value shuffles the
    order of the rows while the neighbours stay, at most `permutations` times: it is settled once 10 orders had as large
    a gap (Besag and Clifford's sequential p-value, valid as it stands). The interval is D plus and minus its 90 % point
    under shuffling. Use it when rows are said to be exchangeable: sorted files, drift over time and autocorrelated rows
    all show. It fails when the order follows something the features do not hold, and duplicates side by side look like
    order: drop them first.

    After a call, `row_scores_` holds for every row how much closer than by chance its neighbours stand, from 0 to 1:
    high where the order is not random.

    >>> rows = np.arange(8.0)[:, None]  # in order: 12 of 16 neighbours stand 1 apart, 14 of 56 pairs do
    >>> estimate = NeighbourOrder(k=2, permutations=99, seed=1).measure(X=rows)
    >>> round(estimate.value, 3), estimate.pvalue
    (0.625, 0.01)
    """

    source = "cummings2023detecting"
    claims = ("sorted_by_class", "gradual_drift")
    blind = ("recombined_rows",)
    k: int = 10
    permutations: int = 200
    seed: int = 0

    def measure(self, X: np.ndarray | None = None, neighbours: np.ndarray | None = None) -> Estimate:
        """D with its band and permutation p-value; give `neighbours` where they are known already."""
        if X is None and neighbours is None:
            raise ValueError("NeighbourOrder needs X or neighbours: both are missing.")
        if neighbours is None:
            neighbours = nearest_neighbours(np.asarray(X), self.k, seed=self.seed).neighbours
        neighbours = neighbours[:, : self.k]
        n = len(neighbours)
        if n < 3:
            raise ValueError(f"X has {n} rows; expected at least 3 for an order to show.")
        rng = np.random.default_rng(self.seed)
        apart = np.arange(n)
        background = apart * (2 * n - apart - 1) / (n * (n - 1))
        observed = _largest_gap(np.arange(n), neighbours, background)
        shuffled: list[float] = []
        reached = 0
        while len(shuffled) < self.permutations and reached < ENOUGH:
            shuffled.append(_largest_gap(rng.permutation(n), neighbours, background))
            reached += shuffled[-1] >= observed - 1e-12
        self.row_scores_ = _row_scores(neighbours)
        band = float(np.quantile(shuffled, 0.9))
        pvalue = reached / len(shuffled) if reached == ENOUGH else (1 + reached) / (1 + len(shuffled))
        return Estimate(observed, max(0.0, observed - band), min(1.0, observed + band), n, pvalue)


def _largest_gap(place: np.ndarray, neighbours: np.ndarray, background: np.ndarray) -> float:
    """KS distance when row i stands at place[i]."""
    place = place.astype(np.int32)
    apart = np.abs(place[neighbours] - place[:, None])
    near = np.cumsum(np.bincount(apart.ravel(), minlength=len(background))) / apart.size
    return float(np.abs(near - background).max())


def _row_scores(neighbours: np.ndarray) -> np.ndarray:
    """(n,) one minus twice the mean rank of |i - j| among all other rows, clipped at 0; smoothed along the file."""
    n = len(neighbours)
    row = np.arange(n)[:, None]
    apart = np.abs(neighbours - row)
    nearer = np.minimum(apart - 1, row) + np.minimum(apart - 1, n - 1 - row)  # other rows that stand nearer
    same = 1 + ((row - apart >= 0) & (row + apart < n))
    rank = ((nearer + same / 2) / (n - 1)).mean(axis=1)
    width = max(1, min(n // 20, 50))
    total = np.cumsum(np.append(0.0, 1 - 2 * rank))
    start, stop = np.maximum(row[:, 0] - width, 0), np.minimum(row[:, 0] + width + 1, n)
    return np.clip((total[stop] - total[start]) / (stop - start), 0.0, 1.0)
