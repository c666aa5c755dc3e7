"""Wrong labels whose rate and direction depend on the true class."""

from __future__ import annotations

import numpy as np

from holdfast.core import Fault
from holdfast.faults._classes import need_classes
from holdfast.faults._rows import column_of, need_share, rewrite, where
from holdfast.faults._tables import Tables, Truth


class ClassConditionalLabelNoise(Fault):
    r"""Training labels replaced with a rate and a direction that belong to their true class (noisy at random).

    .. math:: P(\tilde y = j \mid y = i) = \lambda T_{ij}, \quad j \ne i,

    with :math:`\lambda` such that a share s of all labels is wrong. Without a `transition`, class i is called by the
    name of the next one, the last by that of the first, and the i-th class errs i times as often as the first.

    Use it when one class is taken for another but not the other way round. It fails to stand for rows that are harder
    than others of their class: see `InstanceDependentLabelNoise`. A class all of whose labels are wrong errs no more.

    `transition` is a (k, k) table of non-negative relative rates, true classes down, given ones across, in sorted
    order; its diagonal is not looked at.

    >>> import polars as pl
    >>> train = pl.DataFrame({"x": range(12), "y": ["a"] * 6 + ["b"] * 6})
    >>> tables = Tables(train, None, "y", "binary", {"x": "number"})
    >>> noisy, truth = ClassConditionalLabelNoise().plant(tables, 0.25, np.random.default_rng(0))
    >>> sorted(truth.before)  # the second class errs twice as often
    ['a', 'b', 'b']
    >>> one_way = ClassConditionalLabelNoise(transition=((0, 1), (0, 0)))
    >>> sorted(one_way.plant(tables, 0.25, np.random.default_rng(0))[1].before)
    ['a', 'a', 'a']
    """

    source = "frenay2014classification"
    unit = "share of the training rows"
    strengths = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)
    silent = ("transition",)  # no law can guess one that fits: tested by the family
    transition: tuple[tuple[float, ...], ...] = ()

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        labels = need_classes(tables)
        rates = self._rates(labels.k)
        sizes = np.bincount(labels.train[labels.train >= 0], minlength=labels.k)
        wrong = apportion(round(need_share(strength) * len(labels.train)), sizes * rates.sum(axis=1), sizes)
        order, draws = rng.permutation(len(labels.train)), rng.random(len(labels.train))
        given = labels.train.copy()
        for true in np.flatnonzero(wrong):
            rows = order[labels.train[order] == true][: wrong[true]]
            edges = np.cumsum(rates[true]) / rates[true].sum()
            given[rows] = np.searchsorted(edges, draws[rows], side="right")
        target = str(tables.target)
        new = where(given != labels.train, labels.values(given), column_of(tables.train, target))
        return rewrite(tables, "train", target, new, "labels replaced, at a rate of their class")

    def _rates(self, k: int) -> np.ndarray:
        if not self.transition:
            return np.roll(np.diag(np.arange(1.0, k + 1)), 1, axis=1)
        rates = np.array(self.transition, dtype=float)
        if rates.shape != (k, k) or not np.isfinite(rates).all() or rates.min() < 0:
            raise ValueError(f"transition has shape {rates.shape}; expected ({k}, {k}) rates >= 0, one row a class.")
        np.fill_diagonal(rates, 0)
        if not rates.any():
            raise ValueError("transition has no rate off its diagonal: no label would be replaced.")
        return rates


def apportion(total: int, weights: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Whole numbers in proportion to `weights` that sum to `total`, or to all of `most` where that is less.

    >>> apportion(3, np.array([1.0, 2.0]), np.array([5, 5])), apportion(9, np.array([1.0, 2.0]), np.array([5, 3]))
    (array([1, 2]), array([5, 3]))
    """
    shares = np.zeros(len(weights))
    most = np.where(weights > 0, most, 0)
    for _ in weights:  # every round fills at least one class or spends all that is left
        free = shares < most
        left = total - shares.sum()
        if left <= 0 or not free.any():
            break
        shares = np.minimum(shares + np.where(free, left * weights / weights[free].sum(), 0), most)
    whole = np.floor(shares + 1e-9).astype(int)
    most_owed = np.argsort(-(shares - whole), kind="stable")[: round(shares.sum()) - whole.sum()]
    whole[most_owed] += 1
    return whole
