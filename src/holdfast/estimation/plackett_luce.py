"""Plackett-Luce aggregation of sparse, sample-level benchmarks."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.ranking import rank


class PlackettLuce(Measure):
    r"""How much stronger one model is than another, from measurements that never covered all models on all items.

    .. math:: P(i \text{ above } j \text{ on an item}) = \frac{e^{u_i}}{e^{u_i} + e^{u_j}}

    Every item turns its scores, of whatever metric, into an order of the models measured on it; the pairs of that order
    fit the utilities u of all models at once. The value is :math:`u_\text{second} - u_\text{first}`, the interval that
    of drawing other items, the p-value that of equal strength. `prior` adds that many wins and losses of every model
    against an average one. Use it where averages would compare models on different items: weak models are often
    measured on easy ones. It fails where no chain of shared items links two models, and where tasks ask for different
    skills: rank on a chosen subset then.

    >>> competitor, item = [0, 1, 0, 1, 0, 1, 0, 1], [0, 0, 1, 1, 2, 2, 3, 3]
    >>> score = [0, 1, 0, 1, 0, 1, 1, 0]  # the second wins three of four: log 3; a prior draws both to the middle
    >>> round(PlackettLuce(prior=0.0).measure(competitor, item, score).value, 3)
    1.099
    >>> round(PlackettLuce(first=1, second=0, prior=0.5).measure(competitor, item, score).value, 2)
    -0.95
    """

    source = "ghosh2025onebench"
    claims = ("sparse_benchmark",)
    first: int = 0
    second: int = 1
    prior: float = 0.1

    def measure(self, competitor: np.ndarray, item: np.ndarray, score: np.ndarray) -> Estimate:
        """The utility of model `second` above that of `first`, with its 90 % interval and p-value."""
        from scipy.special import stdtr, stdtrit

        known = np.unique(competitor)
        if not {self.first, self.second} <= set(known.tolist()) or self.first == self.second:
            raise ValueError(f"competitor holds no two models {self.first} and {self.second}; it holds {known[:20]}.")
        if self.prior < 0:
            raise ValueError(f"prior is {self.prior}; expected at least 0, or competitor utilities run away.")
        found = rank(competitor, item, score.astype(np.float64), self.prior)
        if found.items < 2:
            raise ValueError(f"score tells competitors apart on {found.items} item(s); an interval needs two.")
        value = float(found.utilities[self.second] - found.utilities[self.first])
        both = [self.first, self.second]
        part = found.covariance[np.ix_(both, both)]
        error = float(np.sqrt(max(part[0, 0] + part[1, 1] - 2 * part[0, 1], 0.0)))
        reach = float(stdtrit(found.items - 1, 0.95)) * error
        tiny = float(np.finfo(float).tiny)
        pvalue = 2 * float(stdtr(found.items - 1, -abs(value) / error)) if error > 0 else (1.0 if value == 0 else tiny)
        return Estimate(value, value - reach, value + reach, found.items, max(pvalue, tiny))
