"""Columns cut into bins of equal weight, as histogram boosting cuts them, but all edges of a column in one pass.

scikit-learn (1.8 to 1.9 at least) sorts a column again for every edge where rows have weights: on 1,000 rows and 30
columns that is nine tenths of a fit. Columns that come as the codes of their bins have few values and are taken as
they are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

BINS = 255  # the most that histogram boosting makes, without the one for missing values
SAMPLED = 200_000  # rows from which on scikit-learn draws rows by weight and needs no weighted edges


class WeightedBins(NamedTuple):
    """Per column the edges between its bins, None where its values are taken as they are."""

    edges: tuple[np.ndarray | None, ...]

    def codes(self, X: np.ndarray) -> np.ndarray:
        """(n, d) the bin of every value, NaN where it is missing; values of columns without edges."""
        coded = np.array(X, dtype=np.float64)
        for place, edges in enumerate(self.edges):
            if edges is not None:
                known = ~np.isnan(coded[:, place])
                coded[known, place] = np.searchsorted(edges, coded[known, place], side="left")
        return coded


def weighted_bins(X: np.ndarray, weight: np.ndarray, is_categorical: np.ndarray) -> WeightedBins:
    """Bins of equal weight for every column of numbers with more than `BINS` values in rows that weigh something.

    >>> X = np.column_stack([np.arange(600.0), np.arange(600) % 3])
    >>> first, second = weighted_bins(X, np.repeat([1.0, 0.0], 300), np.array([False, False])).edges
    >>> first[[0, 1, -1]].tolist(), second  # an edge after each 300/255 of the weight, none among rows of weight 0
    ([1.0, 2.0, 298.0], None)
    """
    counted = weight > 0
    edges = [
        None if is_categorical[place] else _edges(X[counted, place], weight[counted]) for place in range(X.shape[1])
    ]
    return WeightedBins(tuple(edges))


def _edges(x: np.ndarray, weight: np.ndarray) -> np.ndarray | None:
    """The value at each share of the weight; the mean of two neighbours where a share ends between them."""
    known = ~np.isnan(x)
    order = np.argsort(x[known], kind="stable")
    x, weight = x[known][order], weight[known][order]
    if np.count_nonzero(np.diff(x)) < BINS:
        return None
    reached = np.cumsum(weight)
    wanted = np.linspace(0, 100, BINS + 1)[1:-1] / 100 * reached[-1]
    place = np.searchsorted(reached, wanted).clip(max=len(x) - 1)
    following = (place + 1).clip(max=len(x) - 1)
    ends_there = reached[place] - wanted <= np.finfo(np.float64).eps
    return np.unique(np.where(ends_there, (x[place] + x[following]) / 2, x[place]))
